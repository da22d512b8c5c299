//! Reconciliation: what the outside log says against what the books of a store say.
//!
//! History entries carry no request ids. They need none: a request is remembered by a row of the
//! very batch that has its effect, requests of a beat are remembered in the order in which they
//! were carried out, and entries are numbered in that order too. So the effects that the log's
//! commands must have had, in the order of the rows that remember them, are the entries of that
//! character in that partition and beat, one for one. What leaves for another partition arrives by
//! an entry that names the one by which it left: so an order is known by the request that placed
//! it, and a fill by the request that came in ([`market`]).
//!
//! 1. Every answer that was heard is what the store remembers; nothing has two answers.
//! 2. Every effect is there once, and no other.
//! 3. What left has arrived once, or is on its way.
//! 4. Every order, fill, fee and tax follows from a request, and the answers say the same.
//! 5. Accounts hold what their entries say; at the end, when every request has its answer and
//!    nothing is on its way, wallets and goods are what the log alone says ([`sums`]).

mod market;
mod sums;

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::TypeId;
use orrery_base::value::{ItemId, TransferReason, ValueCommand};
use orrery_services::custody::{Account, AccountKind, Entry, EntryRef, Outcome};

use super::books::{Books, Known, arrives, leaves};
use super::log::{Asked, Key, Outside};

/// Most findings that are told; the rest is counted.
const TOLD_MAX: usize = 40;

/// Rates and the start of a character, as the content says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rules {
    /// The broker's share of an order's value, basis points, and the least of it, cents.
    pub(crate) broker_bp: u64,
    pub(crate) fee_min: u64,
    /// The tax on a sale, basis points.
    pub(crate) tax_bp: u64,
    /// What a new character has.
    pub(crate) grant_cents: u64,
    pub(crate) grant: Vec<(TypeId, u64)>,
}

impl Rules {
    fn share(value: u64, bp: u64) -> u64 {
        (u128::from(value) * u128::from(bp)).div_ceil(10_000) as u64
    }

    fn broker_fee(&self, value: u64) -> u64 {
        Self::share(value, self.broker_bp).max(self.fee_min)
    }
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Findings {
    /// Acknowledged and not there.
    pub(crate) lost: Vec<String>,
    /// There more than once, or without anybody who asked for it.
    pub(crate) doubled: Vec<String>,
    /// Sums and answers that are not what they must be.
    pub(crate) wrong: Vec<String>,
    /// Findings beyond those that are told.
    pub(crate) more: u64,
    /// Requests with an answer that was heard: accepted, and refused.
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Requests without an answer, and how many of these the store knows.
    pub(crate) unanswered: u64,
    pub(crate) known_unanswered: u64,
    /// Entries that a request was found for.
    pub(crate) effects: u64,
    /// Parcels' lots that arrived.
    pub(crate) arrivals: u64,
    /// Orders placed, and trades.
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    /// Accounts whose sums were compared.
    pub(crate) sums: u64,
    /// Entries in all.
    pub(crate) entries: u64,
}

impl Findings {
    /// Nothing lost, nothing doubled, nothing wrong.
    pub(crate) fn holds(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }

    fn tell(list: &mut Vec<String>, more: &mut u64, what: impl FnOnce() -> String) {
        if list.len() < TOLD_MAX {
            list.push(what());
        } else {
            *more += 1;
        }
    }

    fn lost(&mut self, what: impl FnOnce() -> String) {
        Self::tell(&mut self.lost, &mut self.more, what);
    }

    fn doubled(&mut self, what: impl FnOnce() -> String) {
        Self::tell(&mut self.doubled, &mut self.more, what);
    }

    fn wrong(&mut self, what: impl FnOnce() -> String) {
        Self::tell(&mut self.wrong, &mut self.more, what);
    }
}

/// An entry that a command must have made at the desk.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Effect {
    /// Cents from a wallet to a kind of account of an owner; how many may not be known.
    Coins(AccountKind, u64, Option<u64>),
    /// Units of a stack, and the stack that they are in now; none if they left the desk.
    Units(TransferReason, ItemId, Option<u64>, Option<ItemId>),
}

impl Effect {
    fn fits(&self, entry: &Entry) -> bool {
        match *self {
            Self::Coins(kind, owner, cents) => {
                let is_to = entry.to.kind == kind
                    && (kind == AccountKind::Market || entry.to.owner == owner);
                is_to
                    && entry.item == ItemId::NONE
                    && entry.from.kind == AccountKind::Wallet
                    && cents.is_none_or(|cents| cents == entry.quantity)
            }
            Self::Units(reason, item, quantity, onto) => {
                entry.reason == reason.number()
                    && entry.item == item
                    && quantity.is_none_or(|quantity| quantity == entry.quantity)
                    && entry.onto == onto.unwrap_or(ItemId::NONE)
            }
        }
    }
}

/// What is worked with.
struct Clerk<'a> {
    outside: &'a Outside,
    books: &'a Books,
    rules: &'a Rules,
    is_end: bool,
    found: Findings,
    /// The request by which an entry was made at a desk.
    made_by: BTreeMap<EntryRef, Key>,
}

