//! Clients' commands and questions about value, and what they hear of them.

use std::sync::Arc;

use orrery_base::command::RejectCode;
use orrery_base::value::query::{BOOK_SIDE_MAX, ValueQuery};
use orrery_base::value::{RequestId, ValueAnswer, ValueCommand};
use orrery_base::{CharacterId, EntityId};
use orrery_proto::message::ServerMessage;
use orrery_services::economy::Command;

use super::clients::Clients;
use super::economy::{Asker, BookQuestion, News, ShardEconomy, ValuePacket, View};
use super::session::Session;
use crate::host::reader::{Job, Question};

/// Requests of one client that may wait for their answers.
const ASKED_MAX: usize = 256;

/// What a client asks of the economy.
#[derive(Debug)]
pub(super) enum ValueAsked {
    /// A character has come.
    Arrival(CharacterId),
    /// Where a character is docked.
    Presence(CharacterId, Option<EntityId>),
    /// A command.
    Command(Command),
    /// A question; its shard is set on the way.
    Question(Question),
}

impl Clients {
    /// A session plays a character from now on, who is docked in a station or in space.
    pub(super) fn arrive(
        &mut self,
        session: &mut Session,
        character: CharacterId,
        docked: Option<EntityId>,
    ) {
        self.asked.push(ValueAsked::Arrival(character));
        session.station = docked;
        self.tell_presence(session);
    }

    /// A session's client is gone; another one may play the character by now.
    pub(super) fn depart(&mut self, session: &mut Session) {
        let character = session.identity.as_ref().map(|identity| identity.character);
        let playing = character.and_then(|character| self.by_character.get(&character));
        session.station = None;
        if playing == Some(&session.connection.index) {
            self.tell_presence(session);
        }
    }

    /// Tells the economy where a session's character is docked, if it does not know: who is not
    /// there any more trades with nobody.
    pub(super) fn tell_presence(&mut self, session: &mut Session) {
        let Some(identity) = &session.identity else {
            return;
        };
        if session.present_in != session.station {
            session.present_in = session.station;
            let presence = ValueAsked::Presence(identity.character, session.station);
            self.asked.push(presence);
        }
    }

    /// A command about items or money: it goes to the character's partition, and is answered when
    /// what it has done is durable.
    pub(super) fn value_command(
        &mut self,
        session: &mut Session,
        sequence: u32,
        request: RequestId,
        command: ValueCommand,
    ) {
        let Some(identity) = &session.identity else {
            return self.reject(session, sequence, request.0, RejectCode::NotPresent);
        };
        let actor = identity.character;
        if session.asked.len() >= ASKED_MAX {
            return self.reject(session, sequence, request.0, RejectCode::TooManyCommands);
        }
        session.asked.entry(request).or_default().push(sequence);
        let desk = session.desk();
        self.asked.push(ValueAsked::Command(Command {
            actor,
            request,
            desk,
            command,
        }));
    }

    /// A question about items or money.
    pub(super) fn value_query(&mut self, session: &mut Session, sequence: u32, query: &ValueQuery) {
        let Some(identity) = &session.identity else {
            return self.answer_query(session, sequence, Some(RejectCode::NotPresent));
        };
        self.asked.push(ValueAsked::Question(Question {
            shard: self.shard,
            asker: Asker {
                client: identity.client,
                sequence,
            },
            character: identity.character,
            desk: session.desk(),
            query: query.clone(),
        }));
    }

    /// Passes on what clients have asked; what cannot be is answered with nothing.
    pub(super) fn pass_on_asked(
        &mut self,
        economy: &ShardEconomy,
        mut send: impl FnMut(orrery_base::ShardIndex, ValuePacket),
    ) {
        for asked in std::mem::take(&mut self.asked) {
            match asked {
                ValueAsked::Arrival(character) => {
                    send(economy.home_of(character), ValuePacket::Arrival(character));
                }
                ValueAsked::Presence(character, station) => {
                    let presence = ValuePacket::Presence(character, station);
                    send(economy.home_of(character), presence);
                }
                ValueAsked::Command(command) => {
                    send(
                        economy.home_of(command.actor),
                        ValuePacket::Command(command),
                    );
                }
                ValueAsked::Question(question) => {
                    let asker = question.asker;
                    let is_asked = match book_question(economy, &question) {
                        Some(book) => {
                            send(economy.market_of(book.region), ValuePacket::Book(book));
                            true
                        }
                        None => economy.port().ask(Job::Question(question)),
                    };
                    if !is_asked {
                        self.show(View { asker, view: None });
                    }
                }
            }
        }
    }

    /// Shows a client what it has asked for.
    pub(super) fn show(&mut self, View { asker, view }: View) {
        let Some(&index) = self.by_client.get(&asker.client) else {
            return;
        };
        self.with(index, |clients, session| {
            let message = ServerMessage::QueryAnswer {
                sequence: asker.sequence,
                last: true,
                view,
                reject: None,
            };
            clients.tell_in_order(session, message);
        });
    }

    /// Tells this edge's clients what a beat had for them, when that beat is durable.
    pub(super) fn hear(&mut self, news: &Arc<News>) {
        let tick = news.tick;
        for (character, event) in &news.events {
            self.with_character(*character, |_, session| {
                Self::tell_when_durable(session, tick, event.clone());
            });
        }
        for (character, request, outcome) in &news.answers {
            self.with_character(*character, |clients, session| {
                let waiting = session.asked.remove(request).unwrap_or_default();
                let (answer, reject) = match outcome {
                    Ok(answer) => (*answer, None),
                    Err(code) => {
                        clients.metrics.rejected(*code);
                        (ValueAnswer::default(), Some((*code).into()))
                    }
                };
                for sequence in waiting {
                    let result = ServerMessage::CommandResult {
                        sequence,
                        request: request.0,
                        tick,
                        reject,
                        answer,
                    };
                    Self::tell_when_durable(session, tick, result);
                }
            });
        }
    }

    fn with_character(
        &mut self,
        character: CharacterId,
        what: impl FnOnce(&mut Self, &mut Session),
    ) {
        if let Some(&index) = self.by_character.get(&character) {
            self.with(index, what);
        }
    }

    fn with(&mut self, index: u32, what: impl FnOnce(&mut Self, &mut Session)) {
        let connection = self.sessions[index as usize]
            .as_ref()
            .map(|session| session.connection);
        if let Some(connection) = connection {
            self.on(connection, |clients, session| {
                what(clients, session);
                Ok(())
            });
        }
    }
}

/// The question, if it is one about a book; elsewhere than at a desk there is none to be seen.
fn book_question(economy: &ShardEconomy, question: &Question) -> Option<BookQuestion> {
    let ValueQuery::Book { type_id, limit } = question.query else {
        return None;
    };
    let region = economy.rules().regions.region_of(question.desk?.system)?;
    let limit = match usize::from(limit) {
        0 => BOOK_SIDE_MAX,
        limit => limit.min(BOOK_SIDE_MAX),
    };
    Some(BookQuestion {
        shard: question.shard,
        asker: question.asker,
        region,
        type_id,
        limit,
    })
}
