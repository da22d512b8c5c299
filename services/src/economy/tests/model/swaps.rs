//! Trade windows of the model.

use std::collections::BTreeMap;

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, RequestId, TradeId, ValueAnswer, ValueCommand};

use super::clerk::enough;
use super::world::{Pile, Place, Say, World};
use crate::custody::Outcome;
use crate::economy::Stage;

/// After how long nobody waits any more, milliseconds.
pub(super) const IDLE_MS: u64 = 4_000;
/// Windows of one actor.
pub(super) const TRADES_MAX: usize = 4;
/// Piles on one side.
pub(super) const STACKS_MAX: usize = 5;

/// What two actors offer each other.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) station: u64,
    pub(super) sides: [u64; 2],
    pub(super) is_open: bool,
    pub(super) version: u32,
    pub(super) accepted: [bool; 2],
    pub(super) changed: u64,
    pub(super) held: [(u64, BTreeMap<u64, Pile>); 2],
}

/// A window as one of the two knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mine {
    pub(super) with: u64,
    pub(super) station: u64,
    pub(super) stage: Stage,
    pub(super) cents: u64,
}

/// How a window stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stands {
    Offered,
    Open,
    /// Done, cancelled or otherwise at an end.
    Over,
}

/// What is asked of a window.
#[derive(Clone, Debug)]
pub(super) enum Wants {
    Join,
    /// From this hangar.
    Add(Place, Pile),
    /// So many cents in all; so many come.
    Pay(u64, u64),
    Remove(u64, u64),
    Accept(u32),
    Cancel,
}

/// What is written about trades.
#[derive(Clone, Debug)]
pub(super) enum Swap {
    /// Who, whom, the trade, where.
    Invite(u64, u64, RequestId, u64, u64),
    Not(u64, RequestId, u64, RejectCode),
    Begin(u64, u64, RequestId, u64, u64),
    /// Who wants what of which trade.
    Ask(u64, RequestId, u64, Wants),
    Leave(u64),
    /// To whom, which trade, how it stands, money.
    Hear(u64, u64, Stands, u64),
}

impl Swap {
    pub(super) fn needs(&self) -> Vec<Place> {
        match self {
            Self::Invite(_, who, ..) | Self::Not(who, ..) | Self::Hear(who, ..) => {
                vec![Place::Wallet(*who)]
            }
            Self::Begin(..) | Self::Ask(..) | Self::Leave(_) => Vec::new(),
        }
    }
}

const fn done(trade: u64) -> ValueAnswer {
    ValueAnswer {
        item: ItemId::NONE,
        order: orrery_base::value::OrderId(0),
        trade: TradeId(trade),
        quantity: 0,
        money: Money(0),
        fees: Money(0),
    }
}

/// At the desk.
impl World {
    pub(super) fn swaps_of(&self, actor: u64) -> impl Iterator<Item = (u64, &Mine)> {
        let all = self.swaps.range((actor, 0)..(actor + 1, 0));
        all.map(|(&(_, trade), mine)| (trade, mine))
    }

    fn say(&mut self, trade: u64, swap: Swap) {
        self.write(trade, Say::Swap(swap));
    }

    pub(super) fn be(&mut self, actor: u64, station: Option<u64>) {
        self.docked.remove(&actor);
        self.docked.extend(station.map(|station| (actor, station)));
        let mine: Vec<(u64, Mine)> = self.swaps_of(actor).map(|(t, m)| (t, m.clone())).collect();
        for (trade, mine) in mine {
            if Some(mine.station) != station && mine.stage != Stage::Asked {
                self.say(trade, Swap::Leave(trade));
            }
        }
    }

