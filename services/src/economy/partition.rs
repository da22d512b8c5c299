//! A partition of the economy, beat by beat.

mod arrivals;
mod claims;

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::command::RejectCode;
use orrery_base::value::{OrderId, ValueAnswer, ValueCommand};
use orrery_base::{CharacterId, Tick};
use orrery_storage::Rows;

use super::own::OwnOrders;
use super::rules::Rules;
use super::shipment::{Purpose, Shipment};
use super::trades::Trades;
use super::{Command, Desk, Input, Newcomer, Output, Owner};
use crate::WallTime;
use crate::custody::{
    self, Account, AccountKind, Judgement, Ledger, Outbox, Parcel, PartitionIndex, Requests,
    home_of,
};
use crate::market::{Book, Candles, Order, RegionId, Side, Terms};
use crate::rows::RowError;

/// Accounts that are looked at for eviction in a beat.
const EVICT_LOOKS: usize = 64;
/// Beats after which an account that nobody needs is forgotten.
const IDLE_BEATS: u64 = 30 * 60 * 2;
/// Inputs that may wait for accounts; further commands are refused.
const PARKED_MAX: usize = 65_536;

/// A partition of the economy.
#[derive(Debug)]
pub struct Partition {
    pub(super) index: PartitionIndex,
    pub(super) ledger: Ledger,
    pub(super) outbox: Outbox,
    pub(super) requests: Requests,
    /// The markets of the regions that are at home here.
    pub(super) markets: BTreeMap<RegionId, Market>,
    /// Inputs that wait for accounts, in order.
    parked: Vec<Input>,
    /// Accounts that were asked for.
    asked: BTreeSet<Account>,
    /// Owners of wallets that were read in this beat and are no characters.
    pub(super) strangers: BTreeSet<u64>,
    own: OwnOrders,
    pub(super) trades: Trades,
    /// Characters who never had a ship.
    newcomers: Vec<Newcomer>,
}

/// The market of a region.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) book: Book,
    pub(super) candles: Candles,
}

/// What a step works with.
pub(super) struct Step<'a> {
    pub(super) now: WallTime,
    pub(super) rules: &'a Rules,
    pub(super) out: &'a mut Output,
}

/// Whose inputs stay in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Character(CharacterId),
    Partition(PartitionIndex),
}

