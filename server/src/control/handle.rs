//! A shard's line to the control thread: requests one way, replies back, nobody ever waits.

use std::net::IpAddr;
use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use orrery_base::{AccountId, CharacterId, ClientId, ShardIndex};
use orrery_net::ConnectionKey;
use orrery_proto::message::RefusalCode;
use orrery_services::character::CharacterRow;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::shard::PlacementRequest;

/// Most requests of all shards that wait for the control thread.
pub(super) const REQUESTS_MAX: usize = 4_096;
/// Most replies that wait for a shard. More than [`REQUESTS_MAX`] and what is being worked on, so
/// that a shard that polls never loses one.
pub(super) const REPLIES_MAX: usize = 2 * REQUESTS_MAX;

/// Most requests about grids that wait for a shard.
const PLACEMENTS_MAX: usize = 256;

/// A client presents its token.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// The shard that asks.
    pub shard: ShardIndex,
    /// Its connection.
    pub connection: ConnectionKey,
    /// The token as the client sent it.
    pub token: Vec<u8>,
    /// The client's address, for the log.
    pub remote: Option<IpAddr>,
}

/// What became of a [`LoginRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginReply {
    /// The connection that asked; it may be gone by now.
    pub connection: ConnectionKey,
    /// The client's identity, which is durable, or why there is none.
    pub result: Result<Admitted, RefusalCode>,
}

/// Who a client is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// Whose token it was.
    pub account: AccountId,
    /// The client's id, never used before.
    pub client: ClientId,
    /// The character, as it stood in the store after the token was spent.
    pub character: CharacterRow,
}

/// Too much is waiting for the control thread, or it has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the control thread takes no more requests")]
pub struct QueueFull;

/// What a shard asks.
#[derive(Debug)]
pub(super) enum Request {
    Login(LoginRequest),
    WhoIs {
        shard: ShardIndex,
        connection: ConnectionKey,
        characters: Vec<CharacterId>,
    },
}

/// Names for a connection.
pub type Names = (ConnectionKey, Vec<(CharacterId, String)>);

/// What shards talk to. Clones are the same line.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    requests: mpsc::Sender<Request>,
    left: mpsc::UnboundedSender<ClientId>,
    replies: Arc<[Replies]>,
}

#[derive(Debug)]
struct Replies {
    logins: ArrayQueue<LoginReply>,
    names: ArrayQueue<Names>,
    placement: ArrayQueue<PlacementRequest>,
}

/// The control thread's end.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) requests: mpsc::Receiver<Request>,
    /// Unbounded, and yet bounded: a client leaves once, and there are only so many.
    pub(super) left: mpsc::UnboundedReceiver<ClientId>,
}

impl ControlHandle {
    pub(super) fn new(shards: u16) -> (Self, Requests) {
        let (requests_in, requests) = mpsc::channel(REQUESTS_MAX);
        let (left_in, left) = mpsc::unbounded_channel();
        let replies = (0..shards).map(|_| Replies {
            logins: ArrayQueue::new(REPLIES_MAX),
            names: ArrayQueue::new(REPLIES_MAX),
            placement: ArrayQueue::new(PLACEMENTS_MAX),
        });
        let handle = Self {
            requests: requests_in,
            left: left_in,
            replies: replies.collect(),
        };
        (handle, Requests { requests, left })
    }

    /// Asks for a client's token to be redeemed. The answer comes through
    /// [`ControlHandle::poll_login`] when the redemption is durable, some beats later.
    ///
    /// # Errors
    /// [`QueueFull`]: tell the client that the server is full.
    pub fn redeem(&self, request: LoginRequest) -> Result<(), QueueFull> {
        self.send(Request::Login(request))
    }

    /// Asks for names of characters. The answer comes through [`ControlHandle::poll_names`].
    ///
    /// # Errors
    /// [`QueueFull`]: drop the question, the client will ask again.
    pub fn whois(
        &self,
        shard: ShardIndex,
        connection: ConnectionKey,
        characters: Vec<CharacterId>,
    ) -> Result<(), QueueFull> {
        self.send(Request::WhoIs {
            shard,
            connection,
            characters,
        })
    }

    /// A client that was admitted is gone.
    pub fn left(&self, client: ClientId) {
        // Without a receiver the server is ending, and nobody cares who is online.
        let _ = self.left.send(client);
    }

    /// The next answer to a shard's log-ins.
    #[must_use]
    pub fn poll_login(&self, shard: ShardIndex) -> Option<LoginReply> {
        self.replies.get(usize::from(shard.0))?.logins.pop()
    }

    /// The next answer to a shard's questions for names: those of the characters that exist.
    #[must_use]
    pub fn poll_names(&self, shard: ShardIndex) -> Option<Names> {
        self.replies.get(usize::from(shard.0))?.names.pop()
    }

    /// The next wish of an operator or the balancer for a grid of this shard.
    #[must_use]
    pub fn poll_placement(&self, shard: ShardIndex) -> Option<PlacementRequest> {
        self.replies.get(usize::from(shard.0))?.placement.pop()
    }

    /// Whether there was room.
    pub(super) fn ask_placement(&self, shard: ShardIndex, request: PlacementRequest) -> bool {
        let replies = self.replies.get(usize::from(shard.0));
        replies.is_some_and(|replies| replies.placement.push(request).is_ok())
    }

    /// Whether there was room.
    pub(super) fn reply_login(&self, shard: ShardIndex, reply: LoginReply) -> bool {
        let replies = self.replies.get(usize::from(shard.0));
        replies.is_some_and(|replies| replies.logins.push(reply).is_ok())
    }

    /// Whether there was room.
    pub(super) fn reply_names(&self, shard: ShardIndex, names: Names) -> bool {
        let replies = self.replies.get(usize::from(shard.0));
        replies.is_some_and(|replies| replies.names.push(names).is_ok())
    }

    fn send(&self, request: Request) -> Result<(), QueueFull> {
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) | TrySendError::Closed(_) => QueueFull,
            })
    }
}
