//! One connected player: the handshake, commands, and the world as it is seen.
//!
//! Commands about items and money, and queries, are in [`value`].

mod error;
pub mod value;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use orrery_base::command::Command;
use orrery_base::{CharacterId, ClientId, EntityId, GridId, SystemId, Tick, TypeId};
use orrery_game::columns::activity;
use orrery_game::content::Content;
use orrery_game::order::Order;
use orrery_game::steer::{Own, target_velocity};
use orrery_proto::client::ClientWorld;
use orrery_proto::handshake::{ClientHandshake, Step};
use orrery_proto::message::combat::{LockState, ModuleStatus};
use orrery_proto::message::{ClientMessage, FrameDecoder, ServerMessage};
use orrery_proto::snapshot::SnapshotError;
use orrery_proto::{ALPN, PROTOCOL_VERSION};

pub use error::PlayerError;

use crate::connection::{Fingerprint, Socket};

/// The most bytes of the control stream that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// What a player needs to connect.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The token for the game; works once.
    pub token: String,
    /// Where the game listens.
    pub address: SocketAddr,
    /// The server's certificate.
    pub fingerprint: Fingerprint,
    /// The hash of the content pack that this client has.
    pub content_hash: u64,
}

/// Something that a player has heard.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A message on the control stream.
    Message(ServerMessage),
    /// A snapshot was applied.
    Snapshot,
    /// A snapshot came that could not be used; loss and reordering do that.
    Unusable(SnapshotError),
}

/// Who the player is and where, as the server has said.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// This connection's number.
    pub client: ClientId,
    /// The character.
    pub character: CharacterId,
    /// Its name.
    pub name: String,
    /// Its ship.
    pub ship: EntityId,
    /// The ship's type.
    pub ship_type: TypeId,
    /// The system it is in.
    pub system: SystemId,
    /// The station it is docked at.
    pub docked: Option<EntityId>,
    /// The grid it is on, while in space.
    pub grid: Option<GridId>,
    /// Its targets, locked or being locked.
    pub locks: Vec<LockState>,
    /// Its modules, by slot.
    pub modules: Vec<ModuleStatus>,
    /// The largest speed of its ship, 2⁻¹⁴ cm per beat; zero until the server has said so.
    pub max_speed: i32,
}

/// One connected player.
pub struct Player {
    connection: quinn::Connection,
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    frames: FrameDecoder,
    ready: VecDeque<ServerMessage>,
    handshake: ClientHandshake,
    commands: u32,
    queries: u32,
    requests: u128,
    started: Instant,
    /// What the server has said of the player.
    pub situation: Situation,
    /// The world as it is seen, and the own ship as it is predicted.
    pub world: ClientWorld,
    /// Bytes of snapshots received.
    pub snapshot_bytes: u64,
}

