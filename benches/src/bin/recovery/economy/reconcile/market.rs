//! Orders, fills, fees and taxes: each follows from a request, and the answers say the same.
//!
//! What belongs to a request stands together in the history of a region: its lots arrive in the
//! account of the order, then come the trades that it makes, then the fee. So every trade is one of
//! the order whose lots arrived last before it, in the same beat.

use std::collections::BTreeMap;

use orrery_base::command::RejectCode;
use orrery_base::value::{OrderId, TransferReason, ValueAnswer, ValueCommand};
use orrery_services::custody::{AccountKind, Commodity, Entry, EntryRef};
use orrery_services::market::Order;

use super::super::books::arrives;
use super::super::log::Key;
use super::{Clerk, Rules, name};

/// A trade of an order that rested: units, cents that changed hands, tax on them.
type Rested = (u64, u64, u64);

/// What the history says of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Story {
    /// The request that placed it.
    pub(super) placed_by: Key,
    /// It buys; otherwise it sells.
    pub(super) is_buy: bool,
    /// What is traded; known when goods came.
    pub(super) commodity: Option<Commodity>,
    /// Units at first, and traded.
    initial: u64,
    pub(super) filled: u64,
    /// Cents for a unit, as it is now.
    price: u64,
    /// What came into its account and what went out of it: cents, units.
    came: [u64; 2],
    went: [u64; 2],
    /// The fee for an order that rests was taken.
    has_rested: bool,
    /// Trades in which it was the one that waited.
    pub(super) rested: Vec<Rested>,
}

impl Story {
    /// Units that are neither traded nor given back to who sells them.
    pub(super) const fn left(&self) -> u64 {
        self.initial.saturating_sub(self.filled)
    }

    pub(super) const fn price(&self) -> u64 {
        self.price
    }

    const fn held(&self, kind: usize) -> u64 {
        self.came[kind].saturating_sub(self.went[kind])
    }
}

/// All orders, and what the history says of each request.
#[derive(Default)]
pub(super) struct Stories {
    pub(super) orders: BTreeMap<OrderId, Story>,
    /// By request: its order, and what its answer has to say.
    requests: BTreeMap<Key, (OrderId, ValueAnswer)>,
    /// The order and the request that came in last, in which partition and beat.
    current: Option<(OrderId, Key, EntryRef)>,
    tax: u64,
    sale: u64,
}

const fn kind_of(entry: &Entry) -> usize {
    match entry.commodity {
        Commodity::Coin => 0,
        Commodity::Type(_) => 1,
    }
}

