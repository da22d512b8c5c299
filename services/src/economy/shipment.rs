//! What goes from one partition to another: value, and why it goes.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{
    ITEM_NAME_BYTES_MAX, ItemId, OrderId, OrderRange, RequestId, TransferReason,
};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};
use orrery_proto::bytes::{FieldError, FieldReader, put_bytes, put_varint};

use super::trades::{Dealing, put_dealing, take_dealing};
use crate::custody::{
    Account, Cause, EntryRef, Lot, Outcome, Stack, put_account, put_answer, take_account,
    take_answer,
};
use crate::market::rows::{decode_order, encode_order};
use crate::market::{Order, Side, Terms};

/// Version of the bytes.
const VERSION: u8 = 1;
/// Most lots of a shipment.
pub(super) const LOTS_MAX: usize = 4;
/// Most bytes of an order.
const ORDER_BYTES_MAX: usize = 256;

/// Value on its way, and what is to be done where it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shipment {
    /// The account that it left.
    pub from: Account,
    /// The account that it goes to. It names the partition also where there is no value.
    pub to: Account,
    /// What.
    pub lots: Vec<Lot>,
    /// Who sent it, and why.
    pub cause: Cause,
    /// What is to be done.
    pub purpose: Purpose,
}

/// What a shipment is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The value is the account's.
    Credit,
    /// One player pays another one: it is the account's if its owner exists.
    Pay {
        /// The request, which is answered to the sender.
        request: RequestId,
    },
    /// An order for the region's market, with the goods or the money for it and the fee.
    Place(Placing),
    /// An order is to be taken back.
    Cancel {
        /// The request.
        request: RequestId,
        /// Which order.
        order: OrderId,
    },
    /// An order is to have another price; the lots are what that may cost.
    Reprice {
        /// The request.
        request: RequestId,
        /// Which order.
        order: OrderId,
        /// The new price.
        price: Money,
    },
    /// A request is answered. The lots are change, or what was taken back.
    Answer {
        /// The request.
        request: RequestId,
        /// What it came to.
        outcome: Outcome,
        /// The order that it was about, as it rests now.
        rests: Option<Order>,
        /// The order that it was about and that does not rest any more.
        ended: OrderId,
    },
    /// Somebody has traded with a resting order. The lots are the proceeds.
    Filled {
        /// Which order.
        order: OrderId,
        /// Units traded.
        quantity: u64,
        /// Cents for one.
        price: Money,
        /// Units that still rest.
        left: u64,
    },
    /// A resting order has ended by itself. The lots are what it held.
    Expired {
        /// Which order.
        order: OrderId,
    },
    /// About a trade window.
    Trade(Dealing),
}

/// An order that is to be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placing {
    /// The request, which the market answers.
    pub request: RequestId,
    /// What is wanted.
    pub terms: Terms,
    /// The broker's fee, which comes with the lots.
    pub fee: Money,
}

/// The purpose of a shipment that only answers.
pub(super) const fn answer_to(request: RequestId, outcome: Outcome) -> Purpose {
    Purpose::Answer {
        request,
        outcome,
        rests: None,
        ended: OrderId(0),
    }
}

impl Shipment {
    /// Its bytes, as the outbox stores and sends them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        out.push(VERSION);
        put_account(&mut out, &self.from);
        put_account(&mut out, &self.to);
        put_varint(&mut out, self.cause.actor.0);
        out.push(self.cause.reason.number());
        put_varint(&mut out, self.cause.reference);
        put_varint(&mut out, self.lots.len() as u64);
        for lot in &self.lots {
            put_lot(&mut out, lot);
        }
        put_purpose(&mut out, &self.purpose);
        out
    }

    /// Reads [`Shipment::encode`].
    ///
    /// # Errors
    /// [`FieldError`] if the bytes are damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = FieldReader::new(bytes);
        let version = fields.take(1)?[0];
        if version != VERSION {
            return Err(FieldError::Range(u64::from(version)));
        }
        let (from, to) = (take_account(&mut fields)?, take_account(&mut fields)?);
        let cause = Cause {
            actor: CharacterId(fields.varint()?),
            reason: take_reason(&mut fields)?,
            reference: fields.varint()?,
        };
        let lots = (0..fields.count(LOTS_MAX)?)
            .map(|_| take_lot(&mut fields))
            .collect::<Result<_, _>>()?;
        let purpose = take_purpose(&mut fields)?;
        Ok(Self {
            from,
            to,
            lots,
            cause,
            purpose,
        })
    }
}

