//! One connected client, as its edge knows it.

use std::collections::{BTreeMap, VecDeque};

use orrery_base::value::RequestId;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, Tick, TypeId};
use orrery_net::ConnectionKey;
use orrery_proto::handshake::{ServerHandshake, Step};
use orrery_proto::message::{FrameDecoder, RefusalCode, ServerMessage};
use orrery_proto::snapshot::ClientView;
use orrery_services::character::CharacterRow;
use orrery_services::economy::Desk;
use orrery_spatial::InterestSet;

/// Who a session plays as, once its token is good.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Unique to this connection.
    pub client: ClientId,
    /// Whose it is.
    pub account: AccountId,
    /// The character.
    pub character: CharacterId,
    /// The character's ship.
    pub ship: EntityId,
    /// Its hull.
    pub ship_type: TypeId,
}

/// Where a session's character is, as far as the edge has been told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Not on a grid yet, or between two.
    Nowhere,
    /// In a station of this grid.
    Docked(GridId),
    /// In space on this grid.
    InSpace(GridId),
}

/// One connected client.
pub(super) struct Session {
    /// Its connection.
    pub connection: ConnectionKey,
    /// Whether it was sent away; what its connection still brings is ignored.
    pub ended: bool,
    /// When it was last its turn to say something.
    pub awaited_since: Tick,
    /// How far it has come.
    pub handshake: ServerHandshake,
    /// What came on its control stream and is no whole message yet.
    pub frames: FrameDecoder,
    /// The span of the whole connection; each step of the handshake is a child.
    pub span: tracing::Span,
    /// The span of the step at hand.
    pub step_span: tracing::Span,
    /// Who it is.
    pub identity: Option<Identity>,
    /// The stored row that it was admitted with, and when; taken when it enters a grid.
    pub admitted: Option<(Tick, CharacterRow)>,
    /// The grid that its inputs go to.
    pub grid: Option<GridId>,
    /// Where its character is.
    pub place: Place,
    /// The station where it is docked.
    pub station: Option<EntityId>,
    /// Where the economy thinks that it is docked.
    pub present_in: Option<EntityId>,
    /// Requests about value that are not answered: the commands that wait for each.
    pub asked: BTreeMap<RequestId, Vec<u32>>,
    /// Whether snapshots are sent: the client has been told where it is.
    pub publishing: bool,
    /// What the client holds of its grid, once it is on one.
    pub view: Option<ClientView>,
    /// What it sees.
    pub interest: InterestSet,
    /// When its interest was last looked at.
    pub interest_tick: Tick,
    /// Counts the inputs that it has caused.
    pub inputs: u64,
    /// The newest input datagram; older ones are stale.
    pub last_datagram: u32,
    /// The newest flight input that was passed on.
    pub last_flight: u32,
    /// The newest command.
    pub last_command: u32,
    /// Commands that it may send at once, in thousandths.
    pub command_credit: u64,
    /// Times it was sent after its character; bounds a chase.
    pub chases: u8,
    /// Messages that wait for their beat to be durable, in order; whatever comes after one of
    /// them waits behind it.
    pub held: VecDeque<(Tick, ServerMessage)>,
}

impl Session {
    /// A connection that has just been made.
    #[must_use]
    pub(super) fn new(
        connection: ConnectionKey,
        handshake: ServerHandshake,
        span: tracing::Span,
        tick: Tick,
    ) -> Self {
        let step_span =
            tracing::info_span!(parent: &span, "handshake", step = Step::Connected.name());
        Self {
            connection,
            ended: false,
            awaited_since: tick,
            handshake,
            frames: FrameDecoder::default(),
            span,
            step_span,
            identity: None,
            admitted: None,
            grid: None,
            place: Place::Nowhere,
            station: None,
            present_in: None,
            asked: BTreeMap::new(),
            publishing: false,
            view: None,
            interest: InterestSet::new(),
            interest_tick: Tick(0),
            inputs: 0,
            last_datagram: 0,
            last_flight: 0,
            last_command: 0,
            command_credit: 0,
            chases: 0,
            held: VecDeque::new(),
        }
    }

    /// The desk that the character stands at, if it is docked.
    pub(super) fn desk(&self) -> Option<Desk> {
        let (station, grid) = (self.station?, self.grid?);
        let identity = self.identity.as_ref()?;
        Some(Desk {
            station,
            system: grid.system(),
            ship: identity.ship,
            ship_type: identity.ship_type,
        })
    }

    /// The character sits in another ship from now on.
    pub(super) const fn seat(&mut self, ship: orrery_base::EntityId, hull: orrery_base::TypeId) {
        if let Some(identity) = &mut self.identity {
            identity.ship = ship;
            identity.ship_type = hull;
        }
    }

    /// Whether the handshake waits for the client, and not for the token to be redeemed.
    pub(super) fn is_awaited(&self) -> bool {
        let step = self.handshake.step();
        step < Step::InputsSubscribed && step != Step::LoginPresented
    }

    /// Notes a step of the handshake: the span of the step before ends, the next one begins.
    pub(super) fn reached(&mut self, step: Step) {
        tracing::debug!(parent: &self.span, step = step.name(), "handshake step");
        self.step_span = tracing::info_span!(parent: &self.span, "handshake", step = step.name());
    }

    /// Spends one command of the allowance, which refills with the beats.
    pub(super) const fn spend_command(&mut self) -> bool {
        if self.command_credit < 1_000 {
            return false;
        }
        self.command_credit -= 1_000;
        true
    }

    /// Refills the allowance for the beats that have passed; two seconds' worth at most.
    pub(super) fn refill(&mut self, beats: u64, per_second: u32) {
        let rate = u64::from(per_second) * 1_000;
        let credit = rate * beats / u64::from(orrery_base::BEATS_PER_SECOND);
        self.command_credit = (self.command_credit + credit).min(2 * rate);
    }
}

/// Why the edge ends a session by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What the client is told.
    pub code: RefusalCode,
    /// For the log.
    pub detail: String,
}

impl Refusal {
    /// A refusal with what the log should say.
    pub(super) fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self {
            code,
            detail: String::new(),
        }
    }
}