impl Clerk<'_> {
    /// 4. The market.
    pub(super) fn market(&mut self) -> Stories {
        let mut stories = Stories::default();
        let books = self.books;
        for (at, entry) in &books.entries {
            let is_same = |it: &(OrderId, Key, EntryRef)| {
                (it.2.partition(), it.2.tick()) == (at.partition(), at.tick())
            };
            stories.current = stories.current.filter(is_same);
            if entry.to.kind == AccountKind::Market && arrives(entry) {
                self.came(&mut stories, *at, entry);
            } else if entry.from.kind == AccountKind::Market && !arrives(entry) {
                self.went(&mut stories, *at, entry);
            }
        }
        self.found.orders = stories.orders.len() as u64;
        for &key in self.outside.requests.keys() {
            self.answer_of(&stories, key);
        }
        self.resting(&stories);
        self.heard_fills(&stories);
        stories
    }

    /// Lots of a request have come into an order's account.
    fn came(&mut self, stories: &mut Stories, at: EntryRef, entry: &Entry) {
        let order = OrderId(entry.to.place);
        let Some(&key) = self.made_by.get(&entry.previous[2]) else {
            self.found
                .doubled(|| format!("entry {at}: it comes from no request: {entry:?}"));
            return;
        };
        let command = &self.outside.requests[&key].command;
        let mut is_right = true;
        match *command {
            ValueCommand::Sell {
                quantity, price, ..
            }
            | ValueCommand::Buy {
                quantity, price, ..
            } => {
                let fresh = Story {
                    placed_by: key,
                    is_buy: matches!(command, ValueCommand::Buy { .. }),
                    commodity: None,
                    initial: quantity,
                    filled: 0,
                    price: price.0.unsigned_abs(),
                    came: [0; 2],
                    went: [0; 2],
                    has_rested: false,
                    rested: Vec::new(),
                };
                let story = stories.orders.entry(order).or_insert(fresh);
                let known = stories.requests.entry(key);
                let known = known.or_insert((order, ValueAnswer::default()));
                is_right = story.placed_by == key && known.0 == order;
            }
            ValueCommand::ModifyOrder {
                order: named,
                price,
            } => {
                let answer = ValueAnswer {
                    order,
                    ..ValueAnswer::default()
                };
                stories.requests.entry(key).or_insert((order, answer));
                match stories.orders.get_mut(&order).filter(|_| named == order) {
                    Some(story) => story.price = price.0.unsigned_abs(),
                    None => is_right = false,
                }
            }
            _ => is_right = false,
        }
        if !is_right {
            self.found
                .doubled(|| format!("entry {at}: {} has another order: {entry:?}", name(key)));
        }
        if let Some(story) = stories.orders.get_mut(&order) {
            story.came[kind_of(entry)] += entry.quantity;
            if kind_of(entry) == 1 {
                story.commodity = Some(entry.commodity);
            }
        }
        stories.current = Some((order, key, at));
    }

    /// Something has left an order's account.
    fn went(&mut self, stories: &mut Stories, at: EntryRef, entry: &Entry) {
        let order = OrderId(entry.from.place);
        let Some(story) = stories.orders.get_mut(&order) else {
            self.found
                .doubled(|| format!("entry {at}: nobody placed the order: {entry:?}"));
            return;
        };
        story.went[kind_of(entry)] += entry.quantity;
        let current = stories.current.map(|(order, key, _)| (order, key));
        match TransferReason::from_number(entry.reason) {
            Some(TransferReason::SalesTax) => stories.tax = entry.quantity,
            Some(TransferReason::MarketSale) => stories.sale = entry.quantity,
            Some(TransferReason::MarketPurchase) => self.fill(stories, at, entry),
            Some(reason @ (TransferReason::BrokerFee | TransferReason::RelistFee)) => {
                story.has_rested |= reason == TransferReason::BrokerFee;
                let of = current.filter(|(current, _)| *current == order);
                match of.and_then(|(_, key)| stories.requests.get_mut(&key)) {
                    Some((_, answer)) => {
                        answer.fees.0 += entry.quantity.cast_signed();
                        answer.order = order;
                    }
                    None => self
                        .found
                        .wrong(|| format!("entry {at}: a fee for nothing: {entry:?}")),
                }
            }
            Some(TransferReason::MarketRefund) => {}
            _ => self
                .found
                .wrong(|| format!("entry {at}: it has no business there: {entry:?}")),
        }
    }

    /// A trade: the goods go to the buyer, tax and price were taken just before.
    fn fill(&mut self, stories: &mut Stories, at: EntryRef, entry: &Entry) {
        let (sell, buy) = (OrderId(entry.from.place), OrderId(entry.reference));
        let (tax, sale) = (
            core::mem::take(&mut stories.tax),
            core::mem::take(&mut stories.sale),
        );
        let (value, units) = (tax + sale, entry.quantity);
        self.found.fills += 1;
        let Some((order, key, _)) = stories.current.filter(|it| it.0 == sell || it.0 == buy) else {
            self.found
                .doubled(|| format!("entry {at}: a trade that nobody began: {entry:?}"));
            return;
        };
        let price_of = |order| stories.orders.get(&order).map_or(0, Story::price);
        let price = price_of(order);
        let is_fair = price_of(buy) >= price && price >= price_of(sell);
        if !is_fair || value != price * units || tax != Rules::share(value, self.rules.tax_bp) {
            self.found.wrong(|| {
                format!("entry {at}: {units} units for {value} with a tax of {tax}: {entry:?}")
            });
        }
        if let Some((_, answer)) = stories.requests.get_mut(&key) {
            answer.quantity += units;
            answer.money.0 += value.cast_signed();
            answer.fees.0 += if order == sell { tax.cast_signed() } else { 0 };
        }
        for side in [sell, buy] {
            if let Some(story) = stories.orders.get_mut(&side) {
                story.filled += units;
                story.commodity = Some(entry.commodity);
                if side != order {
                    story.rested.push((units, value, tax));
                }
            }
        }
    }

    /// An accepted request's answer says what the history says.
    fn answer_of(&mut self, stories: &Stories, key: Key) {
        let asked = &self.outside.requests[&key];
        let is_trade = matches!(
            asked.command,
            ValueCommand::Sell { .. } | ValueCommand::Buy { .. } | ValueCommand::ModifyOrder { .. }
        );
        let found = stories.requests.get(&key).map(|(_, answer)| *answer);
        let right = match self.outcome(key) {
            Some(Ok(answer)) if is_trade => found == Some(answer),
            Some(Ok(answer)) => self.cancelled(stories, key, answer),
            // A region that refuses has taken nothing, or has given all of it back at once.
            Some(Err(code)) => found.is_none_or(|found| {
                let is_full = matches!(code, RejectCode::TooManyOrders | RejectCode::Busy);
                is_full && found == ValueAnswer::default()
            }),
            None => true,
        };
        if !right {
            let answer = self.outcome(key);
            self.found.wrong(|| {
                let name = name(key);
                format!("{name} was answered {answer:?}, the history says {found:?}")
            });
        }
    }

    /// Whether a cancelled order had as much left as the answer says.
    fn cancelled(&self, stories: &Stories, key: Key, answer: ValueAnswer) -> bool {
        let ValueCommand::CancelOrder { order } = self.outside.requests[&key].command else {
            return true;
        };
        let story = stories.orders.get(&order);
        answer.order == order && story.is_some_and(|story| story.left() == answer.quantity)
    }

    /// Orders that rest are those which have something left and were not cancelled.
    fn resting(&mut self, stories: &Stories) {
        let mut cancels: BTreeMap<OrderId, (u32, u32)> = BTreeMap::new();
        for (&key, asked) in &self.outside.requests {
            if let ValueCommand::CancelOrder { order } = asked.command {
                let (done, underway) = cancels.entry(order).or_default();
                match self.outcome(key) {
                    Some(Ok(_)) => *done += 1,
                    Some(Err(_)) => {}
                    None => *underway += 1,
                }
            }
        }
        for (&id, story) in &stories.orders {
            let (done, underway) = cancels.get(&id).copied().unwrap_or_default();
            if done > 1 {
                self.found
                    .doubled(|| format!("order {} was cancelled {done} times", id.0));
            }
            let right = match self.books.orders.get(&id) {
                Some(row) => done == 0 && rests(story, row),
                None => {
                    let is_over = !story.has_rested || story.left() == 0 || done + underway > 0;
                    is_over && story.held(0) == 0 && story.held(1) == 0
                }
            };
            if !right {
                let row = self.books.orders.get(&id);
                self.found.wrong(|| {
                    format!(
                        "order {}: {done} cancellations, {story:?}, its row: {row:?}",
                        id.0
                    )
                });
            }
        }
        for id in self.books.orders.keys() {
            if !stories.orders.contains_key(id) {
                self.found
                    .doubled(|| format!("order {} rests, and nobody placed it", id.0));
            }
        }
        if self.is_end {
            let same = |(id, order): (&OrderId, &Order)| {
                let own = self.books.own.get(id);
                own.is_some_and(|own| (own.quantity, own.price) == (order.quantity, order.price))
            };
            let is_same = self.books.orders.iter().all(same);
            if !is_same || self.books.orders.len() != self.books.own.len() {
                let (books, own) = (self.books.orders.len(), self.books.own.len());
                self.found
                    .wrong(|| format!("{books} orders rest, their owners know of {own}"));
            }
        }
    }

    /// What owners heard of their orders has happened, as often as they heard of it at most.
    fn heard_fills(&mut self, stories: &Stories) {
        for (&(actor, order, ..), heard) in &self.outside.fills {
            let story = stories.orders.get(&order);
            let own = story.filter(|story| story.placed_by.0 == actor);
            let mut there: Vec<_> = own.map_or(Vec::new(), |story| {
                let rested = story.rested.iter();
                rested.map(|(units, value, _)| (*units, *value)).collect()
            });
            for &(units, price, _) in heard {
                let value = price.unsigned_abs() * units;
                match there.iter().position(|it| *it == (units, value)) {
                    Some(place) => {
                        there.swap_remove(place);
                    }
                    None => self.found.lost(|| {
                        format!("order {}: its owner heard of {units} for {value}", order.0)
                    }),
                }
            }
        }
    }
}

/// Whether an order's row is what its story says, and its account holds what it needs.
fn rests(story: &Story, row: &Order) -> bool {
    let left = story.left();
    let (held, needed) = if story.is_buy {
        (story.held(0), story.price * left)
    } else {
        (story.held(1), left)
    };
    left > 0
        && row.quantity == left
        && row.initial == story.initial
        && row.price.0.unsigned_abs() == story.price
        && row.owner == story.placed_by.0
        && held == needed
}
