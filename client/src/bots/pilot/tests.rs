use orrery_base::value::TradeState;

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
            hangar: None,
            goods: &[],
            company: &[],
            window: None,
            locks: &[],
            modules: &[],
            tick: None,
        },
        &mut actions,
    );
    actions
}

#[test]
fn a_hauler_makes_its_rounds() {
    let mut pilot = Pilot::new(Behaviour::Trade, 1, 1);
    assert_eq!(decide(&mut pilot, 0.0, true, [0; 3]), [Action::Look]);
    // Nothing was seen: there is nothing to deal with.
    assert_eq!(
        decide(&mut pilot, 5.0, true, [0; 3]),
        [Action::Command(Command::Undock)]
    );
    let (mut jumps, mut docks, mut now_s) = (0, 0, 5.0);
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
fn a_fighter_goes_to_the_arena_locks_and_shoots() {
    let mut pilot = Pilot::new(Behaviour::Fight, 1, 1);
    let up = decide(&mut pilot, 0.0, false, [0; 3]);
    assert!(
        matches!(up[..], [Action::Command(Command::Fly { direction: [0, 0, z], .. })] if z > 0),
        "{up:?}"
    );
    let enemy = Sighting {
        entity: EntityId(12),
        kind: Kind::Ship,
        position_cm: [10_000, 0, ARENA_CM],
        radius_cm: 3_000,
    };
    let target = enemy.entity;
    let gun = |slot, flags| ModuleStatus {
        slot,
        module: orrery_base::TypeId(1),
        charge: orrery_base::TypeId(2),
        charges: 1,
        flags,
        target: None,
        start: Tick(0),
        end: Tick(0),
    };
    let lock = LockState {
        target,
        since: Tick(5),
        done: Tick(90),
    };
    let mut look = |now_s, locks: &[LockState], tick| {
        let mut actions = Vec::new();
        let view = View {
            now_s,
            docked: false,
            own_cm: Some([0, 0, ARENA_CM]),
            others: &[STATION, enemy],
            hangar: None,
            goods: &[],
            company: &[],
            window: None,
            locks,
            modules: &[gun(0, 0), gun(1, 1), gun(8, 0)],
            tick: Some(Tick(tick)),
        };
        pilot.decide(&view, &mut actions);
        actions
    };
    let locked = look(20.0, &[], 4);
    assert_eq!(locked[0], Action::Command(Command::Lock { target }));
    assert_eq!(look(30.0, &[lock], 89), [], "the lock does not hold yet");
    let slot = 0;
    let target = Some(target);
    let fire = [Action::Command(Command::Activate { slot, target })];
    assert_eq!(look(40.0, &[lock], 90), fire, "one gun is at work already");
}

#[test]
fn an_idle_bot_does_nothing() {
    let mut pilot = Pilot::new(Behaviour::Idle, 1, 1);
    assert!(decide(&mut pilot, 100.0, true, [0; 3]).is_empty());
}

#[test]
fn a_trader_sells_what_it_has_and_buys_what_there_is() {
    use orrery_base::TypeId;
    use orrery_base::value::ItemId;
    let item = |id, cents| ItemType {
        id: TypeId(id),
        name: format!("thing {id}"),
        group: "trade_good".into(),
        description: String::new(),
        volume_l: 1,
        base_price: Money(cents),
        is_marketable: true,
        shape: orrery_game::content::Shape::ALL[0],
        hue: 0,
    };
    let goods = [item(1, 123_456), item(2, 5), item(3, 9_999_999_99)];
    let hangar = [ItemRow {
        item: ItemId(7),
        type_id: TypeId(1),
        quantity: 4,
        ..ItemRow::default()
    }];
    let (mut sold, mut bought) = (0, 0);
    for number in 0..200 {
        let mut pilot = Pilot::new(Behaviour::Trade, 3, number);
        match pilot.deal(&hangar, &goods) {
            Some(ValueCommand::Sell {
                item,
                quantity,
                price,
                ..
            }) => {
                assert_eq!(item, ItemId(7));
                assert!((1..=4).contains(&quantity));
                assert!(price.0 % 100 == 0, "{price} has too many digits");
                sold += 1;
            }
            Some(ValueCommand::Buy { type_id, price, .. }) => {
                assert_ne!(type_id, TypeId(3), "too dear");
                assert!(price.0 > 0);
                bought += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(sold > 50 && bought > 50, "{sold} {bought}");
    assert_eq!(
        [rounded(123_456), rounded(9_999), rounded(0)],
        [123_400, 9_999, 1]
    );
}

/// What there is of a trade between two bots.
struct Referee {
    window: Option<Window>,
    accepted: [Option<u32>; 2],
    invited_by: usize,
    /// Acceptances that a change has made worthless.
    changed_after: u32,
    done: u32,
}

impl Referee {
    fn take(&mut self, side: usize, command: &ValueCommand) {
        match (command, &mut self.window) {
            (ValueCommand::OfferTrade { .. }, None) => {
                self.invited_by = side;
                self.accepted = [None; 2];
                self.window = Some(Window {
                    trade: orrery_base::value::TradeId(7),
                    with: CharacterId(0),
                    version: 1,
                    state: TradeState::Offered,
                });
            }
            (ValueCommand::OfferTrade { .. }, Some(window)) => {
                assert_ne!(side, self.invited_by, "nobody answers the own invitation");
                (window.state, window.version) = (TradeState::Open, 2);
            }
            (ValueCommand::AddItem { .. } | ValueCommand::SetMoney { .. }, Some(window)) => {
                assert_eq!(window.state, TradeState::Open);
                let was_accepted = self.accepted[side] == Some(window.version);
                self.changed_after += u32::from(was_accepted);
                window.version += 1;
            }
            (ValueCommand::AcceptTrade { version, .. }, Some(window)) => {
                assert_eq!(*version, window.version, "what it has seen");
                self.accepted[side] = Some(*version);
                if self.accepted == [Some(*version); 2] {
                    (self.window, self.done) = (None, self.done + 1);
                }
            }
            (ValueCommand::CancelTrade { .. }, window) => *window = None,
            _ => {}
        }
    }
}

#[test]
fn traders_trade_with_each_other_and_some_change_their_minds() {
    let hangar = [ItemRow {
        item: orrery_base::value::ItemId(7),
        type_id: orrery_base::TypeId(1),
        quantity: 4,
        ..ItemRow::default()
    }];
    let mut referee = Referee {
        window: None,
        accepted: [None; 2],
        invited_by: 0,
        changed_after: 0,
        done: 0,
    };
    for number in 0..200 {
        referee.window = None;
        let mut pilots = [0, 1].map(|side| Pilot::new(Behaviour::Trade, 5, 2 * number + side));
        for step in 0..400 {
            let side = step % 2;
            let mut actions = Vec::new();
            let view = View {
                now_s: step as f64 * 0.5,
                docked: true,
                own_cm: None,
                others: &[],
                hangar: Some(&hangar),
                goods: &[],
                company: &[CharacterId(2 - side as u64)],
                window: referee.window,
                locks: &[],
                modules: &[],
                tick: None,
            };
            pilots[side].decide(&view, &mut actions);
            for action in actions {
                if let Action::Value(command, _) = action {
                    referee.take(side, &command);
                }
            }
        }
    }
    let Referee {
        done,
        changed_after,
        ..
    } = referee;
    assert!(done > 100 && changed_after > 20, "{done} {changed_after}");
}
