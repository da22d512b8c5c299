//! The invariants of the module's head, for many parameters; golden digests; rows; maps.

use super::graph::{Bounds, connect};
use super::*;
use crate::content::Content;
use crate::testing::{content, golden, good_content, number};
use orrery_base::{GridId, math};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn params(systems: u32, seed: u64, gates_min: u32, gates_max: u32) -> Params {
    Params {
        seed,
        systems,
        gates_min,
        gates_max,
        ..Params::default()
    }
}

/// Degree bounds as [`Params`] promises them.
fn check_degrees(degrees: &[usize], min: usize, max: usize) {
    let reachable = min.min(degrees.len() - 1);
    assert!(degrees.iter().all(|&it| it <= max), "{degrees:?}");
    let short = degrees.iter().filter(|&&it| it < reachable).count();
    let odd = min == max && reachable == min && (degrees.len() * min) % 2 == 1;
    assert_eq!(short, usize::from(odd), "{degrees:?}, at least {min}");
    if odd {
        assert!(degrees.contains(&(min - 1)));
    }
}

/// How many can be reached from the first.
fn reachable(neighbours: &[Vec<u32>]) -> usize {
    let (mut seen, mut open) = (BTreeSet::from([0]), vec![0_u32]);
    while let Some(at) = open.pop() {
        open.extend(
            neighbours[at as usize]
                .iter()
                .copied()
                .filter(|&next| seen.insert(next)),
        );
    }
    seen.len()
}

fn check(galaxy: &Galaxy, params: &Params, content: &Content) {
    assert_eq!(galaxy.systems.len(), params.systems as usize);
    let mut names = BTreeSet::new();
    let mut objects = BTreeSet::new();
    for (index, system) in galaxy.systems.iter().enumerate() {
        assert_eq!(system.id.0 as usize, index + 1);
        assert_eq!(GridId::hub_of(system.id).system(), system.id);
        assert!(names.insert(&system.name), "{}", system.name);
        assert!(
            system.name.is_ascii() && (3..=24).contains(&system.name.len()),
            "{}",
            system.name
        );
        assert!((-1_000..=1_000).contains(&system.security_milli));
        assert_eq!(
            system.empire == 0,
            system.security_milli <= 0 || content.empires().is_empty()
        );
        check_objects(system, params, &mut objects);
        check_hub(system, content);
        let mut gate_names = BTreeSet::new();
        for gate in &system.gates {
            assert!(gate_names.insert(&gate.name), "{}", gate.name);
            let (there, pair) = galaxy.gate(gate.to_gate).unwrap();
            assert_eq!(
                (there.id, pair.to_system, pair.to_gate),
                (gate.to_system, system.id, gate.object)
            );
            assert_ne!(there.id, system.id);
            assert_eq!(pair.type_id, gate.type_id);
        }
        assert!(
            system
                .gates
                .windows(2)
                .all(|pair| pair[0].to_system < pair[1].to_system)
        );
    }
    let degrees: Vec<usize> = galaxy.systems.iter().map(|it| it.gates.len()).collect();
    check_degrees(
        &degrees,
        params.gates_min as usize,
        params.gates_max as usize,
    );
    let neighbours: Vec<Vec<u32>> = galaxy
        .systems
        .iter()
        .map(|it| it.neighbours().map(|to| to.0 - 1).collect())
        .collect();
    assert_eq!(reachable(&neighbours), galaxy.systems.len(), "connected");
}

