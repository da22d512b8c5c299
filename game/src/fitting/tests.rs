//! Golden fits, every refusal, EWAR, the codec, and the fits of the content.

use super::*;
use crate::attribute::Attribute;
use crate::content::{Hardpoint, Purpose, Size};
use crate::testing::{content, golden, good_content, number};
use proptest::prelude::*;

const ARMED: TypeId = TypeId(101);
const GUN: TypeId = TypeId(700);
const UPGRADE: TypeId = TypeId(701);
const COMPUTER: TypeId = TypeId(702);
const HARDENER: TypeId = TypeId(703);
const DRIVE: TypeId = TypeId(704);
const BRACE: TypeId = TypeId(705);
const SLUG: TypeId = TypeId(710);

const fn fitted(rack: Rack, index: u8, module: u32, state: ModuleState) -> Fitted {
    Fitted {
        slot: Slot { rack, index },
        module: TypeId(module),
        state,
        charge: None,
    }
}

fn put(fit: &mut Fit, rack: Rack, index: u8, module: TypeId, state: ModuleState) {
    fit.put(fitted(rack, index, module.0, state));
}

fn near(found: f64, expected: f64, what: &str) {
    let scale = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() < 1e-7 * scale,
        "{what}: {found}, not {expected}"
    );
}

/// The fit of a golden row: skill level, heat, upgrades, computers, scripts, hardeners, heat, drive.
fn golden_fit(row: [u8; 8]) -> Fit {
    let [
        level,
        heat,
        upgrades,
        computers,
        scripts,
        hardeners,
        hardener_heat,
        drive,
    ] = row;
    let heated = |heat| match heat {
        0 => ModuleState::Active,
        _ => ModuleState::Overheated,
    };
    let mut fit = Fit::new(ARMED);
    fit.skills = Skills::all(good_content(), level);
    for index in 0..2 {
        put(&mut fit, Rack::High, index, GUN, heated(heat));
        fit.modules.last_mut().unwrap().charge = Some((SLUG, 120));
    }
    for index in 0..upgrades {
        put(&mut fit, Rack::Low, index, UPGRADE, ModuleState::Online);
    }
    for index in 0..hardeners {
        put(
            &mut fit,
            Rack::Low,
            upgrades + index,
            HARDENER,
            heated(hardener_heat),
        );
    }
    for index in 0..computers {
        put(&mut fit, Rack::Mid, index, COMPUTER, ModuleState::Active);
        let computer = fit
            .at_mut(Slot {
                rack: Rack::Mid,
                index,
            })
            .unwrap();
        computer.charge = (scripts == 1).then_some((TypeId(711), 1));
    }
    if drive == 1 {
        put(&mut fit, Rack::Mid, 2, DRIVE, ModuleState::Active);
    }
    fit
}

#[test]
fn derived_values_are_the_golden_ones() {
    for row in golden::<20>(include_str!("../../tests/golden/fitting.csv")) {
        let fit = golden_fit(std::array::from_fn(|at| number(row[at])));
        let stats = derive(good_content(), &fit).unwrap();
        let expected: [f64; 12] = std::array::from_fn(|at| number(row[at + 8]));
        let gun = &stats.modules[0];
        let crate::content::Effect::Turret {
            damage_multiplier,
            tracking_rad_per_s,
            ..
        } = gun.effect
        else {
            panic!("{:?}", gun.effect);
        };
        let found = [
            damage_multiplier,
            gun.cycle_s,
            tracking_rad_per_s,
            gun.optimal_m,
            stats.damage_per_s(),
            stats.resonance[1][0],
            stats.hp[1],
            stats.cpu_tf.used,
            stats.cpu_tf.total,
            stats.max_speed_m_per_s,
            stats.signature_m,
            stats.law.tau_s,
        ];
        for (at, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            near(found, expected, &format!("value {at} of {row:?}"));
        }
        assert_eq!(gun.charge_max, 120);
    }
}

fn base() -> Fit {
    golden_fit([0; 8])
}

/// Why a fit that was changed so does not fit.
fn reject(change: &dyn Fn(&mut Fit)) -> FitReject {
    let mut fit = base();
    change(&mut fit);
    let reject = check(good_content(), &fit).unwrap_err();
    assert!(reject.sentence(good_content()).ends_with('.'), "{reject}");
    reject
}

