//! The reader: a thread that reads what shards ask for from the store, because shards never wait
//! for the disk.

use std::thread::JoinHandle;

use anyhow::Context as _;
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use orrery_base::value::query::{ItemPlace, ValueQuery, ValueView};
use orrery_base::{CharacterId, ShardIndex};
use orrery_services::custody::{Account, PartitionIndex};
use orrery_services::economy::{Desk, Read, Rules, query};
use orrery_services::rows::RowError;
use orrery_storage::Store;

use crate::shard::{Asker, View};

/// Questions of clients that may wait; further ones are answered with nothing.
const QUESTIONS_MAX: usize = 4_096;

/// What a shard asks for.
#[derive(Debug)]
pub enum Job {
    /// An account, for a partition of a shard.
    Account(ShardIndex, PartitionIndex, Account),
    /// What a character's client wants to see.
    Question(Question),
}

/// What a client wants to see.
#[derive(Debug)]
pub struct Question {
    /// The shard of the client.
    pub shard: ShardIndex,
    /// Whose question.
    pub asker: Asker,
    /// The character.
    pub character: CharacterId,
    /// Where it is docked.
    pub desk: Option<Desk>,
    /// What.
    pub query: ValueQuery,
}

/// What a shard is given.
#[derive(Debug)]
pub enum Reply {
    /// An account.
    Account(PartitionIndex, Box<Read>),
    /// The answer to a question.
    View(View),
    /// The store is bad: the host has to stop.
    Failed(String),
}

/// A shard's end.
#[derive(Clone, Debug)]
pub struct Port {
    accounts: Sender<Job>,
    questions: Sender<Job>,
    replies: Receiver<Reply>,
}

impl Port {
    /// Asks. Accounts are always taken in: partitions bound them. Returns whether it was taken in.
    pub fn ask(&self, job: Job) -> bool {
        match job {
            // A reader that is gone is a host that ends.
            Job::Account(..) => self.accounts.send(job).is_ok(),
            Job::Question(_) => self.questions.try_send(job).is_ok(),
        }
    }

    /// The next reply, if there is one.
    #[must_use]
    pub fn poll(&self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }
}

/// Starts the reader for so many shards. It ends when all ports are gone.
///
/// # Errors
/// If the thread cannot be started.
pub fn start(
    store: Store,
    rules: std::sync::Arc<Rules>,
    shards: u16,
) -> anyhow::Result<(Vec<Port>, JoinHandle<()>)> {
    let (accounts, waiting) = unbounded();
    let (questions, asked) = bounded(QUESTIONS_MAX);
    let mut replies = Vec::new();
    let ports = (0..shards)
        .map(|_| {
            let (sender, receiver) = unbounded();
            replies.push(sender);
            Port {
                accounts: accounts.clone(),
                questions: questions.clone(),
                replies: receiver,
            }
        })
        .collect();
    drop((accounts, questions));
    let thread = std::thread::Builder::new()
        .name("orrery-reader".into())
        .spawn(move || read_all(&store, &rules, (&waiting, &asked), &replies))
        .context("start the reader")?;
    Ok((ports, thread))
}

fn read_all(
    store: &Store,
    rules: &Rules,
    (accounts, questions): (&Receiver<Job>, &Receiver<Job>),
    replies: &[Sender<Reply>],
) {
    loop {
        // Accounts first: beats wait for them.
        let job = crossbeam::channel::select_biased! {
            recv(accounts) -> job => job,
            recv(questions) -> job => job,
        };
        let Ok(job) = job else {
            return;
        };
        let (shard, reply) = match job {
            Job::Account(shard, partition, account) => {
                let read = Read::from(store, rules, partition, account);
                let reply = read.map(|read| Reply::Account(partition, Box::new(read)));
                (shard, reply)
            }
            Job::Question(question) => {
                let asker = question.asker;
                let view = match view(store, rules, &question) {
                    Err(RowError::Read(error)) => Err(RowError::Read(error)),
                    Ok(view) => Ok(view),
                    // A damaged row of somebody's past ends nobody's game: the audit finds it.
                    Err(error) => {
                        tracing::error!(%error, "a question cannot be answered");
                        Ok(None)
                    }
                };
                let reply = view.map(|view| Reply::View(View { asker, view }));
                (question.shard, reply)
            }
        };
        let reply = reply.unwrap_or_else(|error| Reply::Failed(error.to_string()));
        // A shard that is gone needs no reply.
        let _ = replies[usize::from(shard.0)].send(reply);
    }
}

/// What a client gets to see; none: nothing, because of where it is.
fn view(store: &Store, rules: &Rules, question: &Question) -> Result<Option<ValueView>, RowError> {
    let character = question.character;
    let partitions = rules.partitions;
    let view = match &question.query {
        ValueQuery::Wallet {
            before,
            limit,
            reason,
        } => query::wallet_view(store, partitions, character, *before, *limit, *reason)?,
        ValueQuery::Inventory { place, after } => {
            let account = match (place, question.desk) {
                (ItemPlace::HangarAt(station), _) => Account::hangar(character, *station),
                (ItemPlace::Here(place), Some(desk)) => desk.account(character, *place),
                (ItemPlace::Here(_), None) => return Ok(None),
            };
            query::inventory_view(store, partitions, account, *after, None)?
        }
        ValueQuery::MyOrders { after } => query::orders_view(store, partitions, character, *after)?,
        ValueQuery::History {
            type_id,
            before_day,
        } => {
            let region = question
                .desk
                .and_then(|desk| rules.regions.region_of(desk.system));
            let Some(region) = region else {
                return Ok(None);
            };
            query::history_view(store, partitions, region, *type_id, *before_day)?
        }
        ValueQuery::Trade { trade } => {
            return query::trade_view(store, partitions, character, *trade);
        }
        // A book is looked at where it is kept.
        ValueQuery::Book { .. } => return Ok(None),
    };
    Ok(Some(view))
}
