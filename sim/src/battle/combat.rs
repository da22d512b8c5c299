//! Phase B: each ship chooses its course and its lock, and shoots, bursts or repairs.
//!
//! What a ship does depends on its own row and the frames alone: never on the order of rows or
//! of what an index finds, because everything found is either chosen by (key, id) or an effect
//! on a target of its own, and effects are sorted.

use std::sync::Arc;

use orrery_base::{EntityId, Slot};
use orrery_kernel::effects::EffectBuffer;
use orrery_kernel::part::Part;
use orrery_kernel::rules::BeatContext;

use super::frame::{BattleFrame, Field, Sight, Track};
use super::{
    BURST_CM, Battle, Effect, FULL_HULL, KM, Lock, RANGE_CM, Role, ShipColumns, aim, lineage_of,
    purpose, role_of, speed_of,
};

/// Slots drawn for a lock; if none of them will do, the next beat draws again.
const DRAWS: u32 = 6;
/// A ship looks for a new target at the latest after so many beats.
const LOCK_BEATS: u64 = 256;
/// Beats between two shots, bursts, repairs.
const SHOT_BEATS: u8 = 15;
const BURST_BEATS: u8 = 60;
const REPAIR_BEATS: u8 = 20;
const REPAIR: i32 = 90;
const BURST: i32 = 40;
/// Guns follow 1/so many radians per beat: 0.1 per second.
const TRACKING: i64 = 300;
const OPTIMAL_CM: i32 = 25 * KM;

/// Working memory.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Rows that an index has found.
    found: Vec<u32>,
    /// By row: whom the ship has locked, as far as still there.
    locked: Vec<Track>,
}

/// What a ship's decisions read and write besides its row.
struct Bridge<'a> {
    beat: &'a BeatContext<'a, Battle>,
    field: Field<'a>,
    found: &'a mut Vec<u32>,
    effects: &'a mut EffectBuffer<Effect>,
}

pub(super) fn interact(
    beat: &BeatContext<'_, Battle>,
    part: &mut Part<Battle>,
    frames: &[Arc<BattleFrame>],
    effects: &mut EffectBuffer<Effect>,
) {
    let own = part.index();
    let (ids, ships) = part.table.split_mut();
    let Scratch { found, locked } = &mut part.scratch;
    // All at once: most of these are misses of the cache, and in a short loop they overlap.
    let field = Field::new(frames);
    field.warm(own);
    locked.clear();
    let tracks = ships.lock.iter().map(|lock| field.track(*lock));
    locked.extend(tracks.map(|track| track.unwrap_or(Track::NONE)));
    let mut bridge = Bridge {
        beat,
        field,
        found,
        effects,
    };
    for (row, (id, locked)) in ids.iter().zip(locked).enumerate() {
        if ships.killer[row].is_some() {
            let fell = Effect::Fell(ships.killer[row]);
            bridge.effects.emit(*id, EntityId::NONE, fell);
            ships.killer[row] = EntityId::NONE;
        }
        let target = bridge.target(*id, ships, row, locked);
        if ships.hold[row] > 0 {
            ships.hold[row] -= 1;
        } else if let Some(target) = target {
            let lineage = lineage_of(*id);
            // 3 to 12 km.
            let orbit = 3 * KM + (lineage % 10) as i32 * KM;
            let (from, to) = (ships.position(row), target.position);
            let course = aim::orbit(from, to, orbit, speed_of(*id), lineage / 10);
            ships.set_course(row, course);
        }
        if ships.cooldown[row] > 0 {
            ships.cooldown[row] -= 1;
        } else if let Some(target) = target {
            bridge.fire(*id, ships, row, &target);
        }
    }
}

