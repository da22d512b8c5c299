use orrery_base::{AccountId, CharacterId, EntityId, GridId, TypeId};

use crate::WallTime;
use crate::accounts::AccountRow;
use crate::character::{CharacterRow, Location, ShipOwner, ShipRow};
use crate::passwords::Hash;
use crate::rows::hex;

fn character(location: Location) -> CharacterRow {
    CharacterRow {
        id: CharacterId(7),
        account: AccountId(3),
        name: "Ada Lovelace".to_owned(),
        ship: ShipRow {
            entity: EntityId::minted(9),
            type_id: TypeId(12),
            vitals: [255, 128, 1],
        },
        location,
        version: 4,
    }
}

fn account(password: Option<&str>) -> AccountRow {
    AccountRow {
        id: AccountId(3),
        name: "Jürgen".to_owned(),
        password: password.map(|text| Hash::from_stored(text.to_owned())),
        created: WallTime(1_700_000_000_000),
        characters: vec![CharacterId(7), CharacterId(8)],
    }
}

/// The layout on disk is a promise: the bytes in the golden file were written by the versions
/// that its names say, and must stay readable and be written the same.
#[test]
fn rows_on_disk_keep_their_layout() {
    let docked = Location::Docked {
        grid: GridId(30),
        station: EntityId(77),
    };
    let in_space = Location::InSpace {
        grid: GridId(30),
        position_cm: [1, -2, i32::MAX],
        velocity: [i32::MIN, 0, 5],
    };
    let owner = ShipOwner {
        character: CharacterId(7),
        type_id: TypeId(12),
    };
    let rows = [
        ("character_docked_v1", character(docked).encode()),
        ("character_in_space_v1", character(in_space).encode()),
        ("ship_owner_v1", owner.encode()),
        ("account_v1", account(Some("$argon2id$…")).encode()),
        ("account_without_password_v1", account(None).encode()),
    ];
    let written: String = rows
        .iter()
        .map(|(name, bytes)| format!("{name},{}\n", hex(bytes)))
        .collect();
    let golden = include_str!("../../tests/golden/rows.csv");
    assert_eq!(format!("row,bytes\n{written}"), golden);
    assert_eq!(CharacterRow::decode(&rows[0].1), Ok(character(docked)));
    assert_eq!(CharacterRow::decode(&rows[1].1), Ok(character(in_space)));
    assert_eq!(ShipOwner::decode(&rows[2].1), Ok(owner));
    assert_eq!(
        AccountRow::decode(&rows[3].1),
        Ok(account(Some("$argon2id$…")))
    );
    assert_eq!(AccountRow::decode(&rows[4].1), Ok(account(None)));
}
