//! Waiting for a datagram, for a shard that has nothing else to do.
//!
//! glommio offers no way to poll a descriptor for readability, but its UDP socket can peek
//! through the ring. One small task per socket does that when asked to, and says so when there
//! is something. The request stays in the ring when the wait ends by its deadline, so that a
//! shard that waits a thousand times for a quiet socket submits it once.

use core::cell::{Cell, RefCell};
use core::future::{Future as _, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use std::io;
use std::rc::Rc;
use std::time::Instant;

use glommio::net::UdpSocket;
use glommio::timer::Timer;

use super::raw::Socket;

/// A flag that one task waits for.
#[derive(Default)]
struct Flag {
    raised: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Flag {
    fn raise(&self) {
        self.raised.set(true);
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for the flag and lowers it.
    async fn lowered(&self) {
        poll_fn(|context| {
            if self.raised.take() {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// What the shell and the task of one socket share.
struct Link {
    /// Raised to ask for a look at the socket.
    look: Flag,
    /// Whether the task is looking.
    looking: Cell<bool>,
}

pub(super) struct Watch {
    readable: Rc<Flag>,
    sockets: Vec<(Rc<Link>, glommio::Task<()>)>,
}

impl Watch {
    /// Starts to watch. A socket that cannot be watched is left out, with a line in the log:
    /// the deadline of each wait is then what the shard lives by.
    pub(super) fn new(sockets: &[Socket]) -> Self {
        let readable = Rc::new(Flag::default());
        let start = |socket: &Socket| -> io::Result<(Rc<Link>, glommio::Task<()>)> {
            let socket = socket.watched()?;
            let link = Rc::new(Link {
                look: Flag::default(),
                looking: Cell::new(false),
            });
            let task = glommio::spawn_local(watch(socket, Rc::clone(&link), Rc::clone(&readable)));
            Ok((link, task))
        };
        let sockets = sockets
            .iter()
            .filter_map(|socket| {
                start(socket)
                    .inspect_err(
                        |error| tracing::error!(%error, "cannot watch {}", socket.local_address()),
                    )
                    .ok()
            })
            .collect();
        Self { readable, sockets }
    }

    pub(super) async fn readable_or(&mut self, deadline: Instant) {
        let wait = deadline.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return;
        }
        self.readable.raised.set(false);
        for (link, _) in &self.sockets {
            if !link.looking.replace(true) {
                link.look.raise();
            }
        }
        let mut readable = pin!(self.readable.lowered());
        let mut timer = pin!(Timer::new(wait));
        poll_fn(|context| {
            if readable.as_mut().poll(context).is_ready() || timer.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}

async fn watch(socket: UdpSocket, link: Rc<Link>, readable: Rc<Flag>) {
    loop {
        link.look.lowered().await;
        let peeked = socket.peek_from(&mut [0]).await;
        link.looking.set(false);
        readable.raise();
        if let Err(error) = peeked {
            // An ICMP answer to something sent earlier, at worst: `receive` finds out more.
            tracing::debug!(%error, "cannot peek");
        }
    }
}
