//! What grids claim is carried out once.

use orrery_base::money::Money;
use orrery_base::value::{Place, TransferReason, ValueCommand};
use orrery_base::{CharacterId, EntityId, GridId, Tick, TypeId};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Batch, Domain, KeyRange, Order, Rows as _};
use proptest::prelude::*;

use super::town::{HULL, METAL, ORE, Town, ship_of};
use crate::custody::{Account, read_account};
use crate::economy::{Claim, ClaimId, Claimed};

const WRECK: EntityId = EntityId(0x77_0000_0000);

fn id(number: u32) -> ClaimId {
    ClaimId {
        grid: GridId(1),
        tick: Tick(5),
        number,
    }
}

fn mined(character: u64, units: u64) -> Claim {
    Claim::Mined {
        character: CharacterId(character),
        ship: ship_of(CharacterId(character)).entity(),
        type_id: ORE,
        units,
    }
}

fn destroyed(character: u64, wreck: Option<EntityId>) -> Claim {
    Claim::Destroyed {
        character: CharacterId(character),
        ship: ship_of(CharacterId(character)).entity(),
        wreck,
        seed: 7,
    }
}

/// Writes a claim's row, as a grid's batch does.
fn write(town: &mut Town, claimed: &Claimed) {
    let (domain, key, value) = claimed.claim.row(claimed.id);
    let mut batch = Batch::new();
    batch.put(domain, key, value);
    town.rows.apply(&batch);
}

fn claim(town: &mut Town, number: u32, claim: Claim) {
    let claimed = Claimed {
        id: id(number),
        claim,
    };
    write(town, &claimed);
    town.claim(claimed);
    town.rest();
    let left = super::super::claims::pending(&town.rows).unwrap();
    assert_eq!(left, [], "what was carried out is deleted");
}

fn in_wreck(town: &Town) -> u64 {
    let account = Account::wreck(WRECK);
    let stored = read_account(&town.rows, account.home(town.rules.partitions), account);
    stored
        .unwrap()
        .stacks
        .iter()
        .map(|stack| stack.quantity)
        .sum()
}

fn burned(town: &Town, sink: u32, type_id: TypeId) -> u64 {
    town.burned(sink, type_id)
}

#[test]
fn ore_comes_into_the_hold_as_far_as_there_is_room() {
    let mut town = Town::new(2, 1);
    claim(&mut town, 0, mined(1, 600));
    assert_eq!(town.cargo(1)[0].quantity, 600);
    let heard = town.events.iter().any(|(who, news)| {
        let is_ore = matches!(
            news,
            ServerMessage::ItemsDelivered {
                type_id: ORE,
                quantity: 600,
                ..
            }
        );
        who.0 == 1 && is_ore
    });
    assert!(heard, "{:?}", town.events);
    // The hold has 100 m³: 1,000 units.
    claim(&mut town, 1, mined(1, 600));
    assert_eq!(town.cargo(1)[0].quantity, 1_000);
    claim(&mut town, 2, mined(1, 1));
    assert_eq!(town.cargo(1)[0].quantity, 1_000);
}

#[test]
fn bounties_are_paid() {
    let mut town = Town::new(1, 2);
    let before = town.coins(2);
    let bounty = Claim::Bounty {
        character: CharacterId(2),
        amount: Money(75_00),
        about: EntityId(9),
    };
    claim(&mut town, 0, bounty);
    assert_eq!(town.coins(2).0, before.0 + 75_00);
    let told = town.events.iter().any(|(_, news)| {
        matches!(
            news,
            ServerMessage::WalletChanged {
                reason: Some(TransferReason::Bounty),
                ..
            }
        )
    });
    assert!(told);
}

