//! Goods, containers, the economy and icons.

use super::*;
use std::collections::BTreeSet;

#[test]
fn there_is_enough_to_trade() {
    let content = content();
    let count = |key: &str| {
        assert!(content.group(key).is_some(), "{key}");
        content.items().iter().filter(|it| it.group == key).count()
    };
    assert!(count("ore") >= 8 && count("mineral") >= 8);
    let others = ["trade_good", "component", "salvage", "loot"].map(count);
    assert!(others.iter().sum::<usize>() >= 24, "{others:?}");
    assert_eq!(count(HULL_GROUP), content.ships().len());
    assert!(count(CONTAINER_GROUP) >= 3);
    for group in content.groups() {
        assert!(count(&group.key) > 0, "{} is empty", group.name);
    }
}

#[test]
fn every_ore_takes_up_more_than_the_mineral_in_it() {
    let content = content();
    for item in content.items().iter().filter(|it| it.group == "ore") {
        let mineral = content.item(TypeId(item.id.0 + 100)).unwrap();
        assert_eq!(mineral.group, "mineral");
        assert!(item.volume_l >= 10 * mineral.volume_l, "{}", item.name);
    }
}

#[test]
fn hulls_and_strongboxes_are_items_under_their_own_numbers() {
    let content = good_content();
    let ship = content.ship(TypeId(100)).unwrap();
    let hull = content.item(TypeId(100)).unwrap();
    assert_eq!(
        (hull.name.as_str(), hull.group.as_str()),
        ("Golden", HULL_GROUP)
    );
    assert_eq!((hull.volume_l, ship.cargo_l()), (2_500_000, 120_000));
    assert_eq!(hull.base_price, Money(100_000));
    assert!(hull.is_marketable);
    // The hue of 0x5AB4E6, a light blue.
    assert_eq!((hull.shape, hull.hue), (Shape::Hull, 202));

    let chest = content.item(TypeId(502)).unwrap();
    assert_eq!((chest.volume_l, chest.shape), (100_000, Shape::Vault));
    assert_eq!(
        content.container(TypeId(502)).unwrap().capacity_l(),
        120_000
    );
    assert_eq!(content.jettison().id, TypeId(500));
    assert_eq!(content.wreck().id, TypeId(501));
    // What floats about cannot be owned, and a good is nothing that floats about.
    assert!(content.item(TypeId(500)).is_none() && content.item(TypeId(501)).is_none());
    assert!(content.item(TypeId(200)).is_none() && content.item(TypeId(0)).is_none());
    assert!(content.container(TypeId(400)).is_none());
    assert_eq!(content.kind(TypeId(400)), None);
    let names = [400, 500, 502].map(|id| content.name(TypeId(id)).unwrap());
    assert_eq!(names, ["Greystone", "Float", "Chest"]);
    assert_eq!(content.radius_cm(TypeId(501)), 4_000);
    let ids: Vec<u32> = content.items().iter().map(|it| it.id.0).collect();
    assert_eq!(
        ids,
        [
            100, 101, 400, 401, 502, 700, 701, 702, 703, 704, 705, 710, 711, 712, 720
        ]
    );
}

#[test]
fn volumes_of_stacks_never_wrap() {
    let item = ItemType {
        volume_l: 1_000_000_000_000,
        ..content().items()[0].clone()
    };
    assert_eq!(item.litres(3), 3_000_000_000_000);
    assert_eq!(
        item.litres(u64::MAX),
        u128::from(u64::MAX) * 1_000_000_000_000
    );
}

#[test]
fn newcomers_get_what_is_written() {
    let content = good_content();
    assert_eq!(content.economy().grant_money, Money(100_000));
    let grant = [(100, 1), (400, 10), (502, 2)].map(|(id, count)| (TypeId(id), count));
    assert_eq!(content.grant(), grant);
    for &(id, quantity) in super::content().grant() {
        assert!(super::content().item(id).is_some() && quantity > 0, "{id}");
    }
}

#[test]
fn faucets_and_sinks_are_stored_by_number() {
    let content = good_content();
    assert_eq!(content.faucet(Faucet::StartingGrant), 10);
    assert_eq!(content.faucet(Faucet::Operator), 18);
    assert_eq!(content.sink(Sink::BrokerFee), 50);
    assert_eq!(content.sink(Sink::Operator), 59);
    // Numbers of the project's own that stores refer to: they may never change.
    let content = super::content();
    let faucets = Faucet::ALL.map(|it| content.faucet(it));
    assert_eq!(faucets, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let sinks = Sink::ALL.map(|it| content.sink(it));
    assert_eq!(sinks, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn jettisoned_goods_have_as_much_room_as_everyone_expects() {
    assert_eq!(content().jettison().capacity_m3, 27_500);
}

/// What is wrong with `good.toml` once `old` is `new`, which begins at `line`.
fn changed(old: &str, new: &str) -> (usize, String) {
    let text = fs::read_to_string(tests_folder().join("good.toml")).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old}");
    let line = 1 + text[..text.find(old).unwrap()].matches('\n').count();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), text.replace(old, new)).unwrap();
    (line, compile(folder.path()).unwrap_err().to_string())
}

