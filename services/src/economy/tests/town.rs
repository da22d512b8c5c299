//! A town: all partitions over rows in memory, divided over some shards, without threads.

use std::collections::BTreeMap;

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, RequestId, ValueAnswer, ValueCommand};
use orrery_base::{AccountId, CharacterId, EntityId, GridId, SystemId, Tick, TypeId};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Batch, Domain, KeyRange, Order, Rows as _};

use super::tally::Tally;
use crate::WallTime;
use crate::character::{CharacterRow, Location, ShipRow, VITALS_FULL};
use crate::custody::{
    Account, AccountKind, Commodity, CustodyRow, Outcome, PartitionIndex, RequestLimits, Stack,
    audit, entry_key, home_of, read_account,
};
use crate::economy::{
    Claimed, Command, Desk, Goods, Message, Partition, Read, Regions, Rules, Share, Shipment, Taps,
    TradeLimits, audit_trades,
};
use crate::market::MarketRules;
use crate::rows::MemoryRows;

pub(crate) const ORE: TypeId = TypeId(10);
pub(crate) const METAL: TypeId = TypeId(11);
pub(crate) const HULL: TypeId = TypeId(100);
pub(crate) const SECRET: TypeId = TypeId(12);

/// When the tests begin.
const BEGIN_MS: u64 = 1_800_000_000_000;

pub(crate) fn rules(partitions: u16) -> Rules {
    let goods = |volume_l, hold_l, is_marketable| Goods {
        volume_l,
        hold_l,
        is_marketable,
    };
    // A line of four systems: one region.
    let link = |of: u32, to: &[u32]| (SystemId(of), to.iter().map(|&to| SystemId(to)).collect());
    let links = [
        link(0, &[1]),
        link(1, &[0, 2]),
        link(2, &[1, 3]),
        link(3, &[2]),
    ];
    Rules {
        partitions,
        goods: BTreeMap::from([
            (ORE, goods(100, None, true)),
            (METAL, goods(10, None, true)),
            (SECRET, goods(1, None, false)),
            (HULL, goods(60_000, Some(100_000), true)),
        ]),
        market: MarketRules {
            orders_max: 1_000,
            cooldown_ms: 0,
            ..MarketRules::default()
        },
        regions: Regions::of_links(&BTreeMap::from(links)),
        hubs: (0..4)
            .map(|system| (SystemId(system), EntityId(u64::from(system) + 1)))
            .collect(),
        drop_chance: 0.5,
        grant_cents: 1_000_000_00,
        grant: vec![(ORE, 1_000), (METAL, 500), (HULL, 2), (SECRET, 5)],
        requests: RequestLimits {
            window_ms: 60_000,
            ..RequestLimits::default()
        },
        trades: TradeLimits {
            idle_ms: 60_000,
            trades_max: 3,
            stacks_max: 4,
        },
        taps: Taps {
            starting_grant: 1,
            starter_ship: 2,
            broker_fee: 1,
            sales_tax: 2,
            relist_fee: 3,
            trash: 4,
            mining: 3,
            bounty: 4,
            ship_loss: 5,
            abandoned: 6,
        },
    }
}

pub(crate) struct Town {
    pub(crate) rules: Rules,
    shares: Vec<Share>,
    pub(crate) rows: MemoryRows,
    pub(crate) tick: Tick,
    serial: u128,
    messages: Vec<(PartitionIndex, PartitionIndex, Message)>,
    loads: Vec<(PartitionIndex, Account)>,
    pub(crate) answers: Vec<(CharacterId, RequestId, Outcome)>,
    pub(crate) events: Vec<(CharacterId, ServerMessage)>,
    /// Whether the audit runs after every beat.
    pub(crate) is_audited: bool,
    /// Conservation, after every beat.
    pub(crate) tally: Option<Tally>,
    /// Milliseconds that have passed between beats.
    pub(crate) pause_ms: u64,
}

impl Town {
    /// With characters 1 to `characters`, docked in station 1 of system 0.
    pub(crate) fn new(shards: u16, characters: u64) -> Self {
        Self::with_rules(rules(8), shards, characters)
    }

    pub(crate) fn with_rules(rules: Rules, shards: u16, characters: u64) -> Self {
        let rows = MemoryRows::default();
        let mut town = Self {
            shares: Vec::new(),
            rules,
            rows,
            tick: Tick(0),
            serial: 0,
            messages: Vec::new(),
            loads: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
            is_audited: true,
            tally: None,
            pause_ms: 0,
        };
        town.start(shards);
        for character in 1..=characters {
            town.settle_in(CharacterId(character));
        }
        town.rest();
        town.answers.clear();
        town.events.clear();
        town
    }

    /// Starts, or starts again, from the rows.
    pub(crate) fn start(&mut self, shards: u16) {
        let load =
            |shard| Share::load(&self.rows, &self.rules, (shard, shards), self.tick, 7).unwrap();
        self.shares = (0..shards).map(load).collect();
        self.messages = self.shares.iter().flat_map(Share::resend).collect();
        self.loads.clear();
    }

