use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange};
use orrery_storage::{Batch, Domain, Operation};
use proptest::prelude::*;

use super::*;
use crate::market::Terms;
use crate::market::tests::fixture::{LINE, NOW, PARTITION, REGION, book, place, sample, terms};
use crate::rows::{MemoryRows, hex};

const CANDLE: Candle = Candle {
    open: Money(5),
    high: Money(9),
    low: Money(2),
    close: Money(7),
    volume: 11,
    trades: 3,
    turnover: 60,
};

fn written(book: &mut Book) -> Batch {
    let mut batch = Batch::new();
    book.write_changes(&mut batch);
    batch
}

fn load(rows: &MemoryRows) -> Result<Book, RowError> {
    Book::load(rows, PARTITION, REGION, PriceRule::Incoming)
}

#[test]
fn bytes_are_the_ones_on_disk() {
    let order = sample();
    assert_eq!(
        hex(&order_key(PARTITION, REGION, order.id)),
        "02000300070000800000000005"
    );
    assert_eq!(
        hex(&encode_order(&order)),
        "010105\
         04030201\
         0d0c0b0a\
         1100000000000000\
         2200000000000000\
         3300000000000000\
         4400000000000000\
         5500000000000000\
         1600000000000000\
         7700000000000000\
         8800000000000000\
         9900000000000000\
         aa00000000000000"
    );
    let key = candle_key(PARTITION, REGION, TypeId(0x0102_0304), Day(0x0506));
    assert_eq!(hex(&key), "03000300070102030400000506");
    assert_eq!(
        hex(&encode_candle(&CANDLE)),
        "01\
         0500000000000000\
         0900000000000000\
         0200000000000000\
         0700000000000000\
         0b00000000000000\
         0300000000000000\
         3c000000000000000000000000000000"
    );
}

#[test]
fn every_range_comes_back() {
    let jumps = OrderRange::JUMPS.map(OrderRange::Jumps);
    let others = [OrderRange::Station, OrderRange::System, OrderRange::Region];
    for range in jumps.into_iter().chain(others) {
        for side in [Side::Buy, Side::Sell] {
            let order = Order {
                range,
                side,
                ..sample()
            };
            assert_eq!(decode_order(order.id, &encode_order(&order)), Ok(order));
        }
    }
}

#[test]
fn orders_that_cannot_rest_are_damage() {
    let good = sample();
    let bad = [
        Order {
            price: Money(0),
            ..good
        },
        Order {
            quantity: 0,
            ..good
        },
        Order {
            quantity: good.initial + 1,
            ..good
        },
        Order {
            initial: QUANTITY_MAX + 1,
            ..good
        },
        Order { minimum: 0, ..good },
        Order {
            minimum: good.initial + 1,
            ..good
        },
        Order {
            expires: good.placed,
            ..good
        },
    ];
    for order in bad {
        let read = decode_order(order.id, &encode_order(&order));
        assert!(matches!(read, Err(RecordError::Damaged(_))), "{order:?}");
    }
    let flat = Candle {
        high: Money(4),
        ..CANDLE
    };
    assert!(decode_candle(&encode_candle(&flat)).is_err());
    assert_eq!(decode_candle(&encode_candle(&CANDLE)), Ok(CANDLE));
}

#[test]
fn an_order_is_written_once_and_only_if_it_is_there() {
    let mut book = book(PriceRule::Incoming);
    assert!(!book.has_changes());
    let (a, _) = place(&mut book, terms(Side::Sell, 5, 10));
    place(&mut book, terms(Side::Buy, 5, 4));
    place(&mut book, terms(Side::Buy, 5, 4));
    // The counters and the one order that is left: the buyers came and went.
    let batch = written(&mut book);
    assert_eq!(batch.len(), 2);
    assert!(!book.has_changes() && written(&mut book).is_empty());
    // What rested within one beat only leaves nothing either.
    let (brief, _) = place(&mut book, terms(Side::Sell, 9, 1));
    book.reprice(brief, Money(8), NOW, &LINE, &mut Vec::new());
    book.cancel(brief);
    assert_eq!(written(&mut book).len(), 1, "the counters alone");
    // Bought empty: its row goes.
    place(&mut book, terms(Side::Buy, 5, 2));
    let batch = written(&mut book);
    let key = order_key(PARTITION, REGION, a);
    let deletes = Operation::Delete {
        domain: Domain::Market,
        key: &key,
    };
    assert_eq!(batch.iter().last(), Some(deletes));
    assert_eq!(batch.len(), 2);
}

#[test]
fn the_queue_survives_its_rows() {
    let mut book = book(PriceRule::Incoming);
    let (first, _) = place(&mut book, terms(Side::Sell, 5, 1));
    let (second, _) = place(&mut book, terms(Side::Sell, 5, 1));
    // Now the older id is the younger in time.
    book.reprice(first, Money(5), NOW, &LINE, &mut Vec::new());
    let mut rows = MemoryRows::default();
    rows.apply(&written(&mut book));
    let mut loaded = load(&rows).unwrap();
    let (_, fills) = place(&mut loaded, terms(Side::Buy, 5, 2));
    let order: Vec<_> = fills.iter().map(|fill| fill.resting).collect();
    assert_eq!(order, [second, first]);
    let ours = place(&mut book, terms(Side::Buy, 5, 2));
    assert_eq!(ours.1, fills);
    assert_eq!(Book::stored_regions(&rows, PARTITION), Ok(vec![REGION]));
    assert_eq!(Book::stored_regions(&rows, PARTITION + 1), Ok(vec![]));
}

