//! A grid's own time, as a client lives through it: slow, standing still, slower than announced,
//! and far from that of the grid before. In all of it every snapshot must leave the own ship with
//! the server's very bits, and the time at which others are shown must not go back (the line
//! asserts both).

mod line;

use line::{Line, Network, Seen};
use orrery_base::{GridId, Tick};

const HUB: GridId = GridId(7);
const BELT: GridId = GridId(9);
const START: Tick = Tick(50_000);
const SEEDS: std::ops::Range<u64> = 0..12;
const SECOND: u64 = 60;
/// What a ship at top speed moves in a frame at full pace.
const FRAME_CM: f64 = 417.0;

/// A usual line: 40 ms each way, jitter, loss.
const USUAL: Network = Network {
    loss_percent: 5,
    delay_ms: 40,
    jitter_ms: 15,
};

/// Turns every one and a half seconds.
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

/// Small corrections, and nothing that the eye would take for a jump.
fn assert_smooth(what: &str, seen: &Seen) {
    assert!(seen.correction_cm < 150.0, "{what}: {seen:?}");
    assert!(seen.own_step_cm < 2.0 * FRAME_CM, "{what}: {seen:?}");
    assert!(seen.own_back_cm < 100.0, "{what}: {seen:?}");
    assert!(seen.other_error_cm < 20.0, "{what}: {seen:?}");
    assert!(seen.other_step_cm < 2.0 * FRAME_CM, "{what}: {seen:?}");
}

/// The estimate of the grid's time is right, within the delay and the spread of its beats.
fn assert_on_time(line: &Line, grid: GridId) {
    let (estimate, _) = line.world.clock().beat(line.now_ns).unwrap();
    let truth = line.tick(grid);
    assert!(
        estimate.since(truth) <= 1 && truth.since(estimate) <= 3,
        "{estimate} at {truth}"
    );
}

#[test]
fn a_slow_grid_is_followed_at_its_pace() {
    for seed in SEEDS {
        let mut line = Line::new(seed, USUAL, &[(HUB, START)]);
        line.frames(5 * SECOND, turns);
        let full = line.frames(10 * SECOND, turns);
        assert_smooth("at full pace", &full);
        for pace in [300, 1_000, 100, 1_000, 470, 1_000] {
            line.set_pace(HUB, pace);
            let began = line.frames(2 * SECOND, turns);
            assert_smooth(&format!("seed {seed}, to {pace}"), &began);
            let seen = line.frames(10 * SECOND, turns);
            assert_smooth(&format!("seed {seed}, at {pace}"), &seen);
            assert_eq!(u32::from(line.world.clock().per_mille(line.now_ns)), pace);
            assert_on_time(&line, HUB);
            let expected = full.snapshots * pace / 1_000;
            assert!(seen.snapshots * 10 > expected * 7, "{seen:?}");
            // What is lost is bridged; what is not is shown between two snapshots.
            assert!(
                seen.carried * 4 < seen.frames,
                "seed {seed}, {pace}: {seen:?}"
            );
        }
    }
}

#[test]
fn a_grid_that_stands_still_is_waited_for() {
    for seed in SEEDS {
        for pace in [1_000, 300] {
            let mut line = Line::new(seed, USUAL, &[(HUB, START)]);
            line.set_pace(HUB, pace);
            line.frames(10 * SECOND, straight);
            line.stand(HUB, true);
            let stands = line.frames(SECOND, straight);
            assert_smooth("stands", &stands);
            // A fifth of a second, the snapshot that was due, and the lead.
            assert!(stands.ahead_beats <= 13, "{stands:?}");
            // It may stand for longer, and nothing more happens.
            let still = line.frames(2 * SECOND, straight);
            assert_smooth("still", &still);
            assert!(still.own_step_cm < 1.0, "{still:?}");
            assert!(still.ahead_beats <= stands.ahead_beats);
            line.stand(HUB, false);
            let again = line.frames(3 * SECOND, straight);
            assert_smooth(&format!("seed {seed}, goes on at {pace}"), &again);
            let after = line.frames(3 * SECOND, turns);
            assert_smooth(&format!("seed {seed}, afterwards"), &after);
            assert!(after.ahead_beats <= 5, "{after:?}");
            assert_on_time(&line, HUB);
        }
    }
}

#[test]
fn a_grid_slower_than_announced_is_not_outrun() {
    for seed in SEEDS {
        let mut line = Line::new(seed, USUAL, &[(HUB, START)]);
        line.frames(5 * SECOND, turns);
        line.waste(HUB);
        // Half pace in truth.
        line.set_pace(HUB, 700);
        line.frames(2 * SECOND, turns);
        let seen = line.frames(10 * SECOND, turns);
        assert!(seen.ahead_beats <= 10, "{seen:?}");
        assert!(seen.correction_cm < 300.0, "{seen:?}");
        assert!(seen.own_back_cm < 100.0, "{seen:?}");
        assert!(seen.other_error_cm < 60.0, "{seen:?}");
    }
}

#[test]
fn another_grid_has_another_time() {
    let mut elsewhere = 0;
    for seed in SEEDS {
        for (there, pace) in [(40_000, 1_000), (60_000, 1_000), (3, 300), (50_003, 100)] {
            let mut line = Line::new(seed, USUAL, &[(HUB, START), (BELT, Tick(there))]);
            line.set_pace(BELT, pace);
            line.frames(5 * SECOND, turns);
            for (grid, pace) in [(BELT, pace), (HUB, 1_000), (BELT, pace)] {
                line.jump(grid);
                let came = line.frames(2 * SECOND, turns);
                assert!(came.snapshots > 0, "seed {seed}: {came:?}");
                assert!(came.correction_cm < 150.0, "seed {seed}: {came:?}");
                assert!(came.own_back_cm < 100.0, "seed {seed}: {came:?}");
                assert!(came.other_error_cm < 20.0, "seed {seed}: {came:?}");
                let seen = line.frames(5 * SECOND, turns);
                assert_smooth(&format!("seed {seed}, on {}", grid.0), &seen);
                assert_eq!(u32::from(line.world.clock().per_mille(line.now_ns)), pace);
                assert_on_time(&line, grid);
            }
            let counts = line.world.counts();
            assert_eq!(counts.malformed, 0, "{counts:?}");
            elsewhere += counts.elsewhere;
        }
    }
    assert!(elsewhere > 0, "some snapshots come late");
}
