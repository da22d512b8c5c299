//! What a partition does about claims.

use orrery_base::money::Money;
use orrery_base::value::TransferReason;
use orrery_base::{CharacterId, EntityId, TypeId};
use orrery_game::wreck;
use orrery_proto::message::ServerMessage;
use orrery_storage::Domain;

use super::{Partition, Step};
use crate::custody::{Account, Cause, Minted, Onto, What};
use crate::economy::claims::{Claim, Claimed, item_of};
use crate::economy::shipment::{Purpose, Shipment};
use crate::economy::station::units_that_fit;

impl Partition {
    /// Carries a claim out. Its accounts are in memory.
    pub(super) fn claim(&mut self, claimed: &Claimed, step: &mut Step<'_>) {
        match claimed.claim {
            Claim::Destroyed { .. } => self.destroyed(claimed, step),
            Claim::Mined {
                character,
                ship,
                type_id,
                units,
            } => self.mined(character, ship, (type_id, units), step),
            Claim::Bounty {
                character,
                amount,
                about,
            } => self.bounty(character, amount, about, step),
            Claim::Abandoned { wreck } => self.abandoned(wreck, step),
        }
        step.out.batch.delete(Domain::Outbox, claimed.key());
    }

    fn destroyed(&mut self, claimed: &Claimed, step: &mut Step<'_>) {
        let Claim::Destroyed {
            character,
            ship,
            wreck,
            seed,
        } = claimed.claim
        else {
            return;
        };
        let cause = Cause {
            actor: character,
            reason: TransferReason::Destruction,
            reference: ship.0,
        };
        let sink = Account::sink(step.rules.taps.ship_loss, self.index);
        let helm = Account::helm(character);
        if let Some(item) = item_of(ship)
            && let Some(stack) = self.ledger.stack(&helm, item)
        {
            let hull = all_of(item, stack.quantity);
            let burned = self.ledger.burn(helm, sink, hull, cause);
            burned.expect("the ship is in the helm");
        }
        let cargo = Account::cargo(character, ship);
        let stacks = self.ledger.stacks(&cargo).iter();
        let held: Vec<_> = stacks.map(|stack| (stack.id, stack.quantity)).collect();
        let (chance, tick) = (step.rules.drop_chance, claimed.id.tick);
        for (item, quantity) in held {
            let stack = all_of(item, quantity);
            let remains = wreck.filter(|_| wreck::drops(seed, tick, ship, item, chance));
            let Some(wreck) = remains else {
                let burned = self.ledger.burn(cargo, sink, stack, cause);
                burned.expect("the stack is in the hold");
                continue;
            };
            let to = Account::wreck(wreck);
            let lot = self.ledger.send(cargo, to, stack, cause);
            let shipment = Shipment {
                from: cargo,
                to,
                lots: vec![lot.expect("the stack is in the hold")],
                cause,
                purpose: Purpose::Credit,
            };
            self.ship(&shipment, step.rules);
        }
    }

    fn mined(
        &mut self,
        character: CharacterId,
        ship: EntityId,
        (type_id, units): (TypeId, u64),
        step: &mut Step<'_>,
    ) {
        let cargo = Account::cargo(character, ship);
        let room = self.hull_of(character, ship).map_or(0, |hull| {
            let held = self.ledger.stacks(&cargo);
            units_that_fit(step.rules, hull, held, type_id)
        });
        let cause = Cause {
            actor: character,
            reason: TransferReason::Mining,
            reference: ship.0,
        };
        let faucet = Account::faucet(step.rules.taps.mining, self.index);
        let minted = Minted::Units(type_id, units.min(room));
        // A hold without room, or a type that is no goods: nothing comes into being.
        if let Ok(item) = self.ledger.mint(faucet, cargo, minted, cause) {
            let news = ServerMessage::ItemsDelivered {
                station: ship,
                type_id,
                quantity: units.min(room),
                item,
            };
            step.out.events.push((character, news));
        }
    }

    /// The hull of a character's ship, as the helm has it, if the helm is in memory.
    fn hull_of(&self, character: CharacterId, ship: EntityId) -> Option<TypeId> {
        let item = item_of(ship)?;
        let stack = self.ledger.stack(&Account::helm(character), item)?;
        Some(stack.type_id)
    }

    fn bounty(
        &mut self,
        character: CharacterId,
        amount: Money,
        about: EntityId,
        step: &mut Step<'_>,
    ) {
        let wallet = Account::wallet(character);
        let cause = Cause {
            actor: character,
            reason: TransferReason::Bounty,
            reference: about.0,
        };
        let faucet = Account::faucet(step.rules.taps.bounty, self.index);
        let cents = u64::try_from(amount.0).unwrap_or(0);
        // None is paid where this partition has minted all that it may.
        let paid = self
            .ledger
            .mint(faucet, wallet, Minted::Coins(cents), cause);
        if paid.is_ok() {
            let news = self.wallet_news(&wallet, amount.0, cause.reason);
            step.out.events.push((character, news));
        }
    }

    fn abandoned(&mut self, wreck: EntityId, step: &mut Step<'_>) {
        let account = Account::wreck(wreck);
        let cause = Cause {
            actor: CharacterId::NONE,
            reason: TransferReason::Abandoned,
            reference: wreck.0,
        };
        let sink = Account::sink(step.rules.taps.abandoned, self.index);
        let stacks = self.ledger.stacks(&account).iter();
        let held: Vec<_> = stacks.map(|stack| (stack.id, stack.quantity)).collect();
        for (item, quantity) in held {
            let burned = self
                .ledger
                .burn(account, sink, all_of(item, quantity), cause);
            burned.expect("the stack is in the wreck");
        }
    }
}

const fn all_of(item: orrery_base::value::ItemId, quantity: u64) -> What {
    What::Units {
        item,
        quantity,
        onto: Onto::Own,
    }
}
