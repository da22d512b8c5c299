//! Traders who lie: they send the same request again, on the same connection and on a second one,
//! after a crash too; in another order; and they have the same thing done in two ways at once.
//!
//! What a trader decides follows from its seed and from what it hears. It keeps a request until it
//! has heard the answer, through all lives of the server, and sends it again in each of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orrery_base::money::Money;
use orrery_base::rng::Rng;
use orrery_base::value::query::{ItemPlace, ValueQuery, ValueView};
use orrery_base::value::{ItemId, Place, RequestId, ValueCommand};
use orrery_base::{CharacterId, EntityId, Tick};
use orrery_client::connection::Socket;
use orrery_client::player::{Heard, Player, Ticket};
use orrery_proto::message::ServerMessage;
use tokio::time::Instant;

use super::log::{Log, is_of_the_door};
use super::wish::{Knows, wish};

/// Between two rounds of a trader.
const ROUND: Duration = Duration::from_millis(50);
/// An answer that takes longer is asked for again.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two looks at what there is.
const LOOK: Duration = Duration::from_millis(700);
/// Requests without an answer that a trader may have.
const PENDING_MAX: usize = 24;
/// Answered requests that are kept to be sent once more.
const DONE_MAX: usize = 64;
/// What [`Rng`] draws are for.
const LIES: u32 = 2;

/// The log that all traders write.
pub(super) type Shared = Arc<Mutex<Log>>;

/// A request without an answer.
#[derive(Clone, Debug)]
struct Pending {
    request: RequestId,
    command: ValueCommand,
    /// When it was sent last in this life.
    sent: Option<Instant>,
}

/// One trader, for all lives of the server.
#[derive(Clone, Debug)]
pub(super) struct Trader {
    pub(super) character: CharacterId,
    rng: Rng,
    pending: Vec<Pending>,
    done: VecDeque<(RequestId, ValueCommand)>,
    knows: Knows,
}

/// A trader in one life of the server.
pub(super) struct Visit {
    pub(super) trader: Trader,
    pub(super) tickets: Vec<Ticket>,
    pub(super) log: Shared,
    pub(super) stop: Arc<AtomicBool>,
    /// Nothing new is asked for: only what has no answer yet.
    pub(super) is_last: bool,
    /// The connections, the newest last: the server answers that one.
    players: Vec<Player>,
    /// Their numbers in this life.
    numbers: Vec<usize>,
    connected: usize,
    looked: Option<Instant>,
    rounds: u32,
    /// The round in which it comes once more.
    second_at: u32,
}

/// The server is dead.
#[derive(Debug)]
struct Over;

impl Trader {
    pub(super) fn new(seed: u64, number: u32) -> Self {
        Self {
            character: CharacterId::NONE,
            rng: Rng::new(seed, Tick(0), EntityId(number.into()), LIES),
            pending: Vec::new(),
            done: VecDeque::new(),
            knows: Knows::default(),
        }
    }

    /// Requests that wait for an answer.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whom there is to deal with, and what things are worth.
    pub(super) fn meet(
        &mut self,
        others: Vec<CharacterId>,
        prices: Vec<(orrery_base::TypeId, Money)>,
    ) {
        self.knows.others = others;
        self.knows.prices = prices;
    }

    /// An id of this moment; its random part is the trader's.
    fn new_request(&mut self) -> RequestId {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_ms = since.map_or(0, |since| since.as_millis() as u64);
        let random = u128::from(self.rng.next_u64()) << 64 | u128::from(self.rng.next_u64());
        RequestId::new(unix_ms, random)
    }

    fn heard(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::CommandResult {
                request,
                reject,
                answer,
                ..
            } => {
                let request = RequestId(*request);
                let code = reject.and_then(|reject| reject.code());
                let is_final = !code.is_some_and(is_of_the_door);
                let place = self.pending.iter().position(|it| it.request == request);
                let Some(place) = place else { return };
                if !is_final {
                    // Again later.
                    self.pending[place].sent = Some(Instant::now());
                    return;
                }
                let Pending { command, .. } = self.pending.swap_remove(place);
                if reject.is_none() {
                    self.knows.learn(&command, answer);
                }
                self.done.push_back((request, command));
                if self.done.len() > DONE_MAX {
                    self.done.pop_front();
                }
            }
            ServerMessage::OrderFilled { order, left: 0, .. }
            | ServerMessage::OrderEnded { order, .. } => {
                self.knows.orders.remove(order);
            }
            ServerMessage::QueryAnswer {
                view: Some(ValueView::Inventory { items, .. }),
                ..
            } => self.knows.items = items.clone(),
            _ => {}
        }
    }
}

