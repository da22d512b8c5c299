//! Which beat it is at the server, by the arrival of its snapshots.
//!
//! A snapshot of beat T that arrives at time t was made no later than t: of the last
//! [`SAMPLES`] arrivals, the one with the least delay says best how the beats lie on the
//! client's clock. So the estimate runs one best one-way delay behind the server and does not
//! follow jitter.

use orrery_base::Tick;

/// Arrivals that count: about two seconds.
const SAMPLES: usize = 32;
/// A beat further than this from the first one is another clock: begin anew.
const FAR_BEATS: u64 = 1 << 32;
const NS_PER_S: i64 = 1_000_000_000;

/// The estimate of the server's beat.
#[derive(Clone, Debug)]
pub struct BeatClock {
    beat_ns_full_speed: i64,
    beat_ns: i64,
    /// Where beats are counted from.
    origin: Option<Tick>,
    /// When the beat of the origin was, by each of the last arrivals.
    samples: [i64; SAMPLES],
    count: usize,
    next: usize,
    newest: Tick,
    /// A change of speed that has not begun.
    pending: Option<(i64, Tick)>,
}

impl BeatClock {
    /// A clock that has seen nothing, for a server of this many beats per second.
    #[must_use]
    pub fn new(beats_per_second: u16) -> Self {
        let beat_ns = NS_PER_S / i64::from(beats_per_second.max(1));
        Self {
            beat_ns_full_speed: beat_ns,
            beat_ns,
            origin: None,
            samples: [0; SAMPLES],
            count: 0,
            next: 0,
            newest: Tick(0),
            pending: None,
        }
    }

    /// Time runs at `per_mille` of its full speed from `from_tick` on.
    pub fn dilate(&mut self, per_mille: u16, from_tick: Tick) {
        let beat_ns = self.beat_ns_full_speed * 1_000 / i64::from(per_mille.max(1));
        self.pending = Some((beat_ns, from_tick));
    }

    /// Real time of a beat, at the present speed.
    #[must_use]
    pub const fn beat_ns(&self) -> u64 {
        self.beat_ns.unsigned_abs()
    }

    /// A snapshot of `tick` has arrived.
    pub fn observe(&mut self, now_ns: u64, tick: Tick) {
        if let Some((beat_ns, _)) = self.pending.take_if(|(_, from)| *from <= tick) {
            // Arrivals of the former speed say nothing about the new one.
            self.beat_ns = beat_ns;
            self.origin = None;
        }
        let origin = match self.origin {
            Some(origin) if origin <= tick && tick.since(origin) < FAR_BEATS => origin,
            _ => {
                self.count = 0;
                self.next = 0;
                *self.origin.insert(tick)
            }
        };
        self.newest = tick;
        let beats = tick.since(origin) as i64;
        self.samples[self.next] =
            (now_ns as i64).saturating_sub(beats.saturating_mul(self.beat_ns));
        self.next = (self.next + 1) % SAMPLES;
        self.count = (self.count + 1).min(SAMPLES);
    }

    /// The server's newest beat at `now_ns`, as far as it can be known here, and how much of the
    /// next one has passed, 0 to 1; `None` before the first snapshot.
    #[must_use]
    pub fn beat(&self, now_ns: u64) -> Option<(Tick, f64)> {
        let origin = self.origin?;
        let earliest = self.samples[..self.count].iter().min()?;
        let since_ns = (now_ns as i64).saturating_sub(*earliest).max(0);
        let fraction = (since_ns % self.beat_ns) as f64 / self.beat_ns as f64;
        Some((origin.plus((since_ns / self.beat_ns) as u64), fraction))
    }

    /// The newest beat that a snapshot told of.
    #[must_use]
    pub const fn newest(&self) -> Tick {
        self.newest
    }
}
