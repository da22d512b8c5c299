use super::*;
use crate::columns::{Kind, Ship};
use crate::testing::{GATE, Grid, HULLS, STATION, content, nobody};
use orrery_base::Tick;
use orrery_base::motion::Motion;
use proptest::prelude::*;

const ME: EntityId = EntityId::minted(1);
const SHUTTLE: TypeId = TypeId(1404);

fn me(type_id: TypeId) -> Whereabouts {
    let own = Own {
        motion: Motion::at_rest([0; 3]),
        max_speed: 1 << 20,
        radius_cm: content().radius_cm(type_id),
    };
    Whereabouts::InSpace {
        id: ME,
        type_id,
        own,
    }
}

/// A ship, a near gate and station, a far gate and station.
struct Scene {
    grid: Grid,
    ship: EntityId,
    gates: [EntityId; 2],
    stations: [EntityId; 2],
}

fn scene() -> Scene {
    let mut grid = Grid::default();
    grid.hull(HULLS[0], [0; 3]);
    let ship = grid.hull(HULLS[0], [1_000, 0, 0]);
    let mut fixed = |id: u64, kind, type_id, x_m: i32| {
        let id = EntityId(id);
        grid.add(id, Ship::fixed(kind, type_id, [x_m * 100, 0, 0], Tick(0)));
        id
    };
    let gates = [
        fixed(10, Kind::Gate, GATE, 3_000),
        fixed(11, Kind::Gate, GATE, 50_000),
    ];
    let stations = [
        fixed(20, Kind::Station, STATION, -4_000),
        fixed(21, Kind::Station, STATION, -50_000),
    ];
    Scene {
        grid,
        ship,
        gates,
        stations,
    }
}

fn judge(command: Command) -> Result<Intent, RejectCode> {
    validate(&command, &me(HULLS[0]), content(), &scene().grid)
}

#[test]
fn flight_needs_a_unit_vector_and_a_throttle() {
    let fly = |direction, throttle| {
        judge(Command::Fly {
            direction,
            throttle,
        })
    };
    let one = DIRECTION_ONE;
    for direction in [
        [one, 0, 0],
        [0, 0, -one],
        [9_459, -9_459, 9_459],
        [11_585, 11_585, 0],
    ] {
        let order = Order::Fly {
            direction,
            throttle: 1_000,
        };
        assert_eq!(fly(direction, 1_000), Ok(Intent::Steer(order)));
    }
    // Within 1 %, and not beyond.
    assert!(fly([one + 163, 0, 0], 0).is_ok() && fly([one - 163, 0, 0], 0).is_ok());
    for direction in [
        [0; 3],
        [one + 165, 0, 0],
        [one - 165, 0, 0],
        [one; 3],
        [i16::MIN; 3],
    ] {
        assert_eq!(
            fly(direction, 1_000),
            Err(RejectCode::DirectionInvalid),
            "{direction:?}"
        );
    }
    assert_eq!(fly([one, 0, 0], 1_001), Err(RejectCode::ThrottleInvalid));
}

#[test]
fn ranges_have_limits() {
    let target = scene().ship;
    let keep = |range_m| judge(Command::KeepAtRange { target, range_m });
    let orbit = |range_m| judge(Command::Orbit { target, range_m });
    let limits = content().navigation();
    assert_eq!(
        keep(0),
        Ok(Intent::Steer(Order::KeepAtRange {
            target,
            range_cm: 0
        }))
    );
    assert_eq!(
        keep(20_000),
        Ok(Intent::Steer(Order::KeepAtRange {
            target,
            range_cm: 2_000_000
        }))
    );
    assert!(keep(limits.keep_range_m[1]).is_ok());
    assert_eq!(
        keep(limits.keep_range_m[1] + 1),
        Err(RejectCode::RangeInvalid)
    );
    assert_eq!(keep(u32::MAX), Err(RejectCode::RangeInvalid));
    assert_eq!(
        orbit(limits.orbit_range_m[0] - 1),
        Err(RejectCode::RangeInvalid)
    );
    let range_cm = limits.orbit_range_m[0] as i32 * 100;
    assert_eq!(
        orbit(limits.orbit_range_m[0]),
        Ok(Intent::Steer(Order::Orbit { target, range_cm }))
    );
}

#[test]
fn targets_must_be_seen_and_be_another() {
    let of = |target| {
        [
            Command::Approach { target },
            Command::KeepAtRange {
                target,
                range_m: 1_000,
            },
            Command::Orbit {
                target,
                range_m: 1_000,
            },
            Command::Align { target },
            Command::Jump { gate: target },
            Command::Dock { station: target },
        ]
    };
    for unknown in [EntityId::NONE, EntityId(999), EntityId::minted(999)] {
        for command in of(unknown) {
            assert_eq!(
                judge(command),
                Err(RejectCode::TargetUnknown),
                "{command:?}"
            );
        }
    }
    for command in of(ME) {
        assert_eq!(judge(command), Err(RejectCode::TargetIsSelf), "{command:?}");
    }
    let target = scene().ship;
    for command in &of(target)[..4] {
        let Ok(Intent::Steer(order)) = judge(*command) else {
            panic!("{command:?}")
        };
        assert_eq!(order.target(), Some(target));
        // The same command where nobody can be seen.
        let blind = validate(command, &me(HULLS[0]), content(), &nobody);
        assert_eq!(blind, Err(RejectCode::TargetUnknown));
    }
}

