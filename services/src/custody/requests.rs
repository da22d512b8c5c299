//! Requests and their answers: a request that comes again has one effect and the same answer.
//!
//! A request's id carries the time when it was made (UUID version 7). The server remembers the
//! ids of a **window** of time with their answers, and refuses what is older: so an id is either
//! remembered or refused, never carried out twice, and memory is bounded.
//!
//! What was learned in a beat is stored in that beat's batch, in chunks beside the history's; a
//! restart reads the chunks of the window.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, OrderId, RequestId, TradeId, ValueAnswer};
use orrery_base::{CharacterId, Tick};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};
use orrery_storage::{Batch, Domain, KeyRange, Order, Rows};

use super::account::PartitionIndex;
use super::entry::chunk_key;
use super::lookup::Lookup;
use super::rows::damaged;
use crate::WallTime;
use crate::rows::RowError;

/// What a request came to.
pub type Outcome = Result<ValueAnswer, RejectCode>;

/// How long requests are remembered, and how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestLimits {
    /// Milliseconds.
    pub window_ms: u64,
    /// How far a client's clock may be ahead, milliseconds.
    pub ahead_ms: u64,
    /// Requests of a partition; further ones have to wait.
    pub most: usize,
    /// Requests of one actor; further ones have to wait, so that nobody makes others wait.
    pub each: u32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            window_ms: 120_000,
            ahead_ms: 10_000,
            most: 1_000_000,
            each: 8_192,
        }
    }
}

/// What to do with a request that has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It is new: carry it out.
    Fresh,
    /// It is being carried out; the answer will come.
    Underway,
    /// It was carried out, with this outcome.
    Done(Outcome),
}

#[derive(Clone, Copy, Debug)]
struct Known {
    actor: CharacterId,
    id: RequestId,
    came: WallTime,
    outcome: Option<Outcome>,
}

/// The requests of a partition. 100 bytes of memory for each.
#[derive(Clone, Debug)]
pub struct Requests {
    limits: RequestLimits,
    places: Lookup<(CharacterId, RequestId)>,
    /// In the order in which they came; the place of the first is `first`.
    known: VecDeque<Known>,
    first: u64,
    /// How many are remembered of each actor who has any.
    by_actor: BTreeMap<CharacterId, u32>,
    /// Places that have changed in this beat.
    changed: Vec<u64>,
}

/// A request as a row remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// Who asked.
    pub actor: CharacterId,
    /// Which request.
    pub id: RequestId,
    /// When it came.
    pub came: WallTime,
    /// What it came to; none: it was underway.
    pub outcome: Option<Outcome>,
}

/// The requests of a row of the domain `Entry`, in the order in which they came, with their
/// partition and beat; none if the row is not one of answers. For whoever looks at a store.
///
/// # Errors
/// [`RowError`] if the row is damaged.
pub fn answers_in(
    key: &[u8],
    value: &[u8],
) -> Result<Option<(PartitionIndex, Tick, Vec<Remembered>)>, RowError> {
    let &[p0, p1, ANSWERS, b0, b1, b2, b3, b4, b5, b6, b7, _, _, _, _] = key else {
        return Ok(None);
    };
    let tick = Tick(u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]));
    let mut fields = FieldReader::new(value);
    let mut found = Vec::new();
    while !fields.is_empty() {
        let known = decode(&mut fields).map_err(|error| damaged(Domain::Entry, key, error))?;
        found.push(Remembered {
            actor: known.actor,
            id: known.id,
            came: known.came,
            outcome: known.outcome,
        });
    }
    let partition = PartitionIndex(u16::from_be_bytes([p0, p1]));
    Ok(Some((partition, tick, found)))
}

/// The kind of chunk that has answers.
const ANSWERS: u8 = 1;
const CHUNK_ANSWERS: usize = 64;

impl Requests {
    /// Nothing remembered. `seed` is a secret of the store: ids are chosen by clients.
    #[must_use]
    pub fn new(limits: RequestLimits, seed: u64) -> Self {
        Self {
            limits,
            places: Lookup::new(seed),
            known: VecDeque::new(),
            first: 0,
            by_actor: BTreeMap::new(),
            changed: Vec::new(),
        }
    }

    /// Requests remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What to do with a request. A fresh one has to be [begun](Self::begin) or refused at once.
    ///
    /// # Errors
    /// Why it is refused, without being remembered: it may be sent again.
    pub fn judge(
        &self,
        actor: CharacterId,
        id: RequestId,
        now: WallTime,
    ) -> Result<Judgement, RejectCode> {
        if let Some(place) = self.places.get(&(actor, id)) {
            let known = self.known[(place - self.first) as usize];
            return Ok(known.outcome.map_or(Judgement::Underway, Judgement::Done));
        }
        let made = WallTime(id.unix_ms().ok_or(RejectCode::RequestExpired)?);
        if now.since_ms(made) >= self.limits.window_ms {
            return Err(RejectCode::RequestExpired);
        }
        if made.since_ms(now) > self.limits.ahead_ms {
            return Err(RejectCode::RequestFromFuture);
        }
        let of_actor = self.by_actor.get(&actor).copied().unwrap_or(0);
        if self.known.len() >= self.limits.most || of_actor >= self.limits.each {
            return Err(RejectCode::Busy);
        }
        Ok(Judgement::Fresh)
    }

