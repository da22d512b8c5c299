//! Trades where they are at home: what becomes of what the two sides ask.

use orrery_base::CharacterId;
use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, RequestId, TradeId, TradeState, TransferReason, ValueAnswer};

use super::home::shipment;
use super::{Dealing, Trade, about};
use crate::WallTime;
use crate::custody::{Account, Cause, Lot, Onto, Outcome, Stored, What};
use crate::economy::partition::{Partition, Step};
use crate::economy::rules::Rules;
use crate::economy::shipment::{LOTS_MAX, Purpose, Shipment, answer_to};
use crate::economy::station::units;

impl Partition {
    /// Does what a shipment about a trade is for.
    pub(in crate::economy) fn deal(
        &mut self,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        dealing: Dealing,
        step: &mut Step<'_>,
    ) {
        match dealing {
            Dealing::Invite {
                request,
                trade,
                station,
            } => self.invited((from, to), cause, (request, trade), station, step),
            Dealing::Refused {
                request,
                trade,
                code,
            } => self.not_invited(CharacterId(to.owner), (request, trade), code, step),
            Dealing::Notice {
                trade,
                with,
                version,
                state,
            } => self.noticed((from, to, lots), cause, (trade, with), version, state, step),
            Dealing::Begin {
                request,
                guest,
                station,
            } => {
                let trade = Trade {
                    id: TradeId(to.owner),
                    station,
                    sides: [cause.actor, guest],
                    is_open: false,
                    version: 1,
                    accepted: [false; 2],
                    changed: step.now,
                };
                self.trades.put(trade);
                self.notify(&trade, step.rules);
                let answer = answer_of(&trade);
                self.answer_side(trade.id, cause.actor, request, Ok(answer), step.rules);
            }
            Dealing::Leave => {
                if let Some(trade) = self.trades.remove(TradeId(to.owner)) {
                    self.settle_trade(&trade, TradeState::Expired, step.rules);
                }
            }
            about_offers => self.ask_window((from, to, lots), cause, about_offers, step),
        }
    }

    /// Does what a side has asked, and answers; with a refusal goes back what came.
    fn ask_window(
        &mut self,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        dealing: Dealing,
        step: &Step<'_>,
    ) {
        let (actor, id) = (cause.actor, TradeId(to.owner));
        let trade = self.trades.windows.get(&id).copied();
        let side = trade.and_then(|trade| Some((trade, trade.side_of(actor)?)));
        let known = side.ok_or(RejectCode::TradeUnknown);
        // Empty accounts may have been forgotten, and are as they were then.
        self.ledger.activate(Stored::empty(to));
        let came = (from, to, lots);
        let (request, outcome) = match dealing {
            Dealing::Join { request } => (request, known.and_then(|it| self.join(it, step))),
            Dealing::Add { request } => {
                let is_full = self.ledger.stacks(&to).len() >= step.rules.trades.stacks_max;
                let room = match known {
                    Ok(_) if is_full => Err(RejectCode::TooManyItems),
                    Ok((trade, _)) => Ok(trade),
                    Err(code) => Err(code),
                };
                let taken = self.take_in(room, came, cause, step.rules);
                let added = taken.map(|(trade, item)| {
                    self.change(trade, step);
                    ValueAnswer {
                        item,
                        ..answer_of(&trade)
                    }
                });
                (request, added)
            }
            Dealing::Pay { request, amount } => {
                let trade = known.map(|(trade, _)| trade);
                let taken = self.take_in(trade, came, cause, step.rules);
                (
                    request,
                    taken.map(|(trade, _)| self.hold(trade, &to, amount, step)),
                )
            }
            Dealing::Remove {
                request,
                item,
                quantity,
            } => {
                let goods = (item, quantity);
                let taken = known.and_then(|(trade, _)| self.take_out(trade, &to, goods, step));
                (request, taken)
            }
            Dealing::Accept { request, version } => {
                let accepted = known.and_then(|it| self.accept(it, version, step));
                (request, accepted)
            }
            Dealing::Cancel { request } => {
                let cancelled = known.map(|(trade, _)| {
                    self.trades.remove(trade.id);
                    self.settle_trade(&trade, TradeState::Cancelled, step.rules);
                    answer_of(&trade)
                });
                (request, cancelled)
            }
            _ => return,
        };
        self.answer_side(id, actor, request, outcome, step.rules);
    }

