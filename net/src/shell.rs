//! An edge on real sockets: non-blocking UDP, called from the shard's loop.
//!
//! Every shard binds the same port with SO_REUSEPORT, one socket per address family; the kernel
//! spreads clients over them by a hash of the addresses. Before the shards bind, the process
//! claims the port once without that option ([`Listen::claim`]), so that a second server on the
//! same port is refused instead of silently sharing its players.
//!
//! Nothing here waits, except [`UdpShell::readable_or`], which is for a shard that has nothing
//! else to do.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::time::Instant;

use crate::batch::{Forward, TransmitBatch};
use crate::counters::SocketCounters;
use crate::edge::Edge;

mod raw;
mod sender;
#[cfg(test)]
mod tests;

use raw::{Receiver, Socket};
use sender::Sender;

/// Entries of a batch, and datagrams that one call of the kernel takes in.
const BATCH: usize = 64;
/// Datagrams that one [`UdpShell::receive`] takes from each socket: about 2 ms of work.
const RECEIVE_MAX: usize = 1_024;
/// Handshakes that one [`UdpShell::receive`] begins: about 2 ms of work.
const HANDSHAKES_PER_TURN: usize = 8;

/// Pause of an idle shard while the kernel's send buffer is full.
const BLOCKED_PAUSE: Duration = Duration::from_micros(500);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// UDP port, the same for both families; 0 asks [`Listen::claim`] for a free one.
    pub port: u16,
    /// IPv4 address to bind, if any.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address to bind, if any; its socket takes IPv6 only.
    pub ipv6: Option<Ipv6Addr>,
    /// What the kernel may hold for a shard that is busy, bytes per socket. The kernel grants
    /// less where `net.core.rmem_max` says so and the process is not root.
    pub receive_buffer_bytes: usize,
    /// The same for what is being sent.
    pub send_buffer_bytes: usize,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another server, or another life of this one, has the port.
    #[error("{address} is in use: is another server running?")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// Neither an IPv4 nor an IPv6 address is left to listen on.
    #[error("no address to listen on")]
    NoAddress,
    /// Anything else that the system has to say.
    #[error("cannot {what} {address}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Listen {
    fn with(port: u16, ipv4: Ipv4Addr, ipv6: Ipv6Addr) -> Self {
        Self {
            port,
            ipv4: Some(ipv4),
            ipv6: Some(ipv6),
            // 5,000 clients that send 30 small datagrams a second: 30 ms of them are 4,500, and
            // each costs the kernel about 800 bytes of this.
            receive_buffer_bytes: 8 * 1024 * 1024,
            send_buffer_bytes: 8 * 1024 * 1024,
        }
    }

    /// All addresses of the host.
    #[must_use]
    pub fn everywhere(port: u16) -> Self {
        Self::with(port, Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)
    }

    /// This host only.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self::with(port, Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
    }

    /// The addresses to bind, with the port.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let v4 = self.ipv4.map(|ip| SocketAddr::from((ip, self.port)));
        let v6 = self.ipv6.map(|ip| SocketAddr::from((ip, self.port)));
        v4.into_iter().chain(v6).collect()
    }

    /// Checks that the port is free, once per process and before the shards bind. Returns what
    /// they are to bind: with a port in place of 0, and without IPv6 where the host has none.
    ///
    /// # Errors
    /// [`BindError::AddressInUse`] if another process listens there.
    pub fn claim(&self) -> Result<Self, BindError> {
        // The port that IPv4 was given may be taken for IPv6: then another one is tried.
        let attempts = if self.port == 0 { 16 } else { 1 };
        let mut outcome = Err(BindError::NoAddress);
        for _ in 0..attempts {
            outcome = self.claim_once();
            if !matches!(outcome, Err(BindError::AddressInUse { .. })) {
                break;
            }
        }
        outcome
    }

    fn claim_once(&self) -> Result<Self, BindError> {
        let mut claimed = self.clone();
        let mut held = Vec::new();
        for family in 0..2 {
            let address = if family == 0 {
                claimed.ipv4.map(|ip| SocketAddr::from((ip, claimed.port)))
            } else {
                claimed.ipv6.map(|ip| SocketAddr::from((ip, claimed.port)))
            };
            let Some(address) = address else { continue };
            match Socket::bind(address, false, self) {
                Ok(socket) => {
                    claimed.port = socket.local_address().port();
                    held.push(socket);
                }
                Err(BindError::Io { source, .. }) if family == 1 && lacks_ipv6(&source) => {
                    tracing::warn!(%source, "this host has no IPv6: listening on IPv4 alone");
                    claimed.ipv6 = None;
                }
                Err(error) => return Err(error),
            }
        }
        if held.is_empty() {
            Err(BindError::NoAddress)
        } else {
            Ok(claimed)
        }
    }
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}

/// What one [`UdpShell::receive`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveTurn {
    /// Datagrams taken in.
    pub datagrams: usize,
    /// Whether the sockets may hold more.
    pub more: bool,
}