impl Partition {
    /// Reads a partition. `tick` is the last beat that is stored; `seed` is a secret of the
    /// store.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn load(
        rows: &impl Rows,
        index: PartitionIndex,
        rules: &Rules,
        tick: Tick,
        seed: u64,
    ) -> Result<Self, RowError> {
        let mut ledger = custody::load(rows, index)?;
        let mut requests = Requests::new(rules.requests, seed);
        // More beats than the window has, because beats may have been faster than they should.
        let beats = rules.requests.window_ms / 1_000 * u64::from(orrery_base::BEATS_PER_SECOND) * 2;
        requests.load(rows, index, Tick(tick.0.saturating_sub(beats)))?;
        let mut markets = BTreeMap::new();
        for region in rules.regions.all() {
            if home_of(u64::from(region.0), rules.partitions) != index {
                continue;
            }
            let book = Book::load(rows, index.0, region, rules.market.price_rule)?;
            for order in book.orders() {
                let account = super::orders::account_of(region, order.id);
                ledger.activate(custody::read_account(rows, index, account)?);
            }
            let candles = Candles::load(rows, index.0, region)?;
            markets.insert(region, Market { book, candles });
        }
        let trades = Trades::load(rows, index, &mut ledger)?;
        Ok(Self {
            index,
            ledger,
            outbox: Outbox::load(rows, index)?,
            requests,
            markets,
            parked: Vec::new(),
            asked: BTreeSet::new(),
            strangers: BTreeSet::new(),
            own: OwnOrders::default(),
            trades,
            newcomers: Vec::new(),
        })
    }

    /// Which partition.
    #[must_use]
    pub const fn index(&self) -> PartitionIndex {
        self.index
    }

    /// Its accounts in memory.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The book of a region that is at home here.
    #[must_use]
    pub fn book(&self, region: RegionId) -> Option<&Book> {
        self.markets.get(&region).map(|market| &market.book)
    }

    /// Whether nothing waits: no input for an account, no parcel for its receiver.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.parked.is_empty() && self.outbox.waiting() == 0
    }

    /// What has to be sent again after a restart.
    pub fn resend(&self) -> impl Iterator<Item = (PartitionIndex, Parcel)> {
        self.outbox.resend()
    }

    /// Does the work of a beat: takes `inputs`, in their order, and adds to `out`. `durable` is
    /// the newest beat whose rows can be read from the store.
    ///
    /// # Panics
    /// When the beat is not later than the last one.
    pub fn step(
        &mut self,
        tick: Tick,
        now: WallTime,
        durable: Tick,
        rules: &Rules,
        inputs: &mut Vec<Input>,
        out: &mut Output,
    ) {
        self.ledger.begin(tick, now);
        let mut step = Step { now, rules, out };
        self.expire(&mut step);
        self.expire_trades(&step);
        let mut all = core::mem::take(&mut self.parked);
        all.append(inputs);
        all.retain(|input| !self.take_news(input));
        for newcomer in core::mem::take(&mut self.newcomers) {
            self.grant(&newcomer, &mut step);
        }
        let mut blocked = BTreeSet::new();
        for input in all {
            self.take(input, &mut blocked, &mut step);
        }
        self.forget_strangers();
        self.ledger.write(&mut step.out.batch);
        self.own.write(self.index, &mut step.out.batch);
        self.trades.write(self.index, &mut step.out.batch);
        self.requests.write(self.index, tick, &mut step.out.batch);
        self.requests.forget(now);
        for market in self.markets.values_mut() {
            market.book.write_changes(&mut step.out.batch);
            market.candles.write_changes(&mut step.out.batch);
        }
        let out = step.out;
        self.outbox
            .write(&mut out.batch, &mut out.parcels, &mut out.acknowledgements);
        if self.parked.is_empty() {
            self.evict(Tick(tick.0.saturating_sub(IDLE_BEATS)), durable);
        }
    }

    /// Forgets some accounts that nobody has needed since `idle_since`.
    fn evict(&mut self, idle_since: Tick, durable: Tick) {
        let mut evicted = Vec::new();
        self.ledger
            .evict(idle_since, durable, EVICT_LOOKS, &mut evicted);
        for account in evicted {
            if account.kind == AccountKind::Wallet {
                self.own.forget(CharacterId(account.owner));
                self.trades.forget(CharacterId(account.owner));
                self.strangers.remove(&account.owner);
            }
        }
    }

    /// An order of a character who is at home here.
    pub(super) fn own_order(&self, owner: CharacterId, order: OrderId) -> Option<Order> {
        self.own.get(owner, order).copied()
    }

    /// The orders of a character who is at home here and in memory, by id.
    pub fn orders_of(&self, owner: CharacterId) -> impl Iterator<Item = &Order> {
        self.own.of(owner)
    }

    /// Takes in what nothing has to wait for; returns whether it was that.
    fn take_news(&mut self, input: &Input) -> bool {
        match input {
            Input::Acknowledged(to, number) => self.outbox.acknowledge(*to, *number),
            Input::Account(read) => {
                let account = read.stored.account;
                self.asked.remove(&account);
                if self.ledger.is_active(&account) {
                    return true;
                }
                if account.kind == AccountKind::Wallet {
                    self.own.activate(CharacterId(account.owner), &read.orders);
                    self.trades
                        .activate(CharacterId(account.owner), &read.trades);
                    match &read.owner {
                        Owner::Nobody => {
                            self.strangers.insert(account.owner);
                        }
                        Owner::Newcomer(newcomer) => self.newcomers.push(*newcomer),
                        Owner::Known => {}
                    }
                }
                self.ledger.activate(read.stored.clone());
            }
            Input::Arrival(_)
            | Input::Presence(..)
            | Input::Claim(_)
            | Input::Command(_)
            | Input::Parcel(..) => {
                return false;
            }
        }
        true
    }

    fn take(&mut self, input: Input, blocked: &mut BTreeSet<Source>, step: &mut Step<'_>) {
        let (source, needs, shipment) = match &input {
            Input::Arrival(character) | Input::Presence(character, _) => {
                let needs = vec![Account::wallet(*character)];
                (Source::Character(*character), needs, None)
            }
            Input::Command(command) => {
                let source = Source::Character(command.actor);
                (source, needs_of_command(command), None)
            }
            Input::Claim(claimed) => {
                let source = Source::Character(CharacterId(claimed.claim.home()));
                (source, claimed.claim.needs(), None)
            }
            Input::Parcel(from, parcel) => {
                let shipment = Shipment::decode(&parcel.bytes)
                    .expect("a parcel is what another partition of this version has encoded");
                let needs = needs_of_shipment(&shipment);
                (Source::Partition(*from), needs, Some(shipment))
            }
            Input::Acknowledged(..) | Input::Account(..) => return,
        };
        let mut is_waiting = blocked.contains(&source);
        for account in needs {
            if !self.ledger.need(&account) {
                is_waiting = true;
                if self.asked.insert(account) {
                    step.out.loads.push(account);
                }
            }
        }
        if is_waiting {
            blocked.insert(source);
            match input {
                Input::Command(command) if self.parked.len() >= PARKED_MAX => {
                    let busy = Err(RejectCode::Busy);
                    step.out
                        .answers
                        .push((command.actor, command.request, busy));
                }
                input => self.parked.push(input),
            }
            return;
        }
        match (input, shipment) {
            (Input::Command(command), _) => self.command(command, step),
            (Input::Claim(claimed), _) => self.claim(&claimed, step),
            (Input::Presence(character, station), _) => {
                self.be_present(character, station, step.rules);
            }
            (Input::Parcel(from, parcel), Some(shipment))
                if self.outbox.receive(from, parcel.number) =>
            {
                self.shipment(shipment, step);
            }
            _ => {}
        }
    }

    fn command(&mut self, command: Command, step: &mut Step<'_>) {
        let (actor, request) = (command.actor, command.request);
        match self.requests.judge(actor, request, step.now) {
            Err(code) => step.out.answers.push((actor, request, Err(code))),
            Ok(Judgement::Underway) => {}
            Ok(Judgement::Done(outcome)) => step.out.answers.push((actor, request, outcome)),
            Ok(Judgement::Fresh) => {
                let outcome = match self.carry_out(command, step) {
                    Ok(None) => None,
                    Ok(Some(answer)) => Some(Ok(answer)),
                    Err(code) => Some(Err(code)),
                };
                self.requests.begin(actor, request, step.now, outcome);
                if let Some(outcome) = outcome {
                    step.out.answers.push((actor, request, outcome));
                }
            }
        }
    }

    /// Carries out a command; none: the answer will come in a shipment.
    fn carry_out(
        &mut self,
        command: Command,
        step: &mut Step<'_>,
    ) -> Result<Option<ValueAnswer>, RejectCode> {
        let (actor, request) = (command.actor, command.request);
        let desk = command.desk.ok_or(RejectCode::NotDocked);
        match command.command {
            ValueCommand::Pay { to, amount, memo } => {
                self.pay(actor, request, to, amount, &memo, step)?;
                Ok(None)
            }
            ValueCommand::Sell {
                item,
                quantity,
                price,
                days,
            } => {
                let goods = (item, quantity);
                self.sell(actor, request, &desk?, goods, price, days, step)?;
                Ok(None)
            }
            ValueCommand::Buy {
                type_id,
                quantity,
                minimum,
                price,
                range,
                days,
            } => {
                let desk = desk?;
                let terms = Terms {
                    side: Side::Buy,
                    type_id,
                    owner: actor,
                    station: desk.station,
                    system: desk.system,
                    price,
                    quantity,
                    minimum,
                    range,
                    days,
                };
                self.buy(request, terms, step)?;
                Ok(None)
            }
            ValueCommand::CancelOrder { order } => {
                self.ask_cancel(actor, request, order, step)?;
                Ok(None)
            }
            ValueCommand::ModifyOrder { order, price } => {
                self.ask_reprice(actor, request, order, price, step)?;
                Ok(None)
            }
            ValueCommand::OfferTrade { .. }
            | ValueCommand::AddItem { .. }
            | ValueCommand::SetMoney { .. }
            | ValueCommand::RemoveItem { .. }
            | ValueCommand::AcceptTrade { .. }
            | ValueCommand::CancelTrade { .. } => {
                let desk = desk.ok();
                self.ask_trade(actor, request, desk.as_ref(), command.command, step)?;
                Ok(None)
            }
            ValueCommand::Board { .. } => Err(RejectCode::NotAvailable),
            about_items => self.station(actor, &desk?, about_items, step).map(Some),
        }
    }

    /// Sends a shipment; its receiver is the home of `shipment.to`.
    pub(super) fn ship(&mut self, shipment: &Shipment, rules: &Rules) {
        let home = shipment.to.home(rules.partitions);
        self.outbox.send(home, shipment.encode());
    }

    /// Whether there is room for a shipment that starts something.
    ///
    /// # Errors
    /// [`RejectCode::Busy`].
    pub(super) fn check_room(&self, to: &Account, rules: &Rules) -> Result<(), RejectCode> {
        if self.outbox.has_room(to.home(rules.partitions), 1) {
            Ok(())
        } else {
            Err(RejectCode::Busy)
        }
    }
}

/// Accounts that a command is about.
fn needs_of_command(command: &Command) -> Vec<Account> {
    let actor = command.actor;
    let mut needs = vec![Account::wallet(actor)];
    if let Some(Desk { station, ship, .. }) = command.desk {
        needs.push(Account::hangar(actor, station));
        needs.push(Account::cargo(actor, ship));
    }
    if let ValueCommand::Repackage { item }
    | ValueCommand::Trash { item, .. }
    | ValueCommand::AddItem { item, .. } = command.command
    {
        needs.push(Account::cargo(actor, item.entity()));
    }
    needs
}

/// Accounts that a shipment is about. Those of market orders and trades are in memory as long as
/// they hold something.
fn needs_of_shipment(shipment: &Shipment) -> Vec<Account> {
    let to = shipment.to;
    if matches!(to.kind, AccountKind::Market | AccountKind::Escrow) {
        return Vec::new();
    }
    match shipment.purpose {
        // The character's orders are in memory with the wallet; the goods go to a hangar.
        Purpose::Filled { .. } => vec![to, Account::wallet(CharacterId(to.owner))],
        _ => vec![to],
    }
}