    /// Makes a character, docked in station 1 of system 0, who logs in.
    pub(crate) fn settle_in(&mut self, id: CharacterId) {
        self.settle_at(
            id,
            Location::Docked {
                grid: GridId(0),
                station: EntityId(1),
            },
        );
    }

    /// Makes a character, as the accounts service does, who logs in.
    pub(crate) fn settle_at(&mut self, id: CharacterId, location: Location) {
        let ship = ship_of(id);
        let row = CharacterRow {
            id,
            account: AccountId(id.0),
            name: format!("Nobody {id}"),
            ship: ShipRow {
                entity: ship.entity(),
                type_id: HULL,
                vitals: VITALS_FULL,
            },
            location,
            version: 1,
        };
        let mut batch = Batch::new();
        batch.put(Domain::Character, CharacterRow::key(id), row.encode());
        self.rows.apply(&batch);
        // As at the first log-in: the wallet is read, and what every newcomer has is there.
        self.ask(
            id.0,
            ValueCommand::CancelOrder {
                order: orrery_base::value::OrderId(0),
            },
        );
    }

    pub(crate) fn now(&self) -> WallTime {
        WallTime(BEGIN_MS + self.tick.0 * 33 + self.pause_ms)
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.serial += 1;
        RequestId::new(self.now().0, self.serial)
    }

    /// A character is docked in a station, or is not there any more.
    pub(crate) fn present(&mut self, character: u64, station: Option<u64>) {
        let character = CharacterId(character);
        let share = self.share_of(Share::home(character, &self.rules));
        self.shares[share].take_presence(character, station.map(EntityId), &self.rules);
    }

    fn share_of(&self, partition: PartitionIndex) -> usize {
        usize::from(partition.0) % self.shares.len()
    }

    pub(crate) fn command(&mut self, command: Command) {
        let home = Share::home(command.actor, &self.rules);
        let share = self.share_of(home);
        self.shares[share].take_command(command, &self.rules);
    }

    /// What a grid has claimed in the last beat.
    pub(crate) fn claim(&mut self, claimed: Claimed) {
        let home = home_of(claimed.claim.home(), self.rules.partitions);
        let share = self.share_of(home);
        self.shares[share].take_claim(claimed, &self.rules);
    }

    /// Units of a type that a sink has burned.
    pub(crate) fn burned(&self, sink: u32, type_id: TypeId) -> u64 {
        let rows = self
            .rows
            .scan(Domain::Custody, KeyRange::all(), Order::Ascending);
        let of_sink = rows.map(Result::unwrap).filter_map(|row| {
            match CustodyRow::read(&row.key, &row.value).unwrap() {
                CustodyRow::Total(_, account, commodity, total)
                    if account.kind == AccountKind::Sink
                        && account.owner == u64::from(sink)
                        && commodity == Commodity::Type(type_id) =>
                {
                    Some(total as u64)
                }
                _ => None,
            }
        });
        of_sink.sum()
    }

    /// Gives a command of a character who is docked in station 1; returns its request.
    pub(crate) fn ask(&mut self, actor: u64, command: ValueCommand) -> RequestId {
        self.ask_at(actor, 1, command)
    }

    /// Station n is in system n − 1.
    pub(crate) fn ask_at(&mut self, actor: u64, station: u64, command: ValueCommand) -> RequestId {
        let request = self.request();
        self.command(Command {
            actor: CharacterId(actor),
            request,
            desk: Some(desk(actor, station)),
            command,
        });
        request
    }

    /// One beat of all shards.
    pub(crate) fn beat(&mut self) {
        self.tick.0 += 1;
        for (partition, account) in core::mem::take(&mut self.loads) {
            let read = Read::from(&self.rows, &self.rules, partition, account).unwrap();
            let share = self.share_of(partition);
            self.shares[share].take_account(partition, read);
        }
        let mut batch = Batch::new();
        for (from, to, message) in core::mem::take(&mut self.messages) {
            let share = self.share_of(to);
            self.shares[share].take_message(from, to, message);
        }
        let (tick, now) = (self.tick, self.now());
        for share in &mut self.shares {
            let out = share.beat(tick, now, Tick(tick.0 - 1), &self.rules);
            batch.append(&out.batch);
            self.messages.extend(out.messages);
            self.answers.extend(out.answers);
            self.events.extend(out.events);
            self.loads.extend(out.loads);
        }
        if let Some(tally) = &mut self.tally {
            tally.take(&batch);
        }
        self.rows.apply(&batch);
        if self.is_audited {
            self.audit();
        }
    }

    /// Beats until nothing is on its way.
    pub(crate) fn rest(&mut self) {
        for _ in 0..100 {
            self.beat();
            if self.is_at_rest() {
                return;
            }
        }
        panic!("the town does not come to rest");
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        let is_busy = |partition: &Partition| !partition.is_at_rest();
        self.messages.is_empty() && self.loads.is_empty() && !self.partitions().any(is_busy)
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.shares.iter().flat_map(Share::partitions)
    }

