//! Trades at the homes of their two sides: what is asked there, and what is heard there.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, RequestId, TradeId, TradeState, ValueCommand};
use orrery_base::{CharacterId, EntityId};
use orrery_proto::message::ServerMessage;

use super::{Dealing, OwnTrade, Stage, about};
use crate::custody::{Account, Cause, Lot, Onto, What};
use crate::economy::Desk;
use crate::economy::partition::{Partition, Step};
use crate::economy::rules::Rules;
use crate::economy::shipment::{Purpose, Shipment};
use crate::economy::station::units;

/// What is asked at the desk.
impl Partition {
    /// Asks for something about a trade; the answer comes from where the trade is at home.
    pub(in crate::economy) fn ask_trade(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        desk: Option<&Desk>,
        command: ValueCommand,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        if let ValueCommand::CancelTrade { trade } = command {
            let own = self.own_trade(actor, trade)?;
            if own.stage == Stage::Asked {
                // Nobody can know of it yet.
                return Err(RejectCode::TradeUnknown);
            }
            return self.tell_trade(actor, trade, Dealing::Cancel { request }, step.rules);
        }
        let station = desk.ok_or(RejectCode::NotDocked)?.station;
        match command {
            ValueCommand::OfferTrade { with } => {
                self.offer_trade(actor, request, with, station, step)
            }
            ValueCommand::AddItem {
                trade,
                item,
                quantity,
            } => {
                self.open_trade(actor, trade, station)?;
                let dealing = Dealing::Add { request };
                self.add_item(actor, trade, (item, quantity), station, dealing, step)
            }
            ValueCommand::SetMoney { trade, amount } => {
                self.set_money(actor, request, trade, amount, station, step)
            }
            ValueCommand::RemoveItem {
                trade,
                item,
                quantity,
            } => {
                self.open_trade(actor, trade, station)?;
                let dealing = Dealing::Remove {
                    request,
                    item,
                    quantity,
                };
                self.tell_trade(actor, trade, dealing, step.rules)
            }
            ValueCommand::AcceptTrade { trade, version } => {
                self.open_trade(actor, trade, station)?;
                let dealing = Dealing::Accept { request, version };
                self.tell_trade(actor, trade, dealing, step.rules)
            }
            _ => Err(RejectCode::NotAvailable),
        }
    }

    fn own_trade(&self, actor: CharacterId, trade: TradeId) -> Result<OwnTrade, RejectCode> {
        let own = self.trades.own.get(actor, trade);
        own.copied().ok_or(RejectCode::TradeUnknown)
    }

    /// A trade to which both have agreed, in the station where the actor is.
    fn open_trade(
        &self,
        actor: CharacterId,
        trade: TradeId,
        station: EntityId,
    ) -> Result<OwnTrade, RejectCode> {
        let own = self.own_trade(actor, trade)?;
        if own.stage != Stage::Open {
            return Err(RejectCode::TradeNotOpen);
        }
        if own.station != station {
            return Err(RejectCode::PartnerElsewhere);
        }
        Ok(own)
    }

    fn offer_trade(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        with: CharacterId,
        station: EntityId,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        if with == actor {
            return Err(RejectCode::PartnerIsSelf);
        }
        if with == CharacterId::NONE {
            return Err(RejectCode::CharacterUnknown);
        }
        let own = &self.trades.own;
        let is_invited = |stage| stage == Stage::Invited;
        if let Some(invitation) = own.with(actor, with, is_invited) {
            if invitation.station != station {
                return Err(RejectCode::PartnerElsewhere);
            }
            let (trade, dealing) = (invitation.id, Dealing::Join { request });
            return self.tell_trade(actor, trade, dealing, step.rules);
        }
        if own.with(actor, with, |_| true).is_some() {
            return Err(RejectCode::TradeExists);
        }
        if own.of(actor).count() >= step.rules.trades.trades_max {
            return Err(RejectCode::TooManyTrades);
        }
        let to = Account::wallet(with);
        self.check_room(&to, step.rules)?;
        let trade = TradeId(self.ledger.number().0);
        let asked = OwnTrade {
            id: trade,
            with,
            station,
            stage: Stage::Asked,
            cents: 0,
        };
        self.trades.own.set(actor, asked);
        let invitation = Dealing::Invite {
            request,
            trade,
            station,
        };
        let cause = about(trade, actor);
        let invitation = shipment((Account::wallet(actor), to), Vec::new(), cause, invitation);
        self.ship(&invitation, step.rules);
        Ok(())
    }

