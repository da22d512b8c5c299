//! How a connection begins, and how it is turned away.

use quinn_proto::{AcceptError, Incoming, Transmit};

use super::*;
use crate::admission::Verdict;

/// Buffers of answers that are kept for reuse.
const SPARE_MAX: usize = 64;

impl Edge {
    pub(super) fn blank_answer(&mut self) -> Vec<u8> {
        self.spare.truncate(SPARE_MAX);
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    fn push_answer(&mut self, transmit: Transmit, bytes: Vec<u8>) {
        if self.answers.len() < ANSWERS_MAX {
            self.answers.push_back(Answer { transmit, bytes });
        } else {
            self.counters.answers_dropped += 1;
            self.spare.push(bytes);
        }
    }

    /// Sends and counts what quinn itself answers to a datagram that has no connection.
    pub(super) fn answer_stray(&mut self, transmit: Transmit, bytes: Vec<u8>) {
        let counter = match bytes.as_slice() {
            [first, ..] if first & 0x80 == 0 => &mut self.counters.stateless_resets,
            [_, 0, 0, 0, 0, ..] => &mut self.counters.version_negotiations,
            _ => &mut self.counters.refused_malformed,
        };
        *counter += 1;
        self.push_answer(transmit, bytes);
    }

    /// Decides about a possible new connection: at once, and mostly without touching it again.
    pub(super) fn judge(&mut self, incoming: Incoming) {
        let address = incoming.remote_address().ip();
        let proved = incoming.remote_address_validated();
        let pending = self.pending_handshakes();
        match self.admission.judge(address, proved, pending) {
            Verdict::Admit => {
                let full = self.announced >= self.config.limits.connections;
                if full && pending + self.farewells >= self.config.limits.farewells {
                    self.counters.refused_farewells += 1;
                    self.refuse(incoming);
                } else {
                    self.waiting.push_back(incoming);
                }
            }
            Verdict::Retry => self.retry(incoming),
            Verdict::Defer => {
                self.counters.deferred_global_rate += 1;
                self.endpoint.ignore(incoming);
            }
            Verdict::RefuseAddress => {
                self.counters.refused_address_rate += 1;
                self.refuse(incoming);
            }
            Verdict::RefusePending => {
                self.counters.refused_pending += 1;
                self.refuse(incoming);
            }
        }
    }

    fn refuse(&mut self, incoming: Incoming) {
        let mut bytes = self.blank_answer();
        let transmit = self.endpoint.refuse(incoming, &mut bytes);
        self.push_answer(transmit, bytes);
    }

    fn retry(&mut self, incoming: Incoming) {
        let mut bytes = self.blank_answer();
        match self.endpoint.retry(incoming, &mut bytes) {
            Ok(transmit) => {
                self.counters.retries += 1;
                self.push_answer(transmit, bytes);
            }
            // An unproved address may always be asked; but a token is no reason to panic.
            Err(error) => self.endpoint.ignore(error.into_incoming()),
        }
    }

    /// Begins at most `at_most` of the waiting handshakes, oldest first: about 250 µs each, so
    /// that a crowd at the door does not delay a beat. Returns how many still wait.
    pub fn admit(&mut self, now: Instant, at_most: usize) -> usize {
        self.set_time(now);
        for _ in 0..at_most {
            let Some(incoming) = self.waiting.pop_front() else {
                break;
            };
            self.begin(incoming);
        }
        self.waiting.len()
    }

    fn begin(&mut self, incoming: Incoming) {
        let mut bytes = self.blank_answer();
        self.counters.handshakes_started += 1;
        match self.endpoint.accept(incoming, self.now, &mut bytes, None) {
            Ok((handle, connection)) => {
                self.spare.push(bytes);
                let index = handle.0 as u32;
                self.insert(index, connection);
                self.settle(index);
            }
            Err(AcceptError { cause, response }) => {
                self.count_failed_handshake(&cause);
                match response {
                    Some(transmit) => self.push_answer(transmit, bytes),
                    None => self.spare.push(bytes),
                }
            }
        }
    }

    pub(super) fn turn_away_waiting(&mut self) {
        while let Some(incoming) = self.waiting.pop_front() {
            self.counters.refused_pending += 1;
            self.refuse(incoming);
        }
    }
}
