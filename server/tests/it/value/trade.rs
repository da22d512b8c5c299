//! Two clients trade with each other.

use orrery_base::CharacterId;
use orrery_base::value::query::TradeOffer;
use orrery_base::value::{TradeId, TradeState};

use super::*;

/// What a trade window shows.
struct Shown {
    version: u32,
    own: TradeOffer,
    theirs: TradeOffer,
}

impl Trader {
    async fn trade(&mut self, trade: TradeId) -> Shown {
        let view = self.see(ValueQuery::Trade { trade }).await;
        let ValueView::Trade {
            version,
            own,
            theirs,
            state,
            ..
        } = view
        else {
            panic!("{view:?}");
        };
        assert_eq!(state, Some(TradeState::Open));
        Shown {
            version,
            own,
            theirs,
        }
    }

    async fn accepts(&mut self, trade: TradeId, version: u32) -> Result<ValueAnswer, RejectCode> {
        self.done(ValueCommand::AcceptTrade { trade, version })
            .await
    }

    async fn offers_to_trade(&mut self, with: CharacterId) -> Result<TradeId, RejectCode> {
        let answer = self.done(ValueCommand::OfferTrade { with }).await;
        answer.map(|answer| answer.trade)
    }

    /// Waits to hear how a trade stands.
    async fn hears_of(&mut self, wanted: TradeState) -> TradeId {
        let mut found = TradeId(0);
        let hear = async {
            while found == TradeId(0) {
                let message = self.player.next_message().await.unwrap();
                if let ServerMessage::TradeChanged { trade, state, .. } = message
                    && state == Some(wanted)
                {
                    found = trade;
                }
            }
        };
        within(wanted.name(), hear).await;
        found
    }

    async fn item_of(&mut self, type_id: TypeId) -> ItemId {
        let items = self.items(HERE).await;
        let found = items.iter().find(|row| row.type_id == type_id);
        found.unwrap().item
    }
}

const fn add(trade: TradeId, item: ItemId, quantity: u64) -> ValueCommand {
    ValueCommand::AddItem {
        trade,
        item,
        quantity,
    }
}

const fn money(trade: TradeId, cents: i64) -> ValueCommand {
    ValueCommand::SetMoney {
        trade,
        amount: Money(cents),
    }
}

/// Ada invites, Ben agrees.
async fn agree(ada: &mut Trader, ben: &mut Trader) -> TradeId {
    assert_eq!(ada.player.situation.docked, ben.player.situation.docked);
    let [of_ada, of_ben] = [&*ada, &*ben].map(|one| one.player.situation.character);
    let trade = ada.offers_to_trade(of_ben).await.unwrap();
    assert_eq!(ben.hears_of(TradeState::Offered).await, trade);
    assert_eq!(ben.offers_to_trade(of_ada).await, Ok(trade));
    assert_eq!(ada.hears_of(TradeState::Open).await, trade);
    trade
}

