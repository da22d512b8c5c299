use super::*;
use crate::content::Effect;
use crate::testing::content;
use orrery_base::command::RejectCode;
use std::collections::BTreeMap;

/// Ships in space, stepped as a server's schedule does it.
struct Arena {
    tick: Tick,
    loadouts: Loadouts,
    ships: BTreeMap<EntityId, (Seat, Fighter)>,
}

const A: EntityId = EntityId::minted(1);
const B: EntityId = EntityId::minted(2);
/// The frigate of newcomers with turrets.
const CIEL: &str = "Ciel";

fn hull(name: &str) -> TypeId {
    content().by_name(name).unwrap()
}

fn sights(ships: &BTreeMap<EntityId, (Seat, Fighter)>) -> BTreeMap<EntityId, Sight> {
    let sight = |(&id, (seat, fighter)): (&EntityId, &(Seat, Fighter))| {
        let sight = Sight {
            is_ship: true,
            position_cm: seat.position_cm,
            velocity: seat.velocity,
            radius_cm: seat.radius_cm,
            signature_m: fighter.stats().signature_m,
        };
        (id, sight)
    };
    ships.iter().map(sight).collect()
}

impl Arena {
    fn new() -> Self {
        Self {
            tick: Tick(100),
            loadouts: Loadouts::of(content()),
            ships: BTreeMap::new(),
        }
    }

    fn put(&mut self, id: EntityId, name: &str, x_m: i32) {
        let fighter = self.loadouts.fighter(hull(name), self.tick).unwrap();
        let seat = Seat {
            id,
            character: CharacterId(id.minted_serial().unwrap()),
            hull: hull(name),
            position_cm: [x_m * 100, 0, 0],
            velocity: [0; 3],
            radius_cm: content().radius_cm(hull(name)),
        };
        self.ships.insert(id, (seat, fighter));
    }

    fn two(x_m: i32) -> Self {
        let mut arena = Self::new();
        arena.put(A, CIEL, 0);
        arena.put(B, CIEL, x_m);
        arena
    }

    fn fighter(&mut self, id: EntityId) -> &mut Fighter {
        &mut self.ships.get_mut(&id).unwrap().1
    }

    fn lock(&mut self, id: EntityId, target: EntityId) -> Result<(), RejectCode> {
        let seen = sights(&self.ships);
        let (seat, fighter) = self.ships.get_mut(&id).unwrap();
        lock(self.tick, seat, fighter, target, &|id| {
            seen.get(&id).copied()
        })
    }

    fn on(&mut self, id: EntityId, slot: u8, target: Option<EntityId>) -> Result<(), RejectCode> {
        let seen = sights(&self.ships);
        let (seat, fighter) = self.ships.get_mut(&id).unwrap();
        let seen = |id| seen.get(&id).copied();
        activate(self.tick, seat, fighter, content(), slot, target, &seen)
    }

    /// One beat; ships are stepped in this order, or the other way round.
    fn beat(&mut self, is_reversed: bool) {
        self.tick = self.tick.next();
        let seen = sights(&self.ships);
        let seen = |id| seen.get(&id).copied();
        let mut ids: Vec<_> = self.ships.keys().copied().collect();
        if is_reversed {
            ids.reverse();
        }
        let mut all = Vec::new();
        for id in ids {
            let (seat, fighter) = self.ships.get_mut(&id).unwrap();
            let mut blows = Vec::new();
            step(self.tick, 7, content(), seat, fighter, &seen, &mut blows);
            let numbered = (0..).zip(blows);
            all.extend(numbered.map(|(number, (target, blow))| (target, id, number, blow)));
        }
        all.sort_by_key(|it| (it.0, it.1, it.2));
        for (target, source, _, blow) in all {
            if let Some((seat, fighter)) = self.ships.get_mut(&target) {
                apply(self.tick, 7, seat, fighter, source, &blow);
            }
        }
    }

