//! What time it is on the grid, by the arrival of its snapshots.
//!
//! A grid has a time of its own: it runs at an announced pace, stands still while the grid is
//! restored, and has nothing to do with the time of another grid. A snapshot of beat T that
//! arrives at time t was made no later than t: of the last [`SAMPLES`] arrivals, the one with the
//! least delay says best how the beats lie on the client's clock. So the estimate runs one best
//! one-way delay behind the server and does not follow jitter. Where the grid stood still, or runs
//! slower than was announced, all arrivals are later than that one says: it is then forgotten.
//!
//! Two readings: [`BeatClock::beat`] is the estimate itself, which goes on for [`SILENT_NS`] beyond
//! the snapshot that is due and then waits. [`BeatClock::shown`] is the time at which others are
//! shown: a delay of wall time behind the estimate, and steady. Where the estimate turns out to be
//! wrong it does not go back but runs slower or faster until it is right again; only an error that
//! this would take too long to make good is a jump.
//!
//! Cost: 32 additions for each snapshot, one division for each reading.

use std::collections::VecDeque;

use orrery_base::Tick;

/// Arrivals that count: about two seconds.
const SAMPLES: usize = 32;
/// Arrivals that are this much later than the best one, so many in a row, are the new truth.
const LATE: [(usize, i64); 2] = [(3, 100 * MS), (12, 20 * MS)];
/// How long the estimate goes on beyond the time at which a snapshot was due.
const SILENT_NS: i64 = 200 * MS;
/// How long others are shown beyond the newest snapshot.
const CARRIED_NS: i64 = 500 * MS;
/// How far behind the estimate others are shown, unless snapshots come more rarely.
const DELAY_NS: i64 = 100 * MS;
/// The shown time is never further behind than this, beyond the delay: what it would need is not
/// kept. It is never further ahead than that.
const BEHIND_NS: i64 = 150 * MS;
const AHEAD_NS: i64 = 1_000 * MS;
/// An error above this is made good at half the pace of time, a smaller one at an eighth.
const LARGE_ERROR_NS: i64 = 50 * MS;
/// Changes of pace that are remembered; the newest supersede the oldest.
const PACES: usize = 16;
/// The slowest pace, per mille.
const PACE_MIN: u16 = 100;
/// Full pace, per mille.
const PACE_FULL: u16 = 1_000;
const MS: i64 = 1_000_000;
const NS_PER_S: i64 = 1_000 * MS;

/// A point of the grid's time: a beat, and how much of the next one has passed, 0 to 1.
type Position = (i64, f64);

/// A stretch of the grid's time at one pace.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// It begins after this beat. The first one holds before it as well.
    after: i64,
    /// When that is, on a clock that knows no delays and no standing still.
    start_ns: i64,
    beat_ns: i64,
    per_mille: u16,
}

/// The time at which others are shown.
#[derive(Clone, Copy, Debug)]
struct Steady {
    /// The instant at which it was `offset_ns`.
    at_ns: i64,
    offset_ns: i64,
    /// Where the offset tends to, and by how much of the time that passes.
    target_ns: i64,
    per_ns: i64,
}

/// A reading of the shown time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shown {
    /// The beat.
    pub tick: Tick,
    /// How much of the next one has passed, 0 to 1.
    pub fraction: f64,
    /// Whether it waits for the next snapshot: half a second passed since the newest.
    pub is_waiting: bool,
}

/// The estimate of a grid's time.
#[derive(Clone, Debug)]
pub struct BeatClock {
    full_beat_ns: i64,
    interval: i64,
    /// Ascending, never empty.
    paces: VecDeque<Pace>,
    /// Beats and when they arrived, oldest first.
    samples: VecDeque<(i64, i64)>,
    /// When beats are due: the least delay of the samples.
    offset_ns: Option<i64>,
    steady: Option<Steady>,
    newest: i64,
}

impl BeatClock {
    /// A clock that has seen nothing, for a server of this many beats per second of real time
    /// at full pace, and a snapshot every so many beats.
    #[must_use]
    pub fn new(beats_per_second: u16, snapshot_interval_beats: u8) -> Self {
        let full_beat_ns = NS_PER_S / i64::from(beats_per_second.max(1));
        Self {
            full_beat_ns,
            interval: i64::from(snapshot_interval_beats).max(1),
            paces: VecDeque::from([Self::full_pace(full_beat_ns)]),
            samples: VecDeque::with_capacity(SAMPLES),
            offset_ns: None,
            steady: None,
            newest: 0,
        }
    }

    const fn full_pace(beat_ns: i64) -> Pace {
        Pace {
            after: 0,
            start_ns: 0,
            beat_ns,
            per_mille: PACE_FULL,
        }
    }

