//! The own ship, ahead of the server.
//!
//! An input of this moment is taken by the server about a round trip of beats after the newest
//! one known here: the *lead*. The prediction runs that far ahead, so that an input takes effect
//! in it at the beat at which it will take effect at the server. Every snapshot brings the
//! ship's exact state and the newest input that it contains: the inputs after that one are
//! replayed from there. Where the result differs from what was shown, the difference is the
//! *correction*; it is not shown as a jump but fades over a few beats.
//!
//! The lead steers itself: an input that is found in a snapshot later than predicted makes it
//! longer, one that is found earlier makes it shorter. It is a time on the network, so it is kept
//! as wall time: on a grid whose time runs slowly it is fewer beats. The clock makes a steady time
//! of it ([`BeatClock::ahead`]), so that the ship neither jumps nor flies backwards where the lead
//! or the estimate changes, or where the grid stood still.

use std::collections::VecDeque;

use orrery_base::Tick;
use orrery_base::motion::Motion;

use super::interpolation::ahead as ahead_by;
use super::{BeatClock, Pose, PoseSource, metres_per_second};
use crate::input::{FlyInput, MAX_INPUTS};

/// The lead before the first input is confirmed, in beats at full pace: 130 ms.
const FIRST_LEAD: u64 = 4;
/// A longer lead would show a ship that nobody else sees: 1 s, in beats at full pace.
const MAX_LEAD: u64 = 30;
/// A prediction this far ahead of the time that it is for is shown a little back; one further
/// ahead, after a jump of the clock, goes back.
const AHEAD_BEATS: u64 = 1;
/// Without news from the server the prediction stops this far ahead: 2 s.
const MAX_AHEAD: u64 = 60;
/// Inputs that wait for the server: 4 s of one a beat. Older ones are lost.
const MAX_PENDING: usize = 120;
/// What is left of a shown correction after a beat.
const FADE: f64 = 0.8;
/// A larger correction is a jump of the ship itself and is shown as one: 200 m.
const JUMP_CM: f64 = 20_000.0;

/// An input and where the prediction let it take effect.
#[derive(Clone, Copy, Debug)]
struct Pending {
    input: FlyInput,
    at: Tick,
    target_velocity: [i32; 3],
    /// Whether `at` says something about the present lead.
    is_timed: bool,
}

/// The prediction of the own ship.
#[derive(Clone, Debug)]
pub struct Prediction {
    interval: u64,
    lead_ns: u64,
    /// By how much it is changed: a beat at full pace.
    lead_step_ns: u64,
    /// Whether the prediction is as far ahead as the lead says.
    is_settled: bool,
    sequence: u32,
    /// Inputs that no snapshot contains yet, oldest first.
    pending: VecDeque<Pending>,
    /// The last inputs, newest first, for the datagrams.
    recent: [FlyInput; MAX_INPUTS],
    recent_count: usize,
    /// The newest exact state.
    confirmed: Option<(Tick, Motion)>,
    confirmed_sequence: u32,
    /// The state that is shown.
    predicted: Motion,
    tick: Tick,
    /// What is added to the shown position, fading.
    offset_cm: [f64; 3],
    correction_cm: f64,
}

impl Prediction {
    /// Nothing is predicted before the first exact state.
    #[must_use]
    pub(super) fn new(snapshot_interval_beats: u8, clock: &BeatClock) -> Self {
        let lead_step_ns = clock.full_beat_ns();
        Self {
            interval: u64::from(snapshot_interval_beats).max(1),
            lead_ns: FIRST_LEAD * lead_step_ns,
            lead_step_ns,
            is_settled: false,
            sequence: 0,
            pending: VecDeque::new(),
            recent: [FlyInput::default(); MAX_INPUTS],
            recent_count: 0,
            confirmed: None,
            confirmed_sequence: 0,
            predicted: Motion::default(),
            tick: Tick(0),
            offset_cm: [0.0; 3],
            correction_cm: 0.0,
        }
    }

