use proptest::prelude::*;

use super::*;

fn location() -> impl Strategy<Value = Location> {
    prop_oneof![
        any::<(u32, u64)>().prop_map(|(grid, station)| Location::Docked {
            grid: GridId(grid),
            station: EntityId(station)
        }),
        any::<(u32, [i32; 3], [i32; 3])>().prop_map(|(grid, position_cm, velocity)| {
            Location::InSpace {
                grid: GridId(grid),
                position_cm,
                velocity,
            }
        }),
    ]
}

prop_compose! {
    fn character()(
        ids in any::<(u64, u64, u64, u32)>(),
        name in "\\PC{0,24}",
        vitals in any::<[u8; 3]>(),
        location in location(),
        version in any::<u32>(),
    ) -> CharacterRow {
        CharacterRow {
            id: CharacterId(ids.0),
            account: AccountId(ids.1),
            name,
            ship: ShipRow { entity: EntityId(ids.2), type_id: TypeId(ids.3), vitals },
            location,
            version,
        }
    }
}

proptest! {
    #[test]
    fn rows_read_back_as_written(row in character()) {
        prop_assert_eq!(CharacterRow::decode(&row.encode()), Ok(row.clone()));
        let owner = ShipOwner { character: row.id, type_id: row.ship.type_id };
        prop_assert_eq!(ShipOwner::decode(&owner.encode()), Ok(owner));
    }

    #[test]
    fn damaged_rows_never_panic(
        row in character(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = row.encode();
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = CharacterRow::decode(&bytes);
        let _ = CharacterRow::decode(&bytes[..cut.index(bytes.len())]);
        let _ = ShipOwner::decode(&bytes);
    }

    #[test]
    fn keys_sort_like_ids(a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(
            CharacterRow::key(CharacterId(a)).cmp(&CharacterRow::key(CharacterId(b))),
            a.cmp(&b)
        );
    }
}

#[test]
fn other_versions_are_refused() {
    let mut bytes = ShipOwner {
        character: CharacterId(1),
        type_id: TypeId(2),
    }
    .encode();
    bytes[0] = 2;
    assert_eq!(
        ShipOwner::decode(&bytes),
        Err(RecordError::Version {
            found: 2,
            expected: SHIP_VERSION
        })
    );
    assert_eq!(ShipOwner::decode(&[]), Err(RecordError::Empty));
}
