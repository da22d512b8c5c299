//! Where clients' commands and queries about value leave the shard's edge.
//!
//! The one place to wire the economy to: a command or a query comes here when it is well formed,
//! in sequence and within the client's allowance.

use orrery_base::command::RejectCode;
use orrery_base::value::query::ValueQuery;
use orrery_base::value::{RequestId, ValueCommand};
use orrery_proto::message::ServerMessage;

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
    fn value_query(&mut self, session: &mut Session, sequence: u32, _: &ValueQuery) {
        self.answer_query(session, sequence, None);
    }

    /// Checks what can be checked of a query here.
    pub(super) fn query(
        &mut self,
        session: &mut Session,
        sequence: u32,
        query: Option<ValueQuery>,
    ) {
        let verdict = match query {
            _ if !session.spend_command() => Err(RejectCode::TooManyCommands),
            None => Err(RejectCode::UnknownCommand),
            Some(query) => Ok(query),
        };
        match verdict {
            Ok(query) => self.value_query(session, sequence, &query),
            Err(code) => self.answer_query(session, sequence, Some(code)),
        }
    }

    /// An answer without a view: nothing, or a refusal.
    fn answer_query(&mut self, session: &mut Session, sequence: u32, reject: Option<RejectCode>) {
        if let Some(code) = reject {
            self.metrics.rejected(code);
        }
        let message = ServerMessage::QueryAnswer {
            sequence,
            last: true,
            view: None,
            reject: reject.map(Into::into),
        };
        self.tell_in_order(session, message);
    }
}
