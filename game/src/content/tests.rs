//! The project's content, faults as files (`tests/content/bad`: the first line of each says
//! which line must be named and what must be said), and packs that are not what they should be.

mod value;

use super::*;
use crate::testing::{GATE, HULLS, STATION, content, good_content};
use orrery_base::digest;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content")
}

fn good() -> Pack {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        tests_folder().join("good.toml"),
        folder.path().join("good.toml"),
    )
    .unwrap();
    compile(folder.path()).unwrap()
}

#[test]
fn the_projects_content_is_sound() {
    let content = content();
    assert_eq!(content.empires().len(), 4);
    assert!(content.ships().len() >= 24);
    assert!(content.modules().len() + content.charges().len() >= 120);
    assert!(content.factions().len() >= 4 && content.npcs().len() >= 16);
    assert!(content.drones().len() >= 8 && content.skills().len() >= 24);
    let is_raw = |group: &str| group == "ore" || group == "mineral";
    assert!(
        content
            .items()
            .iter()
            .filter(|it| is_raw(&it.group))
            .count()
            >= 16
    );
    for rock in content.asteroids() {
        assert!(content.by_name(&rock.ore).is_some(), "{}", rock.name);
    }
    for ship in content.ships() {
        assert_ne!(ship.systems, HullSystems::default(), "{}", ship.name);
    }
    for empire in content.empires() {
        assert!(
            content.ships().iter().any(|it| it.empire == empire.id),
            "{}",
            empire.name
        );
        assert!(
            content.stations().iter().any(|it| it.empire == empire.id),
            "{}",
            empire.name
        );
    }
    // The golden time constants of docs/mechanics.md#motion are hulls that one can fly.
    for (hull, tau_s) in HULLS.into_iter().zip([3.6, 6.0, 12.0, 58.5]) {
        let law = content.law(hull, false).unwrap();
        assert!((law.tau_s - tau_s).abs() < 1e-9, "{hull}: {}", law.tau_s);
    }
    assert_eq!(content.gate(GATE).unwrap().activation_range_cm(), 250_000);
    assert_eq!(content.gate(GATE).unwrap().arrival_range_cm(), 1_200_000);
}

#[test]
fn lookups_know_the_kind_of_a_number() {
    let content = content();
    assert_eq!(content.kind(HULLS[0]), Some(Kind::Ship));
    assert_eq!(content.kind(STATION), Some(Kind::Station));
    assert_eq!(content.kind(GATE), Some(Kind::Gate));
    assert!(
        content.ship(GATE).is_none()
            && content.station(GATE).is_none()
            && content.gate(STATION).is_none()
    );
    assert_eq!(content.name(GATE), Some("Lattice Gate"));
    assert_eq!(
        content.empire(2).map(|it| it.adjective.as_str()),
        Some("Drakkun")
    );
    for unknown in [0, 1, 1_100, 65_535, 65_536, u32::MAX].map(TypeId) {
        assert_eq!((content.kind(unknown), content.name(unknown)), (None, None));
        assert_eq!(
            (content.radius_cm(unknown), content.law(unknown, false)),
            (0, None)
        );
    }
}

#[test]
fn every_fault_names_its_file_line_and_reason() {
    let mut cases: Vec<PathBuf> = fs::read_dir(tests_folder().join("bad"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() > 70);
    for case in cases {
        let text = fs::read_to_string(&case).unwrap();
        let (line, expected) = text.lines().next().unwrap()[2..].split_once(": ").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::copy(
            tests_folder().join("good.toml"),
            folder.path().join("good.toml"),
        )
        .unwrap();
        let bad = folder.path().join("later.toml");
        fs::copy(&case, &bad).unwrap();
        match compile(folder.path()) {
            Err(error @ ContentError::Invalid { .. }) => {
                let shown = error.to_string();
                assert!(
                    shown.starts_with(&format!("{}:{line}: ", bad.display())),
                    "{case:?}: {shown}"
                );
                assert!(shown.contains(expected), "{case:?}: {shown}");
            }
            other => panic!("{case:?}: {other:?}"),
        }
    }
}

#[test]
fn a_fault_that_has_two_places_names_both() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        tests_folder().join("good.toml"),
        folder.path().join("good.toml"),
    )
    .unwrap();
    fs::copy(
        tests_folder().join("bad/id_of_another_kind.toml"),
        folder.path().join("a.toml"),
    )
    .unwrap();
    // The gate of good.toml is checked after the ship of a.toml, so it is the one at fault.
    let shown = compile(folder.path()).unwrap_err().to_string();
    assert!(
        shown.contains("good.toml:") && shown.contains("id 300 is taken by"),
        "{shown}"
    );
    assert!(shown.ends_with("a.toml:3"), "{shown}");
}