impl Visit {
    pub(super) fn new(
        trader: Trader,
        tickets: Vec<Ticket>,
        log: Shared,
        stop: Arc<AtomicBool>,
        is_last: bool,
    ) -> Self {
        let mut trader = trader;
        for pending in &mut trader.pending {
            pending.sent = None;
        }
        let second_at = trader.rng.below(40);
        Self {
            trader,
            tickets,
            log,
            stop,
            is_last,
            players: Vec::new(),
            numbers: Vec::new(),
            connected: 0,
            looked: None,
            rounds: 0,
            second_at,
        }
    }

    /// One life of the server; ends with the server, or with `stop`.
    pub(super) async fn stay(&mut self) {
        // Whatever ends it, the answers that are missing are asked for in the next life.
        if self.connect().await.is_ok() {
            while !self.is_over() && self.round().await.is_ok() {}
        }
        self.players.clear();
    }

    fn is_over(&self) -> bool {
        let is_done = self.is_last && self.trader.pending.is_empty();
        is_done || self.stop.load(Ordering::Acquire)
    }

    async fn connect(&mut self) -> Result<(), Over> {
        let ticket = self.tickets.pop().ok_or(Over)?;
        let socket = Socket::towards(ticket.address, ticket.fingerprint, Player::alpn());
        let socket = socket.map_err(|_| Over)?;
        let connect = Box::pin(Player::connect(&socket, &ticket, "orrery-trader"));
        let player = tokio::select! {
            player = connect => player.map_err(|_| Over)?,
            () = over(&self.stop) => return Err(Over),
        };
        self.trader.character = player.situation.character;
        self.players.push(player);
        self.numbers.push(self.connected);
        self.connected += 1;
        Ok(())
    }

    /// Sends what is to be sent, then listens for a while.
    async fn round(&mut self) -> Result<(), Over> {
        self.rounds += 1;
        let is_alone = self.players.len() == 1 && !self.tickets.is_empty();
        if self.rounds >= self.second_at && is_alone && !self.is_last {
            // It takes over, also while answers are on their way to the one before.
            self.second_at = self.rounds + 5 + self.trader.rng.below(20);
            self.connect().await?;
        }
        self.look().await?;
        self.ask_again().await?;
        if !self.is_last && self.trader.pending.len() < PENDING_MAX {
            self.ask().await?;
        }
        self.listen(ROUND).await
    }

    async fn look(&mut self) -> Result<(), Over> {
        if self.is_last || self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let place = match self.trader.rng.below(5) {
            0 => Place::Cargo,
            _ => Place::Hangar,
        };
        self.trader.knows.place = Some(place);
        let query = ValueQuery::Inventory {
            place: ItemPlace::Here(place),
            after: ItemId::NONE,
        };
        let newest = self.players.last_mut().ok_or(Over)?;
        newest.query(query).await.map(|_| ()).map_err(|_| Over)
    }

    /// What has no answer is sent again, in any order.
    async fn ask_again(&mut self) -> Result<(), Over> {
        let late = self.trader.pending.iter();
        let late = late.filter(|it| it.sent.is_none_or(|at| at.elapsed() > PATIENCE));
        let mut late: Vec<_> = late.map(|it| (it.request, it.command.clone())).collect();
        shuffle(&mut self.trader.rng, &mut late);
        for (request, command) in late {
            let newest = self.players.len() - 1;
            self.send(newest, request, &command).await?;
            // Nobody can be sure to have been heard.
            if self.trader.rng.below(4) == 0 {
                self.send(newest, request, &command).await?;
            }
        }
        Ok(())
    }

