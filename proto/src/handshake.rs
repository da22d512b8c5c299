//! Which message is legal when: eleven steps from a connection to flowing inputs.
//!
//! | step | reached on the server when | on the client when |
//! | --- | --- | --- |
//! | 1 `Connected` | QUIC is up | QUIC is up |
//! | 2 `Hello` | `Hello` arrives | it sends it |
//! | 3 `ContentAgreed` | it sends `Welcome` | `Welcome` arrives |
//! | 4 `LoginPresented` | `Login` arrives | it sends it |
//! | 5 `Authenticated` | it sends `Authenticated` | it arrives |
//! | 6 `ClientIdAssigned` | it sends `ClientIdAssigned` | it arrives |
//! | 7 `PlayerLoaded` | it sends `PlayerLoaded` | it arrives |
//! | 8 `InputsSubscribed` | it sends `InputsSubscribed` | it arrives |
//! | 9 `EntitySpawned` | it sends `EntitySpawned` | it arrives |
//! | 10 `StatePublished` | it sends the first snapshot | it is applied |
//! | 11 `InputsFlowing` | the first input datagram arrives | it sends it |
//!
//! A docked player stays at step 8 until the ship undocks. Steps never go back: a ship that
//! docks or jumps is spawned again while the handshake stays where it is. Up to step 8 every
//! step has exactly one message that leads to the next; after it the stream is free.
//!
//! Two machines, one for each side, without I/O or clock: they are told what happened and
//! answer with the step reached or with the [`RefusalCode`] that ends the connection. Time
//! limits are the caller's, per step. Datagrams are not on the stream: they may overtake it, so
//! one that comes too early is never an error, only ignored ([`ServerHandshake::input`],
//! [`ClientHandshake::snapshot`] say which).

use crate::message::{ClientMessage, RefusalCode, ServerMessage};

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Step {
    /// The transport is up.
    Connected = 1,
    /// The client has said who it is.
    Hello = 2,
    /// Protocol and content are the same on both sides.
    ContentAgreed = 3,
    /// The client has shown its token.
    LoginPresented = 4,
    /// The token is good.
    Authenticated = 5,
    /// The connection has its id.
    ClientIdAssigned = 6,
    /// The character is loaded.
    PlayerLoaded = 7,
    /// The server listens to inputs.
    InputsSubscribed = 8,
    /// The ship is in space.
    EntitySpawned = 9,
    /// The first snapshot is on its way, or there.
    StatePublished = 10,
    /// The first input is there, or on its way.
    InputsFlowing = 11,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 11] = [
        Self::Connected,
        Self::Hello,
        Self::ContentAgreed,
        Self::LoginPresented,
        Self::Authenticated,
        Self::ClientIdAssigned,
        Self::PlayerLoaded,
        Self::InputsSubscribed,
        Self::EntitySpawned,
        Self::StatePublished,
        Self::InputsFlowing,
    ];

    /// 1 to 11.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name of the step's span.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Hello => "hello",
            Self::ContentAgreed => "content_agreed",
            Self::LoginPresented => "login_presented",
            Self::Authenticated => "authenticated",
            Self::ClientIdAssigned => "client_id_assigned",
            Self::PlayerLoaded => "player_loaded",
            Self::InputsSubscribed => "inputs_subscribed",
            Self::EntitySpawned => "entity_spawned",
            Self::StatePublished => "state_published",
            Self::InputsFlowing => "inputs_flowing",
        }
    }
}

/// What an event did to a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// A step was reached that was not reached before.
    Reached(Step),
    /// Legal, and the step is the same as before.
    Unchanged,
}

/// The server's side.
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    step: Step,
    protocol: u16,
    content_hash: u64,
}

