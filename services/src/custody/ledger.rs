//! The ledger of a partition: its accounts in memory, and the only ways to move value.

use std::collections::BTreeMap;

use orrery_base::command::RejectCode;
use orrery_base::value::{ItemId, QUANTITY_MAX, TransferReason};
use orrery_base::{CharacterId, Tick, TypeId};

use super::account::{Account, AccountKind, PartitionIndex};
use super::entry::{Commodity, Entry, EntryRef, Pages};
use super::lookup::Lookup;
use super::rows::{Stack, Stored};
use crate::WallTime;

/// Most cents of an account.
pub const COINS_MAX: u64 = i64::MAX as u64;

/// What moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Cents.
    Coins(u64),
    /// Units of a stack.
    Units {
        /// Which stack.
        item: ItemId,
        /// How many.
        quantity: u64,
        /// What becomes of them.
        onto: Onto,
    },
}

/// What becomes of units where they arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Onto {
    /// A stack of their own: the same one if it moves as a whole.
    Own,
    /// They join a packed stack of the same type if there is one.
    Any,
    /// They join this stack.
    Stack(ItemId),
}

/// What comes into being at a faucet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Minted {
    /// Cents.
    Coins(u64),
    /// Packed things.
    Units(TypeId, u64),
    /// One assembled ship, with an id that the accounts service has given out.
    Ship(TypeId, ItemId),
}

/// Who moves value, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cause {
    /// Who.
    pub actor: CharacterId,
    /// Why.
    pub reason: TransferReason,
    /// What it is about: an order, a trade, a partner.
    pub reference: u64,
}

/// Value that has left its account and is not yet in another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lot {
    /// Cents, with the entry by which they left.
    Coins(u64, EntryRef),
    /// Things, with the stack that they were in. Their own id is that one too, or none when they
    /// were split off it. [`Stack::last`] is the entry by which they left.
    Stack(Stack, ItemId),
}

impl Lot {
    /// What it is.
    #[must_use]
    pub const fn commodity(&self) -> Commodity {
        match self {
            Self::Coins(..) => Commodity::Coin,
            Self::Stack(stack, _) => Commodity::Type(stack.type_id),
        }
    }

    /// How much.
    #[must_use]
    pub const fn quantity(&self) -> u64 {
        match self {
            Self::Coins(cents, _) => *cents,
            Self::Stack(stack, _) => stack.quantity,
        }
    }

    const fn left_by(&self) -> EntryRef {
        match self {
            Self::Coins(_, entry) => *entry,
            Self::Stack(stack, _) => stack.last,
        }
    }
}

/// An account in memory.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) stored: Stored,
    /// The beat in which it was last needed, and the one in which it last changed.
    used: Tick,
    changed: Tick,
    pub(super) is_dirty: bool,
}

/// The ledger of a partition.
///
/// **Invariants**
/// - Value is in one account, or in a [`Lot`] that its holder puts into one in the same beat or
///   stores as a parcel in the same beat.
/// - A refusal changes nothing.
/// - An account has at most [`COINS_MAX`] cents, a stack 1 to [`QUANTITY_MAX`] units.
///
/// Cost: a transfer between hot accounts 150 ns and its entry 60 bytes; 100 bytes of memory for
/// an account and 56 for each stack.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) partition: PartitionIndex,
    pub(super) tick: Tick,
    places: Lookup<Account>,
    pub(super) open: Vec<Option<Open>>,
    free: Vec<usize>,
    /// Where the search for idle accounts stands.
    hand: usize,
    pub(super) items: u64,
    pub(super) are_counters_dirty: bool,
    pub(super) totals: BTreeMap<(Account, Commodity), u128>,
    pub(super) changes: Changes,
}

/// What has changed since the rows were last written.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// Places of accounts, each once.
    pub(super) heads: Vec<usize>,
    /// Stacks that have changed, with their account; may be listed twice or be gone.
    pub(super) stacks: Vec<(usize, ItemId)>,
    /// Stacks that have left an account.
    pub(super) left: Vec<(Account, ItemId)>,
    /// Items that have another account, or none any more.
    pub(super) moved: Vec<(ItemId, Option<Account>, EntryRef)>,
    /// Faucets and sinks.
    pub(super) totals: Vec<(Account, Commodity)>,
    pub(super) pages: Pages,
}

