//! Reading a snapshot and applying it: all of it or nothing.

use orrery_base::{GridId, Slot, Tick};

use super::frame::{Entry, SlotState, Status};
use super::header::{Basis, Header, SLOT_WIDTH_BITS, take_age, take_gap};
use super::record::{kind, take_change, take_full};
use super::replica::{
    Applied, FORGET_BEATS, Held, LOST_BEATS, Replica, ReplicaEntity, SnapshotError,
};
use crate::bits::BitReader;

/// The most slots whose numbers have this width.
const MAX_SLOT_BITS: u32 = 16;

/// What stands before the entities, with nothing left relative.
struct Opening {
    tick: Tick,
    grid: GridId,
    new_epoch: bool,
    last_input_sequence: u32,
    /// Index in `held`, and Rice's parameter.
    baseline: Option<(usize, u32)>,
}

/// What is read before any of it is applied.
#[derive(Default)]
struct Reading {
    /// What is exact from now on.
    exact: Held,
    /// Entities that are told in full, by slot.
    full: Vec<(u32, SlotState)>,
    /// Slots whose entity left the set, ascending.
    gone: Vec<u32>,
}

impl Replica {
    /// Applies a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing has changed then. Arbitrary bytes are safe.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Applied, SnapshotError> {
        let mut reader = BitReader::new(bytes);
        let header = Header::take(&mut reader)?;
        let opening = self.open(&header)?;
        self.decode_opened(reader, &header, &opening)
    }

    /// Applies a snapshot if it is of this grid; with `None` it is not, whatever its grid is.
    /// Beats of two grids are never compared: only this tells a late snapshot from a new one.
    ///
    /// # Errors
    /// As [`Replica::decode`], and [`SnapshotError::Elsewhere`].
    pub fn decode_on(
        &mut self,
        grid: Option<GridId>,
        bytes: &[u8],
    ) -> Result<Applied, SnapshotError> {
        let mut reader = BitReader::new(bytes);
        let header = Header::take(&mut reader)?;
        // One with a baseline of another epoch than the newest cannot be applied anyway.
        let of = match header.basis {
            Basis::Alone { grid, .. } => Some(grid),
            Basis::Baseline { .. } => (Some(header.epoch) == self.epoch).then_some(self.grid),
        };
        if let Some(of) = of.filter(|_| of != grid) {
            return Err(SnapshotError::Elsewhere(of));
        }
        let opening = self.open(&header)?;
        self.decode_opened(reader, &header, &opening)
    }

    fn decode_opened(
        &mut self,
        mut reader: BitReader<'_>,
        header: &Header,
        opening: &Opening,
    ) -> Result<Applied, SnapshotError> {
        let mut reading = Reading {
            exact: self.spare.pop().unwrap_or_default(),
            ..Reading::default()
        };
        reading.exact.tick = opening.tick;
        reading.exact.slots.clear();
        reading.exact.entries.clear();
        let read = self
            .read_changes(&mut reader, opening, &mut reading)
            .and_then(|()| self.read_entries(&mut reader, opening, &mut reading));
        if let Err(error) = read {
            self.spare.push(reading.exact);
            return Err(error);
        }
        if !reader.is_finished() {
            self.spare.push(reading.exact);
            return Err(SnapshotError::Malformed("bits behind the end"));
        }
        Ok(self.apply(header, opening, reading))
    }

    /// Whether a snapshot of this header can be read here and now.
    fn open(&self, header: &Header) -> Result<Opening, SnapshotError> {
        let epochs_on = self
            .epoch
            .map(|epoch| header.epoch.wrapping_sub(epoch) as i8);
        let newest = self.tick();
        match header.basis {
            Basis::Baseline {
                tick_low,
                age,
                input_low,
                rice,
            } => {
                match epochs_on {
                    Some(0) => {}
                    Some(..0) => return Err(SnapshotError::Stale),
                    // The first snapshot of the epoch was lost.
                    _ => return Err(SnapshotError::UnknownBaseline(Tick(0))),
                }
                // An epoch begins with a snapshot, so there is a newest one.
                let newest = newest.ok_or(SnapshotError::UnknownBaseline(Tick(0)))?;
                let beats_on = tick_low.wrapping_sub(newest.0 as u16) as i16;
                if beats_on <= 0 {
                    return Err(SnapshotError::Stale);
                }
                let tick = newest.plus(beats_on as u64);
                let baseline = Tick(tick.0.wrapping_sub(age));
                let index = self
                    .held
                    .binary_search_by_key(&baseline, |held| held.tick)
                    .map_err(|_| SnapshotError::UnknownBaseline(baseline))?;
                Ok(Opening {
                    tick,
                    grid: self.grid,
                    new_epoch: false,
                    last_input_sequence: nearest(self.last_input_sequence, input_low),
                    baseline: Some((index, rice)),
                })
            }
            Basis::Alone {
                grid,
                tick,
                last_input_sequence,
            } => {
                let new_epoch = match epochs_on {
                    None | Some(1..) => true,
                    Some(0) if newest < Some(tick) => false,
                    Some(_) => return Err(SnapshotError::Stale),
                };
                if !new_epoch && grid != self.grid {
                    return Err(SnapshotError::Malformed("another grid in the same epoch"));
                }
                Ok(Opening {
                    tick,
                    grid,
                    new_epoch,
                    last_input_sequence,
                    baseline: None,
                })
            }
        }
    }

    /// Reads what became of the baseline's entities.
    fn read_changes(
        &self,
        reader: &mut BitReader<'_>,
        opening: &Opening,
        reading: &mut Reading,
    ) -> Result<(), SnapshotError> {
        let Some((index, rice)) = opening.baseline else {
            return Ok(());
        };
        let (held, to) = (&self.held[index], opening.tick);
        let from = held.tick;
        let mut next = 0;
        loop {
            let gap = take_gap(reader, rice)?;
            let told = match gap {
                // Both are below 2¹⁷.
                Some(gap) if gap < held.slots.len() - next => next + gap,
                Some(_) => return Err(SnapshotError::Malformed("more entities than there are")),
                None => held.slots.len(),
            };
            for lawful in next..told {
                let mut entry = held.entries[lawful];
                entry.motion.advance(from, to);
                reading.exact.push(held.slots[lawful], entry);
            }
            if gap.is_none() {
                return Ok(());
            }
            match reader.read(kind::BITS)? {
                kind::ABSENT => {
                    if !reader.read_bit()? {
                        reading.gone.push(held.slots[told]);
                    }
                }
                kind => {
                    let mut entry = held.entries[told];
                    take_change(reader, kind, &mut entry, from, to)?;
                    reading.exact.push(held.slots[told], entry);
                }
            }
            next = told + 1;
        }
    }

    /// Reads the entities that are told by themselves.
    fn read_entries(
        &self,
        reader: &mut BitReader<'_>,
        opening: &Opening,
        reading: &mut Reading,
    ) -> Result<(), SnapshotError> {
        let slot_bits = reader.read_u32(SLOT_WIDTH_BITS)?;
        if slot_bits == 0 {
            return Ok(());
        }
        if slot_bits > MAX_SLOT_BITS {
            return Err(SnapshotError::Malformed("slots wider than there are"));
        }
        let mut entries: Vec<(u32, Entry)> = Vec::new();
        while reader.read_bit()? {
            let slot = reader.read_u32(slot_bits)?;
            let entry = if reader.read_bit()? {
                let state = take_full(reader)?;
                reading.full.push((slot, state));
                Entry {
                    motion: state.motion,
                    status: Status::new(state.vitals, state.activity),
                }
            } else {
                self.read_reference(reader, opening, slot)?
            };
            entries.push((slot, entry));
        }
        entries.sort_unstable_by_key(|&(slot, _)| slot);
        reading.full.sort_unstable_by_key(|&(slot, _)| slot);
        let merged = merge(&reading.exact, &entries)?;
        reading.exact.slots.clear();
        reading.exact.entries.clear();
        for (slot, entry) in merged {
            reading.exact.push(slot, entry);
        }
        Ok(())
    }

    /// Reads an entity against an older snapshot.
    fn read_reference(
        &self,
        reader: &mut BitReader<'_>,
        opening: &Opening,
        slot: u32,
    ) -> Result<Entry, SnapshotError> {
        let age = take_age(reader)?;
        let from = Tick(opening.tick.0.wrapping_sub(age));
        let held = self
            .held_at(from)
            .filter(|_| !opening.new_epoch)
            .ok_or(SnapshotError::UnknownBaseline(from))?;
        let mut entry = *held
            .entry(slot)
            .ok_or(SnapshotError::Malformed("a reference to nothing"))?;
        let known = self
            .remembered(slot)
            .is_some_and(|entity| entity.since <= from);
        if !known {
            return Err(SnapshotError::Malformed("a reference to a former tenant"));
        }
        if reader.read_bit()? {
            match reader.read(kind::BITS)? {
                kind::ABSENT => return Err(SnapshotError::Malformed("told, and yet absent")),
                kind => take_change(reader, kind, &mut entry, from, opening.tick)?,
            }
        } else {
            entry.motion.advance(from, opening.tick);
        }
        Ok(entry)
    }

    /// Nothing can fail any more.
    fn apply(&mut self, header: &Header, opening: &Opening, reading: Reading) -> Applied {
        if opening.new_epoch {
            self.entities.clear();
            self.spare.extend(self.held.drain(..));
        }
        self.update_entities(opening.tick, &reading);
        let exact = reading.exact.slots.len();
        self.epoch = Some(header.epoch);
        self.grid = opening.grid;
        self.last_input_sequence = opening.last_input_sequence;
        self.held.push_back(reading.exact);
        self.prune(opening.tick, header.keep_age);
        Applied {
            tick: opening.tick,
            grid: opening.grid,
            new_epoch: opening.new_epoch,
            last_input_sequence: opening.last_input_sequence,
            exact,
        }
    }

    /// Walks the former entities, the exact and the full ones together, all by slot.
    fn update_entities(&mut self, now: Tick, reading: &Reading) {
        let before = self.tick().unwrap_or(now);
        let mut former = std::mem::take(&mut self.entities);
        let mut entities = std::mem::take(&mut self.spare_entities);
        entities.clear();
        let mut exact = reading
            .exact
            .slots
            .iter()
            .copied()
            .zip(reading.exact.entries.iter().copied())
            .peekable();
        let mut full = reading.full.iter().peekable();
        let mut gone = reading.gone.iter().peekable();
        for mut entity in former.drain(..) {
            let slot = entity.slot.0;
            while let Some((slot, entry)) = exact.next_if(|&(next, _)| next < slot) {
                entities.extend(enter(now, slot, entry, &mut full));
            }
            if gone.next_if(|&&next| next == slot).is_some() {
                entity.is_shown = false;
            }
            if let Some((slot, entry)) = exact.next_if(|&(next, _)| next == slot) {
                if let Some(new) = enter(now, slot, entry, &mut full) {
                    let is_same = new.id == entity.id;
                    let since = if is_same { entity.since } else { now };
                    entity = ReplicaEntity { since, ..new };
                }
                entity.entry = entry;
                entity.exact_at = now;
                entity.is_shown = true;
            } else {
                let unheard = now.since(entity.exact_at);
                // Asked before the law is run: the gap may be anything.
                if unheard > FORGET_BEATS {
                    continue;
                }
                entity.entry.motion.advance(before, now);
                entity.is_shown &= unheard <= LOST_BEATS;
            }
            entities.push(entity);
        }
        for (slot, entry) in exact {
            entities.extend(enter(now, slot, entry, &mut full));
        }
        self.entities = entities;
        self.spare_entities = former;
    }
}

