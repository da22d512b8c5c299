//! The economy of a shard: its partitions, what comes for them, and what they have for clients.
//!
//! ```text
//! edge     commands of clients, and where these are docked ─▶ shard of the character's partition
//! beat     what partitions have said in the last beat is delivered → step → rows into the batch
//! reader   accounts that are not in memory are read by a thread of the host
//! news     answers and events ─▶ every edge, which keeps those of its own clients
//! ```
//!
//! **Invariant:** what a partition says in beat T is delivered in beat T + 1, wherever the
//! receiver is: a shard begins a beat when all have ended the one before, and what is early waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use orrery_base::value::RequestId;
use orrery_base::{CharacterId, EntityId, ShardIndex, Tick};
use orrery_proto::message::ServerMessage;
use orrery_services::WallTime;
use orrery_services::custody::{Outcome, PartitionIndex, home_of};
use orrery_services::economy::{Claimed, Command, Message, Rules, Share};
use orrery_services::market::{Book, RegionId};
use orrery_services::rows::RowError;
use orrery_storage::{Batch, Domain, Operation};

use super::links::Links;
use super::packet::Packet;
use crate::host::reader::{Job, Port, Reply};
use crate::metrics::ShardMetrics;

/// What shards say to each other about value.
#[derive(Debug)]
pub enum ValuePacket {
    /// A character has come: its wallet will be needed.
    Arrival(CharacterId),
    /// Where a character is docked; none: in space, or its client has left.
    Presence(CharacterId, Option<EntityId>),
    /// A client's command, for the shard of the character's partition.
    Command(Command),
    /// From a partition of the sender to one of the receiver, due in the next beat.
    Message(PartitionIndex, PartitionIndex, Message),
    /// What a grid of the sender has claimed, for the shard of the claim's home; carried out in
    /// the next beat at the earliest, because its row is in this one's batch.
    Claim(Claimed),
    /// A question about a book, for the shard of its region.
    Book(BookQuestion),
    /// For every edge.
    News(Arc<News>),
    /// A question's answer, for the shard that has asked.
    View(View),
}

/// Who wants to know what is in a book.
#[derive(Clone, Copy, Debug)]
pub struct BookQuestion {
    /// The shard of the client.
    pub shard: ShardIndex,
    /// Whose question.
    pub asker: Asker,
    /// Where.
    pub region: RegionId,
    /// What.
    pub type_id: orrery_base::TypeId,
    /// Most orders of a side.
    pub limit: usize,
}

/// Whose question it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The client.
    pub client: orrery_base::ClientId,
    /// The question's number.
    pub sequence: u32,
}

/// The answer to a question; none: there is nothing to be seen.
#[derive(Debug)]
pub struct View {
    /// Whose question it was.
    pub asker: Asker,
    /// The answer.
    pub view: Option<orrery_base::value::query::ValueView>,
}

/// What a beat of a shard's economy has for clients, durable with that beat.
#[derive(Debug)]
pub struct News {
    /// The host's beat.
    pub tick: Tick,
    /// Outcomes of requests.
    pub answers: Vec<(CharacterId, RequestId, Outcome)>,
    /// What characters are told.
    pub events: Vec<(CharacterId, ServerMessage)>,
}

/// The economy of one shard.
pub struct ShardEconomy {
    shard: ShardIndex,
    shards: u16,
    share: Share,
    rules: Arc<Rules>,
    port: Port,
    /// What partitions have said, by the beat in which it is due.
    messages: BTreeMap<Tick, Vec<(PartitionIndex, PartitionIndex, Message)>>,
    /// What grids have claimed, by the beat in which it is due.
    claims: BTreeMap<Tick, Vec<Claimed>>,
    questions: Vec<BookQuestion>,
}

impl ShardEconomy {
    /// The economy of a shard; `share` has its partitions.
    #[must_use]
    pub fn new(
        (shard, shards): (ShardIndex, u16),
        share: Share,
        rules: Arc<Rules>,
        port: Port,
    ) -> Self {
        Self {
            shard,
            shards,
            rules,
            port,
            messages: BTreeMap::new(),
            claims: BTreeMap::new(),
            questions: Vec::new(),
            share,
        }
    }

    /// The rules, for edges.
    #[must_use]
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The reader's port, for questions.
    #[must_use]
    pub const fn port(&self) -> &Port {
        &self.port
    }

    /// Which shard runs a partition.
    #[must_use]
    pub const fn shard_of(&self, partition: PartitionIndex) -> ShardIndex {
        ShardIndex(partition.0 % self.shards)
    }

    /// Which shard runs a character's partition.
    #[must_use]
    pub fn home_of(&self, character: CharacterId) -> ShardIndex {
        self.shard_of(Share::home(character, &self.rules))
    }

