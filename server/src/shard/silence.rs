//! Clients that say nothing.

use orrery_proto::message::RefusalCode;

use super::clients::Clients;
use super::session::{Refusal, Session};

/// Beats for which a client may owe the next word of the handshake: ten seconds.
const SILENCE_BEATS: u64 = 300;

impl Clients {
    /// Ends connections whose client owes the next word of the handshake and does not say it:
    /// a place on the server is for players.
    pub(super) fn end_the_silent(&mut self) {
        for index in 0..self.sessions.len() {
            let silent = |session: &Session| {
                session.is_awaited() && self.tick.since(session.awaited_since) > SILENCE_BEATS
            };
            let Some(connection) = self.sessions[index]
                .as_ref()
                .filter(|it| silent(it))
                .map(|it| it.connection)
            else {
                continue;
            };
            self.on(connection, |_, _| {
                Err(Refusal::new(
                    RefusalCode::TimedOut,
                    "the client says nothing",
                ))
            });
        }
    }
}