impl Ledger {
    /// A ledger without a past. `items` is how many items the partition has numbered, `totals`
    /// what its faucets and sinks have counted: see [`super::load`].
    #[must_use]
    pub fn new(
        partition: PartitionIndex,
        items: u64,
        totals: BTreeMap<(Account, Commodity), u128>,
    ) -> Self {
        Self {
            partition,
            tick: Tick(0),
            // Players do not choose the numbers of accounts.
            places: Lookup::new(u64::from(partition.0)),
            open: Vec::new(),
            free: Vec::new(),
            hand: 0,
            items,
            are_counters_dirty: false,
            totals,
            changes: Changes::default(),
        }
    }

    /// The partition.
    #[must_use]
    pub const fn partition(&self) -> PartitionIndex {
        self.partition
    }

    /// Begins a beat: entries carry its number.
    ///
    /// # Panics
    /// When the last beat's rows were not written, or the beat is not a later one.
    pub fn begin(&mut self, tick: Tick, now: WallTime) {
        assert!(self.changes.pages.count() == 0, "a beat was not written");
        assert!(tick > self.tick, "beats go forward");
        self.tick = tick;
        self.changes.pages.begin(now);
    }

    /// Accounts in memory.
    #[must_use]
    pub fn active(&self) -> usize {
        self.places.len()
    }

    /// Whether an account is in memory; faucets and sinks always are.
    #[must_use]
    pub fn is_active(&self, account: &Account) -> bool {
        account.is_boundary() || self.places.get(account).is_some()
    }

    /// As [`Ledger::is_active`], for who goes on to use the account: it is not idle.
    pub fn need(&mut self, account: &Account) -> bool {
        let tick = self.tick;
        if let Some(place) = self.places.get(account)
            && let Some(open) = &mut self.open[place as usize]
        {
            open.used = tick;
            return true;
        }
        account.is_boundary()
    }

    /// Takes in an account as it is stored. One that is in memory already stays as it is.
    pub fn activate(&mut self, stored: Stored) {
        if self.is_active(&stored.account) {
            return;
        }
        let open = Open {
            used: self.tick,
            changed: Tick(0),
            is_dirty: false,
            stored,
        };
        let account = open.stored.account;
        let place = match self.free.pop() {
            Some(place) => {
                self.open[place] = Some(open);
                place
            }
            None => {
                self.open.push(Some(open));
                self.open.len() - 1
            }
        };
        self.places.set(account, place as u64);
    }

    /// Forgets accounts that were not needed since `idle_since` and whose rows are readable from
    /// the store, which they are up to the beat `durable`, and adds them to `evicted`. Those of
    /// market orders stay as long as they hold something. Looks at `most` accounts.
    pub fn evict(
        &mut self,
        idle_since: Tick,
        durable: Tick,
        most: usize,
        evicted: &mut Vec<Account>,
    ) {
        for _ in 0..most.min(self.open.len()) {
            self.hand = (self.hand + 1) % self.open.len();
            let is_idle = self.open[self.hand].as_ref().is_some_and(|open| {
                let is_pinned =
                    open.stored.account.kind == AccountKind::Market && !open.stored.is_empty();
                !open.is_dirty && !is_pinned && open.used < idle_since && open.changed <= durable
            });
            if is_idle && let Some(open) = self.open[self.hand].take() {
                self.places.remove(&open.stored.account);
                self.free.push(self.hand);
                evicted.push(open.stored.account);
            }
        }
    }

    fn find(&self, account: &Account) -> Option<&Stored> {
        let place = self.places.get(account)? as usize;
        self.open[place].as_ref().map(|open| &open.stored)
    }

    /// Cents in an account that is in memory.
    #[must_use]
    pub fn coins(&self, account: &Account) -> u64 {
        self.find(account).map_or(0, |stored| stored.coins)
    }

