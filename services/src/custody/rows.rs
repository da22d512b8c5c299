//! The rows of custody accounts.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | head | `Custody` | partition, account | version, cents, newest entry |
//! | stack | `Custody` | partition, account, item | version, type, quantity, flags, newest entry, name |
//! | total | `Custody` | partition, faucet or sink, commodity | version, units ever minted or burned |
//! | place | `Item` | item | version, account or none, newest entry |
//! | counters | `Custody` | partition, `0` | version, items ever numbered |
//!
//! Keys are big endian; the length of a key tells the rows apart.

use orrery_base::TypeId;
use orrery_base::value::{ITEM_NAME_BYTES_MAX, ItemId};
use orrery_proto::bytes::{FieldError, FieldReader, put_bytes, put_varint};
use orrery_storage::{Domain, KeyRange, Order, Rows};

use super::account::{ACCOUNT_KEY_BYTES, Account, AccountKind, PartitionIndex};
use super::entry::{Commodity, EntryRef, put_account, take_account};
use crate::rows::RowError;

const VERSION: u8 = 1;
const ASSEMBLED: u8 = 1;

/// Bytes of the key of a head.
const HEAD_KEY_BYTES: usize = 2 + ACCOUNT_KEY_BYTES;

/// A stack of equal goods or a single thing, as an account holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// Its id.
    pub id: ItemId,
    /// What it is.
    pub type_id: TypeId,
    /// How many: at least 1; 1 if assembled.
    pub quantity: u64,
    /// Whether it is an assembled ship.
    pub is_assembled: bool,
    /// The newest entry of its history.
    pub last: EntryRef,
    /// The name that its owner gave it.
    pub name: Option<Box<str>>,
}

/// An account as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Which.
    pub account: Account,
    /// Cents that it holds.
    pub coins: u64,
    /// The newest entry of its history.
    pub last: EntryRef,
    /// Its stacks, by id.
    pub stacks: Vec<Stack>,
}

impl Stored {
    /// An account that never held anything.
    #[must_use]
    pub const fn empty(account: Account) -> Self {
        Self {
            account,
            coins: 0,
            last: EntryRef::NONE,
            stacks: Vec::new(),
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.coins == 0 && self.stacks.is_empty()
    }
}

/// The key of the head of an account, which is also how its stacks begin.
#[must_use]
pub(super) fn head_key(partition: PartitionIndex, account: &Account) -> [u8; HEAD_KEY_BYTES] {
    let mut key = [0; HEAD_KEY_BYTES];
    key[..2].copy_from_slice(&partition.0.to_be_bytes());
    key[2..].copy_from_slice(&account.key());
    key
}

#[must_use]
pub(super) fn stack_key(
    partition: PartitionIndex,
    account: &Account,
    item: ItemId,
) -> [u8; HEAD_KEY_BYTES + 8] {
    let mut key = [0; HEAD_KEY_BYTES + 8];
    key[..HEAD_KEY_BYTES].copy_from_slice(&head_key(partition, account));
    key[HEAD_KEY_BYTES..].copy_from_slice(&item.0.to_be_bytes());
    key
}

#[must_use]
pub(super) fn total_key(
    partition: PartitionIndex,
    account: &Account,
    commodity: Commodity,
) -> [u8; HEAD_KEY_BYTES + 4] {
    let mut key = [0; HEAD_KEY_BYTES + 4];
    key[..HEAD_KEY_BYTES].copy_from_slice(&head_key(partition, account));
    key[HEAD_KEY_BYTES..].copy_from_slice(&commodity.number().to_be_bytes());
    key
}

#[must_use]
pub(super) const fn counters_key(partition: PartitionIndex) -> [u8; 3] {
    let [high, low] = partition.0.to_be_bytes();
    [high, low, 0]
}

pub(super) fn encode_head(coins: u64, last: EntryRef, out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    put_varint(out, coins);
    out.extend_from_slice(&last.0.to_le_bytes());
}

pub(super) fn encode_stack(stack: &Stack, out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    put_varint(out, u64::from(stack.type_id.0));
    put_varint(out, stack.quantity);
    out.push(if stack.is_assembled { ASSEMBLED } else { 0 });
    out.extend_from_slice(&stack.last.0.to_le_bytes());
    if let Some(name) = &stack.name {
        put_bytes(out, name.as_bytes());
    }
}

pub(super) fn encode_total(total: u128, out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    out.extend_from_slice(&total.to_le_bytes());
}

pub(super) fn encode_counters(items: u64, out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    put_varint(out, items);
}

/// `None`: the item is no more.
pub(super) fn encode_place(account: Option<&Account>, last: EntryRef, out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    out.extend_from_slice(&last.0.to_le_bytes());
    if let Some(account) = account {
        put_account(out, account);
    }
}

fn versioned(bytes: &[u8]) -> Result<FieldReader<'_>, FieldError> {
    let mut fields = FieldReader::new(bytes);
    match fields.take(1)?[0] {
        VERSION => Ok(fields),
        other => Err(FieldError::Range(u64::from(other))),
    }
}

