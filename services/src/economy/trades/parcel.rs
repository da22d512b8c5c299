//! What the homes of the two sides and that of the trade say to each other.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, RequestId, TradeId, TradeState};
use orrery_base::{CharacterId, EntityId};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};

use crate::economy::shipment::{put_money, put_request, take_money, take_request};

/// What a shipment about a trade is for. To the trade's home it goes to the escrow account of
/// the side that asks; the lots are what that side gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dealing {
    /// To the wallet of the guest: somebody there wants to trade.
    Invite {
        /// The request.
        request: RequestId,
        /// The trade that is to be.
        trade: TradeId,
        /// Where.
        station: EntityId,
    },
    /// To the wallet of the host: there will be no such trade.
    Refused {
        /// The request.
        request: RequestId,
        /// The trade that is not.
        trade: TradeId,
        /// Why not.
        code: RejectCode,
    },
    /// To the host's side: the guest was found, the trade begins.
    Begin {
        /// The request of the host.
        request: RequestId,
        /// The guest.
        guest: CharacterId,
        /// Where.
        station: EntityId,
    },
    /// The guest agrees to trade.
    Join {
        /// The request.
        request: RequestId,
    },
    /// Goods, which are the lots.
    Add {
        /// The request.
        request: RequestId,
    },
    /// Money: what is missing comes with the lots, what is too much goes back.
    Pay {
        /// The request.
        request: RequestId,
        /// What this side gives from now on.
        amount: Money,
    },
    /// Goods are taken back.
    Remove {
        /// The request.
        request: RequestId,
        /// Which stack.
        item: ItemId,
        /// Units.
        quantity: u64,
    },
    /// A version is accepted.
    Accept {
        /// The request.
        request: RequestId,
        /// Which version.
        version: u32,
    },
    /// The trade is to end.
    Cancel {
        /// The request.
        request: RequestId,
    },
    /// This side is not there any more.
    Leave,
    /// To the wallet of a side: how the trade stands. The lots are money that it had held.
    Notice {
        /// Which trade.
        trade: TradeId,
        /// With whom.
        with: CharacterId,
        /// The version.
        version: u32,
        /// How it stands.
        state: TradeState,
    },
}

pub(in crate::economy) fn put_dealing(out: &mut Vec<u8>, dealing: &Dealing) {
    match *dealing {
        Dealing::Invite {
            request,
            trade,
            station,
        } => {
            put_head(out, 1, request);
            put_all(out, &[trade.0, station.0]);
        }
        Dealing::Refused {
            request,
            trade,
            code,
        } => {
            put_head(out, 2, request);
            put_all(out, &[trade.0, code as u64]);
        }
        Dealing::Begin {
            request,
            guest,
            station,
        } => {
            put_head(out, 3, request);
            put_all(out, &[guest.0, station.0]);
        }
        Dealing::Join { request } => put_head(out, 4, request),
        Dealing::Add { request } => put_head(out, 5, request),
        Dealing::Pay { request, amount } => {
            put_head(out, 6, request);
            put_money(out, amount);
        }
        Dealing::Remove {
            request,
            item,
            quantity,
        } => {
            put_head(out, 7, request);
            put_all(out, &[item.0, quantity]);
        }
        Dealing::Accept { request, version } => {
            put_head(out, 8, request);
            put_varint(out, u64::from(version));
        }
        Dealing::Cancel { request } => put_head(out, 9, request),
        Dealing::Leave => out.push(10),
        Dealing::Notice {
            trade,
            with,
            version,
            state,
        } => {
            out.push(11);
            let state = u64::from(state.number());
            put_all(out, &[trade.0, with.0, u64::from(version), state]);
        }
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, request: RequestId) {
    out.push(kind);
    put_request(out, request);
}

fn put_all(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        put_varint(out, *number);
    }
}

pub(in crate::economy) fn take_dealing(
    fields: &mut FieldReader<'_>,
) -> Result<Dealing, FieldError> {
    let kind = fields.take(1)?[0];
    match kind {
        10 => return Ok(Dealing::Leave),
        11 => return take_notice(fields),
        _ => {}
    }
    let request = take_request(fields)?;
    Ok(match kind {
        1 => Dealing::Invite {
            request,
            trade: TradeId(fields.varint()?),
            station: EntityId(fields.varint()?),
        },
        2 => Dealing::Refused {
            request,
            trade: TradeId(fields.varint()?),
            // A refusal that this version does not know any more is still one.
            code: RejectCode::from_number(fields.int()?).unwrap_or(RejectCode::NotAvailable),
        },
        3 => Dealing::Begin {
            request,
            guest: CharacterId(fields.varint()?),
            station: EntityId(fields.varint()?),
        },
        4 => Dealing::Join { request },
        5 => Dealing::Add { request },
        6 => Dealing::Pay {
            request,
            amount: take_money(fields)?,
        },
        7 => Dealing::Remove {
            request,
            item: ItemId(fields.varint()?),
            quantity: fields.varint()?,
        },
        8 => Dealing::Accept {
            request,
            version: fields.int()?,
        },
        9 => Dealing::Cancel { request },
        other => return Err(FieldError::Range(u64::from(other))),
    })
}

fn take_notice(fields: &mut FieldReader<'_>) -> Result<Dealing, FieldError> {
    let (trade, with) = (TradeId(fields.varint()?), CharacterId(fields.varint()?));
    let version = fields.int()?;
    let state = fields.int::<u8>()?;
    Ok(Dealing::Notice {
        trade,
        with,
        version,
        state: TradeState::from_number(state).ok_or(FieldError::Range(u64::from(state)))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let request = RequestId(u128::MAX - 5);
        let (trade, station) = (TradeId(u64::MAX), EntityId(u64::MAX - 1));
        let states = TradeState::ALL.iter().map(|&state| Dealing::Notice {
            trade,
            with: CharacterId(3),
            version: u32::MAX,
            state,
        });
        let all = [
            Dealing::Invite {
                request,
                trade,
                station,
            },
            Dealing::Refused {
                request,
                trade,
                code: RejectCode::TradeExists,
            },
            Dealing::Begin {
                request,
                guest: CharacterId(9),
                station,
            },
            Dealing::Join { request },
            Dealing::Add { request },
            Dealing::Pay {
                request,
                amount: Money(i64::MAX),
            },
            Dealing::Remove {
                request,
                item: ItemId(4),
                quantity: 1 << 40,
            },
            Dealing::Accept {
                request,
                version: 7,
            },
            Dealing::Cancel { request },
            Dealing::Leave,
        ];
        for dealing in all.into_iter().chain(states) {
            let mut bytes = Vec::new();
            put_dealing(&mut bytes, &dealing);
            let mut fields = FieldReader::new(&bytes);
            assert_eq!(take_dealing(&mut fields), Ok(dealing));
            assert!(fields.is_empty());
        }
        assert!(take_dealing(&mut FieldReader::new(&[])).is_err());
        let mut unknown = vec![99];
        put_request(&mut unknown, request);
        assert!(take_dealing(&mut FieldReader::new(&unknown)).is_err());
    }
}
