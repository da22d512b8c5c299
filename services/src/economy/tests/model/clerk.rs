//! What a character asks for at a desk, in the model.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, Place as Where, RequestId, ValueAnswer, ValueCommand};

use super::super::town::{HULL, METAL, ORE, SECRET};
use super::bazaar::{Wish, broker_fee, price_is_possible, product, region_of_system, relist_fee};
use super::world::{PILE_MAX, Place, Say, World};
use crate::economy::{Command, Desk};

/// Litres of a unit, and of the hold if it is a ship.
fn litres(type_id: u32) -> (u64, Option<u64>) {
    match type_id {
        id if id == ORE.0 => (100, None),
        id if id == METAL.0 => (10, None),
        id if id == SECRET.0 => (1, None),
        id if id == HULL.0 => (60_000, Some(100_000)),
        _ => (0, None),
    }
}

fn is_readable(text: &str, most: usize) -> bool {
    text.len() <= most && text.chars().all(|char| !char.is_control())
}

fn item(id: u64) -> Option<ValueAnswer> {
    Some(ValueAnswer {
        item: ItemId(id),
        ..ValueAnswer::default()
    })
}

type Done = Result<Option<ValueAnswer>, RejectCode>;

impl World {
    /// Nothing: the answer comes later.
    pub(super) fn carry_out(&mut self, command: &Command) -> Done {
        let (actor, request) = (command.actor.0, command.request);
        match &command.command {
            ValueCommand::Pay { to, amount, memo } => {
                return self.pay(actor, request, to.0, amount.0, memo);
            }
            ValueCommand::CancelOrder { order } => {
                let known = self.known.get(&(actor, order.0));
                let region = known.ok_or(RejectCode::OrderUnknown)?.region;
                self.write(u64::from(region), Say::Cancel(actor, request, order.0));
                return Ok(None);
            }
            ValueCommand::ModifyOrder { order, price } => {
                return self.ask_reprice(actor, request, order.0, price.0);
            }
            ValueCommand::OfferTrade { .. }
            | ValueCommand::AddItem { .. }
            | ValueCommand::SetMoney { .. }
            | ValueCommand::RemoveItem { .. }
            | ValueCommand::AcceptTrade { .. }
            | ValueCommand::CancelTrade { .. } => {
                let station = command.desk.map(|desk| desk.station.0);
                self.ask_swap(actor, request, station, &command.command)?;
                return Ok(None);
            }
            ValueCommand::Board { .. } => return Err(RejectCode::NotAvailable),
            _ => {}
        }
        let desk = command.desk.ok_or(RejectCode::NotDocked)?;
        match command.command.clone() {
            ValueCommand::Sell {
                item,
                quantity,
                price,
                days,
            } => self.sell((actor, request), &desk, item.0, quantity, price, days),
            ValueCommand::Buy {
                type_id,
                quantity,
                minimum,
                price,
                range,
                days,
            } => {
                let wish = Wish {
                    is_buy: true,
                    minimum,
                    range,
                    ..Wish::new(
                        (actor, request),
                        &desk,
                        type_id.0,
                        (quantity, price.0),
                        days,
                    )
                };
                let value = product(price.0, quantity)?;
                self.wish(wish, None, value)
            }
            about_items => self.handle(actor, &desk, about_items),
        }
    }