/// Reconciles. At the `is_end` every request has its answer and nothing is on its way.
pub(crate) fn reconcile(outside: &Outside, books: &Books, rules: &Rules, is_end: bool) -> Findings {
    let mut clerk = Clerk {
        outside,
        books,
        rules,
        is_end,
        found: Findings::default(),
        made_by: BTreeMap::new(),
    };
    clerk.found.entries = books.entries.len() as u64;
    clerk.answers();
    clerk.effects();
    clerk.arrivals();
    let stories = clerk.market();
    clerk.sums(&stories);
    clerk.found
}

impl Clerk<'_> {
    /// 1. What was heard is what is remembered.
    fn answers(&mut self) {
        let nobody =
            (self.books.requests.keys()).filter(|key| !self.outside.requests.contains_key(key));
        for key in nobody {
            self.found
                .doubled(|| format!("{}: nobody sent it", name(*key)));
        }
        for (&key, asked) in &self.outside.requests {
            let known = self.books.requests.get(&key);
            if known.is_some_and(|known| known.changed > 0) || asked.finals().count() > 1 {
                let answers = &asked.answers;
                self.found
                    .doubled(|| format!("{}: two answers: {answers:?}", name(key)));
            }
            let remembered = known.and_then(|known| known.outcome);
            match asked.outcome() {
                Some(outcome) if remembered == Some(outcome) => match outcome {
                    Ok(_) => self.found.accepted += 1,
                    Err(_) => self.found.refused += 1,
                },
                Some(outcome) => self.found.lost(|| {
                    let (name, command) = (name(key), &asked.command);
                    format!("{name}: {command:?} was answered {outcome:?}, the store: {known:?}")
                }),
                None => {
                    self.found.unanswered += 1;
                    self.found.known_unanswered += u64::from(known.is_some());
                    // At the end there is an answer, if only that it was turned away.
                    if self.is_end && asked.answers.is_empty() {
                        let command = &asked.command;
                        self.found
                            .wrong(|| format!("{}: {command:?} has no answer", name(key)));
                    }
                    self.turned_away(key, asked, remembered);
                }
            }
        }
    }

    /// A request that was turned away at the door has no effect, unless it was let in later.
    fn turned_away(&mut self, key: Key, asked: &Asked, remembered: Option<Outcome>) {
        let is_refusal = matches!(remembered, None | Some(Err(_)));
        if self.is_end && !asked.answers.is_empty() && !is_refusal {
            let answers = &asked.answers;
            self.found.doubled(|| {
                let name = name(key);
                format!("{name}: turned away ({answers:?}) and carried out ({remembered:?})")
            });
        }
    }

    /// 2. Every effect is there once, and no other.
    fn effects(&mut self) {
        let mut made: BTreeMap<_, Vec<(EntryRef, &Entry)>> = BTreeMap::new();
        for (at, entry) in &self.books.entries {
            if is_of_a_desk(entry) {
                let beat = (at.partition(), at.tick(), entry.actor);
                made.entry(beat).or_default().push((*at, entry));
            }
        }
        let mut asked: BTreeMap<_, Vec<(u32, Key)>> = BTreeMap::new();
        for (&key, known) in &self.books.requests {
            let (partition, tick, number) = known.begun;
            let beat = asked.entry((partition, tick, key.0));
            beat.or_default().push((number, key));
        }
        let beats: BTreeSet<_> = made.keys().chain(asked.keys()).copied().collect();
        for beat in beats {
            let mut keys = asked.remove(&beat).unwrap_or_default();
            keys.sort_unstable();
            let mut entries = made.remove(&beat).unwrap_or_default();
            for (_, key) in keys {
                let Some(asked) = self.outside.requests.get(&key) else {
                    continue;
                };
                for effect in effects_of(asked, &self.books.requests[&key], self.rules) {
                    let place = entries.iter().position(|(_, entry)| effect.fits(entry));
                    if let Some(place) = place {
                        // What is passed over has nobody who asked for it.
                        let before: Vec<_> = entries.drain(..=place).collect();
                        self.made_by.insert(before[place].0, key);
                        self.found.effects += 1;
                        self.nobodys(&before[..place]);
                    } else {
                        let command = &asked.command;
                        self.found
                            .lost(|| format!("{}: {command:?} has no entry {effect:?}", name(key)));
                    }
                }
            }
            self.nobodys(&entries);
        }
    }

    fn nobodys(&mut self, entries: &[(EntryRef, &Entry)]) {
        for (at, entry) in entries {
            self.found
                .doubled(|| format!("entry {at}: nobody asked for it: {entry:?}"));
        }
    }

    /// 3. What left has arrived once, or is on its way.
    fn arrivals(&mut self) {
        let mut on_the_way: BTreeMap<EntryRef, &Entry> = BTreeMap::new();
        for (at, entry) in &self.books.entries {
            if leaves(entry) {
                on_the_way.insert(*at, entry);
            }
        }
        for (at, entry) in &self.books.entries {
            if !arrives(entry) {
                continue;
            }
            let left = entry.previous[2];
            match on_the_way.remove(&left) {
                Some(sent)
                    if (sent.commodity, sent.quantity) == (entry.commodity, entry.quantity) =>
                {
                    self.found.arrivals += 1;
                    self.destination(left, *at, entry);
                }
                Some(sent) => self
                    .found
                    .wrong(|| format!("entry {at}: {sent:?} left, {entry:?} has arrived")),
                None => self.found.doubled(|| {
                    format!(
                        "entry {at}: what left by {left} arrives again, or never left: {entry:?}"
                    )
                }),
            }
        }
        for flying in &self.books.flying {
            if on_the_way.remove(flying).is_none() {
                self.found
                    .doubled(|| format!("a parcel carries what left by {flying} again"));
            }
        }
        for (at, entry) in on_the_way {
            self.found.lost(|| {
                format!("entry {at}: it has neither arrived nor is on its way: {entry:?}")
            });
        }
        let flying = self.books.flying.len();
        if self.is_end && flying > 0 {
            self.found
                .wrong(|| format!("{flying} lots are on their way at the end"));
        }
    }

    /// A payment arrives where the answer says that it did.
    fn destination(&mut self, left: EntryRef, at: EntryRef, entry: &Entry) {
        let Some(key) = self.made_by.get(&left) else {
            return;
        };
        let asked = &self.outside.requests[key];
        let ValueCommand::Pay { to, .. } = asked.command else {
            return;
        };
        let is_right = match asked.outcome() {
            Some(Ok(_)) => entry.to == Account::wallet(to),
            Some(Err(_)) => entry.to == Account::wallet(key.0),
            None => true,
        };
        if !is_right {
            let answer = asked.outcome();
            self.found.wrong(|| {
                format!(
                    "entry {at}: {} was answered {answer:?}: {entry:?}",
                    name(*key)
                )
            });
        }
    }

    /// What counts as the answer: what was heard, else what the store remembers.
    fn outcome(&self, key: Key) -> Option<Outcome> {
        let heard = self.outside.requests.get(&key).and_then(Asked::outcome);
        let known = self.books.requests.get(&key);
        heard.or_else(|| known.and_then(|known| known.outcome))
    }
}