#[test]
fn rows_that_contradict_each_other_are_not_loaded() {
    assert!(load(&MemoryRows::default()).unwrap().is_empty());
    let mut book = book(PriceRule::Incoming);
    let (id, _) = place(&mut book, terms(Side::Sell, 5, 1));
    let order = *book.order(id).unwrap();
    let good = written(&mut book);
    let with = |id: OrderId, change: Order| {
        let mut rows = MemoryRows::default();
        rows.apply(&good);
        let mut batch = Batch::new();
        let key = order_key(PARTITION, REGION, id);
        batch.put(Domain::Market, key, encode_order(&change));
        rows.apply(&batch);
        load(&rows).map(|book| book.len())
    };
    assert_eq!(with(id, order), Ok(1));
    // Serial and sequence that the counters have not given yet, another region, a place twice.
    let next = order_id(REGION, 2);
    assert!(matches!(with(next, order), Err(RowError::Damaged { .. })));
    let later = Order {
        sequence: 2,
        ..order
    };
    assert!(matches!(with(id, later), Err(RowError::Damaged { .. })));
    let foreign = order_id(RegionId(REGION.0 + 1), 1);
    assert!(matches!(
        with(foreign, order),
        Err(RowError::Damaged { .. })
    ));

    place(&mut book, terms(Side::Sell, 6, 1));
    let mut rows = MemoryRows::default();
    rows.apply(&good);
    rows.apply(&written(&mut book));
    assert_eq!(load(&rows).unwrap().len(), 2);
    let mut batch = Batch::new();
    let key = order_key(PARTITION, REGION, next);
    batch.put(Domain::Market, key, encode_order(&order));
    rows.apply(&batch);
    assert!(matches!(load(&rows), Err(RowError::Damaged { .. })));

    // Orders without counters.
    let mut batch = Batch::new();
    batch.delete(Domain::Market, head(TAG_COUNTERS, PARTITION, REGION));
    rows.apply(&batch);
    assert!(matches!(load(&rows), Err(RowError::Missing { .. })));
}

fn orders() -> impl Strategy<Value = Order> {
    let times = (any::<u64>(), any::<u64>(), any::<u64>());
    let sizes =
        (1..=QUANTITY_MAX).prop_flat_map(|initial| (Just(initial), 1..=initial, 1..=initial));
    let what = (
        any::<u32>(),
        any::<u32>(),
        any::<u64>(),
        any::<u64>(),
        1..=i64::MAX,
    );
    (what, sizes, times, any::<u64>(), 0_u8..=252, any::<bool>()).prop_map(
        |(
            what,
            (initial, quantity, minimum),
            (placed, changed, expires),
            sequence,
            jumps,
            buys,
        )| {
            let (placed, expires) = (placed.min(expires), placed.max(expires).max(1));
            Order {
                id: order_id(REGION, 1),
                side: if buys { Side::Buy } else { Side::Sell },
                type_id: TypeId(what.0),
                system: SystemId(what.1),
                owner: CharacterId(what.2),
                station: EntityId(what.3),
                price: Money(what.4),
                quantity,
                initial,
                minimum,
                range: OrderRange::Jumps(jumps),
                placed: WallTime(placed.min(expires - 1)),
                changed: WallTime(changed),
                expires: WallTime(expires),
                sequence,
            }
        },
    )
}

proptest! {
    #[test]
    fn orders_come_back(order in orders()) {
        prop_assert_eq!(decode_order(order.id, &encode_order(&order)), Ok(order));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), version in any::<bool>()) {
        let mut bytes = bytes;
        if version && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(order) = decode_order(OrderId(1), &bytes) {
            prop_assert_eq!(encode_order(&order), bytes.clone());
        }
        if let Ok(candle) = decode_candle(&bytes) {
            prop_assert_eq!(encode_candle(&candle), bytes.clone());
        }
        let _ = decode_counters(&bytes);
        let _ = decode_candle_key(&bytes);
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_order(order in orders(), at in 0_usize..91, to in any::<u8>()) {
        let mut bytes = encode_order(&order);
        bytes[at] = to;
        if let Ok(read) = decode_order(order.id, &bytes) {
            prop_assert_eq!(encode_order(&read), bytes.clone());
        }
        bytes.pop();
        prop_assert!(decode_order(order.id, &bytes).is_err());
    }
}

#[test]
fn terms_become_an_order() {
    let terms = Terms {
        days: 3,
        ..terms(Side::Buy, 5, 8)
    };
    let order = terms.order(order_id(REGION, 1), NOW);
    assert_eq!((order.quantity, order.initial), (8, 8));
    assert_eq!(order.expires.since_ms(NOW), 3 * 86_400_000);
    assert!(order.may_rest());
    let now = Terms { days: 0, ..terms }.order(order.id, NOW);
    assert!(!now.may_rest());
    assert_eq!(order.value(), Ok(Money(40)));
}
