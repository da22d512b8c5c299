//! The ranges of what has value: groups, items, containers, fees, faucets and sinks.

use super::super::item::{CONTAINER_GROUP, HULL_GROUP};
use super::super::{
    ContainerRole, ContainerType, Economy, Faucet, Grant, Group, ItemType, MarketRules, Pack,
    PackedContainer, ShipType, Sink, Tap,
};
use super::{Fault, RADIUS_M_MAX, Row, Seen, between, fault, id, rows, taken, text};
use orrery_base::money::Money;
use orrery_base::value::QUANTITY_MAX;
use orrery_base::value::query::ITEMS_PAGE_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// The most that one unit may take up: a cubic kilometre.
const VOLUME_L_MAX: f64 = 1e12;
/// The most that one unit, or a grant, may be worth: 10¹³ of the currency.
const CENTS_MAX: f64 = 1e15;
/// The longest key of a group, in characters.
const KEY_CHARS_MAX: usize = 24;
const DAY_S: u32 = 86_400;

pub(super) type Checked = Result<(), (Row, Fault)>;

pub(super) fn cents(field: &'static str, amount: Money, least: f64) -> Result<(), Fault> {
    // Rounding begins far above the largest amount that is allowed.
    between(field, amount.0 as f64, least, CENTS_MAX)
}

pub(super) fn volume(field: &'static str, litres: u64) -> Result<(), Fault> {
    between(field, litres as f64, 1.0, VOLUME_L_MAX)
}

pub(super) fn hue(field: &'static str, degrees: u16) -> Result<(), Fault> {
    between(field, f64::from(degrees), 0.0, 359.0)
}

/// What a hull is as an item and as a hold.
pub(super) fn hull(ship: &ShipType) -> Result<(), Fault> {
    between("cargo_m3", f64::from(ship.cargo_m3), 0.0, 1e9)?;
    between("packed_m3", f64::from(ship.packed_m3), 1.0, 1e9)?;
    cents("base_price_cents", ship.base_price, 1.0)
}

/// What rows call something by: at most 24 small letters, digits and `_`.
pub(super) fn key(field: &'static str, key: &str) -> Result<(), Fault> {
    text(field, key, KEY_CHARS_MAX)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if key.chars().all(is_plain) {
        Ok(())
    } else {
        fault(field, "may have small letters, digits and _ only")
    }
}

fn group(group: &Group) -> Result<(), Fault> {
    between("id", f64::from(group.id), 1.0, 1_000.0)?;
    key("key", &group.key)?;
    text("name", &group.name, 40)?;
    text("description", &group.description, 1_000)
}

fn item(item: &ItemType) -> Result<(), Fault> {
    id(item.id)?;
    text("name", &item.name, 40)?;
    text("description", &item.description, 1_000)?;
    volume("volume_l", item.volume_l)?;
    cents("base_price_cents", item.base_price, 1.0)?;
    hue("hue", item.hue)
}

fn container(container: &ContainerType) -> Result<(), Fault> {
    id(container.id)?;
    text("name", &container.name, 40)?;
    text("description", &container.description, 1_000)?;
    between("capacity_m3", f64::from(container.capacity_m3), 1.0, 1e9)?;
    between("radius_m", container.radius_m, 1.0, RADIUS_M_MAX)?;
    let ten_years_s = f64::from(DAY_S) * 3_650.0;
    between("lifetime_s", container.lifetime_s as f64, 0.0, ten_years_s)?;
    let is_secure = container.role == ContainerRole::Secure;
    if container.has_password && !is_secure {
        return fault("has_password", "is for those with the role \"secure\" only");
    }
    match &container.packed {
        Some(packed) if is_secure => pack_of(packed, container.capacity_l()),
        Some(_) => fault("packed", "is for those with the role \"secure\" only"),
        None if is_secure => fault("packed", "is missing: players carry a secure container"),
        None => Ok(()),
    }
}

fn pack_of(packed: &PackedContainer, capacity_l: u64) -> Result<(), Fault> {
    volume("packed.volume_l", packed.volume_l)?;
    if packed.volume_l >= capacity_l {
        return fault(
            "packed.volume_l",
            format!("is {}: it must be less than what fits in", packed.volume_l),
        );
    }
    cents("packed.base_price_cents", packed.base_price, 1.0)?;
    hue("packed.hue", packed.hue)
}

fn economy(economy: &Economy) -> Result<(), Fault> {
    text("currency", &economy.currency, 12)?;
    cents("grant_money_cents", economy.grant_money, 0.0)?;
    let month_s = f64::from(DAY_S) * 30.0;
    let memory_s = f64::from(economy.request_memory_s);
    between("request_memory_s", memory_s, 60.0, month_s)?;
    let idle_s = f64::from(economy.trade_idle_s);
    between("trade_idle_s", idle_s, 10.0, f64::from(DAY_S))?;
    let drop = f64::from(economy.wreck_drop_percent);
    between("wreck_drop_percent", drop, 0.0, 100.0)?;
    between("trades_max", f64::from(economy.trades_max), 1.0, 100.0)?;
    let stacks_max = f64::from(economy.trade_stacks_max);
    between("trade_stacks_max", stacks_max, 1.0, ITEMS_PAGE_MAX as f64)
}

