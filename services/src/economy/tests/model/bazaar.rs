//! The market of the model: a list of orders, looked through from end to end.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange, RequestId, ValueAnswer};

use super::world::{PILE_MAX, Pile, Place, Say, World};
use crate::economy::Desk;

/// Resting orders of a character in a region.
pub(super) const ORDERS_MAX: usize = 12;
/// The least fee of a broker, cents.
pub(super) const FEE_MIN: u64 = 10;
/// Time between two changes of a price, milliseconds.
pub(super) const COOLDOWN_MS: u64 = 100;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Three systems in a row share a market; the fourth one has its own.
pub(super) const fn region_of_system(system: u32) -> Option<u16> {
    match system {
        0..=2 => Some(0),
        3 => Some(1),
        _ => None,
    }
}

pub(super) fn product(price: i64, quantity: u64) -> Result<u64, RejectCode> {
    let cents = u128::from(price.max(0).unsigned_abs()) * u128::from(quantity);
    let cents = i64::try_from(cents).map_err(|_| RejectCode::AmountTooLarge)?;
    Ok(cents.unsigned_abs())
}

/// Hundredths of a per cent of something, in favour of the house.
fn part(of: u64, basis_points: u128) -> u64 {
    let cents = (u128::from(of) * basis_points).div_ceil(10_000);
    cents.try_into().unwrap()
}

pub(super) fn broker_fee(value: u64) -> u64 {
    part(value, 300).max(FEE_MIN)
}

/// Half of the fee on what it is worth now, and all of it on what it has become dearer.
pub(super) fn relist_fee(old: u64, new: u64) -> u64 {
    let doubled = u128::from(new) + 2 * u128::from(new.saturating_sub(old));
    let fee = (doubled * 300).div_ceil(20_000);
    u64::try_from(fee).unwrap().max(FEE_MIN)
}

/// Four digits, then zeros.
pub(super) const fn price_is_possible(price: i64) -> bool {
    let mut digits = price;
    while digits >= 10_000 {
        if digits % 10 != 0 {
            return false;
        }
        digits /= 10;
    }
    price > 0 && price <= 999_900_000_000_000
}

/// What somebody wants, with what it takes.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) actor: u64,
    pub(super) request: RequestId,
    pub(super) region: u16,
    pub(super) is_buy: bool,
    pub(super) type_id: u32,
    pub(super) station: u64,
    pub(super) system: u32,
    pub(super) price: i64,
    pub(super) quantity: u64,
    pub(super) minimum: u64,
    pub(super) range: OrderRange,
    pub(super) days: u8,
    pub(super) fee: u64,
    /// With the fee.
    pub(super) cents: u64,
    pub(super) pile: Option<Pile>,
}

impl Wish {
    /// A wish to sell.
    pub(super) const fn new(
        (actor, request): (u64, RequestId),
        desk: &Desk,
        type_id: u32,
        (quantity, price): (u64, i64),
        days: u8,
    ) -> Self {
        Self {
            actor,
            request,
            region: 0,
            is_buy: false,
            type_id,
            station: desk.station.0,
            system: desk.system.0,
            price,
            quantity,
            minimum: 1,
            range: OrderRange::Station,
            days,
            fee: 0,
            cents: 0,
            pile: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), RejectCode> {
        if !price_is_possible(self.price) {
            return Err(RejectCode::PriceInvalid);
        }
        if self.quantity < 1 || self.quantity > PILE_MAX {
            return Err(RejectCode::QuantityInvalid);
        }
        if self.minimum < 1 || self.minimum > self.quantity {
            return Err(RejectCode::MinimumInvalid);
        }
        if let OrderRange::Jumps(jumps) = self.range
            && !matches!(jumps, 1..=5 | 10 | 20 | 30 | 40)
        {
            return Err(RejectCode::OrderRangeInvalid);
        }
        if !matches!(self.days, 0 | 1 | 3 | 7 | 14 | 30 | 90) {
            return Err(RejectCode::DurationInvalid);
        }
        let value = product(self.price, self.quantity)?;
        if value + broker_fee(value) > i64::MAX.unsigned_abs() {
            return Err(RejectCode::AmountTooLarge);
        }
        Ok(())
    }
}

/// An order that rests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Resting {
    pub(super) id: u64,
    pub(super) region: u16,
    pub(super) is_buy: bool,
    pub(super) type_id: u32,
    pub(super) owner: u64,
    pub(super) station: u64,
    pub(super) system: u32,
    pub(super) price: i64,
    pub(super) left: u64,
    pub(super) initial: u64,
    pub(super) minimum: u64,
    pub(super) range: OrderRange,
    pub(super) placed: u64,
    pub(super) changed: u64,
    pub(super) expires: u64,
    pub(super) sequence: u64,
    /// The id of the pile of a seller.
    pub(super) pile: u64,
}

impl Resting {
    /// Money that it holds.
    pub(super) fn cents(&self) -> u64 {
        match self.is_buy {
            true => product(self.price, self.left).unwrap(),
            false => 0,
        }
    }

