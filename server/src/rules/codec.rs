//! The bytes of rows, inputs and messages in checkpoints and journals, and the digest of a row.
//!
//! Integers as the kernel's codec writes them, in the order of the fields. [`FORMAT`] counts the
//! versions of all of it together: a journal or checkpoint of another is refused.

use orrery_base::command::Command;
use orrery_base::digest::Digest;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, ObjectId, ShardIndex, TypeId};
use orrery_game::columns::Ship;
use orrery_kernel::codec::{DecodeError, Put as _, Reader};
use orrery_services::character::CharacterRow;

use super::columns::{Pilot, Presence, SpaceColumns, SpaceRow};
use super::fight;
use super::input::{Input, Message};

/// The version of these encodings.
pub const FORMAT: u32 = 3;

const ENTER: u8 = 1;
const LEAVE: u8 = 2;
const COMMAND: u8 = 3;
const FLIGHT: u8 = 4;
const FAULT: u8 = 5;
const ARRIVE: u8 = 1;

/// The digest of everything of a row that the rules read.
#[must_use]
pub fn digest_row(columns: &SpaceColumns, row: usize) -> u64 {
    let (ship, pilot) = (&columns.ship, &columns.pilot);
    let pair = |a: u32, b: u32| u64::from(a) | (u64::from(b) << 32);
    let bytes = u32::from_le_bytes;
    Digest::new(u64::from(FORMAT))
        .i32x3([ship.px[row], ship.py[row], ship.pz[row]])
        .i32x3([ship.vx[row], ship.vy[row], ship.vz[row]])
        .i32x3([ship.tx[row], ship.ty[row], ship.tz[row]])
        .word(pair(ship.response[row], ship.max_speed[row] as u32))
        .word(pair(ship.type_id[row].0, ship.order_range_cm[row] as u32))
        .word(ship.order_target[row].0)
        .word(pair(
            bytes([
                ship.shield[row],
                ship.armour[row],
                ship.hull[row],
                ship.activity[row],
            ]),
            bytes([ship.kind[row], ship.order_kind[row], pilot.presence[row], 0]),
        ))
        .word(
            ship.order_direction[row]
                .iter()
                .fold(u64::from(ship.throttle[row]), |word, &axis| {
                    (word << 16) | u64::from(axis as u16)
                }),
        )
        .word(ship.owner[row].0)
        .word(ship.order_tick[row])
        .word(ship.law_tick[row])
        .word(ship.state_tick[row])
        .word(pilot.client[row].0)
        .word(pilot.place[row])
        .word(pilot.until[row])
        .word(pilot.since[row])
        .word(pair(pilot.version[row], pilot.last_input[row]))
        .word(pilot.account[row].0)
        .word(u64::from(pilot.edge[row].0))
        .word(fight::codec::digest(&columns.fight, row))
        .finish()
}

/// Appends a row.
pub fn encode_row(row: &SpaceRow, bytes: &mut Vec<u8>) {
    let (ship, pilot) = (&row.ship, &row.pilot);
    bytes.put_u8(ship.kind);
    bytes.put_u32(ship.type_id.0);
    bytes.put_u64(ship.owner.0);
    for axis in [
        ship.px, ship.py, ship.pz, ship.vx, ship.vy, ship.vz, ship.tx, ship.ty, ship.tz,
    ] {
        bytes.put_i32(axis);
    }
    bytes.put_u32(ship.response);
    bytes.put_i32(ship.max_speed);
    bytes.put_u8(ship.order_kind);
    bytes.put_u64(ship.order_target.0);
    bytes.put_i32(ship.order_range_cm);
    for axis in ship.order_direction {
        bytes.put_u16(axis as u16);
    }
    bytes.put_u16(ship.throttle);
    bytes.put_u64(ship.order_tick);
    for vital in [ship.shield, ship.armour, ship.hull, ship.activity] {
        bytes.put_u8(vital);
    }
    bytes.put_u64(ship.law_tick);
    bytes.put_u64(ship.state_tick);
    bytes.put_u64(pilot.account.0);
    bytes.put_varint(pilot.name.len() as u64);
    bytes.extend_from_slice(pilot.name.as_bytes());
    bytes.put_u32(pilot.version);
    bytes.put_u64(pilot.client.0);
    bytes.put_u16(pilot.edge.0);
    bytes.put_u32(pilot.last_input);
    bytes.put_u8(pilot.presence);
    bytes.put_u64(pilot.place);
    bytes.put_u64(pilot.until);
    bytes.put_u64(pilot.since);
    fight::codec::encode(&row.fight, bytes);
}

