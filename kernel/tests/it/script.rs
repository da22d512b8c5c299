//! A scripted game and what is compared between two runs of it.

use std::sync::Arc;

use orrery_base::rng::Rng;
use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::grid::GridBeat;
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::{Envelope, Stamped, Write};
use orrery_kernel::world::{BeatOutput, WorldConfig};

use crate::toy::{Toy, ToyContext, ToyEvent, ToyInput, ToyMessage, ship_id};

pub(crate) const GRIDS: [GridId; 3] = [GridId(1), GridId(2), GridId(3)];
pub(crate) const SHIPS: u32 = 24;
pub(crate) const CONFIG: WorldConfig = WorldConfig {
    seed: 0x6f72_7265_7279,
};

pub(crate) fn context() -> Arc<ToyContext> {
    Arc::new(ToyContext {
        ships: SHIPS,
        rocks: 4,
        do_bud: true,
    })
}

/// A fresh game.
pub(crate) fn game(worlds: usize, parts: u16) -> Lockstep<Toy> {
    let mut game = Lockstep::new(CONFIG, &context(), worlds, Tick(0));
    for grid in GRIDS {
        game.add_grid(grid, parts, grid.0 as usize);
    }
    game
}

/// The inputs of a beat.
pub(crate) fn inputs(tick: Tick) -> Vec<(GridId, Stamped<ToyInput>)> {
    let mut rng = Rng::new(99, tick, EntityId::NONE, 0);
    let count = rng.below(16);
    let inputs = (0..count).map(|n| {
        let home = GRIDS[rng.below(3) as usize];
        let id = ship_id(home, rng.below(SHIPS));
        // Mostly where the ship is, if it has not jumped.
        let grid = if rng.below(4) > 0 {
            home
        } else {
            GRIDS[rng.below(3) as usize]
        };
        let input = match rng.below(8) {
            0..3 => ToyInput::Steer(id, [1, 2, 3].map(|_| rng.below(40) as i8 - 20)),
            3 | 4 => ToyInput::Jump(id, GRIDS[rng.below(3) as usize]),
            5 => ToyInput::Dock(id),
            _ => ToyInput::Launch(id),
        };
        let stamped = Stamped {
            source: u64::from(rng.below(4)),
            sequence: u64::from(n),
            input,
        };
        (grid, stamped)
    });
    inputs.collect()
}

/// The inputs of a beat as sources number them: no two of one source are equal, ever, so that
/// those of several beats may come together.
pub(crate) fn numbered(tick: Tick) -> Vec<(GridId, Stamped<ToyInput>)> {
    let mut inputs = inputs(tick);
    for (_, input) in &mut inputs {
        input.sequence += tick.0 * 100;
    }
    inputs
}

/// What one grid has to show for a beat.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub grid: GridId,
    pub digest: u64,
    pub events: Vec<ToyEvent>,
    pub writes: Vec<Write>,
    /// All of the frames' entities and departures, by id.
    pub seen: Vec<(EntityId, u32, Tick, [i32; 3])>,
    pub left: Vec<(EntityId, u32, u8)>,
}

pub(crate) fn shown(beat: GridBeat<Toy>) -> Shown {
    let mut seen = Vec::new();
    let mut left = Vec::new();
    for frame in &beat.frames {
        for (row, id) in frame.ids.iter().enumerate() {
            let place = (frame.slots[row].0, frame.born[row], frame.positions[row]);
            seen.push((*id, place.0, place.1, place.2));
        }
        left.extend(frame.departures.iter().map(|d| (d.id, d.slot.0, d.reason)));
    }
    seen.sort_unstable();
    left.sort_unstable();
    Shown {
        grid: beat.record.grid,
        digest: beat.record.digest,
        events: beat.events,
        writes: beat.writes,
        seen,
        left,
    }
}

/// What a beat has to show.
#[derive(Debug, PartialEq)]
pub(crate) struct Trace {
    pub tick: Tick,
    pub grids: Vec<Shown>,
    pub messages: Vec<Envelope<ToyMessage>>,
}

pub(crate) fn trace(output: BeatOutput<Toy>) -> Trace {
    assert!(output.failures.is_empty(), "{:?}", output.failures);
    Trace {
        tick: output.tick,
        grids: output.grids.into_iter().map(shown).collect(),
        messages: output.messages,
    }
}

/// Runs `beats` scripted beats.
pub(crate) fn play(game: &mut Lockstep<Toy>, beats: u64) -> Vec<Trace> {
    (0..beats)
        .map(|_| {
            let inputs = inputs(game.tick().next());
            trace(game.beat(inputs))
        })
        .collect()
}

/// Asserts that two runs are the same, and says where they part if they are not.
pub(crate) fn assert_same(found: &[Trace], expected: &[Trace], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}: beat {}", expected.tick);
    }
}
