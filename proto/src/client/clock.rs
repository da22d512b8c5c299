//! What time it is on the grid, by the arrival of its snapshots.
//!
//! A grid has a time of its own: it runs at an announced pace, stands still while the grid is
//! restored, and has nothing to do with the time of another grid. A snapshot of beat T that
//! arrives at time t was made no later than t: of the last [`SAMPLES`] arrivals, the one with the
//! least delay says best how the beats lie on the client's clock. So the estimate runs one best
//! one-way delay behind the server and does not follow jitter. Where the grid stood still, or runs
//! slower than was announced, all arrivals are later than that one says: it is then forgotten.
//!
//! Three readings. [`BeatClock::beat`] is the estimate itself. [`BeatClock::ahead`] is the time for
//! which the own ship is predicted, a lead of wall time ahead of it: it goes on for a fifth of a
//! second beyond the snapshot that is due and then waits. [`BeatClock::shown`] is the time at which
//! others are shown, a delay of wall time behind it. The last two are steady: where the estimate
//! turns out to be wrong they do not go back but run slower or faster until they are right
//! again; only an error that this would take too long to make good is a jump.
//!
//! Cost: 32 additions for each snapshot, one division for each reading.

use std::collections::VecDeque;

use orrery_base::Tick;

/// Arrivals that count: about two seconds.
const SAMPLES: usize = 32;
/// Arrivals that are this much later than the best one, so many in a row, are the new truth.
const LATE: [(usize, i64); 2] = [(3, 100 * MS), (12, 20 * MS)];
/// How long the prediction goes on beyond the time at which a snapshot was due.
const SILENT_NS: i64 = 200 * MS;
/// How long others are shown beyond the newest snapshot.
const CARRIED_NS: i64 = 500 * MS;
/// How far behind the estimate others are shown, unless snapshots come more rarely.
const DELAY_NS: i64 = 100 * MS;
/// Steady time that is behind jumps to this error, beats: what it would need to show is not kept.
const BEHIND_BEATS: i64 = 4;
/// Steady time that is ahead jumps to this error.
const AHEAD_NS: i64 = 2_000 * MS;
/// An error above this is made good at half the pace of time, a smaller one at an eighth.
const LARGE_ERROR_NS: i64 = 50 * MS;
/// With an error below this, half a beat, the prediction is where it should be.
const SETTLED_NS: i64 = 17 * MS;
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