fn take_reason(fields: &mut FieldReader<'_>) -> Result<TransferReason, FieldError> {
    let number = fields.take(1)?[0];
    TransferReason::from_number(number).ok_or(FieldError::Range(u64::from(number)))
}

fn put_lot(out: &mut Vec<u8>, lot: &Lot) {
    match lot {
        Lot::Coins(cents, left_by) => {
            out.push(0);
            put_varint(out, *cents);
            put_varint(out, left_by.0);
        }
        Lot::Stack(stack, source) => {
            out.push(1 + u8::from(stack.is_assembled));
            put_varint(out, source.0);
            // Its own id is that of its source, or none.
            out.push(u8::from(stack.id != ItemId::NONE));
            put_varint(out, u64::from(stack.type_id.0));
            put_varint(out, stack.quantity);
            put_varint(out, stack.last.0);
            put_bytes(out, stack.name.as_deref().unwrap_or("").as_bytes());
        }
    }
}

fn take_lot(fields: &mut FieldReader<'_>) -> Result<Lot, FieldError> {
    let kind = fields.take(1)?[0];
    if kind == 0 {
        return Ok(Lot::Coins(fields.varint()?, EntryRef(fields.varint()?)));
    }
    if kind > 2 {
        return Err(FieldError::Range(u64::from(kind)));
    }
    let source = ItemId(fields.varint()?);
    let is_whole = fields.take(1)?[0] == 1;
    let stack = Stack {
        id: if is_whole { source } else { ItemId::NONE },
        type_id: TypeId(fields.int()?),
        quantity: fields.varint()?,
        is_assembled: kind == 2,
        last: EntryRef(fields.varint()?),
        name: Some(fields.text(ITEM_NAME_BYTES_MAX)?)
            .filter(|name| !name.is_empty())
            .map(String::into_boxed_str),
    };
    Ok(Lot::Stack(stack, source))
}

pub(super) fn put_request(out: &mut Vec<u8>, request: RequestId) {
    out.extend_from_slice(&request.0.to_le_bytes());
}

pub(super) fn take_request(fields: &mut FieldReader<'_>) -> Result<RequestId, FieldError> {
    let bytes = fields.take(16)?;
    Ok(RequestId(u128::from_le_bytes(
        bytes.try_into().expect("sixteen bytes"),
    )))
}

pub(super) fn put_money(out: &mut Vec<u8>, money: Money) {
    put_varint(out, money.0.cast_unsigned());
}

pub(super) fn take_money(fields: &mut FieldReader<'_>) -> Result<Money, FieldError> {
    Ok(Money(fields.varint()?.cast_signed()))
}

fn put_purpose(out: &mut Vec<u8>, purpose: &Purpose) {
    match purpose {
        Purpose::Credit => out.push(0),
        Purpose::Pay { request } => {
            out.push(1);
            put_request(out, *request);
        }
        Purpose::Place(placing) => {
            out.push(2);
            put_placing(out, placing);
        }
        Purpose::Cancel { request, order } => {
            out.push(3);
            put_request(out, *request);
            put_varint(out, order.0);
        }
        Purpose::Reprice {
            request,
            order,
            price,
        } => {
            out.push(4);
            put_request(out, *request);
            put_varint(out, order.0);
            put_money(out, *price);
        }
        Purpose::Answer {
            request,
            outcome,
            rests,
            ended,
        } => {
            out.push(5);
            put_request(out, *request);
            put_outcome(out, outcome, rests.as_ref(), *ended);
        }
        Purpose::Filled {
            order,
            quantity,
            price,
            left,
        } => {
            out.push(6);
            put_varint(out, order.0);
            put_varint(out, *quantity);
            put_money(out, *price);
            put_varint(out, *left);
        }
        Purpose::Expired { order } => {
            out.push(7);
            put_varint(out, order.0);
        }
        Purpose::Trade(dealing) => {
            out.push(8);
            put_dealing(out, dealing);
        }
    }
}

