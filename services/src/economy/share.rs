//! The partitions of one shard.

use std::collections::BTreeMap;

use orrery_base::value::RequestId;
use orrery_base::{CharacterId, EntityId, Tick};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Batch, Rows};

use super::claims::{self, ClaimId};
use super::rules::Rules;
use super::{Claimed, Command, Input, Output, Partition, Read};
use crate::WallTime;
use crate::custody::{Account, Outcome, Parcel, PartitionIndex, home_of};
use crate::rows::RowError;

/// What one partition says to another; due in the beat after the one in which it was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// A parcel.
    Parcel(Parcel),
    /// Everything up to this number has arrived.
    Acknowledged(u64),
}

/// What becomes of a beat.
#[derive(Debug, Default)]
pub struct ShareOutput {
    /// Rows, for the beat's commit.
    pub batch: Batch,
    /// From which partition, to which, what.
    pub messages: Vec<(PartitionIndex, PartitionIndex, Message)>,
    /// Answers, to be released when the beat is durable.
    pub answers: Vec<(CharacterId, RequestId, Outcome)>,
    /// What characters are to be told, when the beat is durable.
    pub events: Vec<(CharacterId, ServerMessage)>,
    /// Accounts to be read, and for which partition.
    pub loads: Vec<(PartitionIndex, Account)>,
}

/// In which order inputs are handled, whatever order they came in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Account(Account),
    Acknowledged(PartitionIndex, u64),
    Parcel(PartitionIndex, u64),
    Claim(ClaimId),
    /// By character; of one character in the order of arrival.
    Command(CharacterId, u64),
}

/// The partitions of one shard, and what has come for them.
///
/// Which partitions these are changes nothing in what any of them does.
#[derive(Debug)]
pub struct Share {
    partitions: BTreeMap<PartitionIndex, Partition>,
    inbox: BTreeMap<PartitionIndex, Vec<(Rank, Input)>>,
    /// Commands so far.
    commands: u64,
    inputs: Vec<Input>,
}

impl Share {
    /// Reads the partitions of one of `shards` shards: every partition has one.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn load(
        rows: &impl Rows,
        rules: &Rules,
        (shard, shards): (u16, u16),
        tick: Tick,
        seed: u64,
    ) -> Result<Self, RowError> {
        let own = (0..rules.partitions).filter(|partition| partition % shards == shard);
        let partitions = own
            .map(PartitionIndex)
            .map(|index| Ok((index, Partition::load(rows, index, rules, tick, seed)?)))
            .collect::<Result<_, RowError>>()?;
        let mut share = Self {
            partitions,
            inbox: BTreeMap::new(),
            commands: 0,
            inputs: Vec::new(),
        };
        for claimed in claims::pending(rows)? {
            let home = home_of(claimed.claim.home(), rules.partitions);
            if share.partitions.contains_key(&home) {
                share.take_claim(claimed, rules);
            }
        }
        Ok(share)
    }

    /// The partition of a character.
    #[must_use]
    pub const fn home(character: CharacterId, rules: &Rules) -> PartitionIndex {
        home_of(character.0, rules.partitions)
    }

    /// What was sent before a restart and is not acknowledged: to be delivered for the first beat.
    #[must_use]
    pub fn resend(&self) -> Vec<(PartitionIndex, PartitionIndex, Message)> {
        let all = self.partitions.values().flat_map(|partition| {
            let from = partition.index();
            let parcels = partition.resend();
            parcels.map(move |(to, parcel)| (from, to, Message::Parcel(parcel)))
        });
        all.collect()
    }

    /// The partitions.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.values()
    }

    /// A partition of this shard.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Partition> {
        self.partitions.get(&index)
    }

    /// Takes in that a character has logged in.
    pub fn take_arrival(&mut self, character: CharacterId, rules: &Rules) {
        let home = Self::home(character, rules);
        let rank = Rank::Command(character, self.commands);
        self.commands += 1;
        self.put(home, rank, Input::Arrival(character));
    }

    /// Takes in what a grid claimed in the beat before the next one.
    pub fn take_claim(&mut self, claimed: Claimed, rules: &Rules) {
        let home = home_of(claimed.claim.home(), rules.partitions);
        self.put(home, Rank::Claim(claimed.id), Input::Claim(claimed));
    }

    /// Takes in where a character is docked; none: in space, or not connected.
    pub fn take_presence(
        &mut self,
        character: CharacterId,
        station: Option<EntityId>,
        rules: &Rules,
    ) {
        let home = Self::home(character, rules);
        let rank = Rank::Command(character, self.commands);
        self.commands += 1;
        self.put(home, rank, Input::Presence(character, station));
    }

    /// Takes in a command for the next beat.
    pub fn take_command(&mut self, command: Command, rules: &Rules) {
        let home = Self::home(command.actor, rules);
        let rank = Rank::Command(command.actor, self.commands);
        self.commands += 1;
        self.put(home, rank, Input::Command(command));
    }

    /// Takes in what a partition said in the beat before the next one.
    pub fn take_message(&mut self, from: PartitionIndex, to: PartitionIndex, message: Message) {
        let (rank, input) = match message {
            Message::Parcel(parcel) => (
                Rank::Parcel(from, parcel.number),
                Input::Parcel(from, parcel),
            ),
            Message::Acknowledged(number) => (
                Rank::Acknowledged(from, number),
                Input::Acknowledged(from, number),
            ),
        };
        self.put(to, rank, input);
    }

    /// Takes in an account that was read.
    pub fn take_account(&mut self, to: PartitionIndex, read: Read) {
        let rank = Rank::Account(read.stored.account);
        self.put(to, rank, Input::Account(read));
    }

    fn put(&mut self, to: PartitionIndex, rank: Rank, input: Input) {
        self.inbox.entry(to).or_default().push((rank, input));
    }

    /// Does the work of a beat. `durable` is the newest beat whose rows can be read from the
    /// store.
    ///
    /// # Panics
    /// When something came for a partition of another shard, or the beat is not a later one.
    pub fn beat(&mut self, tick: Tick, now: WallTime, durable: Tick, rules: &Rules) -> ShareOutput {
        let mut all = ShareOutput::default();
        let mut out = Output::default();
        for (index, partition) in &mut self.partitions {
            if let Some(waiting) = self.inbox.get_mut(index) {
                waiting.sort_unstable_by_key(|(rank, _)| *rank);
                self.inputs
                    .extend(waiting.drain(..).map(|(_, input)| input));
            }
            partition.step(tick, now, durable, rules, &mut self.inputs, &mut out);
            assert!(self.inputs.is_empty(), "a step takes all its inputs");
            all.batch.append(&out.batch);
            out.batch.clear();
            let parcels = out.parcels.drain(..);
            all.messages
                .extend(parcels.map(|(to, parcel)| (*index, to, Message::Parcel(parcel))));
            let done = out.acknowledgements.drain(..);
            all.messages
                .extend(done.map(|(to, number)| (*index, to, Message::Acknowledged(number))));
            all.answers.append(&mut out.answers);
            all.events.append(&mut out.events);
            let loads = out.loads.drain(..);
            all.loads.extend(loads.map(|account| (*index, account)));
        }
        let strays = self.inbox.values().any(|waiting| !waiting.is_empty());
        assert!(!strays, "something came for a partition of another shard");
        all
    }
}
