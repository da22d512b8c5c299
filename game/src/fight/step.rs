//! One beat of one ship in a fight: locks, missiles and modules.
//!
//! Reads the ship and the contacts, changes the ship, and puts out what it does to others. Order:
//! what others did and is over ends; locks that cannot be are lost; missiles that are due arrive;
//! then module by module, in the order of the fit, cycles end and begin.
//!
//! Draws: a turret's shot draws [`turret::draw`] of its ship, beat and slot.

use super::command::{is_drive, reaches};
use super::{
    Act, Actor, Blow, Deed, FLIGHTS_MAX, Fighter, Flight, Seat, Sight, Sights, Work, beats,
    distance_m, slot_number,
};
use crate::content::{Aim, Content, Effect, Landing};
use crate::damage::LayerKind;
use crate::fitting::{ModuleState, ModuleStats, externals};
use crate::lock::{Situation, lost};
use crate::missile::{Warhead, flight_s, range_m};
use crate::timers::Deed as LawDeed;
use crate::turret::{Shot, angular_rad_per_s, draw, hit_chance, outcome};
use crate::{missile, range};
use orrery_base::{EntityId, Tick};
use std::sync::Arc;

/// What a beat has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stepped {
    /// Something that its pilot is shown: locks, modules, what others do.
    pub is_changed: bool,
    /// What the ship can do: its law of motion may be another.
    pub is_derived: bool,
}

/// The beat of the ship at hand.
struct Turn<'a, S: Sights> {
    tick: Tick,
    seed: u64,
    content: &'a Content,
    seat: &'a Seat,
    sights: &'a S,
    blows: &'a mut Vec<(EntityId, Blow)>,
}

/// One beat of a ship that is in space. What it does to others is appended to `blows`.
pub fn step(
    tick: Tick,
    seed: u64,
    content: &Content,
    seat: &Seat,
    fighter: &mut Fighter,
    sights: &impl Sights,
    blows: &mut Vec<(EntityId, Blow)>,
) -> Stepped {
    let mut stepped = Stepped::default();
    if fighter.is_lost() || fighter.is_calm() {
        return stepped;
    }
    let mut turn = Turn {
        tick,
        seed,
        content,
        seat,
        sights,
        blows,
    };
    turn.end_externals(fighter, &mut stepped);
    turn.lose_locks(fighter, &mut stepped);
    turn.land_missiles(fighter);
    let mut is_switched = false;
    for at in 0..fighter.modules.len() {
        let work = fighter.modules[at];
        if (work.is_busy() && work.end > tick) || (!work.is_busy() && !work.is_on) {
            continue;
        }
        stepped.is_changed = true;
        if work.is_busy() {
            turn.end_cycle(fighter, at);
        }
        if fighter.modules[at].is_on {
            turn.begin_cycle(fighter, at);
        }
        is_switched |= settle_state(fighter, at);
    }
    if is_switched {
        fighter.derive(content, tick);
        stepped.is_derived = true;
    }
    stepped
}

/// Brings the state of a module in the fit in line with its work; says whether it was not.
fn settle_state(fighter: &mut Fighter, at: usize) -> bool {
    let work = fighter.modules[at];
    let wanted = if work.is_busy() && !work.is_reloading {
        ModuleState::Active
    } else {
        ModuleState::Online
    };
    let fitted = fighter.fit.modules()[at];
    let effect = fighter.stats().modules[at].effect;
    let changes_values = effect.aim() == Aim::Own && effect.landing() == Landing::Whole;
    if !changes_values || fitted.state == wanted {
        return false;
    }
    if let Some(it) = Arc::make_mut(&mut fighter.fit).at_mut(fitted.slot) {
        it.state = wanted;
    }
    true
}

