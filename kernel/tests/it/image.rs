//! Images: a copy of a grid's state that is encoded later gives the bytes of its checkpoint.

use orrery_base::{GridId, Tick};
use orrery_kernel::grid::Grid;
use orrery_kernel::rules::Envelope;

use crate::host::Host;
use crate::script::{GRIDS, context, inputs};
use crate::toy::{Toy, ToyMessage};

fn news(news: u32) -> Envelope<ToyMessage> {
    Envelope {
        from: GRIDS[news as usize % 3],
        to: GRIDS[0],
        sent: Tick(u64::from(news) % 5),
        sequence: news,
        message: ToyMessage::News(u64::from(news)),
    }
}

fn play(host: &mut Host, beats: u64) {
    for _ in 0..beats {
        let inputs = inputs(host.tick.next());
        host.beat(inputs);
    }
}

#[test]
fn an_image_has_the_bytes_of_the_checkpoint() {
    for beats in [0, 1, 25, 26, 27, 28] {
        let mut one = Host::new(1, 1);
        play(&mut one, beats);
        for grid in GRIDS {
            let world = one.home(grid);
            let inbox = world.waiting(grid).unwrap().arrivals.clone();
            let expected = world.grid(grid).unwrap().checkpoint(&inbox);
            let image = world.image(grid).unwrap();
            assert_eq!(image.encode(), expected);
            assert_eq!((image.grid(), image.tick()), (grid, one.tick));
            assert_eq!(Some(image.digest()), one.home(grid).digest(grid));
            for (parts, members) in [(2, 0), (3, 0), (8, 0), (1, 1), (1, 2), (2, 3)] {
                let mut other = Host::new(3, parts);
                if members > 0 {
                    assert!(other.spread(grid, members, parts));
                }
                play(&mut other, beats);
                let image = other.home(grid).image(grid).unwrap();
                // What is taken of it is as of then, whatever comes after.
                play(&mut other, 1);
                assert_eq!(image.encode(), expected, "{parts} parts, {members} members");
            }
        }
    }
}

#[test]
fn what_waits_is_part_of_it() {
    let mut host = Host::new(1, 2);
    play(&mut host, 10);
    let before = host.home(GRIDS[0]).waiting(GRIDS[0]).unwrap();
    let before = before.arrivals.len();
    let letters: Vec<_> = (0..7).map(news).collect();
    host.deliver(vec![], &letters);
    let world = host.home(GRIDS[0]);
    let bytes = world.image(GRIDS[0]).unwrap().encode();
    let (grid, inbox): (Grid<Toy>, _) = Grid::restore(context(), 3, &bytes).unwrap();
    assert!(inbox.is_sorted_by_key(|e| (e.from, e.sent, e.sequence)));
    assert_eq!(inbox.len(), before + 7);
    assert!(letters.iter().all(|letter| inbox.contains(letter)));
    assert_eq!(grid.checkpoint(&inbox), bytes);
    let mut reversed = inbox.clone();
    reversed.reverse();
    assert_eq!(grid.checkpoint(&reversed), bytes, "in any order");
    assert_ne!(grid.checkpoint(&inbox[1..]), bytes);

    let mut other =
        orrery_kernel::world::World::<Toy>::new(crate::script::CONFIG, context(), Tick(10));
    assert_eq!(other.restore_grid(&bytes, 1, Tick(10)), Ok(GRIDS[0]));
    assert_eq!(other.waiting(GRIDS[0]).unwrap().arrivals, inbox);
    let expected = world.beat(Tick(11)).grids.swap_remove(0).record;
    let found = other.beat(Tick(11)).grids.swap_remove(0).record;
    assert_eq!(found, expected);
    assert_eq!(found.arrivals, inbox);
}

#[test]
fn whether_it_sleeps_is_part_of_it() {
    let toy = crate::toy::ToyContext {
        ships: 0,
        rocks: 3,
        do_bud: false,
    };
    let toy = std::sync::Arc::new(toy);
    let mut world =
        orrery_kernel::world::World::<Toy>::new(crate::script::CONFIG, toy.clone(), Tick(0));
    world.add_grid(GridId(4), 2);
    for (beat, asleep) in [(0, false), (1, true), (2, true), (3, true)] {
        if beat > 0 {
            world.beat(Tick(beat));
        }
        let image = world.image(GridId(4)).unwrap();
        assert_eq!(image.tick(), Tick(beat), "as of the host's last beat");
        let (grid, _) = Grid::<Toy>::restore(toy.clone(), 1, &image.encode()).unwrap();
        assert_eq!((grid.is_asleep(), grid.tick()), (asleep, Tick(beat)));
    }
}
