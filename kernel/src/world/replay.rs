//! Doing beats again: what was recorded decides which grids have a beat, and with what.

use super::{BTreeMap, BeatOutput, Home, RecordOf, Rules, Tick, World};
use crate::probe::NoProbe;
use crate::replay::{ReplayError, replay_grid};

impl<R: Rules> World<R> {
    /// Repeats the host's beat `tick` from its records, with the messages that were delivered:
    /// they must be those that the records say were taken in.
    ///
    /// # Errors
    /// If a record names a grid that is not here and whole, or a message that has not come for
    /// it, or comes out differently. Some of the grids may have done their beats then.
    ///
    /// # Panics
    /// If `tick` does not follow the last beat, or a grid panics, as it did when it was recorded.
    pub fn repeat(
        &mut self,
        tick: Tick,
        records: Vec<RecordOf<R>>,
    ) -> Result<BeatOutput<R>, ReplayError> {
        assert!(tick == self.tick.next(), "beat {tick} after {}", self.tick);
        let mut output = BeatOutput {
            tick,
            grids: Vec::with_capacity(records.len()),
            messages: Vec::new(),
            failures: Vec::new(),
        };
        for record in records {
            let id = record.grid;
            let place = self.places.get_mut(&id);
            let place = place.ok_or(ReplayError::UnknownGrid { grid: id })?;
            let Home::Whole(grid) = &mut place.home else {
                return Err(ReplayError::UnknownGrid { grid: id });
            };
            // Taken out by name: a message counts once.
            let mut waiting: BTreeMap<_, _> = std::mem::take(&mut place.waiting.arrivals)
                .into_iter()
                .map(|envelope| (envelope.order(), envelope))
                .collect();
            for envelope in &record.arrivals {
                let from = envelope.from;
                if waiting.remove(&envelope.order()).as_ref() != Some(envelope) {
                    return Err(ReplayError::Stray { grid: id, from });
                }
            }
            place.waiting.arrivals = waiting.into_values().collect();
            place.pace = record.dilation;
            place.done = tick;
            let beat = replay_grid(grid, record, &mut NoProbe)?;
            self.awake.insert(id);
            output.messages.extend_from_slice(&beat.record.sent);
            output.grids.push(beat);
        }
        self.tick = tick;
        Ok(output)
    }
}
