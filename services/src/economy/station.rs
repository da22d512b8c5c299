//! What a character does at a station's desk with items and money of its own.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{
    ITEM_NAME_BYTES_MAX, ItemId, MEMO_BYTES_MAX, Place, RequestId, TransferReason, ValueAnswer,
    ValueCommand,
};
use orrery_base::{CharacterId, TypeId};
use orrery_storage::Domain;

use super::Desk;
use super::partition::{Partition, Step};
use super::rules::{Rules, is_text};
use super::shipment::{Purpose, Shipment};
use crate::custody::{Account, Cause, Onto, Stack, What, memo_key};

impl Partition {
    /// Carries out a command about items.
    pub(super) fn station(
        &mut self,
        actor: CharacterId,
        desk: &Desk,
        command: ValueCommand,
        step: &mut Step<'_>,
    ) -> Result<ValueAnswer, RejectCode> {
        let item = match command {
            ValueCommand::Stack { from, onto } => self.stack(actor, desk, from, onto)?,
            ValueCommand::Split { item, quantity } => {
                let place = self.place_of(actor, desk, item)?;
                let cause = because(actor, TransferReason::Split);
                let what = units(item, quantity, Onto::Own);
                self.ledger.transfer(place, place, what, cause)?
            }
            ValueCommand::Move { item, quantity, to } => {
                self.move_units(actor, desk, (item, quantity), to, step)?
            }
            ValueCommand::Trash { item, quantity } => {
                let place = self.place_of(actor, desk, item)?;
                self.check_empty(actor, item)?;
                let sink = Account::sink(step.rules.taps.trash, self.index);
                let what = units(item, quantity, Onto::Own);
                let cause = because(actor, TransferReason::Trash);
                self.ledger.burn(place, sink, what, cause)?;
                ItemId::NONE
            }
            ValueCommand::Assemble { item } => self.assemble(actor, desk, item, step)?,
            ValueCommand::Repackage { item } => {
                let hangar = Account::hangar(actor, desk.station);
                let ship = self.ledger.stack(&hangar, item);
                if !ship.ok_or(RejectCode::ItemUnknown)?.is_assembled {
                    return Err(RejectCode::NotAssembled);
                }
                self.check_empty(actor, item)?;
                self.ledger.alter(&hangar, item, |ship| {
                    ship.is_assembled = false;
                    ship.name = None;
                })?;
                item
            }
            ValueCommand::Rename { item, name } => {
                if !is_text(&name, ITEM_NAME_BYTES_MAX) {
                    return Err(RejectCode::TextInvalid);
                }
                let hangar = Account::hangar(actor, desk.station);
                let ship = self.ledger.stack(&hangar, item);
                if !ship.ok_or(RejectCode::ItemUnknown)?.is_assembled {
                    return Err(RejectCode::NotAssembled);
                }
                let name = (!name.is_empty()).then(|| name.into_boxed_str());
                self.ledger.alter(&hangar, item, |ship| ship.name = name)?;
                item
            }
            _ => return Err(RejectCode::NotAvailable),
        };
        Ok(ValueAnswer {
            item,
            ..ValueAnswer::default()
        })
    }

    /// The account here that has an item of the character's.
    fn place_of(
        &self,
        actor: CharacterId,
        desk: &Desk,
        item: ItemId,
    ) -> Result<Account, RejectCode> {
        [Place::Hangar, Place::Cargo]
            .into_iter()
            .map(|place| desk.account(actor, place))
            .find(|account| self.ledger.stack(account, item).is_some())
            .ok_or(RejectCode::ItemUnknown)
    }

    /// What is in an assembled ship's hold would be lost with it.
    pub(super) fn check_empty(&self, actor: CharacterId, ship: ItemId) -> Result<(), RejectCode> {
        let hold = Account::cargo(actor, ship.entity());
        if self.ledger.stacks(&hold).is_empty() {
            Ok(())
        } else {
            Err(RejectCode::ShipNotEmpty)
        }
    }

    fn stack(
        &mut self,
        actor: CharacterId,
        desk: &Desk,
        from: ItemId,
        onto: ItemId,
    ) -> Result<ItemId, RejectCode> {
        let place = self.place_of(actor, desk, from)?;
        let stack = self.ledger.stack(&place, from);
        let quantity = stack.ok_or(RejectCode::ItemUnknown)?.quantity;
        let what = units(from, quantity, Onto::Stack(onto));
        let cause = because(actor, TransferReason::Stack);
        self.ledger.transfer(place, place, what, cause)
    }