fn decode_head(bytes: &[u8]) -> Result<(u64, EntryRef), FieldError> {
    let mut fields = versioned(bytes)?;
    Ok((fields.varint()?, EntryRef(fields.u64_fixed()?)))
}

fn decode_stack(id: ItemId, bytes: &[u8]) -> Result<Stack, FieldError> {
    let mut fields = versioned(bytes)?;
    let type_id = TypeId(fields.int()?);
    let quantity = fields.varint()?;
    let flags = fields.take(1)?[0];
    let last = EntryRef(fields.u64_fixed()?);
    let name = fields.text(ITEM_NAME_BYTES_MAX)?;
    if quantity == 0 || flags > ASSEMBLED {
        return Err(FieldError::Range(quantity));
    }
    Ok(Stack {
        id,
        type_id,
        quantity,
        is_assembled: flags == ASSEMBLED,
        last,
        name: (!name.is_empty()).then(|| name.into_boxed_str()),
    })
}

fn decode_total(bytes: &[u8]) -> Result<u128, FieldError> {
    versioned(bytes)?.u128_fixed()
}

pub(super) fn decode_counters(bytes: &[u8]) -> Result<u64, FieldError> {
    versioned(bytes)?.varint()
}

/// Where an item is, or `None` if it is no more, and the newest entry of its history.
pub(super) fn decode_place(bytes: &[u8]) -> Result<(Option<Account>, EntryRef), FieldError> {
    let mut fields = versioned(bytes)?;
    let last = EntryRef(fields.u64_fixed()?);
    if fields.is_empty() {
        return Ok((None, last));
    }
    Ok((Some(take_account(&mut fields)?), last))
}

/// A row of the domain `Custody`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CustodyRow {
    /// The head of an account: cents and newest entry.
    Head(PartitionIndex, Account, u64, EntryRef),
    /// A stack in an account.
    Stack(PartitionIndex, Account, Stack),
    /// What a faucet minted or a sink burned of a commodity.
    Total(PartitionIndex, Account, Commodity, u128),
    /// Items that a partition has numbered.
    Counters(PartitionIndex, u64),
}

impl CustodyRow {
    /// Reads any row of the domain.
    ///
    /// # Errors
    /// [`RowError`] when key or value are not those of such a row.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        Self::parse(key, value).map_err(|error| damaged(Domain::Custody, key, error))
    }

    fn parse(key: &[u8], value: &[u8]) -> Result<Self, FieldError> {
        let bad_key = || FieldError::Range(key.len() as u64);
        let (partition, rest) = key.split_first_chunk::<2>().ok_or_else(bad_key)?;
        let partition = PartitionIndex(u16::from_be_bytes(*partition));
        let Some((account, tail)) = rest.split_first_chunk::<ACCOUNT_KEY_BYTES>() else {
            return match rest {
                [0] => Ok(Self::Counters(partition, decode_counters(value)?)),
                _ => Err(bad_key()),
            };
        };
        let account = Account::from_key(account).ok_or_else(bad_key)?;
        if tail.is_empty() {
            let (coins, last) = decode_head(value)?;
            return Ok(Self::Head(partition, account, coins, last));
        }
        if let Ok(item) = <[u8; 8]>::try_from(tail) {
            let stack = decode_stack(ItemId(u64::from_be_bytes(item)), value)?;
            return Ok(Self::Stack(partition, account, stack));
        }
        let commodity = <[u8; 4]>::try_from(tail).map_err(|_| bad_key())?;
        let commodity = Commodity::from_number(u32::from_be_bytes(commodity));
        let total = decode_total(value)?;
        Ok(Self::Total(partition, account, commodity, total))
    }
}

pub(crate) fn damaged(domain: Domain, key: &[u8], error: FieldError) -> RowError {
    let reason = crate::record::RecordError::Damaged(error.to_string());
    RowError::damaged(domain, key, reason)
}

/// The rows that begin like this.
pub(super) fn prefixed(prefix: &[u8]) -> KeyRange {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return KeyRange::between(prefix, end);
        }
        end.pop();
    }
    KeyRange::from(prefix)
}

