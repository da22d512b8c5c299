//! What is done to a ship: orders and arrivals in `gather`, effects, deaths and departures in
//! `apply`.

use orrery_base::columns::Columns;
use orrery_base::digest::mix;
use orrery_base::{EntityId, GridId};
use orrery_kernel::effects::TargetedEffect;
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Envelope, Output, Stamped, Write};

use super::{
    Battle, BattleEvent, Crossing, Effect, FULL_HULL, Lock, OBITUARIES, Order, fresh_ship,
    lineage_of, next_life, quantised, reason, speed_of,
};

/// Beats for which a pilot's course holds.
const HOLD_BEATS: u8 = 30;

pub(super) fn gather(
    part: &mut Part<Battle>,
    inputs: &[Stamped<Order>],
    arrivals: &[Envelope<Crossing>],
    out: &mut Output<Battle>,
) {
    for stamped in inputs {
        take_order(part, stamped.input);
    }
    for envelope in arrivals {
        let Crossing::Arrive(id, ship) = envelope.message;
        part.spawn(id, ship);
        out.event(id, BattleEvent::Arrived(id, envelope.from));
    }
}

fn take_order(part: &mut Part<Battle>, order: Order) {
    let (Order::Steer(id, _) | Order::Lock(id, _) | Order::Jump(id, _)) = order;
    let Some(row) = part.table.row_of(id) else {
        return;
    };
    let ships = part.table.columns_mut();
    match order {
        Order::Steer(_, to) => {
            let share = speed_of(id) / 128;
            ships.set_course(row, to.map(|axis| quantised(i32::from(axis) * share)));
            ships.hold[row] = HOLD_BEATS;
        }
        Order::Lock(_, lock) if lock.id != id => ships.lock[row] = lock,
        Order::Lock(..) => {}
        Order::Jump(_, to) => ships.jump[row] = to.0 + 1,
    }
}

pub(super) fn apply(
    beat: &BeatContext<'_, Battle>,
    part: &mut Part<Battle>,
    effects: &[TargetedEffect<Effect>],
    out: &mut Output<Battle>,
) {
    for effect in effects {
        if effect.target.is_some() {
            suffer(beat, part, effect, out);
        } else if let Effect::Fell(killer) = effect.effect {
            let local = part.local_mut();
            local.kills += 1;
            local.mark = mix(local.mark ^ effect.source.0 ^ killer.0.rotate_left(29));
        }
    }
    for row in 0..part.table.len() {
        let ships = part.table.columns();
        // The dead go nowhere: their next life is asked for already.
        if ships.jump[row] != 0 && ships.hull[row] > 0 {
            leave(part, row, out);
        }
    }
}

/// One effect on one ship. One that has died in this beat suffers no more.
fn suffer(
    beat: &BeatContext<'_, Battle>,
    part: &mut Part<Battle>,
    effect: &TargetedEffect<Effect>,
    out: &mut Output<Battle>,
) {
    let (id, source) = (effect.target, effect.source);
    let Some(row) = part.table.row_of(id) else {
        return;
    };
    let ships = part.table.columns_mut();
    let hull = ships.hull[row];
    if hull <= 0 {
        return;
    }
    let word = match effect.effect {
        Effect::Hit(damage) => {
            ships.hull[row] = hull - damage;
            out.event(id, BattleEvent::Shot(id, source, damage));
            damage
        }
        Effect::Repair(amount) => {
            let given = amount.min(FULL_HULL - hull);
            ships.hull[row] = hull + given;
            out.event(id, BattleEvent::Repaired(id, source, given));
            -given
        }
        Effect::Mark | Effect::Fell(_) => 0,
    };
    let word = u64::from(word as u32) | u64::from(effect.sequence) << 32;
    ships.mark[row] = mix(ships.mark[row] ^ word ^ source.0.rotate_left(17));
    if ships.hull[row] <= 0 {
        let (fleet, mark) = (ships.fleet[row], ships.mark[row]);
        let next = next_life(id);
        let mut ship = fresh_ship(beat, next, fleet);
        (ship.killer, ship.mark) = (source, mark);
        out.event(id, BattleEvent::Killed(id, source));
        out.write(id, obituary(id, source));
        part.despawn(id, reason::DIED);
        part.spawn(next, ship);
    }
}

/// The row of a lineage: its last death.
fn obituary(id: EntityId, killer: EntityId) -> Write {
    let value = [id.0.to_le_bytes(), killer.0.to_le_bytes()].concat();
    Write {
        domain: OBITUARIES,
        key: lineage_of(id).to_be_bytes().to_vec(),
        value: Some(value),
    }
}

/// A ship sets out for another grid, where slots are others: it arrives without a lock.
fn leave(part: &mut Part<Battle>, row: usize, out: &mut Output<Battle>) {
    let id: EntityId = part.table.ids()[row];
    let mut ship = part.table.columns().row(row);
    let to = GridId(ship.jump - 1);
    (ship.jump, ship.lock) = (0, Lock::NONE);
    out.message(id, to, Crossing::Arrive(id, ship));
    out.event(id, BattleEvent::Jumped(id, to));
    part.despawn(id, reason::JUMPED);
}
