//! The ranges of what is out there: asteroids, refining, bubbles, factions and their ships.

use super::super::{
    AsteroidType, BubbleType, Faction, FitLine, Loot, NamedFit, NpcType, Pack, Refining,
};
use super::economy::{Checked, cents, hue, key, volume};
use super::fitting::Known;
use super::{Fault, RADIUS_M_MAX, Row, Seen, between, fault, id, range, rows, taken, text};
use std::collections::{BTreeMap, BTreeSet};

const WEIGHT_MAX: f64 = 10_000.0;

/// Two numbers of which the second is not the smaller.
fn ascending(field: &'static str, [least, most]: [f64; 2]) -> Result<(), Fault> {
    if least <= most {
        Ok(())
    } else {
        fault(field, format!("begins at {least} and ends at {most}"))
    }
}

fn security(tenths: [i8; 2]) -> Result<(), Fault> {
    let tenths = tenths.map(f64::from);
    for it in tenths {
        between("security_tenths", it, -10.0, 10.0)?;
    }
    ascending("security_tenths", tenths)
}

fn quantities(quantity: [u32; 2]) -> Result<(), Fault> {
    let quantity = quantity.map(f64::from);
    for it in quantity {
        between("quantity", it, 1.0, 1e9)?;
    }
    ascending("quantity", quantity)
}

fn asteroid(rock: &AsteroidType, known: &Known<'_>) -> Result<(), Fault> {
    id(rock.id)?;
    text("name", &rock.name, 40)?;
    text("description", &rock.description, 1_000)?;
    known.good("ore", &rock.ore)?;
    quantities(rock.quantity)?;
    for radius_m in rock.radius_m {
        between("radius_m", radius_m, 1.0, RADIUS_M_MAX)?;
    }
    ascending("radius_m", rock.radius_m)?;
    security(rock.security_tenths)?;
    between("weight", f64::from(rock.weight), 1.0, WEIGHT_MAX)
}

fn refining(refining: &Refining, known: &Known<'_>) -> Result<(), Fault> {
    known.good("ore", &refining.ore)?;
    between("batch", f64::from(refining.batch), 1.0, 1e6)?;
    if refining.yields.is_empty() {
        return fault("yields", "is empty");
    }
    for it in &refining.yields {
        known.good("yields", &it.mineral)?;
        between("yields", f64::from(it.quantity), 1.0, 1e6)?;
    }
    Ok(())
}

fn bubble(bubble: &BubbleType, known: &Known<'_>) -> Result<(), Fault> {
    id(bubble.id)?;
    text("name", &bubble.name, 40)?;
    text("description", &bubble.description, 1_000)?;
    known.group(&bubble.group)?;
    volume("volume_l", bubble.volume_l)?;
    cents("base_price_cents", bubble.base_price, 1.0)?;
    hue("hue", bubble.hue)?;
    between("radius_m", bubble.radius_m, 1.0, RADIUS_M_MAX)?;
    between("bubble_m", bubble.bubble_m, 1.0, RADIUS_M_MAX)?;
    between("anchor_s", f64::from(bubble.anchor_s), 0.0, 86_400.0)?;
    between("lifetime_s", f64::from(bubble.lifetime_s), 1.0, 3e8)?;
    for hp in bubble.hp {
        between("hp", hp, 1.0, 1e9)?;
    }
    between("signature_m", bubble.signature_m, 1.0, 1e6)
}

fn faction(faction: &Faction, pack: &Pack) -> Result<(), Fault> {
    between("id", f64::from(faction.id), 1.0, 250.0)?;
    key("key", &faction.key)?;
    text("name", &faction.name, 40)?;
    text("adjective", &faction.adjective, 40)?;
    text("description", &faction.description, 1_000)?;
    between(
        "colour",
        f64::from(faction.colour),
        0.0,
        f64::from(0xFF_FFFF),
    )?;
    if pack.empires.iter().any(|it| it.id == faction.id) {
        return fault("id", format!("{} is an empire's", faction.id));
    }
    for home in &faction.homes {
        if !pack.empires.iter().any(|it| it.id == *home) {
            return fault("homes", format!("{home} is not an empire"));
        }
    }
    Ok(())
}

/// Names that ships of factions refer to.
struct Names<'a> {
    factions: BTreeSet<&'a str>,
    fits: BTreeSet<&'a str>,
    items: BTreeSet<&'a str>,
}