#[test]
fn every_reason_of_slots_is_told_apart() {
    let content = good_content();
    check(content, &base()).unwrap();
    let online = ModuleState::Online;
    assert_eq!(
        reject(&|it| it.hull = TypeId(9)),
        FitReject::UnknownHull(TypeId(9))
    );
    assert_eq!(
        reject(&|it| put(it, Rack::Mid, 0, SLUG, online)),
        FitReject::UnknownModule(SLUG)
    );
    assert_eq!(
        reject(&|it| put(it, Rack::Low, 3, UPGRADE, online)),
        FitReject::NoSlot {
            rack: Rack::Low,
            index: 3,
            slots: 3
        }
    );
    assert_eq!(
        reject(&|it| put(it, Rack::Mid, 0, UPGRADE, online)),
        FitReject::WrongRack {
            module: UPGRADE,
            rack: Rack::Mid,
            needs: Rack::Low
        }
    );
    assert_eq!(
        reject(&|it| put(it, Rack::High, 2, GUN, online)),
        FitReject::Hardpoints {
            hardpoint: Hardpoint::Turret,
            fitted: 3,
            hardpoints: 2
        }
    );
    assert_eq!(
        reject(&|it| (0..3).for_each(|at| put(it, Rack::Mid, at, DRIVE, online))),
        FitReject::GroupFitted {
            group: 7,
            fitted: 3,
            most: 2
        }
    );
    assert_eq!(
        reject(&|it| (0..2).for_each(|at| put(it, Rack::Mid, at, DRIVE, ModuleState::Active))),
        FitReject::GroupActive {
            group: 7,
            active: 2,
            most: 1
        }
    );
    for (rack, module, state) in [
        (Rack::Low, UPGRADE, ModuleState::Active),
        (Rack::Rig, BRACE, ModuleState::Offline),
        (Rack::Mid, DRIVE, ModuleState::Overheated),
    ] {
        assert_eq!(
            reject(&|it| put(it, rack, 0, module, state)),
            FitReject::State { module, state }
        );
    }
}

#[test]
fn every_reason_of_charges_and_supplies_is_told_apart() {
    let content = good_content();
    let online = ModuleState::Online;
    let slot = |rack, index| Slot { rack, index };
    let gun = slot(Rack::High, 0);
    let load = |charge| move |it: &mut Fit| it.at_mut(gun).unwrap().charge = charge;
    assert_eq!(reject(&load(None)), FitReject::NotLoaded { module: GUN });
    assert_eq!(
        reject(&load(Some((TypeId(5), 1)))),
        FitReject::UnknownCharge(TypeId(5))
    );
    for charge in [TypeId(711), TypeId(712)] {
        assert_eq!(
            reject(&load(Some((charge, 1)))),
            FitReject::WrongCharge {
                module: GUN,
                charge
            }
        );
    }
    for count in [0, 121] {
        assert_eq!(
            reject(&load(Some((SLUG, count)))),
            FitReject::ChargeCount {
                module: GUN,
                count,
                most: 120
            }
        );
    }
    let full = |it: &mut Fit| {
        *it = golden_fit([0, 0, 3, 2, 0, 0, 0, 1]);
        put(it, Rack::Mid, 2, COMPUTER, ModuleState::Online);
    };
    let mut fit = base();
    full(&mut fit);
    check(content, &fit).unwrap();
    (0..2).for_each(|at| put(&mut fit, Rack::Mid, at, DRIVE, online));
    fit.take(slot(Rack::Mid, 2));
    let stats = check(content, &fit).unwrap();
    assert!(stats.cpu_tf.used > 110.0 && stats.power_mw.used > 38.0);
    assert_eq!(
        reject(&|it| (0..2).for_each(|at| put(it, Rack::Rig, at, BRACE, online))),
        FitReject::Calibration {
            need: 120.0,
            total: 100.0
        }
    );
    assert_eq!(
        reject(&|it| it.set_drones(TypeId(720), 3)),
        FitReject::DroneBay {
            need: 15.0,
            total: 10.0
        }
    );
    assert_eq!(
        reject(&|it| it.set_drones(GUN, 1)),
        FitReject::UnknownDrone(GUN)
    );
}

