//! A made-up town: two characters, and what they do, written into log and books by hand.

use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange, RequestId, ValueAnswer};
use orrery_base::{CharacterId, EntityId, SystemId, Tick};
use orrery_proto::message::ServerMessage;
use orrery_services::WallTime;
use orrery_services::custody::{Commodity, PartitionIndex, Stack};
use orrery_services::market::{Order, RegionId, Side};

use super::super::*;

pub(super) const ANN: CharacterId = CharacterId(1);
pub(super) const BOB: CharacterId = CharacterId(2);
pub(super) const STATION: EntityId = EntityId(9);
pub(super) const BREAD: TypeId = TypeId(77);
pub(super) const LOAVES: ItemId = ItemId(500);
pub(super) const PART: ItemId = ItemId(501);
pub(super) const ORDER: OrderId = OrderId(1 << 44 | 1);
/// What everybody has at first.
pub(super) const CENTS: u64 = 1_000_00;

pub(super) fn rules() -> Rules {
    Rules {
        broker_bp: 150,
        fee_min: 1_00,
        tax_bp: 350,
        grant_cents: CENTS,
        grant: vec![(BREAD, 20)],
    }
}

/// A world in which one writes history by hand.
#[derive(Clone)]
pub(super) struct Town {
    pub(super) outside: Outside,
    pub(super) books: Books,
    pub(super) tick: u64,
    pub(super) requests: u128,
}

pub(super) fn entry(from: Account, to: Account, what: Commodity, quantity: u64) -> Entry {
    Entry {
        from,
        to,
        commodity: what,
        quantity,
        item: ItemId::NONE,
        onto: ItemId::NONE,
        actor: CharacterId(if from.is_boundary() {
            to.owner
        } else {
            from.owner
        }),
        reason: TransferReason::StartingGrant.number(),
        reference: 0,
        from_after: 0,
        to_after: 0,
        previous: [EntryRef::NONE; 4],
    }
}

impl Town {
    /// Ann and Bob, with what newcomers have.
    pub(super) fn new() -> Self {
        let mut town = Self {
            outside: Outside::default(),
            books: Books::default(),
            tick: 1,
            requests: 0,
        };
        for who in [ANN, BOB] {
            let faucet = Account::faucet(1, PartitionIndex(0));
            let (wallet, hangar) = (Account::wallet(who), Account::hangar(who, STATION));
            town.write(entry(faucet, wallet, Commodity::Coin, CENTS));
            let loaves = Entry {
                onto: LOAVES,
                ..entry(faucet, hangar, Commodity::Type(BREAD), 20)
            };
            town.write(loaves);
            let ship = Entry {
                onto: ItemId(who.0),
                ..entry(faucet, Account::helm(who), Commodity::Type(TypeId(5)), 1)
            };
            town.write(ship);
            town.books.coins.insert(wallet, CENTS);
            town.hold(hangar, LOAVES, 20);
            town.books
                .stacks
                .push((Account::helm(who), stack(ItemId(who.0), TypeId(5), 1, true)));
        }
        town.tick += 1;
        town
    }

    pub(super) fn write(&mut self, entry: Entry) -> EntryRef {
        let number = self.books.entries.len() as u32;
        let at = EntryRef::new(PartitionIndex(0), Tick(self.tick), number);
        self.books.entries.push((at, entry));
        at
    }

    pub(super) fn hold(&mut self, account: Account, item: ItemId, units: u64) {
        let is_it = |(of, stack): &(Account, Stack)| *of == account && stack.id == item;
        self.books.stacks.retain(|it| !is_it(it));
        if units > 0 {
            self.books
                .stacks
                .push((account, stack(item, BREAD, units, false)));
        }
    }

    /// A request that was answered, with what the store remembers of it.
    pub(super) fn asked(
        &mut self,
        who: CharacterId,
        command: ValueCommand,
        outcome: Outcome,
    ) -> Key {
        self.requests += 1;
        let key = (who, RequestId::new(1, self.requests));
        self.outside.sent(who, key.1, &command);
        self.outside
            .heard((who, 0), &result(key.1, outcome))
            .unwrap();
        let known = Known {
            begun: (PartitionIndex(0), Tick(self.tick), self.requests as u32),
            has_left: false,
            outcome: Some(outcome),
            changed: 0,
        };
        self.books.requests.insert(key, known);
        key
    }

    /// Ann pays Bob: two entries, and both wallets.
    pub(super) fn pay(&mut self, cents: u64) -> Key {
        let (ann, bob) = (Account::wallet(ANN), Account::wallet(BOB));
        let command = ValueCommand::Pay {
            to: BOB,
            amount: Money(cents as i64),
            memo: String::new(),
        };
        let answer = ValueAnswer {
            money: Money(cents as i64),
            ..ValueAnswer::default()
        };
        let key = self.asked(ANN, command, Ok(answer));
        let payment = Entry {
            reason: TransferReason::PlayerPayment.number(),
            ..entry(ann, bob, Commodity::Coin, cents)
        };
        let left = self.write(leaving(payment));
        self.tick += 1;
        self.write(arriving(payment, left));
        *self.books.coins.get_mut(&ann).unwrap() -= cents;
        *self.books.coins.get_mut(&bob).unwrap() += cents;
        self.tick += 1;
        key
    }

    /// Ann splits five loaves off.
    pub(super) fn split(&mut self) -> Key {
        let hangar = Account::hangar(ANN, STATION);
        let command = ValueCommand::Split {
            item: LOAVES,
            quantity: 5,
        };
        let answer = ValueAnswer {
            item: PART,
            ..ValueAnswer::default()
        };
        let key = self.asked(ANN, command, Ok(answer));
        self.write(Entry {
            item: LOAVES,
            onto: PART,
            reason: TransferReason::Split.number(),
            ..leaving(entry(hangar, hangar, Commodity::Type(BREAD), 5))
        });
        self.hold(hangar, LOAVES, 15);
        self.hold(hangar, PART, 5);
        self.tick += 1;
        key
    }