fn put_outcome(out: &mut Vec<u8>, outcome: &Outcome, rests: Option<&Order>, ended: OrderId) {
    put_varint(out, ended.0);
    put_varint(out, rests.map_or(0, |order| order.id.0));
    put_bytes(out, &rests.map_or_else(Vec::new, encode_order));
    match outcome {
        Err(code) => put_varint(out, *code as u64),
        Ok(answer) => {
            put_varint(out, 0);
            put_answer(out, answer);
        }
    }
}

fn take_purpose(fields: &mut FieldReader<'_>) -> Result<Purpose, FieldError> {
    Ok(match fields.take(1)?[0] {
        0 => Purpose::Credit,
        1 => Purpose::Pay {
            request: take_request(fields)?,
        },
        2 => Purpose::Place(take_placing(fields)?),
        3 => Purpose::Cancel {
            request: take_request(fields)?,
            order: OrderId(fields.varint()?),
        },
        4 => Purpose::Reprice {
            request: take_request(fields)?,
            order: OrderId(fields.varint()?),
            price: take_money(fields)?,
        },
        5 => Purpose::Answer {
            request: take_request(fields)?,
            ended: OrderId(fields.varint()?),
            rests: take_order(fields)?,
            outcome: match fields.int::<u16>()? {
                0 => Ok(take_answer(fields)?),
                // A refusal that this version does not know any more is still one.
                code => Err(RejectCode::from_number(code).unwrap_or(RejectCode::NotAvailable)),
            },
        },
        6 => Purpose::Filled {
            order: OrderId(fields.varint()?),
            quantity: fields.varint()?,
            price: take_money(fields)?,
            left: fields.varint()?,
        },
        7 => Purpose::Expired {
            order: OrderId(fields.varint()?),
        },
        8 => Purpose::Trade(take_dealing(fields)?),
        other => return Err(FieldError::Range(u64::from(other))),
    })
}

fn take_order(fields: &mut FieldReader<'_>) -> Result<Option<Order>, FieldError> {
    let id = OrderId(fields.varint()?);
    let bytes = fields.bytes(ORDER_BYTES_MAX)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let order = decode_order(id, bytes).map_err(|_| FieldError::Range(id.0))?;
    Ok(Some(order))
}

fn put_placing(out: &mut Vec<u8>, placing: &Placing) {
    let terms = &placing.terms;
    put_request(out, placing.request);
    let range = match terms.range {
        OrderRange::Station => 0,
        OrderRange::System => 1,
        OrderRange::Region => 2,
        OrderRange::Jumps(jumps) => 2 + u64::from(jumps),
    };
    for number in [
        terms.side as u64,
        u64::from(terms.type_id.0),
        terms.owner.0,
        terms.station.0,
        u64::from(terms.system.0),
        terms.price.0.cast_unsigned(),
        terms.quantity,
        terms.minimum,
        range,
        u64::from(terms.days),
        placing.fee.0.cast_unsigned(),
    ] {
        put_varint(out, number);
    }
}

fn take_placing(fields: &mut FieldReader<'_>) -> Result<Placing, FieldError> {
    Ok(Placing {
        request: take_request(fields)?,
        terms: Terms {
            side: match fields.varint()? {
                1 => Side::Buy,
                2 => Side::Sell,
                other => return Err(FieldError::Range(other)),
            },
            type_id: TypeId(fields.int()?),
            owner: CharacterId(fields.varint()?),
            station: EntityId(fields.varint()?),
            system: SystemId(fields.int()?),
            price: take_money(fields)?,
            quantity: fields.varint()?,
            minimum: fields.varint()?,
            range: match fields.int::<u8>()? {
                0 => OrderRange::Station,
                1 => OrderRange::System,
                2 => OrderRange::Region,
                jumps => OrderRange::Jumps(jumps - 2),
            },
            days: fields.int()?,
        },
        fee: take_money(fields)?,
    })
}
