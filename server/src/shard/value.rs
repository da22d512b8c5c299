//! Where clients' commands and queries about value leave the shard's edge.
//!
//! The one place to wire the economy to: a command or a query comes here when it is well formed,
//! in sequence and within the client's allowance.

use orrery_base::command::RejectCode;
use orrery_base::value::query::ValueQuery;
use orrery_base::value::{RequestId, ValueCommand};

use super::clients::Clients;
use super::session::Session;

impl Clients {
    /// A command about items or money. This server has no economy: it is refused.
    pub(super) fn value_command(
        &mut self,
        session: &mut Session,
        sequence: u32,
        request: RequestId,
        _: ValueCommand,
    ) {
        self.reject(session, sequence, request.0, RejectCode::NotAvailable);
    }

    /// A query about items or money. This server has no economy: the answer is empty.
    pub(super) fn value_query(&mut self, session: &mut Session, sequence: u32, _: &ValueQuery) {
        self.answer_query(session, sequence, None);
    }
}