    /// The stacks of an account that is in memory, by id.
    #[must_use]
    pub fn stacks(&self, account: &Account) -> &[Stack] {
        self.find(account).map_or(&[], |stored| &stored.stacks)
    }

    /// A stack of an account that is in memory.
    #[must_use]
    pub fn stack(&self, account: &Account, item: ItemId) -> Option<&Stack> {
        let stacks = self.stacks(account);
        let place = stacks.binary_search_by_key(&item, |stack| stack.id).ok()?;
        Some(&stacks[place])
    }

    /// The newest entry of an account that is in memory.
    #[must_use]
    pub fn newest(&self, account: &Account) -> EntryRef {
        self.find(account)
            .map_or(EntryRef::NONE, |stored| stored.last)
    }

    /// Moves value from one account of this partition to another one, or within one. Returns the
    /// stack that it is in now; none for money.
    ///
    /// # Errors
    /// Why not, with nothing changed.
    ///
    /// # Panics
    /// When an account is not in memory, or is a faucet or a sink.
    pub fn transfer(
        &mut self,
        from: Account,
        to: Account,
        what: What,
        cause: Cause,
    ) -> Result<ItemId, RejectCode> {
        assert!(
            !from.is_boundary() && !to.is_boundary(),
            "see mint and burn"
        );
        let (coins, onto) = self.check(&from, what)?;
        if from == to && coins > 0 {
            return Err(RejectCode::PartnerIsSelf);
        }
        if coins > 0 {
            self.check_room(&to, coins)?;
        }
        let onto = self.landing(&from, &to, what, onto)?;
        let lot = self.take(&from, what);
        Ok(self.put(from, to, lot, onto, cause, [true, true]))
    }

    /// Takes value out of its account, to be sent to an account of another partition.
    ///
    /// # Errors
    /// Why not, with nothing changed.
    ///
    /// # Panics
    /// When `from` is not in memory or is a faucet or sink.
    pub fn send(
        &mut self,
        from: Account,
        to: Account,
        what: What,
        cause: Cause,
    ) -> Result<Lot, RejectCode> {
        self.check(&from, what)?;
        let mut lot = self.take(&from, what);
        let entry = self.record(from, to, &lot, ItemId::NONE, cause, [true, false]);
        match &mut lot {
            Lot::Coins(_, left_by) => *left_by = entry,
            Lot::Stack(stack, _) => {
                stack.last = entry;
                if stack.id != ItemId::NONE {
                    self.changes.moved.push((stack.id, Some(to), entry));
                }
            }
        }
        Ok(lot)
    }

    /// Puts what was sent into its account. Cannot be refused: money that would be more than an
    /// account holds is split by who sends it.
    ///
    /// # Panics
    /// When `to` is not in memory.
    pub fn receive(&mut self, from: Account, to: Account, lot: Lot, cause: Cause) -> ItemId {
        let onto = match &lot {
            Lot::Stack(stack, _) if stack.id == ItemId::NONE => {
                self.joinable(&to, stack.type_id, stack.quantity)
            }
            _ => None,
        };
        self.put(from, to, lot, onto, cause, [false, true])
    }

    /// Brings value into being. Returns its stack; none for money.
    ///
    /// # Errors
    /// Why not, with nothing changed.
    ///
    /// # Panics
    /// When `to` is not in memory, or `faucet` is none of this partition.
    pub fn mint(
        &mut self,
        faucet: Account,
        to: Account,
        minted: Minted,
        cause: Cause,
    ) -> Result<ItemId, RejectCode> {
        self.assert_boundary(&faucet);
        let stack = |type_id, quantity, is_assembled| {
            let stack = Stack {
                id: ItemId::NONE,
                type_id,
                quantity,
                is_assembled,
                last: EntryRef::NONE,
                name: None,
            };
            Lot::Stack(stack, ItemId::NONE)
        };
        let lot = match minted {
            Minted::Coins(cents) => Lot::Coins(cents, EntryRef::NONE),
            Minted::Units(type_id, quantity) => stack(type_id, quantity, false),
            Minted::Ship(type_id, id) => {
                let Lot::Stack(mut ship, _) = stack(type_id, 1, true) else {
                    unreachable!("a stack was made")
                };
                ship.id = id;
                Lot::Stack(ship, ItemId::NONE)
            }
        };
        check_quantity(&lot)?;
        let mut onto = None;
        match (&lot, minted) {
            (Lot::Coins(cents, _), _) => self.check_room(&to, *cents)?,
            (Lot::Stack(stack, _), Minted::Units(..)) => {
                onto = self.joinable(&to, stack.type_id, stack.quantity);
            }
            (Lot::Stack(..), _) => {}
        }
        self.count(faucet, lot.commodity(), lot.quantity());
        Ok(self.put(faucet, to, lot, onto, cause, [false, true]))
    }