    /// Takes in what came for a trade, or sends it back. Returns the stack that it is in.
    fn take_in(
        &mut self,
        trade: Result<Trade, RejectCode>,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        rules: &Rules,
    ) -> Result<(Trade, ItemId), RejectCode> {
        match trade {
            Ok(trade) => {
                let mut item = ItemId::NONE;
                for lot in lots {
                    item = self.ledger.receive(from, to, lot, cause);
                }
                Ok((trade, item))
            }
            Err(code) => {
                self.give_lots_back((from, to, lots), cause, rules);
                Err(code)
            }
        }
    }

    /// The guest agrees to trade.
    fn join(
        &mut self,
        (trade, side): (Trade, usize),
        step: &Step<'_>,
    ) -> Result<ValueAnswer, RejectCode> {
        if trade.is_open || side != 1 {
            return Err(RejectCode::TradeExists);
        }
        let trade = Trade {
            is_open: true,
            ..trade
        };
        self.change(trade, step);
        Ok(answer_of(&trade))
    }

    /// A side gives so much money: what it has put in beyond that goes back.
    fn hold(
        &mut self,
        trade: Trade,
        escrow: &Account,
        amount: Money,
        step: &Step<'_>,
    ) -> ValueAnswer {
        let held = self.ledger.coins(escrow);
        let excess = held.saturating_sub(amount.0.unsigned_abs());
        if excess > 0 {
            let side = CharacterId(escrow.place);
            let (wallet, cause) = (Account::wallet(side), about(trade.id, side));
            let what = What::Coins(excess);
            let lot = self.ledger.send(*escrow, wallet, what, cause);
            let lots = vec![lot.expect("it holds more than that")];
            self.credit_to((*escrow, wallet), lots, cause, step.rules);
        }
        self.change(trade, step);
        ValueAnswer {
            money: amount,
            ..answer_of(&trade)
        }
    }

    /// A side takes goods back.
    fn take_out(
        &mut self,
        trade: Trade,
        escrow: &Account,
        (item, quantity): (ItemId, u64),
        step: &Step<'_>,
    ) -> Result<ValueAnswer, RejectCode> {
        let side = CharacterId(escrow.place);
        let hangar = Account::hangar(side, trade.station);
        let cause = about(trade.id, side);
        let what = units(item, quantity, Onto::Own);
        let lot = self.ledger.send(*escrow, hangar, what, cause)?;
        self.credit_to((*escrow, hangar), vec![lot], cause, step.rules);
        self.change(trade, step);
        Ok(answer_of(&trade))
    }

    fn accept(
        &mut self,
        (mut trade, side): (Trade, usize),
        version: u32,
        step: &Step<'_>,
    ) -> Result<ValueAnswer, RejectCode> {
        if version != trade.version {
            return Err(RejectCode::TradeChanged);
        }
        if trade.accepted[side] {
            return Ok(answer_of(&trade));
        }
        trade.accepted[side] = true;
        trade.changed = step.now;
        if trade.accepted == [true; 2] {
            self.trades.remove(trade.id);
            self.settle_trade(&trade, TradeState::Done, step.rules);
        } else {
            self.trades.put(trade);
            self.notify(&trade, step.rules);
        }
        Ok(answer_of(&trade))
    }

    /// What is offered has changed: there is a new version, which nobody has accepted.
    fn change(&mut self, trade: Trade, step: &Step<'_>) {
        let trade = Trade {
            version: trade.version.wrapping_add(1),
            accepted: [false; 2],
            changed: step.now,
            ..trade
        };
        self.trades.put(trade);
        self.notify(&trade, step.rules);
    }

