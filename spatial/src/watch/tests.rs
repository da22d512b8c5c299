use super::*;
use crate::{Path, Positions};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// One ship's beat: where it is now, if it is there, and whether it is somebody new.
type Ship = Option<([i32; 3], bool)>;

/// Where ships go: steps, jumps, leaving, coming and being replaced.
#[derive(Clone, Debug)]
enum Move {
    Step([i32; 3]),
    Jump([i32; 3]),
    Go,
    Replace,
}

fn place(far: bool) -> impl Strategy<Value = [i32; 3]> {
    let near = [-9_000i32..9_000, -9_000..9_000, -2_000..2_000];
    let edge = i32::MAX - 9_000;
    near.prop_map(move |place| {
        if far {
            place.map(|p| edge + p.clamp(-9_000, 8_999))
        } else {
            place
        }
    })
}

fn movement(far: bool) -> impl Strategy<Value = Move> {
    prop_oneof![
        12 => [-400i32..400, -400..400, -100..100].prop_map(Move::Step),
        2 => place(far).prop_map(Move::Jump),
        1 => Just(Move::Go),
        1 => Just(Move::Replace),
    ]
}

#[derive(Clone, Debug)]
struct Story {
    start: Vec<[i32; 3]>,
    beats: Vec<Vec<Move>>,
    /// The observer's beats: whether it looks, and where it is.
    looks: Vec<(bool, [i32; 3])>,
}

fn story() -> impl Strategy<Value = Story> {
    (any::<bool>(), 1usize..90, 1usize..28).prop_flat_map(|(far, ships, beats)| {
        let moves = prop::collection::vec(movement(far), ships);
        (
            prop::collection::vec(place(far), ships),
            prop::collection::vec(moves, beats),
            prop::collection::vec((prop::bool::weighted(0.6), place(far)), beats),
            prop::bool::weighted(0.7),
        )
            .prop_map(|(start, beats, mut looks, still)| {
                if still {
                    let centre = looks[0].1;
                    looks.iter_mut().for_each(|look| look.1 = centre);
                }
                Story {
                    start,
                    beats,
                    looks,
                }
            })
    })
}

/// The ships of a story, by slot.
struct Fleet(Vec<Ship>);

impl Fleet {
    /// A beat; the slots whose occupant is gone.
    fn sail(&mut self, moves: &[Move]) -> Vec<u32> {
        let mut gone = Vec::new();
        for (slot, (ship, movement)) in self.0.iter_mut().zip(moves).enumerate() {
            let before = ship.map(|(place, _)| place);
            *ship = match (before, movement) {
                (Some(place), Move::Step(step)) => {
                    let to = [0, 1, 2].map(|axis: usize| place[axis].saturating_add(step[axis]));
                    Some((to, false))
                }
                (before, Move::Jump(to)) => Some((*to, before.is_none())),
                (Some(place), Move::Replace) => Some((place, true)),
                (_, _) => None,
            };
            if before.is_some() && ship.is_none_or(|(_, new)| new) {
                gone.push(slot as u32);
            }
        }
        gone
    }

    /// Columns and slots, in an order that changes from beat to beat.
    fn rows(&self, beat: usize) -> (Vec<u32>, [Vec<i32>; 3]) {
        let mut slots: Vec<u32> = (0..self.0.len() as u32)
            .filter(|&slot| self.0[slot as usize].is_some())
            .collect();
        slots.sort_by_key(|&slot| (slot as usize * 7 + beat * 3) % 11);
        let column = |axis: usize| {
            let place = |&slot: &u32| self.0[slot as usize].map_or(0, |(place, _)| place[axis]);
            slots.iter().map(place).collect()
        };
        let columns = [column(0), column(1), column(2)];
        (slots, columns)
    }
}

/// Tells a story to a watch and to an interest set, which have to agree.
fn agree(story: &Story, path: Path, radii: Radii, ranks: Option<Ranks>) {
    let mut fleet = Fleet(
        story
            .start
            .iter()
            .map(|&place| Some((place, false)))
            .collect(),
    );
    let mut berths = BerthIndex::with_path(radii.leave_cm, path);
    let mut index = CellIndex::with_path(2_048, path);
    let (mut watch, mut scratch) = (Watch::new(), WatchScratch::new());
    let (mut set, mut set_scratch) = (InterestSet::new(), InterestScratch::new());
    for (beat, (moves, &(looks, centre))) in story.beats.iter().zip(&story.looks).enumerate() {
        for slot in fleet.sail(moves) {
            watch.retire(slot);
            set.retire(slot);
        }
        let (slots, [x, y, z]) = fleet.rows(beat);
        let (first, rest) = (slots.len() / 3, slots.len());
        let part = |range: std::ops::Range<usize>| Positions {
            x: &x[range.clone()],
            y: &y[range.clone()],
            z: &z[range],
        };
        berths.update(&[part(0..first), part(first..rest)], &slots);
        index.rebuild(&x, &y, &z);
        assert_eq!(berths.len(), slots.len());
        if !looks {
            continue;
        }
        let (changes, expected) = match ranks {
            None => (
                watch.update(&mut scratch, &berths, centre, radii),
                set.update(&mut set_scratch, &index, &slots, centre, radii),
            ),
            Some(ranks) => (
                watch.update_nearest(&mut scratch, &berths, (&index, &slots), centre, ranks),
                set.update_nearest(&mut set_scratch, &index, &slots, centre, ranks),
            ),
        };
        assert_eq!(
            changes.entered,
            expected.entered.iter().collect::<Vec<_>>(),
            "beat {beat}"
        );
        assert_eq!(
            changes.left,
            expected.left.iter().collect::<Vec<_>>(),
            "beat {beat}"
        );
        assert_eq!(watch.visible(), set.visible());
        assert_eq!(watch.count(), set.visible().count());
    }
    let before: BTreeSet<u32> = watch
        .visible()
        .iter()
        .chain(watch.retired.clone())
        .collect();
    let changes = watch.update_to_nobody(&mut scratch);
    assert!(changes.entered.is_empty());
    assert_eq!(
        changes.left.iter().copied().collect::<BTreeSet<_>>(),
        before
    );
    assert!(watch.visible().is_empty() && watch.count() == 0);
}