    /// Takes value out of the world.
    ///
    /// # Errors
    /// Why not, with nothing changed.
    ///
    /// # Panics
    /// When `from` is not in memory, or `sink` is none of this partition.
    pub fn burn(
        &mut self,
        from: Account,
        sink: Account,
        what: What,
        cause: Cause,
    ) -> Result<(), RejectCode> {
        self.assert_boundary(&sink);
        self.check(&from, what)?;
        let lot = self.take(&from, what);
        self.count(sink, lot.commodity(), lot.quantity());
        let entry = self.record(from, sink, &lot, ItemId::NONE, cause, [true, false]);
        if let Lot::Stack(stack, _) = &lot
            && stack.id != ItemId::NONE
        {
            self.changes.moved.push((stack.id, None, entry));
        }
        Ok(())
    }

    /// A number that nothing of this galaxy had before: for an item, or for a trade window.
    pub fn number(&mut self) -> ItemId {
        self.items += 1;
        self.are_counters_dirty = true;
        ItemId::new(self.partition.0, self.items)
    }

    /// The entry that was written last in this beat.
    #[must_use]
    pub fn last_entry(&self) -> Option<EntryRef> {
        let number = self.changes.pages.count().checked_sub(1)?;
        Some(EntryRef::new(self.partition, self.tick, number))
    }

    /// Changes what a stack is without moving it: assembles, packs or names it.
    ///
    /// # Errors
    /// [`RejectCode::ItemUnknown`].
    ///
    /// # Panics
    /// When the account is not in memory.
    pub fn alter(
        &mut self,
        account: &Account,
        item: ItemId,
        alter: impl FnOnce(&mut Stack),
    ) -> Result<(), RejectCode> {
        let place = self.place(account);
        let open = self.open[place]
            .as_mut()
            .expect("places name open accounts");
        let stacks = &mut open.stored.stacks;
        let Ok(row) = stacks.binary_search_by_key(&item, |stack| stack.id) else {
            return Err(RejectCode::ItemUnknown);
        };
        let (id, type_id, quantity) = (item, stacks[row].type_id, stacks[row].quantity);
        alter(&mut stacks[row]);
        assert!(
            (id, type_id, quantity) == (stacks[row].id, stacks[row].type_id, stacks[row].quantity),
            "what a stack is worth changes by transfers only"
        );
        self.touch(place);
        self.changes.stacks.push((place, item));
        Ok(())
    }
}

fn check_quantity(lot: &Lot) -> Result<(), RejectCode> {
    let most = match lot {
        Lot::Coins(..) => COINS_MAX,
        Lot::Stack(..) => QUANTITY_MAX,
    };
    if lot.quantity() == 0 || lot.quantity() > most {
        return Err(RejectCode::QuantityInvalid);
    }
    Ok(())
}

/// The steps of a transfer. What they may assume was checked before.
impl Ledger {
    fn assert_boundary(&self, account: &Account) {
        assert!(
            account.is_boundary() && account.place == u64::from(self.partition.0),
            "{account} is no faucet or sink of this partition"
        );
    }

    fn place(&self, account: &Account) -> usize {
        let place = self.places.get(account);
        place.unwrap_or_else(|| panic!("{account} is not active")) as usize
    }