#[test]
fn rules_out_of_range_are_named_with_their_line() {
    for (old, new, reason) in [
        ("\"mark\"", "\"\"", "currency must not be empty"),
        (
            "grant_money_cents = 1_000_00",
            "grant_money_cents = -1",
            "is -1",
        ),
        ("request_memory_s = 600", "request_memory_s = 59", "is 59"),
        ("trade_idle_s = 60", "trade_idle_s = 9", "is 9"),
        (
            "wreck_drop_percent = 50",
            "wreck_drop_percent = 101",
            "is 101",
        ),
        ("trades_max = 3", "trades_max = 0", "is 0"),
        ("trade_stacks_max = 10", "trade_stacks_max = 101", "is 101"),
        ("broker_fee_bp = 100", "broker_fee_bp = 10_001", "is 10001"),
        ("sales_tax_bp = 200", "sales_tax_bp = 10_001", "is 10001"),
        (
            "relist_share_bp = 5_000",
            "relist_share_bp = -1",
            "invalid value",
        ),
        ("fee_min_cents = 1_00", "fee_min_cents = -100", "is -100"),
        ("\"resting\"", "\"kindest\"", "unknown variant `kindest`"),
        ("price_digits = 4", "price_digits = 1", "is 1"),
        ("orders_max = 10", "orders_max = 0", "is 0"),
        (
            "modify_cooldown_s = 60",
            "modify_cooldown_s = 86_401",
            "is 86401",
        ),
    ] {
        let (line, shown) = changed(old, new);
        assert!(shown.contains(&format!("good.toml:{line}: ")), "{shown}");
        assert!(shown.contains(reason), "{new}: {shown}");
    }
}

#[test]
fn keys_that_the_rules_need_are_missed() {
    for (old, new, reason) in [
        (
            "key = \"hull\"",
            "key = \"boats\"",
            "key \"hull\" is in no row",
        ),
        (
            "key = \"container\"",
            "key = \"tins\"",
            "key \"container\" is in no row",
        ),
        (
            "\"Hulk\"\nrole = \"wreck\"",
            "\"Hulk\"\nrole = \"jettison\"",
            "Jettison is taken",
        ),
    ] {
        let (_, shown) = changed(old, new);
        assert!(shown.contains(reason), "{shown}");
    }
    let mut pack = good();
    pack.containers.retain(|it| it.role != ContainerRole::Wreck);
    let shown = Content::new(pack).unwrap_err().to_string();
    assert!(shown.contains("role Wreck is in no row"), "{shown}");
    let mut pack = good();
    pack.sinks.retain(|it| it.key != "trash");
    let shown = Content::new(pack).unwrap_err().to_string();
    assert!(shown.contains("\"trash\" is in no row"), "{shown}");
}

/// Whether every element is closed in the order in which they were opened, every attribute is
/// quoted, and nothing but names and titles stands between them.
fn is_well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    let mut rest = svg.trim_end();
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        if !text.is_empty() && open.last() != Some(&"title") {
            return false;
        }
        let Some(end) = rest[start..].find('>').map(|at| start + at) else {
            return false;
        };
        let tag = &rest[start + 1..end];
        let name = tag.trim_start_matches('/').split([' ', '/']).next();
        let Some(name) = name.filter(|name| name.chars().all(char::is_alphanumeric)) else {
            return false;
        };
        if !tag.matches('"').count().is_multiple_of(2) || tag.contains('<') || tag.contains('&') {
            return false;
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    open.is_empty() && rest.is_empty() && svg.starts_with("<svg ")
}

#[test]
fn the_judge_of_icons_can_say_no() {
    assert!(is_well_formed(
        "<svg a=\"1\"><title>a &lt; b</title><rect x=\"1\"/></svg>\n"
    ));
    for bad in [
        "",
        "<svg ><g></svg>",
        "<svg ><g></svg></g>",
        "<svg a=\"1></svg>",
        "<svg >text</svg>",
        "<svg ></svg>more",
    ] {
        assert!(!is_well_formed(bad), "{bad}");
    }
}

#[test]
fn icons_are_well_formed_and_distinct() {
    let mut seen = BTreeSet::new();
    for item in content().items() {
        let svg = icon_svg(item);
        assert!(is_well_formed(&svg), "{}: {svg}", item.name);
        assert!(svg.len() < 4_096, "{}: {} bytes", item.name, svg.len());
        let title = format!("<title>{}</title>", item.name);
        let drawing = svg.replace(&title, "");
        assert!(drawing.len() < svg.len(), "{} has its title", item.name);
        assert!(seen.insert(drawing), "{} looks like another", item.name);
        assert_eq!(svg, icon_svg(item));
    }
}

#[test]
fn shapes_hues_and_numbers_each_change_an_icon() {
    let plain = good_content().items()[1].clone();
    for shape in Shape::ALL {
        for volume_l in [1, 2_500_000, u64::MAX] {
            let item = ItemType {
                shape,
                volume_l,
                name: "a <b> & c".to_owned(),
                ..plain.clone()
            };
            let svg = icon_svg(&item);
            assert!(is_well_formed(&svg), "{shape:?}: {svg}");
            let other_id = ItemType {
                id: TypeId(item.id.0 + 1),
                ..item.clone()
            };
            assert_ne!(svg, icon_svg(&other_id), "{shape:?}");
            let other_hue = ItemType {
                hue: 359 - item.hue,
                ..item
            };
            assert_ne!(svg, icon_svg(&other_hue), "{shape:?}");
        }
    }
}