impl<S: Sights> Turn<'_, S> {
    fn end_externals(&self, fighter: &mut Fighter, stepped: &mut Stepped) {
        let before = fighter.externals.len();
        let mut changes = false;
        fighter.externals.retain(|it| {
            let goes_on = it.until > self.tick;
            changes |= !goes_on && matches!(it.deed, Deed::Change(_));
            goes_on
        });
        stepped.is_changed |= fighter.externals.len() != before;
        if changes {
            fighter.change(self.tick);
            stepped.is_derived = true;
        }
    }

    fn lose_locks(&self, fighter: &mut Fighter, stepped: &mut Stepped) {
        let mut locks = core::mem::take(&mut fighter.locks);
        let before = locks.len();
        locks.retain(|lock| {
            let sight = self.sights.sight(lock.target);
            let situation = Situation {
                is_present: sight.is_some(),
                is_jammed: fighter.is_jammed(),
                is_jammer: fighter.is_jammed_by(lock.target),
                distance_m: sight.map_or(0.0, |it| self.distance_m(&it)),
                range_m: fighter.stats().targeting_range_m,
                ..Situation::default()
            };
            lost(&situation).is_none()
        });
        let is_new = |it: &super::Lock| it.done == self.tick;
        stepped.is_changed |= locks.len() != before || locks.iter().any(is_new);
        fighter.locks = locks;
    }

    fn land_missiles(&mut self, fighter: &mut Fighter) {
        let tick = self.tick;
        let due = |it: &Flight| it.arrives <= tick;
        if !fighter.flights.iter().any(due) {
            return;
        }
        for flight in fighter.flights.iter().filter(|it| due(it)) {
            let act = Act::Strike {
                volley: flight.volley,
                quality: 1.0,
                warhead: Some(flight.warhead),
            };
            self.blow(flight.target, flight.slot, act);
        }
        fighter.flights.retain(|it| !due(it));
    }

    /// A cycle, or the loading of a module, is over.
    fn end_cycle(&mut self, fighter: &mut Fighter, at: usize) {
        let module = fighter.stats().modules[at].clone();
        let work = fighter.modules[at];
        fighter.modules[at].end = Tick(0);
        if work.is_reloading {
            fighter.modules[at].is_reloading = false;
            fighter.modules[at].charges = module.charge_max;
        } else {
            self.land_end(fighter, &module, &work);
        }
        if !work.is_on {
            fighter.modules[at].target = EntityId::NONE;
        }
    }

    /// Begins a cycle, or switches the module off if there can be none.
    fn begin_cycle(&mut self, fighter: &mut Fighter, at: usize) {
        let module = fighter.stats().modules[at].clone();
        let work = fighter.modules[at];
        let sight = self.sights.sight(work.target);
        let is_barred = match module.effect.aim() {
            Aim::Target => {
                let in_reach = sight.is_some_and(|it| reaches(&module, self.distance_m(&it)));
                !in_reach || !fighter.has_locked(work.target, self.tick)
            }
            _ => matches!(module.effect, Effect::MicrowarpDrive { .. }) && fighter.is_scrambled(),
        };
        if is_barred {
            return rest(&mut fighter.modules[at]);
        }
        if module.effect.needs_charge() && work.charges == 0 {
            let work = &mut fighter.modules[at];
            work.is_reloading = true;
            work.start = self.tick;
            work.end = self.tick.plus(beats(module.reload_s));
            return;
        }
        let cost = module.capacitor_gj;
        if fighter.capacitor.spend(self.tick, cost).is_err() {
            return rest(&mut fighter.modules[at]);
        }
        let is_kept = |charge| self.content.charge(charge).is_some_and(|it| it.is_kept);
        let is_used_up = module.charge.is_some_and(|(charge, _)| !is_kept(charge));
        let work = &mut fighter.modules[at];
        work.charges -= u32::from(is_used_up && work.charges > 0);
        work.start = self.tick;
        work.end = self.tick.plus(beats(module.cycle_s));
        let work = *work;
        match (module.effect.aim(), sight) {
            (Aim::Target, Some(sight)) => self.act_on(fighter, &module, &work, &sight),
            _ => {
                if let Effect::ShieldBooster { amount } = module.effect {
                    fighter.shield.add(self.tick, amount);
                }
            }
        }
    }

    /// What happens to a target at the start of a cycle.
    fn act_on(&mut self, fighter: &mut Fighter, module: &ModuleStats, work: &Work, sight: &Sight) {
        if module.effect.is_hostile() {
            let (tick, lengths) = (self.tick, &super::TIMERS);
            fighter
                .timers
                .note(LawDeed::AttackedPlayer, tick, true, lengths);
        }
        let slot = slot_number(module.slot);
        let distance = self.distance_m(sight);
        let factor = range::factor(distance, module.optimal_m, module.falloff_m);
        let until = work.end;
        let act = match module.effect {
            Effect::Turret { .. } => self.shot(module, slot, sight, distance),
            Effect::Launcher { .. } => {
                self.launch(fighter, module, work, distance);
                return;
            }
            Effect::RemoteShield { amount } => {
                repair(LayerKind::Shield, amount * factor, module, until)
            }
            Effect::RemoteCapacitor { amount } => Act::Charge(amount * factor),
            Effect::Neutraliser {
                amount,
                neutralised_signature_m,
            } => Act::Drain {
                amount: amount * factor,
                resolution_m: neutralised_signature_m,
            },
            Effect::Jammer {
                jam_gravimetric,
                jam_ladar,
                jam_magnetometric,
                jam_radar,
            } => Act::Jam {
                strengths: [jam_gravimetric, jam_ladar, jam_magnetometric, jam_radar],
                factor,
                until,
            },
            Effect::WarpDisruptor { strength } | Effect::WarpScrambler { strength } => {
                let scrambles = matches!(module.effect, Effect::WarpScrambler { .. });
                last(
                    until,
                    Deed::Disrupt {
                        strength,
                        scrambles,
                    },
                    true,
                )
            }
            effect => {
                let changes: Vec<_> = externals(&effect, factor).collect();
                if changes.is_empty() {
                    return;
                }
                last(until, Deed::Change(changes), effect.is_hostile())
            }
        };
        self.blow(work.target, slot, act);
    }

    /// What happens at the end of a cycle.
    fn land_end(&mut self, fighter: &mut Fighter, module: &ModuleStats, work: &Work) {
        let hp = fighter.stats().hp;
        let filled =
            |left: f64, amount: f64, whole: f64| crate::bound::smaller(left + amount, whole);
        let until = self.tick.plus(beats(module.cycle_s));
        let (layer, amount) = match module.effect {
            Effect::ArmourRepairer { amount } => {
                fighter.armour_hp = filled(fighter.armour_hp, amount, hp[1]);
                return;
            }
            Effect::HullRepairer { amount } => {
                fighter.hull_hp = filled(fighter.hull_hp, amount, hp[2]);
                return;
            }
            Effect::RemoteArmour { amount } => (LayerKind::Armour, amount),
            Effect::RemoteHull { amount } => (LayerKind::Hull, amount),
            _ => return,
        };
        if let Some(sight) = self.sights.sight(work.target) {
            let distance = self.distance_m(&sight);
            let factor = range::factor(distance, module.optimal_m, module.falloff_m);
            let act = repair(layer, amount * factor, module, until);
            self.blow(work.target, slot_number(module.slot), act);
        }
    }

    fn shot(&self, module: &ModuleStats, slot: u8, sight: &Sight, distance_m: f64) -> Act {
        let Effect::Turret {
            tracking_rad_per_s,
            signature_resolution_m,
            ..
        } = module.effect
        else {
            unreachable!("called for turrets");
        };
        let shot = Shot {
            angular_rad_per_s: angular_rad_per_s(
                self.seat.position_cm,
                self.seat.velocity,
                sight.position_cm,
                sight.velocity,
            ),
            tracking_rad_per_s,
            signature_resolution_m,
            signature_m: sight.signature_m,
            distance_m,
            optimal_m: module.optimal_m,
            falloff_m: module.falloff_m,
        };
        let drawn = draw(self.seed, self.tick, self.seat.id, slot);
        Act::Strike {
            volley: module.damage,
            quality: outcome(hit_chance(&shot), drawn).multiplier(),
            warhead: None,
        }
    }

    fn launch(&self, fighter: &mut Fighter, module: &ModuleStats, work: &Work, distance_m: f64) {
        let Some(flight) = &module.flight else {
            return;
        };
        let speed = flight.speed_m_per_s;
        let radius_m = f64::from(self.seat.radius_cm) / 100.0;
        let most_s = flight_s(flight.flight_s, radius_m, speed);
        // A missile that cannot come so far is lost.
        if distance_m > range_m(speed, 0.0, most_s) || fighter.flights.len() >= FLIGHTS_MAX {
            return;
        }
        let needs_s = crate::bound::ratio(distance_m, speed);
        let wait = u64::from(missile::flight_beats(needs_s)).max(1);
        fighter.flights.push(Flight {
            target: work.target,
            slot: slot_number(module.slot),
            arrives: self.tick.plus(wait),
            volley: module.damage,
            warhead: Warhead {
                explosion_radius_m: flight.explosion_radius_m,
                explosion_velocity_m_per_s: flight.explosion_velocity_m_per_s,
                reduction_exponent: flight.damage_reduction,
            },
        });
    }

    fn distance_m(&self, sight: &Sight) -> f64 {
        distance_m(self.seat.position_cm, self.seat.radius_cm, sight)
    }

    fn blow(&mut self, target: EntityId, slot: u8, act: Act) {
        let by = Actor {
            character: self.seat.character,
            hull: self.seat.hull,
            slot,
        };
        self.blows.push((target, Blow { by, act }));
    }
}

fn repair(layer: LayerKind, amount: f64, module: &ModuleStats, until: Tick) -> Act {
    Act::Repair {
        layer: layer as u8,
        amount,
        cycle_s: module.cycle_s,
        until,
    }
}

const fn last(until: Tick, deed: Deed, is_hostile: bool) -> Act {
    Act::Last {
        until,
        deed,
        is_hostile,
    }
}

/// The module stops.
const fn rest(work: &mut Work) {
    *work = Work::resting(work.charges);
}

/// A ship's drive burns.
#[must_use]
pub fn is_burning(fighter: &Fighter) -> bool {
    let modules = fighter.stats().modules.iter().zip(&fighter.modules);
    let mut drives = modules.filter(|(it, _)| is_drive(&it.effect));
    drives.any(|(_, work)| work.is_busy())
}
