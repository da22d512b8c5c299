//! What the actors of the model want of each other.

use orrery_base::CharacterId;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, TradeId, ValueCommand};

use super::ACTORS;
use super::swaps::Mine;
use super::throw::Throw;
use super::world::{Pile, Place, World};
use crate::economy::{Command, Stage};

impl Throw {
    /// Something about a trade of the actor's, or a new one.
    pub(super) fn swap(&self, world: &World, actor: u64) -> Option<ValueCommand> {
        let mine: Vec<(u64, &Mine)> = world.swaps_of(actor).collect();
        if mine.is_empty() || self.dice[0].is_multiple_of(8) {
            return Some(self.invite(world, actor));
        }
        let (trade, mine) = mine[self.below(1, mine.len())];
        let id = TradeId(trade);
        let window = world.windows.get(&trade);
        let choice = self.dice[0] >> 4 & 15;
        if mine.stage == Stage::Invited && choice < 13 {
            let with = CharacterId(mine.with);
            return Some(ValueCommand::OfferTrade { with });
        }
        Some(match choice {
            0..5 => {
                let hangar = world.piles_at(Place::Hangar(actor, mine.station));
                let hangar: Vec<&Pile> = hangar.collect();
                let pile = self.pick(&hangar, |_| true)?;
                let some = 1 + self.below(2, 300) as u64;
                let all = self.dice[2] >> 10 & 3 == 0 && pile.quantity < 1_000;
                ValueCommand::AddItem {
                    trade: id,
                    item: ItemId(pile.id),
                    quantity: if all {
                        pile.quantity
                    } else {
                        some.min(pile.quantity)
                    },
                }
            }
            5..8 => ValueCommand::SetMoney {
                trade: id,
                amount: Money(i64::from(self.dice[2] >> 2) * 100),
            },
            8 => {
                let side = usize::from(window?.sides[1] == actor);
                let piles: Vec<&Pile> = window?.held[side].1.values().collect();
                let pile = self.pick(&piles, |_| true)?;
                let some = 1 + self.below(2, 100) as u64;
                ValueCommand::RemoveItem {
                    trade: id,
                    item: ItemId(pile.id),
                    quantity: some.min(pile.quantity),
                }
            }
            9..15 => ValueCommand::AcceptTrade {
                trade: id,
                version: window.map_or(1, |window| window.version),
            },
            _ => ValueCommand::CancelTrade { trade: id },
        })
    }

    fn invite(&self, world: &World, actor: u64) -> ValueCommand {
        let first = self.below(1, ACTORS as usize) as u64;
        let station = world.docked.get(&actor);
        let mut others = (0..ACTORS).map(|next| 1 + (first + next) % ACTORS);
        let is_near = |other: &u64| *other != actor && world.docked.get(other) == station;
        let with = match self.dice[2].is_multiple_of(8) {
            true => None,
            false => others.find(is_near),
        };
        ValueCommand::OfferTrade {
            with: CharacterId(with.unwrap_or(1 + first)),
        }
    }

    /// Who trades is where the trade is, most of the time.
    pub(super) fn go_to_swap(&self, world: &World, command: &mut Command) {
        let docked = world.docked.get(&command.actor.0);
        let (Some(desk), Some(station)) = (&mut command.desk, docked) else {
            return;
        };
        let is_swap = matches!(
            command.command,
            ValueCommand::OfferTrade { .. }
                | ValueCommand::AddItem { .. }
                | ValueCommand::SetMoney { .. }
                | ValueCommand::RemoveItem { .. }
                | ValueCommand::AcceptTrade { .. }
        );
        if is_swap && !self.dice[1].is_multiple_of(32) {
            desk.station.0 = *station;
        }
    }

    /// A trade that may be somebody else's, or never was.
    pub(super) fn any_swap(&self, world: &World) -> TradeId {
        let all: Vec<u64> = world.windows.keys().copied().collect();
        let some = all.get(self.below(1, all.len().max(1))).copied();
        TradeId(some.unwrap_or(7))
    }

    /// Makes a mistake about a trade.
    pub(super) fn spoil_swap(
        &self,
        world: &World,
        command: &mut ValueCommand,
        (theirs, none_or_all, is_even): (ItemId, u64, bool),
    ) {
        match command {
            ValueCommand::OfferTrade { with } => {
                let own = u64::from(self.actor) % ACTORS + 1;
                *with = CharacterId([0, 65, own][self.below(2, 3)]);
            }
            ValueCommand::AddItem { item, quantity, .. }
            | ValueCommand::RemoveItem { item, quantity, .. } => match is_even {
                true => *item = theirs,
                false => *quantity = none_or_all,
            },
            ValueCommand::SetMoney { amount, .. } => {
                *amount = Money([-1, i64::MIN, i64::MAX][self.below(2, 3)]);
            }
            ValueCommand::AcceptTrade { trade, version } => match is_even {
                true => *version = version.wrapping_add(1),
                false => *trade = self.any_swap(world),
            },
            ValueCommand::CancelTrade { trade } => *trade = self.any_swap(world),
            other => unreachable!("{other:?}"),
        }
    }
}
