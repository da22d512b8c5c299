//! The history: one entry for every transfer, only ever appended.
//!
//! Entries of a beat are stored in **chunks** of [`CHUNK_ENTRIES`]: one row each, which begins with
//! the time. Every entry
//! names the entry before it of both its accounts and of its item, so the history of an account
//! or an item is a chain that is walked backwards from its newest entry.
//!
//! Where the two accounts are in different partitions there are two entries: one where the value
//! left and one where it arrived.

use core::fmt;

use orrery_base::value::ItemId;
use orrery_base::{CharacterId, Tick, TypeId};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};

use super::account::{Account, AccountKind, PartitionIndex};
use crate::WallTime;

/// Entries of one row.
pub const CHUNK_ENTRIES: u32 = 64;
/// Most entries of a partition in one beat.
pub(super) const BEAT_ENTRIES_MAX: u32 = 1 << 20;

/// What can be held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Commodity {
    /// Money.
    Coin,
    /// Things of a type.
    Type(TypeId),
}

impl Commodity {
    /// The number on disk: zero is money, which is no type in any content pack.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Coin => 0,
            Self::Type(type_id) => type_id.0,
        }
    }

    /// Reads [`Commodity::number`].
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Coin,
            type_id => Self::Type(TypeId(type_id)),
        }
    }
}

/// Names an entry: its partition, its beat, its place in the beat. Zero is no entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct EntryRef(pub u64);

impl EntryRef {
    /// No entry.
    pub const NONE: Self = Self(0);

    /// The entry of this number, from 0, in a beat. Ten bits are the partition's, 34 the beat's
    /// (18 years at 30 Hz), twenty the number's.
    ///
    /// # Panics
    /// When a number has too many bits.
    #[must_use]
    pub fn new(partition: PartitionIndex, tick: Tick, number: u32) -> Self {
        assert!(
            partition.0 < 1 << 10 && tick.0 < 1 << 34 && number < BEAT_ENTRIES_MAX,
            "an entry has too large a number"
        );
        Self(u64::from(partition.0) << 54 | tick.0 << 20 | u64::from(number))
    }

    /// The partition that wrote it.
    #[must_use]
    pub const fn partition(self) -> PartitionIndex {
        PartitionIndex((self.0 >> 54) as u16)
    }

    /// The beat in which it was written.
    #[must_use]
    pub const fn tick(self) -> Tick {
        Tick(self.0 >> 20 & ((1 << 34) - 1))
    }

    /// Its number in the beat.
    #[must_use]
    pub const fn number(self) -> u32 {
        (self.0 & 0xf_ffff) as u32
    }

    /// Whether it names an entry: beats start at 1.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Debug for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, tick, number) = (self.partition().0, self.tick().0, self.number());
        write!(f, "{partition}:{tick}:{number}")
    }
}

/// A transfer that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where from.
    pub from: Account,
    /// Where to.
    pub to: Account,
    /// What.
    pub commodity: Commodity,
    /// Units, or cents.
    pub quantity: u64,
    /// The stack that it was taken from; none for money.
    pub item: ItemId,
    /// The stack that it is in now: the same when the whole stack was moved.
    pub onto: ItemId,
    /// Who made it.
    pub actor: CharacterId,
    /// Why: a number of `TransferReason`, which this version need not know.
    pub reason: u8,
    /// What it is about: an order, a trade, a partner.
    pub reference: u64,
    /// Cents in `from` afterwards, for money.
    pub from_after: u64,
    /// Cents in `to` afterwards, for money.
    pub to_after: u64,
    /// The entry before of `from`, of `to`, of `item` and of `onto`. Where `onto` is a new stack,
    /// or money, the last is none. Where value comes from another partition, the one of `item` is
    /// the entry by which it left that partition.
    pub previous: [EntryRef; 4],
}

impl Entry {
    /// The entry before of an account of this one.
    #[must_use]
    pub fn before(&self, account: &Account) -> EntryRef {
        if self.from == *account {
            self.previous[0]
        } else {
            self.previous[1]
        }
    }

