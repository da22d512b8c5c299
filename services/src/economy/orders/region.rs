//! What becomes of orders in the market of their region.

use orrery_base::CharacterId;
use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, RequestId, TransferReason, ValueAnswer};

use super::{about, account_of, cents, held_by};
use crate::custody::{Account, Cause, Lot, Onto, Outcome, Stored, What};
use crate::economy::partition::{Partition, Step};
use crate::economy::rules::Rules;
use crate::economy::shipment::{Placing, Purpose, Shipment, answer_to};
use crate::economy::station::units;
use crate::market::fees::value_of;
use crate::market::{Fill, Order, RegionId, Side, region_of};

/// In the region.
impl Partition {
    /// Places an order that has come, or sends back what it came with.
    pub(in crate::economy) fn place(
        &mut self,
        from: Account,
        to: &Account,
        lots: Vec<Lot>,
        cause: Cause,
        placing: &Placing,
        step: &mut Step<'_>,
    ) {
        let (terms, request) = (placing.terms, placing.request);
        let region = region_in(to);
        let market = self.markets.get_mut(&region).expect("routed by region");
        let is_full = terms.days > 0
            && market.book.count_of(terms.owner) >= step.rules.market.orders_max as usize;
        let id = market.book.mint();
        let account = account_of(region, id);
        self.ledger.activate(Stored::empty(account));
        for lot in lots {
            self.ledger.receive(from, account, lot, cause);
        }
        let order = terms.order(id, step.now);
        let mut fills = Vec::new();
        let placed = if is_full {
            Err(RejectCode::TooManyOrders)
        } else {
            let market = self.markets.get_mut(&region).expect("it was there");
            market
                .book
                .place(order, &step.rules.regions, &mut fills)
                .map_err(|_| RejectCode::Busy)
        };
        let (outcome, rests) = match placed {
            Err(code) => (Err(code), None),
            Ok(placed) => {
                let mut answer = self.settle_all(region, &fills, id, step);
                let rests = placed.rests.then_some(placed.order);
                if let Some(order) = &rests {
                    let fee = value_of(order.price, order.quantity)
                        .and_then(|value| step.rules.market.broker_fee(value))
                        .map_or(placing.fee, |fee| fee.min(placing.fee));
                    let tap = step.rules.taps.broker_fee;
                    self.charge(&account, fee, tap, TransferReason::BrokerFee, order);
                    answer.fees.0 += fee.0;
                    answer.order = id;
                }
                (Ok(answer), rests)
            }
        };
        self.answer(&order, request, outcome, rests, OrderId(0), step);
    }

    fn charge(
        &mut self,
        account: &Account,
        fee: Money,
        tap: u32,
        reason: TransferReason,
        order: &Order,
    ) {
        if fee <= Money::ZERO {
            return;
        }
        let sink = Account::sink(tap, self.index);
        let cause = about(order.id, order.owner, reason);
        self.ledger
            .burn(*account, sink, What::Coins(cents(fee)), cause)
            .expect("the fee came with the order");
    }

    /// Carries out the trades of an order that came in, and adds them up.
    fn settle_all(
        &mut self,
        region: RegionId,
        fills: &[Fill],
        incoming: OrderId,
        step: &mut Step<'_>,
    ) -> ValueAnswer {
        let mut answer = ValueAnswer::default();
        for fill in fills {
            let (value, tax) = self.settle(region, fill, step);
            answer.quantity += fill.quantity;
            answer.money.0 += value.0;
            if fill.sell_order() == incoming {
                answer.fees.0 += tax.0;
            }
        }
        answer
    }