/// Offers, a change that resets what was accepted, a kill in the middle, and the end.
#[test]
fn two_clients_trade() {
    let folder = Folder::new(1, 1);
    let content = content();
    let (goods, granted) = rations(&content);
    let start = content.economy().grant_money;
    let server = folder.serve().start();
    let [ada_account, ben_account] = ["Ada", "Ben"].map(|name| Account::sign_up(&server, name));
    let trade = block_on(async {
        let mut ada = Trader::newcomer(&server, &ada_account).await;
        let mut ben = Trader::newcomer(&server, &ben_account).await;
        let nobody = ada.offers_to_trade(CharacterId(999_999)).await;
        assert_eq!(nobody, Err(RejectCode::CharacterUnknown));
        let trade = agree(&mut ada, &mut ben).await;
        let item = ada.item_of(goods).await;
        ada.done(add(trade, item, 5)).await.unwrap();
        ben.done(money(trade, 40_00)).await.unwrap();
        assert_eq!(ada.units(HERE, goods).await, granted - 5);
        assert_eq!(ben.balance().await, Money(start.0 - 40_00));

        let seen = ben.trade(trade).await;
        assert_eq!(seen.theirs.items[0].quantity, 5);
        assert_eq!(seen.own.money, Money(40_00));
        ben.accepts(trade, seen.version).await.unwrap();
        assert!(ada.trade(trade).await.theirs.has_accepted);
        // Ada takes most of it back: what Ben has accepted is not what there is.
        let offered = ada.trade(trade).await.own.items[0].item;
        let take_back = ValueCommand::RemoveItem {
            trade,
            item: offered,
            quantity: 4,
        };
        ada.done(take_back).await.unwrap();
        assert_eq!(
            ada.accepts(trade, seen.version).await,
            Err(RejectCode::TradeChanged)
        );
        let now = ada.trade(trade).await;
        assert!(!now.theirs.has_accepted && now.version > seen.version);
        assert_eq!(now.own.items[0].quantity, 1);
        ada.accepts(trade, now.version).await.unwrap();
        // While both are connected: nobody has left.
        server.kill();
        trade
    });

    // Both come back at once: the trade is as it was.
    let server = folder.serve().start();
    block_on(async {
        let mut ada = Trader::new(&server, &ada_account).await;
        let mut ben = Trader::new(&server, &ben_account).await;
        let seen = ben.trade(trade).await;
        assert!(seen.theirs.has_accepted && !seen.own.has_accepted);
        ben.accepts(trade, seen.version).await.unwrap();
        for trader in [&mut ada, &mut ben] {
            assert_eq!(trader.hears_of(TradeState::Done).await, trade);
        }
        assert_eq!(ada.units(HERE, goods).await, granted - 1);
        assert_eq!(ben.units(HERE, goods).await, granted + 1);
        assert_eq!(ada.balance().await, Money(start.0 + 40_00));
        assert_eq!(ben.balance().await, Money(start.0 - 40_00));
        let view = ada.see(wallet()).await;
        let ValueView::Wallet { entries, .. } = view else {
            panic!("{view:?}");
        };
        assert_eq!(entries[0].reason, Some(TransferReason::Trade));
        assert_eq!(entries[0].other, ben.player.situation.character);
        assert_eq!(entries[0].reference, trade.0);
        assert_eq!(
            ben.accepts(trade, seen.version).await,
            Err(RejectCode::TradeUnknown)
        );
        ada.player.leave().await;
        ben.player.leave().await;
    });
    server.stop();
    run(&["audit", "--data", folder.path()]).success();
}

/// Whoever goes, by undocking or by being gone, gets back what was offered, and so does the
/// other one.
#[test]
fn who_is_gone_trades_no_more() {
    let folder = Folder::new(1, 1);
    let content = Arc::new(content());
    let (goods, granted) = rations(&content);
    let start = content.economy().grant_money;
    let server = folder.serve().start();
    let [ada_account, ben_account] = ["Ada", "Ben"].map(|name| Account::sign_up(&server, name));
    block_on(async {
        let mut ada = Trader::newcomer(&server, &ada_account).await;
        let mut ben = Trader::newcomer(&server, &ben_account).await;
        let item = ada.item_of(goods).await;
        for undocks in [false, true] {
            let trade = agree(&mut ada, &mut ben).await;
            ada.done(add(trade, item, 3)).await.unwrap();
            ben.done(money(trade, 77_00)).await.unwrap();
            let version = ada.trade(trade).await.version;
            ada.accepts(trade, version).await.unwrap();
            if undocks {
                ben.player.command(Command::Undock).await.unwrap();
            } else {
                ben.player.leave().await;
                ben = Trader::new(&server, &ben_account).await;
            }
            assert_eq!(ada.hears_of(TradeState::Expired).await, trade);
            assert_eq!(ada.units(HERE, goods).await, granted);
            assert_eq!(ben.balance().await, start);
        }
        let gone = ada.offers_to_trade(ben.player.situation.character).await;
        assert_eq!(gone, Err(RejectCode::PartnerElsewhere));
        ada.player.leave().await;
        ben.player.leave().await;
    });
    server.stop();
    run(&["audit", "--data", folder.path()]).success();
}
