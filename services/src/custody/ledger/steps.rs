//! The steps of a transfer. What they may assume was checked before.

use orrery_base::command::RejectCode;
use orrery_base::value::{ItemId, QUANTITY_MAX};
use orrery_base::{Tick, TypeId};

use super::{COINS_MAX, Cause, Ledger, Lot, MINTED_MAX, Onto, Open, What};
use crate::custody::account::{Account, AccountKind};
use crate::custody::entry::{Commodity, Entry, EntryRef};
use crate::custody::rows::Stack;

pub(super) fn check_quantity(lot: &Lot) -> Result<(), RejectCode> {
    let most = match lot {
        Lot::Coins(..) => COINS_MAX,
        Lot::Stack(..) => QUANTITY_MAX,
    };
    if lot.quantity() == 0 || lot.quantity() > most {
        return Err(RejectCode::QuantityInvalid);
    }
    Ok(())
}

impl Ledger {
    /// Forgets accounts that were not needed since `idle_since` and whose rows are readable from
    /// the store, which they are up to the beat `durable`, and adds them to `evicted`. Those of
    /// market orders and trades stay as long as they hold something. Looks at `most` accounts.
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
                let kind = open.stored.account.kind;
                let is_escrow = matches!(kind, AccountKind::Market | AccountKind::Escrow);
                let is_pinned = is_escrow && !open.stored.is_empty();
                !open.is_dirty && !is_pinned && open.used < idle_since && open.changed <= durable
            });
            if is_idle && let Some(open) = self.open[self.hand].take() {
                self.places.remove(&open.stored.account);
                self.free.push(self.hand);
                evicted.push(open.stored.account);
            }
        }
    }

    /// Forgets an account that is as it was read. Returns whether it is not in memory any more.
    pub fn forget(&mut self, account: &Account) -> bool {
        let Some(place) = self.places.get(account) else {
            return !account.is_boundary();
        };
        let open = &mut self.open[place as usize];
        let is_as_read = open.as_ref().is_some_and(|open| open.changed == Tick(0));
        if is_as_read {
            *open = None;
            self.places.remove(account);
            self.free.push(place as usize);
        }
        is_as_read
    }

    pub(super) fn assert_boundary(&self, account: &Account) {
        assert!(
            account.is_boundary() && account.place == u64::from(self.partition.0),
            "{account} is no faucet or sink of this partition"
        );
    }

    pub(super) fn place(&self, account: &Account) -> usize {
        let place = self.places.get(account);
        place.unwrap_or_else(|| panic!("{account} is not active")) as usize
    }

    pub(super) fn opened(&mut self, place: usize) -> &mut Open {
        self.open[place]
            .as_mut()
            .expect("places name open accounts")
    }

    /// Whether `from` has it. Returns the cents, and what becomes of units.
    pub(super) fn check(&self, from: &Account, what: What) -> Result<(u64, Onto), RejectCode> {
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

    /// Whether so many more cents may come into being in this partition.
    pub(super) fn check_mint(&self, cents: u64) -> Result<(), RejectCode> {
        let faucets = self.totals.iter().filter(|((account, commodity), _)| {
            account.kind == AccountKind::Faucet && *commodity == Commodity::Coin
        });
        let minted: u128 = faucets.map(|(_, total)| *total).sum();
        if minted + u128::from(cents) > u128::from(MINTED_MAX) {
            return Err(RejectCode::AmountTooLarge);
        }
        Ok(())
    }

    /// The stack that units join, if they join one.
    pub(super) fn landing(
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
    pub(super) fn joinable(
        &self,
        account: &Account,
        type_id: TypeId,
        quantity: u64,
    ) -> Option<ItemId> {
        let stacks = self.stacks(account).iter();
        let mut fitting = stacks.filter(|stack| {
            stack.type_id == type_id
                && !stack.is_assembled
                && stack.quantity + quantity <= QUANTITY_MAX
        });
        fitting.next().map(|stack| stack.id)
    }

    pub(super) fn take(&mut self, from: &Account, what: What) -> Lot {
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
    pub(super) fn put(
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
    pub(super) fn record(
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

    pub(super) fn touch(&mut self, place: usize) {
        let tick = self.tick;
        let open = self.opened(place);
        (open.used, open.changed) = (tick, tick);
        if !core::mem::replace(&mut open.is_dirty, true) {
            self.changes.heads.push(place);
        }
    }

    pub(super) fn count(&mut self, boundary: Account, commodity: Commodity, quantity: u64) {
        *self.totals.entry((boundary, commodity)).or_default() += u128::from(quantity);
        self.changes.totals.push((boundary, commodity));
    }
}