    fn beats(&mut self, beats: u64) {
        for _ in 0..beats {
            self.beat(false);
        }
    }

    /// Lets a blow strike.
    fn suffer(&mut self, id: EntityId, source: EntityId, act: Act) -> Outcome {
        let by = Actor {
            character: CharacterId(9),
            hull: hull(CIEL),
            slot: 3,
        };
        let (seat, fighter) = self.ships.get_mut(&id).unwrap();
        apply(self.tick, 7, seat, fighter, source, &Blow { by, act })
    }

    /// The slot of the first module that does this.
    fn slot(&mut self, id: EntityId, does: impl Fn(&Effect) -> bool) -> u8 {
        let stats = self.fighter(id).stats();
        let module = stats.modules.iter().find(|it| does(&it.effect)).unwrap();
        slot_number(module.slot)
    }
}

fn is_turret(effect: &Effect) -> bool {
    matches!(effect, Effect::Turret { .. })
}

#[test]
fn a_lock_holds_when_its_time_has_come_and_is_lost_with_its_target() {
    let mut arena = Arena::two(3_000);
    let stats = std::sync::Arc::clone(arena.fighter(A).stats());
    arena.lock(A, B).unwrap();
    let wait = crate::lock::time_beats(stats.scan_resolution_mm, stats.signature_m);
    arena.beats(u64::from(wait) - 1);
    let tick = arena.tick;
    assert!(!arena.fighter(A).has_locked(B, tick));
    arena.beats(1);
    let tick = arena.tick;
    assert!(arena.fighter(A).has_locked(B, tick));
    assert_eq!(arena.lock(A, B), Ok(()), "once more is no second lock");
    assert_eq!(arena.fighter(A).locks.len(), 1);
    arena.ships.remove(&B);
    arena.beats(1);
    assert!(arena.fighter(A).locks.is_empty());
    assert_eq!(arena.lock(A, B), Err(RejectCode::TargetUnknown));
}

#[test]
fn locks_have_a_range_and_a_number() {
    let mut arena = Arena::two(26_000);
    assert_eq!(arena.lock(A, B), Err(RejectCode::TargetOutOfRange));
    let most = u64::from(arena.fighter(A).stats().targets_max);
    for number in 0..=most {
        let id = EntityId::minted(10 + number);
        arena.put(id, CIEL, 1_000 + number as i32 * 100);
        let expected = if number < most {
            Ok(())
        } else {
            Err(RejectCode::TooManyTargets)
        };
        assert_eq!(arena.lock(A, id), expected);
    }
    let first = EntityId::minted(10);
    assert_eq!(unlock(arena.fighter(A), first), Ok(()));
    let again = unlock(arena.fighter(A), first);
    assert_eq!(again, Err(RejectCode::TargetNotLocked));
}

#[test]
fn modules_are_refused_with_a_reason() {
    let mut arena = Arena::two(3_000);
    let gun = arena.slot(A, is_turret);
    assert_eq!(arena.on(A, 7, None), Err(RejectCode::NoModule));
    assert_eq!(arena.on(A, gun, None), Err(RejectCode::TargetNotLocked));
    assert_eq!(arena.on(A, gun, Some(B)), Err(RejectCode::TargetNotLocked));
    let passive = arena.slot(A, |it| *it == Effect::Passive);
    assert_eq!(arena.on(A, passive, None), Err(RejectCode::ModulePassive));
    assert_eq!(
        deactivate(arena.fighter(A), gun),
        Err(RejectCode::ModuleResting)
    );
    arena.lock(A, B).unwrap();
    arena.beats(400);
    assert_eq!(arena.on(A, gun, Some(B)), Ok(()));
    assert_eq!(arena.on(A, gun, Some(B)), Err(RejectCode::ModuleBusy));
    let tick = arena.tick;
    arena.fighter(A).capacitor.drain(tick, 1e6);
    let booster = arena.slot(A, |it| matches!(it, Effect::ShieldBooster { .. }));
    assert_eq!(arena.on(A, booster, None), Err(RejectCode::CapacitorEmpty));
}

