//! What the economy has to know of content and galaxy.

use std::collections::BTreeMap;

use orrery_base::{EntityId, GridId, SystemId, TypeId};
use orrery_game::content::{Content, Faucet, PriceRule as ContentPriceRule, Sink};
use orrery_game::galaxy::Galaxy;

use super::regions::Regions;
use super::trades::TradeLimits;
use crate::custody::RequestLimits;
use crate::market::{MarketRules, PriceRule};

/// A kind of thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Goods {
    /// What a packed unit takes up, litres.
    pub volume_l: u64,
    /// The hold of a ship, litres; none for what is no ship.
    pub hold_l: Option<u64>,
    /// Whether it may be traded on markets.
    pub is_marketable: bool,
}

/// Data of the economy: the same for every partition.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How many partitions there are.
    pub partitions: u16,
    /// What can be owned.
    pub goods: BTreeMap<TypeId, Goods>,
    /// Fees, taxes, limits.
    pub market: MarketRules,
    /// Which systems share a market.
    pub regions: Regions,
    /// The first station of each system that has one.
    pub hubs: BTreeMap<SystemId, EntityId>,
    /// Cents of a new character.
    pub grant_cents: u64,
    /// What a new character finds in the hangar.
    pub grant: Vec<(TypeId, u64)>,
    /// How long requests are remembered.
    pub requests: RequestLimits,
    /// How likely a stack is to be found in the wreck of its ship, 0 to 1.
    pub drop_chance: f64,
    /// The limits of trade windows.
    pub trades: TradeLimits,
    /// Numbers of faucets and sinks.
    pub taps: Taps,
}

/// The numbers of the faucets and sinks that the economy uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taps {
    /// Faucet: money and goods of new characters.
    pub starting_grant: u32,
    /// Faucet: their ship.
    pub starter_ship: u32,
    /// Sink.
    pub broker_fee: u32,
    /// Sink.
    pub sales_tax: u32,
    /// Sink.
    pub relist_fee: u32,
    /// Sink.
    pub trash: u32,
    /// Faucet.
    pub mining: u32,
    /// Faucet.
    pub bounty: u32,
    /// Sink: ships and what was in them.
    pub ship_loss: u32,
    /// Sink: what was in wrecks that vanished.
    pub abandoned: u32,
}

impl Rules {
    /// The station that is nearest to a grid: that of its system, or else the galaxy's first.
    pub(super) fn hub_near(&self, grid: GridId) -> Option<EntityId> {
        let hub = self.hubs.get(&grid.system());
        hub.or_else(|| self.hubs.values().next()).copied()
    }

    /// The rules of a content pack and a galaxy.
    #[must_use]
    pub fn new(content: &Content, galaxy: &Galaxy, partitions: u16) -> Self {
        let goods = content.items().iter().map(|item| {
            let goods = Goods {
                volume_l: item.volume_l,
                hold_l: content.ship(item.id).map(|ship| ship.cargo_l()),
                is_marketable: item.is_marketable,
            };
            (item.id, goods)
        });
        let economy = content.economy();
        let market = content.market();
        Self {
            partitions,
            goods: goods.collect(),
            market: MarketRules {
                price_rule: match market.price_rule {
                    ContentPriceRule::Incoming => PriceRule::Incoming,
                    ContentPriceRule::Resting => PriceRule::Resting,
                },
                broker_bp: u32::from(market.broker_fee_bp),
                broker_min: market.fee_min,
                tax_bp: u32::from(market.sales_tax_bp),
                relist_bp: u32::from(market.relist_share_bp),
                price_digits: u32::from(market.price_digits),
                orders_max: u32::from(market.orders_max),
                cooldown_ms: u64::from(market.modify_cooldown_s) * 1_000,
                ..MarketRules::default()
            },
            regions: Regions::new(galaxy),
            hubs: hubs(galaxy),
            grant_cents: economy.grant_money.0.cast_unsigned(),
            grant: content.grant().to_vec(),
            requests: RequestLimits {
                window_ms: u64::from(economy.request_memory_s) * 1_000,
                ..RequestLimits::default()
            },
            drop_chance: f64::from(economy.wreck_drop_percent) / 100.0,
            trades: TradeLimits {
                idle_ms: u64::from(economy.trade_idle_s) * 1_000,
                trades_max: usize::from(economy.trades_max),
                stacks_max: usize::from(economy.trade_stacks_max),
            },
            taps: Taps {
                starting_grant: u32::from(content.faucet(Faucet::StartingGrant)),
                starter_ship: u32::from(content.faucet(Faucet::StarterShip)),
                broker_fee: u32::from(content.sink(Sink::BrokerFee)),
                sales_tax: u32::from(content.sink(Sink::SalesTax)),
                relist_fee: u32::from(content.sink(Sink::RelistFee)),
                trash: u32::from(content.sink(Sink::Trash)),
                mining: u32::from(content.faucet(Faucet::Mining)),
                bounty: u32::from(content.faucet(Faucet::Bounty)),
                ship_loss: u32::from(content.sink(Sink::ShipLoss)),
                abandoned: u32::from(content.sink(Sink::Abandoned)),
            },
        }
    }
}

fn hubs(galaxy: &Galaxy) -> BTreeMap<SystemId, EntityId> {
    let systems = galaxy.systems.iter();
    let hubs = systems.filter_map(|system| {
        let first = system.stations.first()?;
        Some((system.id, EntityId::of_object(first.object)))
    });
    hubs.collect()
}

/// Whether a text may be shown: not too long, nothing that is no character to look at.
pub(super) fn is_text(text: &str, most: usize) -> bool {
    text.len() <= most && !text.chars().any(char::is_control)
}