proptest! {
    #[test]
    fn a_watch_sees_what_an_interest_set_sees(
        story in story(),
        ring in 0u32..300,
        crowd in prop::option::of(1u32..60),
    ) {
        let radii = Radii::with_hysteresis(3_000, ring);
        let ranks = crowd.map(|enter| Ranks { radius_cm: 3_000, enter, leave: enter + enter / 8 });
        for path in Path::ALL {
            agree(&story, path, radii, ranks);
        }
    }
}

/// A watch over one grid of ships on a line; looks, and says who entered and left.
struct Line {
    berths: BerthIndex,
    watch: Watch,
    scratch: WatchScratch,
    centre: [i32; 3],
}

impl Line {
    fn new() -> Self {
        Self {
            berths: BerthIndex::for_radius(1_000),
            watch: Watch::new(),
            scratch: WatchScratch::new(),
            centre: [0; 3],
        }
    }

    fn sail(&mut self, ships: &[(u32, i32)]) {
        let slots: Vec<u32> = ships.iter().map(|ship| ship.0).collect();
        let x: Vec<i32> = ships.iter().map(|ship| ship.1).collect();
        let zero = vec![0; x.len()];
        let (y, z) = (&zero[..], &zero[..]);
        self.berths.update(&[Positions { x: &x, y, z }], &slots);
    }

    fn look(&mut self) -> (Vec<u32>, Vec<u32>) {
        let radii = Radii::with_hysteresis(900, 100);
        let changes = self
            .watch
            .update(&mut self.scratch, &self.berths, self.centre, radii);
        (changes.entered.to_vec(), changes.left.to_vec())
    }
}

#[test]
fn a_lane_that_is_given_out_again_is_not_mistaken() {
    let mut taken_again = 0;
    for beats in 0..2 * MEMORY_BEATS {
        let mut line = Line::new();
        line.sail(&[(1, 100), (2, 200)]);
        assert_eq!(line.look(), (vec![1, 2], vec![]));
        for _ in 0..beats {
            line.sail(&[(2, 200)]);
        }
        line.sail(&[(2, 200), (3, 300)]);
        taken_again += usize::from(line.berths.berth(3) == Some((0, 0)));
        assert_eq!(line.look(), (vec![3], vec![1]), "after {beats} beats");
    }
    assert!(taken_again > 0, "the lane of slot 1");
}

#[test]
fn who_changes_cells_in_the_ring_stays_in_sight() {
    let mut line = Line::new();
    line.centre = [-430, 0, 0];
    let mut cells = BTreeSet::new();
    // In the ring between 470 and 560, where the border of two cells is.
    for x in (0..560).chain((470..560).rev()).chain(470..560) {
        // The last one is out of sight: for its sake the table has several cells.
        line.sail(&[(4, x), (9, 20), (7, 50_000)]);
        let (entered, left) = line.look();
        assert!(
            left.is_empty() && entered.is_empty() != cells.is_empty(),
            "{x}"
        );
        cells.insert(line.berths.berth(4));
    }
    assert!(cells.len() >= 2, "it went to and fro between cells");
}

#[test]
fn another_index_is_not_mistaken_for_the_same() {
    let mut line = Line::new();
    line.sail(&[(1, 100)]);
    assert_eq!(line.look(), (vec![1], vec![]));
    let snapshot = line.berths.clone();
    line.berths = BerthIndex::for_radius(1_000);
    line.sail(&[(2, 100)]);
    assert_eq!(line.look(), (vec![2], vec![1]));
    line.berths = snapshot;
    assert_eq!(line.look(), (vec![1], vec![2]));
}

#[test]
#[should_panic(expected = "slot 1 occurs twice")]
fn a_slot_is_in_one_place() {
    Line::new().sail(&[(1, 100), (1, 200)]);
}
