//! What pilots command: judged in phase B against the frames, carried out there where it only
//! concerns the ship's own row, and in phase C where the ship changes its place.
//!
//! Reads frames and the beat's commands, writes orders and afterburners of own rows; emits one
//! effect of the ship on itself for every command that is answered or changes its place.
//!
//! **Invariant:** every command that has a request id is answered exactly once.

use orrery_base::columns::Columns as _;
use orrery_base::command::{Command, RejectCode};
use orrery_base::{ClientId, EntityId, ShardIndex};
use orrery_game::dock;
use orrery_game::order::{self, Intent, Whereabouts};
use orrery_kernel::effects::{EffectBuffer, TargetedEffect};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Output};

use super::columns::Presence;
use super::frame::FrameContacts;
use super::input::{Event, EventKind, Message};
use super::presence::character_write;
use super::{Effect, Space, fight};

/// A command on its way from gathering to judgement, within one beat.
#[derive(Clone, Copy, Debug)]
pub struct PendingCommand {
    /// Who sent it.
    pub client: ClientId,
    /// The shard whose edge holds the client.
    pub edge: ShardIndex,
    /// The ship that it is for.
    pub ship: EntityId,
    /// The client's number for it.
    pub sequence: u32,
    /// The client's id for the request; zero for flight inputs, which are not answered.
    pub request: u128,
    /// What to do.
    pub command: Command,
}

/// What the judgement of a command has the ship do to itself in phase C.
#[derive(Clone, Copy, Debug)]
pub struct Ordered {
    /// The command.
    pub command: PendingCommand,
    /// What came of it.
    pub verdict: Result<Intent, RejectCode>,
}

/// Phase B: judges the beat's commands in their canonical order.
pub fn interact(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    contacts: &FrameContacts<'_>,
    effects: &mut EffectBuffer<Effect>,
) {
    let commands = core::mem::take(&mut part.scratch.commands);
    for command in &commands {
        let verdict = judge(beat, part, contacts, command);
        let moves = matches!(
            verdict,
            Ok(Intent::Jump { .. } | Intent::Dock { .. } | Intent::Undock)
        );
        if command.request != 0 || moves {
            effects.emit(
                command.ship,
                command.ship,
                Effect::Order(Ordered {
                    command: *command,
                    verdict,
                }),
            );
        }
    }
    part.scratch.commands = commands;
}

fn judge(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    contacts: &FrameContacts<'_>,
    command: &PendingCommand,
) -> Result<Intent, RejectCode> {
    let row = part
        .table
        .row_of(command.ship)
        .ok_or(RejectCode::NotPresent)?;
    let columns = part.table.columns_mut();
    if columns.pilot.client[row] != command.client {
        return Err(RejectCode::NotYourShip);
    }
    fight::is_alive(columns, row)?;
    let content = &beat.context.content;
    let place = match columns.presence(row) {
        Presence::Docked => Whereabouts::Docked,
        Presence::InSpace => Whereabouts::InSpace {
            id: command.ship,
            type_id: columns.ship.type_id[row],
            own: columns.ship.own(row, content),
        },
        Presence::Trace => return Err(RejectCode::NotPresent),
    };
    let intent = order::validate(&command.command, &place, content, contacts)?;
    match intent {
        Intent::Steer(order) => columns.ship.set_order(row, order, beat.tick),
        Intent::Afterburner { .. }
        | Intent::Lock { .. }
        | Intent::Unlock { .. }
        | Intent::Activate { .. }
        | Intent::Deactivate { .. } => {
            fight::command(beat, part, contacts, command.ship, intent)?;
            return Ok(intent);
        }
        Intent::Jump { gate } if beat.context.link(gate).is_none() => {
            return Err(RejectCode::GateClosed);
        }
        Intent::Jump { .. } | Intent::Dock { .. } | Intent::Undock => {}
    }
    if command.request == 0 {
        columns.pilot.last_input[row] = command.sequence;
    }
    Ok(intent)
}

/// Phase C: answers, and moves ships that change their place.
pub fn apply(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    effects: &[TargetedEffect<Effect>],
    out: &mut Output<Space>,
) {
    for effect in effects {
        let Effect::Order(Ordered { command, verdict }) = effect.effect else {
            continue;
        };
        let ship = effect.target;
        let carried_out = verdict.and_then(|intent| carry_out(beat, part, out, ship, intent));
        if command.request != 0 {
            let kind = EventKind::Answer {
                sequence: command.sequence,
                request: command.request,
                reject: carried_out.err(),
            };
            let event = Event {
                client: command.client,
                edge: command.edge,
                tick: beat.tick,
                kind,
            };
            out.event(ship, event);
        }
    }
}

