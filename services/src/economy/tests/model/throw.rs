//! What the actors do: dice, and what they come to as the world stands.

use orrery_base::money::Money;
use orrery_base::value::{
    ItemId, OrderId, OrderRange, Place as Where, RequestId, TradeId, ValueCommand,
};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};

use super::super::town::{HULL, METAL, ORE, SECRET, ship_of};
use super::ACTORS;
use super::world::{Pile, Place, World};
use crate::economy::{Command, Desk};

/// Stations and the systems that they are in.
const STATIONS: [(u64, u32); 5] = [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)];
/// Beats after which a request is sent again.
const DELAYS: [u64; 8] = [0, 1, 1, 2, 3, 5, 9, 40];

/// One operation in dice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Throw {
    pub(super) actor: u8,
    pub(super) kind: u8,
    pub(super) dice: [u16; 4],
    pub(super) resent: u16,
}

impl Throw {
    /// From two random numbers.
    pub(super) const fn from_bits(a: u64, b: u64) -> Self {
        Self {
            actor: b as u8,
            kind: (b >> 8) as u8,
            dice: [
                a as u16,
                (a >> 16) as u16,
                (a >> 32) as u16,
                (a >> 48) as u16,
            ],
            resent: (b >> 16) as u16,
        }
    }

    /// In how many beats the request comes again: at most twice.
    pub(super) fn delays(&self, forgotten: u64) -> impl Iterator<Item = u64> {
        let again = usize::from(self.resent % 3);
        let late = self.resent >> 8 == 255;
        let (first, second) = (self.resent >> 2 & 7, self.resent >> 5 & 7);
        let first = if late {
            forgotten
        } else {
            DELAYS[usize::from(first)]
        };
        [first, first + DELAYS[usize::from(second)]]
            .into_iter()
            .take(again)
    }

    /// A number below `most`, which is above zero.
    pub(super) const fn below(&self, die: usize, most: usize) -> usize {
        self.dice[die] as usize % most
    }

    fn actor(&self) -> u64 {
        1 + u64::from(self.actor) % ACTORS
    }

    /// The command that it comes to.
    pub(super) fn command(&self, world: &World, request: RequestId, serial: u128) -> Command {
        let actor = self.actor();
        let desk = self.desk(world, actor);
        let command = match self.sane(world, actor, &desk) {
            Some(command) => command,
            None if self.dice[1].is_multiple_of(4) => self.pay(world, actor),
            None => self.buy(),
        };
        let mut command = Command {
            actor: CharacterId(actor),
            request,
            desk: Some(desk),
            command,
        };
        self.go_to_swap(world, &mut command);
        if self.dice[3].is_multiple_of(5) {
            self.spoil(world, &mut command, serial);
        }
        command
    }

    fn desk(&self, world: &World, actor: u64) -> Desk {
        let usual = (actor % 5) as usize;
        let other = self.dice[3] as usize >> 4;
        let station = if self.dice[3] >> 2 & 3 == 0 {
            other
        } else {
            usual
        };
        let (mut station, mut system) = STATIONS[station % 5];
        let has_some = |station| {
            let mut piles = world.piles_at(Place::Hangar(actor, station));
            piles.next().is_some()
        };
        if !has_some(station) && self.dice[3] & 1 == 0 {
            let found = STATIONS.into_iter().find(|&(station, _)| has_some(station));
            (station, system) = found.unwrap_or((station, system));
        }
        let mut ship = ship_of(CharacterId(actor));
        // Now and then in another ship.
        if self.dice[3] >> 8 & 7 == 0 {
            let mut piles = world.piles_at(Place::Hangar(actor, station));
            let assembled = piles.find(|pile| pile.is_assembled);
            ship = assembled.map_or(ship, |pile| ItemId(pile.id));
        }
        Desk {
            station: EntityId(station),
            system: SystemId(system),
            ship: ship.entity(),
            ship_type: HULL,
        }
    }

