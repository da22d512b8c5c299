//! A client that says what it likes: the connection and the messages of the protocol, without
//! the rules that a player keeps.

use orrery_base::ClientId;
use orrery_client::connection::Socket;
use orrery_client::player::{Player, PlayerError, Ticket};
use orrery_proto::PROTOCOL_VERSION;
use orrery_proto::message::{ClientMessage, FrameDecoder, RefusalCode, ServerMessage};

use crate::players::{refusal, within};

/// See the module.
pub(super) struct Raw {
    pub(super) connection: quinn::Connection,
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    frames: FrameDecoder,
}

impl Raw {
    /// Connects and opens the control stream.
    pub(super) async fn open(ticket: &Ticket) -> Self {
        let socket = Socket::towards(ticket.address, ticket.fingerprint, Player::alpn()).unwrap();
        let connection = within("connect", socket.connect(ticket.address))
            .await
            .unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        Self {
            connection,
            send,
            receive,
            frames: FrameDecoder::new(),
        }
    }

    /// Writes bytes. Whether the server still listens shows when it is heard.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.send.write_all(bytes).await;
    }

    /// Says a message.
    pub(super) async fn say(&mut self, message: &ClientMessage) {
        self.write(&message.to_frame()).await;
    }

    /// The next message that the server says.
    pub(super) async fn hear(&mut self) -> Result<ServerMessage, PlayerError> {
        loop {
            if let Some(frame) = self.frames.poll().unwrap() {
                return match ServerMessage::decode(frame).unwrap() {
                    ServerMessage::Refused { code, sentence } => {
                        Err(PlayerError::Refused { code, sentence })
                    }
                    message => Ok(message),
                };
            }
            let chunk = within("a message", self.receive.read_chunk(16 * 1024, true)).await?;
            self.frames
                .push(&chunk.ok_or(PlayerError::StreamEnded)?.bytes);
        }
    }

    /// Waits for a message of a kind.
    pub(super) async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&ServerMessage) -> Option<T>,
    ) -> T {
        loop {
            if let Some(found) = wanted(&self.hear().await.unwrap()) {
                return found;
            }
        }
    }

    /// Waits for the server to end the connection, and says why it did.
    pub(super) async fn refusal(&mut self) -> RefusalCode {
        loop {
            match self.hear().await {
                Ok(_) => {}
                Err(error) => return refusal::<()>(Err(error)),
            }
        }
    }

    /// The first message, as it should be.
    pub(super) async fn hello(&mut self, content_hash: u64) {
        let client = "raw".to_owned();
        self.say(&ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            content_hash,
            client,
        })
        .await;
    }

    /// The whole handshake, as it should be, to the moment that a command is allowed.
    pub(super) async fn play(ticket: &Ticket) -> (Self, ClientId) {
        let mut raw = Self::open(ticket).await;
        raw.hello(ticket.content_hash).await;
        raw.until(|it| matches!(it, ServerMessage::Welcome { .. }).then_some(()))
            .await;
        raw.say(&ClientMessage::Login {
            token: ticket.token.clone().into_bytes(),
        })
        .await;
        let client = raw
            .until(|it| match it {
                ServerMessage::ClientIdAssigned { client } => Some(*client),
                _ => None,
            })
            .await;
        raw.until(|it| matches!(it, ServerMessage::PlayerLoaded { .. }).then_some(()))
            .await;
        raw.say(&ClientMessage::SubscribeInputs {}).await;
        raw.until(|it| matches!(it, ServerMessage::Docked { .. }).then_some(()))
            .await;
        (raw, client)
    }
}