    /// Bob bids for four loaves at 10.00 with an order that rests.
    pub(super) fn bid(&mut self) -> Key {
        let (wallet, order) = (Account::wallet(BOB), Account::market(RegionId(0), ORDER));
        let desk = Account::market(RegionId(0), OrderId(0));
        let command = ValueCommand::Buy {
            type_id: BREAD,
            quantity: 4,
            minimum: 1,
            price: Money(10_00),
            range: OrderRange::Region,
            days: 1,
        };
        let answer = ValueAnswer {
            order: ORDER,
            fees: Money(1_00),
            ..ValueAnswer::default()
        };
        let key = self.asked(BOB, command, Ok(answer));
        let escrow = |to, cents| Entry {
            reason: TransferReason::MarketEscrow.number(),
            ..entry(wallet, to, Commodity::Coin, cents)
        };
        let sums = [40_00, 1_00];
        let left = sums.map(|cents| self.write(leaving(escrow(desk, cents))));
        self.tick += 1;
        for (cents, left) in sums.into_iter().zip(left) {
            self.write(arriving(escrow(order, cents), left));
        }
        let sink = Account::sink(1, PartitionIndex(0));
        self.write(Entry {
            reason: TransferReason::BrokerFee.number(),
            reference: ORDER.0,
            ..leaving(entry(order, sink, Commodity::Coin, 1_00))
        });
        *self.books.coins.get_mut(&wallet).unwrap() -= 41_00;
        self.books.coins.insert(order, 40_00);
        self.rest(4);
        self.tick += 1;
        key
    }

    pub(super) fn rest(&mut self, left: u64) {
        let order = Order {
            id: ORDER,
            side: Side::Buy,
            type_id: BREAD,
            owner: BOB,
            station: STATION,
            system: SystemId(1),
            price: Money(10_00),
            quantity: left,
            initial: 4,
            minimum: 1,
            range: OrderRange::Region,
            placed: WallTime(1),
            changed: WallTime(1),
            expires: WallTime(2),
            sequence: 1,
        };
        self.books.orders.insert(ORDER, order);
        self.books.own.insert(ORDER, order);
    }

    /// Ann sells three of her loaves to the bid, at once: 30.00, and 1.05 of tax.
    pub(super) fn sell(&mut self) -> Key {
        let (hangar, wallet) = (Account::hangar(ANN, STATION), Account::wallet(ANN));
        let mine = Account::market(RegionId(0), OrderId(ORDER.0 + 1));
        let (bid, store) = (
            Account::market(RegionId(0), ORDER),
            Account::hangar(BOB, STATION),
        );
        let command = ValueCommand::Sell {
            item: LOAVES,
            quantity: 3,
            price: Money(10_00),
            days: 0,
        };
        let answer = ValueAnswer {
            quantity: 3,
            money: Money(30_00),
            fees: Money(1_05),
            ..ValueAnswer::default()
        };
        let key = self.asked(ANN, command, Ok(answer));
        let goods = |from, to, reason: TransferReason| Entry {
            item: LOAVES,
            reason: reason.number(),
            ..entry(from, to, Commodity::Type(BREAD), 3)
        };
        let desk = Account::market(RegionId(0), OrderId(0));
        let left = self.write(leaving(goods(hangar, desk, TransferReason::MarketEscrow)));
        self.tick += 1;
        self.write(arriving(
            goods(hangar, mine, TransferReason::MarketEscrow),
            left,
        ));
        let sink = Account::sink(2, PartitionIndex(0));
        self.write(Entry {
            reason: TransferReason::SalesTax.number(),
            ..leaving(entry(bid, sink, Commodity::Coin, 1_05))
        });
        let price = Entry {
            reason: TransferReason::MarketSale.number(),
            reference: ORDER.0 + 1,
            ..entry(bid, wallet, Commodity::Coin, 28_95)
        };
        let price_left = self.write(leaving(price));
        let bought = Entry {
            reference: ORDER.0,
            ..goods(mine, store, TransferReason::MarketPurchase)
        };
        let goods_left = self.write(leaving(bought));
        self.tick += 1;
        self.write(arriving(price, price_left));
        self.write(arriving(bought, goods_left));
        *self.books.coins.get_mut(&wallet).unwrap() += 28_95;
        self.books.coins.insert(bid, 10_00);
        self.hold(hangar, LOAVES, 12);
        self.hold(store, LOAVES, 23);
        self.rest(1);
        self.tick += 1;
        key
    }

    pub(super) fn look(&self, is_end: bool) -> Findings {
        reconcile(&self.outside, &self.books, &rules(), is_end)
    }
}

pub(super) fn stack(id: ItemId, type_id: TypeId, quantity: u64, is_assembled: bool) -> Stack {
    Stack {
        id,
        type_id,
        quantity,
        is_assembled,
        last: EntryRef::NONE,
        name: None,
    }
}

/// Whoever gives had it by an earlier entry.
pub(super) fn leaving(mut entry: Entry) -> Entry {
    entry.previous[0] = EntryRef(1);
    entry
}

pub(super) fn arriving(mut entry: Entry, left: EntryRef) -> Entry {
    entry.previous[2] = left;
    entry
}

pub(super) fn result(request: RequestId, outcome: Outcome) -> ServerMessage {
    ServerMessage::CommandResult {
        sequence: 1,
        request: request.0,
        tick: Tick(1),
        reject: outcome.err().map(Into::into),
        answer: outcome.unwrap_or_default(),
    }
}
