//! A grid as bytes, and back.
//!
//! Everything that the next beat depends on, in an order that does not depend on the parts:
//! entities by id with their slots and birth ticks, the tenant counts of all slots, departures
//! that no frame has shown yet, the local state, the messages that wait for it. So a checkpoint of two parts restores to three,
//! and two runs with the same digest have the same checkpoint.
//!
//! ```text
//! u8  version   u32 format of the rules   u32 grid   u64 tick   u64 seed   u64 digest
//! u8  whether it is asleep
//! varint slots, each: varint generation
//! varint entities, each: u64 id, u32 slot, u64 born, section row
//! varint departures, each: u64 id, u32 slot, u8 reason
//! section local
//! varint messages that wait for it, each: u32 from, u64 sent, varint sequence, section message
//! u32 crc32c of all of the above
//! ```

use std::sync::Arc;

use orrery_base::{EntityId, GridId, Slot, Tick};

use super::{Grid, GridConfig};
use crate::codec::{DecodeError, Put, Reader, checked, seal};
use crate::journal::{decode_message, put_message};
use crate::part::Part;
use crate::rules::{Departure, Envelope, Rules};
use crate::seat::Seat;
use crate::slots::{Handle, Slots};

const VERSION: u8 = 3;

/// A restored grid and the messages that waited for it.
pub type Restored<R> = (Grid<R>, Vec<Envelope<<R as Rules>::Message>>);

/// Why a grid could not be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The bytes are not a checkpoint that this build reads.
    #[error("decode the checkpoint of a grid")]
    Decode(#[from] DecodeError),
    /// The state is not the one that was saved: the rules' encoding loses something.
    #[error("grid {grid} had digest {expected:#018x}, restored it has {found:#018x}")]
    Digest {
        /// Which grid.
        grid: GridId,
        /// The digest when it was saved.
        expected: u64,
        /// The digest of what was restored.
        found: u64,
    },
    /// It is of another beat than the world that it is to join.
    #[error("grid {grid} is of beat {found}, the world of beat {expected}")]
    Tick {
        /// Which grid.
        grid: GridId,
        /// The world's beat.
        expected: Tick,
        /// The checkpoint's beat.
        found: Tick,
    },
    /// It is of a world with another seed.
    #[error("grid {grid} is of a world with another seed")]
    Seed {
        /// Which grid.
        grid: GridId,
    },
    /// The world has this grid already.
    #[error("grid {grid} is here already")]
    Present {
        /// Which grid.
        grid: GridId,
    },
}

/// What a checkpoint holds of a grid.
pub(super) struct State<'a, R: Rules> {
    pub(super) grid: GridId,
    pub(super) tick: Tick,
    pub(super) seed: u64,
    pub(super) digest: u64,
    pub(super) is_asleep: bool,
    pub(super) parts: &'a [&'a Part<R>],
    pub(super) departures: Vec<Departure>,
    pub(super) inbox: &'a [Envelope<R::Message>],
}

impl<R: Rules> State<'_, R> {
    pub(super) fn encode(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_u8(VERSION);
        bytes.put_u32(R::FORMAT);
        bytes.put_u32(self.grid.0);
        bytes.put_u64(self.tick.0);
        bytes.put_u64(self.seed);
        bytes.put_u64(self.digest);
        bytes.put_u8(u8::from(self.is_asleep));
        // Every part has the same replica.
        let generations = self.parts[0].slots.generations();
        bytes.put_varint(generations.len() as u64);
        for generation in generations {
            bytes.put_varint(u64::from(*generation));
        }
        self.encode_entities(&mut bytes);
        self.departures.sort_unstable_by_key(|left| left.id);
        bytes.put_varint(self.departures.len() as u64);
        for departure in &self.departures {
            bytes.put_u64(departure.id.0);
            bytes.put_u32(departure.slot.0);
            bytes.put_u8(departure.reason);
        }
        let local = self.parts[0].local.as_ref();
        let local = local.expect("Part::check: part 0 holds the local state");
        bytes.put_section(|bytes| R::encode_local(local, bytes));
        let mut inbox: Vec<&Envelope<R::Message>> = self.inbox.iter().collect();
        inbox.sort_by_key(|envelope| envelope.order());
        bytes.put_varint(inbox.len() as u64);
        for envelope in inbox {
            put_message::<R>(envelope, &mut bytes);
        }
        seal(&mut bytes, 0);
        bytes
    }

    fn encode_entities(&self, bytes: &mut Vec<u8>) {
        let mut entities: Vec<(EntityId, &Part<R>, usize)> = Vec::new();
        for part in self.parts {
            let rows = part.table.ids().iter().zip(0..);
            entities.extend(rows.map(|(id, row)| (*id, *part, row)));
        }
        entities.sort_unstable_by_key(|(id, ..)| *id);
        bytes.put_varint(entities.len() as u64);
        for (id, part, row) in entities {
            bytes.put_u64(id.0);
            bytes.put_u32(part.table.slots()[row].0);
            bytes.put_u64(part.table.born()[row].0);
            bytes.put_section(|bytes| R::encode_row(part, row, bytes));
        }
    }
}