#[test]
fn what_is_missing_altogether_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = |error: ContentError| match error {
        ContentError::Missing { what, .. } => what,
        other => panic!("{other}"),
    };
    assert_eq!(missing(compile(folder.path()).unwrap_err()), "[navigation]");
    let text = fs::read_to_string(tests_folder().join("good.toml")).unwrap();
    let without_gate = text.split("[[gate]]").next().unwrap();
    fs::write(folder.path().join("a.toml"), without_gate).unwrap();
    assert_eq!(missing(compile(folder.path()).unwrap_err()), "[[gate]]");
    let nowhere = folder.path().join("nowhere");
    assert!(matches!(compile(&nowhere), Err(ContentError::Read { path, .. }) if path == nowhere));
}

#[test]
fn how_content_is_spread_over_files_does_not_matter() {
    let text = fs::read_to_string(tests_folder().join("good.toml")).unwrap();
    let tables: Vec<String> = text
        .replace("\n[", "\n\u{0}[")
        .split('\u{0}')
        .map(str::to_owned)
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for (index, table) in tables.iter().enumerate() {
        let name = format!("{:02}.toml", tables.len() - index);
        fs::write(folder.path().join(name), table).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "[[not]] = toml").unwrap();
    let pack = compile(folder.path()).unwrap();
    assert_eq!(pack.to_bytes(), good().to_bytes());
    assert_eq!(pack.hash(), good_content().hash());
}

#[test]
fn a_pack_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.pack");
    let pack = good();
    pack.write(&path).unwrap();
    let opened = Content::open(&path).unwrap();
    assert_eq!(opened.hash(), pack.hash());
    assert_eq!(opened.pack, pack);
    assert_eq!(Pack::from_bytes(&pack.to_bytes()).unwrap(), pack);
    // Written again over the first while that is open, as an update does.
    pack.write(&path).unwrap();
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert!(matches!(
        Content::open(&folder.path().join("none")),
        Err(PackError::File { .. })
    ));
    assert!(matches!(
        pack.write(&folder.path().join("no/where")),
        Err(PackError::File { .. })
    ));
}

#[test]
fn any_alignment_will_do() {
    let bytes = good().to_bytes();
    for shift in 0..16 {
        let mut moved = vec![0; shift];
        moved.extend_from_slice(&bytes);
        assert_eq!(Pack::from_bytes(&moved[shift..]).unwrap(), good());
    }
}

#[test]
fn what_is_not_a_pack_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.pack");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Content::open(&path).unwrap_err()
    };
    let bytes = good().to_bytes();
    assert!(matches!(open(&[]), PackError::BadMagic));
    assert!(matches!(open(b"ORRY"), PackError::BadMagic));
    assert!(matches!(open(b"[[ship]]\nid = 1\n"), PackError::BadMagic));
    assert!(matches!(
        open(&MAGIC),
        PackError::BadLength { found: 8, .. }
    ));
    let mut other = bytes.clone();
    other[8] = 9;
    assert!(matches!(open(&other), PackError::OtherVersion { found: 9 }));
    assert!(matches!(
        open(&bytes[..bytes.len() - 1]),
        PackError::BadLength { .. }
    ));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(open(&longer), PackError::BadLength { .. }));
    let mut damaged = bytes;
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(open(&damaged), PackError::BadHash { .. }));
}