impl ServerHandshake {
    /// A transport is up. The server speaks `protocol` and has this content.
    #[must_use]
    pub const fn new(protocol: u16, content_hash: u64) -> Self {
        Self {
            step: Step::Connected,
            protocol,
            content_hash,
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// A message has arrived.
    ///
    /// # Errors
    /// The code to refuse the client with: [`RefusalCode::OutOfOrder`] if the message is not
    /// legal at this step, [`RefusalCode::ProtocolMismatch`] and
    /// [`RefusalCode::ContentMismatch`] for a `Hello` that does not fit.
    pub fn received(&mut self, message: &ClientMessage) -> Result<Progress, RefusalCode> {
        match message {
            ClientMessage::Hello {
                protocol,
                content_hash,
                ..
            } => {
                let progress = self.go(Step::Connected, Step::Hello)?;
                if *protocol != self.protocol {
                    return Err(RefusalCode::ProtocolMismatch);
                }
                if *content_hash != self.content_hash {
                    return Err(RefusalCode::ContentMismatch);
                }
                Ok(progress)
            }
            ClientMessage::Login { .. } => self.go(Step::ContentAgreed, Step::LoginPresented),
            // The step is reached when the server has answered.
            ClientMessage::SubscribeInputs {} => self.only_at(Step::PlayerLoaded),
            ClientMessage::Command { .. } | ClientMessage::Query { .. } => {
                self.not_before(Step::InputsSubscribed)
            }
            ClientMessage::WhoIs { .. } => self.not_before(Step::PlayerLoaded),
            ClientMessage::Bye {} => Ok(Progress::Unchanged),
            // A later version's message: harmless once the versions have agreed.
            ClientMessage::Unknown(_) => self.not_before(Step::Hello),
        }
    }

    /// A message is about to be sent.
    ///
    /// # Errors
    /// [`RefusalCode::InternalError`] if it is not legal at this step: the server's own bug.
    pub fn sending(&mut self, message: &ServerMessage) -> Result<Progress, RefusalCode> {
        let own = |_| RefusalCode::InternalError;
        match message {
            ServerMessage::Welcome { .. } => self.go(Step::Hello, Step::ContentAgreed),
            ServerMessage::Authenticated { .. } => {
                self.go(Step::LoginPresented, Step::Authenticated)
            }
            ServerMessage::ClientIdAssigned { .. } => {
                self.go(Step::Authenticated, Step::ClientIdAssigned)
            }
            ServerMessage::PlayerLoaded { .. } => {
                self.go(Step::ClientIdAssigned, Step::PlayerLoaded)
            }
            ServerMessage::InputsSubscribed {} => {
                self.go(Step::PlayerLoaded, Step::InputsSubscribed)
            }
            ServerMessage::EntitySpawned { .. } => {
                self.at_least(Step::InputsSubscribed, Step::EntitySpawned)
            }
            ServerMessage::Refused { .. }
            | ServerMessage::Notice { .. }
            | ServerMessage::Draining { .. }
            | ServerMessage::Unknown(_) => Ok(Progress::Unchanged),
            ServerMessage::Names { .. } => self.not_before(Step::PlayerLoaded),
            ServerMessage::GridLeft { .. }
            | ServerMessage::Docked { .. }
            | ServerMessage::CommandResult { .. }
            | ServerMessage::Departed { .. }
            | ServerMessage::Dilation { .. }
            | ServerMessage::QueryAnswer { .. }
            | ServerMessage::WalletChanged { .. }
            | ServerMessage::OrderFilled { .. }
            | ServerMessage::OrderEnded { .. }
            | ServerMessage::ItemsDelivered { .. }
            | ServerMessage::TradeChanged { .. }
            | ServerMessage::ShipStatus { .. }
            | ServerMessage::Damage { .. }
            | ServerMessage::KillReport { .. } => self.not_before(Step::InputsSubscribed),
        }
        .map_err(own)
    }

    /// A snapshot is about to be sent.
    ///
    /// # Errors
    /// [`RefusalCode::InternalError`] if no ship was spawned: the server's own bug.
    pub fn publishing(&mut self) -> Result<Progress, RefusalCode> {
        self.at_least(Step::EntitySpawned, Step::StatePublished)
            .map_err(|_| RefusalCode::InternalError)
    }

    /// An input datagram has arrived: `None` if it is too early to count.
    pub fn input(&mut self) -> Option<Progress> {
        // Inputs that overtake the first snapshot's acknowledgement are still inputs, but the
        // eleventh step is that of a client which sees the world.
        match self.step {
            Step::StatePublished => self.advance(Step::InputsFlowing),
            Step::InputsFlowing | Step::EntitySpawned => Ok(Progress::Unchanged),
            _ => Err(RefusalCode::OutOfOrder),
        }
        .ok()
    }

    fn go(&mut self, from: Step, to: Step) -> Result<Progress, RefusalCode> {
        self.only_at(from)?;
        self.advance(to)
    }

    fn at_least(&mut self, least: Step, to: Step) -> Result<Progress, RefusalCode> {
        self.not_before(least)?;
        self.advance(to)
    }

    fn advance(&mut self, to: Step) -> Result<Progress, RefusalCode> {
        Ok(advance(&mut self.step, to))
    }

    fn only_at(&self, step: Step) -> Result<Progress, RefusalCode> {
        legal(self.step == step)
    }

    fn not_before(&self, step: Step) -> Result<Progress, RefusalCode> {
        legal(self.step >= step)
    }
}

/// The client's side.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    step: Step,
    /// `SubscribeInputs` was sent and waits for its answer.
    subscribing: bool,
}

impl Default for ClientHandshake {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientHandshake {
    /// A transport is up.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            step: Step::Connected,
            subscribing: false,
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Which message the client owes to come further: the kind's name in
    /// [`ClientMessage::KINDS`], or `None` if it is the server's turn or nobody's.
    #[must_use]
    pub const fn owes(&self) -> Option<&'static str> {
        match self.step {
            Step::Connected => Some("Hello"),
            Step::ContentAgreed => Some("Login"),
            Step::PlayerLoaded if !self.subscribing => Some("SubscribeInputs"),
            _ => None,
        }
    }