    /// Things that it holds.
    pub(super) fn goods(&self) -> Option<Pile> {
        (!self.is_buy && self.left > 0).then(|| Pile {
            id: self.pile,
            type_id: self.type_id,
            quantity: self.left,
            is_assembled: false,
            name: String::new(),
        })
    }

    fn home(&self) -> Place {
        Place::Hangar(self.owner, self.station)
    }

    fn reaches(&self, seller: &Self) -> bool {
        let jumps = self.system.abs_diff(seller.system);
        match self.range {
            OrderRange::Region => true,
            OrderRange::Station => self.station == seller.station,
            OrderRange::System => jumps == 0,
            OrderRange::Jumps(most) => jumps <= u32::from(most),
        }
    }
}

/// What trades of an order came to.
#[derive(Default)]
struct Traded {
    units: u64,
    value: u64,
    tax: u64,
}

impl World {
    pub(super) fn place(&mut self, mut wish: Wish) {
        let region = usize::from(wish.region);
        self.order_numbers[region] += 1;
        let id = (u64::from(wish.region) + 1) << 44 | self.order_numbers[region];
        if let Some(pile) = &mut wish.pile
            && pile.id == 0
        {
            pile.id = self.number();
        }
        let mine = |order: &&Resting| order.owner == wish.actor && order.region == wish.region;
        if wish.days > 0 && self.orders.iter().filter(mine).count() >= ORDERS_MAX {
            if let Some(pile) = wish.pile {
                let hangar = Place::Hangar(wish.actor, wish.station);
                self.write(wish.actor, Say::Take(hangar, Some(pile), 0));
            }
            let no = Err(RejectCode::TooManyOrders);
            let answer = Say::Answer(wish.actor, wish.request, no, wish.cents, None, 0);
            return self.write(wish.actor, answer);
        }
        let order = Resting {
            id,
            region: wish.region,
            is_buy: wish.is_buy,
            type_id: wish.type_id,
            owner: wish.actor,
            station: wish.station,
            system: wish.system,
            price: wish.price,
            left: wish.quantity,
            initial: wish.quantity,
            minimum: wish.minimum,
            range: wish.range,
            placed: self.now,
            changed: self.now,
            expires: self.now + u64::from(wish.days) * DAY_MS,
            sequence: 0,
            pile: wish.pile.map_or(0, |pile| pile.id),
        };
        let (order, traded) = self.trade(order);
        let rests = order.left > 0 && wish.days > 0;
        let mut answer = told(&order, &traded);
        let mut change = wish.cents;
        if order.is_buy {
            change -= traded.value;
        }
        if rests {
            let fee = broker_fee(product(order.price, order.left).unwrap()).min(wish.fee);
            self.burn(1, 0, fee);
            answer.fees.0 += fee.cast_signed();
            answer.order = OrderId(id);
            change -= fee + order.cents();
            self.orders.push(order.clone());
        } else if let Some(pile) = order.goods() {
            self.write(order.owner, Say::Take(order.home(), Some(pile), 0));
        }
        let rests = rests.then_some(order);
        let answer = Say::Answer(wish.actor, wish.request, Ok(answer), change, rests, 0);
        self.write(wish.actor, answer);
    }

    /// Trades an order with what is there, the best price first, then the oldest.
    fn trade(&mut self, mut order: Resting) -> (Resting, Traded) {
        self.sequence += 1;
        order.sequence = self.sequence;
        let crosses = |other: &Resting| match order.is_buy {
            true => other.price <= order.price,
            false => other.price >= order.price,
        };
        let is_partner = |other: &Resting| {
            other.region == order.region
                && other.type_id == order.type_id
                && other.is_buy != order.is_buy
                && crosses(other)
        };
        let places = 0..self.orders.len();
        let mut partners: Vec<usize> = places.filter(|&at| is_partner(&self.orders[at])).collect();
        partners.sort_by_key(|&at| {
            let other = &self.orders[at];
            let worse = if other.is_buy {
                -other.price
            } else {
                other.price
            };
            (worse, other.sequence)
        });
        let mut traded = Traded::default();
        for at in partners {
            let mut other = self.orders[at].clone();
            let units = order.left.min(other.left);
            let (buy, sell) = match order.is_buy {
                true => (&order, &other),
                false => (&other, &order),
            };
            let is_enough = units >= buy.minimum || units == buy.left;
            if units == 0 || !is_enough || !buy.reaches(sell) {
                continue;
            }
            let value = product(order.price, units).unwrap();
            traded.tax += self.deliver(buy, sell, units, value, order.is_buy);
            traded.units += units;
            traded.value += value;
            order.left -= units;
            other.left -= units;
            self.orders[at] = other;
        }
        self.orders.retain(|order| order.left > 0);
        (order, traded)
    }