    fn add_item(
        &mut self,
        actor: CharacterId,
        trade: TradeId,
        (item, quantity): (ItemId, u64),
        station: EntityId,
        dealing: Dealing,
        step: &Step<'_>,
    ) -> Result<(), RejectCode> {
        let (from, to) = (
            Account::hangar(actor, station),
            Account::escrow(trade, actor),
        );
        let stack = self.ledger.stack(&from, item);
        if stack.ok_or(RejectCode::ItemUnknown)?.is_assembled {
            self.check_empty(actor, item)?;
        }
        self.check_room(&to, step.rules)?;
        let cause = about(trade, actor);
        let what = units(item, quantity, Onto::Own);
        let lot = self.ledger.send(from, to, what, cause)?;
        let goods = shipment((from, to), vec![lot], cause, dealing);
        self.ship(&goods, step.rules);
        Ok(())
    }

    fn set_money(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        trade: TradeId,
        amount: Money,
        station: EntityId,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        let own = self.open_trade(actor, trade, station)?;
        let cents = u64::try_from(amount.0).map_err(|_| RejectCode::QuantityInvalid)?;
        let (from, to) = (Account::wallet(actor), Account::escrow(trade, actor));
        self.check_room(&to, step.rules)?;
        let cause = about(trade, actor);
        let more = cents.saturating_sub(own.cents);
        let mut lots = Vec::new();
        if more > 0 {
            lots.push(self.ledger.send(from, to, What::Coins(more), cause)?);
            let news = self.wallet_news(&from, -more.cast_signed(), cause.reason);
            step.out.events.push((actor, news));
        }
        self.trades.own.set(actor, OwnTrade { cents, ..own });
        let dealing = Dealing::Pay { request, amount };
        let payment = shipment((from, to), lots, cause, dealing);
        self.ship(&payment, step.rules);
        Ok(())
    }

    /// Tells the trade's home something that starts something there, and carries no value.
    fn tell_trade(
        &mut self,
        actor: CharacterId,
        trade: TradeId,
        dealing: Dealing,
        rules: &Rules,
    ) -> Result<(), RejectCode> {
        let accounts = (Account::wallet(actor), Account::escrow(trade, actor));
        self.check_room(&accounts.1, rules)?;
        let told = shipment(accounts, Vec::new(), about(trade, actor), dealing);
        self.ship(&told, rules);
        Ok(())
    }

    /// Tells the trade's home that a side is not there any more.
    fn leave_trade(&mut self, actor: CharacterId, trade: TradeId, rules: &Rules) {
        let accounts = (Account::wallet(actor), Account::escrow(trade, actor));
        let cause = about(trade, actor);
        self.ship(
            &shipment(accounts, Vec::new(), cause, Dealing::Leave),
            rules,
        );
    }

    /// A character is docked in a station, or is not docked, or not connected. The trades that
    /// it has elsewhere end.
    pub(in crate::economy) fn be_present(
        &mut self,
        character: CharacterId,
        station: Option<EntityId>,
        rules: &Rules,
    ) {
        match station {
            Some(station) => self.trades.docked.insert(character, station),
            None => self.trades.docked.remove(&character),
        };
        // A trade that is only asked for is not known where it is at home: it is left when its
        // host hears that it has begun.
        let left = self.trades.own.of(character);
        let left = left.filter(|own| Some(own.station) != station && own.stage != Stage::Asked);
        let left: Vec<TradeId> = left.map(|own| own.id).collect();
        for trade in left {
            self.leave_trade(character, trade, rules);
        }
    }
}

