//! What is said about value.

use orrery_base::value::query::{
    BOOK_SIDE_MAX, BookRow, CANDLES_PAGE_MAX, CandleRow, ITEMS_PAGE_MAX, ItemPlace, ItemRow,
    JOURNAL_PAGE_MAX, JournalEntry, ORDERS_PAGE_MAX, OrderRow, TradeOffer,
};
use orrery_base::value::{
    ITEM_NAME_BYTES_MAX, MEMO_BYTES_MAX, OrderRange, Place, RequestId, ValueCommand,
};

use super::*;

fn items() -> impl Strategy<Value = ItemId> {
    any::<u64>().prop_map(ItemId)
}

fn orders() -> impl Strategy<Value = OrderId> {
    any::<u64>().prop_map(OrderId)
}

fn trades() -> impl Strategy<Value = TradeId> {
    any::<u64>().prop_map(TradeId)
}

fn types() -> impl Strategy<Value = TypeId> {
    any::<u32>().prop_map(TypeId)
}

fn characters() -> impl Strategy<Value = CharacterId> {
    any::<u64>().prop_map(CharacterId)
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![any::<i64>(), -1_000_i64..1_000].prop_map(Money)
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Hangar), Just(Place::Cargo)]
}

fn ranges() -> impl Strategy<Value = OrderRange> {
    prop_oneof![
        Just(OrderRange::Station),
        Just(OrderRange::System),
        any::<u8>().prop_map(OrderRange::Jumps),
        Just(OrderRange::Region),
    ]
}

fn reasons() -> impl Strategy<Value = Option<TransferReason>> {
    prop::option::of(prop::sample::select(TransferReason::ALL))
}

pub(super) fn value_commands() -> impl Strategy<Value = ValueCommand> {
    use ValueCommand as V;
    let counted = || (items(), any::<u64>());
    let things = prop_oneof![
        (items(), items()).prop_map(|(from, onto)| V::Stack { from, onto }),
        counted().prop_map(|(item, quantity)| V::Split { item, quantity }),
        (counted(), places()).prop_map(|((item, quantity), to)| V::Move { item, quantity, to }),
        counted().prop_map(|(item, quantity)| V::Trash { item, quantity }),
        items().prop_map(|item| V::Assemble { item }),
        items().prop_map(|item| V::Repackage { item }),
        items().prop_map(|item| V::Board { item }),
        (items(), names()).prop_map(|(item, name)| V::Rename { item, name }),
        (characters(), money(), names()).prop_map(|(to, amount, memo)| V::Pay { to, amount, memo }),
    ];
    let market = prop_oneof![
        (counted(), money(), any::<u8>()).prop_map(|((item, quantity), price, days)| V::Sell {
            item,
            quantity,
            price,
            days
        }),
        (types(), any::<[u64; 2]>(), money(), ranges(), any::<u8>()).prop_map(
            |(type_id, [quantity, minimum], price, range, days)| V::Buy {
                type_id,
                quantity,
                minimum,
                price,
                range,
                days
            }
        ),
        orders().prop_map(|order| V::CancelOrder { order }),
        (orders(), money()).prop_map(|(order, price)| V::ModifyOrder { order, price }),
    ];
    let windows = prop_oneof![
        characters().prop_map(|with| V::OfferTrade { with }),
        (trades(), counted()).prop_map(|(trade, (item, quantity))| V::AddItem {
            trade,
            item,
            quantity
        }),
        (trades(), money()).prop_map(|(trade, amount)| V::SetMoney { trade, amount }),
        (trades(), any::<u32>()).prop_map(|(trade, version)| V::AcceptTrade { trade, version }),
        trades().prop_map(|trade| V::CancelTrade { trade }),
        (trades(), counted()).prop_map(|(trade, (item, quantity))| V::RemoveItem {
            trade,
            item,
            quantity
        }),
    ];
    prop_oneof![things, market, windows]
}

