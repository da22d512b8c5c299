//! What can be done to the table of spent tokens.

use orrery_base::ClientId;

use super::{Claims, Reject, Tokens};
use crate::Outbox;
use crate::time::WallTime;

/// A change of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Use up a game token: its bearer becomes a client. Answer when the writes are durable.
    Redeem(Claims),
    /// End a session: its token is worth nothing from now on.
    EndSession(Claims),
    /// Forget expired tokens, at most this many.
    Prune {
        /// Bound of the work and of the batch.
        rows_max: usize,
    },
}

impl Tokens {
    /// Carries out `command`; the rows to commit are added to `out`. Returns the new client of
    /// a redemption.
    ///
    /// # Errors
    /// [`Reject`], with the state unchanged.
    pub fn handle(
        &mut self,
        now: WallTime,
        command: &Command,
        out: &mut Outbox,
    ) -> Result<Option<ClientId>, Reject> {
        match command {
            Command::Redeem(claims) => {
                self.check(now, claims)?;
                self.spend(claims, out)?;
                Ok(Some(self.next_client(out)))
            }
            Command::EndSession(claims) => {
                self.check(now, claims)?;
                self.spend(claims, out)?;
                Ok(None)
            }
            Command::Prune { rows_max } => {
                self.prune(now, *rows_max, out);
                Ok(None)
            }
        }
    }
}