    /// A message is about to be sent.
    ///
    /// # Errors
    /// [`RefusalCode::OutOfOrder`] if the server would refuse it: the client's own bug.
    pub fn sending(&mut self, message: &ClientMessage) -> Result<Progress, RefusalCode> {
        match message {
            ClientMessage::Hello { .. } => self.go(Step::Connected, Step::Hello),
            ClientMessage::Login { .. } => self.go(Step::ContentAgreed, Step::LoginPresented),
            ClientMessage::SubscribeInputs {} => {
                legal(self.step == Step::PlayerLoaded && !self.subscribing)?;
                self.subscribing = true;
                Ok(Progress::Unchanged)
            }
            ClientMessage::Command { .. } | ClientMessage::Query { .. } => {
                legal(self.step >= Step::InputsSubscribed)
            }
            ClientMessage::WhoIs { .. } => legal(self.step >= Step::PlayerLoaded),
            ClientMessage::Bye {} => Ok(Progress::Unchanged),
            ClientMessage::Unknown(_) => legal(self.step >= Step::ContentAgreed),
        }
    }

    /// A message has arrived.
    ///
    /// # Errors
    /// The server's own code if the message is [`ServerMessage::Refused`];
    /// [`RefusalCode::OutOfOrder`] if the message is not legal at this step.
    pub fn received(&mut self, message: &ServerMessage) -> Result<Progress, RefusalCode> {
        match message {
            ServerMessage::Refused { code, .. } => Err(*code),
            ServerMessage::Welcome { .. } => self.go(Step::Hello, Step::ContentAgreed),
            ServerMessage::Authenticated { .. } => {
                self.go(Step::LoginPresented, Step::Authenticated)
            }
            ServerMessage::ClientIdAssigned { .. } => {
                self.go(Step::Authenticated, Step::ClientIdAssigned)
            }
            ServerMessage::PlayerLoaded { .. } => {
                self.go(Step::ClientIdAssigned, Step::PlayerLoaded)
            }
            ServerMessage::InputsSubscribed {} => {
                legal(self.subscribing)?;
                self.go(Step::PlayerLoaded, Step::InputsSubscribed)
            }
            ServerMessage::EntitySpawned { .. } => {
                legal(self.step >= Step::InputsSubscribed)?;
                Ok(advance(&mut self.step, Step::EntitySpawned))
            }
            ServerMessage::Notice { .. }
            | ServerMessage::Draining { .. }
            | ServerMessage::Unknown(_) => Ok(Progress::Unchanged),
            ServerMessage::Names { .. } => legal(self.step >= Step::PlayerLoaded),
            ServerMessage::GridLeft { .. }
            | ServerMessage::Docked { .. }
            | ServerMessage::CommandResult { .. }
            | ServerMessage::Departed { .. }
            | ServerMessage::Dilation { .. }
            | ServerMessage::QueryAnswer { .. }
            | ServerMessage::WalletChanged { .. }
            | ServerMessage::OrderFilled { .. }
            | ServerMessage::OrderEnded { .. }
            | ServerMessage::ItemsDelivered { .. }
            | ServerMessage::TradeChanged { .. }
            | ServerMessage::ShipStatus { .. }
            | ServerMessage::Damage { .. }
            | ServerMessage::KillReport { .. } => legal(self.step >= Step::InputsSubscribed),
        }
    }

    /// A snapshot was applied: `None` if it overtook the message that announces the ship.
    pub fn snapshot(&mut self) -> Option<Progress> {
        (self.step >= Step::EntitySpawned).then(|| advance(&mut self.step, Step::StatePublished))
    }

    /// An input datagram is about to be sent: `None` if the server would not listen yet.
    pub fn input(&mut self) -> Option<Progress> {
        match self.step {
            Step::StatePublished | Step::InputsFlowing => {
                Some(advance(&mut self.step, Step::InputsFlowing))
            }
            _ => None,
        }
    }

    fn go(&mut self, from: Step, to: Step) -> Result<Progress, RefusalCode> {
        legal(self.step == from)?;
        Ok(advance(&mut self.step, to))
    }
}

/// Steps never go back.
fn advance(step: &mut Step, to: Step) -> Progress {
    if *step < to {
        *step = to;
        Progress::Reached(to)
    } else {
        Progress::Unchanged
    }
}

fn legal(is_legal: bool) -> Result<Progress, RefusalCode> {
    if is_legal {
        Ok(Progress::Unchanged)
    } else {
        Err(RefusalCode::OutOfOrder)
    }
}

#[cfg(test)]
mod tests;
