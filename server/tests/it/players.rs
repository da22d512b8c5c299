//! Players as tests need them: accounts over REST, and connections that keep being served while
//! a test waits for something to happen to them.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use orrery_base::command::{Command, RejectCode};
use orrery_base::{EntityId, Tick, math};
use orrery_client::connection::{Fingerprint, Socket};
use orrery_client::player::{Heard, Player, PlayerError, Ticket};
use orrery_client::rest::{AccountSession, Character};
use orrery_game::content::Content;
use orrery_proto::message::{RefusalCode, ServerMessage};

use crate::process::{DEADLINE, Server};

/// A password that nobody guesses.
pub(crate) const PASSWORD: &str = "violet comet drifts slowly";
/// Between two input datagrams.
const INPUT_INTERVAL: Duration = Duration::from_millis(66);

/// Runs a test's future. REST calls may block the test; connections are served by the workers.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// An account with one character.
pub(crate) struct Account {
    /// Its name, also the character's.
    pub(crate) name: String,
    /// Its session.
    pub(crate) session: AccountSession,
    /// Its character.
    pub(crate) character: Character,
}

impl Account {
    /// Signs up and creates a character.
    #[track_caller]
    pub(crate) fn sign_up(server: &Server, name: &str) -> Self {
        let rest = server.rest();
        let session = rest.sign_up(name, PASSWORD).unwrap();
        let character = rest.create_character(&session, name).unwrap();
        Self {
            name: name.to_owned(),
            session,
            character,
        }
    }

    /// Logs in to an account that has one character.
    #[track_caller]
    pub(crate) fn log_in(server: &Server, name: &str) -> Self {
        let rest = server.rest();
        let session = rest.log_in(name, PASSWORD).unwrap();
        let mut characters = rest.characters(&session).unwrap();
        assert_eq!(characters.len(), 1);
        Self {
            name: name.to_owned(),
            session,
            character: characters.remove(0),
        }
    }

    /// A new token, to be brought to one of the server's addresses.
    #[track_caller]
    pub(crate) fn ticket_to(&self, server: &Server, address: SocketAddr) -> Ticket {
        let token = server
            .rest()
            .game_token(&self.session, self.character.id)
            .unwrap();
        assert!(token.quic.contains(&server.quic4()), "{:?}", token.quic);
        Ticket {
            token: token.token,
            address,
            fingerprint: Fingerprint::from_hex(&token.certificate_sha256).unwrap(),
            content_hash: u64::from_str_radix(&token.content_hash, 16).unwrap(),
        }
    }

    /// A new token, for IPv4.
    #[track_caller]
    pub(crate) fn ticket(&self, server: &Server) -> Ticket {
        self.ticket_to(server, server.quic4())
    }
}

/// Connects with a ticket, from a socket of its own.
pub(crate) async fn connect(ticket: &Ticket) -> Result<Player, PlayerError> {
    let socket = Socket::towards(ticket.address, ticket.fingerprint, Player::alpn())?;
    within("connect", Player::connect(&socket, ticket, "orrery-test")).await
}

/// The code that a connection was refused with.
#[track_caller]
pub(crate) fn refusal<T>(result: Result<T, PlayerError>) -> RefusalCode {
    match result {
        Err(PlayerError::Refused { code, sentence }) => {
            assert_eq!(sentence, code.sentence(), "the player is told why");
            code
        }
        Err(error) => panic!("not refused, but: {error:?}"),
        Ok(_) => panic!("not refused"),
    }
}

/// Runs a future that must not hang.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for: {what}"),
    }
}

/// A player at the stick.
pub(crate) struct Pilot {
    /// The connection and the world as it is seen.
    pub(crate) player: Player,
    /// Every message since the handshake, in order.
    pub(crate) heard: Vec<ServerMessage>,
    content: Arc<Content>,
    inputs: tokio::time::Interval,
}

impl Pilot {
    /// Connects and takes the seat.
    pub(crate) async fn connect(ticket: &Ticket, content: &Arc<Content>) -> Self {
        let mut inputs = tokio::time::interval(INPUT_INTERVAL);
        inputs.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let player = connect(ticket).await.unwrap();
        Self {
            player,
            heard: Vec::new(),
            content: Arc::clone(content),
            inputs,
        }
    }

