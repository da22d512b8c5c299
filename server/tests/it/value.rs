//! Items, money and the market, from the client's library over the wire to the store and back.

mod trade;

use std::sync::Arc;

use orrery_base::command::{Command, RejectCode};
use orrery_base::money::Money;
use orrery_base::value::query::{ItemPlace, ItemRow, ValueQuery, ValueView};
use orrery_base::value::{
    ItemId, OrderId, OrderRange, Place, RequestId, TransferReason, ValueAnswer, ValueCommand,
};
use orrery_base::{EntityId, TypeId};
use orrery_client::player::Player;
use orrery_game::content::Content;
use orrery_proto::message::{Reject, ServerMessage};

use crate::players::{Account, Pilot, block_on, connect, within};
use crate::process::{Folder, Server, run};
use crate::script::content;

/// Answers are awaited without a loss: what was heard meanwhile is heard later, in its order.
#[test]
fn requests_and_queries() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        let mut player = connect(&ada.ticket(&server)).await.unwrap();
        // The ship is docked: this is refused, and the refusal is heard below.
        let stop = player.command(Command::Stop).await.unwrap();
        let assemble = || ValueCommand::Assemble { item: ItemId(1) };
        let sent = player.value(assemble()).await.unwrap();
        assert!(sent.request.unix_ms().is_some(), "an id of version 7");
        // The same request again: another number on this connection, the same identity.
        let again = player.value_again(sent.request, assemble()).await.unwrap();
        assert_eq!((again.request, again.sequence), (sent.request, stop + 2));
        // Answers out of the order in which they came.
        for sequence in [again.sequence, sent.sequence] {
            let result = within("the result", player.result_of(sequence)).await;
            let code = result.unwrap().map_err(Reject::code);
            assert_eq!(code, Err(Some(RejectCode::ItemUnknown)));
        }
        assert_eq!(heard(&mut player, stop).await, Some(RejectCode::Docked));
        let other = player.new_request();
        assert_ne!(other, sent.request);
        assert_ne!(other, RequestId::default());
        player.leave().await;
    });
    server.stop();
}

/// A player who deals.
struct Trader {
    player: Player,
}

impl Trader {
    async fn new(server: &Server, account: &Account) -> Self {
        Self {
            player: connect(&account.ticket(server)).await.unwrap(),
        }
    }

    /// A newcomer, who has what newcomers have.
    async fn newcomer(server: &Server, account: &Account) -> Self {
        let mut trader = Self::new(server, account).await;
        trader
            .hears("the grant", |message| {
                let grant = Some(TransferReason::StartingGrant);
                matches!(message, ServerMessage::WalletChanged { reason, .. } if *reason == grant)
            })
            .await;
        trader
    }

    async fn done(&mut self, command: ValueCommand) -> Result<ValueAnswer, RejectCode> {
        let what = format!("the outcome of {command:?}");
        let outcome = within(&what, self.player.have_done(command)).await.unwrap();
        outcome.map_err(|reject| reject.code().unwrap())
    }

    async fn see(&mut self, query: ValueQuery) -> ValueView {
        let what = format!("{query:?}");
        let views = within(&what, self.player.ask(query)).await.unwrap();
        views.unwrap().remove(0)
    }

    async fn items(&mut self, place: ItemPlace) -> Vec<ItemRow> {
        let query = ValueQuery::Inventory {
            place,
            after: ItemId::NONE,
        };
        match self.see(query).await {
            ValueView::Inventory { items, .. } => items,
            other => panic!("{other:?}"),
        }
    }

    async fn units(&mut self, place: ItemPlace, type_id: TypeId) -> u64 {
        let items = self.items(place).await.into_iter();
        let of_type = items.filter(|row| row.type_id == type_id);
        of_type.map(|row| row.quantity).sum()
    }

    async fn balance(&mut self) -> Money {
        match self.see(wallet()).await {
            ValueView::Wallet { balance, .. } => balance,
            other => panic!("{other:?}"),
        }
    }

