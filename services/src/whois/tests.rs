use orrery_base::{AccountId, EntityId, GridId, TypeId};
use orrery_storage::Batch;

use super::*;
use crate::character::{Location, ShipRow, VITALS_FULL};
use crate::rows::MemoryRows;

fn store(ids: &[u64]) -> MemoryRows {
    let mut rows = MemoryRows::default();
    let mut batch = Batch::new();
    for &id in ids {
        let row = CharacterRow {
            id: CharacterId(id),
            account: AccountId(1),
            name: format!("Name {id}"),
            ship: ShipRow {
                entity: EntityId::minted(id),
                type_id: TypeId(1),
                vitals: VITALS_FULL,
            },
            location: Location::Docked {
                grid: GridId(1),
                station: EntityId(1),
            },
            version: 1,
        };
        batch.put(Domain::Character, CharacterRow::key(row.id), row.encode());
    }
    rows.apply(&batch);
    rows
}

fn ask(whois: &mut Whois, rows: &MemoryRows, ids: &[u64]) -> Vec<(u64, String)> {
    let ids: Vec<_> = ids.iter().copied().map(CharacterId).collect();
    let names = whois.names(rows, &ids).expect("readable");
    names.into_iter().map(|(id, name)| (id.0, name)).collect()
}

#[test]
fn names_come_in_the_order_of_the_question() {
    let rows = store(&[1, 2, 3]);
    let mut whois = Whois::default();
    let expected = vec![(3, "Name 3".to_owned()), (1, "Name 1".to_owned())];
    assert_eq!(ask(&mut whois, &rows, &[3, 99, 1]), expected);
    // From the cache: the store is gone.
    assert_eq!(
        ask(&mut whois, &MemoryRows::default(), &[3, 99, 1]),
        expected
    );
    assert_eq!(ask(&mut whois, &MemoryRows::default(), &[2]), []);
    assert_eq!(ask(&mut whois, &rows, &[2, 2]).len(), 2);
}

#[test]
fn the_cache_is_bounded() {
    let mut whois = Whois::default();
    for id in 0..=u64::try_from(CACHE_MAX).expect("fits") {
        whois.learn(CharacterId(id), String::new());
    }
    assert_eq!(whois.names.len(), CACHE_MAX);
    assert_eq!(whois.learnt.len(), CACHE_MAX);
    assert!(
        !whois.names.contains_key(&CharacterId(0)),
        "the first learnt went"
    );
}

#[test]
fn a_question_is_bounded() {
    let ids: Vec<u64> = (1..=300).collect();
    assert_eq!(
        ask(&mut Whois::default(), &store(&ids), &ids).len(),
        IDS_MAX
    );
}
