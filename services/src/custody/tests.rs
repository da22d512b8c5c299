//! Limits of custody.
#![allow(
    clippy::inconsistent_digit_grouping,
    reason = "money: whole units, then cents"
)]

use orrery_base::command::RejectCode;
use orrery_base::value::{RequestId, TransferReason};
use orrery_base::{CharacterId, Tick};
use orrery_storage::Batch;

use super::account::PARTITIONS_MAX;
use super::ledger::COINS_MAX;
use super::*;
use crate::WallTime;
use crate::rows::MemoryRows;

const GRANT: Cause = Cause {
    actor: CharacterId(1),
    reason: TransferReason::StartingGrant,
    reference: 0,
};

#[test]
fn a_partition_mints_no_more_than_its_share_of_what_fits_one_account() {
    let share = COINS_MAX / u64::from(PARTITIONS_MAX);
    let mut ledger = load(&MemoryRows::default(), PartitionIndex(3)).unwrap();
    ledger.begin(Tick(1), WallTime(1));
    let (one, other) = (
        Account::faucet(1, PartitionIndex(3)),
        Account::faucet(2, PartitionIndex(3)),
    );
    let wallet = Account::wallet(CharacterId(1));
    ledger.activate(Stored::empty(wallet));
    let mut mint = |faucet, cents| ledger.mint(faucet, wallet, Minted::Coins(cents), GRANT);
    mint(one, share - 5).unwrap();
    assert_eq!(mint(other, 6), Err(RejectCode::AmountTooLarge));
    mint(other, 5).unwrap();
    assert_eq!(mint(one, 1), Err(RejectCode::AmountTooLarge));
    // What was destroyed does not make room: sums of all that ever was never overflow.
    let sink = Account::sink(1, PartitionIndex(3));
    ledger
        .burn(wallet, sink, What::Coins(share), GRANT)
        .unwrap();
    assert_eq!(
        ledger.mint(one, wallet, Minted::Coins(1), GRANT),
        Err(RejectCode::AmountTooLarge)
    );
}

#[test]
fn who_asks_too_often_makes_nobody_else_wait() {
    let limits = RequestLimits {
        each: 3,
        most: 5,
        ..RequestLimits::default()
    };
    let now = WallTime(1_800_000_000_000);
    let mut requests = Requests::new(limits, 1);
    let mut serial = 0;
    let mut ask = |requests: &mut Requests, actor, at: WallTime| {
        serial += 1;
        let id = RequestId::new(at.0, serial);
        let judged = requests.judge(CharacterId(actor), id, at)?;
        requests.begin(CharacterId(actor), id, at, Some(Err(RejectCode::NotDocked)));
        Ok(judged)
    };
    for _ in 0..3 {
        assert_eq!(ask(&mut requests, 1, now), Ok(Judgement::Fresh));
    }
    assert_eq!(ask(&mut requests, 1, now), Err(RejectCode::Busy));
    for _ in 0..2 {
        assert_eq!(ask(&mut requests, 2, now), Ok(Judgement::Fresh));
    }
    assert_eq!(
        ask(&mut requests, 2, now),
        Err(RejectCode::Busy),
        "all are full"
    );
    let mut batch = Batch::new();
    requests.write(PartitionIndex(0), Tick(1), &mut batch);
    let mut rows = MemoryRows::default();
    rows.apply(&batch);
    let mut again = Requests::new(limits, 1);
    again.load(&rows, PartitionIndex(0), Tick(0)).unwrap();
    assert_eq!(ask(&mut again, 1, now), Err(RejectCode::Busy));
    let later = WallTime(now.0 + limits.window_ms + limits.ahead_ms + 1);
    for requests in [&mut requests, &mut again] {
        requests.forget(later);
        assert!(requests.is_empty());
        assert_eq!(ask(requests, 1, later), Ok(Judgement::Fresh));
    }
}
