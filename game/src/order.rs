//! Orders: what a ship is told to do until it is told otherwise, and the way from a pilot's
//! command to an order or a refusal.
//!
//! [`validate`] is the only judge of commands. It reads the ship, the content and the contacts
//! of the grid and changes nothing: what it accepts, the caller carries out; what it refuses is
//! the player's mistake, a [`RejectCode`] with a sentence. Clients ask it too, so that a button
//! can be grey before the server has to say no.

use crate::content::Content;
use crate::steer::{Contact, Contacts, Own};
use crate::{columns::Kind, dock, gate};
use orrery_base::command::{Command, DIRECTION_ONE, RejectCode, THROTTLE_FULL};
use orrery_base::{EntityId, TypeId, math};

/// The kinds of [`Order`]. The numbers are stored: they never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OrderKind {
    /// [`Order::Stop`].
    Stop = 0,
    /// [`Order::Fly`].
    Fly = 1,
    /// [`Order::Approach`].
    Approach = 2,
    /// [`Order::KeepAtRange`].
    KeepAtRange = 3,
    /// [`Order::Orbit`].
    Orbit = 4,
    /// [`Order::Align`].
    Align = 5,
}

impl OrderKind {
    /// The kind of a number, if this version knows it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Stop),
            1 => Some(Self::Fly),
            2 => Some(Self::Approach),
            3 => Some(Self::KeepAtRange),
            4 => Some(Self::Orbit),
            5 => Some(Self::Align),
            _ => None,
        }
    }
}

/// What a ship does until it is told otherwise. Ranges are surface to surface, centimetres, ≥ 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Come to rest.
    #[default]
    Stop,
    /// Fly in a direction.
    Fly {
        /// [`DIRECTION_ONE`] long, within 1 %.
        direction: [i16; 3],
        /// Share of the largest speed, of [`THROTTLE_FULL`].
        throttle: u16,
    },
    /// Fly to an entity and stop at the range; never back away from it.
    Approach {
        /// Which entity.
        target: EntityId,
        /// Where to stop.
        range_cm: i32,
    },
    /// Fly to an entity or away from it and hold the range.
    KeepAtRange {
        /// Which entity.
        target: EntityId,
        /// Which range.
        range_cm: i32,
    },
    /// Circle an entity.
    Orbit {
        /// Which entity.
        target: EntityId,
        /// The range asked for; the real one is larger where speed · τ is large.
        range_cm: i32,
    },
    /// Fly in the direction of an entity at full speed.
    Align {
        /// Which entity.
        target: EntityId,
    },
}

/// An order as the columns hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderFields {
    /// Which of the orders.
    pub kind: OrderKind,
    /// The entity that it refers to, or [`EntityId::NONE`].
    pub target: EntityId,
    /// Its range, centimetres; zero where it has none.
    pub range_cm: i32,
    /// Its direction; zero where it has none.
    pub direction: [i16; 3],
    /// Its throttle; zero where it has none.
    pub throttle: u16,
}

impl Order {
    /// The order as columns. What an order does not use is zero, so that equal orders are equal
    /// rows.
    #[must_use]
    pub const fn fields(self) -> OrderFields {
        let mut fields = OrderFields {
            kind: OrderKind::Stop,
            target: EntityId::NONE,
            range_cm: 0,
            direction: [0; 3],
            throttle: 0,
        };
        match self {
            Self::Stop => {}
            Self::Fly {
                direction,
                throttle,
            } => {
                fields.kind = OrderKind::Fly;
                fields.direction = direction;
                fields.throttle = throttle;
            }
            Self::Approach { target, range_cm } => {
                fields.kind = OrderKind::Approach;
                fields.target = target;
                fields.range_cm = range_cm;
            }
            Self::KeepAtRange { target, range_cm } => {
                fields.kind = OrderKind::KeepAtRange;
                fields.target = target;
                fields.range_cm = range_cm;
            }
            Self::Orbit { target, range_cm } => {
                fields.kind = OrderKind::Orbit;
                fields.target = target;
                fields.range_cm = range_cm;
            }
            Self::Align { target } => {
                fields.kind = OrderKind::Align;
                fields.target = target;
            }
        }
        fields
    }

