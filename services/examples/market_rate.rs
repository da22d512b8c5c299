//! How fast the market's book is: `cargo run --release -p orrery-services --example market_rate`.
//!
//! A million random events (62 % placing, 8 % placing without resting, 20 % cancelling, 10 %
//! another price) on one type with few resting orders, and on a thousand types with a million
//! of them; changes are written every thousand events. Then the book is loaded from its rows. And
//! what it costs to pass over an order that is out of reach.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs a clock; nothing depends on it"
)]

use std::time::Instant;

use orrery_base::money::Money;
use orrery_base::rng::Rng;
use orrery_base::value::{OrderId, OrderRange};
use orrery_base::{CharacterId, EntityId, SystemId, Tick, TypeId};
use orrery_services::WallTime;
use orrery_services::market::{Book, Distances, Fill, PriceRule, RegionId, Side, Terms};
use orrery_services::rows::MemoryRows;
use orrery_storage::Batch;

const EVENTS: u32 = 1_000_000;
const SYSTEMS: u32 = 100;

/// Systems in a line.
struct Line;

impl Distances for Line {
    fn jumps(&self, from: SystemId, to: SystemId) -> Option<u32> {
        Some(from.0.abs_diff(to.0))
    }
}

struct Market {
    book: Book,
    rng: Rng,
    types: u32,
    /// How far from where it would trade an order is placed, at most.
    away: u32,
    ranges: bool,
    known: Vec<OrderId>,
    fills: Vec<Fill>,
    trades: u64,
    now: WallTime,
}

impl Market {
    fn new(types: u32, away: u32, ranges: bool) -> Self {
        Self {
            book: Book::new(0, RegionId(1), PriceRule::Incoming),
            rng: Rng::new(7, Tick(0), EntityId::NONE, 0),
            types,
            away,
            ranges,
            known: Vec::new(),
            fills: Vec::new(),
            trades: 0,
            now: WallTime(1),
        }
    }

    fn price(&mut self, side: Side, away: u32) -> Money {
        let away = i64::from(self.rng.below(away)) - 12;
        Money(match side {
            Side::Buy => 100_000 - away,
            Side::Sell => 100_000 + away,
        })
    }

    fn place(&mut self, days: u8, away: u32) {
        let side = if self.rng.below(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let system = self.rng.below(SYSTEMS);
        let range = match self.rng.below(4) {
            0 if self.ranges => OrderRange::Station,
            1 if self.ranges => OrderRange::System,
            2 if self.ranges => OrderRange::Jumps(10),
            _ => OrderRange::Region,
        };
        let terms = Terms {
            side,
            type_id: TypeId(self.rng.below(self.types)),
            owner: CharacterId(u64::from(self.rng.below(20_000))),
            station: EntityId(u64::from(system)),
            system: SystemId(system),
            price: self.price(side, away),
            quantity: 1 + u64::from(self.rng.below(200)),
            minimum: 1,
            range,
            days,
        };
        let id = self.book.mint();
        let order = terms.order(id, self.now);
        let placed = self.book.place(order, &Line, &mut self.fills);
        if placed.is_ok_and(|placed| placed.rests) {
            self.known.push(id);
        }
    }

    fn any(&mut self) -> Option<OrderId> {
        let count = u32::try_from(self.known.len()).ok().filter(|n| *n > 0)?;
        let at = self.rng.below(count) as usize;
        Some(self.known[at])
    }

    fn event(&mut self) {
        self.fills.clear();
        self.now = self.now.plus_ms(1);
        match self.rng.below(100) {
            0..62 => self.place(30, self.away),
            62..70 => self.place(0, self.away),
            70..90 => {
                if let Some(id) = self.any() {
                    self.book.cancel(id);
                }
            }
            _ => {
                let found = self.any().and_then(|id| self.book.order(id).copied());
                if let Some(order) = found {
                    let price = self.price(order.side, self.away);
                    let now = self.now;
                    self.book
                        .reprice(order.id, price, now, &Line, &mut self.fills);
                }
            }
        }
        self.trades += self.fills.len() as u64;
    }

    fn measure(&mut self, name: &str, write: bool) {
        let mut batch = Batch::new();
        let (mut rows, mut bytes) = (0, 0);
        self.trades = 0;
        let begin = Instant::now();
        for event in 0..EVENTS {
            self.event();
            if write && event % 1_000 == 999 {
                batch.clear();
                self.book.write_changes(&mut batch);
                rows += batch.len();
                bytes += batch.bytes();
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{name}: {:.0} events/s, {} trades, {} orders left, {rows} rows of {bytes} bytes",
            f64::from(EVENTS) / seconds,
            self.trades,
            self.book.len(),
        );
    }
}

/// Buyers who want something in one station, of which there is plenty elsewhere.
fn pass_over() {
    const ELSEWHERE: u32 = 100_000;
    const BUYERS: u32 = 100;
    let mut book = Book::new(0, RegionId(1), PriceRule::Incoming);
    let mut fills = Vec::new();
    let terms = |side, system, days| Terms {
        side,
        type_id: TypeId(1),
        owner: CharacterId(1),
        station: EntityId(u64::from(system)),
        system: SystemId(system),
        price: Money(100 + i64::from(system)),
        quantity: 1,
        minimum: 1,
        range: OrderRange::Station,
        days,
    };
    for seller in 0..ELSEWHERE {
        let order = terms(Side::Sell, seller % SYSTEMS, 90).order(book.mint(), WallTime(1));
        let _ = book.place(order, &Line, &mut fills);
    }
    let begin = Instant::now();
    for _ in 0..BUYERS {
        let order = terms(Side::Buy, SYSTEMS, 0).order(book.mint(), WallTime(1));
        let _ = book.place(order, &Line, &mut fills);
    }
    let passed = f64::from(BUYERS) * f64::from(ELSEWHERE);
    let ns = begin.elapsed().as_secs_f64() * 1e9 / passed;
    println!("passing over an order: {ns:.1} ns ({} fills)", fills.len());
}

/// Bytes of memory that the process has resident.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|text| text.parse().ok());
    pages.unwrap_or(0_u64) * 4096
}

fn main() {
    Market::new(1, 60, false).measure("one type", false);
    Market::new(1, 60, false).measure("one type, written", true);
    Market::new(1, 60, true).measure("one type, ranges", false);

    pass_over();

    let before = resident_bytes();
    let mut market = Market::new(1_000, 2_000, true);
    let begin = Instant::now();
    while market.book.len() < 1_000_000 {
        market.fills.clear();
        market.place(90, 200_000);
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("a million orders placed in {seconds:.2} s");
    let mut batch = Batch::new();
    let begin = Instant::now();
    market.book.write_changes(&mut batch);
    let seconds = begin.elapsed().as_secs_f64();
    let memory = resident_bytes().saturating_sub(before) - batch.memory_bytes() as u64;
    println!(
        "written in {seconds:.2} s; about {} bytes an order",
        memory / 1_000_000
    );
    let mut rows = MemoryRows::default();
    rows.apply(&batch);
    let begin = Instant::now();
    let loaded = Book::load(&rows, 0, RegionId(1), PriceRule::Incoming);
    let seconds = begin.elapsed().as_secs_f64();
    let orders = loaded.map_or(0, |book| book.len());
    println!("{orders} orders loaded in {seconds:.2} s");
    market.measure("a thousand types, a million orders, ranges", true);
}