    /// Hands what this shard's grids have claimed in this beat to who carries it out.
    ///
    /// # Errors
    /// [`RowError`] when a grid has written a claim that cannot be read: a bug.
    pub fn forward_claims(&self, batch: &Batch, links: &mut Links) -> Result<(), RowError> {
        for operation in batch.iter() {
            if let Operation::Put { domain, key, value } = operation
                && domain == Domain::Outbox
                && let Some(claimed) = Claimed::read(key, value)?
            {
                let home = home_of(claimed.claim.home(), self.rules.partitions);
                let packet = Packet::Value(Box::new(ValuePacket::Claim(claimed)));
                links.send(self.shard_of(home), packet);
            }
        }
        Ok(())
    }

    /// Which shard runs a region's market.
    #[must_use]
    pub fn market_of(&self, region: RegionId) -> ShardIndex {
        self.shard_of(home_of(u64::from(region.0), self.rules.partitions))
    }

    /// Sends what was on its way before a restart.
    pub fn resend(&self, links: &mut Links) {
        for (from, to, message) in self.share.resend() {
            let packet = ValuePacket::Message(from, to, message);
            links.send(self.shard_of(to), Packet::Value(Box::new(packet)));
        }
    }

    /// Takes in what a shard has sent in its beat `beat`. Returns what is for the edge.
    pub fn take(&mut self, beat: Tick, packet: ValuePacket) -> Option<ValuePacket> {
        match packet {
            ValuePacket::Arrival(character) => self.share.take_arrival(character, &self.rules),
            ValuePacket::Presence(character, station) => {
                self.share.take_presence(character, station, &self.rules);
            }
            ValuePacket::Command(command) => self.share.take_command(command, &self.rules),
            ValuePacket::Message(from, to, message) => {
                let due = self.messages.entry(beat.next()).or_default();
                due.push((from, to, message));
            }
            ValuePacket::Claim(claimed) => {
                self.claims.entry(beat.next()).or_default().push(claimed);
            }
            ValuePacket::Book(question) => self.questions.push(question),
            ValuePacket::News(_) | ValuePacket::View(_) => return Some(packet),
        }
        None
    }

    /// Takes in what was read. Returns answers to questions.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub fn take_read(&mut self) -> Result<Vec<View>, String> {
        let mut views = Vec::new();
        while let Some(reply) = self.port.poll() {
            match reply {
                Reply::Account(partition, read) => self.share.take_account(partition, *read),
                Reply::View(view) => views.push(view),
                Reply::Failed(reason) => return Err(reason),
            }
        }
        Ok(views)
    }

    /// Does the work of a beat: rows into the beat's batch, messages and news over the links.
    pub fn beat(
        &mut self,
        tick: Tick,
        durable: Tick,
        batch: &mut Batch,
        links: &mut Links,
        metrics: &ShardMetrics,
    ) {
        while let Some(entry) = self.messages.first_entry()
            && *entry.key() <= tick
        {
            for (from, to, message) in entry.remove() {
                self.share.take_message(from, to, message);
            }
        }
        while let Some(entry) = self.claims.first_entry()
            && *entry.key() <= tick
        {
            for claimed in entry.remove() {
                self.share.take_claim(claimed, &self.rules);
            }
        }
        let out = self.share.beat(tick, wall_time(), durable, &self.rules);
        batch.append(&out.batch);
        metrics.value_answers.add(out.answers.len() as u64);
        for (from, to, message) in out.messages {
            let packet = ValuePacket::Message(from, to, message);
            links.send(self.shard_of(to), Packet::Value(Box::new(packet)));
        }
        for (partition, account) in out.loads {
            self.port.ask(Job::Account(self.shard, partition, account));
        }
        if !out.answers.is_empty() || !out.events.is_empty() {
            let news = Arc::new(News {
                tick,
                answers: out.answers,
                events: out.events,
            });
            links.send_to_all(|| Packet::Value(Box::new(ValuePacket::News(Arc::clone(&news)))));
        }
        for question in std::mem::take(&mut self.questions) {
            let view = ValuePacket::View(View {
                asker: question.asker,
                view: self
                    .book(question.region)
                    .map(|book| book_view(book, &question)),
            });
            links.send(question.shard, Packet::Value(Box::new(view)));
        }
    }

    fn book(&self, region: RegionId) -> Option<&Book> {
        let home = home_of(u64::from(region.0), self.rules.partitions);
        self.share.partition(home)?.book(region)
    }
}

fn book_view(book: &Book, question: &BookQuestion) -> orrery_base::value::query::ValueView {
    use orrery_base::value::query::{BookRow, ValueView};
    use orrery_services::market::Side;
    let rows = |side| {
        let listed = book.listed(question.type_id, side).take(question.limit);
        let row = |order: &orrery_services::market::Order| BookRow {
            order: order.id,
            price: order.price,
            quantity: order.quantity,
            minimum: order.minimum,
            station: order.station,
            range: Some(order.range),
            expires_unix_ms: order.expires.0,
        };
        listed.map(row).collect()
    };
    ValueView::Book {
        type_id: question.type_id,
        sells: rows(Side::Sell),
        buys: rows(Side::Buy),
    }
}

/// The time of day. Nothing of the simulation knows it; orders expire by it.
fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    WallTime(since.map_or(0, |since| since.as_millis() as u64))
}
