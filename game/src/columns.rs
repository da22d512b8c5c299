//! The columns of everything that is in space on one grid: ships, stations and gates.
//!
//! One `Vec` per field, one row per entity, positions and velocities one `Vec` per axis, since
//! motion runs over slices. Stations and gates are rows like ships: their velocity and response
//! are zero, so the law of motion leaves them where they are.
//!
//! Two ticks say what the wire may leave out. `law_tick` is the first tick whose step was made
//! under the present law of motion: whoever has the state at a tick ≥ `law_tick` gets every
//! later state by the recurrence alone. `state_tick` is the first tick whose frame shows the
//! present vitals, activity and owner.
//!
//! Cost: 106 bytes per row, of which the motion reads 40 and writes 24.

use crate::content::Content;
use crate::order::Order;
use crate::steer::Own;
use orrery_base::columns::columns;
use orrery_base::motion::Motion;
use orrery_base::{CharacterId, EntityId, Tick, TypeId};

/// What a row stands for. The numbers are stored and sent: they never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A ship, which can be flown.
    Ship = 0,
    /// A station, which can be docked at.
    Station = 1,
    /// A gate, which leads to another system.
    Gate = 2,
    /// What is left of a ship.
    Wreck = 3,
}

impl Kind {
    /// The kind of a number, if this version knows it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Ship),
            1 => Some(Self::Station),
            2 => Some(Self::Gate),
            3 => Some(Self::Wreck),
            _ => None,
        }
    }
}

/// Bits of [`Ship::activity`]: what a ship is seen to be doing. Unnamed bits are zero.
pub mod activity {
    /// The afterburner burns. The only record of it: speed and response follow from this bit.
    pub const AFTERBURNER: u8 = 1 << 0;
}

/// A vital (shield, armour, hull) that is whole.
pub const VITAL_FULL: u8 = 255;

columns! {
    /// Everything in space on one grid, one `Vec` per field.
    pub struct ShipColumns;
    /// One entity in space.
    pub struct Ship {
        /// What it is, a [`Kind`] as its number.
        pub kind: u8,
        /// Its type in the content pack.
        pub type_id: TypeId,
        /// The character that flies it, or [`CharacterId::NONE`].
        pub owner: CharacterId,
        /// Position, x, centimetres from the grid's origin.
        pub px: i32,
        /// Position, y.
        pub py: i32,
        /// Position, z.
        pub pz: i32,
        /// Velocity, x, 2⁻¹⁴ centimetres per beat, magnitude below 2³⁰.
        pub vx: i32,
        /// Velocity, y.
        pub vy: i32,
        /// Velocity, z.
        pub vz: i32,
        /// Target velocity, x, in the unit of the velocity.
        pub tx: i32,
        /// Target velocity, y.
        pub ty: i32,
        /// Target velocity, z.
        pub tz: i32,
        /// Share of the way to the target velocity per beat, 2⁻³²; zero for what never moves.
        pub response: u32,
        /// The largest target speed at present, in the unit of the velocity, ≥ 0.
        pub max_speed: i32,
        /// The order that the ship follows, an [`OrderKind`](crate::order::OrderKind) as its
        /// number.
        pub order_kind: u8,
        /// The entity that the order refers to, or [`EntityId::NONE`].
        pub order_target: EntityId,
        /// The order's range, surface to surface, centimetres, ≥ 0.
        pub order_range_cm: i32,
        /// The order's direction, [`DIRECTION_ONE`](orrery_base::command::DIRECTION_ONE) long.
        pub order_direction: [i16; 3],
        /// The order's throttle, 0..=[`THROTTLE_FULL`](orrery_base::command::THROTTLE_FULL).
        pub throttle: u16,
        /// The beat in which the order was given: in that beat steering does not wait for its
        /// turn.
        pub order_tick: u64,
        /// Shield left, of [`VITAL_FULL`].
        pub shield: u8,
        /// Armour left, of [`VITAL_FULL`].
        pub armour: u8,
        /// Hull left, of [`VITAL_FULL`].
        pub hull: u8,
        /// What the ship is seen to be doing, bits of [`activity`].
        pub activity: u8,
        /// The first tick whose step was made under the present law of motion.
        pub law_tick: u64,
        /// The first tick whose frame shows the present vitals, activity and owner.
        pub state_tick: u64,
    }
}

impl Ship {
    /// A whole ship at rest without an order, as it is at the end of beat `tick`'s gathering:
    /// the step of `tick` is the first that it makes. `None` if the pack has no such hull.
    #[must_use]
    pub fn of_hull(
        content: &Content,
        type_id: TypeId,
        owner: CharacterId,
        position_cm: [i32; 3],
        tick: Tick,
    ) -> Option<Self> {
        let law = content.law(type_id, false)?;
        Some(Self {
            response: law.response,
            max_speed: law.max_speed,
            owner,
            ..Self::fixed(Kind::Ship, type_id, position_cm, tick)
        })
    }