    /// Waits to hear something.
    async fn hears(&mut self, what: &str, is_it: impl Fn(&ServerMessage) -> bool) {
        let hear = async {
            loop {
                if is_it(&self.player.next_message().await.unwrap()) {
                    return;
                }
            }
        };
        within(what, hear).await;
    }
}

const fn wallet() -> ValueQuery {
    ValueQuery::Wallet {
        before: 0,
        limit: 0,
        reason: None,
    }
}

const fn sell(item: ItemId, quantity: u64, price: i64) -> ValueCommand {
    ValueCommand::Sell {
        item,
        quantity,
        price: Money(price),
        days: 7,
    }
}

const fn buy(type_id: TypeId, quantity: u64, price: i64) -> ValueCommand {
    ValueCommand::Buy {
        type_id,
        quantity,
        minimum: 1,
        price: Money(price),
        range: OrderRange::Region,
        days: 7,
    }
}

const HERE: ItemPlace = ItemPlace::Here(Place::Hangar);

/// What newcomers are given most of.
fn rations(content: &Content) -> (TypeId, u64) {
    let most = content.grant().iter().max_by_key(|(_, quantity)| *quantity);
    *most.unwrap()
}

/// Both kinds of order, filled by somebody in another system; refusals; a kill in the middle.
#[test]
fn goods_and_money_change_hands_between_systems() {
    let folder = Folder::new(2, 2);
    let content = content();
    let (goods, granted) = rations(&content);
    let start = content.economy().grant_money;
    let server = folder.serve().start();
    // Newcomers begin in turn at the stations: these two in different systems.
    let [ada, ben] = ["Ada", "Ben"].map(|name| Account::sign_up(&server, name));
    let (order, ada_home) = block_on(async {
        let mut ada = Trader::newcomer(&server, &ada).await;
        let mut ben = Trader::newcomer(&server, &ben).await;
        let ada_home = ada.player.situation.docked.unwrap();
        assert_ne!(Some(ada_home), ben.player.situation.docked);
        assert_eq!(ada.balance().await, start);
        assert_eq!(ada.units(HERE, goods).await, granted);
        let item = ada.items(HERE).await;
        let item = item.iter().find(|row| row.type_id == goods).unwrap().item;

        let resting = sell_to_another(&mut ada, &mut ben, item, goods).await;
        assert_eq!(ben.balance().await, Money(start.0 - 160_00));
        let wanted = buy_from_another(&mut ada, &mut ben, item, goods).await;

        // Why not.
        let poor = ben.done(buy(goods, 1_000_000, 99_00)).await;
        assert_eq!(poor, Err(RejectCode::NotEnoughMoney));
        let theirs = ben.done(ValueCommand::CancelOrder { order: resting }).await;
        assert_eq!(theirs, Err(RejectCode::OrderUnknown));
        ada.player.leave().await;
        ben.player.leave().await;
        (wanted, ada_home)
    });
    server.kill();

    let server = folder.serve().start();
    block_on(async {
        let mut ben = Trader::new(&server, &ben).await;
        assert_eq!(ben.units(ItemPlace::HangarAt(ada_home), goods).await, 12);
        let orders = ben.see(ValueQuery::MyOrders { after: OrderId(0) }).await;
        let ValueView::MyOrders { orders, .. } = orders else {
            panic!("{orders:?}");
        };
        assert_eq!(
            (orders[0].public.order, orders[0].public.quantity),
            (order, 4)
        );
        ben.done(ValueCommand::CancelOrder { order }).await.unwrap();
        let view = ben.see(wallet()).await;
        let ValueView::Wallet { entries, .. } = view else {
            panic!("{view:?}");
        };
        assert_eq!(entries[0].reason, Some(TransferReason::MarketRefund));
        assert!(entries.len() >= 5, "{entries:?}");
        ben.player.leave().await;
    });
    server.stop();
    run(&["audit", "--data", folder.path()]).success();
}