fn check_objects(system: &System, params: &Params, objects: &mut BTreeSet<ObjectId>) {
    let ids = [system.star.object].into_iter();
    let ids = ids.chain(system.planets.iter().map(|it| it.object));
    let ids = ids.chain(system.belts.iter().map(|it| it.object));
    let ids = ids.chain(system.stations.iter().map(|it| it.object));
    for id in ids.chain(system.gates.iter().map(|it| it.object)) {
        assert!(objects.insert(id) && id.0 != 0, "{id}");
        assert_eq!(system_of(id), system.id);
    }
    for (count, span) in [
        (system.planets.len(), params.planets),
        (system.belts.len(), params.belts),
    ] {
        assert!(
            (span.min..=span.max).contains(&(count as u32)),
            "{count} of {span:?}"
        );
    }
    assert!(
        system
            .planets
            .windows(2)
            .all(|pair| pair[0].orbit_m < pair[1].orbit_m)
    );
    let star_m = i64::from(system.star.radius_km) * 1_000;
    for planet in &system.planets {
        let distance = math::length(planet.position_m);
        assert!(distance > 2 * star_m, "{} is in its star", planet.name);
        assert!(distance.abs_diff(planet.orbit_m) < planet.orbit_m as u64 / 100);
        // 5,000 astronomical units: ten times what most systems span.
        assert!(
            planet.orbit_m < 750_000_000_000_000,
            "{}: {}",
            planet.name,
            planet.orbit_m
        );
    }
    let star = system.star;
    assert!(
        star.subclass <= 9
            && (2_400..=45_000).contains(&star.temperature_k)
            && star.radius_km > 90_000
    );
}

fn check_hub(system: &System, content: &Content) {
    let [station] = &system.stations[..] else {
        panic!("one station")
    };
    assert_eq!(station.position_cm, [0; 3]);
    let kind = content.station(station.type_id).unwrap();
    assert!(kind.empire == 0 || kind.empire == system.empire);
    let mut placed = vec![(station.position_cm, content.radius_cm(station.type_id))];
    for gate in &system.gates {
        let distance_m = math::length(gate.position_cm.map(i64::from)) / 100;
        assert!((20_000..=80_003).contains(&distance_m), "{distance_m}");
        assert!(gate.position_cm.iter().all(|cm| cm % 100 == 0));
        let radius = content.radius_cm(gate.type_id);
        assert!(content.gate(gate.type_id).is_some());
        for &(other, other_radius) in &placed {
            let apart = math::distance(gate.position_cm, other) - i64::from(radius + other_radius);
            assert!(apart >= 500_000, "{}: {apart} cm", gate.name);
        }
        placed.push((gate.position_cm, radius));
    }
}

#[test]
fn the_smallest_galaxies_are_sensible() {
    for systems in 1..=12 {
        for gates_min in 1..=Params::GATES_MAX {
            for gates_max in gates_min..=Params::GATES_MAX {
                let params = params(systems, 5, gates_min, gates_max);
                match generate(&params, good_content()) {
                    Ok(galaxy) => check(&galaxy, &params, good_content()),
                    Err(error) => assert_eq!(
                        (error, gates_max),
                        (GalaxyError::Disconnected { systems }, 1),
                        "{params:?}"
                    ),
                }
            }
        }
    }
}

#[test]
fn the_largest_galaxy_is_too() {
    let params = Params {
        systems: Params::SYSTEMS_MAX,
        planets: Span {
            min: 0,
            max: Params::PLANETS_MAX,
        },
        belts: Span {
            min: 0,
            max: Params::BELTS_MAX,
        },
        ..params(0, 11, 2, 3)
    };
    check(&generate(&params, content()).unwrap(), &params, content());
}

#[test]
fn unusual_bounds_are_kept_in_large_galaxies_too() {
    for (gates_min, gates_max) in [(1, 2), (2, 2), (3, 3), (8, 8)] {
        let params = params(3_001, 12, gates_min, gates_max);
        check(&generate(&params, content()).unwrap(), &params, content());
    }
}

