//! How trade windows end, and what does not end them.

use orrery_base::TypeId;
use orrery_storage::Batch;

use super::*;
use crate::custody::Outcome;
use crate::economy::audit_trades;

#[test]
fn both_are_in_the_same_station() {
    let mut town = town(3);
    let not_docked = |town: &mut Town, command| -> Outcome {
        let request = town.request();
        town.command(crate::economy::Command {
            actor: CharacterId(1),
            request,
            desk: None,
            command,
        });
        town.rest();
        town.outcome(request)
    };
    assert_eq!(not_docked(&mut town, offer(2)), Err(RejectCode::NotDocked));
    let elsewhere = Err(RejectCode::PartnerElsewhere);
    assert_eq!(town.done_at(1, 2, offer(2)), elsewhere);
    town.present(2, None);
    assert_eq!(town.done(1, offer(2)), elsewhere, "2 is not there");
    town.present(2, Some(1));
    let trade = town.ok(1, offer(2)).trade;
    assert_eq!(town.done_at(2, 2, offer(1)), elsewhere);
    town.ok(2, offer(1));
    let ore = town.item(1, ORE);
    for command in [
        add(trade, ore, 1),
        remove(trade, ore, 1),
        money(trade, 1),
        accept(trade, 2),
    ] {
        assert_eq!(town.done_at(1, 2, command.clone()), elsewhere);
        let refused = not_docked(&mut town, command);
        assert_eq!(refused, Err(RejectCode::NotDocked));
    }
    assert!(
        not_docked(&mut town, cancel(trade)).is_ok(),
        "from anywhere"
    );
    assert_as_before(&town);
}

#[test]
fn who_leaves_the_station_ends_the_trade() {
    for (who, whither) in [(1, None), (2, None), (1, Some(2)), (2, Some(3))] {
        let (mut town, trade) = trading();
        let (ore, metal) = (town.item(1, ORE), town.item(2, METAL));
        town.ok(1, add(trade, ore, 100));
        town.ok(2, add(trade, metal, 500));
        town.ok(2, money(trade, 5_00));
        let last = version(&town, trade);
        town.ok(1, accept(trade, last));
        town.present(who, whither);
        town.rest();
        for (side, other) in [(1, 2), (2, 1)] {
            let end = (other, last, TradeState::Expired);
            assert_eq!(heard(&town, side).last(), Some(&end));
        }
        assert_eq!(
            town.refused(2, accept(trade, last)),
            RejectCode::TradeUnknown
        );
        assert_as_before(&town);
    }
    // Also while the invitation is on its way, and for the one who was invited.
    for (who, beats) in [(1, 0), (1, 1), (1, 3), (2, 2), (2, 4)] {
        let mut town = town(2);
        town.ask(1, offer(2));
        for _ in 0..beats {
            town.beat();
        }
        town.present(who, None);
        town.rest();
        assert_no_trades(&town);
    }
}

#[test]
fn a_trade_in_which_nothing_happens_ends() {
    let (mut town, trade) = trading();
    let ore = town.item(1, ORE);
    town.pause_ms += 50_000;
    town.ok(1, add(trade, ore, 7));
    town.ok(2, money(trade, 1_00));
    town.pause_ms += 50_000;
    town.rest();
    assert!(shown(&town, 1, trade).is_some(), "it begins anew");
    town.pause_ms += 10_000;
    town.rest();
    assert_eq!(heard(&town, 2).last(), Some(&(1, 4, TradeState::Expired)));
    assert_as_before(&town);
    // An invitation too.
    town.ok(1, offer(2));
    town.pause_ms += 60_000;
    town.rest();
    assert_as_before(&town);
}

#[test]
fn a_change_at_the_last_moment_is_never_paid_for() {
    // Both orders of arrival: the change before the acceptance, and after it.
    for delay in 0..6 {
        let (mut town, trade) = trading();
        let ore = town.item(1, ORE);
        town.ok(1, add(trade, ore, 1_000));
        town.ok(2, money(trade, 900_00));
        let seen = version(&town, trade);
        town.ok(1, accept(trade, seen));
        let change = town.ask(1, remove(trade, ore, 999));
        for _ in 0..delay {
            town.beat();
        }
        let accepted = town.ask(2, accept(trade, seen));
        town.rest();
        let (change, accepted) = (town.outcome(change), town.outcome(accepted));
        match accepted {
            Ok(_) => {
                assert!(change.is_err(), "the trade was done before");
                assert_eq!((town.units(2, 1, ORE), town.units(1, 1, ORE)), (2_000, 0));
                assert_eq!(town.coins(1), Money(START + 900_00));
            }
            Err(code) => {
                assert_eq!((change.is_ok(), code), (true, RejectCode::TradeChanged));
                assert_eq!(town.units(2, 1, ORE), 1_000);
                assert_eq!(town.coins(1), Money(START));
            }
        }
    }
}