#[test]
fn the_real_content_refuses_cpu_power_roles_and_rigs() {
    let content = content();
    let id = |name: &str| content.by_name(name).unwrap();
    let reject = |hull: &str, lines: &[(Rack, &str)]| {
        let mut fit = Fit::new(id(hull));
        for (index, &(rack, name)) in lines.iter().enumerate() {
            put(&mut fit, rack, index as u8, id(name), ModuleState::Online);
        }
        check(content, &fit).unwrap_err()
    };
    assert!(matches!(
        reject("Ciel", &[(Rack::High, "Heliograph Lance")]),
        FitReject::Power { need, total } if need > total
    ));
    assert!(matches!(
        reject("Kern", &[(Rack::High, "Flicker Lance")]),
        FitReject::NoSlot { slots: 0, .. }
    ));
    let three = [(Rack::Mid, "Thunderclap"); 3];
    assert!(matches!(
        reject("Ciel", &three),
        FitReject::Cpu { .. } | FitReject::Power { .. }
    ));
    assert!(matches!(
        reject("Ciel", &[(Rack::High, "Cradle Bomb Rack")]),
        FitReject::WrongRole { .. }
    ));
    assert!(matches!(
        reject("Ciel", &[(Rack::Rig, "Brig Shelving")]),
        FitReject::RigSize {
            rig: Size::Medium,
            hull: Size::Small,
            ..
        }
    ));
}

#[test]
fn every_named_fit_fits_and_newcomers_have_one() {
    let content = content();
    for it in content.fits() {
        let fit = named(content, it, it.skill_level).unwrap();
        let stats = check(content, &fit).unwrap();
        assert!(stats.effective_hp([0.25; 4]) > 0.0);
        assert_eq!(decode(&encode(&fit)).unwrap(), fit);
    }
    for empire in content.empires() {
        let fits = content.fits().iter().filter(|it| {
            let hull = content.by_name(&it.hull).and_then(|id| content.ship(id));
            it.purposes.contains(&Purpose::Newcomer)
                && hull.is_some_and(|it| it.empire == empire.id && it.role == "frigate")
        });
        assert!(fits.count() > 0, "{}", empire.name);
        assert!(content.capsule(empire.id).is_some(), "{}", empire.name);
    }
}

#[test]
fn the_order_of_putting_does_not_matter() {
    let content = good_content();
    let fit = golden_fit([3, 1, 2, 2, 1, 1, 1, 1]);
    let mut other = Fit::new(fit.hull);
    for fitted in fit.modules().iter().rev() {
        other.put(*fitted);
    }
    for &(skill, level) in fit.skills.levels().iter().rev() {
        other.skills.learn(skill, level);
    }
    assert_eq!(other, fit);
    assert_eq!(derive(content, &other), derive(content, &fit));
}

#[test]
fn offline_modules_need_nothing_and_do_nothing() {
    let content = good_content();
    let mut fit = golden_fit([0, 0, 2, 0, 0, 0, 0, 0]);
    let with = derive(content, &fit).unwrap();
    for index in 0..2 {
        fit.at_mut(Slot {
            rack: Rack::Low,
            index,
        })
        .unwrap()
        .state = ModuleState::Offline;
    }
    let without = derive(content, &fit).unwrap();
    near(with.cpu_tf.used - without.cpu_tf.used, 40.0, "cpu");
    near(without.modules[0].cycle_s, 4.0, "cycle");
}

#[test]
fn what_others_do_is_penalised_together_and_resisted() {
    let content = good_content();
    let mut stats = derive(content, &golden_fit([0; 8])).unwrap();
    let web = ExternalModifier {
        attribute: Attribute::MaxSpeed,
        percent: -50.0,
        is_hostile: true,
    };
    let one = apply_external(&stats, &[web]);
    near(one.max_speed_m_per_s, 150.0, "one web");
    assert!(one.law.max_speed * 2 - stats.law.max_speed < 3);
    let two = apply_external(&stats, &[web, web]);
    near(
        two.max_speed_m_per_s,
        300.0 * 0.5 * (1.0 - 0.5 * 0.869_119_980_8),
        "two webs",
    );
    stats.web_resistance = 0.4;
    near(
        apply_external(&stats, &[web]).max_speed_m_per_s,
        240.0,
        "resisted",
    );
    let disrupt = ExternalModifier {
        attribute: Attribute::OptimalM,
        percent: -20.0,
        is_hostile: true,
    };
    let after = apply_external(&stats, &[disrupt]);
    near(after.modules[0].optimal_m, 3_600.0, "optimal");
    assert_eq!(apply_external(&stats, &[]), stats);
}

