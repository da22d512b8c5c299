//! A battle without end: a game for the kernel's proofs and measurements.
//!
//! Ships of several fleets fly around their targets by the integer law of motion, everyone within
//! weapon range of everyone. **Gunners** lock an enemy (the nearest, or a drawn one) and shoot
//! with a chance that falls with range and angular velocity; **bombers** also hit everyone around
//! them now and then; **menders** repair the worse damaged of a few drawn allies. Who dies comes
//! back at once as a new entity, the next **life** of the same **lineage**, at its fleet's base;
//! the death is written to the lineage's row.
//! Orders from outside steer, lock, or send a ship to another grid.
//!
//! | phase | what |
//! | --- | --- |
//! | gather | orders into rows, arrivals |
//! | motion | the law of motion; the frame: columns, row by slot, an index of the part's own rows |
//! | interact | the course, the lock, shots, bursts and repairs as effects ([`combat`]) |
//! | apply | effects into rows, deaths and next lives, departures ([`fate`]) |
//!
//! **Invariants:** as many lineages live on all grids and in messages as were spawned, each once.
//! Integers only; all draws come from `BeatContext::rng` and have a purpose of their own
//! ([`purpose`]). Effects do not commute: every one of them is mixed into its target's mark.
//!
//! **Cost:** O(rows) per part and beat, and O(found) per burst or search; nothing is rebuilt over
//! the rows of other parts. A lock holds its target's slot, which is the same on any number of
//! parts, so finding a target is two array accesses in the frame of the part that owns it.
//! A row takes 89 bytes of columns, its picture in the frame 84, its place in the index 16.

pub mod aim;
mod columns;
mod combat;
mod fate;
mod frame;
pub mod script;

use std::sync::Arc;

use orrery_base::digest::{Digest, mix};
use orrery_base::motion::{TARGET_QUANTUM, VELOCITY_ONE, step_axis};
use orrery_base::{EntityId, GridId, Slot};
use orrery_kernel::codec::{DecodeError, Put, Reader};
use orrery_kernel::effects::{EffectBuffer, TargetedEffect};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Departure, Envelope, Output, RowOf, Rules, Stamped};

pub use columns::{Ship, ShipColumns};
pub use combat::Scratch;
pub use frame::{BattleFrame, Field, Sight, Track};

/// The game.
#[derive(Clone, Copy, Debug)]
pub struct Battle;

/// How fresh grids are populated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BattleContext {
    /// Lineages that begin on each grid, below 2²⁴.
    pub ships: u32,
    /// Fleets, 2 to 8.
    pub fleets: u8,
}

/// What belongs to no ship.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BattleLocal {
    /// Lives that have ended on this grid, counted when the next one begins.
    pub kills: u64,
    /// Mixes every death in order.
    pub mark: u64,
}

/// Whom a ship has locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// The target, or [`EntityId::NONE`].
    pub id: EntityId,
    /// The slot that it has on this grid.
    pub slot: Slot,
}

impl Lock {
    /// Nobody.
    pub const NONE: Self = Self {
        id: EntityId::NONE,
        slot: Slot(0),
    };
}

/// An order from outside; those to a ship that is not here are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Fly in this direction for a second: the share of full speed on each axis, in 1/128.
    Steer(EntityId, [i8; 3]),
    /// Lock this target, if it is there.
    Lock(EntityId, Lock),
    /// Leave for this grid.
    Jump(EntityId, GridId),
}

/// What one ship does to another, or tells its grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Takes hull.
    Hit(i32),
    /// Gives hull, up to [`FULL_HULL`].
    Repair(i32),
    /// Somebody has locked the target.
    Mark,
    /// To the local state: the source is the next life of one who was killed by this ship.
    Fell(EntityId),
}

/// From grid to grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crossing {
    /// A ship arrives.
    Arrive(EntityId, Ship),
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BattleEvent {
    /// Target, source and damage of a hit.
    Shot(EntityId, EntityId, i32),
    /// Target, source and hull given back.
    Repaired(EntityId, EntityId, i32),
    /// Victim and killer.
    Killed(EntityId, EntityId),
    /// A ship has left for a grid.
    Jumped(EntityId, GridId),
    /// A ship has come from a grid.
    Arrived(EntityId, GridId),
}

/// Reasons of departures.
pub mod reason {
    /// Killed.
    pub const DIED: u8 = 1;
    /// Left for another grid.
    pub const JUMPED: u8 = 2;
}

