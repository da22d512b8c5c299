//! The fight on a grid: the join of [`orrery_game::fight`] and the kernel. docs/mechanics.md#combat
//!
//! Phase B: every ship in space is stepped; what it does to others becomes [`Effect::Blow`]. A ship
//! whose hull went in the beat before says so to the grid ([`Effect::Death`]). Phase C: deaths,
//! then blows in canonical order, then what clients are told.
//!
//! **Invariants**
//! - A row's fighter is changed by its own part only; blows reach it in the order
//!   (target, source, sequence).
//! - A ship dies once: its row becomes a trace in the beat in which its pod comes into being.

mod claims;
pub mod codec;
pub mod death;
pub mod kill;
pub mod told;

use orrery_base::columns::columns;
use orrery_base::command::RejectCode;
use orrery_base::{CharacterId, ClientId, EntityId, ShardIndex, Tick};
use orrery_game::columns::{Kind, activity};
use orrery_game::content::Content;
use orrery_game::fight::{self, Blow, Fighter, Seat};
use orrery_game::order::Intent;
use orrery_kernel::effects::{EffectBuffer, TargetedEffect};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Output};
use orrery_proto::message::combat::Hit;

use super::columns::{NO_CLIENT, Presence, SpaceColumns, SpaceRow};
use super::frame::FrameContacts;
use super::input::{Event, EventKind};
use super::{Effect, Space};

/// The most clients of attackers that a row remembers, to be told of a kill.
const ATTACKERS_MAX: usize = 32;

columns! {
    /// What fights, one `Vec` per field.
    pub struct FightColumns;
    /// What is fought with and against. Stations and gates have the default: nothing.
    #[derive(Default)]
    pub struct Fight {
        /// The ship as it fights.
        pub fighter: Option<Box<Fighter>>,
        /// The clients of those who hurt it, by character.
        pub attackers: Vec<(CharacterId, ClientId, ShardIndex)>,
        /// The beat in which it was destroyed, zero if it was not.
        pub died: u64,
        /// A wreck's: the beat from which it is gone. Else zero.
        pub expires: u64,
    }
}

impl FightColumns {
    /// The signature of a row, metres; zero for what does not fight.
    #[must_use]
    pub fn signature_m(&self, row: usize) -> f64 {
        let fighter = self.fighter[row].as_ref();
        fighter.map_or(0.0, |it| it.stats().signature_m)
    }
}

/// State of a grid that is no entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FightLocal {
    /// The serial of the entity that was spawned last.
    pub serial: u64,
}

/// A part's working memory for the fight, within one beat.
#[derive(Debug, Default)]
pub struct FightScratch {
    /// Ships whose hulls were gone when the beat began.
    pub dying: Vec<EntityId>,
    /// Ships whose pilots are to be shown what their ship is doing.
    pub changed: Vec<EntityId>,
    blows: Vec<(EntityId, Blow)>,
}

impl FightScratch {
    /// Forgets the last beat.
    pub fn begin_beat(&mut self) {
        self.dying.clear();
        self.changed.clear();
    }
}

impl Fight {
    /// The fight of a fresh ship of a hull; nothing if the content has no such hull.
    #[must_use]
    pub fn of_ship(
        context: &super::context::SpaceContext,
        row: &orrery_game::columns::Ship,
        tick: Tick,
    ) -> Self {
        let vitals = [row.shield, row.armour, row.hull];
        let fighter = context.loadouts.fighter(row.type_id, tick);
        Self {
            fighter: fighter.map(|mut fighter| {
                fighter.set_vitals(vitals, tick);
                Box::new(fighter)
            }),
            ..Self::default()
        }
    }

    /// Derives what the bytes of a row do not hold; `false` if the content has no such hull.
    #[must_use]
    pub fn derive(&mut self, content: &Content, tick: Tick) -> bool {
        match &mut self.fighter {
            Some(fighter) => fighter.derive(content, tick),
            None => true,
        }
    }
}

/// Where a row's ship is, and who flies it.
fn seat(id: EntityId, columns: &SpaceColumns, row: usize, content: &Content) -> Seat {
    let ship = &columns.ship;
    Seat {
        id,
        character: ship.owner[row],
        hull: ship.type_id[row],
        position_cm: ship.position_cm(row),
        velocity: ship.velocity(row),
        radius_cm: content.radius_cm(ship.type_id[row]),
    }
}

/// Gives a row the law of motion that its fighter has now, from the step of `first_step` on.
/// Nothing changes where it is the same.
pub fn settle_law(columns: &mut SpaceColumns, row: usize, first_step: Tick) {
    let Some(fighter) = &columns.fight.fighter[row] else {
        return;
    };
    let law = fighter.stats().law;
    let burning = if fight::is_burning(fighter) {
        activity::AFTERBURNER
    } else {
        0
    };
    let ship = &mut columns.ship;
    if (ship.response[row], ship.max_speed[row]) != (law.response, law.max_speed) {
        ship.response[row] = law.response;
        ship.max_speed[row] = law.max_speed;
        ship.order_tick[row] = first_step.0;
        ship.law_tick[row] = first_step.0;
    }
    if ship.activity[row] & activity::AFTERBURNER != burning {
        ship.activity[row] ^= activity::AFTERBURNER;
        ship.state_tick[row] = first_step.0;
    }
}

