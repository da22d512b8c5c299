//! Every command, query, view and event about value.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::query::{
    BookRow, CandleRow, ItemPlace, ItemRow, JournalEntry, OrderRow, TradeOffer, ValueQuery,
    ValueView,
};
use orrery_base::value::{
    ItemId, OrderEnd, OrderId, OrderRange, Place, RequestId, TradeId, TradeState, TransferReason,
    ValueAnswer, ValueCommand,
};
use orrery_base::{CharacterId, EntityId, ObjectId, Tick, TypeId};
use orrery_proto::message::{ClientMessage, ServerMessage};

const STATION: EntityId = EntityId::of_object(ObjectId(1_000_000));
const ITEM: ItemId = ItemId::new(3, 300);
const ORDER: OrderId = OrderId(5_000_000_001);
const TRADE: TradeId = TradeId(77);
/// Milliseconds since 1970.
const NOW: u64 = 1_795_000_000_123;

fn request() -> u128 {
    RequestId::new(NOW, 0x1234_5678_9abc_def0_1122).0
}

fn things() -> Vec<ValueCommand> {
    vec![
        ValueCommand::Stack {
            from: ITEM,
            onto: ItemId::new(3, 301),
        },
        ValueCommand::Split {
            item: ITEM,
            quantity: 128,
        },
        ValueCommand::Move {
            item: ITEM,
            quantity: 1,
            to: Place::Cargo,
        },
        ValueCommand::Trash {
            item: ITEM,
            quantity: u64::MAX,
        },
        ValueCommand::Assemble { item: ITEM },
        ValueCommand::Repackage { item: ITEM },
        ValueCommand::Board { item: ITEM },
        ValueCommand::Rename {
            item: ITEM,
            name: "Zażółć".to_owned(),
        },
        ValueCommand::Pay {
            to: CharacterId(43),
            amount: Money(12_345),
            memo: "for the frigate".to_owned(),
        },
    ]
}

fn trading() -> Vec<ValueCommand> {
    let buy = |range| ValueCommand::Buy {
        type_id: TypeId(300),
        quantity: 1_000,
        minimum: 10,
        price: Money(999),
        range,
        days: 90,
    };
    vec![
        ValueCommand::Sell {
            item: ITEM,
            quantity: 5,
            price: Money(i64::MAX),
            days: 0,
        },
        buy(OrderRange::Station),
        buy(OrderRange::System),
        buy(OrderRange::Jumps(40)),
        buy(OrderRange::Region),
        ValueCommand::CancelOrder { order: ORDER },
        ValueCommand::ModifyOrder {
            order: ORDER,
            price: Money(-1),
        },
        ValueCommand::OfferTrade {
            with: CharacterId(43),
        },
        ValueCommand::AddItem {
            trade: TRADE,
            item: ITEM,
            quantity: 2,
        },
        ValueCommand::SetMoney {
            trade: TRADE,
            amount: Money(0),
        },
        ValueCommand::AcceptTrade {
            trade: TRADE,
            version: u32::MAX,
        },
        ValueCommand::CancelTrade { trade: TRADE },
        ValueCommand::RemoveItem {
            trade: TRADE,
            item: ITEM,
            quantity: 128,
        },
    ]
}

fn queries() -> Vec<ValueQuery> {
    vec![
        ValueQuery::Wallet {
            before: 0,
            limit: 50,
            reason: None,
        },
        ValueQuery::Wallet {
            before: 4_001,
            limit: 0,
            reason: Some(TransferReason::SalesTax),
        },
        ValueQuery::Inventory {
            place: ItemPlace::Here(Place::Hangar),
            after: ItemId::NONE,
        },
        ValueQuery::Inventory {
            place: ItemPlace::Here(Place::Cargo),
            after: ITEM,
        },
        ValueQuery::Inventory {
            place: ItemPlace::HangarAt(STATION),
            after: ITEM,
        },
        ValueQuery::Book {
            type_id: TypeId(300),
            limit: 20,
        },
        ValueQuery::MyOrders { after: ORDER },
        ValueQuery::History {
            type_id: TypeId(300),
            before_day: 20_775,
        },
        ValueQuery::Trade { trade: TRADE },
    ]
}

pub(super) fn client_messages() -> Vec<ClientMessage> {
    let commands = things().into_iter().chain(trading());
    let commands = commands
        .zip(500..)
        .map(|(command, sequence)| ClientMessage::Command {
            sequence,
            request: request(),
            command: Some(command.into()),
        });
    let queries = queries().into_iter().zip(127..);
    commands
        .chain(queries.map(|(query, sequence)| ClientMessage::Query {
            sequence,
            query: Some(query),
        }))
        .collect()
}

