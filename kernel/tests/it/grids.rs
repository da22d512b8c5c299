//! Who comes and who goes, on one grid.

use std::sync::Arc;

use orrery_base::{EntityId, GridId, Slot, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::effects::part_of;
use orrery_kernel::grid::{Delivery, Grid, GridBeat, GridConfig, Order};
use orrery_kernel::rules::{Departure, Envelope, Stamped};

use crate::toy::{DOCKED, Toy, ToyContext, ToyEvent, ToyInput, ToyMessage, ship, ship_id};

const HERE: GridId = GridId(1);
const THERE: GridId = GridId(2);

/// A grid with so many ships, which do not bud, and no rocks.
fn grid(ships: u32, parts: u16) -> Grid<Toy> {
    let context = ToyContext {
        ships,
        rocks: 0,
        do_bud: false,
    };
    let config = GridConfig {
        grid: HERE,
        parts,
        seed: 1,
        context: Arc::new(context),
    };
    Grid::new(config, Tick(10))
}

fn step(grid: &mut Grid<Toy>, inputs: &[ToyInput], arrivals: &[ToyMessage]) -> GridBeat<Toy> {
    let inputs = inputs.iter().zip(0..).map(|(input, sequence)| Stamped {
        source: 1,
        sequence,
        input: *input,
    });
    let arrivals = arrivals
        .iter()
        .zip(0..)
        .map(|(message, sequence)| Envelope {
            from: THERE,
            to: HERE,
            sent: Tick(3),
            sequence,
            message: *message,
        });
    grid.step(grid.tick().next(), inputs.collect(), arrivals.collect())
}

/// (id, slot, born) of everyone in the frames, by id.
fn seen(output: &GridBeat<Toy>) -> Vec<(EntityId, u32, u64)> {
    let mut seen = Vec::new();
    for frame in &output.frames {
        let rows = frame.ids.iter().zip(&frame.slots).zip(&frame.born);
        seen.extend(rows.map(|((id, slot), born)| (*id, slot.0, born.0)));
    }
    seen.sort_unstable();
    seen
}

fn departures(output: &GridBeat<Toy>) -> Vec<Departure> {
    let frames = output.frames.iter();
    frames.flat_map(|frame| frame.departures.clone()).collect()
}

#[test]
fn a_fresh_grid_has_slots_by_ascending_id() {
    for parts in [1, 2, 5] {
        let mut grid = grid(4, parts);
        assert_eq!((grid.tick(), grid.entity_count()), (Tick(10), 4));
        assert_eq!(grid.parts().len(), usize::from(parts));
        let output = step(&mut grid, &[], &[]);
        let expected = (0..4).map(|n| (ship_id(HERE, n), n, 11));
        assert_eq!(seen(&output), expected.collect::<Vec<_>>());
        let (part, row) = grid.find(ship_id(HERE, 2)).unwrap();
        assert_eq!(part.table.ids()[row], ship_id(HERE, 2));
        assert!(part.owns(ship_id(HERE, 2)));
        assert!(grid.find(ship_id(HERE, 9)).is_none());
        assert!(grid.parts().all(|part| part.slot_bound() == 4));
    }
}

#[test]
fn who_arrives_is_in_the_frame_of_that_beat() {
    for parts in [1, 3] {
        let mut grid = grid(2, parts);
        step(&mut grid, &[], &[]);
        let newcomers = [7, 3].map(|n| ToyMessage::Arrive(ship_id(THERE, n), ship([0; 3])));
        let output = step(&mut grid, &[], &newcomers);
        // Slots by id, whatever the order of arrival.
        assert_eq!(
            seen(&output)[2..],
            [(ship_id(THERE, 3), 2, 12), (ship_id(THERE, 7), 3, 12),]
        );
        let arrived = [3, 7].map(|n| ToyEvent::Arrived(ship_id(THERE, n)));
        assert_eq!(output.events, arrived);
    }
}

#[test]
fn who_leaves_is_named_in_the_next_frame_and_the_slot_is_used_again() {
    for parts in [1, 3] {
        let mut grid = grid(4, parts);
        let leaver = ship_id(HERE, 1);
        let output = step(&mut grid, &[ToyInput::Dock(leaver)], &[]);
        assert_eq!(seen(&output).len(), 4, "it leaves at the end of the beat");
        assert_eq!(output.events, [ToyEvent::Docked(leaver)]);
        assert_eq!(grid.local().docked, [(leaver, 100)]);
        assert_eq!(grid.entity_count(), 3);
        let before = grid.digest();

        let launch = [ToyInput::Launch(leaver)];
        let newcomer = [ToyMessage::Arrive(ship_id(THERE, 0), ship([0; 3]))];
        let output = step(&mut grid, &launch, &newcomer);
        let gone = Departure {
            id: leaver,
            slot: Slot(1),
            reason: DOCKED,
        };
        assert_eq!(departures(&output), [gone]);
        assert_ne!(grid.digest(), before);
        // The lowest free slot to the lowest id: it comes back to its own.
        let mut back = seen(&output);
        back.retain(|(.., born)| *born == 12);
        assert_eq!(back, [(leaver, 1, 12), (ship_id(THERE, 0), 4, 12)]);
        let (part, row) = grid.find(leaver).unwrap();
        assert_eq!(part.table.handle(row).generation, 1);

        let output = step(&mut grid, &[], &[]);
        assert_eq!(departures(&output), []);
    }
}

#[test]
fn messages_are_taken_in_by_sender_and_sequence() {
    let news = |from: u32, sequence: u32| Envelope {
        from: GridId(from),
        to: HERE,
        sent: Tick(3),
        sequence,
        message: ToyMessage::News(u64::from(from * 10 + sequence)),
    };
    let sorted = [news(2, 0), news(2, 1), news(3, 0)];
    let mut reference = grid(0, 2);
    reference.step(Tick(11), vec![], sorted.to_vec());
    let mut shuffled = grid(0, 2);
    let output = shuffled.step(Tick(11), vec![], vec![sorted[2], sorted[1], sorted[0]]);
    assert_eq!(output.record.arrivals, sorted);
    assert_eq!(output.events, [20, 21, 30].map(ToyEvent::Heard));
    assert_eq!(shuffled.digest(), reference.digest());
}

#[test]
fn messages_are_numbered_by_source_entity() {
    for parts in [1, 2, 7] {
        let mut grid = grid(6, parts);
        let jumps = [5, 0, 3].map(|n| ToyInput::Jump(ship_id(HERE, n), THERE));
        let output = step(&mut grid, &jumps, &[]);
        let sent: Vec<_> = output
            .record
            .sent
            .iter()
            .map(|envelope| match envelope.message {
                ToyMessage::Arrive(id, _) => (envelope.sequence, envelope.from, envelope.to, id),
                ToyMessage::News(_) => panic!("nobody died"),
            })
            .collect();
        let expected = [(0, 0), (1, 3), (2, 5)];
        assert_eq!(
            sent,
            expected.map(|(n, of)| (n, HERE, THERE, ship_id(HERE, of)))
        );
        let inputs: Vec<_> = output.record.inputs.iter().map(|i| i.input).collect();
        assert_eq!(inputs, jumps, "the record has the inputs");
    }
}

#[test]
fn frames_are_recycled_once_nobody_reads_them() {
    let mut reader = grid(1, 1);
    let held: Vec<_> = (0..10).map(|_| step(&mut reader, &[], &[])).collect();
    assert!(held.iter().all(|output| !output.frames[0].is_recycled));
    let mut nobody = grid(1, 1);
    let last = (0..10).map(|_| step(&mut nobody, &[], &[])).last();
    assert!(last.unwrap().frames[0].is_recycled);
}

fn id_of_part(part: u16, parts: u16) -> EntityId {
    let ids = (0..).map(|n| ship_id(HERE, n));
    ids.into_iter()
        .find(|id| part_of(*id, parts) == part)
        .unwrap()
}

#[test]
#[should_panic(expected = "is asked for twice, or is none")]
fn an_entity_is_spawned_once() {
    step(
        &mut grid(0, 1),
        &[ToyInput::SpawnTwice(ship_id(HERE, 0))],
        &[],
    );
}

#[test]
#[should_panic(expected = "is here already")]
fn an_entity_that_is_here_does_not_arrive() {
    step(
        &mut grid(1, 1),
        &[],
        &[ToyMessage::Arrive(ship_id(HERE, 0), ship([0; 3]))],
    );
}

#[test]
#[should_panic(expected = "is asked for twice, or is none")]
fn nothing_is_not_spawned() {
    step(
        &mut grid(0, 1),
        &[ToyInput::SpawnTwice(EntityId::NONE)],
        &[],
    );
}

#[test]
#[should_panic(expected = "only the part that owns")]
fn only_the_owner_despawns() {
    let id = id_of_part(1, 2);
    step(&mut grid(9, 2), &[ToyInput::DespawnFromPart0(id)], &[]);
}

#[test]
fn despawning_twice_counts_once() {
    let mut grid = grid(3, 1);
    let id = ship_id(HERE, 1);
    let output = step(&mut grid, &[ToyInput::DespawnFromPart0(id); 2], &[]);
    let gone = Departure {
        id,
        slot: Slot(1),
        reason: 9,
    };
    // Asked for in `gather`, so this beat's frame says so.
    assert_eq!(departures(&output), [gone]);
    let output = step(&mut grid, &[ToyInput::DespawnFromPart0(id)], &[]);
    assert_eq!(departures(&output), []);
}

#[test]
#[should_panic(expected = "beat 12 after 10")]
fn no_beat_is_left_out() {
    grid(1, 1).step(Tick(12), vec![], vec![]);
}

#[test]
#[should_panic(expected = "a message for another grid")]
fn a_message_for_another_grid_is_not_taken() {
    let envelope = Envelope {
        from: HERE,
        to: THERE,
        sent: Tick(3),
        sequence: 0,
        message: ToyMessage::News(1),
    };
    grid(1, 1).step(Tick(11), vec![], vec![envelope]);
}

#[test]
#[should_panic(expected = "every seat has done all stages")]
fn a_beat_is_not_finished_early() {
    let mut grid = grid(1, 2);
    let (desk, seats) = grid.split_mut();
    desk.begin(Order {
        tick: Tick(11),
        wall: Tick(11),
        dilation: Dilation::NONE,
        delivery: Delivery::default(),
    });
    seats[0].gather(Tick(11), Tick(11));
    desk.finish();
}