/// Leaves the fight, for whoever docks or jumps.
pub fn disengage(columns: &mut SpaceColumns, row: usize, content: &Content, tick: Tick) {
    if let Some(fighter) = &mut columns.fight.fighter[row] {
        fighter.disengage(content, tick);
    }
    settle_law(columns, row, tick.next());
}

/// Whether the row's ship is there to be commanded.
///
/// # Errors
/// It is lost.
pub fn is_alive(columns: &SpaceColumns, row: usize) -> Result<(), RejectCode> {
    match &columns.fight.fighter[row] {
        Some(fighter) if fighter.is_lost() => Err(RejectCode::ShipLost),
        _ => Ok(()),
    }
}

/// Whether the row's ship may dock or jump.
///
/// # Errors
/// It is lost, or its weapons are hot.
pub fn may_leave(columns: &SpaceColumns, row: usize, tick: Tick) -> Result<(), RejectCode> {
    is_alive(columns, row)?;
    match &columns.fight.fighter[row] {
        Some(fighter) if !fighter.timers.may_leave_space(tick) => Err(RejectCode::WeaponsHot),
        _ => Ok(()),
    }
}

/// Whether a ship whose client is gone stays in space because of a fight.
#[must_use]
pub fn keeps_ship(columns: &SpaceColumns, row: usize, tick: Tick) -> bool {
    let fighter = columns.fight.fighter[row].as_ref();
    fighter.is_some_and(|it| it.is_lost() || it.timers.keeps_ship(tick))
}

/// Carries out a command about the fight on the ship's own row, in phase B.
///
/// # Errors
/// As the functions of [`orrery_game::fight`] say.
pub fn command(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    contacts: &FrameContacts<'_>,
    ship: EntityId,
    intent: Intent,
) -> Result<(), RejectCode> {
    let row = part.table.row_of(ship).ok_or(RejectCode::NotPresent)?;
    let content = &beat.context.content;
    let columns = part.table.columns_mut();
    let seat = seat(ship, columns, row, content);
    let fighter = columns.fight.fighter[row].as_mut();
    let fighter = fighter.ok_or(RejectCode::NoModule)?;
    let tick = beat.tick;
    match intent {
        Intent::Lock { target } => fight::lock(tick, &seat, fighter, target, contacts)?,
        Intent::Unlock { target } => fight::unlock(fighter, target)?,
        Intent::Activate { slot, target } => {
            fight::activate(tick, &seat, fighter, content, slot, target, contacts)?;
        }
        Intent::Deactivate { slot } => fight::deactivate(fighter, slot)?,
        Intent::Afterburner { on } => fight::afterburner(tick, &seat, fighter, content, on)?,
        _ => {}
    }
    part.scratch.fight.changed.push(ship);
    Ok(())
}

/// Phase B: one beat of every ship in space.
pub fn interact(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    contacts: &FrameContacts<'_>,
    effects: &mut EffectBuffer<Effect>,
) {
    let content = &beat.context.content;
    let mut scratch = core::mem::take(&mut part.scratch.fight);
    let (ids, columns) = part.table.split_mut();
    for (row, &id) in ids.iter().enumerate() {
        if columns.presence(row) != Presence::InSpace {
            continue;
        }
        let seat = seat(id, columns, row, content);
        let Some(fighter) = &mut columns.fight.fighter[row] else {
            continue;
        };
        if fighter.is_lost() {
            scratch.dying.push(id);
            let is_pod = is_capsule(content, &seat);
            if !is_pod {
                let row = Box::new(orrery_base::columns::Columns::row(columns, row));
                effects.emit(id, EntityId::NONE, Effect::Death(row));
            }
            continue;
        }
        let stepped = fight::step(
            beat.tick,
            beat.seed,
            content,
            &seat,
            fighter,
            contacts,
            &mut scratch.blows,
        );
        if stepped.is_changed || stepped.is_derived {
            scratch.changed.push(id);
        }
        let (client, edge) = (columns.pilot.client[row], columns.pilot.edge[row]);
        for (target, blow) in scratch.blows.drain(..) {
            effects.emit(id, target, Effect::Blow { client, edge, blow });
        }
        if stepped.is_derived {
            settle_law(columns, row, beat.tick.next());
            // The order's target velocity follows the new speed at once.
            columns.ship.order_tick[row] = beat.tick.0;
        }
    }
    part.scratch.fight = scratch;
}

fn is_capsule(content: &Content, seat: &Seat) -> bool {
    let hull = content.ship(seat.hull);
    hull.is_some_and(|it| it.systems.is_capsule)
}