impl<R: Rules> Grid<R> {
    /// The grid as bytes, as of the end of its last beat, with the messages that wait for it.
    ///
    /// # Panics
    /// If a beat is under way.
    #[must_use]
    pub fn checkpoint(&self, inbox: &[Envelope<R::Message>]) -> Vec<u8> {
        assert!(!self.is_under_way(), "a beat is under way");
        let parts: Vec<&Part<R>> = self.parts().collect();
        let departures = self.seats.iter().flat_map(Seat::departures).copied();
        let state = State {
            grid: self.id(),
            tick: self.tick(),
            seed: self.seed(),
            digest: self.digest(),
            is_asleep: self.is_asleep(),
            parts: &parts,
            departures: departures.collect(),
            inbox,
        };
        state.encode()
    }

    /// A grid from the bytes of [`Grid::checkpoint`], divided into `parts` (≥ 1), and the messages
    /// that waited for it.
    ///
    /// # Errors
    /// If the bytes are damaged or of another format, or what is restored does not have the
    /// digest that was saved.
    ///
    /// # Panics
    /// If `parts` is zero.
    pub fn restore(
        context: Arc<R::Context>,
        parts: u16,
        bytes: &[u8],
    ) -> Result<Restored<R>, RestoreError> {
        let mut reader = checked(bytes)?;
        reader.version(u32::from(VERSION), Reader::u8)?;
        reader.version(R::FORMAT, Reader::u32)?;
        let grid = GridId(reader.u32()?);
        let tick = Tick(reader.u64()?);
        let seed = reader.u64()?;
        let expected = reader.u64()?;
        let config = GridConfig {
            grid,
            parts,
            seed,
            context: Arc::clone(&context),
        };
        let is_asleep = reader.flag()?;
        let mut restored = Self::empty(config, tick);
        restored.desk.is_asleep = is_asleep;
        restored.decode_entities(&context, &mut reader)?;
        restored.decode_departures(&mut reader)?;
        let mut local = reader.section()?;
        restored.seats[0].part_mut().local = Some(R::decode_local(&context, &mut local)?);
        local.finish()?;
        let mut inbox = Vec::new();
        for _ in 0..reader.count(14)? {
            inbox.push(decode_message::<R>(&mut reader, grid)?);
        }
        if !inbox.is_sorted_by_key(Envelope::order) {
            return Err(DecodeError::Invalid("order of messages").into());
        }
        reader.finish()?;
        restored.refresh_digest();
        let found = restored.digest();
        if found != expected {
            return Err(RestoreError::Digest {
                grid,
                expected,
                found,
            });
        }
        Ok((restored, inbox))
    }

    fn decode_entities(
        &mut self,
        context: &R::Context,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        let slots = reader.count(1)?;
        let mut generations = Vec::with_capacity(slots);
        for _ in 0..slots {
            let generation = u32::try_from(reader.varint()?);
            generations.push(generation.map_err(|_| DecodeError::Invalid("generation"))?);
        }
        let count = reader.count(21)?;
        let mut taken = Vec::with_capacity(count);
        let mut rows = Vec::with_capacity(count);
        let mut former = EntityId::NONE;
        for _ in 0..count {
            let id = EntityId(reader.u64()?);
            let slot = Slot(reader.u32()?);
            let born = Tick(reader.u64()?);
            let mut section = reader.section()?;
            let row = R::decode_row(context, &mut section)?;
            section.finish()?;
            if id <= former {
                return Err(DecodeError::Invalid("order of entities"));
            }
            former = id;
            let generation = generations.get(slot.0 as usize).copied();
            let generation = generation.ok_or(DecodeError::Invalid("slot"))?;
            let handle = Handle { slot, generation };
            taken.push(handle);
            rows.push((id, handle, born, row));
        }
        // Checked before anything is inserted, because a table panics at a slot taken twice.
        let slots = Slots::restore(generations, taken.iter().copied());
        let slots = slots.ok_or(DecodeError::Invalid("slots"))?;
        for seat in &mut self.seats {
            seat.part_mut().slots = slots.clone();
        }
        for (id, handle, born, row) in rows {
            let table = &mut self.owner(id).part_mut().table;
            table.insert(id, handle, born, row);
        }
        Ok(())
    }

    fn decode_departures(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        for _ in 0..reader.count(13)? {
            let departure = Departure {
                id: EntityId(reader.u64()?),
                slot: Slot(reader.u32()?),
                reason: reader.u8()?,
            };
            self.owner(departure.id).departures_mut().push(departure);
        }
        Ok(())
    }
}