pub(super) fn queries() -> impl Strategy<Value = ValueQuery> {
    use ValueQuery as Q;
    prop_oneof![
        (any::<u64>(), any::<u8>(), reasons()).prop_map(|(before, limit, reason)| Q::Wallet {
            before,
            limit,
            reason
        }),
        (
            prop_oneof![
                places().prop_map(ItemPlace::Here),
                entities().prop_map(ItemPlace::HangarAt)
            ],
            items()
        )
            .prop_map(|(place, after)| Q::Inventory { place, after }),
        (types(), any::<u8>()).prop_map(|(type_id, limit)| Q::Book { type_id, limit }),
        orders().prop_map(|after| Q::MyOrders { after }),
        (types(), any::<u32>()).prop_map(|(type_id, before_day)| Q::History {
            type_id,
            before_day
        }),
        trades().prop_map(|trade| Q::Trade { trade }),
    ]
}

pub(super) fn answers() -> impl Strategy<Value = ValueAnswer> {
    (items(), orders(), trades(), any::<u64>(), money(), money()).prop_map(
        |(item, order, trade, quantity, money, fees)| ValueAnswer {
            item,
            order,
            trade,
            quantity,
            money,
            fees,
        },
    )
}

fn journal_entries() -> impl Strategy<Value = JournalEntry> {
    (any::<[u64; 4]>(), reasons(), [money(), money()], names()).prop_map(
        |([entry, at_unix_ms, other, reference], reason, [amount, balance], memo)| JournalEntry {
            entry,
            at_unix_ms,
            reason,
            amount,
            balance,
            other: CharacterId(other),
            reference,
            memo,
        },
    )
}

fn item_rows() -> impl Strategy<Value = ItemRow> {
    (items(), types(), any::<u64>(), any::<[bool; 3]>(), names()).prop_map(
        |(item, type_id, quantity, [is_assembled, is_damaged, is_boarded], name)| ItemRow {
            item,
            type_id,
            quantity,
            is_assembled,
            is_damaged,
            is_boarded,
            name,
        },
    )
}

fn book_rows() -> impl Strategy<Value = BookRow> {
    (
        orders(),
        money(),
        any::<[u64; 3]>(),
        entities(),
        prop::option::of(ranges()),
    )
        .prop_map(
            |(order, price, [quantity, minimum, expires_unix_ms], station, range)| BookRow {
                order,
                price,
                quantity,
                minimum,
                station,
                range,
                expires_unix_ms,
            },
        )
}

fn order_rows() -> impl Strategy<Value = OrderRow> {
    (book_rows(), types(), any::<bool>(), any::<[u64; 2]>()).prop_map(
        |(public, type_id, is_buy, [initial, placed_unix_ms])| OrderRow {
            public,
            type_id,
            is_buy,
            initial,
            placed_unix_ms,
        },
    )
}

fn candles() -> impl Strategy<Value = CandleRow> {
    (
        any::<u32>(),
        [money(), money(), money(), money()],
        any::<[u64; 2]>(),
    )
        .prop_map(
            |(day, [open, high, low, close], [volume, trades])| CandleRow {
                day,
                open,
                high,
                low,
                close,
                volume,
                trades,
            },
        )
}

fn offers() -> impl Strategy<Value = TradeOffer> {
    (
        money(),
        any::<bool>(),
        prop::collection::vec(item_rows(), 0..8),
    )
        .prop_map(|(money, has_accepted, items)| TradeOffer {
            money,
            has_accepted,
            items,
        })
}

fn trade_states() -> impl Strategy<Value = Option<TradeState>> {
    prop::option::of(prop::sample::select(TradeState::ALL))
}

