//! The numbers of the economy: what newcomers are given, what markets take, how long things are
//! remembered, and the names of all places where value comes into being or ceases to be.
//!
//! **Invariant:** a [`Content`] has a row for every [`Faucet`] and every [`Sink`], and every item
//! of its grant exists.

use super::{Content, check};
use orrery_base::TypeId;
use orrery_base::money::Money;
use rkyv::{Archive, Deserialize, Serialize};

/// Money, newcomers, memory.
#[derive(
    Clone, PartialEq, Eq, Debug, Default, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Economy {
    /// What amounts of money are followed by.
    pub currency: String,
    /// The money of a new character, cents, ≥ 0.
    #[serde(rename = "grant_money_cents", deserialize_with = "check::cents")]
    pub grant_money: Money,
    /// How long a request is remembered, seconds of wall time, one minute to 30 days. An older
    /// one is refused.
    pub request_memory_s: u32,
    /// After how long without a change a trade window closes, seconds of wall time, 10 to
    /// 86,400.
    pub trade_idle_s: u32,
    /// How likely a stack is to be found in the wreck of its ship, per cent, 0 to 100.
    pub wreck_drop_percent: u8,
    /// The most trade windows of one character at a time, 1..=100.
    pub trades_max: u16,
    /// The most stacks on one side of a trade window, 1..=100: what a view has room for.
    pub trade_stacks_max: u16,
}

/// Whose price counts when two orders meet.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PriceRule {
    /// That of the order which comes: the resting one has the improvement.
    #[default]
    Incoming,
    /// That of the order which was there: the incoming one has it.
    Resting,
}

/// The rules of markets. A basis point is 1/10,000.
#[derive(
    Clone, PartialEq, Eq, Debug, Default, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct MarketRules {
    /// Broker's fee on the value of an order that rests, basis points, 0..=10,000.
    pub broker_fee_bp: u16,
    /// Tax on what a seller earns, basis points, 0..=10,000.
    pub sales_tax_bp: u16,
    /// The share of the broker's fee that is due on the new value when a price is changed,
    /// basis points, 0..=10,000; on what was added to the value the whole fee is due.
    pub relist_share_bp: u16,
    /// The least that a broker's or relisting fee is, cents, ≥ 0.
    #[serde(rename = "fee_min_cents", deserialize_with = "check::cents")]
    pub fee_min: Money,
    /// Whose price counts.
    pub price_rule: PriceRule,
    /// How many digits of a price may be other than zero, from the first, 2..=18.
    pub price_digits: u8,
    /// The most orders of one character at a time, 1..=10,000.
    pub orders_max: u16,
    /// How long after an order was placed or changed its price stays, seconds of wall time, at
    /// most 86,400.
    pub modify_cooldown_s: u32,
}

/// One line of what a new character is given.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The name of an item, as it is written there.
    pub item: String,
    /// How many, > 0.
    pub quantity: u64,
}

/// A faucet or a sink, as the books name it.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tap {
    /// Its number, 1..=65,535, unique among faucets or among sinks. It is stored with value, so
    /// it keeps its meaning for ever.
    pub id: u16,
    /// What the rules call it: a [`Faucet::key`] or a [`Sink::key`].
    pub key: String,
    /// Its name, for operators.
    pub name: String,
    /// What goes through it.
    pub description: String,
}

/// Where value comes into being.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Faucet {
    /// Money and goods of new characters.
    StartingGrant,
    /// The first ship of a new character, and one for a pilot who has none.
    StarterShip,
    /// What traders who are nobody's sell.
    NpcGoods,
    /// What traders who are nobody's pay.
    NpcMoney,
    /// Rewards for the ships of outlaws.
    Bounty,
    /// What is in wrecks of ships that no player flew.
    Loot,
    /// Ore that leaves its rock.
    Mining,
    /// What comes out of refineries and workshops.
    Industry,
    /// What an operator gives.
    Operator,
}