#[test]
fn lanes_are_mostly_short_and_never_cross_where_they_need_not() {
    let params = params(500, 21, 2, 3);
    let galaxy = generate(&params, content()).unwrap();
    let length = |a: &System, b: &System| {
        math::length(
            [0, 1, 2].map(|axis| i64::from(a.position_mly[axis]) - i64::from(b.position_mly[axis])),
        )
    };
    let mut lengths: Vec<i64> = galaxy
        .systems
        .iter()
        .flat_map(|a| {
            a.neighbours()
                .map(|b| length(a, galaxy.system(b).unwrap()))
                .collect::<Vec<_>>()
        })
        .collect();
    lengths.sort_unstable();
    // Nine of ten are below twice the median.
    assert!(
        lengths[lengths.len() * 9 / 10] < 2 * lengths[lengths.len() / 2],
        "{lengths:?}"
    );
    let mean = lengths.len() as f64 / galaxy.systems.len() as f64;
    assert!((2.1..=2.9).contains(&mean), "{mean} gates per system");
}

#[test]
fn the_core_is_safe_and_security_changes_gradually() {
    let galaxy = generate(&params(800, 3, 2, 3), content()).unwrap();
    let distance = |it: &System| math::length(it.position_mly.map(i64::from));
    let mut by_distance: Vec<&System> = galaxy.systems.iter().collect();
    by_distance.sort_by_key(|it| distance(it));
    let mean = |systems: &[&System]| {
        systems.iter().map(|it| it.security()).sum::<f64>() / systems.len() as f64
    };
    assert!(mean(&by_distance[..200]) > 0.4 && mean(&by_distance[600..]) < -0.2);
    let steps: Vec<f64> = galaxy
        .systems
        .iter()
        .flat_map(|a| {
            a.neighbours()
                .map(|b| (galaxy.system(b).unwrap().security() - a.security()).abs())
        })
        .collect();
    let random = 0.6; // The mean difference of two systems drawn at random is larger than this.
    assert!(steps.iter().sum::<f64>() / steps.len() as f64 * 4.0 < random);
    let count = |band| galaxy.systems.iter().filter(|it| it.band() == band).count();
    for (band, range) in [
        (SecurityBand::High, 230..=310),
        (SecurityBand::Low, 160..=220),
        (SecurityBand::Null, 300..=380),
    ] {
        assert!(range.contains(&count(band)), "{band:?}: {}", count(band));
    }
    for empire in content().empires() {
        let held = galaxy
            .systems
            .iter()
            .filter(|it| it.empire == empire.id)
            .count();
        assert!(held > 40, "{}: {held}", empire.name);
    }
}

#[test]
fn players_see_security_in_tenths() {
    let mut system = generate(&params(1, 1, 2, 3), content())
        .unwrap()
        .systems
        .remove(0);
    for (milli, tenths) in [
        (1_000, 10),
        (449, 4),
        (450, 5),
        (49, 1),
        (1, 1),
        (0, 0),
        (-49, 0),
        (-50, -1),
        (-951, -10),
        (-1_000, -10),
    ] {
        system.security_milli = milli;
        assert_eq!(system.security_tenths(), tenths, "{milli}");
    }
    system.security_milli = 450;
    assert_eq!(system.band(), SecurityBand::High);
    system.security_milli = 449;
    assert_eq!(system.band(), SecurityBand::Low);
    system.security_milli = 0;
    assert_eq!(system.band(), SecurityBand::Null);
}

#[test]
fn galaxies_are_the_golden_ones() {
    for [systems, seed, gates_min, gates_max, digest, first] in
        golden(include_str!("../../tests/golden/galaxy.csv"))
    {
        let params = params(
            number(systems),
            number(seed),
            number(gates_min),
            number(gates_max),
        );
        let galaxy = generate(&params, good_content()).unwrap();
        let got = format!("{:016x}", galaxy.digest());
        assert_eq!(
            (got.as_str(), galaxy.systems[0].name.as_str()),
            (digest, first),
            "{params:?}"
        );
    }
}