    /// The next thing to happen, or the end of the connection.
    async fn next(&mut self) -> Result<(), PlayerError> {
        tokio::select! {
            heard = self.player.next() => if let Heard::Message(message) = heard? {
                self.heard.push(message);
            },
            _ = self.inputs.tick() => self.player.send_input()?,
        }
        Ok(())
    }

    /// Plays until something is seen.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut seen: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let play = async {
            loop {
                if let Some(found) = seen(self) {
                    return found;
                }
                if let Err(error) = self.next().await {
                    panic!(
                        "{}, waiting for {what}: {error:?}",
                        self.player.situation.name
                    );
                }
            }
        };
        within(what, play).await
    }

    /// Plays until the server ends the connection, and says why.
    pub(crate) async fn until_refused(&mut self) -> RefusalCode {
        let play = async {
            loop {
                if let Err(error) = self.next().await {
                    return refusal::<()>(Err(error));
                }
            }
        };
        within("the end of the connection", play).await
    }

    /// Commands, and waits for the answer.
    pub(crate) async fn command(&mut self, command: Command) -> Result<Tick, RejectCode> {
        let number = self.player.command(command).await.unwrap();
        let what = format!("an answer to {command:?}");
        let answer = self.until(&what, |pilot| {
            pilot.heard.iter().find_map(|message| match message {
                ServerMessage::CommandResult {
                    sequence,
                    reject,
                    tick,
                    ..
                } if *sequence == number => {
                    Some(reject.map_or(Ok(*tick), |reject| Err(reject.code().unwrap())))
                }
                _ => None,
            })
        });
        answer.await
    }

    /// Waits for the server to say where the character is: docked, or in space and seen there.
    pub(crate) async fn placed(&mut self) {
        self.until("a place", |pilot| {
            let docked = pilot
                .heard
                .iter()
                .any(|it| matches!(it, ServerMessage::Docked { .. }));
            (docked || pilot.own_cm().is_some()).then_some(())
        })
        .await;
    }

    /// Leaves the station and waits to be seen in space, inputs flowing.
    pub(crate) async fn undock(&mut self) {
        self.command(Command::Undock).await.unwrap();
        self.until("space", |pilot| pilot.own_cm()).await;
        let all = orrery_proto::handshake::Step::InputsFlowing;
        self.until("inputs to flow", |pilot| {
            (pilot.player.step() == all).then_some(())
        })
        .await;
    }

    /// Where the own ship is by the newest snapshot.
    pub(crate) fn own_cm(&self) -> Option<[i32; 3]> {
        self.sees(self.player.situation.ship)
    }

    /// Where something is by the newest snapshot of the grid that the ship is on.
    pub(crate) fn sees(&self, entity: EntityId) -> Option<[i32; 3]> {
        let replica = self.player.world.replica();
        let here = self.player.situation.grid == Some(replica.grid());
        let entity = replica.entity(entity).filter(|_| here)?;
        Some(entity.motion().position_cm)
    }

    /// How far the own ship is from something, hull to hull, centimetres.
    pub(crate) fn gap_cm(&self, target: EntityId) -> Option<i64> {
        let radius = |entity| {
            let entity = self.player.world.replica().entity(entity)?;
            Some(i64::from(self.content.radius_cm(entity.type_id)))
        };
        let own = self.player.situation.ship;
        let distance = math::distance(self.own_cm()?, self.sees(target)?);
        Some(distance - radius(own)? - radius(target)?)
    }

    /// Flies to something, afterburner lit, until it is so near.
    pub(crate) async fn fly_to(&mut self, target: EntityId, gap_cm: i64) {
        self.until("the target in sight", |pilot| pilot.sees(target))
            .await;
        // Not every hull has one.
        let _ = self.command(Command::Afterburner { on: true }).await;
        self.command(Command::Approach { target }).await.unwrap();
        self.until("the target in range", |pilot| {
            pilot.gap_cm(target).filter(|&gap| gap <= gap_cm)
        })
        .await;
    }
}