    /// Whether an account is in the memory of its home.
    pub(crate) fn is_active(&self, account: Account) -> bool {
        let home = account.home(self.rules.partitions);
        let partition = self.shares[self.share_of(home)].partition(home).unwrap();
        partition.ledger().is_active(&account)
    }

    /// Deletes the history before the last `beats`, except the newest entry of every account: it
    /// is not what is tested, and gets long.
    pub(crate) fn forget_history(&mut self, beats: u64) {
        let until = self.tick.0.saturating_sub(beats);
        let heads = self
            .rows
            .scan(Domain::Custody, KeyRange::all(), Order::Ascending);
        let newest = heads.map(Result::unwrap).filter_map(|row| {
            match CustodyRow::read(&row.key, &row.value).unwrap() {
                CustodyRow::Head(_, _, _, last) if last.is_some() => Some(entry_key(last)),
                _ => None,
            }
        });
        let kept: Vec<_> = newest
            .filter_map(|key| Some((key, self.rows.get(Domain::Entry, &key).unwrap()?)))
            .collect();
        let mut batch = Batch::new();
        for partition in 0..self.rules.partitions {
            for kind in 0..3 {
                let [high, low] = partition.to_be_bytes();
                let mut to = vec![high, low, kind];
                to.extend_from_slice(&until.to_be_bytes());
                batch.delete_range(Domain::Entry, [high, low, kind], to);
            }
        }
        for (key, entries) in kept {
            batch.put(Domain::Entry, key, entries);
        }
        self.rows.apply(&batch);
    }

    /// # Panics
    /// When value was doubled or has vanished.
    pub(crate) fn audit(&self) {
        let lots = |bytes: &[u8]| Shipment::decode(bytes).ok().map(|shipment| shipment.lots);
        let report = audit::audit(&self.rows, self.rules.partitions, lots).unwrap();
        assert!(report.is_sound(), "beat {}: {report:#?}", self.tick.0);
        let trades = audit_trades(&self.rows, self.rules.partitions).unwrap();
        assert!(trades.is_empty(), "beat {}: {trades:#?}", self.tick.0);
    }

    /// The outcome of a request that was answered once.
    pub(crate) fn outcome(&mut self, request: RequestId) -> Outcome {
        let mut found = self.answers.iter().filter(|(_, of, _)| *of == request);
        let outcome = found.next().expect("no answer").2;
        assert!(found.next().is_none(), "answered twice");
        outcome
    }

    /// Asks and waits for the answer.
    pub(crate) fn done(&mut self, actor: u64, command: ValueCommand) -> Outcome {
        self.done_at(actor, 1, command)
    }

    pub(crate) fn done_at(&mut self, actor: u64, station: u64, command: ValueCommand) -> Outcome {
        let request = self.ask_at(actor, station, command);
        self.rest();
        self.outcome(request)
    }

    pub(crate) fn ok(&mut self, actor: u64, command: ValueCommand) -> ValueAnswer {
        self.done(actor, command).unwrap()
    }

    pub(crate) fn refused(&mut self, actor: u64, command: ValueCommand) -> RejectCode {
        self.done(actor, command).unwrap_err()
    }

    fn stored(&self, account: Account) -> crate::custody::Stored {
        let home = account.home(self.rules.partitions);
        read_account(&self.rows, home, account).unwrap()
    }

    pub(crate) fn coins(&self, character: u64) -> Money {
        let stored = self.stored(Account::wallet(CharacterId(character)));
        Money(stored.coins.cast_signed())
    }

    pub(crate) fn hangar(&self, character: u64, station: u64) -> Vec<Stack> {
        self.stored(Account::hangar(CharacterId(character), EntityId(station)))
            .stacks
    }

    pub(crate) fn cargo(&self, character: u64) -> Vec<Stack> {
        let ship = ship_of(CharacterId(character)).entity();
        self.stored(Account::cargo(CharacterId(character), ship))
            .stacks
    }

    pub(crate) fn units(&self, character: u64, station: u64, type_id: TypeId) -> u64 {
        let stacks = self.hangar(character, station).into_iter();
        let of_type = stacks.filter(|stack| stack.type_id == type_id);
        of_type.map(|stack| stack.quantity).sum()
    }

    /// The first packed stack of a type in station 1.
    pub(crate) fn item(&self, character: u64, type_id: TypeId) -> ItemId {
        let stacks = self.hangar(character, 1);
        let found = stacks
            .iter()
            .find(|stack| stack.type_id == type_id && !stack.is_assembled);
        found.expect("granted").id
    }
}

pub(crate) fn ship_of(character: CharacterId) -> ItemId {
    ItemId(character.0)
}

pub(crate) fn desk(character: u64, station: u64) -> Desk {
    Desk {
        station: EntityId(station),
        system: SystemId(station as u32 - 1),
        ship: ship_of(CharacterId(character)).entity(),
        ship_type: HULL,
    }
}
