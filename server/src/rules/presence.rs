//! Who is on the grid: clients that enter and leave, ships that come through a gate, ships
//! that nobody steers any more, traces of those that have gone.
//!
//! Reads inputs and messages, writes presence and pilot columns, stored rows and events.
//!
//! **Invariants**
//! - A ship has at most one row that is not a trace, in the whole galaxy: a row is made from a
//!   stored row only where no row of that ship is, and the grid that a ship leaves keeps a trace
//!   for longer than an edge holds on to a stored row (`ADMISSION_BEATS` < [`TRACE_BEATS`]).
//! - Every change of place writes the character's stored row in the same beat.

use orrery_base::{ClientId, EntityId, ShardIndex, TypeId};
use orrery_game::columns::{Kind, Ship};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Envelope, Output, Stamped, Write};
use orrery_proto::message::DepartureReason;
use orrery_services::character::{CharacterRow, Location};
use orrery_storage::Domain;

use super::columns::{NO_CLIENT, Pilot, Presence, SpaceRow};
use super::fight::{self, Fight};
use super::input::{Event, EventKind, Input, Message};
use super::{PendingCommand, Space};

/// Beats for which a ship stays in space after its client has gone: ten seconds. Real time, as
/// are the next two: they are about people and rows, not about the fight.
pub const LINGER_BEATS: u64 = 300;
/// Beats for which a grid remembers a ship that has left it: twenty seconds.
pub const TRACE_BEATS: u64 = 600;
/// Beats after which an edge lets go of a stored row that it has not used: five seconds.
pub const ADMISSION_BEATS: u64 = 150;

/// Takes in what has come for this part.
pub fn gather(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    inputs: &[Stamped<Input>],
    arrivals: &[Envelope<Message>],
    out: &mut Output<Space>,
) {
    part.scratch.begin_beat();
    for envelope in arrivals {
        match &envelope.message {
            Message::Arrive { ship, row, gate } => arrive(beat, part, out, *ship, row, *gate),
        }
    }
    for stamped in inputs {
        match &stamped.input {
            Input::Enter { client, edge, row } => enter(beat, part, out, *client, *edge, row),
            Input::Leave { client, ship } => leave(beat, part, *client, *ship),
            Input::Command {
                client,
                edge,
                ship,
                sequence,
                request,
                command,
            } => {
                let command = PendingCommand {
                    client: *client,
                    edge: *edge,
                    ship: *ship,
                    sequence: *sequence,
                    request: *request,
                    command: *command,
                };
                part.scratch.commands.push(command);
            }
            Input::Fault => panic!("a fault was asked for"),
        }
    }
}

/// A client takes its character's place.
fn enter(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    client: ClientId,
    edge: ShardIndex,
    stored: &CharacterRow,
) {
    let ship = stored.ship.entity;
    let tell = |out: &mut Output<Space>, client, edge, kind| {
        out.event(
            ship,
            Event {
                client,
                edge,
                tick: beat.tick,
                kind,
            },
        );
    };
    if part.scratch.spawned.contains(&ship) {
        // Somebody else of this account came in this very beat: the row is there in the next.
        tell(
            out,
            client,
            edge,
            EventKind::NotHere {
                moved_to: Some(beat.grid),
            },
        );
        return;
    }
    let Some(row) = part.table.row_of(ship) else {
        match admit(beat, client, edge, stored) {
            Some(row) => {
                tell(out, client, edge, place_of(beat, &row, ship));
                part.scratch.spawned.push(ship);
                part.spawn(ship, row);
            }
            None => tell(out, client, edge, EventKind::NotHere { moved_to: None }),
        }
        return;
    };
    let columns = part.table.columns_mut();
    if columns.presence(row) == Presence::Trace {
        if let Some(grid) = columns.pilot.place[row].checked_sub(1) {
            let moved_to = u32::try_from(grid).ok().map(orrery_base::GridId);
            tell(out, client, edge, EventKind::NotHere { moved_to });
            return;
        }
        // Logged off here: the trace is newer than any stored row and becomes the ship again.
        columns.pilot.presence[row] = Presence::InSpace as u8;
        columns.pilot.since[row] = beat.tick.0;
    }
    let before = columns.pilot.client[row];
    if before != NO_CLIENT && before != client {
        let before_edge = columns.pilot.edge[row];
        tell(out, before, before_edge, EventKind::Displaced);
    }
    columns.pilot.client[row] = client;
    columns.pilot.edge[row] = edge;
    columns.pilot.until[row] = 0;
    columns.pilot.last_input[row] = 0;
    part.scratch.fight.changed.push(ship);
    let kind = place_of(beat, &columns_row(columns, row), ship);
    tell(out, client, edge, kind);
}

fn columns_row(columns: &super::columns::SpaceColumns, row: usize) -> SpaceRow {
    orrery_base::columns::Columns::row(columns, row)
}

/// Where a row's client is told to be.
fn place_of(beat: &BeatContext<'_, Space>, row: &SpaceRow, ship: EntityId) -> EventKind {
    if row.pilot.presence == Presence::Docked as u8 {
        EventKind::Docked {
            grid: beat.grid,
            station: EntityId(row.pilot.place),
        }
    } else {
        EventKind::InSpace {
            grid: beat.grid,
            ship,
        }
    }
}

