//! From a batch to calls of `sendmmsg`, through full buffers and refusals.

use std::io;

use super::raw::{Socket, send};
use crate::batch::{Outgoing, TransmitBatch};
use crate::counters::SocketCounters;

#[cfg(test)]
mod tests;

/// One call's worth: a part of one entry of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) entry: usize,
    /// Its part of the entry's bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What is on its way to `sendmmsg`: per socket, the messages of the batch and how many of them
/// are gone.
#[derive(Debug)]
pub(super) struct Sender {
    queues: Vec<(Vec<Message>, usize)>,
}

impl Sender {
    pub(super) fn new() -> Self {
        Self { queues: Vec::new() }
    }

    /// Sorts a new batch by socket. Everything before must have been flushed.
    pub(super) fn load(
        &mut self,
        sockets: &[Socket],
        batch: &TransmitBatch,
        counters: &mut SocketCounters,
    ) {
        self.queues.resize_with(sockets.len(), Default::default);
        for (messages, done) in &mut self.queues {
            messages.clear();
            *done = 0;
        }
        for (entry, outgoing) in batch.entries().iter().enumerate() {
            let fits =
                |socket: &Socket| socket.local_address().is_ipv4() == outgoing.remote.is_ipv4();
            let Some(which) = sockets.iter().position(fits) else {
                counters.send_failed += outgoing.datagrams().len() as u64;
                continue;
            };
            let messages = &mut self.queues[which].0;
            push_messages(messages, entry, outgoing, sockets[which].segments());
        }
    }

    /// Sends what is left of the batch. False if the kernel takes no more at present.
    pub(super) fn flush(
        &mut self,
        sockets: &[Socket],
        batch: &TransmitBatch,
        counters: &mut SocketCounters,
    ) -> io::Result<bool> {
        for (socket, (messages, done)) in sockets.iter().zip(&mut self.queues) {
            while *done < messages.len() {
                match send(socket, batch, &messages[*done..], counters) {
                    Ok(sent) => {
                        for message in &messages[*done..*done + sent] {
                            counters.sent += datagrams_of(batch, message) as u64;
                        }
                        *done += sent;
                    }
                    Err(error) => match error.raw_os_error() {
                        Some(libc::EINTR) => {}
                        Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => {
                            counters.send_blocked += 1;
                            return Ok(false);
                        }
                        Some(libc::EBADF | libc::ENOTSOCK | libc::EFAULT) => return Err(error),
                        Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP)
                            if socket.segments() && datagrams_of(batch, &messages[*done]) > 1 =>
                        {
                            // This route cannot cut sends into datagrams: do it here, now and
                            // from now on.
                            tracing::info!(%error, "segmentation offload is off for {}", socket.local_address());
                            socket.without_segments();
                            split_messages(messages, *done, batch);
                        }
                        // About this one datagram: no route, a firewall, longer than the path.
                        _ => {
                            counters.send_failed += datagrams_of(batch, &messages[*done]) as u64;
                            *done += 1;
                        }
                    },
                }
            }
        }
        Ok(true)
    }
}

fn push_messages(messages: &mut Vec<Message>, entry: usize, outgoing: &Outgoing, segments: bool) {
    let end = outgoing.bytes.len();
    if segments || outgoing.segment_bytes.is_none() {
        messages.push(Message {
            entry,
            start: 0,
            end,
        });
        return;
    }
    let mut start = 0;
    for datagram in outgoing.datagrams() {
        messages.push(Message {
            entry,
            start,
            end: start + datagram.len(),
        });
        start += datagram.len();
    }
}

/// Replaces the messages from `from` on by one per datagram.
fn split_messages(messages: &mut Vec<Message>, from: usize, batch: &TransmitBatch) {
    for message in messages.split_off(from) {
        push_messages(
            messages,
            message.entry,
            &batch.entries()[message.entry],
            false,
        );
    }
}

fn datagrams_of(batch: &TransmitBatch, message: &Message) -> usize {
    match batch.entries()[message.entry].segment_bytes {
        Some(segment) if segment > 0 => (message.end - message.start).div_ceil(segment),
        _ => 1,
    }
}
