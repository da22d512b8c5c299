//! The suites, by area.

mod battle;
mod difference;
mod integrate;
mod interest;
mod ring;
mod top_k;
mod wire;

use crate::measure::{Effort, Group, Measured};

/// Groups of contenders and what is concluded from them.
pub struct Suite {
    /// Also the name of its files in `perf/results`.
    pub name: &'static str,
    /// What `orrery-bench` runs it by: `kernel`, `wire` …
    pub area: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Makes the contenders.
    pub groups: fn() -> Vec<Group>,
    /// What cannot be measured in turns, such as the phases of one run; follows the groups.
    pub more: Option<fn(Effort) -> Vec<Measured>>,
    /// What goes into the summary, from the results in the order of the groups, then `more`.
    pub figures: fn(&[Measured]) -> Vec<(&'static str, f64)>,
}

/// All suites, in the order in which they run.
pub const ALL: [&Suite; 7] = [
    &integrate::SUITE,
    &interest::SUITE,
    &difference::SUITE,
    &top_k::SUITE,
    &ring::SUITE,
    &wire::SUITE,
    &battle::SUITE,
];

/// The suite of this name.
///
/// # Panics
/// If there is none: the caller is a bench that names its suite.
#[must_use]
pub fn named(name: &str) -> &'static Suite {
    let found = ALL.into_iter().find(|suite| suite.name == name);
    found.unwrap_or_else(|| panic!("no suite {name}"))
}