/// A sell order, filled from another system; returns it.
async fn sell_to_another(
    ada: &mut Trader,
    ben: &mut Trader,
    item: ItemId,
    goods: TypeId,
) -> OrderId {
    let ada_home = ada.player.situation.docked.unwrap();
    let resting = ada.done(sell(item, 10, 40_00)).await.unwrap();
    assert_ne!(resting.order, OrderId(0));
    let seen = ben
        .see(ValueQuery::Book {
            type_id: goods,
            limit: 0,
        })
        .await;
    let ValueView::Book { sells, .. } = seen else {
        panic!("{seen:?}");
    };
    assert_eq!((sells[0].order, sells[0].quantity), (resting.order, 10));
    let bought = ben.done(buy(goods, 4, 40_00)).await.unwrap();
    assert_eq!((bought.quantity, bought.money), (4, Money(160_00)));
    ada.hears("the sale", |message| {
        matches!(
            message,
            ServerMessage::OrderFilled {
                quantity: 4,
                left: 6,
                ..
            }
        )
    })
    .await;
    let there = ItemPlace::HangarAt(ada_home);
    ben.hears("the delivery", |message| {
        matches!(message, ServerMessage::ItemsDelivered { station, quantity: 4, .. }
            if *station == ada_home)
    })
    .await;
    assert_eq!(ben.units(there, goods).await, 4);
    resting.order
}

/// Buy orders, filled from another system; returns the one that still rests.
async fn buy_from_another(
    ada: &mut Trader,
    ben: &mut Trader,
    item: ItemId,
    goods: TypeId,
) -> OrderId {
    let there = ItemPlace::HangarAt(ada.player.situation.docked.unwrap());
    let wanted = ben.done(buy(goods, 3, 50_00)).await.unwrap();
    assert_eq!(wanted.quantity, 3, "the cheaper offer is taken first");
    assert_eq!(wanted.order, OrderId(0));
    let wanted = ben.done(buy(goods, 9, 60_00)).await.unwrap();
    assert_eq!(wanted.quantity, 3, "all that was left");
    assert_ne!(wanted.order, OrderId(0));
    let sold = ada.done(sell(item, 2, 30_00)).await.unwrap();
    assert_eq!((sold.quantity, sold.order), (2, OrderId(0)));
    ben.hears("the purchase", |message| {
        matches!(message, ServerMessage::OrderFilled { order, quantity: 2, left: 4, .. }
            if *order == wanted.order)
    })
    .await;
    assert_eq!(ben.units(there, goods).await, 12);
    wanted.order
}

/// In space there is no desk; back in the station there is one again.
#[test]
fn the_desk_is_in_the_station() {
    let folder = Folder::new(1, 1);
    let content = Arc::new(content());
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        let mut pilot = Pilot::connect(&ada.ticket(&server), &content).await;
        let station = pilot.player.situation.docked.unwrap();
        pilot.undock().await;
        assert_eq!(ask(&mut pilot).await, Err(RejectCode::NotDocked));
        dock(&mut pilot, station).await;
        assert!(ask(&mut pilot).await.is_ok());
        pilot.player.leave().await;
    });
    server.stop();
}

async fn ask(pilot: &mut Pilot) -> Result<ValueAnswer, RejectCode> {
    let (type_id, _) = rations(&content());
    let outcome = within("the outcome", pilot.player.have_done(buy(type_id, 1, 1_00))).await;
    outcome.unwrap().map_err(|reject| reject.code().unwrap())
}

async fn dock(pilot: &mut Pilot, station: EntityId) {
    pilot.fly_to(station, 240_000).await;
    pilot.command(Command::Dock { station }).await.unwrap();
    pilot
        .until("the dock", |pilot| pilot.player.situation.docked)
        .await;
}

/// The code that a command was refused with, among all that is heard.
async fn heard(player: &mut Player, command: u32) -> Option<RejectCode> {
    let hear = async {
        loop {
            if let ServerMessage::CommandResult {
                sequence, reject, ..
            } = player.next_message().await.unwrap()
            {
                assert_eq!(sequence, command, "results that were taken are gone");
                return reject.and_then(Reject::code);
            }
        }
    };
    within("the refusal", hear).await
}
