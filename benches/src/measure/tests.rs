use super::*;

fn series(name: &str, role: Role, rounds: &[f64]) -> Series {
    Series {
        name: name.to_owned(),
        role,
        rounds: rounds.to_vec(),
    }
}

#[test]
fn quantiles_lie_between_the_values() {
    let values = series("a", Role::Ours, &[4.0, 1.0, 3.0, 2.0]);
    assert_eq!(values.median(), 2.5);
    assert_eq!(values.quantile(0.0), 1.0);
    assert_eq!(values.quantile(1.0), 4.0);
    assert_eq!(values.quantile(0.25), 1.75);
}

#[test]
fn a_ratio_is_taken_round_by_round() {
    let measured = Measured {
        name: "group".into(),
        unit: "ns".into(),
        series: vec![
            // Twice as slow in every round, of which one was disturbed.
            series("a", Role::Ours, &[2.0, 200.0, 4.0]),
            series("b", Role::Peer, &[1.0, 100.0, 2.0]),
            series("c", Role::Peer, &[9.0, 9.0, 9.0]),
        ],
    };
    assert_eq!(measured.ratio("a", "b"), 2.0);
    assert_eq!(measured.best_peer().name, "b");
}

#[test]
fn contenders_take_turns() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let log = Rc::new(RefCell::new(String::new()));
    let contender = |name: &'static str| {
        let log = Rc::clone(&log);
        Contender::timed(name, Role::Ours, 10, move || {
            log.borrow_mut().push_str(name);
            Duration::from_millis(20)
        })
    };
    let group = Group::new("turns", "turn")
        .with(contender("a"))
        .with(contender("b"));
    let effort = Effort {
        rounds: 3,
        turn: Duration::from_millis(40),
    };
    let measured = measure(group, effort);
    // Two runs each to warm up, then two runs a turn.
    assert_eq!(*log.borrow(), "aabbaabbbbaaaabb");
    assert_eq!(measured.series("a").rounds, [2_000_000.0; 3]);
}