    /// Something that can be done, most of the time; nothing if there is nothing to do it with.
    fn sane(&self, world: &World, actor: u64, desk: &Desk) -> Option<ValueCommand> {
        let hangar: Vec<&Pile> = world
            .piles_at(Place::Hangar(actor, desk.station.0))
            .collect();
        let hold: Vec<&Pile> = world.piles_at(Place::Hold(actor, desk.ship.0)).collect();
        let either = |side: bool| {
            if side && !hold.is_empty() {
                &hold
            } else {
                &hangar
            }
        };
        let assembled = |pile: &Pile| pile.is_assembled;
        let kind = self.kind % 128;
        let is_crowded = hangar.len() > 20 && kind < 70 && self.kind.is_multiple_of(2);
        Some(match kind {
            _ if is_crowded => self.stack(&hangar)?,
            0..8 => self.stack(either(self.dice[1].is_multiple_of(8)))?,
            8..16 => {
                let pile = self.pick(either(self.dice[1].is_multiple_of(4)), |pile| {
                    pile.quantity > 1
                })?;
                ValueCommand::Split {
                    item: ItemId(pile.id),
                    quantity: 1 + self.below(2, 1_000) as u64 % (pile.quantity - 1),
                }
            }
            16..21 => self.carry(&hangar, Where::Cargo)?,
            21..26 => self.carry(&hold, Where::Hangar)?,
            26..30 => {
                let pile = self.pick(either(self.dice[1] & 1 == 0), |_| true)?;
                ValueCommand::Trash {
                    item: ItemId(pile.id),
                    quantity: 1 + self.below(2, 20) as u64 % pile.quantity,
                }
            }
            30..34 => {
                let is_hull = |pile: &Pile| pile.type_id == HULL.0 && !pile.is_assembled;
                let pile = match self.dice[1] % 16 {
                    0 => self.pick(&hangar, |_| true),
                    _ => self.pick(&hangar, is_hull),
                };
                let item = ItemId(pile?.id);
                ValueCommand::Assemble { item }
            }
            34..38 => {
                let item = ItemId(self.pick(&hangar, assembled)?.id);
                ValueCommand::Repackage { item }
            }
            38..40 => ValueCommand::Rename {
                item: ItemId(self.pick(&hangar, assembled)?.id),
                name: ["", "Second Thought", "Ω", "x"][self.below(2, 4)].into(),
            },
            40..52 => self.pay(world, actor),
            52..70 => self.sell(&hangar)?,
            70..86 => self.buy(),
            86..93 => ValueCommand::CancelOrder {
                order: self.own(world, actor)?,
            },
            93..98 => ValueCommand::ModifyOrder {
                order: self.own(world, actor)?,
                price: self.price([ORE, METAL, HULL][self.below(0, 3)]),
            },
            98 => ValueCommand::Board {
                item: ItemId(actor),
            },
            _ => self.swap(world, actor)?,
        })
    }