#[test]
fn every_damaged_bit_is_noticed() {
    let bytes = good().to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Content::from_bytes(&damaged).is_err(), "byte {at}");
        assert!(Content::from_bytes(&bytes[..at]).is_err(), "{at} bytes");
    }
}

/// Puts the hash right, as somebody would who forges a pack.
fn forge(bytes: &mut [u8]) {
    let hash = digest::of_bytes(&bytes[32..]);
    bytes[24..32].copy_from_slice(&hash.to_le_bytes());
}

#[test]
fn values_out_of_range_are_refused_from_packs_too() {
    for change in [
        |pack: &mut Pack| pack.ships[0].mass_kg = f64::NAN,
        |pack: &mut Pack| pack.ships[0].id = TypeId(u32::MAX),
        |pack: &mut Pack| pack.ships[0].afterburner.as_mut().unwrap().thrust = f64::INFINITY,
        |pack: &mut Pack| pack.stations[1].id = pack.stations[0].id,
        |pack: &mut Pack| pack.gates[0].radius_m = -1.0,
        |pack: &mut Pack| pack.gates[0].name.clear(),
        |pack: &mut Pack| pack.navigation.keep_range_m = [2, 1],
        |pack: &mut Pack| pack.empires.clear(),
        |pack: &mut Pack| pack.items[0].volume_l = 0,
        |pack: &mut Pack| pack.items[0].volume_l = u64::MAX,
        |pack: &mut Pack| pack.items[0].base_price = Money(i64::MIN),
        |pack: &mut Pack| pack.ships[0].packed_m3 = 0,
        |pack: &mut Pack| pack.groups.clear(),
        |pack: &mut Pack| pack.containers.clear(),
        |pack: &mut Pack| pack.containers[0].radius_m = f64::NAN,
        |pack: &mut Pack| pack.grants[0].item.push('s'),
        |pack: &mut Pack| pack.grants[0].quantity = u64::MAX,
        |pack: &mut Pack| pack.faucets.truncate(1),
        |pack: &mut Pack| pack.sinks.clear(),
        |pack: &mut Pack| pack.economy.request_memory_s = 0,
    ] {
        let mut pack = good();
        change(&mut pack);
        let error = Content::from_bytes(&pack.to_bytes()).unwrap_err();
        assert!(matches!(error, PackError::Invalid { .. }), "{error}");
    }
}

#[test]
fn rows_in_another_order_are_the_same_content() {
    let mut pack = good();
    pack.stations.reverse();
    pack.empires.reverse();
    pack.items.reverse();
    pack.containers.reverse();
    pack.grants.reverse();
    pack.sinks.reverse();
    assert_eq!(Content::new(pack).unwrap().hash(), good().hash());
}

proptest! {
    /// A forged archive is an error or other content, never a fault of the program.
    #[test]
    fn forged_archives_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut bytes = good_content().pack.to_bytes();
        for (at, value) in changes {
            let at = 32 + at.index(bytes.len() - 32);
            bytes[at] = value;
        }
        forge(&mut bytes);
        if let Ok(content) = Content::from_bytes(&bytes) {
            prop_assert!(content.ships().iter().all(|it| content.law(it.id, false).is_some()));
            prop_assert!(content.ships().iter().all(|it| content.item(it.id).is_some()));
            prop_assert_eq!(content.jettison().role, ContainerRole::Jettison);
            prop_assert!(Sink::ALL.iter().all(|&it| content.sink(it) > 0));
        }
    }

    #[test]
    fn noise_is_no_pack(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Content::from_bytes(&bytes).is_err());
        if bytes.len() > 32 {
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[8..16].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
            let length = bytes.len() as u64 - 32;
            bytes[16..24].copy_from_slice(&length.to_le_bytes());
            forge(&mut bytes);
            prop_assert!(Content::from_bytes(&bytes).is_err());
        }
    }
}
