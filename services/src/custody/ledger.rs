//! The ledger of a partition: its accounts in memory, and the only ways to move value.

mod steps;

use std::collections::BTreeMap;

use orrery_base::command::RejectCode;
use orrery_base::value::{ItemId, TransferReason};
use orrery_base::{CharacterId, Tick, TypeId};

use self::steps::check_quantity;
use super::account::{Account, PARTITIONS_MAX, PartitionIndex};
use super::entry::{Commodity, EntryRef, Pages};
use super::lookup::Lookup;
use super::rows::{Stack, Stored};
use crate::WallTime;

/// Most cents of an account, and most that there ever can be in all accounts together: see
/// [`MINTED_MAX`].
pub const COINS_MAX: u64 = i64::MAX as u64;
/// Most cents that the faucets of one partition mint, ever: 90 million million in whole coins. All
/// partitions together mint no more than fits one account, so no sum of money that arrives
/// anywhere can overflow.
pub(super) const MINTED_MAX: u64 = COINS_MAX / PARTITIONS_MAX as u64;

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

    /// Puts what was sent into its account. Cannot be refused, and need not be: there is no more
    /// money than fits an account.
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
            (Lot::Coins(cents, _), _) => self.check_mint(*cents)?,
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