    /// Money to the seller, goods to the buyer, and change of an order that rests; returns the tax.
    fn deliver(
        &mut self,
        buy: &Resting,
        sell: &Resting,
        units: u64,
        value: u64,
        is_buy_new: bool,
    ) -> u64 {
        let tax = part(value, 800).min(value);
        self.burn(2, 0, tax);
        let wallet = Place::Wallet(sell.owner);
        let hangar = Place::Hangar(buy.owner, sell.station);
        let goods = Pile {
            id: if units == sell.left { sell.pile } else { 0 },
            type_id: sell.type_id,
            quantity: units,
            is_assembled: false,
            name: String::new(),
        };
        let (to_seller, to_buyer) = if is_buy_new {
            let left = Say::Left(sell.id, sell.left - units, wallet, None, value - tax);
            (left, Say::Take(hangar, Some(goods), 0))
        } else {
            let left = Say::Left(buy.id, buy.left - units, hangar, Some(goods), 0);
            (Say::Take(wallet, None, value - tax), left)
        };
        self.write(sell.owner, to_seller);
        self.write(buy.owner, to_buyer);
        let change = product(buy.price, units).unwrap() - value;
        if !is_buy_new && change > 0 {
            let change = Say::Take(Place::Wallet(buy.owner), None, change);
            self.write(buy.owner, change);
        }
        tax
    }

    fn resting(&self, actor: u64, order: u64) -> Option<usize> {
        let is_it = |other: &Resting| other.id == order && other.owner == actor;
        self.orders.iter().position(is_it)
    }

    pub(super) fn cancel(&mut self, actor: u64, request: RequestId, order: u64) {
        let Some(at) = self.resting(actor, order) else {
            let no = Err(RejectCode::OrderUnknown);
            return self.write(actor, Say::Answer(actor, request, no, 0, None, 0));
        };
        let order = self.orders.remove(at);
        if let Some(pile) = order.goods() {
            self.write(actor, Say::Take(order.home(), Some(pile), 0));
        }
        let answer = ValueAnswer {
            order: OrderId(order.id),
            quantity: order.left,
            ..ValueAnswer::default()
        };
        let say = Say::Answer(actor, request, Ok(answer), order.cents(), None, order.id);
        self.write(actor, say);
    }

    pub(super) fn reprice(
        &mut self,
        (actor, request): (u64, RequestId),
        id: u64,
        price: i64,
        cents: u64,
    ) {
        let at = self.resting(actor, id);
        let fee_of = |order: &Resting| {
            let old = product(order.price, order.left).unwrap();
            let new = product(price, order.left).unwrap();
            (relist_fee(old, new), new.saturating_sub(old))
        };
        let no = match at.map(|at| &self.orders[at]) {
            None => Some(RejectCode::OrderUnknown),
            Some(order) if self.now < order.changed + COOLDOWN_MS => {
                Some(RejectCode::OrderCooldown)
            }
            Some(order) => {
                let (fee, dearer) = fee_of(order);
                let needed = fee + if order.is_buy { dearer } else { 0 };
                (cents < needed).then_some(RejectCode::AmountTooLarge)
            }
        };
        let (None, Some(at)) = (no, at) else {
            let no = Err(no.unwrap());
            return self.write(actor, Say::Answer(actor, request, no, cents, None, 0));
        };
        let mut order = self.orders.remove(at);
        let (fee, _) = fee_of(&order);
        self.burn(3, 0, fee);
        let mut change = cents - fee + order.cents();
        (order.price, order.changed) = (price, self.now);
        let (order, traded) = self.trade(order);
        if order.is_buy {
            change -= traded.value + order.cents();
        }
        let mut answer = told(&order, &traded);
        answer.fees.0 += fee.cast_signed();
        answer.order = OrderId(id);
        let rests = (order.left > 0).then_some(order);
        let ended = if rests.is_some() { 0 } else { id };
        self.orders.extend(rests.clone());
        let say = Say::Answer(actor, request, Ok(answer), change, rests, ended);
        self.write(actor, say);
    }

    /// Ends the orders of a region whose time is over.
    pub(super) fn expire(&mut self, region: u16) {
        let now = self.now;
        let is_over = |order: &Resting| order.region == region && order.expires <= now;
        let mut over: Vec<Resting> = self.orders.iter().filter(|o| is_over(o)).cloned().collect();
        self.orders.retain(|order| !is_over(order));
        over.sort_by_key(|order| (order.expires, order.id));
        for order in over {
            if let Some(pile) = order.goods() {
                self.write(order.owner, Say::Take(order.home(), Some(pile), 0));
            }
            let wallet = Place::Wallet(order.owner);
            let say = Say::Left(order.id, 0, wallet, None, order.cents());
            self.write(order.owner, say);
        }
    }
}

fn told(order: &Resting, traded: &Traded) -> ValueAnswer {
    let tax = if order.is_buy { 0 } else { traded.tax };
    ValueAnswer {
        quantity: traded.units,
        money: Money(traded.value.cast_signed()),
        fees: Money(tax.cast_signed()),
        ..ValueAnswer::default()
    }
}