/// What one [`UdpShell::transmit`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransmitTurn {
    /// Datagrams sent.
    pub datagrams: usize,
    /// Whether the kernel's send buffer is full: the rest is kept for the next call.
    pub blocked: bool,
}

/// The sockets of one shard. Made, used and dropped on the shard's own thread.
pub struct UdpShell {
    sockets: Vec<Socket>,
    receiver: Receiver,
    sender: Sender,
    batch: TransmitBatch,
    counters: SocketCounters,
    /// Whether the kernel took less than all when we last sent.
    blocked: bool,
}

impl core::fmt::Debug for UdpShell {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UdpShell")
            .field("addresses", &self.local_addresses())
            .finish_non_exhaustive()
    }
}

impl UdpShell {
    /// Binds one shard's sockets. `listen` should come from [`Listen::claim`].
    ///
    /// # Errors
    /// If the system refuses; [`BindError::AddressInUse`] if a process of another user, or one
    /// without SO_REUSEPORT, has the port.
    pub fn bind(listen: &Listen) -> Result<Self, BindError> {
        let addresses = listen.addresses();
        if addresses.is_empty() {
            return Err(BindError::NoAddress);
        }
        let sockets = addresses
            .into_iter()
            .map(|address| Socket::bind(address, true, listen))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            sockets,
            receiver: Receiver::new(BATCH),
            sender: Sender::new(),
            batch: TransmitBatch::new(BATCH),
            counters: SocketCounters::default(),
            blocked: false,
        })
    }

    /// The addresses that the sockets are bound to, IPv4 first.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(Socket::local_address).collect()
    }

    /// Feeds the edge: what the sockets hold (up to a thousand datagrams each), a few of the
    /// waiting handshakes, and the timers. Datagrams of other shards are added to `forwards`.
    /// Never waits.
    ///
    /// # Errors
    /// If a socket is broken, which only a mistake in this crate would do.
    pub fn receive(
        &mut self,
        edge: &mut Edge,
        now: Instant,
        forwards: &mut Vec<Forward>,
    ) -> io::Result<ReceiveTurn> {
        let mut turn = ReceiveTurn::default();
        for socket in &mut self.sockets {
            let mut left = RECEIVE_MAX;
            while left > 0 {
                let received = self
                    .receiver
                    .receive(socket, &mut self.counters, |received| {
                        forwards.extend(edge.handle_datagram(now, received));
                    })?;
                turn.datagrams += received;
                left = left.saturating_sub(received);
                if received < BATCH {
                    break;
                }
            }
            turn.more |= left == 0;
        }
        edge.admit(now, HANDSHAKES_PER_TURN);
        edge.handle_timeouts(now);
        Ok(turn)
    }

    /// Sends what the edge has to send, as far as the kernel takes it. Never waits.
    ///
    /// # Errors
    /// If a socket is broken, which only a mistake in this crate would do. Datagrams that the
    /// kernel refuses one by one are counted instead.
    pub fn transmit(&mut self, edge: &mut Edge, now: Instant) -> io::Result<TransmitTurn> {
        let sent_before = self.counters.sent;
        let blocked = loop {
            if !self
                .sender
                .flush(&self.sockets, &self.batch, &mut self.counters)?
            {
                break true;
            }
            self.batch.clear();
            edge.transmit(now, &mut self.batch);
            if self.batch.is_empty() {
                break false;
            }
            self.sender
                .load(&self.sockets, &self.batch, &mut self.counters);
        };
        self.blocked = blocked;
        let datagrams = (self.counters.sent - sent_before) as usize;
        Ok(TransmitTurn { datagrams, blocked })
    }

    /// Waits until a socket has something to read or the deadline has passed; may also return
    /// for no reason. For a shard with nothing to do.
    ///
    /// This blocks the thread, in `ppoll`: a shard is one task on a thread of its own, so there
    /// is nobody to make room for. Waiting through the executor's io_uring was tried first and
    /// given up: under load its timers now and then never fired, and the shard slept for ever.
    pub fn wait(&self, deadline: Instant) {
        let now = Instant::now();
        let deadline = if self.blocked {
            // The edge asks to be called at once, but there is no point before the network
            // card has sent some of what it has.
            deadline.max(now + BLOCKED_PAUSE)
        } else {
            deadline
        };
        let left = deadline.saturating_duration_since(now);
        let Ok(timeout) = Timespec::try_from(left) else {
            return;
        };
        let mut watched: Vec<PollFd<'_>> = self
            .sockets
            .iter()
            .map(|socket| PollFd::from_borrowed_fd(socket.descriptor(), PollFlags::IN))
            .collect();
        // An interruption, like everything else, is a reason to look again.
        let _ = poll(&mut watched, Some(&timeout));
    }

    /// What the sockets did so far.
    #[must_use]
    pub fn counters(&self) -> &SocketCounters {
        &self.counters
    }
}
