//! Sums: what accounts hold is what their entries say, and at the end what the log says.

use std::collections::BTreeMap;

use orrery_base::value::{ItemId, TransferReason, ValueCommand};
use orrery_base::{CharacterId, TypeId};
use orrery_services::custody::{Account, AccountKind, Commodity, Entry};

use super::super::books::{arrives, leaves};
use super::Clerk;
use super::market::Stories;

/// By account and commodity.
type Sums = BTreeMap<(Account, Commodity), i128>;
/// By character: cents and units that must be there.
type Expected = BTreeMap<(CharacterId, Commodity), i128>;

impl Clerk<'_> {
    /// 5. Sums.
    pub(super) fn sums(&mut self, stories: &Stories) {
        self.accounts();
        self.heard_balances();
        self.grants();
        self.flags();
        if self.is_end {
            self.characters(stories);
        }
    }

    /// Every account holds what its entries say.
    fn accounts(&mut self) {
        let mut sums = Sums::new();
        let mut add = |account: Account, entry: &Entry, sign: i128| {
            if !account.is_boundary() {
                let sum = sums.entry((account, entry.commodity)).or_default();
                *sum += sign * i128::from(entry.quantity);
            }
        };
        for (_, entry) in &self.books.entries {
            if !arrives(entry) {
                add(entry.from, entry, -1);
            }
            if !leaves(entry) {
                add(entry.to, entry, 1);
            }
        }
        let mut held = Sums::new();
        for (&account, &cents) in &self.books.coins {
            *held.entry((account, Commodity::Coin)).or_default() += i128::from(cents);
        }
        for (account, stack) in &self.books.stacks {
            let of = (*account, Commodity::Type(stack.type_id));
            *held.entry(of).or_default() += i128::from(stack.quantity);
        }
        sums.retain(|_, sum| *sum != 0);
        held.retain(|_, sum| *sum != 0);
        self.found.sums += held.len() as u64;
        for (of, sum) in &sums {
            let there = held.get(of).copied().unwrap_or(0);
            self.compare(of.0, of.1, *sum, there);
        }
        for (of, there) in &held {
            if !sums.contains_key(of) {
                self.compare(of.0, of.1, 0, *there);
            }
        }
    }

    fn compare(&mut self, of: Account, what: Commodity, right: i128, there: i128) {
        if right == there {
            return;
        }
        let text = || format!("{of} has {there} of {what:?}, {right} is right");
        if there > right {
            self.found.doubled(text);
        } else {
            self.found.lost(text);
        }
    }

    /// Every balance that a character heard of is one that the wallet had.
    fn heard_balances(&mut self) {
        let mut had = std::collections::BTreeSet::new();
        for (_, entry) in &self.books.entries {
            if entry.commodity == Commodity::Coin {
                had.insert((entry.from.owner, entry.from.kind, entry.from_after));
                had.insert((entry.to.owner, entry.to.kind, entry.to_after));
            }
        }
        for &(actor, balance) in &self.outside.balances {
            let heard = (actor.0, AccountKind::Wallet, balance.unsigned_abs());
            if !had.contains(&heard) {
                self.found
                    .lost(|| format!("character {} heard of a balance of {balance}", actor.0));
            }
        }
    }

    /// Nobody was given a start twice.
    fn grants(&mut self) {
        let mut given: BTreeMap<u64, Vec<(Commodity, u64)>> = BTreeMap::new();
        for (_, entry) in &self.books.entries {
            let is_new = entry.from.kind == AccountKind::Faucet;
            if is_new && entry.to.kind != AccountKind::Helm {
                let given = given.entry(entry.to.owner).or_default();
                given.push((entry.commodity, entry.quantity));
            }
        }
        let goods = self.rules.grant.iter();
        let goods = goods.map(|&(type_id, units)| (Commodity::Type(type_id), units));
        let cents = (Commodity::Coin, self.rules.grant_cents);
        let mut right: Vec<_> = goods.chain([cents]).collect();
        right.sort_unstable();
        for (owner, mut given) in given {
            given.sort_unstable();
            if given != right {
                self.found
                    .doubled(|| format!("character {owner} was given {given:?} at first"));
            }
        }
    }

    /// Ships are assembled and named as they were asked to be, last.
    fn flags(&mut self) {
        let mut requests: Vec<_> = self.books.requests.iter().collect();
        // By beat first: a ship that was sold has gone on in another partition.
        requests.sort_by_key(|(_, known)| {
            let (partition, tick, number) = known.begun;
            (tick, partition, number)
        });
        let mut flags: BTreeMap<ItemId, (bool, Option<&str>)> = BTreeMap::new();
        for (&key, _) in requests {
            let (Some(asked), Some(Ok(answer))) =
                (self.outside.requests.get(&key), self.outcome(key))
            else {
                continue;
            };
            match &asked.command {
                ValueCommand::Assemble { .. } => {
                    flags.insert(answer.item, (true, None));
                }
                ValueCommand::Repackage { item } => {
                    flags.insert(*item, (false, None));
                }
                ValueCommand::Rename { item, name } => {
                    flags.entry(*item).or_insert((true, None)).1 =
                        Some(name.as_str()).filter(|name| !name.is_empty());
                }
                _ => {}
            }
        }
        for (account, stack) in &self.books.stacks {
            let is_ship = account.kind == AccountKind::Helm;
            let of = flags.get(&stack.id).copied();
            let of = of.unwrap_or((is_ship, None));
            if (stack.is_assembled, stack.name.as_deref()) != of {
                self.found
                    .lost(|| format!("{stack:?} in {account} should be {of:?}"));
            }
        }
    }

    /// What characters have is what the log says: their start, what was answered, and the trades
    /// of their orders that rested.
    fn characters(&mut self, stories: &Stories) {
        let expected = self.expected(stories);
        let mut held = Expected::new();
        for (account, &cents) in &self.books.coins {
            if account.kind == AccountKind::Wallet {
                held.insert((CharacterId(account.owner), Commodity::Coin), cents.into());
            }
        }
        for (account, stack) in &self.books.stacks {
            if matches!(account.kind, AccountKind::Hangar | AccountKind::Cargo) {
                let of = (CharacterId(account.owner), Commodity::Type(stack.type_id));
                *held.entry(of).or_default() += i128::from(stack.quantity);
            }
        }
        for (of, sum) in &expected {
            let there = held.remove(of).unwrap_or(0);
            self.found.sums += 1;
            if there != *sum {
                self.found.wrong(|| {
                    let (who, what) = (of.0.0, of.1);
                    format!("character {who} has {there} of {what:?}, by the log {sum}")
                });
            }
        }
        for (of, there) in held {
            self.found
                .doubled(|| format!("{of:?} has {there}, and nobody knows where from"));
        }
    }

    fn expected(&self, stories: &Stories) -> Expected {
        let mut expected = Expected::new();
        let helms = self.books.stacks.iter();
        for (helm, _) in helms.filter(|(account, _)| account.kind == AccountKind::Helm) {
            let character = CharacterId(helm.owner);
            let cents = self.rules.grant_cents;
            expected.insert((character, Commodity::Coin), cents.into());
            for &(type_id, units) in &self.rules.grant {
                let units = i128::from(units);
                *expected
                    .entry((character, Commodity::Type(type_id)))
                    .or_default() += units;
            }
        }
        let mut add = |of: CharacterId, what: Commodity, more: i128| {
            *expected.entry((of, what)).or_default() += more;
        };
        for (&(actor, _), asked) in &self.outside.requests {
            let Some(Ok(answer)) = asked.outcome() else {
                continue;
            };
            let (money, fees) = (i128::from(answer.money.0), i128::from(answer.fees.0));
            let is_buy = match asked.command {
                ValueCommand::Pay { to, amount, .. } => {
                    add(actor, Commodity::Coin, -i128::from(amount.0));
                    add(to, Commodity::Coin, i128::from(amount.0));
                    continue;
                }
                ValueCommand::Sell { .. } => false,
                ValueCommand::Buy { .. } => true,
                ValueCommand::ModifyOrder { order, .. } => {
                    stories.orders.get(&order).is_some_and(|story| story.is_buy)
                }
                _ => continue,
            };
            let sign = if is_buy { -1 } else { 1 };
            add(actor, Commodity::Coin, sign * money - fees);
        }
        for (id, story) in &stories.orders {
            let (owner, sign) = (story.placed_by.0, if story.is_buy { -1 } else { 1 });
            for &(_, value, tax) in &story.rested {
                let tax = if story.is_buy { 0 } else { i128::from(tax) };
                add(owner, Commodity::Coin, sign * i128::from(value) - tax);
            }
            let rests = if self.books.orders.contains_key(id) {
                story.left()
            } else {
                0
            };
            if story.is_buy {
                add(owner, Commodity::Coin, -i128::from(rests * story.price()));
            }
            if let Some(what) = story.commodity {
                let traded = i128::from(story.filled);
                let gone = if story.is_buy { 0 } else { i128::from(rests) };
                add(owner, what, -sign * traded - gone);
            }
        }
        for (key, type_id, units) in self.trashed() {
            add(key, Commodity::Type(type_id), -i128::from(units));
        }
        expected
    }

    /// What the log says was destroyed; only its type is in the history alone.
    fn trashed(&self) -> impl Iterator<Item = (CharacterId, TypeId, u64)> {
        self.books.entries.iter().filter_map(|(at, entry)| {
            let key = self.made_by.get(at)?;
            let asked = &self.outside.requests[key];
            match (entry.commodity, &asked.command) {
                (Commodity::Type(type_id), ValueCommand::Trash { quantity, .. })
                    if entry.reason == TransferReason::Trash.number() =>
                {
                    Some((key.0, type_id, *quantity))
                }
                _ => None,
            }
        })
    }
}