#[test]
fn guns_destroy_a_ship_and_who_did_it_is_known() {
    let mut arena = Arena::two(3_000);
    arena.lock(A, B).unwrap();
    arena.beats(400);
    let gun = arena.slot(A, is_turret);
    arena.on(A, gun, Some(B)).unwrap();
    let whole: f64 = arena.fighter(B).stats().hp.iter().sum();
    for _ in 0..40_000 {
        arena.beat(false);
        if arena.fighter(B).is_lost() {
            break;
        }
    }
    let tick = arena.tick;
    let lost = arena.fighter(B);
    assert!(lost.is_lost(), "{:?}", lost.vitals(tick));
    assert_eq!(lost.final_blow, CharacterId(1));
    let [only] = lost.participants[..] else {
        panic!("{:?}", lost.participants);
    };
    // The shield recharges meanwhile, so it is more than the ship ever had.
    assert!(only.damage >= whole, "{} of {whole}", only.damage);
    assert!(!arena.fighter(A).timers.may_leave_space(tick));
    arena.beats(2_000);
    let tick = arena.tick;
    let last = arena.fighter(A).modules[0];
    assert!(arena.fighter(A).timers.may_leave_space(tick) || last.is_on);
}

#[test]
fn an_afterburner_costs_capacitor_and_ends_with_its_cycle() {
    let mut arena = Arena::two(3_000);
    let rest = arena.fighter(A).stats().max_speed_m_per_s;
    let full = arena.fighter(A).capacitor.capacity();
    let (tick, seat) = (arena.tick, arena.ships[&A].0);
    afterburner(tick, &seat, arena.fighter(A), content(), true).unwrap();
    arena.beats(1);
    let tick = arena.tick;
    assert!(is_burning(arena.fighter(A)));
    assert!(arena.fighter(A).stats().max_speed_m_per_s > 1.5 * rest);
    assert!(arena.fighter(A).capacitor.value_at(tick) < full);
    afterburner(tick, &seat, arena.fighter(A), content(), false).unwrap();
    arena.beats(10);
    assert!(is_burning(arena.fighter(A)), "the cycle goes on");
    arena.beats(300);
    assert!(!is_burning(arena.fighter(A)));
    assert_eq!(arena.fighter(A).stats().max_speed_m_per_s, rest);
}

#[test]
fn what_others_do_lasts_as_long_as_it_says() {
    let mut arena = Arena::two(3_000);
    let free = arena.fighter(A).stats().law.max_speed;
    let web = crate::fitting::externals(
        &Effect::Webifier {
            speed_percent: -50.0,
        },
        1.0,
    );
    let until = arena.tick.plus(30);
    let act = Act::Last {
        until,
        deed: Deed::Change(web.collect()),
        is_hostile: true,
    };
    let outcome = arena.suffer(A, B, act.clone());
    assert!(outcome.is_derived);
    assert_eq!(arena.fighter(A).stats().law.max_speed, free / 2);
    assert!(!arena.suffer(A, B, act).is_derived, "the same once more");
    let held = Act::Last {
        until,
        deed: Deed::Disrupt {
            strength: 2.0,
            scrambles: true,
        },
        is_hostile: true,
    };
    arena.suffer(A, EntityId::minted(5), held);
    assert_eq!(arena.fighter(A).disruption(), 2.0);
    arena.beats(29);
    assert_eq!(arena.fighter(A).stats().law.max_speed, free / 2);
    arena.beats(1);
    assert_eq!(arena.fighter(A).stats().law.max_speed, free);
    assert_eq!(arena.fighter(A).disruption(), 0.0);
    assert!(arena.fighter(A).is_calm());
}

