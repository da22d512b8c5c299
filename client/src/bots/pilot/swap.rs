//! How bots trade with each other: one invites, both put something in, both accept what they
//! have seen. One in four changes its offer in the same breath: what was accepted counts
//! no more then, and it has to accept anew.

use orrery_base::CharacterId;
use orrery_base::money::Money;
use orrery_base::value::query::ItemRow;
use orrery_base::value::{TradeId, TradeState, ValueCommand};

use super::{Action, Pilot, View};

/// Turns after which a bot gives up a trade.
const TURNS_MAX: u32 = 20;
/// The most cents that a bot puts into a trade.
const CENTS_MAX: u32 = 50_00;

/// A trade window as a bot sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Which.
    pub trade: TradeId,
    /// With whom.
    pub with: CharacterId,
    /// The newest version that it has heard of.
    pub version: u32,
    /// How it stands.
    pub state: TradeState,
}

/// What a bot has done in the trade that it is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swap {
    /// It has invited somebody since it has docked.
    pub(super) has_invited: bool,
    turns: u32,
    has_offered: bool,
    /// It will change its offer at the last moment.
    is_fickle: bool,
    /// The version that it has accepted.
    accepted: Option<u32>,
}

impl Pilot {
    /// Invites somebody who is in the station, once in a while.
    pub(super) fn invites(&mut self, view: &View<'_>, actions: &mut Vec<Action>) -> bool {
        let count = u32::try_from(view.company.len()).unwrap_or(u32::MAX);
        if self.swap.has_invited || count == 0 || self.rng.below(2) == 0 {
            return false;
        }
        let with = view.company[self.rng.below(count) as usize];
        self.swap = Swap {
            has_invited: true,
            ..Swap::default()
        };
        actions.push(Action::Value(ValueCommand::OfferTrade { with }, 1));
        self.wait(view, 1.0, 0.5);
        true
    }

    /// Takes the next step of a trade.
    pub(super) fn swaps(&mut self, view: &View<'_>, window: Window, actions: &mut Vec<Action>) {
        self.wait(view, 0.4, 0.6);
        self.swap.turns += 1;
        let trade = window.trade;
        if self.swap.turns > TURNS_MAX {
            actions.push(Action::Value(ValueCommand::CancelTrade { trade }, 1));
            return;
        }
        match window.state {
            // Whoever has not invited was invited.
            TradeState::Offered if !self.swap.has_invited && self.swap.turns == 1 => {
                let command = match self.rng.below(8) {
                    0 => ValueCommand::CancelTrade { trade },
                    _ => ValueCommand::OfferTrade { with: window.with },
                };
                actions.push(Action::Value(command, 1));
            }
            TradeState::Open => {
                for command in self.next_of(window, view.hangar.unwrap_or_default()) {
                    let times = 1 + self.rng.below(5) / 4;
                    actions.push(Action::Value(command, times));
                }
            }
            _ => {}
        }
    }

    /// Offers, accepts what it has seen, and changes its mind if it is one who does.
    fn next_of(&mut self, window: Window, hangar: &[ItemRow]) -> Vec<ValueCommand> {
        let trade = window.trade;
        if !self.swap.has_offered {
            self.swap.has_offered = true;
            self.swap.is_fickle = self.rng.below(4) == 0;
            return vec![self.offer(trade, hangar)];
        }
        if self.swap.accepted == Some(window.version) {
            return Vec::new();
        }
        self.swap.accepted = Some(window.version);
        let mut commands = vec![ValueCommand::AcceptTrade {
            trade,
            version: window.version,
        }];
        if core::mem::take(&mut self.swap.is_fickle) {
            commands.push(self.money(trade));
        }
        commands
    }

    fn offer(&mut self, trade: TradeId, hangar: &[ItemRow]) -> ValueCommand {
        let packed: Vec<&ItemRow> = hangar.iter().filter(|row| !row.is_assembled).collect();
        let count = u32::try_from(packed.len()).unwrap_or(u32::MAX);
        if count == 0 || self.rng.below(2) == 0 {
            return self.money(trade);
        }
        let row = packed[self.rng.below(count) as usize];
        ValueCommand::AddItem {
            trade,
            item: row.item,
            quantity: 1 + u64::from(self.rng.below(row.quantity.min(3) as u32)),
        }
    }

    fn money(&mut self, trade: TradeId) -> ValueCommand {
        ValueCommand::SetMoney {
            trade,
            amount: Money(1 + i64::from(self.rng.below(CENTS_MAX))),
        }
    }

    /// A trade has ended, or the ship is about to leave: the next one begins anew.
    pub(super) fn forget_swap(&mut self) {
        self.swap = Swap {
            has_invited: self.swap.has_invited,
            ..Swap::default()
        };
    }
}