    fn move_units(
        &mut self,
        actor: CharacterId,
        desk: &Desk,
        (item, quantity): (ItemId, u64),
        to: Place,
        step: &Step<'_>,
    ) -> Result<ItemId, RejectCode> {
        let from = match to {
            Place::Hangar => Place::Cargo,
            Place::Cargo => Place::Hangar,
        };
        let (from, to_account) = (desk.account(actor, from), desk.account(actor, to));
        let stack = self.ledger.stack(&from, item);
        let stack = stack.ok_or(RejectCode::ItemUnknown)?;
        if to == Place::Cargo {
            if stack.is_assembled {
                return Err(RejectCode::CargoFull);
            }
            let held = self.ledger.stacks(&to_account);
            if quantity > units_that_fit(step.rules, desk.ship_type, held, stack.type_id) {
                return Err(RejectCode::CargoFull);
            }
        }
        let what = units(item, quantity, Onto::Any);
        let cause = because(actor, TransferReason::Relocation);
        self.ledger.transfer(from, to_account, what, cause)
    }

    fn assemble(
        &mut self,
        actor: CharacterId,
        desk: &Desk,
        item: ItemId,
        step: &Step<'_>,
    ) -> Result<ItemId, RejectCode> {
        let hangar = Account::hangar(actor, desk.station);
        let stack = self.ledger.stack(&hangar, item);
        let stack = stack.ok_or(RejectCode::ItemUnknown)?;
        let goods = step.rules.goods.get(&stack.type_id);
        let is_ship = goods.is_some_and(|goods| goods.hold_l.is_some());
        if !is_ship || stack.is_assembled {
            return Err(RejectCode::NotAssemblable);
        }
        let ship = if stack.quantity == 1 {
            item
        } else {
            let what = units(item, 1, Onto::Own);
            let cause = because(actor, TransferReason::Assembly);
            self.ledger.transfer(hangar, hangar, what, cause)?
        };
        self.ledger
            .alter(&hangar, ship, |ship| ship.is_assembled = true)?;
        Ok(ship)
    }

    /// Pays another character; the answer comes when the money has arrived, or is back.
    pub(super) fn pay(
        &mut self,
        actor: CharacterId,
        request: RequestId,
        to: CharacterId,
        amount: Money,
        memo: &str,
        step: &mut Step<'_>,
    ) -> Result<(), RejectCode> {
        if !is_text(memo, MEMO_BYTES_MAX) {
            return Err(RejectCode::TextInvalid);
        }
        if to == actor {
            return Err(RejectCode::PartnerIsSelf);
        }
        if to == CharacterId::NONE {
            return Err(RejectCode::CharacterUnknown);
        }
        let cents = u64::try_from(amount.0).map_err(|_| RejectCode::QuantityInvalid)?;
        let (from, to) = (Account::wallet(actor), Account::wallet(to));
        self.check_room(&to, step.rules)?;
        let cause = Cause {
            actor,
            reason: TransferReason::PlayerPayment,
            reference: to.owner,
        };
        let lot = self.ledger.send(from, to, What::Coins(cents), cause)?;
        if let Some(entry) = self.ledger.last_entry()
            && !memo.is_empty()
        {
            let batch = &mut step.out.batch;
            batch.put(Domain::Entry, memo_key(entry), memo.as_bytes());
        }
        let news = self.wallet_news(&from, -amount.0, cause.reason);
        step.out.events.push((actor, news));
        let payment = Shipment {
            from,
            to,
            lots: vec![lot],
            cause,
            purpose: Purpose::Pay { request },
        };
        self.ship(&payment, step.rules);
        Ok(())
    }
}

pub(super) const fn units(item: ItemId, quantity: u64, onto: Onto) -> What {
    What::Units {
        item,
        quantity,
        onto,
    }
}

pub(super) const fn because(actor: CharacterId, reason: TransferReason) -> Cause {
    Cause {
        actor,
        reason,
        reference: 0,
    }
}

/// Units of a type that still fit into the hold of a hull that holds these stacks.
pub(super) fn units_that_fit(rules: &Rules, hull: TypeId, held: &[Stack], type_id: TypeId) -> u64 {
    let volume_l = |type_id| rules.goods.get(&type_id).map_or(0, |goods| goods.volume_l);
    let hold_l = rules.goods.get(&hull).and_then(|ship| ship.hold_l);
    let volumes = held
        .iter()
        .map(|stack| u128::from(volume_l(stack.type_id)) * u128::from(stack.quantity));
    let room_l = u128::from(hold_l.unwrap_or(0)).saturating_sub(volumes.sum());
    let units = room_l.checked_div(u128::from(volume_l(type_id)));
    // Things without volume always fit.
    units.map_or(u64::MAX, |units| u64::try_from(units).unwrap_or(u64::MAX))
}