    /// The ship is elsewhere: what was predicted is void. Inputs keep counting.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.recent_count = 0;
        self.confirmed = None;
        self.offset_cm = [0.0; 3];
        self.correction_cm = 0.0;
    }

    /// The beat that is predicted, and the state of the ship at it.
    #[must_use]
    pub fn state(&self) -> Option<(Tick, &Motion)> {
        self.confirmed.map(|_| (self.tick, &self.predicted))
    }

    /// How far ahead of the newest known beat inputs are expected to take effect, nanoseconds.
    #[must_use]
    pub const fn lead_ns(&self) -> u64 {
        self.lead_ns
    }

    /// By how much the newest snapshot corrected the predicted position, centimetres.
    #[must_use]
    pub const fn correction_cm(&self) -> f64 {
        self.correction_cm
    }

    /// How many inputs no snapshot contains yet.
    #[must_use]
    pub fn pending_inputs(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn fly(
        &mut self,
        direction: [i16; 3],
        throttle: u16,
        target_velocity: [i32; 3],
    ) -> FlyInput {
        self.sequence = self.sequence.wrapping_add(1);
        let input = FlyInput {
            sequence: self.sequence,
            direction,
            throttle,
        };
        self.recent.rotate_right(1);
        self.recent[0] = input;
        self.recent_count = (self.recent_count + 1).min(MAX_INPUTS);
        if self.confirmed.is_some() {
            if self.pending.len() == MAX_PENDING {
                self.pending.pop_front();
            }
            self.pending.push_back(Pending {
                input,
                at: self.tick.next(),
                target_velocity,
                is_timed: self.is_settled,
            });
        }
        input
    }

    /// The newest inputs, newest first.
    pub(super) fn newest(&self) -> Vec<FlyInput> {
        self.recent[..self.recent_count].to_vec()
    }

    /// A snapshot of `tick` has the ship's exact state, which contains all inputs up to
    /// `last_input_sequence`.
    pub(super) fn reconcile(&mut self, tick: Tick, motion: &Motion, last_input_sequence: u32) {
        let shown = self.confirmed.map(|_| self.predicted.position_cm);
        self.confirm(tick, last_input_sequence);
        self.confirmed = Some((tick, *motion));
        self.confirmed_sequence = last_input_sequence;
        let until = if shown.is_some() {
            self.tick.max(tick).min(tick.plus(MAX_AHEAD))
        } else {
            tick
        };
        let was_at = self.tick;
        self.predicted = *motion;
        self.tick = tick;
        while self.tick < until {
            self.step();
        }
        self.correction_cm = 0.0;
        // Positions of two different beats cannot be compared.
        if let Some(shown) = shown.filter(|_| self.tick == was_at) {
            self.absorb(shown);
        }
    }

    /// Drops the inputs that the state contains, and steers the lead by when they were found.
    fn confirm(&mut self, tick: Tick, last_input_sequence: u32) {
        let mut newest = None;
        while let Some(front) = self.pending.front()
            && is_at_most(front.input.sequence, last_input_sequence)
        {
            newest = front.is_timed.then_some(front.at);
            self.pending.pop_front();
        }
        let Some(at) = newest else { return };
        let before = self.lead_ns;
        // Found in the first snapshot that could have it: less than an interval after the beat.
        if tick < at {
            self.lead_ns = self.lead_ns.saturating_sub(self.lead_step_ns);
        } else if tick.since(at) >= self.interval {
            let most = MAX_LEAD * self.lead_step_ns;
            self.lead_ns = (self.lead_ns + self.lead_step_ns).min(most);
        }
        if self.lead_ns != before {
            // Those under way were sent with the former one.
            self.is_settled = false;
            for pending in &mut self.pending {
                pending.is_timed = false;
            }
        }
    }

    /// Turns the difference to what was shown into an offset that fades.
    fn absorb(&mut self, shown: [i32; 3]) {
        let step = self.difference(shown);
        let square: f64 = step.iter().map(|axis| axis * axis).sum();
        self.correction_cm = orrery_base::math::sqrt(square);
        if self.correction_cm > JUMP_CM {
            self.offset_cm = [0.0; 3];
        } else {
            self.offset_cm = [0, 1, 2].map(|axis| self.offset_cm[axis] + step[axis]);
        }
    }

    fn difference(&self, shown: [i32; 3]) -> [f64; 3] {
        let now = self.predicted.position_cm;
        [0, 1, 2].map(|axis| f64::from(shown[axis]) - f64::from(now[axis]))
    }

    /// Runs up to where the clock is ahead at `now_ns`.
    pub(super) fn advance(&mut self, clock: &BeatClock, now_ns: u64) {
        let Some(((ahead, _), (confirmed, _))) = clock.ahead(now_ns).zip(self.confirmed) else {
            return;
        };
        self.is_settled = clock.is_settled(now_ns);
        let until = ahead.min(confirmed.plus(MAX_AHEAD));
        if self.tick > until.plus(AHEAD_BEATS) {
            self.go_back(until);
        }
        while self.tick < until {
            self.step();
            self.offset_cm = self.offset_cm.map(|axis| axis * FADE);
        }
    }

    /// The grid's time is not as far as was thought: predicts up to `until` anew, and goes on to
    /// show the ship where it was.
    fn go_back(&mut self, until: Tick) {
        let Some((tick, motion)) = self.confirmed else {
            return;
        };
        // What was to happen later happens with the next beat; when it does tells nothing.
        for pending in &mut self.pending {
            if pending.at > until.next() {
                pending.at = until.next();
                pending.is_timed = false;
            }
        }
        let shown = self.predicted.position_cm;
        self.predicted = motion;
        self.tick = tick;
        while self.tick < until {
            self.step();
        }
        let step = self.difference(shown);
        self.offset_cm = [0, 1, 2].map(|axis| self.offset_cm[axis] + step[axis]);
    }

    /// One beat, with the inputs that take effect at it.
    fn step(&mut self) {
        self.tick = self.tick.next();
        let due = self
            .pending
            .iter()
            .rev()
            .find(|input| input.at <= self.tick);
        if let Some(input) = due {
            self.predicted.target_velocity = input.target_velocity;
        }
        self.predicted.step(self.tick);
    }

    /// Where the ship is to be shown where the clock is `ahead`.
    pub(super) fn pose(&self, (ahead, fraction): (Tick, f64)) -> Option<Pose> {
        self.confirmed?;
        // Between calls of `advance` time goes on, and a little of it may have been too much.
        let (on, back) = (ahead.since(self.tick), self.tick.since(ahead));
        let beats = (on as f64 - back as f64 + fraction).clamp(-1.0, 1.0);
        let position = ahead_by(&self.predicted, beats);
        Some(Pose {
            position_cm: [0, 1, 2].map(|axis| position[axis] + self.offset_cm[axis]),
            velocity_m_per_s: metres_per_second(self.predicted.velocity),
            source: PoseSource::Predicted,
        })
    }
}

/// Whether `sequence` is not after `other`, where both may wrap.
const fn is_at_most(sequence: u32, other: u32) -> bool {
    other.wrapping_sub(sequence) < 1 << 31
}