pub(super) fn views() -> impl Strategy<Value = ValueView> {
    use prop::collection::vec;
    prop_oneof![
        (money(), vec(journal_entries(), 0..8), any::<u64>()).prop_map(
            |(balance, entries, next)| ValueView::Wallet {
                balance,
                entries,
                next
            }
        ),
        (vec(item_rows(), 0..8), items())
            .prop_map(|(items, next)| ValueView::Inventory { items, next }),
        (types(), vec(book_rows(), 0..8), vec(book_rows(), 0..8)).prop_map(
            |(type_id, sells, buys)| ValueView::Book {
                type_id,
                sells,
                buys
            }
        ),
        (vec(order_rows(), 0..8), orders())
            .prop_map(|(orders, next)| ValueView::MyOrders { orders, next }),
        (types(), vec(candles(), 0..8), any::<u32>()).prop_map(|(type_id, candles, next)| {
            ValueView::History {
                type_id,
                candles,
                next,
            }
        }),
        (
            trades(),
            characters(),
            any::<u32>(),
            trade_states(),
            [offers(), offers()]
        )
            .prop_map(|(trade, with, version, state, [own, theirs])| {
                ValueView::Trade {
                    trade,
                    with,
                    version,
                    state,
                    own,
                    theirs,
                }
            }),
    ]
}

/// The events, and the answers to queries.
pub(super) fn value_messages() -> impl Strategy<Value = ServerMessage> {
    let rejects = prop::sample::select(RejectCode::ALL).prop_map(Reject::from);
    prop_oneof![
        (
            any::<u32>(),
            any::<bool>(),
            prop::option::of(views()),
            prop::option::of(rejects)
        )
            .prop_map(
                |(sequence, last, view, reject)| ServerMessage::QueryAnswer {
                    sequence,
                    last,
                    view,
                    reject,
                }
            ),
        (money(), money(), reasons()).prop_map(|(balance, amount, reason)| {
            ServerMessage::WalletChanged {
                balance,
                amount,
                reason,
            }
        }),
        (orders(), any::<u64>(), money(), any::<u64>()).prop_map(
            |(order, quantity, price, left)| ServerMessage::OrderFilled {
                order,
                quantity,
                price,
                left,
            }
        ),
        (
            orders(),
            prop::option::of(prop::sample::select(OrderEnd::ALL))
        )
            .prop_map(|(order, why)| ServerMessage::OrderEnded { order, why }),
        (entities(), types(), any::<u64>(), items()).prop_map(
            |(station, type_id, quantity, item)| ServerMessage::ItemsDelivered {
                station,
                type_id,
                quantity,
                item,
            }
        ),
        (trades(), characters(), any::<u32>(), trade_states()).prop_map(
            |(trade, with, version, state)| ServerMessage::TradeChanged {
                trade,
                with,
                version,
                state,
            }
        ),
    ]
}

fn answer(view: ValueView) -> ServerMessage {
    ServerMessage::QueryAnswer {
        sequence: u32::MAX,
        last: true,
        view: Some(view),
        reject: None,
    }
}

fn row(text_bytes: usize) -> ItemRow {
    ItemRow {
        item: ItemId(u64::MAX),
        type_id: TypeId(u32::MAX),
        quantity: u64::MAX,
        is_assembled: true,
        is_damaged: true,
        is_boarded: true,
        name: "x".repeat(text_bytes),
    }
}

