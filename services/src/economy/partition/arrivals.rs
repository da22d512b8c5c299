//! What a partition does with what arrives: shipments of others, and newcomers.

use orrery_base::CharacterId;
use orrery_base::EntityId;
use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderEnd, OrderId, RequestId, TransferReason, ValueAnswer};
use orrery_proto::message::ServerMessage;

use super::{Partition, Step};
use crate::custody::{Account, AccountKind, Cause, Lot, Minted, Stored};
use crate::economy::Newcomer;
use crate::economy::shipment::{Purpose, Shipment, answer_to};

impl Partition {
    pub(super) fn shipment(&mut self, shipment: Shipment, step: &mut Step<'_>) {
        let Shipment {
            from,
            to,
            lots,
            cause,
            purpose,
        } = shipment;
        match purpose {
            Purpose::Pay { request } => self.paid(from, to, lots, cause, request, step),
            Purpose::Place(placing) => self.place(from, &to, lots, cause, &placing, step),
            Purpose::Cancel { request, order } => {
                self.cancel(cause.actor, request, order, step);
            }
            Purpose::Reprice {
                request,
                order,
                price,
            } => self.reprice((from, to, lots), cause, request, (order, price), step),
            Purpose::Credit => self.credit(from, to, lots, cause, step),
            Purpose::Answer {
                request,
                outcome,
                rests,
                ended,
            } => {
                self.credit(from, to, lots, cause, step);
                let actor = CharacterId(to.owner);
                if let Some(order) = rests {
                    self.own.set(order);
                }
                if ended != OrderId(0) {
                    self.own.left(actor, ended, 0);
                }
                self.requests.finish(actor, request, outcome);
                step.out.answers.push((actor, request, outcome));
            }
            Purpose::Filled {
                order,
                quantity,
                price,
                left,
            } => {
                self.credit(from, to, lots, cause, step);
                self.own.left(CharacterId(to.owner), order, left);
                let news = ServerMessage::OrderFilled {
                    order,
                    quantity,
                    price,
                    left,
                };
                step.out.events.push((CharacterId(to.owner), news));
            }
            Purpose::Expired { order } => {
                self.credit(from, to, lots, cause, step);
                self.own.left(CharacterId(to.owner), order, 0);
                let news = ServerMessage::OrderEnded {
                    order,
                    why: Some(OrderEnd::Expired),
                };
                step.out.events.push((CharacterId(to.owner), news));
            }
            Purpose::Trade(dealing) => self.deal((from, to, lots), cause, dealing, step),
        }
    }

    /// Puts what came into its account, and tells its owner.
    pub(in crate::economy) fn credit(
        &mut self,
        from: Account,
        to: Account,
        lots: Vec<Lot>,
        cause: Cause,
        step: &mut Step<'_>,
    ) {
        for lot in lots {
            let (type_id, quantity) = match &lot {
                Lot::Coins(cents, _) => (None, *cents),
                Lot::Stack(stack, _) => (Some(stack.type_id), stack.quantity),
            };
            let item = self.ledger.receive(from, to, lot, cause);
            if to.kind == AccountKind::Wreck {
                continue;
            }
            let news = match type_id {
                None => self.wallet_news(&to, quantity.cast_signed(), cause.reason),
                Some(type_id) => ServerMessage::ItemsDelivered {
                    station: EntityId(to.place),
                    type_id,
                    quantity,
                    item,
                },
            };
            step.out.events.push((CharacterId(to.owner), news));
        }
    }

    /// What a character hears of a change of the wallet.
    pub(in crate::economy) fn wallet_news(
        &self,
        wallet: &Account,
        cents: i64,
        reason: TransferReason,
    ) -> ServerMessage {
        ServerMessage::WalletChanged {
            balance: Money(self.ledger.coins(wallet).cast_signed()),
            amount: Money(cents),
            reason: Some(reason),
        }
    }

    fn paid(
        &mut self,
        from: Account,
        to: Account,
        lots: Vec<Lot>,
        cause: Cause,
        request: RequestId,
        step: &mut Step<'_>,
    ) {
        let cents: u64 = lots.iter().map(Lot::quantity).sum();
        let (outcome, back) = if self.strangers.contains(&to.owner) {
            (Err(RejectCode::CharacterUnknown), lots)
        } else {
            self.credit(from, to, lots, cause, step);
            let answer = ValueAnswer {
                money: Money(cents.cast_signed()),
                ..ValueAnswer::default()
            };
            (Ok(answer), Vec::new())
        };
        let answer = Shipment {
            from: to,
            to: from,
            lots: back,
            cause: Cause {
                reason: TransferReason::Returned,
                ..cause
            },
            purpose: answer_to(request, outcome),
        };
        self.ship(&answer, step.rules);
    }

    /// A character who never had a ship gets what every new character gets: once, because the
    /// helm is there from then on.
    pub(super) fn grant(&mut self, newcomer: &Newcomer, step: &mut Step<'_>) {
        let character = newcomer.character;
        let helm = Account::helm(character);
        if self.ledger.is_active(&helm) {
            return;
        }
        let wallet = Account::wallet(character);
        let cause = Cause {
            actor: character,
            reason: TransferReason::StartingGrant,
            reference: 0,
        };
        let faucet = |number| Account::faucet(number, self.index);
        let goods = faucet(step.rules.taps.starting_grant);
        let ships = faucet(step.rules.taps.starter_ship);
        let hangar = Account::hangar(character, newcomer.station);
        for account in [helm, hangar] {
            // Nobody without a helm ever had one of these.
            self.ledger.activate(Stored::empty(account));
        }
        let (ship_type, ship) = newcomer.ship;
        let minted = Minted::Ship(ship_type, ship);
        let ship = self.ledger.mint(ships, helm, minted, cause);
        ship.expect("a ship's type and number are possible, and it is the helm's first");
        for &(type_id, quantity) in &step.rules.grant {
            let minted = Minted::Units(type_id, quantity);
            let stack = self.ledger.mint(goods, hangar, minted, cause);
            stack.expect("the rules grant possible quantities");
        }
        let cents = step.rules.grant_cents;
        // None where the rules give none, and where this partition has minted all that it may.
        let money = self.ledger.mint(goods, wallet, Minted::Coins(cents), cause);
        if money.is_ok() {
            let news = self.wallet_news(&wallet, cents.cast_signed(), cause.reason);
            step.out.events.push((character, news));
        }
    }

    /// Wallets of nobody are forgotten in the beat in which they were read: a character with that
    /// id may be made in the next one.
    pub(super) fn forget_strangers(&mut self) {
        let ledger = &mut self.ledger;
        let own = &mut self.own;
        self.strangers.retain(|&owner| {
            let stays = !ledger.forget(&Account::wallet(CharacterId(owner)));
            if !stays {
                own.forget(CharacterId(owner));
            }
            stays
        });
    }
}