    /// Another stay on a grid begins: nothing of before says anything about its time, and it
    /// runs at full pace until something else is said.
    pub fn restart(&mut self) {
        self.paces.clear();
        self.paces.push_back(Self::full_pace(self.full_beat_ns));
        self.samples.clear();
        self.offset_ns = None;
        self.steady = None;
        self.newest = 0;
    }

    /// The grid's time runs at `per_mille` of its full pace, 100..=1000 (others count as the
    /// nearest of these), from the beat `from_tick` on, which is the first one to last so long.
    /// That may be in the past: what was estimated since is corrected.
    pub fn dilate(&mut self, per_mille: u16, from_tick: Tick) {
        let per_mille = per_mille.clamp(PACE_MIN, PACE_FULL);
        let after = whole(from_tick).saturating_sub(1);
        let shown = self.steady.map(|steady| {
            let ns = steady.at_ns.saturating_sub(steady.offset_ns);
            self.position(ns)
        });
        let start_ns = self.due_ns((after, 0.0));
        while self.paces.back().is_some_and(|pace| pace.after >= after) {
            self.paces.pop_back();
        }
        if self.paces.len() == PACES {
            self.paces.pop_front();
        }
        self.paces.push_back(Pace {
            after,
            start_ns,
            beat_ns: self.full_beat_ns * i64::from(PACE_FULL) / i64::from(per_mille),
            per_mille,
        });
        // The same moment is shown as before, whatever its number of nanoseconds is now.
        if let Some((steady, shown)) = self.steady.zip(shown) {
            let offset_ns = steady.at_ns.saturating_sub(self.due_ns(shown));
            self.steady = Some(Steady {
                offset_ns,
                ..steady
            });
            self.find_offset();
            self.aim(steady.at_ns);
        }
    }