fn largest_views() -> Vec<ValueView> {
    let most = Money(i64::MIN);
    let entry = JournalEntry {
        entry: u64::MAX,
        at_unix_ms: u64::MAX,
        reason: TransferReason::ALL.last().copied(),
        amount: most,
        balance: most,
        other: CharacterId(u64::MAX),
        reference: u64::MAX,
        memo: "x".repeat(MEMO_BYTES_MAX),
    };
    let book = BookRow {
        order: OrderId(u64::MAX),
        price: most,
        quantity: u64::MAX,
        minimum: u64::MAX,
        station: EntityId(u64::MAX),
        range: Some(OrderRange::Jumps(255)),
        expires_unix_ms: u64::MAX,
    };
    let order = OrderRow {
        public: book,
        type_id: TypeId(u32::MAX),
        is_buy: true,
        initial: u64::MAX,
        placed_unix_ms: u64::MAX,
    };
    let candle = CandleRow {
        day: u32::MAX,
        open: most,
        high: most,
        low: most,
        close: most,
        volume: u64::MAX,
        trades: u64::MAX,
    };
    let offer = TradeOffer {
        money: most,
        has_accepted: true,
        items: vec![row(ITEM_NAME_BYTES_MAX); ITEMS_PAGE_MAX],
    };
    vec![
        ValueView::Wallet {
            balance: most,
            entries: vec![entry; JOURNAL_PAGE_MAX],
            next: u64::MAX,
        },
        ValueView::Inventory {
            items: offer.items.clone(),
            next: ItemId(u64::MAX),
        },
        ValueView::Book {
            type_id: TypeId(u32::MAX),
            sells: vec![book; BOOK_SIDE_MAX],
            buys: vec![book; BOOK_SIDE_MAX],
        },
        ValueView::MyOrders {
            orders: vec![order; ORDERS_PAGE_MAX],
            next: OrderId(u64::MAX),
        },
        ValueView::History {
            type_id: TypeId(u32::MAX),
            candles: vec![candle; CANDLES_PAGE_MAX],
            next: u32::MAX,
        },
        ValueView::Trade {
            trade: TradeId(u64::MAX),
            with: CharacterId(u64::MAX),
            version: u32::MAX,
            state: TradeState::ALL.last().copied(),
            own: offer.clone(),
            theirs: offer,
        },
    ]
}

#[test]
fn the_largest_views_fit_a_frame() {
    for view in largest_views() {
        let message = answer(view);
        let frame = frames(&message.to_frame(), 1_000).remove(0);
        assert!(frame.len() <= MAX_MESSAGE_BYTES, "{} bytes", frame.len());
        assert_eq!(ServerMessage::decode(&frame).unwrap(), message);
    }
}

#[test]
fn views_beyond_their_limits_are_cut_and_stay_readable() {
    let view = ValueView::Inventory {
        items: vec![row(1_000); 500],
        next: ItemId(7),
    };
    let frame = frames(&answer(view).to_frame(), 1_000).remove(0);
    let cut = ValueView::Inventory {
        items: vec![row(ITEM_NAME_BYTES_MAX); ITEMS_PAGE_MAX],
        next: ItemId(7),
    };
    assert_eq!(ServerMessage::decode(&frame).unwrap(), answer(cut));
}