    /// A thing that never moves: a station or a gate.
    #[must_use]
    pub const fn fixed(kind: Kind, type_id: TypeId, position_cm: [i32; 3], tick: Tick) -> Self {
        Self {
            kind: kind as u8,
            type_id,
            owner: CharacterId::NONE,
            px: position_cm[0],
            py: position_cm[1],
            pz: position_cm[2],
            vx: 0,
            vy: 0,
            vz: 0,
            tx: 0,
            ty: 0,
            tz: 0,
            response: 0,
            max_speed: 0,
            order_kind: 0,
            order_target: EntityId::NONE,
            order_range_cm: 0,
            order_direction: [0; 3],
            throttle: 0,
            order_tick: tick.0,
            shield: VITAL_FULL,
            armour: VITAL_FULL,
            hull: VITAL_FULL,
            activity: 0,
            law_tick: tick.0,
            state_tick: tick.0,
        }
    }

    /// Where it is, centimetres.
    #[must_use]
    pub const fn position_cm(&self) -> [i32; 3] {
        [self.px, self.py, self.pz]
    }

    /// The part that the law of motion needs.
    #[must_use]
    pub const fn motion(&self) -> Motion {
        Motion {
            position_cm: [self.px, self.py, self.pz],
            velocity: [self.vx, self.vy, self.vz],
            target_velocity: [self.tx, self.ty, self.tz],
            response: self.response,
        }
    }

    /// Overwrites what [`Ship::motion`] reads.
    pub const fn set_motion(&mut self, motion: Motion) {
        [self.px, self.py, self.pz] = motion.position_cm;
        [self.vx, self.vy, self.vz] = motion.velocity;
        [self.tx, self.ty, self.tz] = motion.target_velocity;
        self.response = motion.response;
    }

    /// The order that it follows.
    #[must_use]
    pub fn order(&self) -> Order {
        Order::from_fields(
            self.order_kind,
            self.order_target,
            self.order_range_cm,
            self.order_direction,
            self.throttle,
        )
    }

    /// Gives it an order in beat `tick`; see [`ShipColumns::set_order`].
    pub fn set_order(&mut self, order: Order, tick: Tick) {
        let fields = order.fields();
        self.order_kind = fields.kind as u8;
        self.order_target = fields.target;
        self.order_range_cm = fields.range_cm;
        self.order_direction = fields.direction;
        self.throttle = fields.throttle;
        self.order_tick = tick.0;
    }

    /// Whether the afterburner burns.
    #[must_use]
    pub const fn afterburner(&self) -> bool {
        self.activity & activity::AFTERBURNER != 0
    }
}

impl ShipColumns {
    /// What the row stands for; what no version knows is taken for a ship, which does the least.
    #[must_use]
    pub fn kind_of(&self, row: usize) -> Kind {
        Kind::from_number(self.kind[row]).unwrap_or(Kind::Ship)
    }

    /// Where the row is, centimetres.
    #[must_use]
    pub fn position_cm(&self, row: usize) -> [i32; 3] {
        [self.px[row], self.py[row], self.pz[row]]
    }

    /// The row's velocity.
    #[must_use]
    pub fn velocity(&self, row: usize) -> [i32; 3] {
        [self.vx[row], self.vy[row], self.vz[row]]
    }

    /// The row's part in the law of motion.
    #[must_use]
    pub fn motion(&self, row: usize) -> Motion {
        Motion {
            position_cm: self.position_cm(row),
            velocity: self.velocity(row),
            target_velocity: [self.tx[row], self.ty[row], self.tz[row]],
            response: self.response[row],
        }
    }

    /// What steering and commands need to know of the row's ship.
    #[must_use]
    pub fn own(&self, row: usize, content: &Content) -> Own {
        Own {
            motion: self.motion(row),
            max_speed: self.max_speed[row],
            radius_cm: content.radius_cm(self.type_id[row]),
        }
    }

    /// The order that the row follows.
    #[must_use]
    pub fn order(&self, row: usize) -> Order {
        Order::from_fields(
            self.order_kind[row],
            self.order_target[row],
            self.order_range_cm[row],
            self.order_direction[row],
            self.throttle[row],
        )
    }

    /// Gives the row an order in beat `tick`. Steering turns it into a target velocity when it
    /// runs in that same beat; until then the old law holds.
    pub fn set_order(&mut self, row: usize, order: Order, tick: Tick) {
        let fields = order.fields();
        self.order_kind[row] = fields.kind as u8;
        self.order_target[row] = fields.target;
        self.order_range_cm[row] = fields.range_cm;
        self.order_direction[row] = fields.direction;
        self.throttle[row] = fields.throttle;
        self.order_tick[row] = tick.0;
    }

    /// Whether the row's afterburner burns.
    #[must_use]
    pub fn afterburner(&self, row: usize) -> bool {
        self.activity[row] & activity::AFTERBURNER != 0
    }
}

#[cfg(test)]
mod tests;