    pub(super) fn ask_swap(
        &mut self,
        actor: u64,
        request: RequestId,
        station: Option<u64>,
        command: &ValueCommand,
    ) -> Result<(), RejectCode> {
        let known = |world: &Self, trade: TradeId| {
            let mine = world.swaps.get(&(actor, trade.0)).cloned();
            mine.ok_or(RejectCode::TradeUnknown)
        };
        if let ValueCommand::CancelTrade { trade } = *command {
            if known(self, trade)?.stage == Stage::Asked {
                return Err(RejectCode::TradeUnknown);
            }
            self.say(trade.0, Swap::Ask(actor, request, trade.0, Wants::Cancel));
            return Ok(());
        }
        let station = station.ok_or(RejectCode::NotDocked)?;
        if let ValueCommand::OfferTrade { with } = *command {
            return self.offer(actor, request, with.0, station);
        }
        let (ValueCommand::AddItem { trade, .. }
        | ValueCommand::SetMoney { trade, .. }
        | ValueCommand::RemoveItem { trade, .. }
        | ValueCommand::AcceptTrade { trade, .. }) = *command
        else {
            unreachable!("{command:?}")
        };
        let mine = known(self, trade)?;
        if mine.stage != Stage::Open {
            return Err(RejectCode::TradeNotOpen);
        }
        if mine.station != station {
            return Err(RejectCode::PartnerElsewhere);
        }
        let wants = match *command {
            ValueCommand::AddItem { item, quantity, .. } => {
                let hangar = Place::Hangar(actor, station);
                let pile = self.pile(hangar, item.0).ok_or(RejectCode::ItemUnknown)?;
                let there = pile.quantity;
                if pile.is_assembled {
                    self.check_hold(actor, item)?;
                }
                enough(quantity, there)?;
                Wants::Add(hangar, self.lift(hangar, item.0, quantity))
            }
            ValueCommand::SetMoney { amount, .. } => {
                let cents = u64::try_from(amount.0).map_err(|_| RejectCode::QuantityInvalid)?;
                let more = cents.saturating_sub(mine.cents);
                self.spend(actor, more)?;
                self.swaps.get_mut(&(actor, trade.0)).unwrap().cents = cents;
                Wants::Pay(cents, more)
            }
            ValueCommand::RemoveItem { item, quantity, .. } => Wants::Remove(item.0, quantity),
            ValueCommand::AcceptTrade { version, .. } => Wants::Accept(version),
            _ => unreachable!("seen above"),
        };
        self.say(trade.0, Swap::Ask(actor, request, trade.0, wants));
        Ok(())
    }

    fn offer(
        &mut self,
        actor: u64,
        request: RequestId,
        with: u64,
        station: u64,
    ) -> Result<(), RejectCode> {
        if with == actor {
            return Err(RejectCode::PartnerIsSelf);
        }
        if with == 0 {
            return Err(RejectCode::CharacterUnknown);
        }
        let mut ours = self.swaps_of(actor).filter(|(_, mine)| mine.with == with);
        let invitation = ours.find(|(_, mine)| mine.stage == Stage::Invited);
        let invitation = invitation.map(|(trade, mine)| (trade, mine.station));
        drop(ours);
        if let Some((trade, there)) = invitation {
            if there != station {
                return Err(RejectCode::PartnerElsewhere);
            }
            self.say(trade, Swap::Ask(actor, request, trade, Wants::Join));
            return Ok(());
        }
        if self.swaps_of(actor).any(|(_, mine)| mine.with == with) {
            return Err(RejectCode::TradeExists);
        }
        if self.swaps_of(actor).count() >= TRADES_MAX {
            return Err(RejectCode::TooManyTrades);
        }
        let trade = self.number();
        let mine = Mine {
            with,
            station,
            stage: Stage::Asked,
            cents: 0,
        };
        self.swaps.insert((actor, trade), mine);
        self.say(with, Swap::Invite(actor, with, request, trade, station));
        Ok(())
    }
}