    fn handle(&mut self, actor: u64, desk: &Desk, command: ValueCommand) -> Done {
        let hangar = Place::Hangar(actor, desk.station.0);
        match command {
            ValueCommand::Stack { from, onto } => self.stack(actor, desk, from.0, onto.0),
            ValueCommand::Split { item: id, quantity } => {
                let place = self.find(actor, desk, id.0)?;
                let there = self.pile(place, id.0).unwrap().quantity;
                if quantity > there {
                    return Err(RejectCode::NotEnoughItems);
                }
                if quantity == 0 || quantity == there {
                    return Err(RejectCode::QuantityInvalid);
                }
                let some = self.lift(place, id.0, quantity);
                Ok(item(self.lay(place, some, None)))
            }
            ValueCommand::Move {
                item: id,
                quantity,
                to,
            } => self.carry(actor, desk, (id.0, quantity), to),
            ValueCommand::Trash { item: id, quantity } => {
                let place = self.find(actor, desk, id.0)?;
                self.check_hold(actor, id)?;
                let pile = self.pile(place, id.0).unwrap();
                let (type_id, there) = (pile.type_id, pile.quantity);
                enough(quantity, there)?;
                self.lift(place, id.0, quantity);
                self.burn(4, type_id, quantity);
                Ok(item(0))
            }
            ValueCommand::Assemble { item: id } => {
                let pile = self.pile(hangar, id.0).ok_or(RejectCode::ItemUnknown)?;
                if pile.is_assembled || litres(pile.type_id).1.is_none() {
                    return Err(RejectCode::NotAssemblable);
                }
                let mut ship = self.lift(hangar, id.0, 1);
                ship.is_assembled = true;
                Ok(item(self.lay(hangar, ship, None)))
            }
            ValueCommand::Repackage { item: id } => {
                self.assembled(hangar, id.0)?;
                self.check_hold(actor, id)?;
                let mut ship = self.lift(hangar, id.0, 1);
                (ship.is_assembled, ship.name) = (false, String::new());
                Ok(item(self.lay(hangar, ship, None)))
            }
            ValueCommand::Rename { item: id, name } => {
                if !is_readable(&name, 48) {
                    return Err(RejectCode::TextInvalid);
                }
                self.assembled(hangar, id.0)?;
                let mut ship = self.lift(hangar, id.0, 1);
                ship.name = name;
                Ok(item(self.lay(hangar, ship, None)))
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn find(&self, actor: u64, desk: &Desk, id: u64) -> Result<Place, RejectCode> {
        let hangar = Place::Hangar(actor, desk.station.0);
        let hold = Place::Hold(actor, desk.ship.0);
        let mut places = [hangar, hold].into_iter();
        let found = places.find(|&place| self.pile(place, id).is_some());
        found.ok_or(RejectCode::ItemUnknown)
    }

    fn assembled(&self, hangar: Place, id: u64) -> Result<(), RejectCode> {
        match self.pile(hangar, id) {
            None => Err(RejectCode::ItemUnknown),
            Some(pile) if !pile.is_assembled => Err(RejectCode::NotAssembled),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn check_hold(&self, actor: u64, ship: ItemId) -> Result<(), RejectCode> {
        match self.piles_at(Place::Hold(actor, ship.entity().0)).next() {
            Some(_) => Err(RejectCode::ShipNotEmpty),
            None => Ok(()),
        }
    }

    fn stack(&mut self, actor: u64, desk: &Desk, from: u64, onto: u64) -> Done {
        let place = self.find(actor, desk, from)?;
        let moved = self.pile(place, from).unwrap();
        let target = self.pile(place, onto).ok_or(RejectCode::ItemUnknown)?;
        let is_loose = !moved.is_assembled && !target.is_assembled;
        if from == onto || !is_loose || moved.type_id != target.type_id {
            return Err(RejectCode::NotStackable);
        }
        if moved.quantity + target.quantity > PILE_MAX {
            return Err(RejectCode::QuantityInvalid);
        }
        let all = self.lift(place, from, moved.quantity);
        Ok(item(self.lay(place, all, Some(onto))))
    }

    fn carry(&mut self, actor: u64, desk: &Desk, (id, quantity): (u64, u64), to: Where) -> Done {
        let hangar = Place::Hangar(actor, desk.station.0);
        let hold = Place::Hold(actor, desk.ship.0);
        let (from, to) = match to {
            Where::Cargo => (hangar, hold),
            Where::Hangar => (hold, hangar),
        };
        let pile = self.pile(from, id).ok_or(RejectCode::ItemUnknown)?;
        if to == hold {
            let loaded = self.piles_at(hold);
            let loaded: u128 = loaded
                .map(|pile| u128::from(litres(pile.type_id).0) * u128::from(pile.quantity))
                .sum();
            let more = u128::from(litres(pile.type_id).0) * u128::from(quantity);
            let most = litres(desk.ship_type.0).1.unwrap_or(0);
            if pile.is_assembled || loaded + more > u128::from(most) {
                return Err(RejectCode::CargoFull);
            }
        }
        enough(quantity, pile.quantity)?;
        let onto = match pile.is_assembled {
            true => None,
            false => self.joins(to, pile.type_id, quantity),
        };
        let moved = self.lift(from, id, quantity);
        Ok(item(self.lay(to, moved, onto)))
    }

    fn pay(&mut self, actor: u64, request: RequestId, to: u64, cents: i64, memo: &str) -> Done {
        if !is_readable(memo, 64) {
            return Err(RejectCode::TextInvalid);
        }
        match to {
            to if to == actor => return Err(RejectCode::PartnerIsSelf),
            0 => return Err(RejectCode::CharacterUnknown),
            _ => {}
        }
        if cents <= 0 {
            return Err(RejectCode::QuantityInvalid);
        }
        let cents = cents.unsigned_abs();
        self.spend(actor, cents)?;
        self.write(to, Say::Pay(actor, to, cents, request));
        Ok(None)
    }

    pub(super) fn paid(&mut self, from: u64, to: u64, cents: u64, request: RequestId) {
        let (outcome, back) = if !self.is_character(to) {
            (Err(RejectCode::CharacterUnknown), cents)
        } else {
            self.put(Place::Wallet(to), None, cents);
            let money = Money(cents.cast_signed());
            let answer = ValueAnswer {
                money,
                ..ValueAnswer::default()
            };
            (Ok(answer), 0)
        };
        self.write(from, Say::Answer(from, request, outcome, back, None, 0));
    }

    pub(super) fn spend(&mut self, actor: u64, cents: u64) -> Result<(), RejectCode> {
        let left = self.coins(actor).checked_sub(cents);
        let left = left.ok_or(RejectCode::NotEnoughMoney)?;
        self.wallets.insert(actor, left);
        Ok(())
    }

    fn sell(
        &mut self,
        (actor, request): (u64, RequestId),
        desk: &Desk,
        id: u64,
        quantity: u64,
        price: Money,
        days: u8,
    ) -> Done {
        let hangar = Place::Hangar(actor, desk.station.0);
        let pile = self.pile(hangar, id).ok_or(RejectCode::ItemUnknown)?;
        if pile.is_assembled {
            return Err(RejectCode::NotMarketable);
        }
        if quantity > pile.quantity {
            return Err(RejectCode::NotEnoughItems);
        }
        let type_id = pile.type_id;
        let terms = (quantity, price.0);
        let wish = Wish::new((actor, request), desk, type_id, terms, days);
        self.wish(wish, Some((hangar, id)), 0)
    }

    /// Sends a wish to the bazaar. `costs`: beside the fee.
    fn wish(&mut self, mut wish: Wish, goods: Option<(Place, u64)>, costs: u64) -> Done {
        match wish.type_id {
            id if [ORE.0, METAL.0, HULL.0].contains(&id) => {}
            id if id == SECRET.0 => return Err(RejectCode::NotMarketable),
            _ => return Err(RejectCode::TypeUnknown),
        }
        wish.check()?;
        let region = region_of_system(wish.system).ok_or(RejectCode::NotAvailable)?;
        if wish.days > 0 {
            wish.fee = broker_fee(product(wish.price, wish.quantity)?);
        }
        self.spend(wish.actor, costs + wish.fee)?;
        wish.cents = costs + wish.fee;
        wish.pile = goods.map(|(hangar, id)| self.lift(hangar, id, wish.quantity));
        wish.region = region;
        self.write(u64::from(region), Say::Wish(wish));
        Ok(None)
    }

    fn ask_reprice(&mut self, actor: u64, request: RequestId, order: u64, price: i64) -> Done {
        if !price_is_possible(price) {
            return Err(RejectCode::PriceInvalid);
        }
        let known = self.known.get(&(actor, order));
        let known = known.ok_or(RejectCode::OrderUnknown)?;
        let (region, old, new) = (
            known.region,
            product(known.price, known.left)?,
            product(price, known.left)?,
        );
        let mut costs = relist_fee(old, new);
        if known.is_buy {
            costs += new.saturating_sub(old);
        }
        if costs > i64::MAX.unsigned_abs() {
            return Err(RejectCode::AmountTooLarge);
        }
        self.spend(actor, costs)?;
        let say = Say::Reprice(actor, request, order, price, costs);
        self.write(u64::from(region), say);
        Ok(None)
    }
}

pub(super) const fn enough(quantity: u64, there: u64) -> Result<(), RejectCode> {
    if quantity == 0 {
        return Err(RejectCode::QuantityInvalid);
    }
    if quantity > there {
        return Err(RejectCode::NotEnoughItems);
    }
    Ok(())
}