#[test]
fn impossible_parameters_are_named() {
    let good = Params::default();
    let error = |params: Params| generate(&params, good_content()).unwrap_err();
    for systems in [0, 10_001, u32::MAX] {
        assert_eq!(
            error(Params { systems, ..good }),
            GalaxyError::Systems { found: systems }
        );
    }
    for span in [Span { min: 3, max: 2 }, Span { min: 0, max: 25 }] {
        let what = "planets";
        assert_eq!(
            error(Params {
                planets: span,
                ..good
            }),
            GalaxyError::Span {
                what,
                span,
                most: 24
            }
        );
    }
    let span = Span { min: 0, max: 33 };
    assert!(matches!(
        error(Params {
            belts: span,
            ..good
        }),
        GalaxyError::Span { what: "belts", .. }
    ));
    for (gates_min, gates_max) in [(0, 3), (4, 3), (2, 9)] {
        let expected = GalaxyError::Gates {
            min: gates_min,
            max: gates_max,
        };
        assert_eq!(
            error(Params {
                gates_min,
                gates_max,
                ..good
            }),
            expected
        );
    }
    assert_eq!(
        error(Params {
            gates_min: 1,
            gates_max: 1,
            ..good
        }),
        GalaxyError::Disconnected { systems: 50 }
    );
    // Every one of them is a sentence without a gap.
    assert_eq!(
        error(Params {
            belts: span,
            ..good
        })
        .to_string(),
        "belts from 0 to 33: the range must not be empty, nor end above 32"
    );
}

#[test]
fn content_that_does_not_fit_a_hub_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/good.toml");
    let text = std::fs::read_to_string(file)
        .unwrap()
        .replace("radius_m = 3_000", "radius_m = 10_001");
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    let content = Content::new(crate::content::compile(folder.path()).unwrap()).unwrap();
    let error = generate(&Params::default(), &content).unwrap_err();
    assert!(
        matches!(&error, GalaxyError::TooLarge { name, .. } if name == "Crown Port"),
        "{error}"
    );
}

#[test]
fn rows_survive_their_bytes_and_damage_does_no_harm() {
    let galaxy = generate(&params(12, 8, 2, 3), content()).unwrap();
    assert_eq!(Galaxy::from_bytes(&galaxy.to_bytes()).unwrap(), galaxy);
    for system in &galaxy.systems {
        let bytes = system.to_bytes();
        assert_eq!(&System::from_bytes(&bytes).unwrap(), system);
        for at in 0..bytes.len() {
            assert!(System::from_bytes(&bytes[..at]).is_err() || at == bytes.len());
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            // Another system or an error.
            let _ = System::from_bytes(&damaged);
        }
    }
    assert!(System::from_bytes(&[]).is_err());
}

#[test]
fn lookups_find_what_there_is() {
    let galaxy = generate(&params(30, 8, 2, 3), content()).unwrap();
    assert!(galaxy.system(SystemId(0)).is_none() && galaxy.system(SystemId(31)).is_none());
    let system = galaxy.system(SystemId(30)).unwrap();
    let (found, station) = galaxy.station(system.stations[0].object).unwrap();
    assert_eq!((found.id, station), (system.id, &system.stations[0]));
    let gate = &system.gates[1];
    assert_eq!(system.gate_to(gate.to_system), Some(gate));
    assert!(galaxy.gate(station.object).is_none() && galaxy.station(gate.object).is_none());
    assert!(galaxy.gate(ObjectId(u32::MAX)).is_none());
}