/// A request in words.
fn name(key: Key) -> String {
    format!("request {:032x} of character {}", key.1.0, key.0.0)
}

/// Whether an entry was made by a command at a desk.
fn is_of_a_desk(entry: &Entry) -> bool {
    let Some(reason) = TransferReason::from_number(entry.reason) else {
        return true;
    };
    match reason {
        TransferReason::Split
        | TransferReason::Stack
        | TransferReason::Relocation
        | TransferReason::Trash
        | TransferReason::Assembly => true,
        TransferReason::PlayerPayment | TransferReason::MarketEscrow => leaves(entry),
        _ => false,
    }
}

/// The entries that a request has made at its desk. It has made any if it was accepted, or if it
/// was not decided there.
fn effects_of(asked: &Asked, known: &Known, rules: &Rules) -> Vec<Effect> {
    let outcome = asked.outcome().or(known.outcome);
    let answer = match outcome {
        Some(Ok(answer)) => answer,
        _ if known.has_left => orrery_base::value::ValueAnswer::default(),
        _ => return Vec::new(),
    };
    let fee = |price: i64, quantity: u64, days: u8| {
        let fee = rules.broker_fee(price.unsigned_abs() * quantity);
        (days > 0).then_some(Effect::Coins(AccountKind::Market, 0, Some(fee)))
    };
    let units = |reason, item, quantity, onto| vec![Effect::Units(reason, item, quantity, onto)];
    match asked.command {
        ValueCommand::Pay { to, amount, .. } => {
            let cents = amount.0.unsigned_abs();
            vec![Effect::Coins(AccountKind::Wallet, to.0, Some(cents))]
        }
        ValueCommand::Sell {
            item,
            quantity,
            price,
            days,
        } => {
            let goods = units(TransferReason::MarketEscrow, item, Some(quantity), None);
            goods
                .into_iter()
                .chain(fee(price.0, quantity, days))
                .collect()
        }
        ValueCommand::Buy {
            quantity,
            price,
            days,
            ..
        } => {
            let cents = price.0.unsigned_abs() * quantity;
            let value = Effect::Coins(AccountKind::Market, 0, Some(cents));
            [value]
                .into_iter()
                .chain(fee(price.0, quantity, days))
                .collect()
        }
        ValueCommand::ModifyOrder { .. } => vec![Effect::Coins(AccountKind::Market, 0, None)],
        ValueCommand::Split { item, quantity } => units(
            TransferReason::Split,
            item,
            Some(quantity),
            Some(answer.item),
        ),
        ValueCommand::Stack { from, onto } => units(TransferReason::Stack, from, None, Some(onto)),
        ValueCommand::Move { item, quantity, .. } => {
            let onto = Some(answer.item);
            units(TransferReason::Relocation, item, Some(quantity), onto)
        }
        ValueCommand::Trash { item, quantity } => {
            units(TransferReason::Trash, item, Some(quantity), None)
        }
        ValueCommand::Assemble { item } if answer.item != item => {
            units(TransferReason::Assembly, item, Some(1), Some(answer.item))
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