/// The domain of the rows that a battle writes: the last death of each lineage, with its killer.
pub const OBITUARIES: u8 = 1;

/// Purposes of draws.
pub mod purpose {
    /// Where a life begins.
    pub const PLACE: u32 = 1;
    /// Which target is locked.
    pub const LOCK: u32 = 2;
    /// Whether a shot hits, and how hard.
    pub const SHOT: u32 = 3;
    /// The orders of a script, plus the grid.
    pub const SCRIPT: u32 = 1_000;
}

/// Hull of a new life.
pub const FULL_HULL: i32 = 500;
/// A kilometre in centimetres.
const KM: i32 = 100_000;
/// Distance of the fleets' bases from the origin, centimetres.
const BASE_CM: i32 = 15 * KM;
/// Lives begin within this of their fleet's base on each axis, centimetres.
const SPREAD_CM: i32 = 6 * KM;
/// How far weapons and repairs reach, centimetres: everyone reaches everyone.
pub const RANGE_CM: i32 = 250 * KM;
/// Within this a burst hits everyone, and a search for the nearest looks; centimetres.
pub const BURST_CM: u32 = 2 * KM as u32;

/// The serial numbers of lives: the home grid above bit 44, the lineage's number in bits 20–43,
/// the life below.
const LIFE_BITS: u32 = 20;

/// The first life of a lineage.
#[must_use]
pub const fn first_life(home: GridId, number: u32) -> EntityId {
    EntityId::minted((home.0 as u64) << 44 | (number as u64) << LIFE_BITS)
}

/// What all lives of one lineage have in common.
#[must_use]
pub const fn lineage_of(id: EntityId) -> u64 {
    id.0 >> LIFE_BITS
}

/// The life after this one.
#[must_use]
pub(crate) const fn next_life(id: EntityId) -> EntityId {
    EntityId(id.0 + 1)
}

/// What a ship is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Shoots.
    Gunner,
    /// Shoots, and bursts.
    Bomber,
    /// Repairs.
    Mender,
}

/// The role of a lineage: of 16 ships, one is a bomber and two are menders.
#[must_use]
pub const fn role_of(id: EntityId) -> Role {
    match lineage_of(id) % 16 {
        5 => Role::Bomber,
        3 | 11 => Role::Mender,
        _ => Role::Gunner,
    }
}

/// The beginning of a life, drawn around its fleet's base.
fn fresh_ship(beat: &BeatContext<'_, Battle>, id: EntityId, fleet: u8) -> Ship {
    let mut rng = beat.rng(id, purpose::PLACE);
    let [x, y, z] = [0, 1, 2].map(|axis| {
        let side = if fleet >> axis & 1 == 0 { -1 } else { 1 };
        side * BASE_CM + rng.below(2 * SPREAD_CM as u32) as i32 - SPREAD_CM
    });
    Ship {
        x,
        y,
        z,
        vx: 0,
        vy: 0,
        vz: 0,
        tx: 0,
        ty: 0,
        tz: 0,
        // A time constant of 2 to 6 seconds.
        response: u32::MAX / (60 + rng.below(120)),
        hull: FULL_HULL,
        fleet,
        hold: 0,
        cooldown: rng.below(30) as u8,
        lock: Lock::NONE,
        killer: EntityId::NONE,
        mark: mix(id.0),
        jump: 0,
    }
}

/// Full speed of a ship: 200 to 500 m/s, in units of [`orrery_base::motion`].
const fn speed_of(id: EntityId) -> i32 {
    (667 + (lineage_of(id) % 11) as i32 * 100) * VELOCITY_ONE
}

/// A velocity as targets are: a multiple of the wire's quantum.
const fn quantised(velocity: i32) -> i32 {
    velocity / TARGET_QUANTUM * TARGET_QUANTUM
}

impl Rules for Battle {
    const FORMAT: u32 = 1;
    type Context = BattleContext;
    type Columns = ShipColumns;
    type Local = BattleLocal;
    type Scratch = Scratch;
    type Frame = BattleFrame;
    type Input = Order;
    type Effect = Effect;
    type Message = Crossing;
    type Event = BattleEvent;

    fn init(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        let BattleContext { ships, fleets } = *beat.context;
        assert!((2..=8).contains(&fleets), "a battle has 2 to 8 fleets");
        for number in 0..ships {
            let id = first_life(beat.grid, number);
            let fleet = (number % u32::from(fleets)) as u8;
            part.spawn(id, fresh_ship(beat, id, fleet));
        }
    }