impl Faucet {
    /// Every faucet, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::StartingGrant,
        Self::StarterShip,
        Self::NpcGoods,
        Self::NpcMoney,
        Self::Bounty,
        Self::Loot,
        Self::Mining,
        Self::Industry,
        Self::Operator,
    ];

    /// What `content/economy.toml` calls it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::StartingGrant => "starting_grant",
            Self::StarterShip => "starter_ship",
            Self::NpcGoods => "npc_goods",
            Self::NpcMoney => "npc_money",
            Self::Bounty => "bounty",
            Self::Loot => "loot",
            Self::Mining => "mining",
            Self::Industry => "industry",
            Self::Operator => "operator",
        }
    }
}

/// Where value ceases to be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sink {
    /// Taken when an order is placed.
    BrokerFee,
    /// Taken from what a seller earns.
    SalesTax,
    /// Taken when an order's price is changed.
    RelistFee,
    /// What its owner destroys.
    Trash,
    /// What traders who are nobody's have bought.
    NpcGoods,
    /// What traders who are nobody's were paid.
    NpcMoney,
    /// What is lost with a ship.
    ShipLoss,
    /// What is in containers and wrecks when they vanish.
    Abandoned,
    /// What goes into refineries and workshops.
    Industry,
    /// What an operator takes.
    Operator,
}

impl Sink {
    /// Every sink, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::BrokerFee,
        Self::SalesTax,
        Self::RelistFee,
        Self::Trash,
        Self::NpcGoods,
        Self::NpcMoney,
        Self::ShipLoss,
        Self::Abandoned,
        Self::Industry,
        Self::Operator,
    ];

    /// What `content/economy.toml` calls it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::BrokerFee => "broker_fee",
            Self::SalesTax => "sales_tax",
            Self::RelistFee => "relist_fee",
            Self::Trash => "trash",
            Self::NpcGoods => "npc_goods",
            Self::NpcMoney => "npc_money",
            Self::ShipLoss => "ship_loss",
            Self::Abandoned => "abandoned",
            Self::Industry => "industry",
            Self::Operator => "operator",
        }
    }
}

/// The number of the tap that has a key. `None` if there is none, which a checked pack rules out.
fn number(taps: &[Tap], key: &str) -> Option<u16> {
    taps.iter().find(|tap| tap.key == key).map(|tap| tap.id)
}

impl Content {
    /// Money, newcomers, memory.
    #[must_use]
    pub const fn economy(&self) -> &Economy {
        &self.pack.economy
    }

    /// The rules of markets.
    #[must_use]
    pub const fn market(&self) -> &MarketRules {
        &self.pack.market
    }

    /// What a new character is given beside money and a ship: types and how many of each, by
    /// ascending type.
    #[must_use]
    pub fn grant(&self) -> &[(TypeId, u64)] {
        &self.grant
    }

    /// The number of a faucet, as it is stored.
    #[must_use]
    pub fn faucet(&self, faucet: Faucet) -> u16 {
        number(self.faucets(), faucet.key())
            .expect("no content is made without every faucet (check::economy)")
    }

    /// The number of a sink, as it is stored.
    #[must_use]
    pub fn sink(&self, sink: Sink) -> u16 {
        number(self.sinks(), sink.key())
            .expect("no content is made without every sink (check::economy)")
    }

    /// Every faucet, by ascending number.
    #[must_use]
    pub fn faucets(&self) -> &[Tap] {
        &self.pack.faucets
    }

    /// Every sink, by ascending number.
    #[must_use]
    pub fn sinks(&self) -> &[Tap] {
        &self.pack.sinks
    }

    /// Looks the grant's items up. Names that no item has are left out; a checked pack has none.
    pub(super) fn resolve_grant(&mut self) {
        let items = &self.items;
        let find = |line: &Grant| {
            let item = items.iter().find(|it| it.name == line.item)?;
            Some((item.id, line.quantity))
        };
        self.grant = self.pack.grants.iter().filter_map(find).collect();
        self.grant.sort_unstable();
    }
}