/// Reads an account: what a partition asks to be brought when a command needs an account that it
/// does not have in memory. May wait for the disk.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn read_account(
    rows: &impl Rows,
    partition: PartitionIndex,
    account: Account,
) -> Result<Stored, RowError> {
    let mut stored = Stored::empty(account);
    let range = prefixed(&head_key(partition, &account));
    for row in rows.scan(Domain::Custody, range, Order::Ascending) {
        let row = row?;
        match CustodyRow::read(&row.key, &row.value)? {
            CustodyRow::Head(_, _, coins, last) => (stored.coins, stored.last) = (coins, last),
            CustodyRow::Stack(_, _, stack) => stored.stacks.push(stack),
            CustodyRow::Total(..) | CustodyRow::Counters(..) => {}
        }
    }
    Ok(stored)
}

/// Where an item is, or `None` if it is no more, with the newest entry of its history; or that
/// there never was such an item.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn place_of(
    rows: &impl Rows,
    item: ItemId,
) -> Result<Option<(Option<Account>, EntryRef)>, RowError> {
    let key = item.0.to_be_bytes();
    let Some(value) = rows.get(Domain::Item, &key)? else {
        return Ok(None);
    };
    let place = decode_place(&value).map_err(|error| damaged(Domain::Item, &key, error))?;
    Ok(Some(place))
}

/// The cents in an account, and the newest entry of its history.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn read_head(
    rows: &impl Rows,
    partition: PartitionIndex,
    account: &Account,
) -> Result<(u64, EntryRef), RowError> {
    let key = head_key(partition, account);
    let Some(value) = rows.get(Domain::Custody, &key)? else {
        return Ok((0, EntryRef::NONE));
    };
    decode_head(&value).map_err(|error| damaged(Domain::Custody, &key, error))
}

/// A stack in an account, if it is there.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn read_stack(
    rows: &impl Rows,
    partition: PartitionIndex,
    account: &Account,
    item: ItemId,
) -> Result<Option<Stack>, RowError> {
    let key = stack_key(partition, account, item);
    let Some(value) = rows.get(Domain::Custody, &key)? else {
        return Ok(None);
    };
    let stack = decode_stack(item, &value);
    stack
        .map(Some)
        .map_err(|error| damaged(Domain::Custody, &key, error))
}

/// The stacks of an account that come after an item, by id, at most so many. Reads no others.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn stacks_after(
    rows: &impl Rows,
    partition: PartitionIndex,
    account: &Account,
    after: ItemId,
    most: usize,
) -> Result<Vec<Stack>, RowError> {
    let Some(first) = after.0.checked_add(1) else {
        return Ok(Vec::new());
    };
    let mut range = prefixed(&head_key(partition, account));
    range.from = stack_key(partition, account, ItemId(first)).to_vec();
    let mut stacks = Vec::new();
    for row in rows.scan(Domain::Custody, range, Order::Ascending) {
        if stacks.len() == most {
            break;
        }
        let row = row?;
        if let CustodyRow::Stack(_, _, stack) = CustodyRow::read(&row.key, &row.value)? {
            stacks.push(stack);
        }
    }
    Ok(stacks)
}

/// The accounts of one kind that an owner has in a partition, by place.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn accounts_of(
    rows: &impl Rows,
    partition: PartitionIndex,
    kind: AccountKind,
    owner: u64,
) -> Result<Vec<Stored>, RowError> {
    let mut prefix = kind_prefix(partition, kind).to_vec();
    prefix.extend_from_slice(&owner.to_be_bytes());
    let mut found: Vec<Stored> = Vec::new();
    for row in rows.scan(Domain::Custody, prefixed(&prefix), Order::Ascending) {
        let row = row?;
        match CustodyRow::read(&row.key, &row.value)? {
            CustodyRow::Head(_, account, coins, last) => found.push(Stored {
                coins,
                last,
                ..Stored::empty(account)
            }),
            CustodyRow::Stack(_, account, stack) => {
                // A stack without a head is damage, which the audit tells of.
                if found.last().is_none_or(|stored| stored.account != account) {
                    found.push(Stored::empty(account));
                }
                if let Some(stored) = found.last_mut() {
                    stored.stacks.push(stack);
                }
            }
            CustodyRow::Total(..) | CustodyRow::Counters(..) => {}
        }
    }
    Ok(found)
}

/// How the keys of all accounts of a kind begin.
#[must_use]
pub(crate) const fn kind_prefix(partition: PartitionIndex, kind: AccountKind) -> [u8; 3] {
    let [high, low] = partition.0.to_be_bytes();
    [high, low, kind as u8]
}
