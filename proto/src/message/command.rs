//! Commands as bytes: kinds 1 to 31 are about flight, those from 32 on about value.

use core::fmt;

use orrery_base::EntityId;
use orrery_base::command::Command;
use orrery_base::value::ValueCommand;

use super::field::{Body, Codec, Id, MaybeId};
use super::value::{put_value_command, take_value_command};
use crate::bytes::{FieldError, FieldReader, put_varint};

/// The first kind of a command about value.
const FIRST_VALUE_KIND: u64 = 32;

/// What a client may ask for: something of its ship, or something to be done with value.
#[derive(Clone, PartialEq, Eq)]
pub enum WireCommand {
    /// The ship's business: an input of its grid.
    Flight(Command),
    /// The economy's business; the message's request is a [`orrery_base::value::RequestId`].
    Value(ValueCommand),
}

/// The command alone: its name says which of the two it is.
impl fmt::Debug for WireCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flight(command) => command.fmt(f),
            Self::Value(command) => command.fmt(f),
        }
    }
}

impl From<Command> for WireCommand {
    fn from(command: Command) -> Self {
        Self::Flight(command)
    }
}

impl From<ValueCommand> for WireCommand {
    fn from(command: ValueCommand) -> Self {
        Self::Value(command)
    }
}

impl Body for WireCommand {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Flight(command) => put_command(command, out),
            Self::Value(command) => put_value_command(command, out),
        }
    }
    fn take(kind: u64, fields: &mut FieldReader<'_>) -> Result<Option<Self>, FieldError> {
        if kind < FIRST_VALUE_KIND {
            Ok(take_command(kind, fields)?.map(Self::Flight))
        } else {
            Ok(take_value_command(kind, fields)?.map(Self::Value))
        }
    }
}

fn put_command(command: &Command, out: &mut Vec<u8>) {
    match command {
        Command::Fly {
            direction,
            throttle,
        } => {
            put_varint(out, 1);
            for axis in direction {
                out.extend_from_slice(&axis.to_le_bytes());
            }
            put_varint(out, u64::from(*throttle));
        }
        Command::Approach { target } => put_order(2, *target, None, out),
        Command::KeepAtRange { target, range_m } => put_order(3, *target, Some(*range_m), out),
        Command::Orbit { target, range_m } => put_order(4, *target, Some(*range_m), out),
        Command::Align { target } => put_order(5, *target, None, out),
        Command::Stop => put_varint(out, 6),
        Command::Afterburner { on } => {
            put_varint(out, 7);
            put_varint(out, u64::from(*on));
        }
        Command::Jump { gate } => put_order(8, *gate, None, out),
        Command::Dock { station } => put_order(9, *station, None, out),
        Command::Undock => put_varint(out, 10),
        Command::Lock { target } => put_order(11, *target, None, out),
        Command::Unlock { target } => put_order(12, *target, None, out),
        Command::Activate { slot, target } => {
            put_varint(out, 13);
            put_varint(out, u64::from(*slot));
            MaybeId::put(target, out);
        }
        Command::Deactivate { slot } => {
            put_varint(out, 14);
            put_varint(out, u64::from(*slot));
        }
    }
}

fn put_order(kind: u64, target: EntityId, range_m: Option<u32>, out: &mut Vec<u8>) {
    put_varint(out, kind);
    Id::put(&target, out);
    if let Some(range_m) = range_m {
        put_varint(out, u64::from(range_m));
    }
}

fn take_command(kind: u64, fields: &mut FieldReader<'_>) -> Result<Option<Command>, FieldError> {
    let command = match kind {
        1 => {
            let mut direction = [0; 3];
            for axis in &mut direction {
                *axis = fields.i16_fixed()?;
            }
            Command::Fly {
                direction,
                throttle: fields.int()?,
            }
        }
        2 => Command::Approach {
            target: Id::take(fields)?,
        },
        3 => Command::KeepAtRange {
            target: Id::take(fields)?,
            range_m: fields.int()?,
        },
        4 => Command::Orbit {
            target: Id::take(fields)?,
            range_m: fields.int()?,
        },
        5 => Command::Align {
            target: Id::take(fields)?,
        },
        6 => Command::Stop,
        7 => Command::Afterburner {
            on: fields.varint()? != 0,
        },
        8 => Command::Jump {
            gate: Id::take(fields)?,
        },
        9 => Command::Dock {
            station: Id::take(fields)?,
        },
        10 => Command::Undock,
        11 => Command::Lock {
            target: Id::take(fields)?,
        },
        12 => Command::Unlock {
            target: Id::take(fields)?,
        },
        13 => Command::Activate {
            slot: fields.int()?,
            target: MaybeId::take(fields)?,
        },
        14 => Command::Deactivate {
            slot: fields.int()?,
        },
        _ => return Ok(None),
    };
    Ok(Some(command))
}
