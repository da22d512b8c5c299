#![allow(
    clippy::inconsistent_digit_grouping,
    reason = "the last two digits of an amount are cents"
)]

use orrery_base::command::RejectCode;
use orrery_base::money::{Money, MoneyOverflow};
use orrery_base::value::{OrderRange, QUANTITY_MAX};
use proptest::prelude::*;

use super::{MarketRules, value_of};
use crate::WallTime;
use crate::market::tests::fixture::{NOW, sample, terms};
use crate::market::{Side, Terms};

const HUNDRED: Money = Money(100_00);
const MILLION: Money = Money(1_000_000_00);

#[test]
fn the_broker_takes_three_per_cent_and_at_least_a_hundred() {
    let rules = MarketRules::default();
    assert_eq!(rules.broker_fee(MILLION), Ok(Money(30_000_00)));
    assert_eq!(rules.broker_fee(Money(1)), Ok(HUNDRED));
    assert_eq!(rules.broker_fee(Money(3_333_33)), Ok(HUNDRED));
    // 3 % of 3,333.35 is 100.0005.
    assert_eq!(rules.broker_fee(Money(3_333_35)), Ok(Money(100_01)));
    assert_eq!(rules.broker_fee(Money::ZERO), Ok(Money::ZERO));
    assert_eq!(
        MarketRules::trained().broker_fee(MILLION),
        Ok(Money(15_000_00))
    );
}

#[test]
fn the_seller_pays_eight_per_cent() {
    let rules = MarketRules::default();
    assert_eq!(rules.sales_tax(MILLION), Ok(Money(80_000_00)));
    assert_eq!(rules.sales_tax(Money(1)), Ok(Money(1)));
    assert_eq!(rules.sales_tax(Money::ZERO), Ok(Money::ZERO));
    assert_eq!(
        MarketRules::trained().sales_tax(MILLION),
        Ok(Money(36_000_00))
    );
}

#[test]
fn another_price_costs_half_the_share_and_the_share_of_what_is_added() {
    let rules = MarketRules::default();
    // 1.5 % of the new value.
    assert_eq!(rules.relist_fee(MILLION, MILLION), Ok(Money(15_000_00)));
    let half = Money(MILLION.0 / 2);
    assert_eq!(rules.relist_fee(MILLION, half), Ok(Money(7_500_00)));
    // And 3 % of the other half million.
    assert_eq!(rules.relist_fee(half, MILLION), Ok(Money(30_000_00)));
    assert_eq!(rules.relist_fee(Money(1), Money(2)), Ok(HUNDRED));
    // 1.5 % of 10,000.01 is 150.00015.
    let odd = Money(10_000_01);
    assert_eq!(rules.relist_fee(odd, odd), Ok(Money(150_01)));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let greedy = MarketRules {
        broker_bp: u32::MAX,
        tax_bp: u32::MAX,
        relist_bp: u32::MAX,
        ..MarketRules::default()
    };
    let all = Money(i64::MAX);
    assert_eq!(greedy.broker_fee(all), Err(MoneyOverflow));
    assert_eq!(greedy.sales_tax(all), Err(MoneyOverflow));
    assert_eq!(greedy.relist_fee(Money::ZERO, all), Err(MoneyOverflow));
    assert_eq!(value_of(all, 2), Err(MoneyOverflow));
    assert_eq!(value_of(Money(1 << 23), 1 << 39), Ok(Money(1 << 62)));
}

#[test]
fn prices_have_four_digits() {
    let rules = MarketRules::default();
    for good in [1, 99_99, 100_00, 123_40, 1_234_000_00, 9_999_000_000_000_00] {
        assert!(rules.price_is_valid(Money(good)), "{good}");
    }
    for bad in [0, -5, 100_01, 1_234_500_00, 9_999_000_000_000_01, i64::MAX] {
        assert!(!rules.price_is_valid(Money(bad)), "{bad}");
    }
    assert_eq!(rules.price_step(Money(99_99)), Money(1));
    assert_eq!(rules.price_step(Money(123_45)), Money(10));
    assert_eq!(rules.price_at_most(Money(123_45)), Some(Money(123_40)));
    assert_eq!(rules.price_at_most(Money(0)), None);
    assert_eq!(rules.price_at_most(Money(i64::MAX)), Some(rules.price_max));
}

#[test]
fn terms_are_judged() {
    let rules = MarketRules::default();
    let good = terms(Side::Buy, 100, 10);
    assert_eq!(rules.check(&good), Ok(()));
    let price = |price| Terms {
        price: Money(price),
        ..good
    };
    let quantity = |quantity| Terms { quantity, ..good };
    let minimum = |minimum| Terms { minimum, ..good };
    let range = |jumps| Terms {
        range: OrderRange::Jumps(jumps),
        ..good
    };
    let cases = [
        (price(0), RejectCode::PriceInvalid),
        (price(12_345), RejectCode::PriceInvalid),
        (quantity(0), RejectCode::QuantityInvalid),
        (quantity(QUANTITY_MAX + 1), RejectCode::QuantityInvalid),
        (minimum(0), RejectCode::MinimumInvalid),
        (minimum(11), RejectCode::MinimumInvalid),
        (range(6), RejectCode::OrderRangeInvalid),
        (Terms { days: 2, ..good }, RejectCode::DurationInvalid),
    ];
    for (terms, code) in cases {
        assert_eq!(rules.check(&terms), Err(code), "{terms:?}");
    }
    let dear = Terms {
        price: rules.price_max,
        quantity: QUANTITY_MAX,
        ..good
    };
    assert_eq!(rules.check(&dear), Err(RejectCode::AmountTooLarge));
    // A seller has no minimum and no range.
    let sell = Terms {
        side: Side::Sell,
        minimum: 0,
        ..range(6)
    };
    assert_eq!(rules.check(&sell), Ok(()));
}

#[test]
fn a_price_rests_for_five_minutes() {
    let rules = MarketRules::default();
    let order = crate::market::Order {
        changed: NOW,
        ..sample()
    };
    assert!(!rules.may_change(&order, NOW));
    assert!(!rules.may_change(&order, WallTime(NOW.0 + 299_999)));
    assert!(rules.may_change(&order, WallTime(NOW.0 + 300_000)));
}

proptest! {
    #[test]
    fn splitting_a_trade_never_pays(a in 0_i64..1 << 60, b in 0_i64..1 << 60) {
        let rules = MarketRules::default();
        let (tax_a, tax_b) = (rules.sales_tax(Money(a)).unwrap(), rules.sales_tax(Money(b)).unwrap());
        prop_assert!(tax_a.0 + tax_b.0 >= rules.sales_tax(Money(a + b)).unwrap().0);
        let (fee_a, fee_b) = (rules.broker_fee(Money(a)).unwrap(), rules.broker_fee(Money(b)).unwrap());
        prop_assert!(fee_a.0 + fee_b.0 >= rules.broker_fee(Money(a + b)).unwrap().0);
        // A tax is never more than what it is on.
        prop_assert!(tax_a.0 <= a);
    }

    #[test]
    fn the_nearest_price_is_valid_and_near(cents in 1_i64..=i64::MAX) {
        let rules = MarketRules::default();
        let price = rules.price_at_most(Money(cents)).unwrap();
        prop_assert!(rules.price_is_valid(price));
        let capped = cents.min(rules.price_max.0);
        prop_assert!(price.0 <= capped && capped - price.0 < rules.price_step(Money(capped)).0);
    }
}
