//! Items, money, orders and trades: what a player may have done with them, and what there is.
//!
//! Events about value ([`ServerMessage::WalletChanged`] and its siblings) are heard as every
//! other message is, by [`Player::next`]. Whoever rather waits for one answer has
//! [`Player::result_of`] and [`Player::views_of`]: what is heard meanwhile stays, in order, for
//! [`Player::next`].
//!
//! A request that was sent and not answered before the connection was lost may or may not have
//! been carried out. Sent again with the same [`RequestId`], over any connection of the same
//! character, it has one effect and the same answer ([`Player::value_again`]).

use std::time::{SystemTime, UNIX_EPOCH};

use orrery_base::value::query::{ValueQuery, ValueView};
use orrery_base::value::{RequestId, ValueAnswer, ValueCommand};
use orrery_proto::message::{ClientMessage, Reject, ServerMessage};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Player, PlayerError};

/// A request that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentRequest {
    /// Of this connection; the result has it.
    pub sequence: u32,
    /// For ever; the result has it too, and with it the request can be sent again.
    pub request: RequestId,
}

impl Player {
    /// A new request's identity, of this moment.
    #[must_use]
    pub fn new_request(&mut self) -> RequestId {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_ms = since.map_or(0, |since| since.as_millis() as u64);
        let mut bytes = [0; 16];
        if SystemRandom::new().fill(&mut bytes).is_err() {
            // This connection's own counter has a random beginning.
            self.requests += 1;
            bytes = self.requests.to_le_bytes();
        }
        RequestId::new(unix_ms, u128::from_le_bytes(bytes))
    }

    /// Has something done with items or money; the result will be heard with the numbers that
    /// are returned.
    ///
    /// # Errors
    /// If the connection has ended. Whether the command was carried out is unknown then: ids for
    /// requests that must not be lost are better made with [`Player::new_request`], kept, and
    /// sent with [`Player::value_again`].
    pub async fn value(&mut self, command: ValueCommand) -> Result<SentRequest, PlayerError> {
        let request = self.new_request();
        self.value_again(request, command).await
    }

    /// Sends a command about value with an id that exists: for the first time, or again. The
    /// command must be the same each time.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn value_again(
        &mut self,
        request: RequestId,
        command: ValueCommand,
    ) -> Result<SentRequest, PlayerError> {
        self.commands += 1;
        let sequence = self.commands;
        self.say(&ClientMessage::Command {
            sequence,
            request: request.0,
            command: Some(command.into()),
        })
        .await?;
        Ok(SentRequest { sequence, request })
    }

    /// Asks what there is; the answer will be heard with the number that is returned.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn query(&mut self, query: ValueQuery) -> Result<u32, PlayerError> {
        self.queries += 1;
        let sequence = self.queries;
        let query = Some(query);
        self.say(&ClientMessage::Query { sequence, query }).await?;
        Ok(sequence)
    }

    /// Waits for the result of a command with this number. It may be a command about flight; its
    /// answer is empty then. What is heard meanwhile is kept for [`Player::next`], except for
    /// snapshots, which are applied. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`Player::next`].
    pub async fn result_of(
        &mut self,
        sequence: u32,
    ) -> Result<Result<ValueAnswer, Reject>, PlayerError> {
        let result = |message: &ServerMessage| match message {
            ServerMessage::CommandResult {
                sequence: of,
                reject,
                answer,
                ..
            } if *of == sequence => Some(reject.map_or(Ok(*answer), Err)),
            _ => None,
        };
        let (index, result) = self.find(&result).await?;
        self.ready.remove(index);
        Ok(result)
    }

    /// Waits for all parts of the answer to a query with this number. It is an empty list where
    /// the server has nothing to say. Otherwise as [`Player::result_of`].
    ///
    /// # Errors
    /// As [`Player::next`].
    pub async fn views_of(
        &mut self,
        sequence: u32,
    ) -> Result<Result<Vec<ValueView>, Reject>, PlayerError> {
        let end = |message: &ServerMessage| match message {
            ServerMessage::QueryAnswer {
                sequence: of,
                last,
                reject,
                ..
            } if *of == sequence => (*last || reject.is_some()).then_some(()),
            _ => None,
        };
        // Nothing is taken before everything is there: a future that is dropped has changed
        // nothing.
        self.find(&end).await?;
        let mut views = Vec::new();
        let mut refused = None;
        self.ready.retain_mut(|message| match message {
            ServerMessage::QueryAnswer {
                sequence: of,
                view,
                reject,
                ..
            } if *of == sequence => {
                views.extend(view.take());
                refused = refused.or(*reject);
                false
            }
            _ => true,
        });
        Ok(refused.map_or(Ok(views), Err))
    }

    /// Has something done with items or money, and waits for the result.
    ///
    /// # Errors
    /// As [`Player::next`].
    pub async fn have_done(
        &mut self,
        command: ValueCommand,
    ) -> Result<Result<ValueAnswer, Reject>, PlayerError> {
        let sent = self.value(command).await?;
        self.result_of(sent.sequence).await
    }

    /// Asks what there is, and waits for the answer.
    ///
    /// # Errors
    /// As [`Player::next`].
    pub async fn ask(
        &mut self,
        query: ValueQuery,
    ) -> Result<Result<Vec<ValueView>, Reject>, PlayerError> {
        let sequence = self.query(query).await?;
        self.views_of(sequence).await
    }

    /// Waits until something wanted is among the messages that are ready, and says where.
    /// Nothing is taken.
    async fn find<T>(
        &mut self,
        wanted: &impl Fn(&ServerMessage) -> Option<T>,
    ) -> Result<(usize, T), PlayerError> {
        let mut seen = 0;
        loop {
            for (index, message) in self.ready.iter().enumerate().skip(seen) {
                if let Some(found) = wanted(message) {
                    return Ok((index, found));
                }
            }
            seen = self.ready.len();
            self.wait().await?;
        }
    }
}