fn ship(name: &str) -> ItemRow {
    ItemRow {
        item: ITEM,
        type_id: TypeId(300),
        quantity: 1,
        is_assembled: true,
        is_damaged: true,
        is_boarded: true,
        name: name.to_owned(),
    }
}

fn ore() -> ItemRow {
    ItemRow {
        item: ItemId::new(3, 302),
        type_id: TypeId(34),
        quantity: 1_000_000,
        ..ItemRow::default()
    }
}

fn book_row(range: OrderRange) -> BookRow {
    BookRow {
        order: ORDER,
        price: Money(999),
        quantity: 1_000,
        minimum: 10,
        station: STATION,
        range: Some(range),
        expires_unix_ms: NOW,
    }
}

fn views() -> Vec<ValueView> {
    let candle = CandleRow {
        day: 20_775,
        open: Money(1_000),
        high: Money(1_100),
        low: Money(900),
        close: Money(1_050),
        volume: 12_345,
        trades: 67,
    };
    let entry = JournalEntry {
        entry: 4_000,
        at_unix_ms: NOW,
        reason: Some(TransferReason::PlayerPayment),
        amount: Money(-12_345),
        balance: Money(987_655),
        other: CharacterId(43),
        reference: 0,
        memo: "for the frigate".to_owned(),
    };
    vec![
        ValueView::Wallet {
            balance: Money(987_655),
            entries: vec![entry, JournalEntry::default()],
            next: 4_000,
        },
        ValueView::Inventory {
            items: vec![ship("Zażółć"), ore()],
            next: ItemId::NONE,
        },
        ValueView::Book {
            type_id: TypeId(300),
            sells: vec![book_row(OrderRange::Station)],
            buys: vec![book_row(OrderRange::Jumps(5)), book_row(OrderRange::Region)],
        },
        ValueView::MyOrders {
            orders: vec![OrderRow {
                public: book_row(OrderRange::System),
                type_id: TypeId(300),
                is_buy: true,
                initial: 2_000,
                placed_unix_ms: NOW - 1,
            }],
            next: ORDER,
        },
        ValueView::History {
            type_id: TypeId(300),
            candles: vec![candle],
            next: 20_775,
        },
        ValueView::Trade {
            trade: TRADE,
            with: CharacterId(43),
            version: 9,
            state: Some(TradeState::Open),
            own: TradeOffer {
                money: Money(500),
                has_accepted: true,
                items: vec![ore()],
            },
            theirs: TradeOffer::default(),
        },
    ]
}

fn events() -> Vec<ServerMessage> {
    vec![
        ServerMessage::WalletChanged {
            balance: Money(987_655),
            amount: Money(-12_345),
            reason: Some(TransferReason::PlayerPayment),
        },
        ServerMessage::OrderFilled {
            order: ORDER,
            quantity: 300,
            price: Money(999),
            left: 700,
        },
        ServerMessage::OrderEnded {
            order: ORDER,
            why: Some(OrderEnd::Expired),
        },
        ServerMessage::ItemsDelivered {
            station: STATION,
            type_id: TypeId(300),
            quantity: 300,
            item: ITEM,
        },
        ServerMessage::TradeChanged {
            trade: TRADE,
            with: CharacterId(43),
            version: 10,
            state: Some(TradeState::Done),
        },
        ServerMessage::TradeChanged {
            trade: TRADE,
            with: CharacterId(43),
            version: 1,
            state: Some(TradeState::Offered),
        },
    ]
}

pub(super) fn server_messages() -> Vec<ServerMessage> {
    let result = ServerMessage::CommandResult {
        sequence: 500,
        request: request(),
        tick: Tick(123_456_789),
        reject: None,
        answer: ValueAnswer {
            item: ITEM,
            order: ORDER,
            trade: TRADE,
            quantity: 300,
            money: Money(299_700),
            fees: Money(150),
        },
    };
    let answer = |(view, sequence): (ValueView, u32)| ServerMessage::QueryAnswer {
        sequence,
        last: sequence % 2 == 0,
        view: Some(view),
        reject: None,
    };
    let refused = ServerMessage::QueryAnswer {
        sequence: 1,
        last: true,
        view: None,
        reject: Some(RejectCode::TradeUnknown.into()),
    };
    let mut messages = vec![result, refused];
    messages.extend(views().into_iter().zip(127..).map(answer));
    messages.extend(events());
    messages
}
