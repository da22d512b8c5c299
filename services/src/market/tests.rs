//! The book against a model that is a list, with random orders, ranges, minimums, prices,
//! cancellations, days that pass and reloads from rows.

use orrery_base::TypeId;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange};
use orrery_storage::Batch;
use proptest::collection::vec;
use proptest::prelude::*;

use self::fixture::{LINE, PARTITION, REGION, at, terms};
use self::model::Model;
use super::order::{DAY_MS, DAYS};
use super::{Book, Fill, Order, Placed, PriceRule, Side, Terms};
use crate::WallTime;
use crate::rows::MemoryRows;

pub(crate) mod fixture;
mod model;

#[derive(Clone, Debug)]
enum Event {
    Place(Terms),
    /// The order that was placed so many before the last one.
    Cancel(usize),
    Reprice(usize, i64),
    /// Hours that pass.
    Wait(u64),
    /// The changes are written.
    Write,
    /// The changes are written, and the book is what its rows say.
    Reload,
}

fn ranges() -> impl Strategy<Value = OrderRange> {
    prop_oneof![
        Just(OrderRange::Station),
        Just(OrderRange::System),
        prop::sample::select(OrderRange::JUMPS.as_slice()).prop_map(OrderRange::Jumps),
        Just(OrderRange::Region),
    ]
}

