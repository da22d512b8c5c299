use orrery_base::money::Money;
use orrery_base::{CharacterId, EntityId, TypeId};
use orrery_storage::Batch;

use super::{Candle, Candles, Day};
use crate::WallTime;
use crate::market::order::DAY_MS;
use crate::market::tests::fixture::{PARTITION, REGION};
use crate::market::{Fill, RegionId, Side, order_id};
use crate::rows::MemoryRows;

fn fill(type_id: u32, price: i64, quantity: u64) -> Fill {
    Fill {
        type_id: TypeId(type_id),
        incoming: order_id(REGION, 2),
        resting: order_id(REGION, 1),
        incoming_side: Side::Buy,
        buyer: CharacterId(1),
        seller: CharacterId(2),
        quantity,
        price: Money(price),
        buy_limit: Money(price),
        station: EntityId(3),
        resting_left: 0,
    }
}

const fn day(number: u64) -> WallTime {
    WallTime(number * DAY_MS + 5)
}

fn days(history: &[(Day, Candle)]) -> Vec<u32> {
    history.iter().map(|(day, _)| day.0).collect()
}

#[test]
fn a_day_has_its_first_highest_lowest_and_last_price() {
    let mut candles = Candles::new(PARTITION, REGION);
    for (price, quantity) in [(5, 10), (9, 1), (2, 4), (7, 5)] {
        candles.record(day(3), &fill(1, price, quantity));
    }
    let expected = Candle {
        open: Money(5),
        high: Money(9),
        low: Money(2),
        close: Money(7),
        volume: 20,
        trades: 4,
        turnover: 102,
    };
    assert_eq!(candles.newest(TypeId(1)), Some((Day(3), expected)));
    assert_eq!(expected.average(), Money(5));
    assert_eq!(candles.newest(TypeId(2)), None);
}

#[test]
fn days_change_at_midnight_and_do_not_return() {
    assert_eq!(Day::of(WallTime(DAY_MS - 1)), Day(0));
    assert_eq!(Day::of(WallTime(DAY_MS)), Day(1));
    assert_eq!(Day::of(WallTime(u64::MAX)), Day(u32::MAX));
    let mut candles = Candles::new(PARTITION, REGION);
    candles.record(day(3), &fill(1, 5, 1));
    candles.record(day(4), &fill(1, 6, 1));
    // The clock is set back: it counts to the newest day.
    candles.record(day(3), &fill(1, 8, 1));
    let (newest, candle) = candles.newest(TypeId(1)).unwrap();
    assert_eq!(
        (newest, candle.open, candle.close),
        (Day(4), Money(6), Money(8))
    );
    // Both days are written, although only one is kept.
    let mut batch = Batch::new();
    assert!(candles.has_changes());
    candles.write_changes(&mut batch);
    assert_eq!(batch.len(), 2);
    assert!(!candles.has_changes());
}

#[test]
fn history_is_read_from_the_rows() {
    let mut rows = MemoryRows::default();
    let mut candles = Candles::new(PARTITION, REGION);
    let mut neighbour = Candles::new(PARTITION, RegionId(REGION.0 + 1));
    for number in [1, 2, 5, 6] {
        candles.record(day(number), &fill(1, 5, number));
        candles.record(day(number + 10), &fill(u32::MAX, 5, number));
        neighbour.record(day(number), &fill(1, 99, 1));
        let mut batch = Batch::new();
        candles.write_changes(&mut batch);
        neighbour.write_changes(&mut batch);
        rows.apply(&batch);
    }
    candles.record(day(7), &fill(2, 8, 1));
    let mut batch = Batch::new();
    candles.write_changes(&mut batch);
    rows.apply(&batch);

    let loaded = Candles::load(&rows, PARTITION, REGION).unwrap();
    assert_eq!(loaded, candles);
    let newest: Vec<_> = loaded
        .all_newest()
        .map(|(type_id, day, _)| (type_id.0, day.0))
        .collect();
    assert_eq!(newest, [(1, 6), (2, 7), (u32::MAX, 16)]);

    let read = |from, to| {
        Candles::history(&rows, PARTITION, REGION, TypeId(1), Day(from)..=Day(to)).unwrap()
    };
    assert_eq!(days(&read(0, u32::MAX)), [1, 2, 5, 6]);
    assert_eq!(days(&read(2, 5)), [2, 5]);
    assert_eq!(read(5, 5)[0].1.volume, 5);
    assert_eq!(days(&read(6, 2)), [0; 0]);
    let empty = Candles::load(&rows, PARTITION + 1, REGION).unwrap();
    assert_eq!(empty, Candles::new(PARTITION + 1, REGION));
}

#[test]
fn damaged_candles_are_errors() {
    let mut candles = Candles::new(PARTITION, REGION);
    candles.record(day(1), &fill(1, 5, 1));
    let mut batch = Batch::new();
    candles.write_changes(&mut batch);
    let key = super::candle_key(PARTITION, REGION, TypeId(1), Day(1));
    batch.put(orrery_storage::Domain::Market, key, [1, 2, 3]);
    let mut rows = MemoryRows::default();
    rows.apply(&batch);
    assert!(Candles::load(&rows, PARTITION, REGION).is_err());
    let all = Day(0)..=Day(u32::MAX);
    assert!(Candles::history(&rows, PARTITION, REGION, TypeId(1), all).is_err());
}
