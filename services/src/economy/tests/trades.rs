//! Trade windows, step by step.

mod ends;

use orrery_base::CharacterId;
use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::query::{TradeOffer, ValueView};
use orrery_base::value::{ItemId, TradeId, TradeState, ValueCommand};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Domain, KeyRange, Order, Rows as _};

use super::town::{HULL, METAL, ORE, SECRET, Town, ship_of};
use crate::economy::query::trade_view;

const START: i64 = 1_000_000_00;

fn offer(with: u64) -> ValueCommand {
    ValueCommand::OfferTrade {
        with: CharacterId(with),
    }
}

const fn add(trade: TradeId, item: ItemId, quantity: u64) -> ValueCommand {
    ValueCommand::AddItem {
        trade,
        item,
        quantity,
    }
}

const fn remove(trade: TradeId, item: ItemId, quantity: u64) -> ValueCommand {
    ValueCommand::RemoveItem {
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

const fn accept(trade: TradeId, version: u32) -> ValueCommand {
    ValueCommand::AcceptTrade { trade, version }
}

const fn cancel(trade: TradeId) -> ValueCommand {
    ValueCommand::CancelTrade { trade }
}

/// A town whose characters are all there.
fn town(characters: u64) -> Town {
    let mut town = Town::new(2, characters);
    for character in 1..=characters {
        town.present(character, Some(1));
    }
    town.rest();
    town
}

/// A town in which 1 and 2 have agreed to trade.
fn trading() -> (Town, TradeId) {
    let mut town = town(3);
    let trade = town.ok(1, offer(2)).trade;
    assert_eq!(town.ok(2, offer(1)).trade, trade);
    town.events.clear();
    (town, trade)
}

struct Shown {
    with: u64,
    version: u32,
    state: TradeState,
    own: TradeOffer,
    theirs: TradeOffer,
}

fn shown(town: &Town, character: u64, trade: TradeId) -> Option<Shown> {
    let view = trade_view(&town.rows, 8, CharacterId(character), trade).unwrap()?;
    let ValueView::Trade {
        trade: id,
        with,
        version,
        state,
        own,
        theirs,
    } = view
    else {
        panic!("another view")
    };
    assert_eq!(id, trade);
    Some(Shown {
        with: with.0,
        version,
        state: state.unwrap(),
        own,
        theirs,
    })
}

fn version(town: &Town, trade: TradeId) -> u32 {
    shown(town, 1, trade).unwrap().version
}

/// What characters have heard about the trade, in the order of the beats.
fn heard(town: &Town, character: u64) -> Vec<(u64, u32, TradeState)> {
    let events = town.events.iter();
    let of = events.filter(|(whom, _)| whom.0 == character);
    of.filter_map(|(_, event)| match event {
        ServerMessage::TradeChanged {
            with,
            version,
            state,
            ..
        } => Some((with.0, *version, state.unwrap())),
        _ => None,
    })
    .collect()
}

/// No rows of trades, and everybody has what everybody began with.
fn assert_as_before(town: &Town) {
    for character in [1, 2] {
        assert_eq!(town.coins(character), Money(START), "{character}");
        for (type_id, units) in [(ORE, 1_000), (METAL, 500), (HULL, 2), (SECRET, 5)] {
            assert_eq!(town.units(character, 1, type_id), units, "{character}");
        }
    }
    assert_no_trades(town);
}

fn assert_no_trades(town: &Town) {
    let rows = town
        .rows
        .scan(Domain::Market, KeyRange::all(), Order::Ascending);
    let left: Vec<_> = rows.map(|row| row.unwrap().key[0]).collect();
    assert!(!left.contains(&17) && !left.contains(&18), "{left:?}");
}

#[test]
fn goods_and_money_go_across_when_both_have_accepted() {
    let (mut town, trade) = trading();
    let (ore, hull) = (town.item(1, ORE), town.item(1, HULL));
    let part = town.ok(1, add(trade, ore, 400)).item;
    assert_ne!(part, ore);
    assert_eq!(
        town.ok(1, add(trade, hull, 2)).item,
        hull,
        "the whole stack"
    );
    assert_eq!(town.ok(2, money(trade, 700_00)).money, Money(700_00));
    // What is offered has left.
    assert_eq!((town.units(1, 1, ORE), town.units(1, 1, HULL)), (600, 0));
    assert_eq!(town.coins(2), Money(START - 700_00));
    let view = shown(&town, 1, trade).unwrap();
    assert_eq!(
        (view.with, view.version, view.state),
        (2, 5, TradeState::Open)
    );
    let mut offered: Vec<_> = view.own.items.iter().map(|row| row.quantity).collect();
    offered.sort_unstable();
    assert_eq!((offered, view.own.money), (vec![2, 400], Money(0)));
    assert_eq!(view.theirs.money, Money(700_00));

    town.ok(1, accept(trade, 5));
    let view = shown(&town, 2, trade).unwrap();
    assert!(!view.own.has_accepted && view.theirs.has_accepted);
    assert_eq!(view.version, 5, "accepting is no change");
    town.ok(2, accept(trade, 5));
    assert_eq!(town.coins(1), Money(START + 700_00));
    assert_eq!(town.coins(2), Money(START - 700_00));
    assert_eq!((town.units(2, 1, ORE), town.units(2, 1, HULL)), (1_400, 4));
    assert_eq!((town.units(1, 1, ORE), town.units(1, 1, HULL)), (600, 0));
    assert!(shown(&town, 1, trade).is_none());
    assert_no_trades(&town);
    let versions = [2, 3, 4, 5, 5].map(|version| (2, version, TradeState::Open));
    let all = heard(&town, 1);
    assert_eq!(
        all[..4],
        versions[1..],
        "one for every change and acceptance"
    );
    assert_eq!(all[4..], [(2, 5, TradeState::Done)]);
    assert_eq!(heard(&town, 2).last(), Some(&(1, 5, TradeState::Done)));
}

#[test]
fn any_change_resets_what_was_accepted() {
    let (mut town, trade) = trading();
    let (ore, metal) = (town.item(1, ORE), town.item(2, METAL));
    let part = town.ok(1, add(trade, ore, 10)).item;
    let changes = [
        (1, add(trade, ore, 1)),
        (2, add(trade, metal, 1)),
        (2, money(trade, 50_00)),
        (2, money(trade, 49_00)),
        (2, money(trade, 60_00)),
        (1, remove(trade, part, 5)),
    ];
    for (who, change) in changes {
        for side in [1, 2] {
            // Whoever did not make the change had accepted; both of them in turn.
            let before = version(&town, trade);
            if side == who {
                continue;
            }
            town.ok(side, accept(trade, before));
            town.ok(who, change.clone());
            let view = shown(&town, side, trade).unwrap();
            assert_eq!(view.version, before + 1, "{change:?}");
            assert!(!view.own.has_accepted && !view.theirs.has_accepted);
            assert_eq!(
                town.refused(side, accept(trade, before)),
                RejectCode::TradeChanged
            );
        }
        // Also what the one who changes it had accepted.
        let before = version(&town, trade);
        town.ok(who, accept(trade, before));
        town.ok(who, money(trade, 1_00));
        assert!(!shown(&town, who, trade).unwrap().own.has_accepted);
        town.ok(who, money(trade, 0));
    }
    let last = version(&town, trade);
    town.ok(1, accept(trade, last));
    // Accepting twice is not accepting for the other one.
    town.ok(1, accept(trade, last));
    assert!(shown(&town, 1, trade).is_some());
    town.ok(2, cancel(trade));
    assert_as_before(&town);
}

#[test]
fn money_is_set_not_added() {
    let (mut town, trade) = trading();
    for cents in [300_00, 100_00, 100_00, START, 0, 5] {
        town.ok(1, money(trade, cents));
        assert_eq!(town.coins(1), Money(START - cents));
        assert_eq!(shown(&town, 2, trade).unwrap().theirs.money, Money(cents));
    }
    // Three at once, before any is answered.
    let asked = [900_00, 10_00, 500_00].map(|cents| town.ask(1, money(trade, cents)));
    town.rest();
    assert!(
        asked
            .into_iter()
            .all(|request| town.outcome(request).is_ok())
    );
    assert_eq!(town.coins(1), Money(START - 500_00));
    assert_eq!(
        town.refused(1, money(trade, START + 1)),
        RejectCode::NotEnoughMoney
    );
    assert_eq!(
        town.refused(1, money(trade, -1)),
        RejectCode::QuantityInvalid
    );
    town.ok(1, cancel(trade));
    assert_as_before(&town);
}

#[test]
fn what_was_offered_can_be_taken_back() {
    let (mut town, trade) = trading();
    let ore = town.item(1, ORE);
    town.ok(1, add(trade, ore, 1_000));
    town.ok(1, remove(trade, ore, 400));
    assert_eq!(town.units(1, 1, ORE), 400);
    for (quantity, code) in [
        (0, RejectCode::QuantityInvalid),
        (601, RejectCode::NotEnoughItems),
    ] {
        assert_eq!(town.refused(1, remove(trade, ore, quantity)), code);
    }
    let theirs = town.refused(2, remove(trade, ore, 1));
    assert_eq!(theirs, RejectCode::ItemUnknown, "the other side's");
    let before = version(&town, trade);
    town.ok(1, remove(trade, ore, 600));
    assert_eq!(version(&town, trade), before + 1);
    assert!(shown(&town, 1, trade).unwrap().own.items.is_empty());
    town.ok(2, cancel(trade));
    assert_as_before(&town);
}

#[test]
fn an_invitation_is_accepted_declined_or_refused() {
    let mut town = town(3);
    for (with, code) in [
        (1, RejectCode::PartnerIsSelf),
        (0, RejectCode::CharacterUnknown),
        (99, RejectCode::CharacterUnknown),
    ] {
        assert_eq!(town.refused(1, offer(with)), code, "{with}");
    }
    town.events.clear();
    let trade = town.ok(1, offer(2)).trade;
    assert_eq!(heard(&town, 2), [(1, 1, TradeState::Offered)]);
    assert_eq!(shown(&town, 2, trade).unwrap().state, TradeState::Offered);
    assert!(shown(&town, 3, trade).is_none(), "nobody else's business");
    assert_eq!(town.refused(1, offer(2)), RejectCode::TradeExists);
    let ore = town.item(1, ORE);
    for early in [add(trade, ore, 1), money(trade, 1), accept(trade, 1)] {
        assert_eq!(town.refused(1, early.clone()), RejectCode::TradeNotOpen);
        assert_eq!(town.refused(3, early), RejectCode::TradeUnknown);
    }
    assert_eq!(town.refused(3, cancel(trade)), RejectCode::TradeUnknown);
    town.ok(2, cancel(trade));
    assert_eq!(
        heard(&town, 1).last(),
        Some(&(2, 1, TradeState::Cancelled)),
        "declined"
    );
    assert_eq!(town.refused(1, cancel(trade)), RejectCode::TradeUnknown);
    // Another one, which is agreed to, once.
    let trade = town.ok(1, offer(2)).trade;
    town.ok(2, offer(1));
    assert_eq!(town.refused(2, offer(1)), RejectCode::TradeExists);
    assert_eq!(heard(&town, 1).last(), Some(&(2, 2, TradeState::Open)));
    town.ok(1, cancel(trade));
    assert_as_before(&town);
}

#[test]
fn of_two_invitations_that_cross_one_counts() {
    let mut town = town(2);
    let asked = [town.ask(1, offer(2)), town.ask(2, offer(1))];
    town.rest();
    let outcomes = asked.map(|request| town.outcome(request));
    let done: Vec<_> = outcomes.iter().filter_map(|it| it.ok()).collect();
    assert_eq!(done.len(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&Err(RejectCode::TradeExists)));
    // Whoever was refused has been invited, and agrees.
    let refused = 1 + u64::from(outcomes[1].is_err());
    assert_eq!(town.ok(refused, offer(3 - refused)).trade, done[0].trade);
    assert_eq!(
        shown(&town, 1, done[0].trade).unwrap().state,
        TradeState::Open
    );
}

#[test]
fn trades_and_stacks_are_bounded() {
    let mut town = town(6);
    let trade = town.ok(1, offer(2)).trade;
    town.ok(2, offer(1));
    town.ok(1, offer(3));
    town.ok(1, offer(4));
    assert_eq!(town.refused(1, offer(5)), RejectCode::TooManyTrades);
    assert_eq!(
        town.refused(5, offer(1)),
        RejectCode::TooManyTrades,
        "the guest has too many"
    );
    let ore = town.item(1, ORE);
    for _ in 0..4 {
        let split = ValueCommand::Split {
            item: ore,
            quantity: 10,
        };
        let part = town.ok(1, split).item;
        town.ok(1, add(trade, part, 10));
    }
    let before = version(&town, trade);
    assert_eq!(
        town.refused(1, add(trade, ore, 1)),
        RejectCode::TooManyItems
    );
    assert_eq!(town.units(1, 1, ORE), 960, "it is back");
    assert_eq!(version(&town, trade), before);
    for with in [2, 3, 4] {
        town.present(with, None);
    }
    town.rest();
    assert_as_before(&town);
    town.ok(1, offer(5));
}

#[test]
fn only_what_is_there_can_be_offered() {
    let (mut town, trade) = trading();
    let (ore, theirs, hull) = (town.item(1, ORE), town.item(2, ORE), town.item(1, HULL));
    for (command, code) in [
        (add(trade, theirs, 1), RejectCode::ItemUnknown),
        (add(trade, ItemId(999), 1), RejectCode::ItemUnknown),
        (add(trade, ore, 0), RejectCode::QuantityInvalid),
        (add(trade, ore, 1_001), RejectCode::NotEnoughItems),
        // The ship that the character sits in is in no hangar.
        (
            add(trade, ship_of(CharacterId(1)), 1),
            RejectCode::ItemUnknown,
        ),
        (add(TradeId(5), ore, 1), RejectCode::TradeUnknown),
        (accept(trade, 1), RejectCode::TradeChanged),
        (accept(trade, 3), RejectCode::TradeChanged),
    ] {
        assert_eq!(town.refused(1, command.clone()), code, "{command:?}");
    }
    let ship = town.ok(1, ValueCommand::Assemble { item: hull }).item;
    let name = "Second Thought".to_owned();
    town.ok(1, ValueCommand::Rename { item: ship, name });
    assert_eq!(town.ok(1, add(trade, ship, 1)).item, ship);
    let last = version(&town, trade);
    town.ok(1, accept(trade, last));
    town.ok(2, accept(trade, last));
    let got = town.hangar(2, 1);
    let got = got.iter().find(|stack| stack.id == ship).unwrap();
    assert!(got.is_assembled);
    assert_eq!(got.name.as_deref(), Some("Second Thought"));
}

#[test]
fn a_ship_with_something_in_its_hold_is_not_offered() {
    let (mut town, trade) = trading();
    let (hull, ore) = (town.item(1, HULL), town.item(1, ORE));
    let ship = town.ok(1, ValueCommand::Assemble { item: hull }).item;
    let mut desk = super::town::desk(1, 1);
    desk.ship = ship.entity();
    let request = town.request();
    town.command(crate::economy::Command {
        actor: CharacterId(1),
        request,
        desk: Some(desk),
        command: ValueCommand::Move {
            item: ore,
            quantity: 3,
            to: orrery_base::value::Place::Cargo,
        },
    });
    town.rest();
    assert!(town.outcome(request).is_ok());
    assert_eq!(
        town.refused(1, add(trade, ship, 1)),
        RejectCode::ShipNotEmpty
    );
}