/// Opened and closed tags must match; attributes must be quoted.
fn check_document(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag that is closed");
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn maps_are_documents_with_every_system() {
    for systems in [1, 2, 5, 50, 300, 2_000] {
        let galaxy = generate(&params(systems, 7, 2, 3), content()).unwrap();
        let svg = map::svg_with(&galaxy, content().empires());
        check_document(&svg);
        assert_eq!(
            svg,
            map::svg_with(&galaxy, content().empires()),
            "the same galaxy, the same map"
        );
        for system in &galaxy.systems {
            assert!(
                svg.contains(&format!("<title>{}, security", system.name)),
                "{}",
                system.name
            );
        }
        // Where there is room, every system has its name; in a crowd, few or none.
        let names = svg.matches("<tspan").count();
        if systems <= 50 {
            assert!(names >= systems as usize, "{names} of {systems}");
        }
        let table = map::table_with(&galaxy, content().empires());
        assert_eq!(table.lines().count(), systems as usize + 1);
        for (line, system) in table.lines().skip(1).zip(&galaxy.systems) {
            assert!(line.contains(&system.name));
        }
    }
}

#[test]
fn maps_need_no_content() {
    let galaxy = generate(&params(60, 7, 2, 3), content()).unwrap();
    let svg = map::svg(&galaxy);
    check_document(&svg);
    assert!(svg.contains("empire 3") && !svg.contains("Taumani Reach"));
    assert!(map::svg_with(&galaxy, content().empires()).contains("Taumani Reach"));
    assert!(map::table(&galaxy).contains("empire 3"));
    let empty = Galaxy {
        seed: 1,
        systems: Vec::new(),
    };
    check_document(&map::svg(&empty));
    assert_eq!(map::table(&empty).lines().count(), 1);
}

#[test]
fn names_in_maps_are_escaped() {
    let mut galaxy = generate(&params(3, 7, 2, 2), content()).unwrap();
    galaxy.systems[1].name = "A<b>&\"c\"".to_owned();
    let svg = map::svg_with(&galaxy, content().empires());
    check_document(&svg);
    assert!(svg.contains("A&lt;b&gt;&amp;"));
}

#[test]
fn numerals_are_roman() {
    let numerals = [
        (0, ""),
        (1, "I"),
        (4, "IV"),
        (9, "IX"),
        (14, "XIV"),
        (24, "XXIV"),
        (49, "XLIX"),
        (99, "XCIX"),
    ];
    for (number, roman) in numerals {
        assert_eq!(names::roman(number), roman);
    }
}

#[test]
fn ten_thousand_names_are_short_and_different() {
    let holders: Vec<u8> = (0..10_000).map(|it| (it % 5) as u8).collect();
    let names = names::names(&holders, 4);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let mut lengths = BTreeMap::new();
    names
        .iter()
        .for_each(|it| *lengths.entry(it.len()).or_insert(0) += 1);
    assert!(names.iter().all(|it| it.len() <= 18), "{lengths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn galaxies_keep_their_invariants(
        seed: u64, systems in 1..160_u32, gates in (1..=8_u32, 1..=8_u32),
        planets in (0..=24_u32, 0..=24_u32), belts in (0..=32_u32, 0..=32_u32),
    ) {
        let span = |(a, b): (u32, u32)| Span { min: a.min(b), max: a.max(b) };
        let params = Params {
            seed,
            systems,
            planets: span(planets),
            belts: span(belts),
            gates_min: gates.0.min(gates.1),
            gates_max: gates.0.max(gates.1).max(2),
        };
        let galaxy = generate(&params, content()).unwrap();
        check(&galaxy, &params, content());
        prop_assert_eq!(generate(&params, content()).unwrap().to_bytes(), galaxy.to_bytes());
        let other = generate(&Params { seed: seed.wrapping_add(1), ..params }, content()).unwrap();
        prop_assert_ne!(other.digest(), galaxy.digest());
    }

    /// Points that no galaxy has: in line, in clumps, far apart.
    #[test]
    fn any_points_are_connected(
        points in prop::collection::btree_set((-30..30_i32, prop_oneof![Just(0), -30..30_i32, Just(2_000_000_000)]), 1..60),
        gates in (1..=5_usize, 2..=5_usize),
    ) {
        let points: Vec<[i32; 2]> = points.into_iter().map(|(x, y)| [x * 60_000_000, y]).collect();
        let bounds = Bounds { min: gates.0.min(gates.1), max: gates.1 };
        let graph = connect(&points, bounds, 1);
        prop_assert_eq!(reachable(&graph.neighbours), points.len());
        let degrees: Vec<usize> = graph.neighbours.iter().map(Vec::len).collect();
        check_degrees(&degrees, bounds.min, bounds.max);
    }
}