#[test]
fn effects_say_what_they_do_to_others() {
    use crate::content::Effect;
    let web = Effect::Webifier {
        speed_percent: -50.0,
    };
    let found: Vec<ExternalModifier> = externals(&web, 0.5).collect();
    let expected = ExternalModifier {
        attribute: Attribute::MaxSpeed,
        percent: -25.0,
        is_hostile: true,
    };
    assert_eq!(found, [expected]);
    let help = Effect::RemoteTracking {
        tracking_percent: 10.0,
        optimal_percent: 5.0,
        falloff_percent: 5.0,
    };
    assert!(externals(&help, 1.0).all(|it| !it.is_hostile));
    assert_eq!(externals(&help, 1.0).count(), 3);
    // The signature that a drive makes larger is the ship's own.
    let drive = Effect::MicrowarpDrive {
        speed_factor_percent: 500.0,
        thrust_kg: 1.0,
        mass_addition_kg: 1.0,
        signature_percent: 500.0,
    };
    assert_eq!(externals(&drive, 1.0).count(), 0);
}

#[test]
fn what_is_no_fit_is_refused() {
    assert_eq!(decode(&[]), Err(FitDecodeError::Short));
    assert_eq!(decode(&[2]), Err(FitDecodeError::OtherVersion(2)));
    assert_eq!(decode(&[1, 0x80, 0]), Err(FitDecodeError::BadNumber));
    assert_eq!(decode(&[1, 5, 0, 0, 0, 9]), Err(FitDecodeError::Long(1)));
    assert_eq!(decode(&[1, 5, 33]), Err(FitDecodeError::BadNumber));
    assert_eq!(
        decode(&[1, 5, 1, 8, 1, 0, 0, 0]),
        Err(FitDecodeError::OutOfRange("slot"))
    );
    let twice = [1, 5, 2, 0, 1, 0, 0, 1, 0, 0, 0];
    assert_eq!(decode(&twice), Err(FitDecodeError::Unordered("modules")));
    assert_eq!(
        decode(&[1, 5, 0, 1, 9, 0, 0]),
        Err(FitDecodeError::OutOfRange("count"))
    );
    assert_eq!(
        decode(&[1, 5, 0, 0, 1, 9, 6]),
        Err(FitDecodeError::OutOfRange("level"))
    );
}

fn any_fit() -> impl Strategy<Value = Fit> {
    let module = (
        0usize..4,
        0u8..8,
        any::<u32>(),
        0usize..4,
        any::<Option<(u32, u32)>>(),
    );
    (
        any::<u32>(),
        prop::collection::vec(module, 0..32),
        prop::collection::vec((any::<u32>(), 1u16..), 0..8),
        prop::collection::vec((any::<u32>(), 1u8..6), 0..20),
    )
        .prop_map(|(hull, modules, drones, skills)| {
            let mut fit = Fit::new(TypeId(hull));
            let states = [
                ModuleState::Offline,
                ModuleState::Online,
                ModuleState::Active,
                ModuleState::Overheated,
            ];
            for (rack, index, module, state, charge) in modules {
                let mut it = fitted(Rack::ALL[rack], index, module, states[state]);
                it.charge = charge.map(|(id, count)| (TypeId(id), count));
                fit.put(it);
            }
            for (drone, count) in drones {
                fit.set_drones(TypeId(drone), count);
            }
            for (skill, level) in skills {
                fit.skills.learn(TypeId(skill), level);
            }
            fit
        })
}

proptest! {
    #[test]
    fn fits_survive_their_bytes(fit in any_fit()) {
        let bytes = encode(&fit);
        prop_assert_eq!(&decode(&bytes).unwrap(), &fit);
        for length in 0..bytes.len() {
            prop_assert!(decode(&bytes[..length]).is_err());
        }
        // Whatever it is, deriving and checking it does no harm.
        prop_assert!(check(good_content(), &fit).is_err() || fit.hull == ARMED);
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same(
        fit in any_fit(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encode(&fit);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(fit) = decode(&bytes) {
            prop_assert_eq!(encode(&fit), bytes);
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(fit) = decode(&bytes) {
            prop_assert_eq!(encode(&fit), bytes);
        }
    }
}