    /// The entry before of an item of this one.
    #[must_use]
    pub fn before_item(&self, item: ItemId) -> EntryRef {
        if self.item == item {
            self.previous[2]
        } else {
            self.previous[3]
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_account(out, &self.from);
        put_account(out, &self.to);
        let numbers = [
            u64::from(self.commodity.number()),
            self.quantity,
            self.item.0,
            // Mostly the same stack, which is a zero.
            self.onto.0 ^ self.item.0,
            self.actor.0,
            u64::from(self.reason),
            self.reference,
            self.from_after,
            self.to_after,
        ];
        for number in numbers {
            put_varint(out, number);
        }
        for previous in self.previous {
            out.extend_from_slice(&previous.0.to_le_bytes());
        }
    }

    fn decode(fields: &mut FieldReader<'_>) -> Result<Self, FieldError> {
        let (from, to) = (take_account(fields)?, take_account(fields)?);
        let commodity = Commodity::from_number(fields.int()?);
        let quantity = fields.varint()?;
        let item = ItemId(fields.varint()?);
        Ok(Self {
            from,
            to,
            commodity,
            quantity,
            item,
            onto: ItemId(fields.varint()? ^ item.0),
            actor: CharacterId(fields.varint()?),
            reason: fields.u8()?,
            reference: fields.varint()?,
            from_after: fields.varint()?,
            to_after: fields.varint()?,
            previous: [
                EntryRef(fields.u64_fixed()?),
                EntryRef(fields.u64_fixed()?),
                EntryRef(fields.u64_fixed()?),
                EntryRef(fields.u64_fixed()?),
            ],
        })
    }
}

pub(crate) fn put_account(out: &mut Vec<u8>, account: &Account) {
    out.push(account.kind as u8);
    put_varint(out, account.owner);
    put_varint(out, account.place);
}

pub(crate) fn take_account(fields: &mut FieldReader<'_>) -> Result<Account, FieldError> {
    let number = fields.take(1)?[0];
    let kind = AccountKind::from_number(number).ok_or(FieldError::Range(u64::from(number)))?;
    Ok(Account {
        kind,
        owner: fields.varint()?,
        place: fields.varint()?,
    })
}

/// Bytes of a key in the domain `Entry`: partition, kind of chunk, beat, number of chunk.
pub(super) const CHUNK_KEY_BYTES: usize = 15;
/// The kind of chunk that has entries.
pub(super) const ENTRIES: u8 = 0;
/// The kind of row that has what somebody wrote beside one entry.
const MEMO: u8 = 2;

/// The row that has what somebody wrote beside an entry: text, as it is.
#[must_use]
pub fn memo_key(entry: EntryRef) -> [u8; CHUNK_KEY_BYTES] {
    chunk_key(entry.partition(), entry.tick(), MEMO, entry.number())
}

/// The key of a chunk of entries.
#[must_use]
pub(super) fn chunk_key(
    partition: PartitionIndex,
    tick: Tick,
    kind: u8,
    chunk: u32,
) -> [u8; CHUNK_KEY_BYTES] {
    let mut key = [0; CHUNK_KEY_BYTES];
    key[..2].copy_from_slice(&partition.0.to_be_bytes());
    key[2] = kind;
    key[3..11].copy_from_slice(&tick.0.to_be_bytes());
    key[11..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The row that has an entry.
#[must_use]
pub fn entry_key(entry: EntryRef) -> [u8; CHUNK_KEY_BYTES] {
    let chunk = entry.number() / CHUNK_ENTRIES;
    chunk_key(entry.partition(), entry.tick(), ENTRIES, chunk)
}

/// Finds an entry in the row of [`entry_key`], with the time of its beat; `None` if the row is
/// damaged or has no such entry.
#[must_use]
pub fn entry_in(row: &[u8], entry: EntryRef) -> Option<(WallTime, Entry)> {
    let mut fields = FieldReader::new(row);
    let time = WallTime(fields.varint().ok()?);
    for _ in 0..entry.number() % CHUNK_ENTRIES {
        if fields.is_empty() {
            return None;
        }
        Entry::decode(&mut fields).ok()?;
    }
    if fields.is_empty() {
        return None;
    }
    Some((time, Entry::decode(&mut fields).ok()?))
}

/// Every entry of a row, with the time of their beat.
///
/// # Errors
/// [`FieldError`] if the row is damaged.
pub fn entries_in(row: &[u8]) -> Result<(WallTime, Vec<Entry>), FieldError> {
    let mut fields = FieldReader::new(row);
    let time = WallTime(fields.varint()?);
    let mut entries = Vec::new();
    while !fields.is_empty() {
        entries.push(Entry::decode(&mut fields)?);
    }
    Ok((time, entries))
}

/// The entries of one beat on their way to their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    bytes: Vec<u8>,
    /// Where each chunk begins.
    starts: Vec<usize>,
    count: u32,
    time: WallTime,
}

impl Pages {
    /// Entries so far.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The time of the beat that begins.
    pub(super) const fn begin(&mut self, time: WallTime) {
        self.time = time;
    }

    pub(super) fn push(&mut self, entry: &Entry) {
        if self.count.is_multiple_of(CHUNK_ENTRIES) {
            self.starts.push(self.bytes.len());
            put_varint(&mut self.bytes, self.time.0);
        }
        entry.encode(&mut self.bytes);
        self.count += 1;
    }

    /// Writes the rows of the beat and is empty again.
    pub(super) fn write(
        &mut self,
        partition: PartitionIndex,
        tick: Tick,
        out: &mut orrery_storage::Batch,
    ) {
        for (chunk, &start) in (0_u32..).zip(&self.starts) {
            let end = self.starts.get(chunk as usize + 1);
            let end = end.copied().unwrap_or(self.bytes.len());
            let key = chunk_key(partition, tick, ENTRIES, chunk);
            out.put(orrery_storage::Domain::Entry, key, &self.bytes[start..end]);
        }
        self.bytes.clear();
        self.starts.clear();
        self.count = 0;
    }
}