fn npc(npc: &NpcType, names: &Names<'_>) -> Result<(), Fault> {
    id(npc.id)?;
    text("name", &npc.name, 40)?;
    text("description", &npc.description, 1_000)?;
    if !names.factions.contains(npc.faction.as_str()) {
        return fault(
            "faction",
            format!("\"{}\" is not a faction's key", npc.faction),
        );
    }
    if !names.fits.contains(npc.fit.as_str()) {
        return fault("fit", format!("\"{}\" is not the name of a fit", npc.fit));
    }
    between("skill_level", f64::from(npc.skill_level), 0.0, 5.0)?;
    cents("bounty_cents", npc.bounty, 0.0)?;
    range("aggro_m", npc.aggro_m)?;
    range("orbit_m", npc.orbit_m)?;
    security(npc.security_tenths)?;
    if npc.spawns.is_empty() {
        return fault("spawns", "is empty");
    }
    for spawn in &npc.spawns {
        between("spawns", f64::from(spawn.weight), 1.0, WEIGHT_MAX)?;
    }
    npc.loot.iter().try_for_each(|it| loot(it, names))
}

fn loot(loot: &Loot, names: &Names<'_>) -> Result<(), Fault> {
    if !names.items.contains(loot.item.as_str()) {
        let name = &loot.item;
        return fault("loot", format!("\"{name}\" is not the name of an item"));
    }
    between("loot", loot.chance_percent, 0.001, 100.0)?;
    quantities(loot.quantity).map_err(|fault| Fault {
        field: "loot",
        ..fault
    })
}

fn fit(fit: &NamedFit) -> Result<(), Fault> {
    text("name", &fit.name, 40)?;
    between("skill_level", f64::from(fit.skill_level), 0.0, 5.0)?;
    let lines: [(&'static str, &[FitLine]); 4] = [
        ("high", &fit.high),
        ("mid", &fit.mid),
        ("low", &fit.low),
        ("rig", &fit.rig),
    ];
    for (field, lines) in lines {
        for line in lines {
            between(field, f64::from(line.count), 1.0, 8.0)?;
        }
    }
    for line in &fit.drones {
        between("drones", f64::from(line.count), 1.0, 1_000.0)?;
    }
    Ok(())
}

/// All rows of what is out there; whether fits fit is asked later.
pub(super) fn pack(pack: &Pack, known: &Known<'_>, seen: &mut Seen) -> Checked {
    for (row, it) in rows("asteroid", &pack.asteroids) {
        asteroid(it, known)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    let mut ores = BTreeMap::new();
    for (row, it) in rows("refining", &pack.refinings) {
        let same = ores.insert(it.ore.as_str(), row);
        refining(it, known)
            .and_then(|()| taken("ore", format_args!("\"{}\"", it.ore), same))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("bubble", &pack.bubbles) {
        bubble(it, known)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    let mut ids = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for (row, it) in rows("faction", &pack.factions) {
        let [same_id, same_key] = [ids.insert(it.id, row), keys.insert(it.key.as_str(), row)];
        faction(it, pack)
            .and_then(|()| taken("id", it.id, same_id))
            .and_then(|()| taken("key", format_args!("\"{}\"", it.key), same_key))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    let mut names: BTreeMap<&str, Row> = BTreeMap::new();
    for (row, it) in rows("fit", &pack.fits) {
        let same = names.insert(it.name.as_str(), row);
        fit(it)
            .and_then(|()| taken("name", format_args!("\"{}\"", it.name), same))
            .map_err(|fault| (row, fault))?;
    }
    npcs(pack, seen)
}

fn npcs(pack: &Pack, seen: &mut Seen) -> Checked {
    let names = Names {
        factions: pack.factions.iter().map(|it| it.key.as_str()).collect(),
        fits: pack.fits.iter().map(|it| it.name.as_str()).collect(),
        items: pack
            .items
            .iter()
            .map(|it| it.name.as_str())
            .chain(pack.modules.iter().map(|it| it.name.as_str()))
            .chain(pack.charges.iter().map(|it| it.name.as_str()))
            .chain(pack.drones.iter().map(|it| it.name.as_str()))
            .collect(),
    };
    for (row, it) in rows("npc", &pack.npcs) {
        npc(it, &names)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    Ok(())
}
