//! Kill reports: who lost what to whom, stored for ever.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | kill report | `Entry` | 0xffff, `K`, beat of the grid (8), grid (4), victim (8), big-endian | the frame of the wire's `KillReport` |
//!
//! No partition of value has the number 0xffff, so no history meets these rows. They are written
//! once and never changed.

use orrery_base::{CharacterId, GridId, Tick};
use orrery_kernel::rules::Write;
use orrery_proto::message::ServerMessage;
use orrery_proto::message::combat::Killer;
use orrery_storage::Domain;

use super::super::columns::SpaceRow;

/// The key of a report.
#[must_use]
pub fn key(tick: Tick, grid: GridId, victim: CharacterId) -> Vec<u8> {
    let mut key = vec![0xff, 0xff, b'K'];
    key.extend_from_slice(&tick.0.to_be_bytes());
    key.extend_from_slice(&grid.0.to_be_bytes());
    key.extend_from_slice(&victim.0.to_be_bytes());
    key
}

/// The report of the death of a row's ship in `tick`.
#[must_use]
pub fn report(tick: Tick, grid: GridId, row: &SpaceRow) -> ServerMessage {
    let victim = row.ship.owner;
    let fighter = row.fight.fighter.as_deref();
    let participants = fighter.map_or(&[][..], |it| &it.participants);
    let killers = participants.iter().map(|it| Killer {
        character: it.character,
        hull: it.hull,
        damage: it.damage as u64,
    });
    // The low half of the victim tells two deaths of one beat apart.
    let number = u128::from(grid.0) << 96 | u128::from(tick.0) << 32 | u128::from(victim.0 as u32);
    ServerMessage::KillReport {
        report: number,
        tick,
        system: grid.system(),
        victim,
        hull: row.ship.type_id,
        final_blow: fighter.map_or(CharacterId::NONE, |it| it.final_blow),
        killers: killers.collect(),
    }
}

/// The stored row of a report.
#[must_use]
pub fn write(tick: Tick, grid: GridId, victim: CharacterId, report: &ServerMessage) -> Write {
    Write {
        domain: Domain::Entry as u8,
        key: key(tick, grid, victim),
        value: Some(report.to_frame()),
    }
}