    fn opened(&mut self, place: usize) -> &mut Open {
        self.open[place]
            .as_mut()
            .expect("places name open accounts")
    }

    /// Whether `from` has it. Returns the cents, and what becomes of units.
    fn check(&self, from: &Account, what: What) -> Result<(u64, Onto), RejectCode> {
        assert!(self.is_active(from), "{from} is not active");
        match what {
            What::Coins(0) => Err(RejectCode::QuantityInvalid),
            What::Coins(cents) if cents > self.coins(from) => Err(RejectCode::NotEnoughMoney),
            What::Coins(cents) => Ok((cents, Onto::Own)),
            What::Units {
                item,
                quantity,
                onto,
            } => {
                let stack = self.stack(from, item).ok_or(RejectCode::ItemUnknown)?;
                if quantity == 0 {
                    return Err(RejectCode::QuantityInvalid);
                }
                if quantity > stack.quantity {
                    return Err(RejectCode::NotEnoughItems);
                }
                Ok((0, onto))
            }
        }
    }

    /// Whether an account can hold so many more cents.
    ///
    /// # Errors
    /// [`RejectCode::AmountTooLarge`].
    pub fn check_room(&self, to: &Account, cents: u64) -> Result<(), RejectCode> {
        let sum = self.coins(to).checked_add(cents);
        if sum.is_none_or(|sum| sum > COINS_MAX) {
            return Err(RejectCode::AmountTooLarge);
        }
        Ok(())
    }

    /// The stack that units join, if they join one.
    fn landing(
        &self,
        from: &Account,
        to: &Account,
        what: What,
        onto: Onto,
    ) -> Result<Option<ItemId>, RejectCode> {
        let What::Units { item, quantity, .. } = what else {
            return Ok(None);
        };
        let moved = self.stack(from, item).ok_or(RejectCode::ItemUnknown)?;
        match onto {
            Onto::Own if from == to && quantity == moved.quantity => {
                Err(RejectCode::QuantityInvalid)
            }
            Onto::Own => Ok(None),
            Onto::Any if moved.is_assembled || from == to => Ok(None),
            Onto::Any => Ok(self.joinable(to, moved.type_id, quantity)),
            Onto::Stack(onto) => {
                let target = self.stack(to, onto).ok_or(RejectCode::ItemUnknown)?;
                if onto == item
                    || target.type_id != moved.type_id
                    || target.is_assembled
                    || moved.is_assembled
                {
                    return Err(RejectCode::NotStackable);
                }
                if target.quantity + quantity > QUANTITY_MAX {
                    return Err(RejectCode::QuantityInvalid);
                }
                Ok(Some(onto))
            }
        }
    }

    /// A packed stack of the type with room for so many more.
    fn joinable(&self, account: &Account, type_id: TypeId, quantity: u64) -> Option<ItemId> {
        let stacks = self.stacks(account).iter();
        let mut fitting = stacks.filter(|stack| {
            stack.type_id == type_id
                && !stack.is_assembled
                && stack.quantity + quantity <= QUANTITY_MAX
        });
        fitting.next().map(|stack| stack.id)
    }

    fn take(&mut self, from: &Account, what: What) -> Lot {
        let place = self.place(from);
        self.touch(place);
        let open = self.opened(place);
        let (item, quantity) = match what {
            What::Coins(cents) => {
                open.stored.coins -= cents;
                return Lot::Coins(cents, EntryRef::NONE);
            }
            What::Units { item, quantity, .. } => (item, quantity),
        };
        let stacks = &mut open.stored.stacks;
        let row = stacks
            .binary_search_by_key(&item, |stack| stack.id)
            .expect("checked before");
        if stacks[row].quantity == quantity {
            let stack = stacks.remove(row);
            self.changes.left.push((*from, item));
            return Lot::Stack(stack, item);
        }
        stacks[row].quantity -= quantity;
        let split = Stack {
            id: ItemId::NONE,
            type_id: stacks[row].type_id,
            quantity,
            is_assembled: false,
            last: stacks[row].last,
            name: None,
        };
        self.changes.stacks.push((place, item));
        Lot::Stack(split, item)
    }