    /// Tells both sides how a trade stands.
    fn notify(&mut self, trade: &Trade, rules: &Rules) {
        let state = if trade.is_open {
            TradeState::Open
        } else {
            TradeState::Offered
        };
        for side in [0, 1] {
            let accounts = |side| (Account::escrow(trade.id, side), Account::wallet(side));
            let (from, to) = accounts(trade.sides[side]);
            self.send_notice(trade, side, (from, to), Vec::new(), state, rules);
        }
    }

    fn send_notice(
        &mut self,
        trade: &Trade,
        side: usize,
        accounts: (Account, Account),
        lots: Vec<Lot>,
        state: TradeState,
        rules: &Rules,
    ) {
        let with = trade.sides[1 - side];
        let notice = Dealing::Notice {
            trade: trade.id,
            with,
            version: trade.version,
            state,
        };
        let notice = shipment(accounts, lots, about(trade.id, with), notice);
        self.ship(&notice, rules);
    }

    /// Sends all that a trade has held to where it belongs now: crosswise if it is done, else
    /// back.
    fn settle_trade(&mut self, trade: &Trade, state: TradeState, rules: &Rules) {
        for side in [0, 1] {
            let receiver = trade.sides[side];
            let giver = match state {
                TradeState::Done => trade.sides[1 - side],
                _ => receiver,
            };
            let escrow = Account::escrow(trade.id, giver);
            let hangar = Account::hangar(receiver, trade.station);
            let wallet = Account::wallet(receiver);
            let cause = about(trade.id, giver);
            // Empty accounts may have been forgotten, and are as they were then.
            self.ledger.activate(Stored::empty(escrow));
            let stacks = self.ledger.stacks(&escrow).iter();
            let held: Vec<_> = stacks.map(|stack| (stack.id, stack.quantity)).collect();
            for some in held.chunks(LOTS_MAX) {
                let mut lots = Vec::with_capacity(LOTS_MAX);
                for &(item, quantity) in some {
                    let what = units(item, quantity, Onto::Own);
                    let lot = self.ledger.send(escrow, hangar, what, cause);
                    lots.push(lot.expect("it is there"));
                }
                self.credit_to((escrow, hangar), lots, cause, rules);
            }
            let coins = self.ledger.coins(&escrow);
            let mut lots = Vec::new();
            if coins > 0 {
                let lot = self.ledger.send(escrow, wallet, What::Coins(coins), cause);
                lots.push(lot.expect("it holds that much"));
            }
            self.send_notice(trade, side, (escrow, wallet), lots, state, rules);
        }
    }

    fn credit_to(
        &mut self,
        (from, to): (Account, Account),
        lots: Vec<Lot>,
        cause: Cause,
        rules: &Rules,
    ) {
        let credit = Shipment {
            from,
            to,
            lots,
            cause,
            purpose: Purpose::Credit,
        };
        self.ship(&credit, rules);
    }

    /// Sends back what came and cannot be taken in.
    fn give_lots_back(
        &mut self,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        rules: &Rules,
    ) {
        if lots.is_empty() {
            return;
        }
        let cause = Cause {
            reason: TransferReason::Returned,
            ..cause
        };
        self.credit_to((to, from), lots, cause, rules);
    }

    fn answer_side(
        &mut self,
        trade: TradeId,
        actor: CharacterId,
        request: RequestId,
        outcome: Outcome,
        rules: &Rules,
    ) {
        let answer = Shipment {
            from: Account::escrow(trade, actor),
            to: Account::wallet(actor),
            lots: Vec::new(),
            cause: about(trade, actor),
            purpose: answer_to(request, outcome),
        };
        self.ship(&answer, rules);
    }

    /// Ends the trades for which nobody has done anything for too long.
    pub(in crate::economy) fn expire_trades(&mut self, step: &Step<'_>) {
        let Some(until) = step.now.0.checked_sub(step.rules.trades.idle_ms) else {
            return;
        };
        while let Some(id) = self.trades.oldest(WallTime(until)) {
            let trade = self.trades.remove(id).expect("it was found");
            self.settle_trade(&trade, TradeState::Expired, step.rules);
        }
    }
}

fn answer_of(trade: &Trade) -> ValueAnswer {
    ValueAnswer {
        trade: trade.id,
        ..ValueAnswer::default()
    }
}