impl Bridge<'_> {
    /// The target of a ship: the one that it has locked, or a new one.
    fn target(
        &mut self,
        id: EntityId,
        ships: &mut ShipColumns,
        row: usize,
        locked: &Track,
    ) -> Option<Track> {
        let is_tired = self.beat.tick.is_every(LOCK_BEATS, lineage_of(id));
        if locked.id.is_some() && !is_tired {
            return Some(*locked);
        }
        let fleet = ships.fleet[row];
        let target = if role_of(id) == Role::Mender {
            self.worst_of_some_allies(id, fleet)
        } else if lineage_of(id).is_multiple_of(2) {
            let nearest = self.nearest_enemy(ships.position(row), fleet);
            nearest.or_else(|| self.drawn_enemy(id, fleet))
        } else {
            self.drawn_enemy(id, fleet)
        };
        ships.lock[row] = target.map_or(Lock::NONE, |target| target.lock);
        if let Some(target) = target {
            self.effects.emit(id, target.lock.id, Effect::Mark);
        }
        target.map(|target| target.track())
    }

    fn drawn(&self, id: EntityId) -> impl Iterator<Item = Sight> {
        let mut rng = self.beat.rng(id, purpose::LOCK);
        let field = self.field;
        // A ship that decides is in a frame, so there is a slot.
        let bound = field.slot_bound();
        (0..DRAWS).filter_map(move |_| field.at(Slot(rng.below(bound))))
    }

    fn drawn_enemy(&self, id: EntityId, fleet: u8) -> Option<Sight> {
        self.drawn(id).find(|other| other.fleet != fleet)
    }

    fn worst_of_some_allies(&self, id: EntityId, fleet: u8) -> Option<Sight> {
        let allies = self.drawn(id);
        let allies = allies.filter(|other| other.fleet == fleet && other.lock.id != id);
        allies.min_by_key(|other| (other.hull, other.lock.id))
    }

    fn nearest_enemy(&mut self, from: [i32; 3], fleet: u8) -> Option<Sight> {
        let mut nearest: Option<(i64, EntityId, &Sight)> = None;
        let field = self.field;
        field.around(from, BURST_CM, self.found, |sight| {
            if sight.fleet == fleet {
                return;
            }
            let [x, y, z] = orrery_base::math::difference(sight.position, from);
            let (key, id) = (x * x + y * y + z * z, sight.lock.id);
            if nearest.is_none_or(|(least, first, _)| (key, id) < (least, first)) {
                nearest = Some((key, id, sight));
            }
        });
        nearest.map(|(_, _, sight)| *sight)
    }

    /// Shoots, bursts or repairs.
    fn fire(&mut self, id: EntityId, ships: &mut ShipColumns, row: usize, target: &Track) {
        ships.cooldown[row] = match role_of(id) {
            Role::Gunner => {
                self.shoot(id, ships, row, target);
                SHOT_BEATS + (lineage_of(id) % 8) as u8
            }
            Role::Bomber => {
                self.shoot(id, ships, row, target);
                self.burst(id, ships.position(row));
                BURST_BEATS
            }
            Role::Mender => {
                let ally = self.field.at(ships.lock[row].slot);
                if ally.is_some_and(|ally| ally.hull < FULL_HULL) {
                    self.effects.emit(id, target.id, Effect::Repair(REPAIR));
                }
                ships.lock[row] = Lock::NONE;
                REPAIR_BEATS
            }
        };
    }

    fn shoot(&mut self, id: EntityId, ships: &ShipColumns, row: usize, target: &Track) {
        let (own, other) = (ships.velocity(row), target.velocity);
        let velocity = [0, 1, 2].map(|axis| i64::from(other[axis]) - i64::from(own[axis]));
        let (from, to) = (ships.position(row), target.position);
        let ranges = [OPTIMAL_CM, RANGE_CM];
        let chance = aim::chance(from, to, velocity, TRACKING, ranges);
        let mut rng = self.beat.rng(id, purpose::SHOT);
        if rng.below(aim::CERTAIN) < chance {
            let damage = 40 + rng.below(60) as i32;
            self.effects.emit(id, target.id, Effect::Hit(damage));
        }
    }

    /// Hits everyone around, friend or foe.
    fn burst(&mut self, id: EntityId, from: [i32; 3]) {
        let (field, effects) = (self.field, &mut *self.effects);
        field.around(from, BURST_CM, self.found, |sight| {
            if sight.lock.id != id {
                effects.emit(id, sight.lock.id, Effect::Hit(BURST));
            }
        });
    }
}