fn placed() -> impl Strategy<Value = Terms> {
    let sides = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let what = (sides, 1_u32..3, 1_u64..5, 1_i64..9);
    let quantity = (1_u64..40).prop_flat_map(|most| (Just(most), 1..=most));
    let minimum = prop_oneof![2 => Just(false), 1 => Just(true)];
    let rest = (0_u32..14, 0_u64..2, ranges(), prop::sample::select(&DAYS));
    (what, quantity, minimum, rest).prop_map(
        |((side, type_id, owner, price), (quantity, some), minimum, rest)| {
            let (system, station, range, days) = rest;
            let terms = terms(side, price, quantity);
            Terms {
                type_id: TypeId(type_id),
                minimum: if minimum { some } else { 1 },
                range,
                days,
                ..at(terms, owner, system, station)
            }
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => placed().prop_map(Event::Place),
        2 => (0_usize..30).prop_map(Event::Cancel),
        3 => (0_usize..30, 1_i64..9).prop_map(|(back, price)| Event::Reprice(back, price)),
        1 => (1_u64..48).prop_map(Event::Wait),
        1 => Just(Event::Write),
        1 => Just(Event::Reload),
    ];
    vec(event, 1..120)
}

/// What the book has to agree on with the model after every event.
fn compare(book: &Book, model: &Model) {
    assert_eq!(book.len(), model.orders.len());
    for type_id in [1, 2].map(TypeId) {
        for side in [Side::Buy, Side::Sell] {
            let listed: Vec<Order> = book.listed(type_id, side).copied().collect();
            assert_eq!(listed, model.in_priority(type_id, side));
        }
    }
}

/// The invariants of a book that its page lists.
fn check(book: &Book) {
    assert_eq!(book.shelf.len(), book.places.len());
    assert_eq!(book.owners.len(), book.places.len());
    assert_eq!(book.ends.len(), book.places.len());
    let mut queued = 0;
    for side in [Side::Buy, Side::Sell] {
        for type_id in book.types(side) {
            let orders: Vec<&Order> = book.listed(type_id, side).collect();
            queued += orders.len();
            for level in book.levels(type_id, side) {
                let here: Vec<_> = orders.iter().filter(|o| o.price == level.price).collect();
                assert_eq!(here.len(), level.orders as usize);
                assert_eq!(here.iter().map(|o| o.quantity).sum::<u64>(), level.units);
                assert!(here.windows(2).all(|w| w[0].sequence < w[1].sequence));
            }
            for order in orders {
                assert!((1..=order.initial).contains(&order.quantity) && order.may_rest());
                assert_eq!(book.order(order.id), Some(order));
                assert!(book.owners.contains(&(order.owner, order.id)));
                assert!(book.ends.contains(&(order.expires, order.id)));
            }
        }
    }
    assert_eq!(queued, book.places.len());
}

struct Run {
    book: Book,
    model: Model,
    rows: MemoryRows,
    now: WallTime,
    minted: Vec<OrderId>,
    /// Units that were asked for, that were traded, and that were given back, each side's.
    units: [u64; 3],
}

impl Run {
    fn new(rule: PriceRule) -> Self {
        Self {
            book: Book::new(PARTITION, REGION, rule),
            model: Model::new(rule),
            rows: MemoryRows::default(),
            now: WallTime(1_000_000),
            minted: Vec::new(),
            units: [0; 3],
        }
    }

    fn back(&self, back: usize) -> OrderId {
        let index = self.minted.len().checked_sub(back + 1);
        index.map_or(OrderId(1), |index| self.minted[index])
    }

    fn traded(&mut self, ours: (Option<Placed>, Vec<Fill>), theirs: (Option<Placed>, Vec<Fill>)) {
        assert_eq!(ours, theirs);
        for fill in &ours.1 {
            self.units[1] += 2 * fill.quantity;
        }
        if let Some(placed) = ours.0.filter(|placed| !placed.rests) {
            self.units[2] += placed.order.quantity;
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Place(terms) => {
                let id = self.book.mint();
                self.minted.push(id);
                self.units[0] += terms.quantity;
                let order = terms.order(id, self.now);
                let (mut fills, mut expected) = (Vec::new(), Vec::new());
                let placed = self.book.place(order, &LINE, &mut fills).unwrap();
                let theirs = self.model.enter(order, &mut expected);
                self.traded((Some(placed), fills), (Some(theirs), expected));
            }
            Event::Cancel(back) => {
                let id = self.back(back);
                let order = self.book.cancel(id);
                assert_eq!(order, self.model.cancel(id));
                self.units[2] += order.map_or(0, |order| order.quantity);
            }
            Event::Reprice(back, price) => {
                let (id, price) = (self.back(back), Money(price));
                let (mut fills, mut expected) = (Vec::new(), Vec::new());
                let placed = self.book.reprice(id, price, self.now, &LINE, &mut fills);
                let theirs = self.model.cancel(id).map(|mut order| {
                    order.price = price;
                    order.changed = self.now;
                    self.model.enter(order, &mut expected)
                });
                self.traded((placed, fills), (theirs, expected));
            }
            Event::Wait(hours) => {
                self.now = self.now.plus_ms(hours * DAY_MS / 24);
                let mut ended = Vec::new();
                self.book.expire(self.now, &mut ended);
                assert_eq!(ended, self.model.expire(self.now));
                self.units[2] += ended.iter().map(|order| order.quantity).sum::<u64>();
            }
            Event::Write => {
                let mut batch = Batch::new();
                self.book.write_changes(&mut batch);
                self.rows.apply(&batch);
            }
            Event::Reload => {
                self.step(Event::Write);
                let rule = self.book.rule;
                let loaded = Book::load(&self.rows, PARTITION, REGION, rule).unwrap();
                assert_eq!(loaded.next_serial, self.book.next_serial);
                assert_eq!(loaded.next_sequence, self.book.next_sequence);
                assert!(!loaded.has_changes());
                self.book = loaded;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_book_does_what_a_list_does(events in events(), incoming in any::<bool>()) {
        let rule = if incoming { PriceRule::Incoming } else { PriceRule::Resting };
        let mut run = Run::new(rule);
        for event in events {
            run.step(event);
            check(&run.book);
            compare(&run.book, &run.model);
        }
        let resting: u64 = run.book.orders().map(|order| order.quantity).sum();
        let [asked, traded, returned] = run.units;
        prop_assert_eq!(asked, traded + returned + resting);
    }

    #[test]
    fn rows_do_not_depend_on_when_they_are_written(events in events()) {
        // Once after every event, or once at the end: the same rows.
        let mut often = Run::new(PriceRule::Incoming);
        let mut once = Run::new(PriceRule::Incoming);
        for event in events {
            if matches!(event, Event::Write | Event::Reload) {
                continue;
            }
            often.step(event.clone());
            often.step(Event::Write);
            once.step(event);
        }
        once.step(Event::Write);
        prop_assert_eq!(often.rows, once.rows);
    }
}