#[test]
fn a_jammed_ship_locks_nobody_but_the_jammer() {
    let mut arena = Arena::two(3_000);
    arena.put(EntityId::minted(3), CIEL, 4_000);
    arena.lock(A, EntityId::minted(3)).unwrap();
    let act = Act::Jam {
        strengths: [1e9; 4],
        factor: 1.0,
        until: arena.tick.plus(600),
    };
    arena.suffer(A, B, act);
    arena.beats(1);
    assert!(arena.fighter(A).locks.is_empty());
    let third = arena.lock(A, EntityId::minted(3));
    assert_eq!(third, Err(RejectCode::Jammed));
    assert_eq!(arena.lock(A, B), Ok(()));
}

#[test]
fn repairs_return_what_is_lacking_and_no_more() {
    let mut arena = Arena::two(3_000);
    let armour = arena.fighter(A).stats().hp[1];
    arena.fighter(A).armour_hp = 10.0;
    let until = arena.tick.plus(150);
    let repair = |amount| Act::Repair {
        layer: 1,
        amount,
        cycle_s: 5.0,
        until,
    };
    arena.suffer(A, B, repair(50.0));
    assert_eq!(
        arena.fighter(A).armour_hp,
        60.0,
        "one alone is undiminished"
    );
    arena.suffer(A, EntityId::minted(8), repair(50.0));
    let two = arena.fighter(A).armour_hp;
    assert!(two > 109.0 && two < 110.0, "{two}");
    arena.suffer(A, B, repair(1e5));
    assert_eq!(arena.fighter(A).armour_hp, armour);
    assert_eq!(arena.fighter(A).vitals(until)[1], 255);
}

#[test]
fn the_order_of_ships_does_not_matter() {
    let run = |is_reversed| {
        let mut arena = Arena::new();
        let names = [CIEL, "Kharg", "Manoa", "Terne"];
        for (number, name) in (0..12).zip(names.iter().cycle()) {
            arena.put(EntityId::minted(1 + number), name, number as i32 * 200);
        }
        for number in 0..12 {
            let (id, target) = (1 + number, 1 + (number + 5) % 12);
            arena
                .lock(EntityId::minted(id), EntityId::minted(target))
                .unwrap();
        }
        for beat in 0..1_500 {
            arena.beat(is_reversed);
            if beat % 300 == 250 {
                for number in 0..12 {
                    let (id, target) = (1 + number, 1 + (number + 5) % 12);
                    for slot in 0..32 {
                        let target = Some(EntityId::minted(target));
                        let _ = arena.on(EntityId::minted(id), slot, target);
                    }
                }
            }
        }
        arena.ships
    };
    let ships = run(false);
    assert_eq!(ships, run(true));
    let hurt = ships.values().filter(|it| !it.1.participants.is_empty());
    assert!(hurt.count() > 6, "they did fight");
}

#[test]
fn a_fighter_is_derived_anew_to_the_same_bits() {
    let mut arena = Arena::two(3_000);
    arena.lock(A, B).unwrap();
    let (tick, seat) = (arena.tick, arena.ships[&A].0);
    afterburner(tick, &seat, arena.fighter(A), content(), true).unwrap();
    arena.beats(50);
    let before = arena.fighter(A).clone();
    let mut after = before.clone();
    after.derived = None;
    assert!(after.derive(content(), Tick(0)));
    assert_eq!(after, before);
    after.disengage(content(), arena.tick);
    assert!(after.is_calm() && !is_burning(&after));
    assert_eq!(after.capacitor, before.capacitor);
}

#[test]
fn vitals_are_255ths_and_nothing_only_when_nothing_is_left() {
    assert_eq!(part_of_255(0.0, 10.0), 0);
    assert_eq!(part_of_255(1e-9, 10.0), 1);
    assert_eq!(part_of_255(5.0, 10.0), 127);
    assert_eq!(part_of_255(10.0, 10.0), 255);
}
