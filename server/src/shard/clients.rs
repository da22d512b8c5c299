//! The clients of one shard: their sessions, what they say, what they are told.
//!
//! Reads what the edge received, the answers of the control thread and the events of grids;
//! writes inputs for grids and messages for clients.
//!
//! **Invariants**
//! - A client only ever commands the ship that its own token named.
//! - A message that promises a place is sent when its beat is durable, and nothing that
//!   happened later to the same client overtakes it.
//! - Whatever bytes a client sends, the worst that happens is the end of its own connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::command::{Command, RejectCode};
use orrery_base::{CharacterId, ClientId, GridId, ShardIndex, Tick};
use orrery_kernel::rules::Stamped;
use orrery_net::{ClosedReason, ConnectionKey, Edge, EdgeEvent};
use orrery_proto::PROTOCOL_VERSION;
use orrery_proto::handshake::{Progress, ServerHandshake};
use orrery_proto::input::InputDatagram;
use orrery_proto::message::{ClientMessage, FrameError, RefusalCode, ServerMessage};
use orrery_services::character::Location;

use super::session::{Identity, Place, Refusal, Session};
use super::value::ValueAsked;
use crate::config::EdgeSection;
use crate::control::{ControlHandle, LoginReply, LoginRequest};
use crate::metrics::ShardMetrics;
use crate::rules::input::Input;
use crate::rules::presence::ADMISSION_BEATS;

/// All sessions of one edge.
pub(super) struct Clients {
    pub(super) shard: ShardIndex,
    /// The QUIC connections.
    pub edge: Edge,
    /// By the index of the connection.
    pub(super) sessions: Vec<Option<Session>>,
    pub(super) by_client: BTreeMap<ClientId, u32>,
    /// By character, of the connection that was admitted last.
    pub(super) by_character: BTreeMap<CharacterId, u32>,
    /// What clients ask of the economy, on its way to their partitions.
    pub(super) asked: Vec<ValueAsked>,
    pub(super) config: EdgeSection,
    content_hash: u64,
    pub(super) control: ControlHandle,
    pub(super) metrics: Arc<ShardMetrics>,
    /// Inputs for grids, wherever they are.
    pub(super) outbox: Vec<(GridId, Stamped<Input>)>,
    /// The newest beat that this shard has done.
    pub(super) tick: Tick,
    /// Of grids whose time is slowed down: what their clients are told.
    pub(super) paces: BTreeMap<GridId, ServerMessage>,
    pub(super) draining: bool,
    buffer: Vec<u8>,
}

impl Clients {
    /// No client yet.
    #[must_use]
    pub(super) fn new(
        shard: ShardIndex,
        edge: Edge,
        config: EdgeSection,
        content_hash: u64,
        control: ControlHandle,
        metrics: Arc<ShardMetrics>,
        tick: Tick,
    ) -> Self {
        Self {
            shard,
            edge,
            sessions: Vec::new(),
            by_client: BTreeMap::new(),
            by_character: BTreeMap::new(),
            asked: Vec::new(),
            config,
            content_hash,
            control,
            metrics,
            outbox: Vec::new(),
            tick,
            paces: BTreeMap::new(),
            draining: false,
            buffer: Vec::new(),
        }
    }

    /// How many clients play: their token was accepted.
    #[must_use]
    pub(super) fn playing(&self) -> usize {
        self.by_client.len()
    }

