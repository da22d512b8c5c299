//! Who is given a start, where, and how often.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, ValueCommand};
use orrery_base::{CharacterId, EntityId, GridId};

use super::town::{HULL, ORE, Town, rules};
use crate::character::Location;
use crate::economy::Rules;

fn pay(to: u64, cents: i64) -> ValueCommand {
    ValueCommand::Pay {
        to: CharacterId(to),
        amount: Money(cents),
        memo: String::new(),
    }
}

#[test]
fn who_begins_in_space_finds_the_goods_at_the_systems_hub() {
    let mut town = Town::new(2, 1);
    let in_space = |grid| Location::InSpace {
        grid: GridId(grid),
        position_cm: [0; 3],
        velocity: [0; 3],
    };
    town.settle_at(CharacterId(2), in_space(2));
    // A system without a station: the galaxy's first one.
    town.settle_at(CharacterId(3), in_space(77));
    town.rest();
    assert_eq!(town.units(2, 3, ORE), 1_000);
    assert_eq!(town.units(3, 1, ORE), 1_000);
}

#[test]
fn where_nobody_is_given_money_nobody_is_given_goods_twice() {
    let nothing = Rules {
        grant_cents: 0,
        ..rules(8)
    };
    let mut town = Town::with_rules(nothing, 2, 2);
    for shards in [1, 3] {
        town.start(shards);
        let order = OrderId(0);
        let unknown = town.refused(1, ValueCommand::CancelOrder { order });
        assert_eq!(unknown, RejectCode::OrderUnknown);
        assert_eq!((town.coins(1), town.units(1, 1, HULL)), (Money(0), 2));
    }
}

#[test]
fn a_character_made_after_a_payment_failed_begins_like_any_other() {
    let mut town = Town::new(2, 1);
    assert_eq!(town.refused(1, pay(2, 50)), RejectCode::CharacterUnknown);
    town.settle_in(CharacterId(2));
    town.rest();
    assert_eq!(town.coins(2), Money(1_000_000_00));
    assert_eq!(town.ok(1, pay(2, 50)).money, Money(50));
    assert_eq!(town.coins(2), Money(1_000_000_50));
    let station = EntityId(1);
    assert_eq!(town.hangar(2, station.0).len(), 4);
}