/// What the letters do.
impl World {
    pub(super) fn swap(&mut self, swap: Swap) {
        match swap {
            Swap::Invite(host, guest, request, trade, station) => {
                match self.may_invite(host, guest, trade, station) {
                    None => {
                        let mine = Mine {
                            with: host,
                            station,
                            stage: Stage::Invited,
                            cents: 0,
                        };
                        self.swaps.insert((guest, trade), mine);
                        self.say(trade, Swap::Begin(host, guest, request, trade, station));
                    }
                    Some(code) => self.say(host, Swap::Not(host, request, trade, code)),
                }
            }
            Swap::Not(host, request, trade, code) => {
                self.swaps.remove(&(host, trade));
                if let Some(known) = self.memory.get_mut(&(host, request)) {
                    *known = Some(Err(code));
                }
                self.answers.push((host, request, Err(code)));
            }
            Swap::Begin(host, guest, request, trade, station) => {
                let window = Window {
                    station,
                    sides: [host, guest],
                    is_open: false,
                    version: 1,
                    accepted: [false; 2],
                    changed: self.now,
                    held: Default::default(),
                };
                self.windows.insert(trade, window);
                self.tell_both(trade);
                self.reply(host, request, Ok(done(trade)));
            }
            Swap::Ask(actor, request, trade, wants) => {
                let outcome = self.want(actor, trade, wants);
                self.reply(actor, request, outcome);
            }
            Swap::Leave(trade) => {
                if self.windows.contains_key(&trade) {
                    self.swapped[2] += 1;
                    self.part(trade, false);
                }
            }
            Swap::Hear(actor, trade, stands, cents) => self.hear(actor, trade, stands, cents),
        }
    }

    fn may_invite(&self, host: u64, guest: u64, trade: u64, station: u64) -> Option<RejectCode> {
        if !self.is_character(guest) {
            return Some(RejectCode::CharacterUnknown);
        }
        if self.docked.get(&guest) != Some(&station) {
            return Some(RejectCode::PartnerElsewhere);
        }
        let mut ours = self.swaps_of(guest).filter(|(_, mine)| mine.with == host);
        if ours.any(|(other, mine)| mine.stage != Stage::Asked || other < trade) {
            return Some(RejectCode::TradeExists);
        }
        let is_full = self.swaps_of(guest).count() >= TRADES_MAX;
        is_full.then_some(RejectCode::TooManyTrades)
    }

    fn reply(&mut self, actor: u64, request: RequestId, outcome: Outcome) {
        self.write(actor, Say::Answer(actor, request, outcome, 0, None, 0));
    }

    fn hear(&mut self, actor: u64, trade: u64, stands: Stands, cents: u64) {
        self.put(Place::Wallet(actor), None, cents);
        let Some(mine) = self.swaps.get_mut(&(actor, trade)) else {
            return;
        };
        match stands {
            Stands::Over => {
                self.swaps.remove(&(actor, trade));
                return;
            }
            Stands::Open => mine.stage = Stage::Open,
            Stands::Offered if mine.stage == Stage::Asked => mine.stage = Stage::Waiting,
            Stands::Offered => {}
        }
        let station = mine.station;
        if self.docked.get(&actor) != Some(&station) {
            self.say(trade, Swap::Leave(trade));
        }
    }

    fn tell_both(&mut self, trade: u64) {
        let window = &self.windows[&trade];
        let stands = match window.is_open {
            true => Stands::Open,
            false => Stands::Offered,
        };
        for side in window.sides {
            self.say(side, Swap::Hear(side, trade, stands, 0));
        }
    }

    /// Nobody has accepted what is new.
    fn renew(&mut self, trade: u64) {
        let now = self.now;
        let window = self.windows.get_mut(&trade).unwrap();
        window.version += 1;
        (window.accepted, window.changed) = ([false; 2], now);
        self.tell_both(trade);
    }