fn market(market: &MarketRules) -> Result<(), Fault> {
    for (field, share) in [
        ("broker_fee_bp", market.broker_fee_bp),
        ("sales_tax_bp", market.sales_tax_bp),
        ("relist_share_bp", market.relist_share_bp),
    ] {
        between(field, f64::from(share), 0.0, 10_000.0)?;
    }
    cents("fee_min_cents", market.fee_min, 0.0)?;
    between("price_digits", f64::from(market.price_digits), 2.0, 18.0)?;
    between("orders_max", f64::from(market.orders_max), 1.0, 10_000.0)?;
    let cooldown_s = f64::from(market.modify_cooldown_s);
    between("modify_cooldown_s", cooldown_s, 0.0, f64::from(DAY_S))
}

fn tap(tap: &Tap) -> Result<(), Fault> {
    between("id", f64::from(tap.id), 1.0, f64::from(u16::MAX))?;
    text("name", &tap.name, 40)?;
    text("description", &tap.description, 1_000)
}

/// All rows of what has value. The names and numbers of hulls, stations and gates have been seen.
pub(super) fn pack(pack: &Pack, seen: &mut Seen) -> Checked {
    groups(pack, seen)?;
    items(pack, seen)?;
    containers(pack, seen)?;
    grants(pack)?;
    taps("faucet", &pack.faucets, &Faucet::ALL.map(Faucet::key))?;
    taps("sink", &pack.sinks, &Sink::ALL.map(Sink::key))?;
    economy(&pack.economy).map_err(|fault| (first("economy"), fault))?;
    market(&pack.market).map_err(|fault| (first("market"), fault))
}

const fn first(table: &'static str) -> Row {
    Row { table, index: 0 }
}

fn groups(pack: &Pack, seen: &mut Seen) -> Checked {
    let mut ids = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for (row, it) in rows("group", &pack.groups) {
        let same_id = ids.insert(it.id, row);
        let same_key = keys.insert(it.key.as_str(), row);
        group(it)
            .and_then(|()| taken("id", it.id, same_id))
            .and_then(|()| taken("key", format_args!("\"{}\"", it.key), same_key))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for key in [HULL_GROUP, CONTAINER_GROUP] {
        if !keys.contains_key(key) {
            missing("group", key)?;
        }
    }
    Ok(())
}

/// The fault of a table in which a key is missing that the rules need.
fn missing(table: &'static str, key: &str) -> Checked {
    fault("key", format!("\"{key}\" is in no row of this table"))
        .map_err(|fault| (first(table), fault))
}

fn items(pack: &Pack, seen: &mut Seen) -> Checked {
    let groups: BTreeSet<&str> = pack.groups.iter().map(|it| it.key.as_str()).collect();
    for (row, it) in rows("item", &pack.items) {
        item(it)
            .and_then(|()| {
                if groups.contains(it.group.as_str()) {
                    Ok(())
                } else {
                    fault("group", format!("\"{}\" is not a group's key", it.group))
                }
            })
            .and_then(|()| seen.type_id(row, it.id))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    Ok(())
}

fn containers(pack: &Pack, seen: &mut Seen) -> Checked {
    let mut roles = BTreeMap::new();
    for (row, it) in rows("container", &pack.containers) {
        let same_role = match it.role {
            ContainerRole::Secure => None,
            role => roles.insert(role, row),
        };
        container(it)
            .and_then(|()| taken("role", format_args!("{:?}", it.role), same_role))
            .and_then(|()| seen.type_id(row, it.id))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for role in [ContainerRole::Jettison, ContainerRole::Wreck] {
        if !roles.contains_key(&role) {
            fault("role", format!("{role:?} is in no row of this table"))
                .map_err(|fault| (first("container"), fault))?;
        }
    }
    Ok(())
}

fn grants(pack: &Pack) -> Checked {
    let goods = pack.items.iter().map(|it| it.name.as_str());
    let hulls = pack.ships.iter().map(|it| it.name.as_str());
    let boxes = pack.containers.iter().filter(|it| it.packed.is_some());
    let gear = pack.modules.iter().map(|it| it.name.as_str());
    let gear = gear.chain(pack.charges.iter().map(|it| it.name.as_str()));
    let gear = gear.chain(pack.drones.iter().map(|it| it.name.as_str()));
    let names: BTreeSet<&str> = goods
        .chain(hulls)
        .chain(gear)
        .chain(boxes.map(|it| it.name.as_str()))
        .collect();
    let mut granted = BTreeMap::new();
    let line = |it: &Grant, same: Option<Row>| {
        if !names.contains(it.item.as_str()) {
            return fault(
                "item",
                format!("\"{}\" is not the name of an item", it.item),
            );
        }
        between("quantity", it.quantity as f64, 1.0, QUANTITY_MAX as f64)?;
        taken("item", format_args!("\"{}\"", it.item), same)
    };
    for (row, it) in rows("grant", &pack.grants) {
        let same = granted.insert(it.item.as_str(), row);
        line(it, same).map_err(|fault| (row, fault))?;
    }
    Ok(())
}

fn taps(table: &'static str, taps: &[Tap], needed: &[&str]) -> Checked {
    let mut ids = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for (row, it) in rows(table, taps) {
        let same_id = ids.insert(it.id, row);
        let same_key = keys.insert(it.key.as_str(), row);
        tap(it)
            .and_then(|()| {
                if needed.contains(&it.key.as_str()) {
                    Ok(())
                } else {
                    fault("key", format!("\"{}\" is no {table} of the rules", it.key))
                }
            })
            .and_then(|()| taken("id", it.id, same_id))
            .and_then(|()| taken("key", format_args!("\"{}\"", it.key), same_key))
            .map_err(|fault| (row, fault))?;
    }
    for key in needed {
        if !keys.contains_key(key) {
            missing(table, key)?;
        }
    }
    Ok(())
}