    fn route_input(input: &Order) -> Option<EntityId> {
        match input {
            Order::Steer(id, _) | Order::Lock(id, _) | Order::Jump(id, _) => Some(*id),
        }
    }

    fn route_message(message: &Crossing) -> Option<EntityId> {
        let Crossing::Arrive(id, _) = message;
        Some(*id)
    }

    fn gather(
        _: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        inputs: &[Stamped<Order>],
        arrivals: &[Envelope<Crossing>],
        out: &mut Output<Self>,
    ) {
        fate::gather(part, inputs, arrivals, out);
    }

    fn motion(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        let ships = part.table.columns_mut();
        let (tick, response) = (beat.tick, &ships.response);
        step_axis(tick, &mut ships.x, &mut ships.vx, &ships.tx, response);
        step_axis(tick, &mut ships.y, &mut ships.vy, &ships.ty, response);
        step_axis(tick, &mut ships.z, &mut ships.vz, &ships.tz, response);
    }

    fn frame(
        beat: &BeatContext<'_, Self>,
        part: &Part<Self>,
        _: &[Departure],
        recycled: Option<BattleFrame>,
    ) -> BattleFrame {
        let mut frame = recycled.unwrap_or_else(BattleFrame::new);
        frame.draw(beat.tick, part);
        frame
    }

    fn interact(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        frames: &[Arc<BattleFrame>],
        effects: &mut EffectBuffer<Effect>,
    ) {
        combat::interact(beat, part, frames, effects);
    }

    fn apply(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        effects: &[TargetedEffect<Effect>],
        out: &mut Output<Self>,
    ) {
        fate::apply(beat, part, effects, out);
    }

    fn idle(part: &Part<Self>) -> bool {
        part.table.is_empty()
    }

    fn digest_row(part: &Part<Self>, row: usize) -> u64 {
        part.table.columns().digest_row(row)
    }

    fn digest_local(local: &BattleLocal) -> u64 {
        Digest::new(1).word(local.kills).word(local.mark).finish()
    }

    fn encode_row(part: &Part<Self>, row: usize, bytes: &mut Vec<u8>) {
        use orrery_base::columns::Columns;
        part.table.columns().row(row).encode(bytes);
    }

    fn decode_row(_: &BattleContext, bytes: &mut Reader<'_>) -> Result<RowOf<Self>, DecodeError> {
        Ship::decode(bytes)
    }

    fn encode_local(local: &BattleLocal, bytes: &mut Vec<u8>) {
        bytes.put_u64(local.kills);
        bytes.put_u64(local.mark);
    }

    fn decode_local(_: &BattleContext, bytes: &mut Reader<'_>) -> Result<BattleLocal, DecodeError> {
        let (kills, mark) = (bytes.u64()?, bytes.u64()?);
        Ok(BattleLocal { kills, mark })
    }

    fn encode_input(input: &Order, bytes: &mut Vec<u8>) {
        match input {
            Order::Steer(id, to) => {
                bytes.put_u8(0);
                bytes.put_u64(id.0);
                bytes.extend(to.map(|axis| axis as u8));
            }
            Order::Lock(id, lock) => {
                bytes.put_u8(1);
                bytes.put_u64(id.0);
                bytes.put_u64(lock.id.0);
                bytes.put_u32(lock.slot.0);
            }
            Order::Jump(id, to) => {
                bytes.put_u8(2);
                bytes.put_u64(id.0);
                bytes.put_u32(to.0);
            }
        }
    }

    fn decode_input(bytes: &mut Reader<'_>) -> Result<Order, DecodeError> {
        let (kind, id) = (bytes.u8()?, EntityId(bytes.u64()?));
        Ok(match kind {
            0 => {
                let to = [bytes.u8()?, bytes.u8()?, bytes.u8()?];
                Order::Steer(id, to.map(|axis| axis as i8))
            }
            1 => Order::Lock(id, columns::read_lock(bytes)?),
            2 => Order::Jump(id, GridId(bytes.u32()?)),
            _ => return Err(DecodeError::Invalid("kind of order")),
        })
    }

    fn encode_message(message: &Crossing, bytes: &mut Vec<u8>) {
        let Crossing::Arrive(id, ship) = message;
        bytes.put_u64(id.0);
        ship.encode(bytes);
    }

    fn decode_message(bytes: &mut Reader<'_>) -> Result<Crossing, DecodeError> {
        let id = EntityId(bytes.u64()?);
        Ok(Crossing::Arrive(id, Ship::decode(bytes)?))
    }
}