/// The counterpart of [`encode_row`]. What the bytes do not hold is for [`fight::Fight::derive`].
///
/// # Errors
/// If the bytes are not what it writes.
pub fn decode_row(bytes: &mut Reader<'_>) -> Result<SpaceRow, DecodeError> {
    let ship = Ship {
        kind: bytes.u8()?,
        type_id: TypeId(bytes.u32()?),
        owner: CharacterId(bytes.u64()?),
        px: bytes.i32()?,
        py: bytes.i32()?,
        pz: bytes.i32()?,
        vx: bytes.i32()?,
        vy: bytes.i32()?,
        vz: bytes.i32()?,
        tx: bytes.i32()?,
        ty: bytes.i32()?,
        tz: bytes.i32()?,
        response: bytes.u32()?,
        max_speed: bytes.i32()?,
        order_kind: bytes.u8()?,
        order_target: EntityId(bytes.u64()?),
        order_range_cm: bytes.i32()?,
        order_direction: [
            bytes.u16()? as i16,
            bytes.u16()? as i16,
            bytes.u16()? as i16,
        ],
        throttle: bytes.u16()?,
        order_tick: bytes.u64()?,
        shield: bytes.u8()?,
        armour: bytes.u8()?,
        hull: bytes.u8()?,
        activity: bytes.u8()?,
        law_tick: bytes.u64()?,
        state_tick: bytes.u64()?,
    };
    if !ship.motion().is_valid() {
        return Err(DecodeError::Invalid("motion"));
    }
    let account = AccountId(bytes.u64()?);
    let length = bytes.count(1)?;
    let name =
        core::str::from_utf8(bytes.bytes(length)?).map_err(|_| DecodeError::Invalid("name"))?;
    let pilot = Pilot {
        account,
        name: name.into(),
        version: bytes.u32()?,
        client: ClientId(bytes.u64()?),
        edge: ShardIndex(bytes.u16()?),
        last_input: bytes.u32()?,
        presence: Presence::from_number(bytes.u8()?)? as u8,
        place: bytes.u64()?,
        until: bytes.u64()?,
        since: bytes.u64()?,
    };
    let fight = fight::codec::decode(bytes)?;
    Ok(SpaceRow { ship, pilot, fight })
}

/// Appends an input.
pub fn encode_input(input: &Input, bytes: &mut Vec<u8>) {
    match input {
        Input::Enter { client, edge, row } => {
            bytes.put_u8(ENTER);
            bytes.put_u64(client.0);
            bytes.put_u16(edge.0);
            let row = row.encode();
            bytes.put_varint(row.len() as u64);
            bytes.extend_from_slice(&row);
        }
        Input::Leave { client, ship } => {
            bytes.put_u8(LEAVE);
            bytes.put_u64(client.0);
            bytes.put_u64(ship.0);
        }
        Input::Command {
            client,
            edge,
            ship,
            sequence,
            request,
            command,
        } => {
            bytes.put_u8(if *request == 0 { FLIGHT } else { COMMAND });
            bytes.put_u64(client.0);
            bytes.put_u16(edge.0);
            bytes.put_u64(ship.0);
            bytes.put_u32(*sequence);
            if *request != 0 {
                bytes.put_u64(*request as u64);
                bytes.put_u64((*request >> 64) as u64);
            }
            put_command(command, bytes);
        }
        Input::Fault => bytes.put_u8(FAULT),
    }
}

/// The counterpart of [`encode_input`].
///
/// # Errors
/// If the bytes are not what it writes.
pub fn decode_input(bytes: &mut Reader<'_>) -> Result<Input, DecodeError> {
    let tag = bytes.u8()?;
    match tag {
        ENTER => {
            let client = ClientId(bytes.u64()?);
            let edge = ShardIndex(bytes.u16()?);
            let length = bytes.count(1)?;
            let row = CharacterRow::decode(bytes.bytes(length)?)
                .map_err(|_| DecodeError::Invalid("character row"))?;
            Ok(Input::Enter { client, edge, row })
        }
        FAULT => Ok(Input::Fault),
        LEAVE => Ok(Input::Leave {
            client: ClientId(bytes.u64()?),
            ship: EntityId(bytes.u64()?),
        }),
        COMMAND | FLIGHT => {
            let client = ClientId(bytes.u64()?);
            let edge = ShardIndex(bytes.u16()?);
            let ship = EntityId(bytes.u64()?);
            let sequence = bytes.u32()?;
            let request = if tag == COMMAND {
                u128::from(bytes.u64()?) | (u128::from(bytes.u64()?) << 64)
            } else {
                0
            };
            let command = take_command(bytes)?;
            Ok(Input::Command {
                client,
                edge,
                ship,
                sequence,
                request,
                command,
            })
        }
        _ => Err(DecodeError::Invalid("kind of input")),
    }
}