    /// The order of a row. A kind that this version does not know is [`Order::Stop`]: a ship
    /// that cannot be understood is a ship at rest.
    #[must_use]
    pub const fn from_fields(
        kind: u8,
        target: EntityId,
        range_cm: i32,
        direction: [i16; 3],
        throttle: u16,
    ) -> Self {
        match OrderKind::from_number(kind) {
            None | Some(OrderKind::Stop) => Self::Stop,
            Some(OrderKind::Fly) => Self::Fly {
                direction,
                throttle,
            },
            Some(OrderKind::Approach) => Self::Approach { target, range_cm },
            Some(OrderKind::KeepAtRange) => Self::KeepAtRange { target, range_cm },
            Some(OrderKind::Orbit) => Self::Orbit { target, range_cm },
            Some(OrderKind::Align) => Self::Align { target },
        }
    }

    /// The entity that the order refers to.
    #[must_use]
    pub const fn target(self) -> Option<EntityId> {
        match self {
            Self::Stop | Self::Fly { .. } => None,
            Self::Approach { target, .. }
            | Self::KeepAtRange { target, .. }
            | Self::Orbit { target, .. }
            | Self::Align { target } => Some(target),
        }
    }
}

/// Where the ship is whose pilot commands.
#[derive(Clone, Copy, Debug)]
pub enum Whereabouts {
    /// Inside a station.
    Docked,
    /// On the grid.
    InSpace {
        /// The ship.
        id: EntityId,
        /// Its type in the content pack.
        type_id: TypeId,
        /// Its motion and size.
        own: Own,
    },
}

/// An accepted command: what the caller has to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Give the ship this order.
    Steer(Order),
    /// Switch the afterburner; it may be in that state already.
    Afterburner {
        /// On or off.
        on: bool,
    },
    /// Take the ship through this gate, which is in range.
    Jump {
        /// A gate of this grid.
        gate: EntityId,
    },
    /// Take the ship into this station, which is in range.
    Dock {
        /// A station of this grid.
        station: EntityId,
    },
    /// Put the ship, which is docked, into space.
    Undock,
    /// Lock a ship of this grid: judged further by [`crate::fight::lock`].
    Lock {
        /// Which.
        target: EntityId,
    },
    /// Let go of a target: judged further by [`crate::fight::unlock`].
    Unlock {
        /// Which.
        target: EntityId,
    },
    /// Switch a module on: judged further by [`crate::fight::activate`].
    Activate {
        /// Its slot, see [`crate::fight::slot_number`].
        slot: u8,
        /// What it is to be aimed at.
        target: Option<EntityId>,
    },
    /// Switch a module off: judged further by [`crate::fight::deactivate`].
    Deactivate {
        /// Its slot.
        slot: u8,
    },
}

