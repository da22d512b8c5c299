//! What clients ask for, before anybody judges what it means: numbers, allowances, and who is
//! to answer.

use orrery_base::command::RejectCode;
use orrery_base::value::query::ValueQuery;
use orrery_base::value::{RequestId, ValueAnswer};
use orrery_proto::message::{ServerMessage, WireCommand};

use super::clients::Clients;
use super::session::Session;

impl Clients {
    /// A command: judged by its numbers and the client's allowance, and passed on.
    pub(super) fn command(
        &mut self,
        session: &mut Session,
        sequence: u32,
        request: u128,
        command: Option<WireCommand>,
    ) {
        let verdict = match command {
            _ if request == 0 => Err(RejectCode::RequestMissing),
            _ if sequence <= session.last_command => Err(RejectCode::SequenceReused),
            _ if self.draining => Err(RejectCode::Draining),
            _ if !session.spend_command() => Err(RejectCode::TooManyCommands),
            None => Err(RejectCode::UnknownCommand),
            Some(command) => Ok(command),
        };
        session.last_command = session.last_command.max(sequence);
        match verdict {
            Ok(WireCommand::Value(command)) => {
                self.value_command(session, sequence, RequestId(request), command);
            }
            Ok(WireCommand::Flight(command)) => {
                if !self.pass_on(session, sequence, request, command) {
                    self.reject(session, sequence, request, RejectCode::NotPresent);
                }
            }
            Err(code) => self.reject(session, sequence, request, code),
        }
    }

    /// A command is refused.
    pub(super) fn reject(
        &mut self,
        session: &mut Session,
        sequence: u32,
        request: u128,
        code: RejectCode,
    ) {
        self.metrics.rejected(code);
        let tick = self.tick;
        self.tell_in_order(
            session,
            ServerMessage::CommandResult {
                sequence,
                request,
                tick,
                reject: Some(code.into()),
                answer: ValueAnswer::default(),
            },
        );
    }

    /// A query: judged by the client's allowance, and passed on.
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
    pub(super) fn answer_query(
        &mut self,
        session: &mut Session,
        sequence: u32,
        reject: Option<RejectCode>,
    ) {
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