/// Carries out what changes a ship's place. Between judgement and now an earlier command of the
/// same beat may have done so already.
fn carry_out(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    intent: Intent,
) -> Result<(), RejectCode> {
    let row = part.table.row_of(ship).ok_or(RejectCode::NotPresent)?;
    let presence = part.table.columns().presence(row);
    if matches!(intent, Intent::Jump { .. } | Intent::Dock { .. }) {
        fight::may_leave(part.table.columns(), row, beat.tick)?;
    }
    match (intent, presence) {
        (
            Intent::Steer(_)
            | Intent::Afterburner { .. }
            | Intent::Lock { .. }
            | Intent::Unlock { .. }
            | Intent::Activate { .. }
            | Intent::Deactivate { .. },
            _,
        ) => Ok(()),
        (Intent::Jump { gate }, Presence::InSpace) => jump(beat, part, out, ship, row, gate),
        (Intent::Dock { station }, Presence::InSpace) => {
            enter_station(beat, part, out, ship, row, station);
            Ok(())
        }
        (Intent::Undock, Presence::Docked) => undock(beat, part, out, ship, row),
        (Intent::Undock, Presence::InSpace) => Err(RejectCode::NotDocked),
        (_, Presence::Docked) => Err(RejectCode::Docked),
        (_, Presence::Trace) => Err(RejectCode::InTransit),
    }
}

fn jump(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    row: usize,
    gate: EntityId,
) -> Result<(), RejectCode> {
    let link = beat.context.link(gate).ok_or(RejectCode::GateClosed)?;
    let columns = part.table.columns_mut();
    fight::disengage(columns, row, &beat.context.content, beat.tick);
    columns.halt(row, beat.tick);
    let mut travelling = columns.row(row);
    fight::strip(&mut travelling);
    let (client, edge) = (travelling.pilot.client, travelling.pilot.edge);
    columns.leave_trace(row, Some(link.grid), beat);
    let kind = EventKind::Jumped {
        from: beat.grid,
        to: link.grid,
    };
    out.event(
        ship,
        Event {
            client,
            edge,
            tick: beat.tick,
            kind,
        },
    );
    let row = Box::new(travelling);
    out.message(
        ship,
        link.grid,
        Message::Arrive {
            ship,
            row,
            gate: link.gate,
        },
    );
    Ok(())
}

fn enter_station(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    row: usize,
    station: EntityId,
) {
    let columns = part.table.columns_mut();
    fight::disengage(columns, row, &beat.context.content, beat.tick);
    columns.halt(row, beat.tick);
    columns.pilot.presence[row] = Presence::Docked as u8;
    columns.pilot.place[row] = station.0;
    columns.pilot.since[row] = beat.tick.next().0;
    let stored = columns.next_character_row(row, ship, beat.grid);
    out.write(ship, character_write(&stored));
    let kind = EventKind::Docked {
        grid: beat.grid,
        station,
    };
    let (client, edge) = (columns.pilot.client[row], columns.pilot.edge[row]);
    out.event(
        ship,
        Event {
            client,
            edge,
            tick: beat.tick,
            kind,
        },
    );
}

fn undock(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    row: usize,
) -> Result<(), RejectCode> {
    let columns = part.table.columns_mut();
    let station = beat
        .context
        .fixture(EntityId(columns.pilot.place[row]))
        .ok_or(RejectCode::NotAStation)?;
    if !fight::death::lend(beat, columns, out, ship, row, station.type_id) {
        return Err(RejectCode::NotAvailable);
    }
    let hull = columns.ship.type_id[row];
    let content = &beat.context.content;
    let departure = dock::undock(
        content,
        station.type_id,
        station.position_cm,
        hull,
        ship,
        beat.seed,
        beat.tick,
    )
    .ok_or(RejectCode::NotAStation)?;
    let mut flying = columns.ship.row(row);
    flying.set_motion(orrery_base::motion::Motion {
        position_cm: departure.position_cm,
        velocity: departure.velocity,
        target_velocity: departure.velocity,
        response: flying.response,
    });
    // The first step in space is the next beat's, and so is the first frame that shows it.
    flying.law_tick = beat.tick.next().0;
    flying.state_tick = beat.tick.next().0;
    columns.ship.set_row(row, flying);
    columns.pilot.presence[row] = Presence::InSpace as u8;
    columns.pilot.place[row] = 0;
    columns.pilot.since[row] = beat.tick.next().0;
    let stored = columns.next_character_row(row, ship, beat.grid);
    out.write(ship, character_write(&stored));
    let kind = EventKind::InSpace {
        grid: beat.grid,
        ship,
    };
    let (client, edge) = (columns.pilot.client[row], columns.pilot.edge[row]);
    out.event(
        ship,
        Event {
            client,
            edge,
            tick: beat.tick,
            kind,
        },
    );
    Ok(())
}
