use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn handle(slot: u32, generation: u32) -> Handle {
    let slot = Slot(slot);
    Handle { slot, generation }
}

#[test]
fn the_lowest_free_slot_is_given_and_tenants_are_counted() {
    let mut slots = Slots::default();
    let first: Vec<Handle> = (0..4).map(|_| slots.allocate()).collect();
    assert_eq!(first, [0, 1, 2, 3].map(|slot| handle(slot, 0)));
    slots.release(first[2]);
    slots.release(first[1]);
    assert_eq!(slots.allocate(), handle(1, 1));
    assert_eq!(slots.allocate(), handle(2, 1));
    assert_eq!(slots.allocate(), handle(4, 0));
    assert_eq!(slots.bound(), 5);
}

#[test]
#[should_panic(expected = "a slot is released once")]
fn a_slot_is_not_released_twice() {
    let mut slots = Slots::default();
    let handle = slots.allocate();
    slots.release(handle);
    slots.release(handle);
}

#[test]
fn only_what_can_be_is_restored() {
    let taken = |handles: &[Handle]| Slots::restore(vec![3, 0], handles.iter().copied()).is_some();
    assert!(taken(&[handle(0, 3)]));
    assert!(!taken(&[handle(0, 2)]), "another tenant");
    assert!(!taken(&[handle(0, 3), handle(0, 3)]), "two tenants");
    assert!(!taken(&[handle(2, 0)]), "no such slot");
}

proptest! {
    #[test]
    fn restored_slots_go_on_as_the_original(actions in prop::collection::vec(0..30_u32, 0..200)) {
        let mut slots = Slots::default();
        let mut taken: BTreeMap<u32, Handle> = BTreeMap::new();
        for action in actions {
            if let Some(handle) = taken.remove(&action) {
                slots.release(handle);
            } else {
                let handle = slots.allocate();
                let lowest = (0..).find(|slot| !taken.values().any(|h| h.slot.0 == *slot));
                prop_assert_eq!(Some(handle.slot.0), lowest);
                taken.insert(action, handle);
            }
        }
        let restored = Slots::restore(slots.generations().to_vec(), taken.values().copied());
        let mut restored = restored.unwrap();
        prop_assert_eq!(restored.bound(), slots.bound());
        for _ in 0..40 {
            prop_assert_eq!(restored.allocate(), slots.allocate());
        }
    }
}
