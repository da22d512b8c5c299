//! Orders: placed at the desk, carried out in the market of the region.
//!
//! ```text
//! home of the trader                               home of the region
//! goods or money, and the fee  ── Place ────────▶  into the order's account; matched
//!                              ◀─ Answer ───────   what is left over
//! proceeds into wallet, hangar ◀─ Credit, Filled   of every trade
//! ```
//!
//! An order has a custody account of its own: goods of a sell order, money of a buy order. Each
//! fill is two transfers out of these: the money to the seller's wallet, less the tax, and the
//! goods to the buyer's hangar in the station where they are.

use orrery_base::CharacterId;
mod region;

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, OrderId, RequestId, TransferReason};

use super::Desk;
use super::partition::{Partition, Step};
use super::rules::Rules;
use super::shipment::{Placing, Purpose, Shipment};
use super::station::units;
use crate::custody::{Account, Cause, Onto, What};
use crate::market::fees::value_of;
use crate::market::{Order, RegionId, Side, Terms, region_of};

/// The account of an order.
pub(super) const fn account_of(region: RegionId, order: OrderId) -> Account {
    Account::market(region, order)
}

fn cents(money: Money) -> u64 {
    u64::try_from(money.0).unwrap_or(0)
}

fn too_large<E>(_: E) -> RejectCode {
    RejectCode::AmountTooLarge
}

/// What an order has to hold.
fn held_by(order: &Order) -> u64 {
    match order.side {
        Side::Buy => order.value().map_or(0, cents),
        Side::Sell => 0,
    }
}

/// What the broker takes for these terms at most.
fn fee_of(terms: &Terms, rules: &Rules) -> Result<Money, RejectCode> {
    if terms.days == 0 {
        return Ok(Money::ZERO);
    }
    value_of(terms.price, terms.quantity)
        .and_then(|value| rules.market.broker_fee(value))
        .map_err(too_large)
}

/// At the desk.
impl Partition {
    pub(super) fn sell(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        desk: &Desk,
        (item, quantity): (ItemId, u64),
        price: Money,
        days: u8,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        let hangar = Account::hangar(actor, desk.station);
        let stack = self.ledger.stack(&hangar, item);
        let stack = stack.ok_or(RejectCode::ItemUnknown)?;
        if stack.is_assembled {
            return Err(RejectCode::NotMarketable);
        }
        if quantity > stack.quantity {
            return Err(RejectCode::NotEnoughItems);
        }
        let terms = Terms {
            side: Side::Sell,
            type_id: stack.type_id,
            owner: actor,
            station: desk.station,
            system: desk.system,
            price,
            quantity,
            minimum: 1,
            range: orrery_base::value::OrderRange::Station,
            days,
        };
        let what = units(item, quantity, Onto::Own);
        self.ask_place(request, terms, (hangar, what), Money::ZERO, step)
    }

    pub(super) fn buy(
        &mut self,
        request: RequestId,
        terms: Terms,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        let value = value_of(terms.price, terms.quantity).map_err(too_large)?;
        let what = What::Coins(cents(value));
        self.ask_place(
            request,
            terms,
            (Account::wallet(terms.owner), what),
            value,
            step,
        )
    }

    /// Sends an order with what it holds to its region. `price` is what it costs beside the fee.
    fn ask_place(
        &mut self,
        request: RequestId,
        terms: Terms,
        (from, what): (Account, What),
        price: Money,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        let rules = step.rules;
        let goods = rules.goods.get(&terms.type_id);
        if !goods.ok_or(RejectCode::TypeUnknown)?.is_marketable {
            return Err(RejectCode::NotMarketable);
        }
        rules.market.check(&terms)?;
        let region = rules.regions.region_of(terms.system);
        let region = region.ok_or(RejectCode::NotAvailable)?;
        let to = account_of(region, OrderId(0));
        self.check_room(&to, rules)?;
        let fee = fee_of(&terms, rules)?;
        let wallet = Account::wallet(terms.owner);
        let costs = price.plus(fee).map_err(too_large)?;
        if self.ledger.coins(&wallet) < cents(costs) {
            return Err(RejectCode::NotEnoughMoney);
        }
        let cause = escrow(terms.owner);
        let mut lots = vec![self.ledger.send(from, to, what, cause)?];
        if fee > Money::ZERO {
            let what = What::Coins(cents(fee));
            lots.push(self.ledger.send(wallet, to, what, cause)?);
        }
        if costs > Money::ZERO {
            let news = self.wallet_news(&wallet, -costs.0, cause.reason);
            step.out.events.push((terms.owner, news));
        }
        let placing = Placing {
            request,
            terms,
            fee,
        };
        let order = Shipment {
            from,
            to,
            lots,
            cause,
            purpose: Purpose::Place(placing),
        };
        self.ship(&order, rules);
        Ok(())
    }

    pub(super) fn ask_cancel(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        order: OrderId,
        step: &Step<'_>,
    ) -> Result<(), RejectCode> {
        let to = self.account_of_own(actor, order)?;
        self.check_room(&to, step.rules)?;
        let cancel = Shipment {
            from: Account::wallet(actor),
            to,
            lots: Vec::new(),
            cause: escrow(actor),
            purpose: Purpose::Cancel { request, order },
        };
        self.ship(&cancel, step.rules);
        Ok(())
    }

    /// Asks for another price, with the money that it can cost at most.
    pub(super) fn ask_reprice(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        order: OrderId,
        price: Money,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        let rules = step.rules;
        if !rules.market.price_is_valid(price) {
            return Err(RejectCode::PriceInvalid);
        }
        let to = self.account_of_own(actor, order)?;
        self.check_room(&to, rules)?;
        let own = self
            .own_order(actor, order)
            .ok_or(RejectCode::OrderUnknown)?;
        let (old, new) = (
            value_of(own.price, own.quantity).map_err(too_large)?,
            value_of(price, own.quantity).map_err(too_large)?,
        );
        let mut costs = rules.market.relist_fee(old, new).map_err(too_large)?;
        if own.side == Side::Buy && new > old {
            costs = costs.plus(Money(new.0 - old.0)).map_err(too_large)?;
        }
        let (from, cause) = (Account::wallet(actor), escrow(actor));
        let lots = if costs > Money::ZERO {
            let lot = self
                .ledger
                .send(from, to, What::Coins(cents(costs)), cause)?;
            let news = self.wallet_news(&from, -costs.0, cause.reason);
            step.out.events.push((actor, news));
            vec![lot]
        } else {
            Vec::new()
        };
        let reprice = Shipment {
            from,
            to,
            lots,
            cause,
            purpose: Purpose::Reprice {
                request,
                order,
                price,
            },
        };
        self.ship(&reprice, rules);
        Ok(())
    }

    fn account_of_own(&self, actor: CharacterId, order: OrderId) -> Result<Account, RejectCode> {
        let region = region_of(order).ok_or(RejectCode::OrderUnknown)?;
        self.own_order(actor, order)
            .map(|_| account_of(region, order))
            .ok_or(RejectCode::OrderUnknown)
    }
}

const fn escrow(actor: CharacterId) -> Cause {
    Cause {
        actor,
        reason: TransferReason::MarketEscrow,
        reference: 0,
    }
}

const fn about(order: OrderId, actor: CharacterId, reason: TransferReason) -> Cause {
    Cause {
        actor,
        reason,
        reference: order.0,
    }
}