#[test]
fn of_a_lost_ship_the_hull_is_burned_and_the_hold_is_in_the_wreck_or_burned() {
    let mut town = Town::new(2, 1);
    let stacks = [
        (ORE, 300),
        (ORE, 200),
        (METAL, 100),
        (METAL, 50),
        (METAL, 25),
    ];
    for (type_id, quantity) in stacks {
        // Stacks of their own, so that each is a throw of its own.
        let item = town.item(1, type_id);
        let split = town.ok(1, ValueCommand::Split { item, quantity }).item;
        let to = Place::Cargo;
        town.ok(
            1,
            ValueCommand::Move {
                item: split,
                quantity,
                to,
            },
        );
    }
    let carried: u64 = town.cargo(1).iter().map(|stack| stack.quantity).sum();
    assert_eq!(carried, 675);
    claim(&mut town, 0, destroyed(1, Some(WRECK)));
    assert!(town.cargo(1).is_empty());
    assert_eq!(burned(&town, 5, HULL), 1);
    let lost = burned(&town, 5, ORE) + burned(&town, 5, METAL);
    assert_eq!(in_wreck(&town) + lost, carried);
    // The pilot is in a pod now, which carries nothing and is nobody's item.
    claim(&mut town, 1, destroyed(1, Some(WRECK)));
    assert_eq!(burned(&town, 5, HULL), 1);
    claim(&mut town, 2, Claim::Abandoned { wreck: WRECK });
    assert_eq!(in_wreck(&town), 0);
    let abandoned = burned(&town, 6, ORE) + burned(&town, 6, METAL);
    assert_eq!(abandoned + lost, carried);
}

#[test]
fn without_a_wreck_everything_is_burned() {
    let mut town = Town::new(1, 1);
    claim(&mut town, 0, mined(1, 10));
    claim(&mut town, 1, destroyed(1, None));
    assert_eq!(burned(&town, 5, ORE), 10);
}

#[test]
fn what_was_claimed_before_a_crash_is_carried_out_after_it_and_once() {
    for shards in [1, 3] {
        let mut town = Town::new(2, 3);
        let claims: Vec<Claimed> = (1..=3)
            .map(|character| Claimed {
                id: id(character as u32),
                claim: mined(character, 10 * character),
            })
            .collect();
        for claimed in &claims {
            write(&mut town, claimed);
        }
        // Nobody was told: the server is killed in between.
        town.start(shards);
        town.rest();
        for character in 1..=3 {
            assert_eq!(town.cargo(character)[0].quantity, 10 * character);
        }
        town.start(2);
        town.rest();
        assert_eq!(town.cargo(3)[0].quantity, 30);
    }
}

#[test]
fn a_damaged_claim_stops_the_start_and_is_named() {
    let mut town = Town::new(1, 1);
    let (_, key, _) = mined(1, 5).row(id(0));
    let mut batch = Batch::new();
    batch.put(Domain::Outbox, key, [9, 9]);
    town.rows.apply(&batch);
    assert!(super::super::claims::pending(&town.rows).is_err());
}

proptest! {
    #[test]
    fn rows_have_what_was_claimed(
        numbers in any::<[u64; 4]>(), kind in 0..4, grid in any::<u32>(), tick in any::<u64>(), number in any::<u32>(),
    ) {
        let [a, b, c, d] = numbers;
        let character = CharacterId(a);
        let claim = match kind {
            0 => Claim::Destroyed { character, ship: EntityId(b), wreck: (c != 0).then_some(EntityId(c)), seed: d },
            1 => Claim::Mined { character, ship: EntityId(b), type_id: TypeId(c as u32), units: d },
            2 => Claim::Bounty { character, amount: Money(b.cast_signed()), about: EntityId(c) },
            _ => Claim::Abandoned { wreck: EntityId(a) },
        };
        let id = ClaimId { grid: GridId(grid), tick: Tick(tick), number };
        let (domain, key, value) = claim.row(id);
        prop_assert_eq!(domain, Domain::Outbox);
        prop_assert_eq!(Claimed::read(&key, &value).unwrap(), Some(Claimed { id, claim }));
    }

    #[test]
    fn no_bytes_panic(key in any::<Vec<u8>>(), value in any::<Vec<u8>>(), cut in 0..30_usize) {
        let _ = Claimed::read(&key, &value);
        let (_, key, _) = mined(1, 5).row(id(0));
        let _ = Claimed::read(&key[..cut.min(key.len())], &value);
        let _ = Claimed::read(&key, &value);
    }
}

#[test]
fn the_rows_of_parcels_are_no_claims() {
    let mut town = Town::new(1, 2);
    town.is_audited = false;
    let to = CharacterId(2);
    let amount = Money(5);
    town.ok(
        1,
        ValueCommand::Pay {
            to,
            amount,
            memo: String::new(),
        },
    );
    let rows = town
        .rows
        .scan(Domain::Outbox, KeyRange::all(), Order::Ascending);
    for row in rows.map(Result::unwrap) {
        assert_eq!(Claimed::read(&row.key, &row.value).unwrap(), None);
    }
}
