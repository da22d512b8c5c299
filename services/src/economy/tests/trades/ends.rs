//! How trade windows end, and what does not end them.

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

/// A trade with a restart in some beat.
struct Restarted {
    town: Town,
    beats: u64,
    restart: Option<u64>,
}

impl Restarted {
    /// Asks, and asks again after the restart, until there is an answer.
    fn done(&mut self, who: u64, command: &ValueCommand) -> Outcome {
        let request = self.town.ask(who, command.clone());
        for _ in 0..20 {
            self.town.beat();
            self.beats += 1;
            if Some(self.beats) == self.restart {
                self.town.start(3);
                for character in [1, 2] {
                    self.town.present(character, Some(1));
                }
                self.town.command(crate::economy::Command {
                    actor: CharacterId(who),
                    request,
                    desk: Some(crate::economy::tests::town::desk(who, 1)),
                    command: command.clone(),
                });
            }
            let answers = self.town.answers.iter();
            let mut answers = answers.filter(|(_, of, _)| *of == request);
            if let Some((_, _, outcome)) = answers.next() {
                return *outcome;
            }
        }
        panic!("no answer");
    }

    fn trade(&mut self) -> Result<(), RejectCode> {
        let id = self.done(1, &offer(2))?.trade;
        self.done(2, &offer(1))?;
        let (ore, metal) = (self.town.item(1, ORE), self.town.item(2, METAL));
        self.done(1, &add(id, ore, 300))?;
        self.done(2, &add(id, metal, 20))?;
        self.done(1, &money(id, 40_00))?;
        let seen = shown(&self.town, 1, id).ok_or(RejectCode::TradeUnknown)?;
        self.done(1, &accept(id, seen.version))?;
        self.done(2, &accept(id, seen.version))?;
        Ok(())
    }
}

#[test]
fn after_a_restart_in_any_beat_a_trade_goes_on_or_everything_is_back() {
    let trade = |restart| {
        let mut run = Restarted {
            town: town(2),
            beats: 0,
            restart,
        };
        let outcome = run.trade();
        let mut town = run.town;
        town.rest();
        match outcome {
            Ok(()) => {
                assert_no_trades(&town);
                let units = |who, type_id| town.units(who, 1, type_id);
                assert_eq!((units(1, ORE), units(2, ORE)), (700, 1_300));
                assert_eq!((units(1, METAL), units(2, METAL)), (520, 480));
                assert_eq!(town.coins(2), Money(START + 40_00));
            }
            // Somebody heard of a change before it was known that both are back.
            Err(code) => {
                let known = [RejectCode::PartnerElsewhere, RejectCode::TradeUnknown];
                assert!(known.contains(&code), "{code:?}");
                town.pause_ms += 60_000;
                town.rest();
                assert_as_before(&town);
            }
        }
        (run.beats, outcome.is_ok())
    };
    let (beats, is_done) = trade(None);
    assert!(is_done && beats > 15, "{beats}");
    let done = (1..=beats).filter(|beat| trade(Some(*beat)).1).count();
    assert!(done > 3, "{done} of {beats} went on");
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