/// Appends a message.
pub fn encode_message(message: &Message, bytes: &mut Vec<u8>) {
    match message {
        Message::Arrive { ship, row, gate } => {
            bytes.put_u8(ARRIVE);
            bytes.put_u64(ship.0);
            bytes.put_u32(gate.0);
            encode_row(row, bytes);
        }
    }
}

/// The counterpart of [`encode_message`].
///
/// # Errors
/// If the bytes are not what it writes.
pub fn decode_message(bytes: &mut Reader<'_>) -> Result<Message, DecodeError> {
    match bytes.u8()? {
        ARRIVE => Ok(Message::Arrive {
            ship: EntityId(bytes.u64()?),
            gate: ObjectId(bytes.u32()?),
            row: Box::new(decode_row(bytes)?),
        }),
        _ => Err(DecodeError::Invalid("kind of message")),
    }
}

/// A command: its tag, then its fields.
fn put_command(command: &Command, bytes: &mut Vec<u8>) {
    let mut targeted = |tag: u8, target: EntityId, range_m: Option<u32>| {
        bytes.put_u8(tag);
        bytes.put_u64(target.0);
        if let Some(range_m) = range_m {
            bytes.put_u32(range_m);
        }
    };
    match *command {
        Command::Approach { target } => targeted(1, target, None),
        Command::KeepAtRange { target, range_m } => targeted(2, target, Some(range_m)),
        Command::Orbit { target, range_m } => targeted(3, target, Some(range_m)),
        Command::Align { target } => targeted(4, target, None),
        Command::Jump { gate } => targeted(5, gate, None),
        Command::Dock { station } => targeted(6, station, None),
        Command::Fly {
            direction,
            throttle,
        } => {
            bytes.put_u8(7);
            for axis in direction {
                bytes.put_u16(axis as u16);
            }
            bytes.put_u16(throttle);
        }
        Command::Stop => bytes.put_u8(8),
        Command::Afterburner { on } => bytes.put_u8(if on { 10 } else { 9 }),
        Command::Undock => bytes.put_u8(11),
        Command::Lock { target } => targeted(12, target, None),
        Command::Unlock { target } => targeted(13, target, None),
        Command::Activate { slot, target } => {
            targeted(14, target.unwrap_or(EntityId::NONE), None);
            bytes.put_u8(slot);
        }
        Command::Deactivate { slot } => {
            bytes.put_u8(15);
            bytes.put_u8(slot);
        }
    }
}

fn take_command(bytes: &mut Reader<'_>) -> Result<Command, DecodeError> {
    Ok(match bytes.u8()? {
        1 => Command::Approach {
            target: EntityId(bytes.u64()?),
        },
        2 => Command::KeepAtRange {
            target: EntityId(bytes.u64()?),
            range_m: bytes.u32()?,
        },
        3 => Command::Orbit {
            target: EntityId(bytes.u64()?),
            range_m: bytes.u32()?,
        },
        4 => Command::Align {
            target: EntityId(bytes.u64()?),
        },
        5 => Command::Jump {
            gate: EntityId(bytes.u64()?),
        },
        6 => Command::Dock {
            station: EntityId(bytes.u64()?),
        },
        7 => Command::Fly {
            direction: [
                bytes.u16()? as i16,
                bytes.u16()? as i16,
                bytes.u16()? as i16,
            ],
            throttle: bytes.u16()?,
        },
        8 => Command::Stop,
        tag @ (9 | 10) => Command::Afterburner { on: tag == 10 },
        11 => Command::Undock,
        12 => Command::Lock {
            target: EntityId(bytes.u64()?),
        },
        13 => Command::Unlock {
            target: EntityId(bytes.u64()?),
        },
        14 => {
            let target = EntityId(bytes.u64()?);
            Command::Activate {
                target: target.is_some().then_some(target),
                slot: bytes.u8()?,
            }
        }
        15 => Command::Deactivate { slot: bytes.u8()? },
        _ => return Err(DecodeError::Invalid("command")),
    })
}

#[cfg(test)]
mod tests;