/// A time that makes its errors good little by little.
#[derive(Clone, Copy, Debug)]
struct Steady {
    /// The instant at which its offset was `offset_ns`.
    at_ns: i64,
    offset_ns: i64,
    /// Where the offset tends to, and by how much of the time that passes.
    target_ns: i64,
    per_ns: i64,
    /// Where it waits, on the clock without delays.
    limit_ns: i64,
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
    /// The time for which the own ship is predicted, and how far that is to be ahead.
    ahead: Option<Steady>,
    lead_ns: i64,
    /// The time at which others are shown.
    shown: Option<Steady>,
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
            ahead: None,
            lead_ns: 0,
            shown: None,
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
        self.ahead = None;
        self.shown = None;
        self.newest = 0;
    }

    /// The grid's time runs at `per_mille` of its full pace, 100..=1000 (others count as the
    /// nearest of these), from the beat `from_tick` on, which is the first one to last so long.
    /// That may be in the past: what was estimated since is corrected.
    pub fn dilate(&mut self, now_ns: u64, per_mille: u16, from_tick: Tick) {
        let now_ns = instant(now_ns);
        let per_mille = per_mille.clamp(PACE_MIN, PACE_FULL);
        let after = whole(from_tick).saturating_sub(1);
        self.settle_at(now_ns);
        let positions = [self.ahead, self.shown]
            .map(|steady| steady.map(|steady| self.position(steady.due_ns(now_ns))));
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
        // The same moments are shown as before, whatever their numbers of nanoseconds are now.
        let due_ns = positions.map(|position| position.map(|position| self.due_ns(position)));
        for (steady, due_ns) in [&mut self.ahead, &mut self.shown].into_iter().zip(due_ns) {
            if let Some((steady, due_ns)) = steady.as_mut().zip(due_ns) {
                steady.offset_ns = now_ns.saturating_sub(due_ns);
                steady.limit_ns = due_ns;
            }
        }
        self.find_offset();
        self.aim(now_ns);
    }

    /// How far ahead of the estimate the own ship is to be predicted, from `now_ns` on.
    pub(super) fn lead(&mut self, now_ns: u64, lead_ns: u64) {
        self.lead_ns = instant(lead_ns);
        self.aim(instant(now_ns));
    }

    /// A snapshot of `tick` has arrived.
    pub fn observe(&mut self, now_ns: u64, tick: Tick) {
        // After a silence like this nothing of before can be relied upon. If it was the network's
        // and not the grid's, the snapshots that come with this one say so.
        if self.is_waiting(now_ns) {
            self.samples.clear();
        }
        let now_ns = instant(now_ns);
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
        let due_ns = instant(now_ns).saturating_sub(self.offset_ns?);
        let last_ns = self.silent_from_ns().saturating_sub(self.lead_ns);
        let (tick, fraction) = self.position(due_ns.min(last_ns));
        Some((Tick(tick.max(0) as u64), fraction))
    }

    /// The time for which the own ship is to be predicted at `now_ns`; `None` before the first
    /// snapshot.
    #[must_use]
    pub fn ahead(&self, now_ns: u64) -> Option<(Tick, f64)> {
        let (tick, fraction) = self.position(self.ahead?.due_ns(instant(now_ns)));
        Some((Tick(tick.max(0) as u64), fraction))
    }

    /// Whether the prediction waits because snapshots do not come.
    #[must_use]
    pub fn is_waiting(&self, now_ns: u64) -> bool {
        self.ahead
            .is_some_and(|ahead| ahead.is_waiting(instant(now_ns)))
    }

    /// Whether the prediction is where it should be.
    pub(super) fn is_settled(&self, now_ns: u64) -> bool {
        let error_ns = self.ahead.map(|ahead| {
            let offset_ns = ahead.at(instant(now_ns));
            offset_ns.saturating_sub(ahead.target_ns).saturating_abs()
        });
        error_ns.is_some_and(|error_ns| error_ns < SETTLED_NS) && !self.is_waiting(now_ns)
    }

    /// The time at which others are to be shown at `now_ns`; `None` before the first snapshot,
    /// and where that would be before the first beat.
    #[must_use]
    pub fn shown(&self, now_ns: u64) -> Option<Shown> {
        let (steady, now_ns) = (self.shown?, instant(now_ns));
        let (tick, fraction) = self.position(steady.due_ns(now_ns));
        (tick >= 0).then_some(Shown {
            tick: Tick(tick as u64),
            fraction,
            is_waiting: steady.is_waiting(now_ns),
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

    /// Real time of a beat at full pace.
    pub(super) const fn full_beat_ns(&self) -> u64 {
        self.full_beat_ns.unsigned_abs()
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

    /// When the prediction waits for a snapshot.
    fn silent_from_ns(&self) -> i64 {
        let due = self.newest.saturating_add(self.interval);
        let due_ns = self.due_ns((due, 0.0));
        due_ns.saturating_add(SILENT_NS + self.lead_ns)
    }

    /// When the shown time waits for a snapshot.
    fn carried_until_ns(&self) -> i64 {
        self.due_ns((self.newest, 0.0)).saturating_add(CARRIED_NS)
    }

    /// How far behind the estimate others are shown: long enough to have a later snapshot. The
    /// beats of a slow grid lie on those of its host, up to a beat late.
    fn delay_ns(&self) -> i64 {
        let pace = self.pace_at(self.newest);
        let spare = if pace.per_mille < PACE_FULL { 2 } else { 1 };
        DELAY_NS.max(self.interval * pace.beat_ns + spare * self.full_beat_ns)
    }

    /// What the steady times are at an instant is where they go on from, also if they wait there.
    fn settle_at(&mut self, now_ns: i64) {
        for steady in [&mut self.ahead, &mut self.shown].into_iter().flatten() {
            steady.offset_ns = now_ns.saturating_sub(steady.due_ns(now_ns));
            steady.at_ns = now_ns;
        }
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

    /// Lets the steady times tend to where they should be.
    fn aim(&mut self, now_ns: i64) {
        let Some(offset_ns) = self.offset_ns else {
            return;
        };
        self.settle_at(now_ns);
        let most_ns = BEHIND_BEATS * self.pace_at(self.newest).beat_ns;
        let aimed = |former, offset_ns, limit_ns| {
            Some(Steady::aimed(former, now_ns, offset_ns, most_ns, limit_ns))
        };
        let behind_ns = offset_ns.saturating_add(self.delay_ns());
        let ahead_ns = offset_ns.saturating_sub(self.lead_ns);
        self.shown = aimed(self.shown, behind_ns, self.carried_until_ns());
        self.ahead = aimed(self.ahead, ahead_ns, self.silent_from_ns());
    }
}

impl Steady {
    /// Tends to another target from `now_ns` on, and is behind it by `most_ns` at most; without a
    /// former one it is there at once. Where it is beyond the limit already, it waits.
    fn aimed(
        former: Option<Self>,
        now_ns: i64,
        target_ns: i64,
        most_ns: i64,
        limit_ns: i64,
    ) -> Self {
        let offset_ns = former.map_or(target_ns, |former| former.offset_ns).clamp(
            target_ns.saturating_sub(AHEAD_NS),
            target_ns.saturating_add(most_ns),
        );
        let is_large = target_ns.saturating_sub(offset_ns).saturating_abs() > LARGE_ERROR_NS;
        Self {
            at_ns: now_ns,
            offset_ns,
            target_ns,
            per_ns: if is_large { 2 } else { 8 },
            limit_ns: limit_ns.max(now_ns.saturating_sub(offset_ns)),
        }
    }

    /// The offset at an instant.
    fn at(&self, now_ns: i64) -> i64 {
        let most = now_ns.saturating_sub(self.at_ns).max(0) / self.per_ns;
        let error = self.target_ns.saturating_sub(self.offset_ns);
        self.offset_ns.saturating_add(error.clamp(-most, most))
    }

    /// What is due at an instant, on the clock without delays.
    fn due_ns(&self, now_ns: i64) -> i64 {
        now_ns.saturating_sub(self.at(now_ns)).min(self.limit_ns)
    }

    fn is_waiting(&self, now_ns: i64) -> bool {
        self.due_ns(now_ns) >= self.limit_ns
    }
}

/// A beat as a number to reckon with; no grid will ever come to those that are cut off.
fn whole(tick: Tick) -> i64 {
    tick.0.min(1 << 56) as i64
}

fn instant(now_ns: u64) -> i64 {
    now_ns.min(1 << 62) as i64
}
