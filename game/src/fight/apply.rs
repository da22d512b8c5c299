//! What others do to a ship, carried out on it.
//!
//! Reads the blow and the ship's own motion, changes the ship. The order of blows matters (a
//! shield that breaks lets the next volley through) and is the caller's: by source and sequence.
//!
//! Draws: an attempt to jam rolls [`crate::sensor::roll`] of jammer, target, beat and slot.

use super::{
    Act, Blow, Deed, EXTERNALS_MAX, External, Fighter, PARTICIPANTS_MAX, Participant,
    REMEMBERED_BEATS, Seat,
};
use crate::bound::smaller;
use crate::damage::{self, Layer};
use crate::missile::damage_factor;
use crate::timers::Deed as LawDeed;
use crate::{drain, repair, sensor};
use orrery_base::motion::velocity_to_m_per_s;
use orrery_base::{EntityId, Tick, math};

/// What came of a volley.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Taken {
    /// Hit points taken from shield, armour and hull.
    pub layers: [f64; 3],
    /// What the volley was multiplied by: zero is a miss, three wrecks.
    pub quality: f64,
}

/// What a blow has changed.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Outcome {
    /// It was a volley: what it took.
    pub taken: Option<Taken>,
    /// Something that the pilot is shown.
    pub is_changed: bool,
    /// What the ship can do.
    pub is_derived: bool,
    /// The hull is gone now, and was not before.
    pub is_destroyed: bool,
}

/// Carries out a blow of `source`. A ship that is lost feels nothing more.
pub fn apply(
    tick: Tick,
    seed: u64,
    seat: &Seat,
    fighter: &mut Fighter,
    source: EntityId,
    blow: &Blow,
) -> Outcome {
    let mut outcome = Outcome::default();
    if fighter.is_lost() {
        return outcome;
    }
    if blow.act.is_hostile() {
        let lengths = &super::TIMERS;
        fighter
            .timers
            .note(LawDeed::AttackedByPlayer, tick, true, lengths);
    }
    let signature_m = fighter.stats().signature_m;
    match &blow.act {
        Act::Strike { .. } => {
            outcome.taken = volley(tick, seat, fighter, blow);
            outcome.is_destroyed = fighter.is_lost();
        }
        Act::Repair {
            layer,
            amount,
            cycle_s,
            until,
        } => mend(
            tick,
            fighter,
            source,
            blow.by.slot,
            (*layer, *amount, *cycle_s, *until),
        ),
        Act::Charge(gj) => {
            fighter.capacitor.add(tick, *gj);
            outcome.is_changed = true;
        }
        Act::Drain {
            amount,
            resolution_m,
        } => {
            let asked = drain::neutralised(*amount, 1.0, signature_m, *resolution_m);
            let suffered = asked * fighter.stats().energy_resistance;
            fighter.capacitor.drain(tick, suffered);
            outcome.is_changed = true;
        }
        Act::Last { until, deed, .. } => {
            outcome.is_changed = true;
            let external = external(source, blow, *until, deed.clone());
            outcome.is_derived = put(fighter, external, tick);
        }
        Act::Jam {
            strengths,
            factor,
            until,
        } => {
            let (kind, strength) = sensor::strength(fighter.stats().sensors);
            let chance = sensor::jam_chance(strengths[kind as usize], *factor, strength);
            let module = u32::from(blow.by.slot);
            if sensor::roll(seed, tick, source, seat.id, module, chance) {
                put(fighter, external(source, blow, *until, Deed::Jam), tick);
                outcome.is_changed = true;
            }
        }
    }
    outcome
}

/// What a blow leaves on a ship.
const fn external(source: EntityId, blow: &Blow, until: Tick, deed: Deed) -> External {
    External {
        source,
        slot: blow.by.slot,
        until,
        deed,
    }
}

fn speed_m_per_s(seat: &Seat) -> f64 {
    let speed = math::length(seat.velocity.map(i64::from));
    velocity_to_m_per_s(i32::try_from(speed).unwrap_or(i32::MAX))
}