    /// New requests, and lies about them.
    async fn ask(&mut self) -> Result<(), Over> {
        let wishes = 1 + self.trader.rng.below(3);
        let mut batch = Vec::new();
        for _ in 0..wishes {
            let race = self.trader.rng.below(8) == 0;
            let trader = &mut self.trader;
            let Some(first) = wish(&mut trader.knows, &mut trader.rng) else {
                continue;
            };
            if race && let Some(other) = rival(&first, &mut trader.rng) {
                batch.push((trader.new_request(), other));
            }
            batch.push((trader.new_request(), first));
        }
        for (request, command) in &batch {
            self.trader.pending.push(Pending {
                request: *request,
                command: command.clone(),
                sent: None,
            });
        }
        shuffle(&mut self.trader.rng, &mut batch);
        for (request, command) in batch {
            let connection = self.trader.rng.below(self.players.len() as u32) as usize;
            self.send(connection, request, &command).await?;
            match self.trader.rng.below(10) {
                0 => self.send(connection, request, &command).await?,
                1 => self.send(self.players.len() - 1, request, &command).await?,
                _ => {}
            }
        }
        if self.trader.rng.below(4) == 0 && !self.trader.done.is_empty() {
            let which = self.trader.rng.below(self.trader.done.len() as u32) as usize;
            let (request, mut command) = self.trader.done[which].clone();
            if self.trader.rng.below(3) == 0 {
                // The id counts, whatever is asked under it.
                let trader = &mut self.trader;
                command = wish(&mut trader.knows, &mut trader.rng).unwrap_or(command);
            }
            self.send(self.players.len() - 1, request, &command).await?;
        }
        Ok(())
    }

    async fn send(
        &mut self,
        connection: usize,
        request: RequestId,
        command: &ValueCommand,
    ) -> Result<(), Over> {
        let connection = connection.min(self.players.len().saturating_sub(1));
        let number = self.numbers.get(connection).copied().ok_or(Over)?;
        let who = (self.trader.character, number);
        self.log().sent(who, request, command);
        let mut pending = self.trader.pending.iter_mut();
        if let Some(pending) = pending.find(|it| it.request == request) {
            pending.sent = Some(Instant::now());
        }
        let player = self.players.get_mut(connection).ok_or(Over)?;
        if player.value_again(request, command.clone()).await.is_err() {
            self.gone(connection)?;
        }
        Ok(())
    }

    /// A connection has ended: the server, or a newer connection has taken over.
    fn gone(&mut self, connection: usize) -> Result<(), Over> {
        if connection + 1 == self.players.len() {
            return Err(Over);
        }
        self.players.remove(connection);
        self.numbers.remove(connection);
        Ok(())
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(&mut self, time: Duration) -> Result<(), Over> {
        let until = Instant::now() + time;
        loop {
            let (connection, heard) = match &mut self.players[..] {
                [only] => tokio::select! {
                    heard = only.next() => (0, heard),
                    () = tokio::time::sleep_until(until) => return Ok(()),
                },
                [first, second, ..] => tokio::select! {
                    heard = first.next() => (0, heard),
                    heard = second.next() => (1, heard),
                    () = tokio::time::sleep_until(until) => return Ok(()),
                },
                [] => return Err(Over),
            };
            match heard {
                Ok(Heard::Message(message)) => {
                    let who = (self.trader.character, self.numbers[connection]);
                    self.log().heard(who, &message);
                    self.trader.heard(&message);
                }
                Ok(_) => {}
                Err(_) => self.gone(connection)?,
            }
        }
    }
}

/// Something else about the same thing: of the two only one can be done, or both in one order.
fn rival(command: &ValueCommand, rng: &mut Rng) -> Option<ValueCommand> {
    let (item, quantity) = match *command {
        ValueCommand::Sell { item, quantity, .. }
        | ValueCommand::Move { item, quantity, .. }
        | ValueCommand::Split { item, quantity } => (item, quantity),
        ValueCommand::Stack { from, .. } => (from, 1),
        ValueCommand::CancelOrder { .. } | ValueCommand::Assemble { .. } => {
            return Some(command.clone());
        }
        _ => return None,
    };
    Some(match rng.below(8) {
        0 => ValueCommand::Trash { item, quantity: 1 },
        1 | 2 => ValueCommand::Split { item, quantity },
        3 | 4 => ValueCommand::Move {
            item,
            quantity,
            to: Place::Cargo,
        },
        _ => command.clone(),
    })
}

fn shuffle<T>(rng: &mut Rng, list: &mut [T]) {
    for last in (1..list.len()).rev() {
        list.swap(last, rng.below(last as u32 + 1) as usize);
    }
}

pub(super) async fn over(stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
