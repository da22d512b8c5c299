//! What a trader wants done next: every command about value that there is, most of them possible,
//! some of them not.

use std::collections::BTreeMap;

use orrery_base::money::Money;
use orrery_base::rng::Rng;
use orrery_base::value::query::ItemRow;
use orrery_base::value::{ItemId, OrderId, OrderRange, Place, ValueAnswer, ValueCommand};
use orrery_base::{CharacterId, TypeId};

/// A character whom nobody knows.
const STRANGER: CharacterId = CharacterId(0xdead_beef);
/// Orders that a trader lets rest.
const ORDERS_MAX: usize = 4;

/// What a trader knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Knows {
    pub(super) others: Vec<CharacterId>,
    /// What things are worth, by type.
    pub(super) prices: Vec<(TypeId, Money)>,
    /// What was where it looked last.
    pub(super) items: Vec<ItemRow>,
    pub(super) place: Option<Place>,
    /// Own orders that rest: price and whether they buy.
    pub(super) orders: BTreeMap<OrderId, (i64, bool)>,
    wishes: u64,
}

impl Knows {
    /// Takes in the answer to an accepted command.
    pub(super) fn learn(&mut self, command: &ValueCommand, answer: &ValueAnswer) {
        let is_buy = matches!(command, ValueCommand::Buy { .. });
        match command {
            ValueCommand::Sell { price, .. } | ValueCommand::Buy { price, .. }
                if answer.order != OrderId(0) =>
            {
                self.orders.insert(answer.order, (price.0, is_buy));
            }
            ValueCommand::ModifyOrder { order, price } => {
                if let Some(own) = self.orders.get_mut(order) {
                    own.0 = price.0;
                }
            }
            ValueCommand::CancelOrder { order } => {
                self.orders.remove(order);
            }
            _ => {}
        }
    }

    fn item(&self, rng: &mut Rng, fits: impl Fn(&ItemRow) -> bool) -> Option<&ItemRow> {
        let fitting: Vec<_> = self.items.iter().filter(|row| fits(row)).collect();
        pick(rng, &fitting).copied()
    }

    fn order(&self, rng: &mut Rng) -> Option<(OrderId, i64, bool)> {
        let orders: Vec<_> = self.orders.iter().collect();
        pick(rng, &orders).map(|(id, (price, is_buy))| (**id, *price, *is_buy))
    }
}

fn pick<'a, T>(rng: &mut Rng, list: &'a [T]) -> Option<&'a T> {
    let count = u32::try_from(list.len()).ok().filter(|&count| count > 0)?;
    list.get(rng.below(count) as usize)
}

/// The next thing to be done, if anything comes to mind.
pub(super) fn wish(knows: &mut Knows, rng: &mut Rng) -> Option<ValueCommand> {
    knows.wishes += 1;
    match rng.below(100) {
        0..20 => pay(knows, rng),
        20..34 => {
            let row = knows.item(rng, |row| row.quantity > 1)?;
            // At times all of it, or more than there is, which cannot be.
            let most = row.quantity.min(6) as u32 + 1;
            Some(ValueCommand::Split {
                item: row.item,
                quantity: 1 + u64::from(rng.below(most)),
            })
        }
        34..46 => stack(knows, rng),
        46..53 => {
            let row = knows.item(rng, |row| !row.is_boarded)?;
            let to = match knows.place {
                Some(Place::Cargo) => Place::Hangar,
                _ => Place::Cargo,
            };
            Some(ValueCommand::Move {
                item: row.item,
                quantity: 1 + u64::from(rng.below(row.quantity.min(4) as u32)),
                to,
            })
        }
        53..55 => {
            let item = knows.item(rng, |row| !row.is_assembled)?.item;
            Some(ValueCommand::Trash { item, quantity: 1 })
        }
        55..62 => ship(knows, rng),
        62..77 => sell(knows, rng),
        77..90 => buy(knows, rng),
        90..96 => Some(ValueCommand::CancelOrder {
            order: knows.order(rng)?.0,
        }),
        _ => undercut(knows, rng),
    }
}

fn pay(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let to = match rng.below(20) {
        0 => STRANGER,
        _ => *pick(rng, &knows.others)?,
    };
    let cents = match rng.below(30) {
        0 => i64::MAX,
        1 => 0,
        _ => 1 + i64::from(rng.below(500_00)),
    };
    Some(ValueCommand::Pay {
        to,
        amount: Money(cents),
        memo: format!("wish {}", knows.wishes),
    })
}

fn stack(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let from = knows.item(rng, |row| !row.is_assembled)?;
    let (from, type_id) = (from.item, from.type_id);
    let onto = knows.item(rng, |row| row.type_id == type_id && row.item != from)?;
    Some(ValueCommand::Stack {
        from,
        onto: onto.item,
    })
}

/// Whatever is no ship is refused.
fn ship(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let is_ship = |row: &ItemRow| row.is_assembled && !row.is_boarded;
    let assembled: Option<ItemId> = knows.item(rng, is_ship).map(|row| row.item);
    Some(match (rng.below(3), assembled) {
        (0, Some(item)) => ValueCommand::Repackage { item },
        (1, Some(item)) => ValueCommand::Rename {
            item,
            name: format!("Liar {}", knows.wishes),
        },
        _ => ValueCommand::Assemble {
            item: knows.item(rng, |row| !row.is_assembled)?.item,
        },
    })
}

fn price(knows: &Knows, rng: &mut Rng, type_id: TypeId) -> Option<Money> {
    let known = knows.prices.iter().find(|(of, _)| *of == type_id)?;
    let percent = 90 + i64::from(rng.below(21));
    Some(rounded(known.1.0 * percent / 100))
}

/// Three digits and zeros, at least a cent.
fn rounded(cents: i64) -> Money {
    let mut step = 1;
    while cents / step >= 1_000 {
        step *= 10;
    }
    Money((cents / step * step).max(1))
}

/// Half of the orders rest, while there are not too many.
fn days(knows: &Knows, rng: &mut Rng) -> u8 {
    u8::from(knows.orders.len() < ORDERS_MAX && rng.below(2) == 0)
}

fn sell(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let row = knows.item(rng, |row| !row.is_assembled)?;
    Some(ValueCommand::Sell {
        item: row.item,
        quantity: 1 + u64::from(rng.below(row.quantity.min(5) as u32)),
        price: price(knows, rng, row.type_id)?,
        days: days(knows, rng),
    })
}

fn buy(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let (type_id, _) = *pick(rng, &knows.prices)?;
    let quantity = 1 + u64::from(rng.below(4));
    let minimum = match rng.below(6) {
        0 => quantity,
        _ => 1,
    };
    Some(ValueCommand::Buy {
        type_id,
        quantity,
        minimum,
        price: price(knows, rng, type_id)?,
        range: OrderRange::Region,
        days: days(knows, rng),
    })
}

/// A little better than before: less where one sells, more where one buys.
fn undercut(knows: &Knows, rng: &mut Rng) -> Option<ValueCommand> {
    let (order, price, is_buy) = knows.order(rng)?;
    let percent = if is_buy { 102 } else { 98 };
    Some(ValueCommand::ModifyOrder {
        order,
        price: rounded(price * percent / 100),
    })
}