    /// Inputs for grids that have come up since the last call.
    pub(super) fn drain_inputs(&mut self) -> std::vec::Drain<'_, (GridId, Stamped<Input>)> {
        self.outbox.drain(..)
    }

    /// A beat was done: allowances refill.
    pub(super) fn note_beat(&mut self, tick: Tick) {
        let beats = tick.since(self.tick);
        self.tick = tick;
        for session in self.sessions.iter_mut().flatten() {
            session.refill(beats, self.config.commands_per_second);
        }
        if tick.is_every(u64::from(orrery_base::BEATS_PER_SECOND), 0) {
            self.end_the_silent();
        }
    }

    /// Handles everything that the edge and the control thread have for the sessions.
    pub(super) fn handle_events(&mut self) {
        while let Some(event) = self.edge.poll_event() {
            match event {
                EdgeEvent::Connected { connection, remote } => self.connected(connection, remote),
                EdgeEvent::Message { connection, bytes } => self
                    .on(connection, |clients, session| {
                        clients.stream(session, &bytes)
                    }),
                EdgeEvent::Datagram { connection, bytes } => {
                    self.on(connection, |clients, session| {
                        clients.datagram(session, &bytes);
                        Ok(())
                    });
                }
                EdgeEvent::Closed { connection, reason } => self.closed(connection, &reason),
            }
        }
        while let Some(reply) = self.control.poll_login(self.shard) {
            let connection = reply.connection;
            self.on(connection, |clients, session| {
                clients.admitted(session, reply)
            });
        }
        while let Some((connection, names)) = self.control.poll_names(self.shard) {
            self.on(connection, |clients, session| {
                clients.tell(session, &ServerMessage::Names { names });
                Ok(())
            });
        }
    }

    /// Runs `what` on a connection's session, if it is still there. An error ends it.
    pub(super) fn on(
        &mut self,
        connection: ConnectionKey,
        what: impl FnOnce(&mut Self, &mut Session) -> Result<(), Refusal>,
    ) {
        let Some(place) = self.sessions.get_mut(connection.index as usize) else {
            return;
        };
        let is_it = |session: &mut Session| session.connection == connection && !session.ended;
        let Some(mut session) = place.take_if(is_it) else {
            return;
        };
        if let Err(refusal) = what(self, &mut session) {
            self.refuse(&mut session, &refusal);
        }
        self.sessions[connection.index as usize] = Some(session);
    }

    fn connected(&mut self, connection: ConnectionKey, remote: std::net::SocketAddr) {
        let index = connection.index as usize;
        if index >= self.sessions.len() {
            self.sessions.resize_with(index + 1, || None);
        }
        let span = tracing::info_span!("client", shard = self.shard.0, %remote, client = tracing::field::Empty);
        let handshake = ServerHandshake::new(PROTOCOL_VERSION, self.content_hash);
        let mut session = Session::new(connection, handshake, span, self.tick);
        session.refill(
            2 * u64::from(orrery_base::BEATS_PER_SECOND),
            self.config.commands_per_second,
        );
        if self.draining {
            self.refuse(&mut session, &RefusalCode::Draining.into());
        }
        self.sessions[index] = Some(session);
    }

    /// Tells a client why it has to go, and ends the connection.
    fn refuse(&mut self, session: &mut Session, refusal: &Refusal) {
        let Refusal { code, detail } = refusal;
        tracing::info!(parent: &session.span, code = code.name(), detail, "refused");
        self.metrics.refused(*code);
        self.tell(session, &ServerMessage::refused(*code));
        let close = orrery_net::CloseCode(orrery_net::CloseCode::FIRST_OF_SESSION.0 + *code as u32);
        self.edge.close(session.connection, close, code.sentence());
        session.ended = true;
        self.leave(session);
    }

    fn closed(&mut self, connection: ConnectionKey, reason: &ClosedReason) {
        let Some(place) = self.sessions.get_mut(connection.index as usize) else {
            return;
        };
        let Some(mut session) = place.take_if(|session| session.connection == connection) else {
            return;
        };
        tracing::debug!(parent: &session.span, %reason, "connection ended");
        self.leave(&mut session);
    }

    /// The client is gone: its grid and the control thread learn of it, once.
    fn leave(&mut self, session: &mut Session) {
        self.depart(session);
        let Some(identity) = session.identity.take() else {
            return;
        };
        self.by_client.remove(&identity.client);
        let index = session.connection.index;
        if self.by_character.get(&identity.character) == Some(&index) {
            self.by_character.remove(&identity.character);
        }
        self.control.left(identity.client);
        if let Some(grid) = session.grid.take() {
            let input = Input::Leave {
                client: identity.client,
                ship: identity.ship,
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
        }
    }

    /// Sends a message now. A client that does not read is ended by the edge itself.
    pub(super) fn tell(&mut self, session: &mut Session, message: &ServerMessage) {
        match session.handshake.sending(message) {
            Ok(Progress::Reached(step)) => session.reached(step),
            Ok(Progress::Unchanged) => {}
            Err(code) => {
                tracing::error!(parent: &session.span, message = message.name(), code = code.name(), "message out of order");
                return;
            }
        }
        self.buffer.clear();
        message.encode(&mut self.buffer);
        if let Err(error) = self.edge.send_stream(session.connection, &self.buffer) {
            tracing::debug!(parent: &session.span, %error, "message not sent");
        }
    }

    /// Sends a message when `tick` is durable and everything held before it has gone.
    pub(super) fn tell_when_durable(session: &mut Session, tick: Tick, message: ServerMessage) {
        session.held.push_back((tick, message));
    }

    /// Sends a message behind whatever is held.
    pub(super) fn tell_in_order(&mut self, session: &mut Session, message: ServerMessage) {
        if session.held.is_empty() {
            self.tell(session, &message);
        } else {
            session.held.push_back((Tick(0), message));
        }
    }

    /// Sends what has become durable.
    pub(super) fn release(&mut self, durable: Tick) {
        for index in 0..self.sessions.len() {
            let Some(mut session) =
                self.sessions[index].take_if(|session| !session.held.is_empty())
            else {
                continue;
            };
            while let Some((_, message)) = session.held.pop_front_if(|(tick, _)| *tick <= durable) {
                self.tell(&mut session, &message);
                if matches!(message, ServerMessage::EntitySpawned { .. }) {
                    session.publishing = matches!(session.place, Place::InSpace(_));
                }
            }
            self.sessions[index] = Some(session);
        }
    }

    fn stream(&mut self, session: &mut Session, bytes: &[u8]) -> Result<(), Refusal> {
        session.frames.push(bytes);
        loop {
            let message = match session.frames.poll() {
                Ok(Some(frame)) => ClientMessage::decode(frame),
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.metrics.malformed_messages.increment();
                    let code = match error {
                        FrameError::Oversize(_) => RefusalCode::Oversize,
                        FrameError::Length => RefusalCode::Malformed,
                    };
                    return Err(Refusal::new(code, error.to_string()));
                }
            };
            let message = message.map_err(|error| {
                self.metrics.malformed_messages.increment();
                Refusal::new(RefusalCode::Malformed, error.to_string())
            })?;
            self.message(session, message)?;
        }
    }

    fn message(&mut self, session: &mut Session, message: ClientMessage) -> Result<(), Refusal> {
        if let Progress::Reached(step) = session.handshake.received(&message)? {
            session.reached(step);
        }
        session.awaited_since = self.tick;
        match message {
            ClientMessage::Hello { client, .. } => {
                tracing::debug!(parent: &session.span, program = client, "hello");
                let welcome = ServerMessage::Welcome {
                    protocol: PROTOCOL_VERSION,
                    content_hash: self.content_hash,
                    beats_per_second: orrery_base::BEATS_PER_SECOND as u16,
                    snapshot_interval_beats: self.config.snapshot_interval_beats,
                    tick: self.tick,
                };
                self.tell(session, &welcome);
            }
            ClientMessage::Login { token } => {
                let remote = self
                    .edge
                    .remote(session.connection)
                    .map(|address| address.ip());
                let request = LoginRequest {
                    shard: self.shard,
                    connection: session.connection,
                    token,
                    remote,
                };
                if self.control.redeem(request).is_err() {
                    return Err(Refusal::new(
                        RefusalCode::ServerFull,
                        "too many logins at once",
                    ));
                }
            }
            ClientMessage::SubscribeInputs {} => self.subscribe(session)?,
            ClientMessage::Command {
                sequence,
                request,
                command,
            } => {
                self.command(session, sequence, request, command);
            }
            ClientMessage::Query { sequence, query } => self.query(session, sequence, query),
            ClientMessage::WhoIs { characters } => {
                if !session.spend_command()
                    || self
                        .control
                        .whois(self.shard, session.connection, characters)
                        .is_err()
                {
                    self.metrics.rejected(RejectCode::TooManyCommands);
                }
            }
            ClientMessage::Bye {} => {
                self.edge
                    .close(session.connection, orrery_net::CloseCode::DONE, "goodbye");
                self.leave(session);
            }
            ClientMessage::Unknown(kind) => {
                tracing::debug!(parent: &session.span, kind, "message of a kind that this server does not know");
            }
        }
        Ok(())
    }

    /// The control thread has looked at the token.
    fn admitted(&mut self, session: &mut Session, reply: LoginReply) -> Result<(), Refusal> {
        let admitted = reply.result?;
        let row = admitted.character;
        let identity = Identity {
            client: admitted.client,
            account: admitted.account,
            character: row.id,
            ship: row.ship.entity,
            ship_type: row.ship.type_id,
        };
        session.span.record("client", identity.client.0);
        session.awaited_since = self.tick;
        self.by_client
            .insert(identity.client, session.connection.index);
        self.by_character.insert(row.id, session.connection.index);
        self.tell(
            session,
            &ServerMessage::Authenticated {
                account: identity.account,
            },
        );
        self.tell(
            session,
            &ServerMessage::ClientIdAssigned {
                client: identity.client,
            },
        );
        let docked = match row.location {
            Location::Docked { station, .. } => Some(station),
            Location::InSpace { .. } => None,
        };
        let loaded = ServerMessage::PlayerLoaded {
            character: row.id,
            name: row.name.clone(),
            system: row.location.grid().system(),
            docked,
            ship: row.ship.entity,
            ship_type: row.ship.type_id,
        };
        self.tell(session, &loaded);
        session.identity = Some(identity);
        self.arrive(session, row.id, docked);
        session.admitted = Some((self.tick, row));
        Ok(())
    }

    /// The client is ready: its character enters the grid.
    fn subscribe(&mut self, session: &mut Session) -> Result<(), Refusal> {
        let (Some((since, row)), Some(identity)) = (session.admitted.take(), &session.identity)
        else {
            return Err(RefusalCode::OutOfOrder.into());
        };
        if self.tick.since(since) > ADMISSION_BEATS {
            return Err(Refusal::new(
                RefusalCode::TimedOut,
                "the admission has expired",
            ));
        }
        let grid = row.location.grid();
        let input = Input::Enter {
            client: identity.client,
            edge: self.shard,
            row: row.clone(),
        };
        session.inputs += 1;
        let source = identity.client.0;
        self.outbox.push((
            grid,
            Stamped {
                source,
                sequence: session.inputs,
                input,
            },
        ));
        session.grid = Some(grid);
        // Kept for a chase, should the character have moved on; it expires all the same.
        session.admitted = Some((since, row));
        self.tell(session, &ServerMessage::InputsSubscribed {});
        Ok(())
    }

    /// Makes a command an input of the session's grid; says whether there is one.
    pub(super) fn pass_on(
        &mut self,
        session: &mut Session,
        sequence: u32,
        request: u128,
        command: Command,
    ) -> bool {
        let (Some(identity), Some(grid)) = (&session.identity, session.grid) else {
            return false;
        };
        let (client, ship, edge) = (identity.client, identity.ship, self.shard);
        let input = Input::Command {
            client,
            edge,
            ship,
            sequence,
            request,
            command,
        };
        session.inputs += 1;
        self.outbox.push((
            grid,
            Stamped {
                source: client.0,
                sequence: session.inputs,
                input,
            },
        ));
        true
    }

    fn datagram(&mut self, session: &mut Session, bytes: &[u8]) {
        let Ok(datagram) = InputDatagram::decode(bytes) else {
            self.metrics.malformed_datagrams.increment();
            return;
        };
        match session.handshake.input() {
            None => return,
            Some(Progress::Reached(step)) => session.reached(step),
            Some(Progress::Unchanged) => {}
        }
        // Acknowledgements of any age are welcome; inputs only from the newest datagram.
        if let (Some(ack), Some(view)) = (&datagram.acknowledgement, &mut session.view) {
            view.acknowledge(ack);
        }
        if datagram.sequence <= session.last_datagram {
            return;
        }
        session.last_datagram = datagram.sequence;
        let Some(newest) = datagram.inputs().first().copied() else {
            return;
        };
        if newest.sequence <= session.last_flight || self.draining {
            return;
        }
        if !newest.is_valid() {
            self.metrics.rejected(RejectCode::DirectionInvalid);
            return;
        }
        session.last_flight = newest.sequence;
        let command = Command::Fly {
            direction: newest.direction,
            throttle: newest.throttle,
        };
        self.pass_on(session, newest.sequence, 0, command);
    }

    /// No new clients, no new commands; everybody is told how long there is.
    pub(super) fn drain(&mut self, seconds: u32) {
        if self.draining {
            return;
        }
        self.draining = true;
        for index in 0..self.sessions.len() {
            let Some(connection) = self.sessions[index]
                .as_ref()
                .map(|session| session.connection)
            else {
                continue;
            };
            self.on(connection, |clients, session| {
                clients.tell_in_order(session, ServerMessage::Draining { seconds });
                Ok(())
            });
        }
    }

    /// Ends every connection.
    pub(super) fn close_all(&mut self) {
        let code = orrery_net::CloseCode::SERVER_STOPPING;
        self.edge.close_all(code, code.sentence());
    }
}