    /// A snapshot of `tick` has arrived.
    pub fn observe(&mut self, now_ns: u64, tick: Tick) {
        let now_ns = instant(now_ns);
        // What was shown up to now goes on from there, also where it had to wait.
        if let Some(steady) = &mut self.steady {
            steady.offset_ns = steady.at(now_ns);
            steady.at_ns = now_ns;
        }
        if let Some((shown, _)) = self.steady_position(now_ns) {
            let offset_ns = now_ns.saturating_sub(self.due_ns(shown));
            self.steady = self.steady.map(|steady| Steady {
                offset_ns,
                ..steady
            });
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        let tick = whole(tick);
        self.newest = self.newest.max(tick);
        self.samples.push_back((tick, now_ns));
        self.find_offset();
        self.aim(now_ns);
    }

    /// The grid's newest beat at `now_ns`, as far as it can be known here, and how much of the
    /// next one has passed, 0 to 1; `None` before the first snapshot. It waits where snapshots
    /// do not come.
    #[must_use]
    pub fn beat(&self, now_ns: u64) -> Option<(Tick, f64)> {
        let estimate = instant(now_ns).saturating_sub(self.offset_ns?);
        let (tick, fraction) = self.position(estimate.min(self.silent_from_ns()));
        Some((Tick(tick.max(0) as u64), fraction))
    }

    /// Whether the estimate waits because snapshots do not come.
    #[must_use]
    pub fn is_waiting(&self, now_ns: u64) -> bool {
        self.offset_ns.is_some_and(|offset_ns| {
            instant(now_ns).saturating_sub(offset_ns) >= self.silent_from_ns()
        })
    }

    /// The time at which others are to be shown at `now_ns`; `None` before the first snapshot,
    /// and where that would be before the first beat.
    #[must_use]
    pub fn shown(&self, now_ns: u64) -> Option<Shown> {
        let ((tick, fraction), is_waiting) = self.steady_position(instant(now_ns))?;
        (tick >= 0).then_some(Shown {
            tick: Tick(tick as u64),
            fraction,
            is_waiting,
        })
    }

    /// The newest beat that a snapshot told of.
    #[must_use]
    pub const fn newest(&self) -> Tick {
        Tick(self.newest as u64)
    }

    /// The pace that the estimated beat has, per mille.
    #[must_use]
    pub fn per_mille(&self, now_ns: u64) -> u16 {
        let tick = self.beat(now_ns).map_or(0, |(tick, _)| whole(tick));
        self.pace_at(tick).per_mille
    }

    /// Real time of a beat at full pace, and at the pace that the estimated beat has.
    #[must_use]
    pub(super) fn beat_ns(&self, now_ns: u64) -> (u64, u64) {
        let tick = self.beat(now_ns).map_or(0, |(tick, _)| whole(tick));
        (
            self.full_beat_ns.unsigned_abs(),
            self.pace_at(tick).beat_ns.unsigned_abs(),
        )
    }

    /// The pace of the beat after this one.
    fn pace_at(&self, tick: i64) -> &Pace {
        let first = &self.paces[0];
        let later = self.paces.iter().rev().find(|pace| pace.after <= tick);
        later.unwrap_or(first)
    }

    /// When a position is due, on the clock without delays.
    fn due_ns(&self, (tick, fraction): Position) -> i64 {
        let pace = self.pace_at(tick);
        let beats = tick.saturating_sub(pace.after);
        let whole = beats.saturating_mul(pace.beat_ns);
        let part = (pace.beat_ns as f64 * fraction) as i64;
        pace.start_ns.saturating_add(whole).saturating_add(part)
    }

    /// The position that is due at a time of that clock.
    fn position(&self, due_ns: i64) -> Position {
        let first = &self.paces[0];
        let later = self.paces.iter().rev().find(|pace| pace.start_ns <= due_ns);
        let pace = later.unwrap_or(first);
        let since_ns = due_ns.saturating_sub(pace.start_ns);
        let beats = since_ns.div_euclid(pace.beat_ns);
        let fraction = since_ns.rem_euclid(pace.beat_ns) as f64 / pace.beat_ns as f64;
        (pace.after.saturating_add(beats), fraction)
    }

    /// When the estimate waits for a snapshot.
    fn silent_from_ns(&self) -> i64 {
        let due = self.newest.saturating_add(self.interval);
        self.due_ns((due, 0.0)).saturating_add(SILENT_NS)
    }

    /// How far behind the estimate others are shown: long enough to have a later snapshot.
    fn delay_ns(&self) -> i64 {
        let interval_ns = self.interval * self.pace_at(self.newest).beat_ns;
        DELAY_NS.max(interval_ns + self.full_beat_ns)
    }

    /// Finds the least delay, and forgets the samples that are too good to be true any more.
    fn find_offset(&mut self) {
        let late = |&(tick, at_ns): &(i64, i64)| at_ns.saturating_sub(self.due_ns((tick, 0.0)));
        let mut offsets: Vec<i64> = self.samples.iter().map(late).collect();
        for (in_a_row, excess_ns) in LATE {
            let Some(split) = offsets.len().checked_sub(in_a_row) else {
                continue;
            };
            let best = |offsets: &[i64]| offsets.iter().min().copied();
            let (former, recent) = (best(&offsets[..split]), best(&offsets[split..]));
            if let Some((former, recent)) = former.zip(recent)
                && recent.saturating_sub(former) > excess_ns
            {
                offsets.drain(..split);
                self.samples.drain(..split);
            }
        }
        self.offset_ns = offsets.into_iter().min();
    }

    /// Lets the shown time tend to where it should be.
    fn aim(&mut self, now_ns: i64) {
        let Some(offset_ns) = self.offset_ns else {
            return;
        };
        let target_ns = offset_ns.saturating_add(self.delay_ns());
        let from = self.steady.map_or(target_ns, |steady| steady.at(now_ns));
        let least = target_ns.saturating_sub(AHEAD_NS);
        let most = target_ns.saturating_add(BEHIND_NS);
        let from = from.clamp(least, most);
        let is_large = target_ns.saturating_sub(from).abs() > LARGE_ERROR_NS;
        self.steady = Some(Steady {
            at_ns: now_ns,
            offset_ns: from,
            target_ns,
            per_ns: if is_large { 2 } else { 8 },
        });
    }

    /// The shown position, and whether it waits.
    fn steady_position(&self, now_ns: i64) -> Option<(Position, bool)> {
        let steady = self.steady?;
        let wanted = now_ns.saturating_sub(steady.at(now_ns));
        let newest = self.due_ns((self.newest, 0.0));
        let last = newest.saturating_add(CARRIED_NS);
        Some((self.position(wanted.min(last)), wanted >= last))
    }
}

impl Steady {
    /// The offset at an instant.
    fn at(&self, now_ns: i64) -> i64 {
        let most = now_ns.saturating_sub(self.at_ns).max(0) / self.per_ns;
        let error = self.target_ns.saturating_sub(self.offset_ns);
        self.offset_ns.saturating_add(error.clamp(-most, most))
    }
}

/// A beat as a number to reckon with; no grid will ever come to those that are cut off.
fn whole(tick: Tick) -> i64 {
    tick.0.min(1 << 56) as i64
}

fn instant(now_ns: u64) -> i64 {
    now_ns.min(1 << 62) as i64
}