/// The entity of a full record in this slot, if there is one.
fn enter<'a>(
    now: Tick,
    slot: u32,
    entry: Entry,
    full: &mut std::iter::Peekable<impl Iterator<Item = &'a (u32, SlotState)>>,
) -> Option<ReplicaEntity> {
    let (_, state) = full.next_if(|&&(next, _)| next == slot)?;
    Some(ReplicaEntity {
        slot: Slot(slot),
        id: state.id,
        type_id: state.type_id,
        owner: state.owner,
        since: now,
        exact_at: now,
        is_shown: true,
        entry,
    })
}

/// Two lists by slot as one; no slot may be told of twice.
fn merge(exact: &Held, entries: &[(u32, Entry)]) -> Result<Vec<(u32, Entry)>, SnapshotError> {
    let mut merged = Vec::with_capacity(exact.slots.len() + entries.len());
    let mut kept = exact
        .slots
        .iter()
        .copied()
        .zip(exact.entries.iter().copied())
        .peekable();
    for &(slot, entry) in entries {
        while let Some(pair) = kept.next_if(|&(next, _)| next < slot) {
            merged.push(pair);
        }
        merged.push((slot, entry));
    }
    merged.extend(kept);
    if merged.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        Ok(merged)
    } else {
        Err(SnapshotError::Malformed("a slot is told of twice"))
    }
}

/// The number with these low bits that is nearest to a known one.
fn nearest(known: u32, low: u16) -> u32 {
    known.wrapping_add_signed(i32::from(low.wrapping_sub(known as u16) as i16))
}