#[test]
fn gates_and_stations_must_be_what_they_are_and_near() {
    let Scene {
        ship,
        gates,
        stations,
        ..
    } = scene();
    assert_eq!(
        judge(Command::Jump { gate: gates[0] }),
        Ok(Intent::Jump { gate: gates[0] })
    );
    assert_eq!(
        judge(Command::Jump { gate: gates[1] }),
        Err(RejectCode::GateOutOfRange)
    );
    assert_eq!(
        judge(Command::Jump { gate: stations[0] }),
        Err(RejectCode::NotAGate)
    );
    assert_eq!(
        judge(Command::Jump { gate: ship }),
        Err(RejectCode::NotAGate)
    );
    let dock = |station| judge(Command::Dock { station });
    assert_eq!(
        dock(stations[0]),
        Ok(Intent::Dock {
            station: stations[0]
        })
    );
    assert_eq!(dock(stations[1]), Err(RejectCode::StationOutOfRange));
    assert_eq!(dock(gates[0]), Err(RejectCode::NotAStation));
}

#[test]
fn docked_ships_only_undock() {
    let docked = |command| validate(&command, &Whereabouts::Docked, content(), &scene().grid);
    assert_eq!(docked(Command::Undock), Ok(Intent::Undock));
    for command in [
        Command::Stop,
        Command::Fly {
            direction: [0; 3],
            throttle: 9_999,
        },
        Command::Afterburner { on: true },
        Command::Jump { gate: EntityId(10) },
        Command::Dock {
            station: EntityId(20),
        },
        Command::Align { target: ME },
    ] {
        assert_eq!(docked(command), Err(RejectCode::Docked), "{command:?}");
    }
    assert_eq!(judge(Command::Undock), Err(RejectCode::NotDocked));
}

#[test]
fn afterburners_are_for_those_who_have_one() {
    assert_eq!(
        judge(Command::Afterburner { on: true }),
        Ok(Intent::Afterburner { on: true })
    );
    let shuttle = |on| {
        validate(
            &Command::Afterburner { on },
            &me(SHUTTLE),
            content(),
            &nobody,
        )
    };
    assert_eq!(shuttle(true), Err(RejectCode::NoAfterburner));
    assert_eq!(
        shuttle(false),
        Ok(Intent::Afterburner { on: false }),
        "off is off"
    );
}

#[test]
fn stopping_is_always_possible() {
    assert_eq!(judge(Command::Stop), Ok(Intent::Steer(Order::Stop)));
}

fn any_command() -> impl Strategy<Value = Command> {
    let id = prop_oneof![
        any::<u64>(),
        0..30_u64,
        Just(ME.0),
        Just(EntityId::minted(2).0)
    ];
    let id = id.prop_map(EntityId);
    prop_oneof![
        (any::<[i16; 3]>(), any::<u16>()).prop_map(|(direction, throttle)| Command::Fly {
            direction,
            throttle
        }),
        id.clone().prop_map(|target| Command::Approach { target }),
        (id.clone(), any::<u32>())
            .prop_map(|(target, range_m)| Command::KeepAtRange { target, range_m }),
        (id.clone(), 0..300_000_u32)
            .prop_map(|(target, range_m)| Command::Orbit { target, range_m }),
        id.clone().prop_map(|target| Command::Align { target }),
        Just(Command::Stop),
        any::<bool>().prop_map(|on| Command::Afterburner { on }),
        id.clone().prop_map(|gate| Command::Jump { gate }),
        id.prop_map(|station| Command::Dock { station }),
        Just(Command::Undock),
    ]
}

proptest! {
    /// Whatever is asked, the answer is an order that steering can follow, or a refusal.
    #[test]
    fn accepted_orders_are_in_range(command in any_command()) {
        let Scene { grid, .. } = scene();
        if let Ok(Intent::Steer(order)) = judge(command) {
            let fields = order.fields();
            prop_assert!(fields.range_cm >= 0 && fields.throttle <= THROTTLE_FULL);
            let Whereabouts::InSpace { own, .. } = me(HULLS[0]) else { unreachable!() };
            let contact = order.target().map(|it| grid.contact(it).unwrap());
            let target = crate::steer::target_velocity(order, &own, contact.as_ref());
            prop_assert!(math::length(target.map(i64::from)) <= i64::from(own.max_speed));
        }
    }

    #[test]
    fn orders_are_their_fields(
        kind in 0..6_u8, target: u64, range_cm in 0..i32::MAX, direction: [i16; 3], throttle: u16,
    ) {
        let order = Order::from_fields(kind, EntityId(target), range_cm, direction, throttle);
        let fields = order.fields();
        prop_assert_eq!(fields.kind as u8, kind);
        let again = Order::from_fields(
            fields.kind as u8, fields.target, fields.range_cm, fields.direction, fields.throttle,
        );
        prop_assert_eq!(again, order);
    }
}