    /// Puts a lot into an account of this partition, and writes the entry.
    fn put(
        &mut self,
        from: Account,
        to: Account,
        lot: Lot,
        onto: Option<ItemId>,
        cause: Cause,
        chained: [bool; 2],
    ) -> ItemId {
        let place = self.place(&to);
        self.touch(place);
        let id = match &lot {
            Lot::Coins(cents, _) => {
                self.opened(place).stored.coins += cents;
                self.record(from, to, &lot, ItemId::NONE, cause, chained);
                return ItemId::NONE;
            }
            Lot::Stack(stack, _) => stack.id,
        };
        let target = match (onto, id) {
            (Some(onto), _) => onto,
            (None, ItemId::NONE) => self.number(),
            (None, whole) => whole,
        };
        let entry = self.record(from, to, &lot, target, cause, chained);
        self.changes.stacks.push((place, target));
        if id != ItemId::NONE && id != target {
            // It joins another one, and is no more.
            self.changes.moved.push((id, None, entry));
        }
        let Lot::Stack(mut stack, _) = lot else {
            return ItemId::NONE;
        };
        let stacks = &mut self.opened(place).stored.stacks;
        match stacks.binary_search_by_key(&target, |stack| stack.id) {
            Ok(row) => {
                stacks[row].quantity += stack.quantity;
                stacks[row].last = entry;
            }
            Err(row) => {
                stack.id = target;
                stack.last = entry;
                stacks.insert(row, stack);
                self.changes.moved.push((target, Some(to), entry));
            }
        }
        target
    }

    /// Writes an entry and chains the accounts to it. `chained` says which of the two accounts
    /// are of this partition and hold something.
    fn record(
        &mut self,
        from: Account,
        to: Account,
        lot: &Lot,
        onto: ItemId,
        cause: Cause,
        chained: [bool; 2],
    ) -> EntryRef {
        let number = self.changes.pages.count();
        let entry = EntryRef::new(self.partition, self.tick, number);
        let is_coin = lot.commodity() == Commodity::Coin;
        let mut previous = [EntryRef::NONE; 4];
        previous[2] = lot.left_by();
        if onto != ItemId::NONE
            && let Some(joined) = self.stack(&to, onto)
        {
            previous[3] = joined.last;
        }
        let mut after = [0; 2];
        for (side, account) in [from, to].iter().enumerate() {
            if !chained[side] {
                continue;
            }
            let place = self.place(account);
            let stored = &mut self.opened(place).stored;
            previous[side] = core::mem::replace(&mut stored.last, entry);
            after[side] = if is_coin { stored.coins } else { 0 };
        }
        let item = match lot {
            Lot::Coins(..) => ItemId::NONE,
            Lot::Stack(_, source) => *source,
        };
        if chained[0] && item != ItemId::NONE {
            // What remains of the stack, if anything does.
            let place = self.place(&from);
            let stacks = &mut self.opened(place).stored.stacks;
            if let Ok(row) = stacks.binary_search_by_key(&item, |stack| stack.id) {
                stacks[row].last = entry;
            }
        }
        self.changes.pages.push(&Entry {
            from,
            to,
            commodity: lot.commodity(),
            quantity: lot.quantity(),
            item,
            onto,
            actor: cause.actor,
            reason: cause.reason.number(),
            reference: cause.reference,
            from_after: after[0],
            to_after: after[1],
            previous,
        });
        entry
    }

    fn touch(&mut self, place: usize) {
        let tick = self.tick;
        let open = self.opened(place);
        (open.used, open.changed) = (tick, tick);
        if !core::mem::replace(&mut open.is_dirty, true) {
            self.changes.heads.push(place);
        }
    }

    fn count(&mut self, boundary: Account, commodity: Commodity, quantity: u64) {
        *self.totals.entry((boundary, commodity)).or_default() += u128::from(quantity);
        self.changes.totals.push((boundary, commodity));
    }
}
