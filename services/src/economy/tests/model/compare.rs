//! What the rows say against what the model says.

use std::collections::BTreeMap;

use orrery_base::CharacterId;
use orrery_base::value::{OrderId, TradeId};
use orrery_storage::{Domain, KeyRange, Order, Rows as _};

use super::super::town::Town;
use super::bazaar::Resting;
use super::world::{Pile, Place, World};
use super::{ACTORS, PARTITIONS, account_of};
use crate::custody::{Account, AccountKind, CustodyRow, PartitionIndex, home_of};
use crate::economy::own;
use crate::economy::trades::{read_all, read_own};
use crate::market::{RegionId, Side};

type Held = (u64, BTreeMap<u64, Pile>);

/// Everything that somebody has.
#[derive(Default, PartialEq, Eq, Debug)]
struct Holdings {
    accounts: BTreeMap<Account, Held>,
    burned: BTreeMap<(u32, u32), u64>,
    numbers: Vec<u64>,
}

fn stored(town: &Town) -> Holdings {
    let mut all = Holdings {
        numbers: vec![0; usize::from(PARTITIONS)],
        ..Holdings::default()
    };
    for row in town
        .rows
        .scan(Domain::Custody, KeyRange::all(), Order::Ascending)
    {
        let row = row.unwrap();
        match CustodyRow::read(&row.key, &row.value).unwrap() {
            CustodyRow::Head(_, account, coins, _) if coins > 0 => {
                all.accounts.entry(account).or_default().0 = coins;
            }
            CustodyRow::Stack(_, account, stack) if account.kind != AccountKind::Helm => {
                let pile = Pile {
                    id: stack.id.0,
                    type_id: stack.type_id.0,
                    quantity: stack.quantity,
                    is_assembled: stack.is_assembled,
                    name: stack.name.map_or_else(String::new, String::from),
                };
                let held = all.accounts.entry(account).or_default();
                held.1.insert(pile.id, pile);
            }
            CustodyRow::Total(_, account, commodity, total)
                if account.kind == AccountKind::Sink =>
            {
                let key = (account.owner as u32, commodity.number());
                *all.burned.entry(key).or_default() += total as u64;
            }
            CustodyRow::Counters(partition, items) => {
                all.numbers[usize::from(partition.0)] = items;
            }
            _ => {}
        }
    }
    all
}

fn modelled(world: &World) -> Holdings {
    let mut accounts: BTreeMap<Account, Held> = BTreeMap::new();
    for (&owner, &coins) in &world.wallets {
        if coins > 0 {
            accounts
                .entry(account_of(Place::Wallet(owner)))
                .or_default()
                .0 = coins;
        }
    }
    for (&place, piles) in &world.piles {
        if !piles.is_empty() {
            accounts.entry(account_of(place)).or_default().1 = piles.clone();
        }
    }
    for order in &world.orders {
        let account = Account::market(RegionId(order.region), OrderId(order.id));
        let goods = order.goods().map(|pile| (pile.id, pile));
        accounts.insert(account, (order.cents(), goods.into_iter().collect()));
    }
    for (&id, window) in &world.windows {
        for side in [0, 1] {
            let account = Account::escrow(TradeId(id), CharacterId(window.sides[side]));
            let (cents, piles) = &window.held[side];
            if *cents > 0 || !piles.is_empty() {
                accounts.insert(account, (*cents, piles.clone()));
            }
        }
    }
    Holdings {
        accounts,
        burned: world.burned.clone(),
        numbers: world.numbers.clone(),
    }
}

/// The model begins with what the rows have.
pub(super) fn begin(town: &Town, world: &mut World) {
    let all = stored(town);
    world.now = town.now().0;
    world.numbers = all.numbers;
    assert!(all.burned.is_empty());
    for actor in 1..=ACTORS {
        let of = |place| all.accounts.get(&account_of(place)).cloned();
        let (coins, _) = of(Place::Wallet(actor)).expect("everyone has a start");
        world.wallets.insert(actor, coins);
        let hangar = Place::Hangar(actor, 1);
        let (_, piles) = of(hangar).expect("everyone has a start");
        let granted: Vec<(u32, u64)> = piles
            .values()
            .map(|pile| (pile.type_id, pile.quantity))
            .collect();
        let grant: Vec<(u32, u64)> = town.rules.grant.iter().map(|&(id, n)| (id.0, n)).collect();
        assert_eq!((coins, granted), (town.rules.grant_cents, grant));
        world.piles.insert(hangar, piles);
    }
    holdings(town, world);
}

