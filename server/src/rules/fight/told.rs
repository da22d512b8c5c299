//! What clients are told of a fight: the state of their own ship when it changed, and volleys.

use orrery_base::{ClientId, EntityId, ShardIndex, Tick, TypeId};
use orrery_game::fight::{Fighter, Taken, slot_number};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Output};
use orrery_proto::message::ServerMessage;
use orrery_proto::message::combat::{HITS_MAX, Hit, LockState, ModuleStatus};

use super::super::Space;
use super::super::columns::{NO_CLIENT, Presence};
use super::super::input::EventKind;
use super::tell;

/// Flag of a module that is switched on.
const IS_ON: u8 = 1;
/// Flag of a module that is loading.
const IS_RELOADING: u8 = 2;

/// A volley as the wire has it.
pub(super) fn hit(other: EntityId, is_dealt: bool, slot: u8, taken: &Taken) -> Hit {
    let [shield, armour, hull] = taken.layers.map(|hp| (hp * 10.0) as u32);
    Hit {
        other,
        is_dealt,
        slot,
        shield,
        armour,
        hull,
        quality: (taken.quality * 1_000.0) as u16,
    }
}

/// Tells one client of the volleys of a beat.
pub(super) fn damage(
    beat: &BeatContext<'_, Space>,
    out: &mut Output<Space>,
    source: EntityId,
    client: (ClientId, ShardIndex),
    hits: Vec<Hit>,
) {
    for hits in hits.chunks(HITS_MAX) {
        let message = ServerMessage::Damage {
            tick: beat.tick,
            hits: hits.to_vec(),
        };
        tell(
            beat,
            out,
            source,
            client,
            EventKind::Tell(Box::new(message)),
        );
    }
}

/// Tells the pilots of ships that changed, and of those that have just come, what their ship is
/// doing.
pub(super) fn statuses(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
) {
    let mut changed = core::mem::take(&mut part.scratch.fight.changed);
    changed.sort_unstable();
    let columns = part.table.columns();
    for (row, &id) in part.table.ids().iter().enumerate() {
        let client = (columns.pilot.client[row], columns.pilot.edge[row]);
        if client.0 == NO_CLIENT || columns.presence(row) != Presence::InSpace {
            continue;
        }
        let has_come = columns.pilot.since[row] == beat.tick.0;
        if !has_come && changed.binary_search(&id).is_err() {
            continue;
        }
        if let Some(fighter) = &columns.fight.fighter[row] {
            let message = Box::new(status(beat.tick, fighter));
            tell(beat, out, id, client, EventKind::Tell(message));
        }
    }
    part.scratch.fight.changed = changed;
}

/// The state of a ship as its pilot is told.
#[must_use]
pub fn status(tick: Tick, fighter: &Fighter) -> ServerMessage {
    let stats = fighter.stats();
    let milli = |amount: f64| (amount * 1_000.0) as u64;
    let (capacitor_tick, capacitor, most, tau_s) = fighter.capacitor.parts();
    let locks = fighter.locks.iter().map(|it| LockState {
        target: it.target,
        since: it.since,
        done: it.done,
    });
    let modules = stats.modules.iter().zip(&fighter.modules);
    let modules = modules.map(|(module, work)| ModuleStatus {
        slot: slot_number(module.slot),
        module: module.module,
        charge: module.charge.map_or(TypeId(0), |it| it.0),
        charges: work.charges,
        flags: if work.is_on { IS_ON } else { 0 }
            | if work.is_reloading { IS_RELOADING } else { 0 },
        target: work.target.is_some().then_some(work.target),
        start: work.start,
        end: work.end,
    });
    ServerMessage::ShipStatus {
        tick,
        capacitor_tick,
        capacitor: milli(capacitor),
        capacitor_most: milli(most),
        capacitor_tau_ms: if tau_s.is_finite() {
            milli(tau_s) as u32
        } else {
            0
        },
        max_speed: stats.law.max_speed as u32,
        disruption: milli(fighter.disruption()) as u32,
        is_jammed: fighter.is_jammed(),
        locks: locks.collect(),
        modules: modules.collect(),
    }
}
