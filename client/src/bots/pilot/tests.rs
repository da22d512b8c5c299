use super::*;

const STATION: Sighting = Sighting {
    entity: EntityId(10),
    kind: Kind::Station,
    position_cm: [0; 3],
    radius_cm: 100_000,
};
const GATE: Sighting = Sighting {
    entity: EntityId(11),
    kind: Kind::Gate,
    position_cm: [5_000_000, 0, 0],
    radius_cm: 100_000,
};

fn decide(pilot: &mut Pilot, now_s: f64, docked: bool, own_cm: [i32; 3]) -> Vec<Action> {
    let mut actions = Vec::new();
    let own_cm = (!docked).then_some(own_cm);
    pilot.decide(
        &View {
            now_s,
            docked,
            own_cm,
            others: &[STATION, GATE],
        },
        &mut actions,
    );
    actions
}

#[test]
fn a_hauler_makes_its_rounds() {
    let mut pilot = Pilot::new(Behaviour::Trade, 1, 1);
    assert_eq!(
        decide(&mut pilot, 0.0, true, [0; 3]),
        [Action::Command(Command::Undock)]
    );
    let (mut jumps, mut docks, mut now_s) = (0, 0, 0.0);
    let mut own_cm = [300_000, 0, 0];
    for _ in 0..200 {
        now_s += 10.0;
        for action in decide(&mut pilot, now_s, false, own_cm) {
            match action {
                Action::Command(Command::Approach { target }) => {
                    own_cm = if target == GATE.entity {
                        GATE.position_cm
                    } else {
                        STATION.position_cm
                    };
                }
                Action::Command(Command::Jump { gate }) => {
                    assert_eq!(gate, GATE.entity);
                    jumps += 1;
                }
                Action::Command(Command::Dock { station }) => {
                    assert_eq!(station, STATION.entity);
                    docks += 1;
                }
                Action::Command(Command::Afterburner { on: true }) => {}
                other => panic!("{other:?} is not a hauler's business"),
            }
        }
    }
    assert!(jumps >= docks && docks > 10, "{jumps} jumps, {docks} docks");
}

#[test]
fn directions_are_unit_vectors() {
    let mut pilot = Pilot::new(Behaviour::Fly, 7, 3);
    for _ in 0..1_000 {
        let length = math::length(pilot.direction().map(i64::from));
        assert!((length - i64::from(DIRECTION_ONE)).abs() < 160, "{length}");
    }
}

#[test]
fn an_idle_bot_does_nothing() {
    let mut pilot = Pilot::new(Behaviour::Idle, 1, 1);
    assert!(decide(&mut pilot, 100.0, true, [0; 3]).is_empty());
}
