//! The immutable picture of one beat: what edges make snapshots of, and what phase B reads.
//!
//! A frame holds the ships, stations and gates in space of one part of a grid: their states by
//! slot, an index of their positions, who is to see it, and who has left since the last one.
//!
//! Cost: some 90 bytes per entity; filling it is one pass over the rows.

use std::cell::OnceCell;
use std::sync::Arc;

use orrery_base::{ClientId, EntityId, GridId, ShardIndex, Slot, Tick};
use orrery_game::columns::Kind;
use orrery_game::fight::{Sight, Sights};
use orrery_game::steer::{Contact, Contacts};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Departure};
use orrery_proto::message::DepartureReason;
use orrery_proto::snapshot::SlotState;

use super::Space;
use super::columns::{NO_CLIENT, Presence, SpaceColumns};
use super::context::SpaceContext;

/// A client that watches from a ship on this grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watcher {
    /// The client.
    pub client: ClientId,
    /// The shard whose edge holds it.
    pub edge: ShardIndex,
    /// Its ship's slot.
    pub slot: Slot,
    /// The newest of its flight inputs that this frame shows.
    pub last_input: u32,
}

/// An entity that has left since the last frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Which entity.
    pub entity: EntityId,
    /// The slot that it had.
    pub slot: Slot,
    /// Why.
    pub reason: DepartureReason,
}

/// One beat of one part of a grid.
#[derive(Debug)]
pub struct SpaceFrame {
    /// The beat.
    pub tick: Tick,
    /// What is in space, in no particular order.
    pub states: Vec<SlotState>,
    /// Their signatures, metres; zero for what does not fight.
    pub signature_m: Vec<f64>,
    /// Their slots.
    pub slots: Vec<u32>,
    /// Their positions once more, an axis each, for indexing.
    pub position_cm: [Vec<i32>; 3],
    /// Who watches.
    pub watchers: Vec<Watcher>,
    /// Who has left.
    pub left: Vec<Left>,
}

/// Makes the frame of a part after its motion.
#[must_use]
pub fn frame(
    beat: &BeatContext<'_, Space>,
    part: &Part<Space>,
    departures: &[Departure],
    recycled: Option<SpaceFrame>,
) -> SpaceFrame {
    let mut frame = recycled.unwrap_or_else(|| SpaceFrame {
        tick: beat.tick,
        states: Vec::new(),
        signature_m: Vec::new(),
        slots: Vec::new(),
        position_cm: Default::default(),
        watchers: Vec::new(),
        left: Vec::new(),
    });
    frame.tick = beat.tick;
    frame.states.clear();
    frame.signature_m.clear();
    frame.slots.clear();
    frame.position_cm.iter_mut().for_each(Vec::clear);
    frame.watchers.clear();
    frame.left.clear();
    let (table, columns) = (&part.table, part.table.columns());
    let (ship, pilot) = (&columns.ship, &columns.pilot);
    for row in 0..table.len() {
        let (id, slot) = (table.ids()[row], table.slots()[row]);
        let presence = columns.presence(row);
        if presence != Presence::InSpace {
            if pilot.since[row] == beat.tick.0 && table.born()[row] < beat.tick {
                frame.left.push(Left {
                    entity: id,
                    slot,
                    reason: reason_of(columns, row),
                });
            }
            continue;
        }
        frame.states.push(SlotState {
            id,
            type_id: ship.type_id[row],
            owner: ship.owner[row],
            motion: ship.motion(row),
            vitals: [ship.shield[row], ship.armour[row], ship.hull[row]],
            activity: ship.activity[row],
        });
        frame.signature_m.push(columns.fight.signature_m(row));
        frame.slots.push(slot.0);
        for (axis, cm) in frame.position_cm.iter_mut().zip(ship.position_cm(row)) {
            axis.push(cm);
        }
        if pilot.client[row] != NO_CLIENT {
            frame.watchers.push(Watcher {
                client: pilot.client[row],
                edge: pilot.edge[row],
                slot,
                last_input: pilot.last_input[row],
            });
        }
    }
    for departure in departures {
        frame.left.push(Left {
            entity: departure.id,
            slot: departure.slot,
            reason: DepartureReason::from_number(u64::from(departure.reason)),
        });
    }
    frame
}

/// Why a row is not in space any more.
fn reason_of(columns: &SpaceColumns, row: usize) -> DepartureReason {
    let (died, since) = (columns.fight.died[row], columns.pilot.since[row]);
    match columns.presence(row) {
        _ if died != 0 && died + 1 == since => DepartureReason::Destroyed,
        Presence::Docked => DepartureReason::Docked,
        Presence::Trace if columns.pilot.place[row] != 0 => DepartureReason::Jumped,
        Presence::Trace => DepartureReason::LoggedOff,
        Presence::InSpace => DepartureReason::Unspecified,
    }
}

/// The contacts of a beat: stations and gates from the galaxy, ships from the frames of all
/// parts. The index of ships is made by the first lookup that needs it.
pub struct FrameContacts<'a> {
    frames: &'a [Arc<SpaceFrame>],
    context: &'a SpaceContext,
    grid: GridId,
    by_id: OnceCell<Vec<(EntityId, u32, u32)>>,
}

impl<'a> FrameContacts<'a> {
    /// The contacts that these frames show.
    #[must_use]
    pub const fn new(
        frames: &'a [Arc<SpaceFrame>],
        context: &'a SpaceContext,
        grid: GridId,
    ) -> Self {
        Self {
            frames,
            context,
            grid,
            by_id: OnceCell::new(),
        }
    }

    /// The ship's part and its place in that part's frame.
    fn find(&self, id: EntityId) -> Option<(usize, usize)> {
        let ships = self.by_id();
        let found = ships.binary_search_by_key(&id, |ship| ship.0).ok()?;
        Some((ships[found].1 as usize, ships[found].2 as usize))
    }

    /// Every ship with its part and its place in that part's frame, by id.
    fn by_id(&self) -> &[(EntityId, u32, u32)] {
        self.by_id.get_or_init(|| {
            let mut ships: Vec<_> = (0..)
                .zip(self.frames)
                .flat_map(|(part, frame)| {
                    (0..)
                        .zip(&frame.states)
                        .map(move |(place, state)| (state.id, part, place))
                })
                .collect();
            ships.sort_unstable();
            ships
        })
    }
}

impl Contacts for FrameContacts<'_> {
    fn contact(&self, id: EntityId) -> Option<Contact> {
        let content = &self.context.content;
        if id.object().is_some() {
            let fixture = self
                .context
                .fixture(id)
                .filter(|fixture| fixture.grid == self.grid)?;
            return Some(fixture.contact(content));
        }
        let (part, place) = self.find(id)?;
        let state = &self.frames[part].states[place];
        Some(Contact {
            kind: content.kind(state.type_id).unwrap_or(Kind::Ship),
            type_id: state.type_id,
            position_cm: state.motion.position_cm,
            velocity: state.motion.velocity,
            radius_cm: content.radius_cm(state.type_id),
        })
    }
}

impl Sights for FrameContacts<'_> {
    fn sight(&self, id: EntityId) -> Option<Sight> {
        let contact = self.contact(id)?;
        let found = self.find(id);
        Some(Sight {
            is_ship: contact.kind == Kind::Ship,
            position_cm: contact.position_cm,
            velocity: contact.velocity,
            radius_cm: contact.radius_cm,
            signature_m: found.map_or(0.0, |(part, place)| self.frames[part].signature_m[place]),
        })
    }
}
