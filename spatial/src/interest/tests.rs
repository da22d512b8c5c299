use super::*;
use crate::Path;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// One beat of a small world: who is where (by slot; none = nobody there), and who is replaced.
type Beat = Vec<Option<([i32; 2], bool)>>;

fn beat(slots: usize) -> impl Strategy<Value = Beat> {
    let one = ([-6_000i32..6_000, -6_000..6_000], prop::bool::weighted(0.1));
    prop::collection::vec(prop::option::weighted(0.8, one), slots)
}

const RADII: Radii = Radii::with_hysteresis(3_000, 100);

struct World {
    index: CellIndex,
    slots: Vec<u32>,
    places: Vec<[i32; 3]>,
}

/// Rows in an order that has nothing to do with the slots.
fn world(beat: &Beat, path: Path) -> World {
    let mut rows: Vec<(u32, [i32; 3])> = beat
        .iter()
        .enumerate()
        .filter_map(|(slot, there)| there.map(|([x, y], _)| (slot as u32 * 3, [x, y, 10])))
        .collect();
    rows.sort_by_key(|&(slot, place)| (slot % 7, place));
    let places: Vec<_> = rows.iter().map(|row| row.1).collect();
    let column = |axis: usize| places.iter().map(|p| p[axis]).collect::<Vec<i32>>();
    let mut index = CellIndex::with_path(2_048, path);
    index.rebuild(&column(0), &column(1), &column(2));
    World {
        index,
        slots: rows.iter().map(|row| row.0).collect(),
        places,
    }
}

/// What the set should become, by ordered sets.
fn expected(
    before: &BTreeSet<u32>,
    retired: &BTreeSet<u32>,
    inside: &BTreeSet<u32>,
    between: &BTreeSet<u32>,
) -> [BTreeSet<u32>; 3] {
    let staying = before - retired;
    let after = inside | &(between & &staying);
    let entered = &after - &staying;
    let left = &(before - &after) | &(before & retired);
    [after, entered, left]
}

fn slots_of(world: &World, rows: &[u32]) -> BTreeSet<u32> {
    rows.iter().map(|&row| world.slots[row as usize]).collect()
}

fn ordered(bits: &BitSet) -> BTreeSet<u32> {
    bits.iter().collect()
}

/// Slots whose occupant of the beat before is not there any more.
fn gone(before: Option<&Beat>, now: &Beat) -> BTreeSet<u32> {
    let Some(before) = before else {
        return BTreeSet::new();
    };
    before
        .iter()
        .zip(now)
        .enumerate()
        .filter(|(_, (before, now))| before.is_some() && now.is_none_or(|(_, new)| new))
        .map(|(slot, _)| slot as u32 * 3)
        .collect()
}

proptest! {
    #[test]
    fn changes_are_those_of_ordered_sets(
        beats in prop::collection::vec(beat(60), 1..6),
        crowd in any::<bool>(),
        retiring in any::<bool>(),
    ) {
        let ranks = Ranks { radius_cm: 5_000, enter: 8, leave: 12 };
        for path in Path::ALL {
            let mut scratch = InterestScratch::new();
            let mut set = InterestSet::new();
            let mut model = BTreeSet::new();
            for (i, now) in beats.iter().enumerate() {
                let world = world(now, path);
                let centre = [i as i32 * 700, -300, 0];
                let retired = match retiring {
                    true => gone(i.checked_sub(1).map(|b| &beats[b]), now),
                    false => BTreeSet::new(),
                };
                for &slot in &retired {
                    set.retire(slot);
                }
                let near = |row: u32| {
                    let [x, y, z] = world.places[row as usize];
                    let [dx, dy, dz] = [x - centre[0], y - centre[1], z - centre[2]];
                    ((i64::from(dx).pow(2) + i64::from(dy).pow(2) + i64::from(dz).pow(2)), row)
                };
                let mut rows: Vec<u32> = (0..world.places.len() as u32).collect();
                rows.sort_by_key(|&row| near(row));
                let within = |radius: u32| {
                    rows.partition_point(|&row| near(row).0 <= i64::from(radius).pow(2))
                };
                let (inner, outer) = match crowd {
                    true => (within(5_000).min(8), within(5_000).min(12)),
                    false => (within(RADII.enter_cm), within(RADII.leave_cm)),
                };
                let inside = slots_of(&world, &rows[..inner]);
                let between = slots_of(&world, &rows[inner..outer]);
                let [after, entered, left] = expected(&model, &retired, &inside, &between);
                let change = match crowd {
                    true => {
                        set.update_nearest(&mut scratch, &world.index, &world.slots, centre, ranks)
                    }
                    false => set.update(&mut scratch, &world.index, &world.slots, centre, RADII),
                };
                prop_assert_eq!(ordered(change.entered), entered);
                prop_assert_eq!(ordered(change.left), left);
                prop_assert_eq!(ordered(set.visible()), after.clone());
                model = after;
            }
            let change = set.update_to_nobody(&mut scratch);
            prop_assert!(change.entered.is_empty());
            prop_assert_eq!(ordered(change.left), model);
        }
    }
}

#[test]
fn a_slot_whose_occupant_changed_leaves_and_enters() {
    let mut index = CellIndex::new(1_024);
    index.rebuild(&[10], &[0], &[0]);
    let (mut set, mut scratch) = (InterestSet::new(), InterestScratch::new());
    let change = set.update(&mut scratch, &index, &[5], [0; 3], RADII);
    assert_eq!(ordered(change.entered), BTreeSet::from([5]));
    assert!(change.left.is_empty());
    set.retire(5);
    set.retire(6);
    let change = set.update(&mut scratch, &index, &[5], [0; 3], RADII);
    assert_eq!(ordered(change.entered), BTreeSet::from([5]));
    assert_eq!(ordered(change.left), BTreeSet::from([5]));
    let change = set.update(&mut scratch, &index, &[5], [0; 3], RADII);
    assert!(change.entered.is_empty() && change.left.is_empty());
}

#[test]
fn hysteresis_is_a_share_of_the_radius() {
    let radii = Radii::with_hysteresis(1_000_000, 50);
    assert_eq!(radii.leave_cm, 1_050_000);
    assert_eq!(Radii::with_hysteresis(u32::MAX, 1).leave_cm, u32::MAX);
}