    /// Carries out a trade: returns its value and the tax on it.
    fn settle(&mut self, region: RegionId, fill: &Fill, step: &mut Step<'_>) -> (Money, Money) {
        let value = fill.value().expect("less than what the buyer has paid in");
        let tax = step.rules.market.sales_tax(value);
        let tax = tax.map_or(value, |tax| tax.min(value));
        let (buy, sell) = (fill.buy_order(), fill.sell_order());
        let (payer, giver) = (account_of(region, buy), account_of(region, sell));
        if tax > Money::ZERO {
            let sink = Account::sink(step.rules.taps.sales_tax, self.index);
            let cause = about(sell, fill.seller, TransferReason::SalesTax);
            self.ledger
                .burn(payer, sink, What::Coins(cents(tax)), cause)
                .expect("the buyer has paid in the whole value");
        }
        let filled = |order| Purpose::Filled {
            order,
            quantity: fill.quantity,
            price: fill.price,
            left: fill.resting_left,
        };
        let purpose_of = |order| {
            if order == fill.resting {
                filled(order)
            } else {
                Purpose::Credit
            }
        };
        let wallet = Account::wallet(fill.seller);
        let cause = about(sell, fill.buyer, TransferReason::MarketSale);
        let proceeds = cents(value) - cents(tax);
        self.send_on(
            (payer, wallet),
            coins(proceeds),
            cause,
            purpose_of(sell),
            step.rules,
        );
        let hangar = Account::hangar(fill.buyer, fill.station);
        let cause = about(buy, fill.seller, TransferReason::MarketPurchase);
        let item = self.ledger.stacks(&giver)[0].id;
        let goods = Some(units(item, fill.quantity, Onto::Own));
        self.send_on((giver, hangar), goods, cause, purpose_of(buy), step.rules);
        let market = self.markets.get_mut(&region).expect("it has traded");
        market.candles.record(step.now, fill);
        if buy == fill.resting {
            let keep = cents(fill.buy_limit).saturating_mul(fill.resting_left);
            let excess = self.ledger.coins(&payer).saturating_sub(keep);
            if excess > 0 {
                let wallet = Account::wallet(fill.buyer);
                let cause = about(buy, fill.buyer, TransferReason::MarketRefund);
                let purpose = Purpose::Credit;
                self.send_on((payer, wallet), coins(excess), cause, purpose, step.rules);
            }
        }
        (value, tax)
    }

    /// Sends what an order's account holds, if anything is to go, with a purpose.
    fn send_on(
        &mut self,
        (from, to): (Account, Account),
        what: Option<What>,
        cause: Cause,
        purpose: Purpose,
        rules: &Rules,
    ) {
        let lot = what.map(|what| {
            let sent = self.ledger.send(from, to, what, cause);
            sent.expect("an order's account holds what the order has been paid in with")
        });
        let shipment = Shipment {
            from,
            to,
            lots: lot.into_iter().collect(),
            cause,
            purpose,
        };
        self.ship(&shipment, rules);
    }

    /// Gives back the goods that an order holds.
    fn give_back(&mut self, region: RegionId, order: &Order, rules: &Rules) {
        let account = account_of(region, order.id);
        let hangar = Account::hangar(order.owner, order.station);
        let cause = about(order.id, order.owner, TransferReason::MarketRefund);
        let stacks = self.ledger.stacks(&account).iter();
        let held: Vec<_> = stacks.map(|stack| (stack.id, stack.quantity)).collect();
        for (item, quantity) in held {
            let what = Some(units(item, quantity, Onto::Own));
            self.send_on((account, hangar), what, cause, Purpose::Credit, rules);
        }
    }

    /// Answers a request about an order, with what the order does not need.
    fn answer(
        &mut self,
        order: &Order,
        request: RequestId,
        outcome: Outcome,
        rests: Option<Order>,
        ended: OrderId,
        step: &Step<'_>,
    ) {
        let region = region_of(order.id).expect("an order of this region");
        let account = account_of(region, order.id);
        if rests.is_none() {
            self.give_back(region, order, step.rules);
        }
        let keep = rests.as_ref().map_or(0, held_by);
        let excess = self.ledger.coins(&account).saturating_sub(keep);
        let wallet = Account::wallet(order.owner);
        let cause = about(order.id, order.owner, TransferReason::MarketRefund);
        let purpose = Purpose::Answer {
            request,
            outcome,
            rests,
            ended,
        };
        self.send_on((account, wallet), coins(excess), cause, purpose, step.rules);
    }

    /// The order, if it rests here and is this character's.
    fn resting(&self, actor: CharacterId, order: OrderId) -> Option<(RegionId, Order)> {
        let region = region_of(order)?;
        let market = self.markets.get(&region)?;
        let order = market.book.order(order)?;
        (order.owner == actor).then_some((region, *order))
    }

