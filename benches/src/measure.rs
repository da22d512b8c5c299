//! Paired measurements: contenders take turns, round after round.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a contender is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Our code, as production runs it.
    Ours,
    /// Somebody else's, doing the same work.
    Peer,
    /// What the hardware allows: the same work without generality.
    Limit,
}

impl Role {
    /// As it is written into results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
            Self::Limit => "limit",
        }
    }
}

/// One way to do a group's work.
pub struct Contender {
    /// Unique in its group.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Operations of one run: entities, observers, messages …
    pub operations: u64,
    run: Box<dyn FnMut() -> Duration>,
}

impl Contender {
    /// Does the work of `operations` operations at each call. What the call returns is kept from
    /// the optimiser.
    pub fn new<T>(
        name: impl Into<String>,
        role: Role,
        operations: usize,
        mut work: impl FnMut() -> T + 'static,
    ) -> Self {
        Self::timed(name, role, operations, move || {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
    }

    /// As [`new`](Self::new), but the work measures itself: for preparations that do not count.
    pub fn timed(
        name: impl Into<String>,
        role: Role,
        operations: usize,
        work: impl FnMut() -> Duration + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            role,
            operations: operations as u64,
            run: Box::new(work),
        }
    }

    /// One run; the time that it took.
    pub fn run(&mut self) -> Duration {
        (self.run)()
    }
}

/// Contenders that do the same work.
pub struct Group {
    /// Unique in its suite.
    pub name: String,
    /// What a result is, such as "ns per entity".
    pub unit: String,
    /// Who takes part.
    pub contenders: Vec<Contender>,
}

impl Group {
    /// A group without contenders, measured in nanoseconds per operation.
    pub fn new(name: impl Into<String>, operation: &str) -> Self {
        Self {
            name: name.into(),
            unit: format!("ns per {operation}"),
            contenders: Vec::new(),
        }
    }

    /// Adds a contender.
    #[must_use]
    pub fn with(mut self, contender: Contender) -> Self {
        self.contenders.push(contender);
        self
    }
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns of each contender.
    pub rounds: usize,
    /// The least duration of a turn.
    pub turn: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            rounds: 25,
            turn: Duration::from_millis(10),
        }
    }
}

/// A contender's results.
#[derive(Clone, Debug)]
pub struct Series {
    /// The contender's name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Nanoseconds per operation, by round.
    pub rounds: Vec<f64>,
}

impl Series {
    /// The value that this share of the rounds is below: 0.5 is the median.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.rounds, share)
    }

    /// The median, nanoseconds per operation.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// A group's results.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The group's name.
    pub name: String,
    /// What a value is.
    pub unit: String,
    /// By contender.
    pub series: Vec<Series>,
}

impl Measured {
    /// A contender's results.
    ///
    /// # Panics
    /// If there is none of that name: the suite that asks defined them.
    #[must_use]
    pub fn series(&self, name: &str) -> &Series {
        let found = self.series.iter().find(|series| series.name == name);
        found.unwrap_or_else(|| panic!("{}: no contender {name}", self.name))
    }

    /// The median of the rounds' ratios `of` ÷ `to`: what disturbed a round disturbed both.
    #[must_use]
    pub fn ratio(&self, of: &str, to: &str) -> f64 {
        let (of, to) = (self.series(of), self.series(to));
        let ratios: Vec<f64> = of
            .rounds
            .iter()
            .zip(&to.rounds)
            .map(|(a, b)| a / b)
            .collect();
        quantile(&ratios, 0.5)
    }

    /// The peer with the least median.
    ///
    /// # Panics
    /// If the group has no peers.
    #[must_use]
    pub fn best_peer(&self) -> &Series {
        let peers = self
            .series
            .iter()
            .filter(|series| series.role == Role::Peer);
        peers
            .min_by(|a, b| a.median().total_cmp(&b.median()))
            .expect("the group has peers")
    }
}

/// Measures a group: each contender warms up and learns how many runs fill a turn; then they take
/// turns, each round beginning with another one.
#[must_use]
pub fn measure(mut group: Group, effort: Effort) -> Measured {
    let mut runs: Vec<u32> = Vec::new();
    for contender in &mut group.contenders {
        contender.run();
        let once = contender.run().max(Duration::from_nanos(1));
        let fill = effort.turn.as_nanos().div_ceil(once.as_nanos());
        runs.push(fill.clamp(1, 1_000_000) as u32);
    }
    let count = group.contenders.len();
    let mut rounds = vec![Vec::with_capacity(effort.rounds); count];
    for round in 0..effort.rounds {
        for turn in 0..count {
            let which = (round + turn) % count;
            let contender = &mut group.contenders[which];
            let time: Duration = (0..runs[which]).map(|_| contender.run()).sum();
            let operations = contender.operations as f64 * f64::from(runs[which]);
            rounds[which].push(time.as_nanos() as f64 / operations);
        }
    }
    let contenders = group.contenders.into_iter().zip(rounds);
    Measured {
        name: group.name,
        unit: group.unit,
        series: contenders
            .map(|(contender, rounds)| Series {
                name: contender.name,
                role: contender.role,
                rounds,
            })
            .collect(),
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] * (1.0 - part) + sorted[high] * part
}

#[cfg(test)]
mod tests;