    fn want(&mut self, actor: u64, trade: u64, wants: Wants) -> Outcome {
        let window = self.windows.get(&trade);
        let side = window.and_then(|it| it.sides.iter().position(|side| *side == actor));
        let (Some(window), Some(side)) = (self.windows.get_mut(&trade), side) else {
            match wants {
                Wants::Add(hangar, pile) => self.write(actor, Say::Take(hangar, Some(pile), 0)),
                Wants::Pay(_, cents) if cents > 0 => {
                    self.write(actor, Say::Take(Place::Wallet(actor), None, cents));
                }
                _ => {}
            }
            return Err(RejectCode::TradeUnknown);
        };
        let hangar = Place::Hangar(actor, window.station);
        match wants {
            Wants::Join if window.is_open || side == 0 => return Err(RejectCode::TradeExists),
            Wants::Join => {
                window.is_open = true;
                self.renew(trade);
            }
            Wants::Add(from, pile) => return self.lay_open(trade, side, from, pile),
            Wants::Pay(cents, more) => {
                let held = window.held[side].0 + more;
                window.held[side].0 = cents;
                if held > cents {
                    let back = Say::Take(Place::Wallet(actor), None, held - cents);
                    self.write(actor, back);
                }
                self.renew(trade);
                return Ok(ValueAnswer {
                    money: Money(cents.cast_signed()),
                    ..done(trade)
                });
            }
            Wants::Remove(id, quantity) => {
                let piles = &mut window.held[side].1;
                let pile = piles.get_mut(&id).ok_or(RejectCode::ItemUnknown)?;
                enough(quantity, pile.quantity)?;
                let back = if pile.quantity == quantity {
                    piles.remove(&id).unwrap()
                } else {
                    pile.quantity -= quantity;
                    Pile {
                        id: 0,
                        quantity,
                        ..pile.clone()
                    }
                };
                self.write(actor, Say::Take(hangar, Some(back), 0));
                self.renew(trade);
            }
            Wants::Accept(version) => {
                if version != window.version {
                    return Err(RejectCode::TradeChanged);
                }
                if !window.accepted[side] {
                    (window.accepted[side], window.changed) = (true, self.now);
                    if window.accepted == [true; 2] {
                        self.swapped[0] += 1;
                        self.part(trade, true);
                    } else {
                        self.tell_both(trade);
                    }
                }
            }
            Wants::Cancel => {
                self.swapped[1] += 1;
                self.part(trade, false);
            }
        }
        Ok(done(trade))
    }

    fn lay_open(&mut self, trade: u64, side: usize, from: Place, mut pile: Pile) -> Outcome {
        let piles = &self.windows[&trade].held[side].1;
        if piles.len() >= STACKS_MAX {
            self.write(from.owner(), Say::Take(from, Some(pile), 0));
            return Err(RejectCode::TooManyItems);
        }
        let joins = |other: &&Pile| {
            other.type_id == pile.type_id
                && !other.is_assembled
                && other.quantity + pile.quantity <= super::world::PILE_MAX
        };
        let onto = match pile.id {
            0 => piles.values().find(joins).map(|other| other.id),
            _ => None,
        };
        if pile.id == 0 && onto.is_none() {
            pile.id = self.number();
        }
        let piles = &mut self.windows.get_mut(&trade).unwrap().held[side].1;
        let id = onto.unwrap_or(pile.id);
        match onto {
            Some(onto) => piles.get_mut(&onto).unwrap().quantity += pile.quantity,
            None => assert!(piles.insert(id, pile).is_none()),
        }
        self.renew(trade);
        Ok(ValueAnswer {
            item: ItemId(id),
            ..done(trade)
        })
    }

    /// A window closes: everyone takes what the other one has given, or what was given.
    fn part(&mut self, trade: u64, across: bool) {
        let window = self.windows.remove(&trade).unwrap();
        for side in [0, 1] {
            let taker = window.sides[side];
            let (cents, piles) = &window.held[if across { 1 - side } else { side }];
            if across {
                self.swapped[3] += piles.len() as u64;
                self.swapped[4] += cents;
            }
            for pile in piles.values() {
                let hangar = Place::Hangar(taker, window.station);
                self.write(taker, Say::Take(hangar, Some(pile.clone()), 0));
            }
            self.say(taker, Swap::Hear(taker, trade, Stands::Over, *cents));
        }
    }

    pub(super) fn expire_windows(&mut self, site_of: fn(u64) -> usize) {
        let all = self.windows.iter().map(|(&trade, it)| (it.changed, trade));
        let mut over: Vec<(u64, u64)> = all
            .filter(|&(changed, trade)| {
                site_of(trade) == self.site && changed + IDLE_MS <= self.now
            })
            .collect();
        over.sort_unstable();
        for (_, trade) in over {
            self.swapped[2] += 1;
            self.part(trade, false);
        }
    }
}