    /// Remembers a fresh request, whose outcome may be known already.
    pub fn begin(
        &mut self,
        actor: CharacterId,
        id: RequestId,
        now: WallTime,
        outcome: Option<Outcome>,
    ) {
        let place = self.remember(Known {
            actor,
            id,
            came: now,
            outcome,
        });
        self.changed.push(place);
    }

    fn remember(&mut self, known: Known) -> u64 {
        let place = self.first + self.known.len() as u64;
        let before = self.places.set((known.actor, known.id), place);
        assert!(before.is_none(), "a request was begun twice");
        *self.by_actor.entry(known.actor).or_default() += 1;
        self.known.push_back(known);
        place
    }

    /// Remembers the outcome of a request that was underway. One that is forgotten stays so.
    pub fn finish(&mut self, actor: CharacterId, id: RequestId, outcome: Outcome) {
        if let Some(place) = self.places.get(&(actor, id)) {
            self.known[(place - self.first) as usize].outcome = Some(outcome);
            self.changed.push(place);
        }
    }

    /// Forgets what is older than the window: such ids are refused by their time. Call it when a
    /// beat's rows are written.
    pub fn forget(&mut self, now: WallTime) {
        let keep = self.limits.window_ms + self.limits.ahead_ms;
        while let Some(oldest) = self.known.front()
            && now.since_ms(oldest.came) > keep
        {
            self.places.remove(&(oldest.actor, oldest.id));
            if let Entry::Occupied(mut count) = self.by_actor.entry(oldest.actor) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
            self.known.pop_front();
            self.first += 1;
        }
    }

    /// Writes what was learned in this beat.
    pub fn write(&mut self, partition: PartitionIndex, tick: Tick, out: &mut Batch) {
        self.changed.sort_unstable();
        self.changed.dedup();
        let mut bytes = Vec::new();
        for (chunk, places) in (0..).zip(self.changed.chunks(CHUNK_ANSWERS)) {
            bytes.clear();
            for place in places {
                encode(&self.known[(place - self.first) as usize], &mut bytes);
            }
            out.put(
                Domain::Entry,
                chunk_key(partition, tick, ANSWERS, chunk),
                &bytes,
            );
        }
        self.changed.clear();
    }

    /// Reads what was learned since a beat that is no later than the window's first.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn load(
        &mut self,
        rows: &impl Rows,
        partition: PartitionIndex,
        since: Tick,
    ) -> Result<(), RowError> {
        let from = chunk_key(partition, since, ANSWERS, 0);
        let to = chunk_key(partition, Tick(u64::MAX), ANSWERS, u32::MAX);
        let range = KeyRange::between(from, to);
        for row in rows.scan(Domain::Entry, range, Order::Ascending) {
            let row = row?;
            let mut fields = FieldReader::new(&row.value);
            while !fields.is_empty() {
                let known =
                    decode(&mut fields).map_err(|error| damaged(Domain::Entry, &row.key, error))?;
                let key = (known.actor, known.id);
                match self.places.get(&key) {
                    Some(place) => self.known[(place - self.first) as usize] = known,
                    None => {
                        self.remember(known);
                    }
                }
            }
        }
        Ok(())
    }
}

fn encode(known: &Known, out: &mut Vec<u8>) {
    put_varint(out, known.actor.0);
    out.extend_from_slice(&known.id.0.to_le_bytes());
    put_varint(out, known.came.0);
    match known.outcome {
        None => out.push(0),
        Some(Err(code)) => {
            out.push(1);
            put_varint(out, code as u64);
        }
        Some(Ok(answer)) => {
            out.push(2);
            put_answer(out, &answer);
        }
    }
}

fn decode(fields: &mut FieldReader<'_>) -> Result<Known, FieldError> {
    let actor = CharacterId(fields.varint()?);
    let id = RequestId(u128::from_le_bytes(
        fields.take(16)?.try_into().expect("sixteen bytes"),
    ));
    let came = WallTime(fields.varint()?);
    let outcome = match fields.take(1)?[0] {
        0 => None,
        1 => {
            let number = fields.int::<u16>()?;
            // A refusal that this version does not know any more is still one.
            Some(Err(
                RejectCode::from_number(number).unwrap_or(RejectCode::NotAvailable)
            ))
        }
        2 => Some(Ok(take_answer(fields)?)),
        other => return Err(FieldError::Range(u64::from(other))),
    };
    Ok(Known {
        actor,
        id,
        came,
        outcome,
    })
}

/// Writes an answer.
pub fn put_answer(out: &mut Vec<u8>, answer: &ValueAnswer) {
    for number in [
        answer.item.0,
        answer.order.0,
        answer.trade.0,
        answer.quantity,
        answer.money.0.cast_unsigned(),
        answer.fees.0.cast_unsigned(),
    ] {
        put_varint(out, number);
    }
}

/// Reads [`put_answer`].
///
/// # Errors
/// [`FieldError`] if the bytes are damaged.
pub fn take_answer(fields: &mut FieldReader<'_>) -> Result<ValueAnswer, FieldError> {
    Ok(ValueAnswer {
        item: ItemId(fields.varint()?),
        order: OrderId(fields.varint()?),
        trade: TradeId(fields.varint()?),
        quantity: fields.varint()?,
        money: Money(fields.varint()?.cast_signed()),
        fees: Money(fields.varint()?.cast_signed()),
    })
}
