//! What grids tell the clients of this shard: where their ships are, what became of their
//! commands, how fast time runs.

use orrery_base::value::ValueAnswer;
use orrery_base::{GridId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::rules::Stamped;
use orrery_proto::message::{DepartureReason, RefusalCode, ServerMessage};
use orrery_proto::snapshot::ClientView;

use super::clients::Clients;
use super::session::{Place, Refusal, Session};
use crate::rules::input::{Event, EventKind, Input};
use crate::rules::presence::ADMISSION_BEATS;

/// How often a client is sent after its character before it has to log in again.
const CHASES_MAX: u8 = 5;

impl Clients {
    /// A grid tells one of this edge's clients something.
    /// `done` is the host's beat that it will be durable with.
    pub(super) fn handle_grid_event(&mut self, done: Tick, event: Event) {
        let Some(&index) = self.by_client.get(&event.client) else {
            self.answer_for_the_gone(&event);
            return;
        };
        let Some(connection) = self.sessions[index as usize]
            .as_ref()
            .map(|session| session.connection)
        else {
            return;
        };
        self.on(connection, |clients, session| {
            clients.grid_event(session, done, event)
        });
    }

    /// The client left while its ship was on the way: the grid where it has come to is told.
    fn answer_for_the_gone(&mut self, event: &Event) {
        if let EventKind::InSpace { grid, ship } = event.kind {
            let input = Input::Leave {
                client: event.client,
                ship,
            };
            self.outbox.push((
                grid,
                Stamped {
                    source: event.client.0,
                    sequence: u64::MAX,
                    input,
                },
            ));
        }
    }

    /// The client's ship is in space on a grid: from beat `done` of the host on that is durable,
    /// and it was in `tick` of the grid's own time.
    fn enter_space(
        &mut self,
        session: &mut Session,
        grid: GridId,
        ship: orrery_base::EntityId,
        [done, tick]: [Tick; 2],
    ) {
        session.grid = Some(grid);
        session.place = Place::InSpace(grid);
        session.station = None;
        self.tell_presence(session);
        session.publishing = false;
        match &mut session.view {
            Some(view) => view.change_grid(grid),
            None => session.view = Some(ClientView::new(grid, 0)),
        }
        session.interest = orrery_spatial::InterestSet::new();
        session.interest_tick = Tick(0);
        let system = grid.system();
        let message = ServerMessage::EntitySpawned {
            grid,
            system,
            entity: ship,
            tick,
        };
        Self::tell_when_durable(session, done, message);
        if let Some(dilation) = self.paces.get(&grid) {
            Self::tell_when_durable(session, done, dilation.clone());
        }
    }

    fn grid_event(
        &mut self,
        session: &mut Session,
        done: Tick,
        event: Event,
    ) -> Result<(), Refusal> {
        let Event { tick, kind, .. } = event;
        match kind {
            EventKind::InSpace { grid, ship } => {
                self.enter_space(session, grid, ship, [done, tick]);
            }
            EventKind::Docked { grid, station } => {
                session.grid = Some(grid);
                session.place = Place::Docked(grid);
                session.station = Some(station);
                self.tell_presence(session);
                session.publishing = false;
                let message = ServerMessage::Docked { station, tick };
                Self::tell_when_durable(session, done, message);
            }
            EventKind::Jumped { from, to } => {
                session.grid = Some(to);
                session.place = Place::Nowhere;
                session.station = None;
                self.tell_presence(session);
                session.publishing = false;
                let reason = DepartureReason::Jumped;
                self.tell_in_order(session, ServerMessage::GridLeft { grid: from, reason });
            }
            EventKind::Answer {
                sequence,
                request,
                reject,
            } => {
                if let Some(code) = reject {
                    self.metrics.rejected(code);
                }
                let reject = reject.map(Into::into);
                self.tell_in_order(
                    session,
                    ServerMessage::CommandResult {
                        sequence,
                        request,
                        tick,
                        reject,
                        answer: ValueAnswer::default(),
                    },
                );
            }
            EventKind::Seated { ship, hull } => session.seat(ship, hull),
            EventKind::Tell(message) => self.tell_of_fight(session, done, *message),
            EventKind::Displaced => {
                // The grid has given the ship to another client already, which says where the
                // character is from now on.
                session.grid = None;
                session.present_in = None;
                session.station = None;
                return Err(Refusal::new(
                    RefusalCode::AlreadyPlaying,
                    "another client took over",
                ));
            }
            EventKind::NotHere { moved_to } => self.chase(session, moved_to)?,
        }
        Ok(())
    }

    /// Something of a fight: what is stored is told when it is durable.
    fn tell_of_fight(&mut self, session: &mut Session, done: Tick, message: ServerMessage) {
        if matches!(message, ServerMessage::KillReport { .. }) {
            Self::tell_when_durable(session, done, message);
        } else {
            self.tell_in_order(session, message);
        }
    }

    /// The character has moved on since its row was read: the client is sent after it.
    fn chase(&mut self, session: &mut Session, moved_to: Option<GridId>) -> Result<(), Refusal> {
        session.chases += 1;
        session.grid = None;
        let (Some(grid), Some((since, row)), Some(identity)) =
            (moved_to, &session.admitted, &session.identity)
        else {
            return Err(Refusal::new(
                RefusalCode::InternalError,
                "the character is not where its row says",
            ));
        };
        if session.chases > CHASES_MAX || self.tick.since(*since) > ADMISSION_BEATS {
            return Err(Refusal::new(
                RefusalCode::TimedOut,
                "the character moved on too often",
            ));
        }
        let input = Input::Enter {
            client: identity.client,
            edge: self.shard,
            row: row.clone(),
        };
        session.inputs += 1;
        self.outbox.push((
            grid,
            Stamped {
                source: identity.client.0,
                sequence: session.inputs,
                input,
            },
        ));
        session.grid = Some(grid);
        Ok(())
    }

    /// The pace of a grid's time changes: the clients there are told.
    pub(super) fn tell_pace(&mut self, grid: GridId, pace: Dilation, from: Tick) {
        let message = ServerMessage::Dilation {
            per_mille: pace.per_mille(),
            from_tick: from,
        };
        if pace == Dilation::NONE {
            self.paces.remove(&grid);
        } else {
            self.paces.insert(grid, message.clone());
        }
        for index in 0..self.sessions.len() {
            let is_there = |session: &mut Session| session.place == Place::InSpace(grid);
            let Some(mut session) = self.sessions[index].take_if(is_there) else {
                continue;
            };
            self.tell_in_order(&mut session, message.clone());
            self.sessions[index] = Some(session);
        }
    }
}