/// A volley; `None` if the blow is none.
fn volley(tick: Tick, seat: &Seat, fighter: &mut Fighter, blow: &Blow) -> Option<Taken> {
    let Act::Strike {
        volley,
        quality,
        warhead,
    } = &blow.act
    else {
        return None;
    };
    let signature_m = fighter.stats().signature_m;
    let factor = warhead.as_ref().map_or(*quality, |warhead| {
        damage_factor(warhead, speed_m_per_s(seat), signature_m)
    });
    Some(Taken {
        layers: strike(tick, fighter, blow, &damage::scaled(volley, factor)),
        quality: *quality,
    })
}

/// Damage; returns what the layers lost.
fn strike(tick: Tick, fighter: &mut Fighter, blow: &Blow, volley: &damage::Volley) -> [f64; 3] {
    let stats = std::sync::Arc::clone(fighter.stats());
    let left = [
        fighter.shield.value_at(tick),
        fighter.armour_hp,
        fighter.hull_hp,
    ];
    let layers = [0, 1, 2].map(|at| Layer {
        left: left[at],
        capacity: stats.hp[at],
        resonance: stats.resonance[at],
        leak_below: 0.0,
        leak: 0.0,
    });
    let result = damage::strike(volley, &layers);
    fighter.shield.drain(tick, result.taken[0]);
    fighter.armour_hp = result.left[1];
    fighter.hull_hp = result.left[2];
    let damage = result.taken.iter().sum();
    if damage > 0.0 {
        remember(tick, fighter, blow, damage);
        fighter.final_blow = blow.by.character;
    }
    result.taken
}

/// Writes down who did how much. Of more than the list holds, who did least is forgotten.
fn remember(tick: Tick, fighter: &mut Fighter, blow: &Blow, damage: f64) {
    let list = &mut fighter.participants;
    list.retain(|it| tick.since(it.last) <= REMEMBERED_BEATS);
    let known = list.iter_mut().find(|it| it.character == blow.by.character);
    if let Some(known) = known {
        known.damage += damage;
        known.last = tick;
        known.hull = blow.by.hull;
        return;
    }
    if list.len() >= PARTICIPANTS_MAX {
        let least = (0..list.len()).min_by(|&a, &b| {
            let by_damage = list[a].damage.total_cmp(&list[b].damage);
            by_damage.then(list[a].character.cmp(&list[b].character))
        });
        list.remove(least.expect("the list is full"));
    }
    let at = list.partition_point(|it| it.character < blow.by.character);
    let new = Participant {
        character: blow.by.character,
        hull: blow.by.hull,
        damage,
        last: tick,
    };
    list.insert(at, new);
}

/// A remote repair, with diminishing returns beside the others of its layer.
fn mend(
    tick: Tick,
    fighter: &mut Fighter,
    source: EntityId,
    slot: u8,
    (layer, amount, cycle_s, until): (u8, f64, f64, Tick),
) {
    let rate = repair::rate(amount, cycle_s);
    let external = External {
        source,
        slot,
        until,
        deed: Deed::Repair { layer, rate },
    };
    put(fighter, external, tick);
    let sum = fighter.externals.iter().fold(0.0, |sum, it| match it.deed {
        Deed::Repair { layer: of, rate } if of == layer => sum + rate,
        _ => sum,
    });
    let applied = repair::applied_per_cycle(amount, cycle_s, sum);
    let stats = std::sync::Arc::clone(fighter.stats());
    let applied = applied * stats.remote_repair_share;
    match layer {
        0 => {
            fighter.shield.add(tick, applied);
        }
        1 => fighter.armour_hp = smaller(fighter.armour_hp + applied, stats.hp[1]),
        _ => fighter.hull_hp = smaller(fighter.hull_hp + applied, stats.hp[2]),
    }
}

/// Puts what somebody does into the place of what the same module did before; says whether the
/// ship's values changed.
fn put(fighter: &mut Fighter, external: External, tick: Tick) -> bool {
    let key = (external.source, external.slot);
    let list = &mut fighter.externals;
    let is_change = |deed: &Deed| matches!(deed, Deed::Change(_));
    let changes;
    match list.binary_search_by_key(&key, |it| (it.source, it.slot)) {
        Ok(at) => {
            changes = list[at].deed != external.deed
                && (is_change(&list[at].deed) || is_change(&external.deed));
            list[at] = external;
        }
        Err(_) if list.len() >= EXTERNALS_MAX => return false,
        Err(at) => {
            changes = is_change(&external.deed);
            list.insert(at, external);
        }
    }
    if changes {
        fighter.change(tick);
    }
    changes
}