/// Phase C: deaths, blows, and what clients see of them.
pub fn apply(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    effects: &[TargetedEffect<Effect>],
    out: &mut Output<Space>,
) {
    for effect in effects {
        if let Effect::Death(row) = &effect.effect {
            death::settle(beat, part, out, effect.source, row);
        }
    }
    for same_target in effects.chunk_by(|a, b| a.target == b.target) {
        let is_blow = |it: &TargetedEffect<Effect>| matches!(it.effect, Effect::Blow { .. });
        if same_target.iter().any(is_blow) {
            suffer(beat, part, same_target, out);
        }
    }
    death::bury(beat, part, out);
    settle_rows(beat, part, out);
    told::statuses(beat, part, out);
}

/// All blows of a beat on one ship.
fn suffer(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    effects: &[TargetedEffect<Effect>],
    out: &mut Output<Space>,
) {
    let target = effects[0].target;
    let Some(row) = part.table.row_of(target) else {
        return;
    };
    let columns = part.table.columns_mut();
    if columns.presence(row) != Presence::InSpace {
        return;
    }
    let seat = seat(target, columns, row, &beat.context.content);
    let (mut is_changed, mut is_derived) = (false, false);
    let mut taken: Vec<Hit> = Vec::new();
    for same_source in effects.chunk_by(|a, b| a.source == b.source) {
        let mut dealt: Vec<Hit> = Vec::new();
        let mut sender = (NO_CLIENT, ShardIndex(0));
        for effect in same_source {
            let Effect::Blow { client, edge, blow } = &effect.effect else {
                continue;
            };
            let Some(fighter) = &mut columns.fight.fighter[row] else {
                continue;
            };
            sender = (*client, *edge);
            let source = effect.source;
            let outcome = fight::apply(beat.tick, beat.seed, &seat, fighter, source, blow);
            is_changed |= outcome.is_changed;
            is_derived |= outcome.is_derived;
            if let Some(result) = outcome.taken {
                let attackers = &mut columns.fight.attackers[row];
                note_attacker(attackers, (blow.by.character, *client, *edge));
                dealt.push(told::hit(target, true, blow.by.slot, &result));
                taken.push(told::hit(source, false, blow.by.slot, &result));
            }
        }
        told::damage(beat, out, target, sender, dealt);
    }
    let own = (columns.pilot.client[row], columns.pilot.edge[row]);
    told::damage(beat, out, target, own, taken);
    if is_derived {
        settle_law(columns, row, beat.tick.next());
    }
    if is_changed || is_derived {
        part.scratch.fight.changed.push(target);
    }
}

fn note_attacker(
    attackers: &mut Vec<(CharacterId, ClientId, ShardIndex)>,
    new: (CharacterId, ClientId, ShardIndex),
) {
    match attackers.binary_search_by_key(&new.0, |it| it.0) {
        Ok(at) => attackers[at] = new,
        Err(at) if attackers.len() < ATTACKERS_MAX => attackers.insert(at, new),
        Err(_) => {}
    }
}

/// Vitals follow the layers; wrecks whose time is over are gone.
fn settle_rows(beat: &BeatContext<'_, Space>, part: &mut Part<Space>, out: &mut Output<Space>) {
    let mut gone = Vec::new();
    let (ids, columns) = part.table.split_mut();
    for (row, &id) in ids.iter().enumerate() {
        if columns.ship.kind[row] == Kind::Wreck as u8 {
            if columns.fight.expires[row] <= beat.tick.0 {
                gone.push(id);
            }
            continue;
        }
        let Some(fighter) = &columns.fight.fighter[row] else {
            continue;
        };
        if columns.presence(row) == Presence::Trace {
            continue;
        }
        let vitals = fighter.vitals(beat.tick);
        let ship = &mut columns.ship;
        if [ship.shield[row], ship.armour[row], ship.hull[row]] != vitals {
            [ship.shield[row], ship.armour[row], ship.hull[row]] = vitals;
            ship.state_tick[row] = beat.tick.next().0;
        }
    }
    for id in gone {
        let reason = orrery_proto::message::DepartureReason::Unspecified;
        part.despawn(id, reason as u8);
        claims::abandoned(beat, out, id);
    }
}

/// Tells a client something in the name of an entity of this part.
fn tell(
    beat: &BeatContext<'_, Space>,
    out: &mut Output<Space>,
    source: EntityId,
    (client, edge): (ClientId, ShardIndex),
    kind: EventKind,
) {
    if client != NO_CLIENT {
        let tick = beat.tick;
        out.event(
            source,
            Event {
                client,
                edge,
                tick,
                kind,
            },
        );
    }
}

/// A row on its way to another grid: what is derived there anew is left out.
pub fn strip(row: &mut SpaceRow) {
    if let Some(fighter) = &mut row.fight.fighter {
        fighter.derived = None;
    }
}
