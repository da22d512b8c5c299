//! A grid's own time, as a client lives through it: slow, standing still, and far behind that of
//! the grid before.

mod line;

use line::{Line, Network};
use orrery_base::{GridId, Tick};

const HUB: GridId = GridId(7);
const BELT: GridId = GridId(9);
const START: Tick = Tick(50_000);

/// A usual line: 40 ms each way.
const USUAL: Network = Network {
    loss_percent: 5,
    delay_ms: 40,
    jitter_ms: 15,
};

/// Turns every one and a half seconds, with a rest between.
fn turns(frame: u64) -> ([i16; 3], u16) {
    [
        ([16_384, 0, 0], 1_000),
        ([0, 16_384, 0], 700),
        ([0, 0, -16_384], 1_000),
        ([-16_384, 0, 0], 300),
    ][(frame / 90 % 4) as usize]
}

fn straight(_: u64) -> ([i16; 3], u16) {
    ([16_384, 0, 0], 1_000)
}

#[test]
fn explore() {
    for seed in 0..5 {
        let mut line = Line::new(seed, USUAL, &[(HUB, START)]);
        line.frames(600, turns);
        eprintln!("seed {seed} start {:?}", line.seen);
        line.seen = Default::default();
        line.frames(600, turns);
        eprintln!("full  {:?}", line.seen);
        for pace in [300, 1000, 100, 1000] {
            line.set_pace(HUB, pace);
            line.seen = Default::default();
            line.frames(60, turns);
            eprintln!("to {pace} {:?}", line.seen);
            line.seen = Default::default();
            line.frames(600, turns);
            eprintln!("at {pace} {:?} lead {}", line.seen, line.world.prediction().lead_beats());
        }
        line.frames(300, straight);
        line.seen = Default::default();
        line.stand(HUB, true);
        line.frames(60, straight);
        eprintln!("stands {:?}", line.seen);
        line.stand(HUB, false);
        line.seen = Default::default();
        line.frames(120, straight);
        eprintln!("again  {:?} lead {}", line.seen, line.world.prediction().lead_beats());
        line.seen = Default::default();
        line.frames(120, straight);
        eprintln!("after  {:?}", line.seen);
    }
    let _ = (BELT, line::BEAT_NS, line::OTHER);
}