    pub(in crate::economy) fn cancel(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        order: OrderId,
        step: &mut Step<'_>,
    ) {
        let Some((region, _)) = self.resting(actor, order) else {
            return self.refuse(
                actor,
                request,
                order,
                Vec::new(),
                RejectCode::OrderUnknown,
                step,
            );
        };
        let market = self.markets.get_mut(&region).expect("it has the order");
        let order = market.book.cancel(order).expect("it rests");
        let answer = ValueAnswer {
            order: order.id,
            quantity: order.quantity,
            ..ValueAnswer::default()
        };
        self.answer(&order, request, Ok(answer), None, order.id, step);
    }

    /// Answers that it cannot be done, with everything that had come.
    fn refuse(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        order: OrderId,
        lots: Vec<Lot>,
        code: RejectCode,
        step: &Step<'_>,
    ) {
        let region = region_of(order).unwrap_or_default();
        let answer = Shipment {
            from: account_of(region, order),
            to: Account::wallet(actor),
            lots,
            cause: about(order, actor, TransferReason::Returned),
            purpose: answer_to(request, Err(code)),
        };
        self.ship(&answer, step.rules);
    }

    pub(in crate::economy) fn reprice(
        &mut self,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        request: RequestId,
        (id, price): (OrderId, Money),
        step: &mut Step<'_>,
    ) {
        let actor = cause.actor;
        let rules = step.rules;
        let Some((region, old)) = self.resting(actor, id) else {
            return self.refuse(actor, request, id, lots, RejectCode::OrderUnknown, step);
        };
        if !rules.market.may_change(&old, step.now) {
            return self.refuse(actor, request, id, lots, RejectCode::OrderCooldown, step);
        }
        let values = value_of(old.price, old.quantity)
            .and_then(|old_value| Ok((old_value, value_of(price, old.quantity)?)));
        let fee = values.and_then(|(old, new)| rules.market.relist_fee(old, new));
        let sent: u64 = lots.iter().map(Lot::quantity).sum();
        let needed = match (fee, value_of(price, old.quantity), old.side) {
            (Ok(fee), Ok(value), Side::Buy) => {
                cents(fee).saturating_add(cents(value).saturating_sub(held_by(&old)))
            }
            (Ok(fee), Ok(_), Side::Sell) => cents(fee),
            _ => u64::MAX,
        };
        let (Ok(fee), true) = (fee, sent >= needed) else {
            return self.refuse(actor, request, id, lots, RejectCode::AmountTooLarge, step);
        };
        for lot in lots {
            self.ledger.receive(from, to, lot, cause);
        }
        let tap = rules.taps.relist_fee;
        self.charge(&to, fee, tap, TransferReason::RelistFee, &old);
        let mut fills = Vec::new();
        let market = self.markets.get_mut(&region).expect("it has the order");
        let placed = market
            .book
            .reprice(id, price, step.now, &rules.regions, &mut fills)
            .expect("it rests, and the price was checked");
        let mut answer = self.settle_all(region, &fills, id, step);
        answer.fees.0 += fee.0;
        answer.order = id;
        let rests = placed.rests.then_some(placed.order);
        let ended = if placed.rests { OrderId(0) } else { id };
        self.answer(&placed.order, request, Ok(answer), rests, ended, step);
    }

    /// Ends the orders whose time is over.
    pub(in crate::economy) fn expire(&mut self, step: &mut Step<'_>) {
        let mut ended = Vec::new();
        for market in self.markets.values_mut() {
            market.book.expire(step.now, &mut ended);
        }
        for order in ended {
            let region = region_of(order.id).expect("an order of this region");
            self.give_back(region, &order, step.rules);
            let account = account_of(region, order.id);
            let (wallet, held) = (Account::wallet(order.owner), self.ledger.coins(&account));
            let cause = about(order.id, order.owner, TransferReason::MarketRefund);
            let purpose = Purpose::Expired { order: order.id };
            self.send_on((account, wallet), coins(held), cause, purpose, step.rules);
        }
    }
}

/// So many cents, unless there are none.
fn coins(cents: u64) -> Option<What> {
    (cents > 0).then_some(What::Coins(cents))
}

fn region_in(account: &Account) -> RegionId {
    RegionId(u16::try_from(account.owner).expect("regions have sixteen bits"))
}