/// Judges a command of the pilot of the ship at `place`, with the contacts as they are now.
///
/// # Errors
/// The first reason for a refusal; nothing else has been changed or checked then.
pub fn validate(
    command: &Command,
    place: &Whereabouts,
    content: &Content,
    contacts: &impl Contacts,
) -> Result<Intent, RejectCode> {
    let (id, type_id, own) = match (place, command) {
        (Whereabouts::Docked, Command::Undock) => return Ok(Intent::Undock),
        (Whereabouts::Docked, _) => return Err(RejectCode::Docked),
        (Whereabouts::InSpace { .. }, Command::Undock) => return Err(RejectCode::NotDocked),
        (Whereabouts::InSpace { id, type_id, own }, _) => (*id, *type_id, own),
    };
    let contact = |target| other(id, target, contacts);
    match *command {
        Command::Fly {
            direction,
            throttle,
        } => {
            unit_direction(direction)?;
            if throttle > THROTTLE_FULL {
                return Err(RejectCode::ThrottleInvalid);
            }
            Ok(Intent::Steer(Order::Fly {
                direction,
                throttle,
            }))
        }
        Command::Approach { target } => {
            contact(target)?;
            let range_cm = content.navigation().approach_range_cm();
            Ok(Intent::Steer(Order::Approach { target, range_cm }))
        }
        Command::KeepAtRange { target, range_m } => {
            contact(target)?;
            let range_cm = range_cm(range_m, content.navigation().keep_range_m)?;
            Ok(Intent::Steer(Order::KeepAtRange { target, range_cm }))
        }
        Command::Orbit { target, range_m } => {
            contact(target)?;
            let range_cm = range_cm(range_m, content.navigation().orbit_range_m)?;
            Ok(Intent::Steer(Order::Orbit { target, range_cm }))
        }
        Command::Align { target } => {
            contact(target)?;
            Ok(Intent::Steer(Order::Align { target }))
        }
        Command::Stop => Ok(Intent::Steer(Order::Stop)),
        Command::Afterburner { on } => match content.law(type_id, true) {
            None if on => Err(RejectCode::NoAfterburner),
            _ => Ok(Intent::Afterburner { on }),
        },
        Command::Jump { gate } => {
            let contact = contact(gate)?;
            gate::may_activate(content, own, &contact)?;
            Ok(Intent::Jump { gate })
        }
        Command::Dock { station } => {
            let contact = contact(station)?;
            dock::may_dock(content, own, &contact)?;
            Ok(Intent::Dock { station })
        }
        Command::Lock { .. }
        | Command::Unlock { .. }
        | Command::Activate { .. }
        | Command::Deactivate { .. } => combat(command, &contact),
        // Answered above for both places.
        Command::Undock => Err(RejectCode::NotDocked),
    }
}

/// Commands about a fight: whom they name must be there. The rest is for [`crate::fight`], which
/// knows the ship's modules and locks.
fn combat(
    command: &Command,
    contact: &impl Fn(EntityId) -> Result<Contact, RejectCode>,
) -> Result<Intent, RejectCode> {
    match *command {
        Command::Lock { target } => {
            contact(target)?;
            Ok(Intent::Lock { target })
        }
        Command::Unlock { target } => Ok(Intent::Unlock { target }),
        Command::Activate { slot, target } => {
            if let Some(target) = target {
                contact(target)?;
            }
            Ok(Intent::Activate { slot, target })
        }
        Command::Deactivate { slot } => Ok(Intent::Deactivate { slot }),
        _ => Err(RejectCode::NotAvailable),
    }
}

/// The contact of a target that is not the ship itself.
fn other(own: EntityId, target: EntityId, contacts: &impl Contacts) -> Result<Contact, RejectCode> {
    if target == own {
        return Err(RejectCode::TargetIsSelf);
    }
    contacts.contact(target).ok_or(RejectCode::TargetUnknown)
}

/// A direction must be a unit vector, within 1 %: rounding to fixed point costs far less, and a
/// longer one would be a faster ship.
fn unit_direction(direction: [i16; 3]) -> Result<(), RejectCode> {
    let length = math::length(direction.map(i64::from));
    let one = i64::from(DIRECTION_ONE);
    if (length - one).abs() * 100 <= one {
        Ok(())
    } else {
        Err(RejectCode::DirectionInvalid)
    }
}

fn range_cm(range_m: u32, limits_m: [u32; 2]) -> Result<i32, RejectCode> {
    if range_m < limits_m[0] || range_m > limits_m[1] {
        return Err(RejectCode::RangeInvalid);
    }
    range_m
        .checked_mul(100)
        .and_then(|range_cm| i32::try_from(range_cm).ok())
        .ok_or(RejectCode::RangeInvalid)
}

/// Whether the station or gate is of the kind that the command needs.
pub(crate) const fn expect_kind(
    contact: &Contact,
    kind: Kind,
    reject: RejectCode,
) -> Result<(), RejectCode> {
    if contact.kind as u8 == kind as u8 {
        Ok(())
    } else {
        Err(reject)
    }
}

#[cfg(test)]
mod tests;