/// What is heard at home.
impl Partition {
    /// Somebody wants to trade with a character who is at home here.
    pub(super) fn invited(
        &mut self,
        (from, to): (Account, Account),
        cause: Cause,
        (request, trade): (RequestId, TradeId),
        station: EntityId,
        step: &Step<'_>,
    ) {
        let (host, guest) = (cause.actor, CharacterId(to.owner));
        match self.may_be_invited(guest, host, trade, station, step.rules) {
            Ok(()) => {
                let invitation = OwnTrade {
                    id: trade,
                    with: host,
                    station,
                    stage: Stage::Invited,
                    cents: 0,
                };
                self.trades.own.set(guest, invitation);
                let begin = Dealing::Begin {
                    request,
                    guest,
                    station,
                };
                let accounts = (to, Account::escrow(trade, host));
                let begin = shipment(accounts, Vec::new(), cause, begin);
                self.ship(&begin, step.rules);
            }
            Err(code) => {
                let refused = Dealing::Refused {
                    request,
                    trade,
                    code,
                };
                let refused = shipment((to, from), Vec::new(), cause, refused);
                self.ship(&refused, step.rules);
            }
        }
    }

    fn may_be_invited(
        &self,
        guest: CharacterId,
        host: CharacterId,
        trade: TradeId,
        station: EntityId,
        rules: &Rules,
    ) -> Result<(), RejectCode> {
        if self.strangers.contains(&guest.0) {
            return Err(RejectCode::CharacterUnknown);
        }
        if self.trades.docked.get(&guest) != Some(&station) {
            return Err(RejectCode::PartnerElsewhere);
        }
        let own = &self.trades.own;
        // Of two invitations that cross on the way, the older one counts.
        let is_older = |other: &OwnTrade| other.stage == Stage::Asked && trade < other.id;
        if own.of(guest).any(|it| it.with == host && !is_older(it)) {
            return Err(RejectCode::TradeExists);
        }
        if own.of(guest).count() >= rules.trades.trades_max {
            return Err(RejectCode::TooManyTrades);
        }
        Ok(())
    }

    /// An invitation has failed.
    pub(super) fn not_invited(
        &mut self,
        host: CharacterId,
        (request, trade): (RequestId, TradeId),
        code: RejectCode,
        step: &mut Step<'_>,
    ) {
        self.trades.own.remove(host, trade);
        self.requests.finish(host, request, Err(code));
        step.out.answers.push((host, request, Err(code)));
    }

    /// A side hears how a trade stands, with the money that is its own now.
    pub(super) fn noticed(
        &mut self,
        (from, to, lots): (Account, Account, Vec<Lot>),
        cause: Cause,
        (trade, with): (TradeId, CharacterId),
        version: u32,
        state: TradeState,
        step: &mut Step<'_>,
    ) {
        self.credit(from, to, lots, cause, step);
        let owner = CharacterId(to.owner);
        let news = ServerMessage::TradeChanged {
            trade,
            with,
            version,
            state: Some(state),
        };
        step.out.events.push((owner, news));
        let Some(own) = self.trades.own.get(owner, trade).copied() else {
            return;
        };
        let stage = match state {
            TradeState::Offered if own.stage == Stage::Asked => Stage::Waiting,
            TradeState::Offered => own.stage,
            TradeState::Open => Stage::Open,
            TradeState::Done | TradeState::Cancelled | TradeState::Expired => {
                return self.trades.own.remove(owner, trade);
            }
        };
        self.trades.own.set(owner, OwnTrade { stage, ..own });
        if self.trades.docked.get(&owner) != Some(&own.station) {
            self.leave_trade(owner, trade, step.rules);
        }
    }
}

pub(super) const fn shipment(
    (from, to): (Account, Account),
    lots: Vec<Lot>,
    cause: Cause,
    dealing: Dealing,
) -> Shipment {
    Shipment {
        from,
        to,
        lots,
        cause,
        purpose: Purpose::Trade(dealing),
    }
}