/// A frame of `Command` with this body.
fn command(body: &[u8]) -> Result<Option<WireCommand>, FieldError> {
    let mut frame = vec![4, 1];
    frame.extend(RequestId::new(1, 2).0.to_le_bytes());
    frame.push(body.len() as u8);
    frame.extend(body);
    ClientMessage::decode(&frame).map(|message| match message {
        ClientMessage::Command { command, .. } => command,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_place_or_a_range_of_a_later_version_makes_the_command_an_unknown_one() {
    let moved = |to| ValueCommand::Move {
        item: ItemId(1),
        quantity: 2,
        to,
    };
    assert_eq!(
        command(&[34, 1, 2, 2]),
        Ok(Some(moved(Place::Cargo).into()))
    );
    assert_eq!(command(&[34, 1, 2, 3]), Ok(None));
    // No place at all is none that is known.
    assert_eq!(command(&[34, 1, 2]), Ok(None));
    let bought = |range| ValueCommand::Buy {
        type_id: TypeId(1),
        quantity: 2,
        minimum: 3,
        price: Money(-2),
        range,
        days: 90,
    };
    let jumps = OrderRange::Jumps(40);
    assert_eq!(
        command(&[42, 1, 2, 3, 3, 3, 40, 90]),
        Ok(Some(bought(jumps).into()))
    );
    assert_eq!(command(&[42, 1, 2, 3, 3, 5, 0, 90]), Ok(None));
    // Kinds between flight and value, and behind value.
    for kind in [30, 31, 51, 127] {
        assert_eq!(command(&[kind, 1, 2, 3]), Ok(None), "kind {kind}");
    }
    // What is malformed stays so.
    assert_eq!(command(&[34, 0x80]), Err(FieldError::Truncated));
    assert_eq!(
        command(&[41, 1, 2, 3, 0x80, 2]),
        Err(FieldError::Range(256))
    );
}

#[test]
fn queries_that_mean_nothing_here_are_unknown() {
    let query = |body: &[u8]| {
        let mut frame = vec![7, 9, body.len() as u8];
        frame.extend(body);
        match ClientMessage::decode(&frame) {
            Ok(ClientMessage::Query { sequence: 9, query }) => query,
            other => panic!("{other:?}"),
        }
    };
    let wallet = |reason| {
        Some(ValueQuery::Wallet {
            before: 5,
            limit: 6,
            reason,
        })
    };
    assert_eq!(query(&[1, 5, 6]), wallet(None));
    let sale = Some(TransferReason::MarketSale);
    assert_eq!(query(&[1, 5, 6, 2]), wallet(sale));
    // A filter that is not known would let through what it should not.
    assert_eq!(query(&[1, 5, 6, 99]), None);
    assert_eq!(query(&[1, 5, 6, 0x80, 0x02]), None);
    assert_eq!(query(&[2, 4]), None);
    assert_eq!(query(&[99]), None);
    assert_eq!(query(&[]), None);
}

#[test]
fn rows_of_a_later_version_may_have_more_fields() {
    // One candle of a day and one price, and one with all fields and three bytes more.
    let mut frame = vec![16, 1, 1, 20, 5, 7, 2, 2, 9, 4, 10];
    frame.extend([8, 2, 4, 6, 8, 1, 1, 0xff, 0xff, 0xff]);
    // The cursor of the view, and then no reject.
    frame.extend([8, 0]);
    let candles = vec![
        CandleRow {
            day: 9,
            open: Money(2),
            ..CandleRow::default()
        },
        CandleRow {
            day: 8,
            open: Money(1),
            high: Money(2),
            low: Money(3),
            close: Money(4),
            volume: 1,
            trades: 1,
        },
    ];
    let length = frame.len();
    frame[3] = (length - 5) as u8;
    assert_eq!(
        ServerMessage::decode(&frame),
        Ok(ServerMessage::QueryAnswer {
            sequence: 1,
            last: true,
            view: Some(ValueView::History {
                type_id: TypeId(7),
                candles,
                next: 8
            }),
            reject: None
        })
    );
    // A list must be as long as it says, and not longer than it may be.
    assert_eq!(
        ServerMessage::decode(&[16, 1, 1, 5, 5, 7, 2, 1, 9]),
        Err(FieldError::Truncated)
    );
    assert_eq!(
        ServerMessage::decode(&[16, 1, 1, 3, 5, 7, 101]),
        Err(FieldError::TooLong {
            length: 101,
            most: CANDLES_PAGE_MAX
        })
    );
}

#[test]
fn unknown_numbers_of_events_are_none() {
    assert_eq!(
        ServerMessage::decode(&[17, 4, 1, 0xc8, 1]),
        Ok(ServerMessage::WalletChanged {
            balance: Money(2),
            amount: Money(-1),
            reason: None
        })
    );
    assert_eq!(
        ServerMessage::decode(&[19, 4, 0xff, 0x7f]),
        Ok(ServerMessage::OrderEnded {
            order: OrderId(4),
            why: None
        })
    );
}

proptest! {
    /// Bodies are read as far as they are known, whatever they are.
    #[test]
    fn arbitrary_bodies_do_not_panic(kind in 0_u8..60, body in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut whole = vec![kind];
        whole.extend(&body);
        let _ = command(&whole);
        let mut frame = vec![7, 1, whole.len() as u8];
        frame.extend(&whole);
        let _ = ClientMessage::decode(&frame);
        let mut frame = vec![16, 1, 1, whole.len() as u8];
        frame.extend(&whole);
        if let Ok(message) = ServerMessage::decode(&frame) {
            let again = frames(&message.to_frame(), 64).remove(0);
            prop_assert_eq!(ServerMessage::decode(&again), Ok(message));
        }
    }
}
