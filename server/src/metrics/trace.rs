//! The last minutes of a shard, beat by beat: how long each phase took. What a heat map is drawn
//! from.
//!
//! Written by the shard alone, read by anyone at any time. A reader may see a beat that is being
//! overwritten; it recognises it by the beat's number and leaves it out.
//!
//! Cost: 64 bytes a beat and some 20 relaxed stores.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use orrery_base::Tick;

use super::BeatPhase;

/// Beats that are remembered: five minutes.
pub const TRACE_BEATS: usize = 9_000;

const PHASES: usize = BeatPhase::ALL.len();

/// One beat of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TracedBeat {
    /// The host's beat.
    pub tick: Tick,
    /// The whole beat, µs.
    pub took_us: u32,
    /// How late it began, µs.
    pub late_us: u32,
    /// By phase, in the order of [`BeatPhase::ALL`], µs.
    pub phases_us: [u32; PHASES],
}

#[derive(Debug, Default)]
struct Cell {
    tick: AtomicU64,
    took_us: AtomicU32,
    late_us: AtomicU32,
    phases_us: [AtomicU32; PHASES],
}

/// The last minutes of a shard.
#[derive(Debug)]
pub struct BeatTrace {
    cells: Box<[Cell]>,
    /// The phases of the beat at hand.
    present: [AtomicU32; PHASES],
}

impl Default for BeatTrace {
    fn default() -> Self {
        Self {
            cells: (0..TRACE_BEATS).map(|_| Cell::default()).collect(),
            present: Default::default(),
        }
    }
}

impl BeatTrace {
    pub(super) fn phase(&self, phase: BeatPhase, spent: Duration) {
        // One writer: no addition is lost.
        let cell = &self.present[phase as usize];
        let sum = cell.load(Ordering::Relaxed).saturating_add(us(spent));
        cell.store(sum, Ordering::Relaxed);
    }

    pub(super) fn beat(&self, tick: Tick, took: Duration, late: Duration) {
        let cell = &self.cells[(tick.0 % TRACE_BEATS as u64) as usize];
        cell.tick.store(0, Ordering::Release);
        cell.took_us.store(us(took), Ordering::Relaxed);
        cell.late_us.store(us(late), Ordering::Relaxed);
        for (to, from) in cell.phases_us.iter().zip(&self.present) {
            to.store(from.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
        cell.tick.store(tick.0, Ordering::Release);
    }

    /// The beats from `from` on that are remembered, ascending.
    #[must_use]
    pub fn since(&self, from: Tick) -> Vec<TracedBeat> {
        let mut beats: Vec<_> = self
            .cells
            .iter()
            .filter_map(|cell| {
                let tick = cell.tick.load(Ordering::Acquire);
                let beat = TracedBeat {
                    tick: Tick(tick),
                    took_us: cell.took_us.load(Ordering::Relaxed),
                    late_us: cell.late_us.load(Ordering::Relaxed),
                    phases_us: std::array::from_fn(|phase| {
                        cell.phases_us[phase].load(Ordering::Relaxed)
                    }),
                };
                std::sync::atomic::fence(Ordering::Acquire);
                let is_whole = tick > 0 && cell.tick.load(Ordering::Relaxed) == tick;
                (is_whole && tick >= from.0).then_some(beat)
            })
            .collect();
        beats.sort_unstable_by_key(|beat| beat.tick);
        beats
    }
}

fn us(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