impl Player {
    /// Connects and goes through the handshake until the server listens to inputs. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// Whatever ends the way there: no server, a refused token, another protocol or content.
    pub async fn connect(
        socket: &Socket,
        ticket: &Ticket,
        program: &str,
    ) -> Result<Self, PlayerError> {
        let connection = socket.connect(ticket.address).await?;
        let (send, receive) = connection.open_bi().await?;
        let mut player = Self {
            connection,
            send,
            receive,
            frames: FrameDecoder::new(),
            ready: VecDeque::new(),
            handshake: ClientHandshake::new(),
            commands: 0,
            queries: 0,
            requests: request_base(),
            started: Instant::now(),
            situation: Situation::default(),
            world: ClientWorld::new(orrery_base::BEATS_PER_SECOND as u16, 1),
            snapshot_bytes: 0,
        };
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            content_hash: ticket.content_hash,
            client: program.to_owned(),
        };
        player.say(&hello).await?;
        loop {
            match player.next_message().await? {
                ServerMessage::Welcome { .. } => {
                    player
                        .say(&ClientMessage::Login {
                            token: ticket.token.clone().into_bytes(),
                        })
                        .await?;
                }
                ServerMessage::PlayerLoaded { .. } => {
                    player.say(&ClientMessage::SubscribeInputs {}).await?;
                }
                ServerMessage::InputsSubscribed {} => return Ok(player),
                _ => {}
            }
        }
    }

    /// The application protocol of this client.
    #[must_use]
    pub const fn alpn() -> &'static [u8] {
        ALPN
    }

    async fn say(&mut self, message: &ClientMessage) -> Result<(), PlayerError> {
        self.handshake.sending(message).map_err(|code| {
            PlayerError::Protocol(format!(
                "{} is not to be said now ({})",
                message.name(),
                code.name()
            ))
        })?;
        self.send.write_all(&message.to_frame()).await?;
        Ok(())
    }

    /// Sends a command; the result will be heard with the number that is returned.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn command(&mut self, command: Command) -> Result<u32, PlayerError> {
        self.commands += 1;
        self.requests += 1;
        let (sequence, request) = (self.commands, self.requests);
        self.say(&ClientMessage::Command {
            sequence,
            request,
            command: Some(command.into()),
        })
        .await?;
        Ok(sequence)
    }

    /// Asks for the names of characters.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn ask_names(&mut self, characters: Vec<CharacterId>) -> Result<(), PlayerError> {
        self.say(&ClientMessage::WhoIs { characters }).await
    }

    /// Waits for the next thing to happen. Dropping the future loses nothing.
    ///
    /// # Errors
    /// If the connection has ended, or the server cannot be understood.
    pub async fn next(&mut self) -> Result<Heard, PlayerError> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Heard::Message(message));
            }
            if let Some(heard) = self.wait().await? {
                return Ok(heard);
            }
        }
    }

    /// Waits for bytes of the control stream, whose messages are ready then, or for a datagram.
    async fn wait(&mut self) -> Result<Option<Heard>, PlayerError> {
        tokio::select! {
            chunk = self.receive.read_chunk(CHUNK_BYTES, true) => {
                let chunk = chunk?.ok_or(PlayerError::StreamEnded)?;
                self.take_chunk(&chunk.bytes)?;
                Ok(None)
            }
            datagram = self.connection.read_datagram() => Ok(Some(self.take_datagram(&datagram?))),
        }
    }

    /// Waits for the next message; snapshots are applied on the way.
    ///
    /// # Errors
    /// As [`Player::next`].
    pub async fn next_message(&mut self) -> Result<ServerMessage, PlayerError> {
        loop {
            if let Heard::Message(message) = self.next().await? {
                return Ok(message);
            }
        }
    }

    fn take_chunk(&mut self, bytes: &Bytes) -> Result<(), PlayerError> {
        self.frames.push(bytes);
        loop {
            let message = match self.frames.poll() {
                Ok(Some(frame)) => ServerMessage::decode(frame),
                Ok(None) => return Ok(()),
                Err(error) => return Err(PlayerError::Protocol(error.to_string())),
            };
            let message = message.map_err(|error| PlayerError::Protocol(error.to_string()))?;
            if let ServerMessage::Refused { code, sentence } = message {
                return Err(PlayerError::Refused { code, sentence });
            }
            self.handshake.received(&message).map_err(|code| {
                PlayerError::Protocol(format!(
                    "{} came out of order ({})",
                    message.name(),
                    code.name()
                ))
            })?;
            self.note(&message);
            self.ready.push_back(message);
        }
    }

    fn note(&mut self, message: &ServerMessage) {
        let now_ns = self.now_ns();
        let situation = &mut self.situation;
        match message {
            ServerMessage::ClientIdAssigned { client } => situation.client = *client,
            ServerMessage::PlayerLoaded {
                character,
                name,
                system,
                docked,
                ship,
                ship_type,
            } => {
                situation.character = *character;
                situation.name.clone_from(name);
                situation.system = *system;
                situation.docked = *docked;
                situation.ship = *ship;
                situation.ship_type = *ship_type;
            }
            ServerMessage::EntitySpawned {
                grid,
                system,
                entity,
                ..
            } => {
                situation.grid = Some(*grid);
                situation.system = *system;
                situation.ship = *entity;
                situation.docked = None;
                situation.max_speed = 0;
                situation.locks.clear();
                situation.modules.clear();
                self.world.spawned(*grid, *entity);
            }
            ServerMessage::Welcome {
                beats_per_second,
                snapshot_interval_beats,
                ..
            } => {
                self.world = ClientWorld::new(*beats_per_second, *snapshot_interval_beats);
            }
            ServerMessage::Docked { station, .. } => {
                situation.docked = Some(*station);
                situation.grid = None;
                self.world.left_grid();
            }
            ServerMessage::GridLeft { .. } => {
                situation.grid = None;
                self.world.left_grid();
            }
            ServerMessage::ShipStatus {
                max_speed,
                locks,
                modules,
                ..
            } => {
                situation.max_speed = i32::try_from(*max_speed).unwrap_or(i32::MAX);
                situation.locks.clone_from(locks);
                situation.modules.clone_from(modules);
            }
            ServerMessage::Departed { entity, .. } => self.world.departed(*entity),
            ServerMessage::Dilation {
                per_mille,
                from_tick,
            } => self.world.dilate(now_ns, *per_mille, *from_tick),
            _ => {}
        }
    }

    fn take_datagram(&mut self, bytes: &[u8]) -> Heard {
        self.snapshot_bytes += bytes.len() as u64;
        match self.world.receive(self.now_ns(), bytes) {
            Ok(_) => {
                self.handshake.snapshot();
                Heard::Snapshot
            }
            Err(error) => Heard::Unusable(error),
        }
    }

    /// The own ship as steering sees it: where it is by the prediction, what it can do by the
    /// content. `None` while it is on no grid.
    #[must_use]
    pub fn own(&self, content: &Content) -> Option<Own> {
        let entity = self.world.replica().entity(self.world.own()?)?;
        let burning = entity.activity() & activity::AFTERBURNER != 0;
        let law = content.law(entity.type_id, burning);
        let law = law.or_else(|| content.law(entity.type_id, false))?;
        let motion = self
            .world
            .prediction()
            .state()
            .map_or(*entity.motion(), |(_, motion)| *motion);
        let radius_cm = content.radius_cm(entity.type_id);
        Some(Own {
            motion,
            max_speed: match self.situation.max_speed {
                0 => law.max_speed,
                known => known,
            },
            radius_cm,
        })
    }

    /// Steers by hand: the own ship's prediction follows at once, the next datagrams tell the
    /// server. Nothing happens while the ship is on no grid.
    pub fn steer(&mut self, content: &Content, direction: [i16; 3], throttle: u16) {
        let Some(own) = self.own(content) else { return };
        let order = Order::Fly {
            direction,
            throttle,
        };
        let target_velocity = target_velocity(order, &own, None);
        self.world.fly(direction, throttle, target_velocity);
    }

    /// Sends the inputs and acknowledgements that are due. Call it some fifteen times a second.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn send_input(&mut self) -> Result<(), PlayerError> {
        if self.handshake.input().is_none() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(64);
        let now_ns = self.now_ns();
        self.world.advance(now_ns);
        self.world.datagram().encode(&mut bytes);
        match self.connection.send_datagram(bytes.into()) {
            Ok(()) => Ok(()),
            Err(quinn::SendDatagramError::ConnectionLost(error)) => Err(error.into()),
            Err(error) => Err(PlayerError::Protocol(error.to_string())),
        }
    }

    /// The pace of the grid's time now, per mille of real time: 1000 where nothing slows it, and on
    /// no grid.
    #[must_use]
    pub fn dilation(&self) -> u16 {
        match self.situation.grid {
            Some(_) => self.world.clock().per_mille(self.now_ns()),
            None => 1_000,
        }
    }

    /// The grid's own time, as far as it can be known here: its newest beat. `None` on no grid, and
    /// before its first snapshot. The beats of two grids have nothing to do with each other.
    #[must_use]
    pub fn grid_tick(&self) -> Option<Tick> {
        self.situation.grid?;
        let (tick, _) = self.world.clock().beat(self.now_ns())?;
        Some(tick)
    }

    /// How far the handshake has come; a docked player stays at step 8.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.handshake.step()
    }

    /// Smoothed round-trip time.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// What the transport has counted.
    #[must_use]
    pub fn transport(&self) -> quinn::ConnectionStats {
        self.connection.stats()
    }

    /// Nanoseconds since the player connected: the clock of the world as it is shown.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Says goodbye; the connection ends.
    pub async fn leave(mut self) {
        // Whoever has gone first, the result is the same.
        let _ = self.say(&ClientMessage::Bye {}).await;
        let _ = self.send.finish();
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.closed()).await;
        self.connection.close(0_u32.into(), b"goodbye");
    }
}

/// A random beginning for this connection's request ids, so that those of two connections of one
/// character cannot meet.
fn request_base() -> u128 {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 16];
    if ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
        // Without the system's randomness the clock keeps connections apart well enough.
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        bytes = nanos.map_or(1, |since| since.as_nanos()).to_le_bytes();
    }
    // Room to count up from, and never zero.
    (u128::from_le_bytes(bytes) >> 32 << 32) | 1 << 64
}