/// The row of a character that nobody simulates at present, from its stored row; `None` if the
/// character is elsewhere or its hull is not in the content.
fn admit(
    beat: &BeatContext<'_, Space>,
    client: ClientId,
    edge: ShardIndex,
    stored: &CharacterRow,
) -> Option<SpaceRow> {
    if stored.location.grid() != beat.grid {
        return None;
    }
    let (presence, place, position_cm) = match stored.location {
        Location::Docked { station, .. } => {
            let station_cm = beat.context.fixture(station)?.position_cm;
            (Presence::Docked, station.0, station_cm)
        }
        Location::InSpace { position_cm, .. } => (Presence::InSpace, 0, position_cm),
    };
    let type_id: TypeId = stored.ship.type_id;
    let mut ship = Ship::of_hull(
        &beat.context.content,
        type_id,
        stored.id,
        position_cm,
        beat.tick,
    )?;
    [ship.shield, ship.armour, ship.hull] = stored.ship.vitals;
    let fight = Fight::of_ship(beat.context, &ship, beat.tick);
    if let Some(fighter) = &fight.fighter {
        let law = fighter.stats().law;
        (ship.response, ship.max_speed) = (law.response, law.max_speed);
    }
    let pilot = Pilot {
        account: stored.account,
        name: stored.name.as_str().into(),
        version: stored.version,
        client,
        edge,
        last_input: 0,
        presence: presence as u8,
        place,
        until: 0,
        since: beat.tick.0,
    };
    Some(SpaceRow { ship, pilot, fight })
}

/// A client is gone: its ship lingers in space for a while, or is put away in its station.
fn leave(beat: &BeatContext<'_, Space>, part: &mut Part<Space>, client: ClientId, ship: EntityId) {
    let Some(row) = part.table.row_of(ship) else {
        return;
    };
    let columns = part.table.columns_mut();
    if columns.pilot.client[row] != client {
        return;
    }
    columns.pilot.client[row] = NO_CLIENT;
    match columns.presence(row) {
        Presence::InSpace => {
            columns
                .ship
                .set_order(row, orrery_game::order::Order::Stop, beat.tick);
            columns.pilot.until[row] = beat.wall.plus(LINGER_BEATS).0;
        }
        // Its row is stored already. It stays for a while, since a client that was admitted with
        // an older row must find it here.
        Presence::Docked => columns.pilot.until[row] = beat.wall.plus(TRACE_BEATS).0,
        Presence::Trace => {}
    }
}

/// A ship comes out of a gate.
fn arrive(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    row: &SpaceRow,
    gate: orrery_base::ObjectId,
) {
    let gate = beat
        .context
        .fixture(EntityId::of_object(gate))
        .expect("gates lead to gates of the galaxy");
    let content = &beat.context.content;
    let position_cm = orrery_game::gate::arrival(
        content,
        gate.type_id,
        gate.position_cm,
        ship,
        beat.seed,
        beat.tick,
    )
    .expect("a gate of the galaxy has a gate's type");
    let mut row = row.clone();
    let is_known = row.fight.derive(content, beat.tick);
    assert!(
        is_known,
        "a ship that comes from another grid has a hull of the content"
    );
    row.ship.set_motion(orrery_base::motion::Motion {
        response: row.ship.response,
        ..orrery_base::motion::Motion::at_rest(position_cm)
    });
    row.ship.law_tick = beat.tick.0;
    row.ship.state_tick = beat.tick.0;
    row.ship.order_tick = beat.tick.0;
    row.pilot.presence = Presence::InSpace as u8;
    row.pilot.place = 0;
    row.pilot.since = beat.tick.0;
    row.pilot.version += 1;
    row.pilot.until = if row.pilot.client == NO_CLIENT {
        beat.wall.plus(LINGER_BEATS).0
    } else {
        0
    };
    let location = Location::InSpace {
        grid: beat.grid,
        position_cm,
        velocity: [0; 3],
    };
    out.write(ship, character_write(&row.character_row(ship, location)));
    if row.pilot.client != NO_CLIENT {
        let kind = EventKind::InSpace {
            grid: beat.grid,
            ship,
        };
        let event = Event {
            client: row.pilot.client,
            edge: row.pilot.edge,
            tick: beat.tick,
            kind,
        };
        out.event(ship, event);
    }
    if part.table.row_of(ship).is_some() {
        // A trace of an earlier visit: the ship itself takes its place.
        part.despawn(ship, DepartureReason::Jumped as u8);
    }
    part.scratch.spawned.push(ship);
    part.spawn(ship, row);
}

/// Ships that nobody came back to leave space; old traces are forgotten. Own rows only.
pub fn expire(beat: &BeatContext<'_, Space>, part: &mut Part<Space>, out: &mut Output<Space>) {
    for row in 0..part.table.len() {
        let ship = part.table.ids()[row];
        let columns = part.table.columns_mut();
        let until = columns.pilot.until[row];
        if until == 0 || until > beat.wall.0 || fight::keeps_ship(columns, row, beat.tick) {
            continue;
        }
        if columns.presence(row) == Presence::InSpace {
            columns.halt(row, beat.tick);
            let stored = columns.next_character_row(row, ship, beat.grid);
            out.write(ship, character_write(&stored));
            columns.leave_trace(row, None, beat);
        } else {
            part.despawn(ship, DepartureReason::LoggedOff as u8);
        }
    }
}

/// Whether a row is a ship of a character, whatever its presence.
#[must_use]
pub fn is_ship(columns: &super::columns::SpaceColumns, row: usize) -> bool {
    columns.ship.kind[row] == Kind::Ship as u8
}

/// The batch entry of a character's stored row.
#[must_use]
pub fn character_write(row: &CharacterRow) -> Write {
    Write {
        domain: Domain::Character as u8,
        key: CharacterRow::key(row.id).to_vec(),
        value: Some(row.encode()),
    }
}
