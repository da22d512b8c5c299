use std::collections::BTreeMap;

use orrery_base::columns::columns;
use proptest::prelude::*;

use super::*;
use crate::slots::Slots;

columns! {
    /// Two fields.
    struct TestColumns;
    /// One row of them.
    #[derive(Copy)]
    struct TestRow {
        /// A number.
        pub a: u32,
        /// Another.
        pub b: i64,
    }
}

fn row(n: u64) -> TestRow {
    TestRow {
        a: n as u32,
        b: -(n as i64),
    }
}

fn handle(slot: u32) -> Handle {
    Handle {
        slot: Slot(slot),
        generation: 0,
    }
}

#[test]
fn the_last_row_moves_into_the_hole() {
    let mut table = Table::<TestColumns>::default();
    for n in 1..=3 {
        let at = table.insert(EntityId(n), handle(n as u32 + 4), Tick(n), row(n));
        assert_eq!(at as u64, n - 1);
    }
    table.drain_dirty(|_, _| ());
    table.mark_dirty(2);
    assert_eq!(table.remove(EntityId(1)), Some(row(1)));
    assert_eq!(table.remove(EntityId(1)), None);
    assert_eq!(table.ids(), [EntityId(3), EntityId(2)]);
    assert_eq!(table.columns().a, [3, 2]);
    assert_eq!(table.slots(), [Slot(7), Slot(6)]);
    assert_eq!(table.born(), [Tick(3), Tick(2)]);
    assert_eq!(table.row_of_slot(Slot(7)), Some(0));
    assert_eq!(table.row_of_slot(Slot(5)), None);
    assert_eq!(table.row_of_slot(Slot(999)), None);
    assert_eq!(table.born_of_slot(Slot(7)), Some(Tick(3)));
    assert!(table.is_dirty(0) && !table.is_dirty(1) && !table.is_dirty(2));
}

#[test]
fn a_handle_names_one_tenant() {
    let mut table = Table::<TestColumns>::default();
    let first = handle(0);
    table.insert(EntityId(1), first, Tick(1), row(1));
    assert_eq!(table.row_of_handle(first), Some(0));
    table.remove(EntityId(1));
    let second = Handle {
        generation: 1,
        ..first
    };
    table.insert(EntityId(2), second, Tick(2), row(2));
    assert_eq!(table.row_of_handle(first), None);
    assert_eq!(table.row_of_handle(second), Some(0));
}

#[test]
fn rows_added_behind_its_back_are_noticed() {
    let mut table = Table::<TestColumns>::default();
    table.columns_mut().push(row(1));
    assert!(!table.is_consistent());
}

#[test]
#[should_panic(expected = "entity 5 is here already")]
fn an_entity_is_here_once() {
    let mut table = Table::<TestColumns>::default();
    table.insert(EntityId(5), handle(0), Tick(0), row(0));
    table.insert(EntityId(5), handle(1), Tick(0), row(0));
}

#[test]
#[should_panic(expected = "slot 3 is taken")]
fn a_slot_has_one_tenant() {
    let mut table = Table::<TestColumns>::default();
    table.insert(EntityId(5), handle(3), Tick(0), row(0));
    table.insert(EntityId(6), handle(3), Tick(0), row(0));
}

#[test]
#[should_panic(expected = "an entity has an id")]
fn nothing_is_no_entity() {
    Table::<TestColumns>::default().insert(EntityId::NONE, handle(0), Tick(0), row(0));
}

#[derive(Clone, Debug)]
enum Action {
    Insert(u64),
    Remove(u64),
    Change(u64),
    Drain,
    Clear,
}

fn action() -> impl Strategy<Value = Action> {
    // Few ids, so that they meet; some far apart, some that fall together in the index.
    let id = prop_oneof![1..40_u64, (1..40_u64).prop_map(|n| n << 58 | 7)];
    prop_oneof![
        8 => id.clone().prop_map(Action::Insert),
        6 => id.clone().prop_map(Action::Remove),
        4 => id.prop_map(Action::Change),
        1 => Just(Action::Drain),
        1 => Just(Action::Clear),
    ]
}

proptest! {
    #[test]
    fn behaves_like_a_map(actions in prop::collection::vec(action(), 0..300)) {
        let mut table = Table::<TestColumns>::default();
        let mut slots = Slots::default();
        // By id: handle, born, row, dirty.
        let mut model: BTreeMap<EntityId, (Handle, Tick, TestRow, bool)> = BTreeMap::new();
        for (tick, action) in actions.into_iter().enumerate() {
            let born = Tick(tick as u64);
            match action {
                Action::Insert(id) if !model.contains_key(&EntityId(id)) => {
                    let handle = slots.allocate();
                    table.insert(EntityId(id), handle, born, row(id));
                    model.insert(EntityId(id), (handle, born, row(id), true));
                }
                Action::Insert(_) => {}
                Action::Remove(id) => {
                    let removed = model.remove(&EntityId(id));
                    prop_assert_eq!(table.remove(EntityId(id)), removed.map(|(.., row, _)| row));
                    if let Some((handle, ..)) = removed {
                        slots.release(handle);
                        prop_assert_eq!(table.row_of_handle(handle), None);
                    }
                }
                Action::Change(id) => {
                    if let Some(at) = table.row_of(EntityId(id)) {
                        table.columns_mut().a[at] += 1;
                        table.mark_dirty(at);
                    }
                    if let Some((.., row, dirty)) = model.get_mut(&EntityId(id)) {
                        row.a += 1;
                        *dirty = true;
                    }
                }
                Action::Drain => {
                    let mut drained = Vec::new();
                    table.drain_dirty(|table, row| drained.push((row, table.ids()[row])));
                    prop_assert!(drained.is_sorted());
                    let mut drained: Vec<_> = drained.into_iter().map(|(_, id)| id).collect();
                    drained.sort();
                    let dirty = model.iter_mut().filter(|(_, (.., dirty))| *dirty);
                    let dirty: Vec<_> = dirty
                        .map(|(id, (.., dirty))| {
                            *dirty = false;
                            *id
                        })
                        .collect();
                    prop_assert_eq!(drained, dirty);
                }
                Action::Clear => {
                    table.clear();
                    slots = Slots::default();
                    model.clear();
                }
            }
            prop_assert_eq!(table.len(), model.len());
            prop_assert!(table.is_consistent());
            for (id, (handle, born, row, dirty)) in &model {
                let at = table.row_of(*id).unwrap();
                prop_assert_eq!(table.ids()[at], *id);
                prop_assert_eq!(table.handle(at), *handle);
                prop_assert_eq!(table.row_of_slot(handle.slot), Some(at));
                prop_assert_eq!(table.row_of_handle(*handle), Some(at));
                prop_assert_eq!(table.born()[at], *born);
                prop_assert_eq!(table.columns().row(at), *row);
                prop_assert_eq!(table.is_dirty(at), *dirty);
            }
            prop_assert_eq!(table.row_of(EntityId::NONE), None);
            prop_assert_eq!(table.row_of(EntityId(1 << 40)), None);
        }
    }
}