/// Wallets, hangars, holds, orders and what they hold, sinks, numbers of items.
pub(super) fn holdings(town: &Town, world: &World) {
    let (found, expected) = (stored(town), modelled(world));
    for (account, held) in &expected.accounts {
        assert_eq!(found.accounts.get(account), Some(held), "{account}");
    }
    for (account, held) in &found.accounts {
        assert!(
            expected.accounts.contains_key(account),
            "{account}: {held:?}"
        );
    }
    assert_eq!(found.burned, expected.burned);
    assert_eq!(found.numbers, expected.numbers);
    for region in [0, 1] {
        orders(town, world, region);
    }
}

/// Every order of a region, and which comes first.
fn orders(town: &Town, world: &World, region: u16) {
    let home = home_of(u64::from(region), PARTITIONS);
    let partition = town.partitions().find(|one| one.index() == home).unwrap();
    let book = partition.book(RegionId(region)).unwrap();
    let mut expected: Vec<Resting> = world.orders.clone();
    expected.retain(|order| order.region == region);
    expected.sort_by_key(|order| {
        let price = if order.is_buy {
            -order.price
        } else {
            order.price
        };
        (order.type_id, order.is_buy, price, order.sequence)
    });
    let mut found = expected.iter();
    for type_id in super::many_rules().goods.into_keys() {
        for side in [Side::Sell, Side::Buy] {
            for order in book.listed(type_id, side) {
                let due = found.next().expect("an order too many");
                let ours = Resting {
                    id: order.id.0,
                    region,
                    is_buy: order.side == Side::Buy,
                    type_id: order.type_id.0,
                    owner: order.owner.0,
                    station: order.station.0,
                    system: order.system.0,
                    price: order.price.0,
                    left: order.quantity,
                    initial: order.initial,
                    minimum: order.minimum,
                    range: order.range,
                    placed: order.placed.0,
                    changed: order.changed.0,
                    expires: order.expires.0,
                    sequence: due.sequence,
                    pile: due.pile,
                };
                assert_eq!(ours, *due);
            }
        }
    }
    assert_eq!(found.next(), None, "an order too few");
}

/// What everybody's home knows of the own orders: when nothing is on its way, exactly what rests.
pub(super) fn own_orders(town: &Town, world: &World) {
    for actor in 1..=ACTORS {
        let owner = CharacterId(actor);
        let stored = own::read(&town.rows, home_of(actor, PARTITIONS), owner).unwrap();
        let found: Vec<_> = stored
            .iter()
            .map(|order| (order.id.0, order.quantity, order.price.0))
            .collect();
        let known = world.known.range((actor, 0)..(actor + 1, 0));
        let known: Vec<_> = known
            .map(|(_, order)| (order.id, order.left, order.price))
            .collect();
        assert_eq!(found, known, "orders of {actor}");
        if world.is_at_rest() {
            let mut rest: Vec<_> = world.orders.iter().filter(|o| o.owner == actor).collect();
            rest.sort_by_key(|order| order.id);
            let rest: Vec<_> = rest.iter().map(|o| (o.id, o.left, o.price)).collect();
            assert_eq!(found, rest, "orders of {actor}");
        }
    }
}

/// Every trade window; and when nothing is on its way, the same is known to both sides.
pub(super) fn trades(town: &Town, world: &World) {
    let mut found = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for trade in read_all(&town.rows, PartitionIndex(partition)).unwrap() {
            assert_eq!(home_of(trade.id.0, PARTITIONS).0, partition);
            found.insert(trade.id.0, trade);
        }
    }
    assert!(found.keys().eq(world.windows.keys()), "trade windows");
    for (id, trade) in &found {
        let due = &world.windows[id];
        let said = (trade.station.0, trade.sides.map(|side| side.0));
        assert_eq!(said, (due.station, due.sides));
        let said = (trade.is_open, trade.version, trade.accepted);
        assert_eq!(said, (due.is_open, due.version, due.accepted), "trade {id}");
        assert_eq!(trade.changed.0, due.changed);
    }
    for actor in 1..=ACTORS {
        let owner = CharacterId(actor);
        let stored = read_own(&town.rows, home_of(actor, PARTITIONS), owner).unwrap();
        let stored: Vec<_> = stored
            .iter()
            .map(|own| (own.id.0, own.with.0, own.station.0, own.stage, own.cents))
            .collect();
        let known: Vec<_> = world
            .swaps_of(actor)
            .map(|(id, own)| (id, own.with, own.station, own.stage, own.cents))
            .collect();
        assert_eq!(stored, known, "trades of {actor}");
        if !world.is_at_rest() {
            continue;
        }
        let windows = world.windows.iter();
        let sides = windows.filter(|(_, window)| window.sides.contains(&actor));
        assert!(sides.map(|(id, _)| *id).eq(known.iter().map(|own| own.0)));
        for (id, _, _, _, cents) in known {
            let window = &world.windows[&id];
            let side = usize::from(window.sides[1] == actor);
            assert_eq!(window.held[side].0, cents, "money of {actor} in trade {id}");
        }
    }
}