    pub(super) fn pick<'a>(
        &self,
        piles: &[&'a Pile],
        fits: impl Fn(&Pile) -> bool,
    ) -> Option<&'a Pile> {
        let fitting: Vec<&Pile> = piles.iter().copied().filter(|pile| fits(pile)).collect();
        if fitting.is_empty() {
            return None;
        }
        Some(fitting[self.below(0, fitting.len())])
    }

    fn stack(&self, piles: &[&Pile]) -> Option<ValueCommand> {
        let from = self.pick(piles, |pile| !pile.is_assembled)?;
        let same = |pile: &&&Pile| {
            pile.type_id == from.type_id && pile.id != from.id && !pile.is_assembled
        };
        let onto = match self.dice[2] % 16 {
            0 => self.pick(piles, |pile| pile.id != from.id),
            _ => piles.iter().find(same).copied(),
        };
        Some(ValueCommand::Stack {
            from: ItemId(from.id),
            onto: ItemId(onto?.id),
        })
    }

    fn carry(&self, piles: &[&Pile], to: Where) -> Option<ValueCommand> {
        let pile = self.pick(piles, |pile| {
            !pile.is_assembled || self.dice[1].is_multiple_of(8)
        })?;
        let most = match pile.type_id {
            id if id == HULL.0 => 2,
            id if id == METAL.0 => 4_000,
            _ => 400,
        };
        let quantity = 1 + self.below(2, most) as u64;
        let all = self.dice[1] & 1 == 0 && (to == Where::Hangar || pile.quantity <= 1_000);
        Some(ValueCommand::Move {
            item: ItemId(pile.id),
            quantity: if all {
                pile.quantity
            } else {
                quantity.min(pile.quantity)
            },
            to,
        })
    }

    fn pay(&self, world: &World, actor: u64) -> ValueCommand {
        let all = world.coins(actor);
        let amount = match self.below(1, 16) {
            0 => all,
            1 => all / 2,
            _ => u64::from(self.dice[2]) + 1,
        };
        let to = 1 + self.below(0, ACTORS as usize) as u64;
        ValueCommand::Pay {
            to: CharacterId(if to == actor { 1 + to % ACTORS } else { to }),
            amount: Money(amount.cast_signed()),
            memo: ["", "for the ore"][self.below(1, 2)].into(),
        }
    }

    fn sell(&self, hangar: &[&Pile]) -> Option<ValueCommand> {
        let is_odd = self.dice[2].is_multiple_of(32);
        let fits = |pile: &Pile| is_odd || !pile.is_assembled && pile.type_id != SECRET.0;
        let pile = self.pick(hangar, fits)?;
        let whole = self.dice[2] >> 8 & 3 == 0 && pile.quantity <= 1_000;
        let quantity = 1 + self.below(2, if pile.type_id == HULL.0 { 9 } else { 300 }) as u64;
        Some(ValueCommand::Sell {
            item: ItemId(pile.id),
            quantity: if whole {
                pile.quantity
            } else {
                quantity.min(pile.quantity)
            },
            price: self.price(TypeId(pile.type_id)),
            days: self.days(),
        })
    }

    fn buy(&self) -> ValueCommand {
        let type_id = [ORE, ORE, METAL, METAL, METAL, HULL][self.below(0, 6)];
        let quantity = 1 + self.below(2, if type_id == HULL { 9 } else { 400 }) as u64;
        ValueCommand::Buy {
            type_id,
            quantity,
            minimum: match self.dice[0] >> 8 & 7 {
                0 => quantity,
                1 | 2 => 1 + quantity / 3,
                _ => 1,
            },
            price: self.price(type_id),
            range: match self.dice[0] >> 11 & 7 {
                0 | 1 => OrderRange::Station,
                2 => OrderRange::System,
                3 | 4 => OrderRange::Jumps(1),
                5 => OrderRange::Jumps(10),
                _ => OrderRange::Region,
            },
            days: self.days(),
        }
    }

    /// Around what a unit is worth, in four digits.
    fn price(&self, type_id: TypeId) -> Money {
        let step = match type_id {
            ORE => 10,
            METAL => 1,
            _ => 1_000,
        };
        Money(step * (80 + self.below(1, 41) as i64))
    }

    const fn days(&self) -> u8 {
        [0, 0, 1, 3, 7, 14, 30, 90][self.dice[1] as usize >> 6 & 7]
    }

    fn own(&self, world: &World, actor: u64) -> Option<OrderId> {
        let mine: Vec<u64> = world
            .known
            .range((actor, 0)..(actor + 1, 0))
            .map(|(&(_, order), _)| order)
            .collect();
        match self.dice[2] % 16 {
            // One that is still on its way, or gone, or never was.
            0 => {
                let back = u64::from(self.dice[0] % 64);
                let numbers = world.order_numbers[usize::from(self.dice[1] & 1)];
                let region = u64::from(self.dice[1] & 1) + 1;
                Some(OrderId(region << 44 | (numbers + 5).saturating_sub(back)))
            }
            _ => mine
                .get(self.below(0, mine.len().max(1)))
                .copied()
                .map(OrderId),
        }
    }

    /// Makes a mistake.
    fn spoil(&self, world: &World, command: &mut Command, serial: u128) {
        let wrong = self.dice[3] / 5 % 12;
        match wrong {
            0 => command.desk = None,
            1 => command.request = RequestId::new(world.now - 25_000, serial),
            2 => command.request = RequestId::new(world.now + 15_000, serial),
            3 => command.request = RequestId::new(world.now + 5_000, serial),
            4 => command.request = RequestId(serial),
            5 => {
                if let Some(desk) = &mut command.desk {
                    desk.system = SystemId(77);
                }
            }
            wrong => self.spoil_terms(world, &mut command.command, wrong.is_multiple_of(2)),
        }
    }

    fn spoil_terms(&self, world: &World, command: &mut ValueCommand, is_even: bool) {
        let none_or_all = [0, 1_u64 << 39, 1 << 41, u64::MAX >> 1][self.below(2, 4)];
        let theirs = world.piles_at(Place::Hangar(1 + self.below(1, 64) as u64, 1));
        let theirs = ItemId(theirs.last().map_or(99, |pile| pile.id));
        let bad_price = Money([0, -5, 123_456, 999_900_000_000_000][self.below(1, 4)]);
        match command {
            ValueCommand::Stack { from, onto } => match self.below(2, 3) {
                0 => *from = theirs,
                1 => *onto = theirs,
                _ => *onto = *from,
            },
            ValueCommand::Split { item, quantity }
            | ValueCommand::Trash { item, quantity }
            | ValueCommand::Move { item, quantity, .. } => match is_even {
                true => *item = theirs,
                false => *quantity = none_or_all,
            },
            ValueCommand::Assemble { item }
            | ValueCommand::Repackage { item }
            | ValueCommand::Rename { item, .. }
                if is_even =>
            {
                *item = theirs;
            }
            ValueCommand::Rename { name, .. } => {
                *name = ["x".repeat(49), "a\nb".into()][self.below(2, 2)].clone();
            }
            ValueCommand::Pay { to, amount, memo } => match self.below(1, 5) {
                0 => *to = CharacterId(u64::from(self.actor) % ACTORS + 1),
                1 => *to = CharacterId([0, 65, 1_000, u64::MAX][self.below(2, 4)]),
                2 => *amount = Money([0, -1, i64::MIN, i64::MAX][self.below(2, 4)]),
                3 => *memo = "\u{7}".into(),
                _ => *memo = "m".repeat(65),
            },
            ValueCommand::Sell {
                item,
                quantity,
                price,
                days,
            } => match self.below(2, 5) {
                0 => *item = theirs,
                1 => *quantity = none_or_all,
                2 => *days = 2,
                _ => *price = bad_price,
            },
            ValueCommand::Buy {
                type_id,
                quantity,
                minimum,
                price,
                range,
                days,
            } => match self.below(2, 9) {
                0 => *type_id = [SECRET, TypeId(9_999)][self.below(1, 2)],
                1 => *quantity = none_or_all,
                2 => *minimum = [0, *quantity + 1][self.below(1, 2)],
                3 => *range = OrderRange::Jumps([0, 6, 250][self.below(1, 3)]),
                4 => *days = 2,
                5 => (*quantity, *minimum) = (1 << 40, 1),
                _ => *price = bad_price,
            },
            ValueCommand::CancelOrder { order } | ValueCommand::ModifyOrder { order, .. }
                if is_even =>
            {
                let all: Vec<u64> = world.orders.iter().map(|order| order.id).collect();
                let strange = [0, 99, 3 << 44 | 1, u64::MAX][self.below(2, 4)];
                let theirs = all.get(self.below(1, all.len().max(1))).copied();
                *order = OrderId(theirs.unwrap_or(strange));
            }
            ValueCommand::ModifyOrder { price, .. } => *price = bad_price,
            ValueCommand::OfferTrade { .. }
            | ValueCommand::AddItem { .. }
            | ValueCommand::RemoveItem { .. }
            | ValueCommand::SetMoney { .. }
            | ValueCommand::AcceptTrade { .. }
            | ValueCommand::CancelTrade { .. } => {
                let terms = (theirs, none_or_all, is_even);
                self.spoil_swap(world, command, terms);
            }
            other => {
                let trade = TradeId(7);
                *other = [
                    ValueCommand::SetMoney {
                        trade,
                        amount: Money(5),
                    },
                    ValueCommand::AddItem {
                        trade,
                        item: theirs,
                        quantity: 1,
                    },
                    ValueCommand::AcceptTrade { trade, version: 1 },
                    ValueCommand::CancelTrade { trade },
                ][self.below(2, 4)]
                .clone();
            }
        }
    }
}