#[test]
fn what_comes_too_late_goes_back() {
    for delay in 0..6 {
        let (mut town, trade) = trading();
        let (ore, metal) = (town.item(1, ORE), town.item(2, METAL));
        town.ok(2, add(trade, metal, 400));
        town.ask(2, cancel(trade));
        for _ in 0..delay {
            town.beat();
        }
        town.ask(1, add(trade, ore, 1_000));
        town.ask(1, money(trade, 77_00));
        town.rest();
        assert_as_before(&town);
    }
}

#[test]
fn a_restart_in_any_beat_changes_nothing() {
    let trade = |restart: Option<u64>| {
        let mut town = town(2);
        let mut beats = 0;
        let mut done = |town: &mut Town, who: u64, command: ValueCommand| {
            let request = town.ask(who, command.clone());
            for _ in 0..20 {
                town.beat();
                beats += 1;
                if Some(beats) == restart {
                    town.start(3);
                    for character in [1, 2] {
                        town.present(character, Some(1));
                    }
                    // Who has no answer asks again.
                    let desk = Some(crate::economy::tests::town::desk(who, 1));
                    let actor = CharacterId(who);
                    let command = command.clone();
                    town.command(crate::economy::Command {
                        actor,
                        request,
                        desk,
                        command,
                    });
                }
                if town.answers.iter().any(|(_, of, _)| *of == request) {
                    break;
                }
            }
            let found = town.answers.iter().find(|(_, of, _)| *of == request);
            found.expect("no answer").2.unwrap()
        };
        let id = done(&mut town, 1, offer(2)).trade;
        done(&mut town, 2, offer(1));
        let (ore, metal) = (town.item(1, ORE), town.item(2, METAL));
        done(&mut town, 1, add(id, ore, 300));
        done(&mut town, 2, add(id, metal, 20));
        done(&mut town, 1, money(id, 40_00));
        let seen = version(&town, id);
        done(&mut town, 1, accept(id, seen));
        done(&mut town, 2, accept(id, seen));
        town.rest();
        assert_no_trades(&town);
        let units = |who, type_id: TypeId| town.units(who, 1, type_id);
        assert_eq!((units(1, ORE), units(2, ORE)), (700, 1_300));
        assert_eq!((units(1, METAL), units(2, METAL)), (520, 480));
        assert_eq!(town.coins(2), Money(START + 40_00));
        beats
    };
    let beats = trade(None);
    assert!(beats > 15, "{beats}");
    for beat in 1..=beats {
        trade(Some(beat));
    }
}

#[test]
fn after_a_restart_nobody_waits_for_who_does_not_come_back() {
    let (mut town, trade) = trading();
    let ore = town.item(1, ORE);
    town.ok(1, add(trade, ore, 10));
    town.start(1);
    town.present(1, Some(1));
    // The first change tells 2's home, where 2 is not docked any more.
    town.ok(1, add(trade, ore, 5));
    town.rest();
    assert_as_before(&town);
}

#[test]
fn the_audit_finds_escrow_without_a_trade() {
    let (mut town, trade) = trading();
    let ore = town.item(1, ORE);
    town.ok(1, add(trade, ore, 10));
    town.ok(2, money(trade, 5_00));
    assert_eq!(audit_trades(&town.rows, 8), Ok(Vec::new()));
    let rows = town
        .rows
        .scan(Domain::Market, KeyRange::prefix(&[17]), Order::Ascending);
    let rows: Vec<_> = rows.map(Result::unwrap).collect();
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    let mut batch = Batch::new();
    batch.delete(Domain::Market, &row.key);
    town.rows.apply(&batch);
    let problems = audit_trades(&town.rows, 8).unwrap();
    assert_eq!(problems.len(), 2, "goods and money: {problems:?}");
    // Damaged, and in another partition.
    let mut batch = Batch::new();
    batch.put(Domain::Market, &row.key, [1, 9]);
    town.rows.apply(&batch);
    assert_eq!(audit_trades(&town.rows, 8).unwrap().len(), 1);
    let mut elsewhere = row.key.clone();
    elsewhere[2] = (elsewhere[2] + 1) % 8;
    let mut batch = Batch::new();
    batch.put(Domain::Market, &row.key, &row.value);
    batch.put(Domain::Market, elsewhere, &row.value);
    town.rows.apply(&batch);
    assert_eq!(audit_trades(&town.rows, 8).unwrap().len(), 1);
}
