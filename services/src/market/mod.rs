//! The market of a region: who buys and sells what at which price. Matching, fees, history and
//! rows; no custody. What a [`Fill`] says, the caller turns into transfers of goods and money.
//!
//! - [`order`]: orders and the terms that one is placed with, fills.
//! - [`book`]: the [`Book`] of a region. [`depth`]: what can be seen of it.
//! - [`fees`]: the [`MarketRules`]: fees, taxes and limits as data.
//! - [`candles`]: the daily history of prices.
//! - [`rows`]: the bytes of all that in [`orrery_storage::Domain::Market`].
//!
//! The rules in words, the order of rounding and the layouts of the rows: `docs/market.md`.
//!
//! **Invariants**
//! - Nothing here reads a clock or a random number; the same calls in the same order give the
//!   same fills, the same books and the same rows, byte for byte.
//! - A book never makes or destroys anything: what an order has had filled and what is left of
//!   it add up to what it was placed with.
//! - Every change of an order is written at the next [`Book::write_changes`], once.

pub mod book;
pub mod candles;
pub mod depth;
pub mod fees;
pub mod order;
pub mod rows;

pub use book::{BOOK_ORDERS_MAX, Book, PlaceError};
pub use candles::{Candle, Candles, Day};
pub use depth::{Depth, DepthLevel};
pub use fees::{MarketRules, PriceRule};
pub use order::{Distances, Fill, Order, Placed, Side, Terms};
pub use rows::{order_id, region_of};

/// A region: the systems whose stations share one market.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct RegionId(pub u16);

#[cfg(test)]
mod tests;
