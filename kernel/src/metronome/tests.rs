use proptest::prelude::*;

use super::*;

const FRAME: u64 = 33_333_333;

fn metronome() -> Metronome {
    Metronome::new(MetronomeConfig::default(), Tick(100), 5_000)
}

fn beat(tick: u64, late_ns: u64, slipped_ns: u64) -> Pulse {
    Pulse::Beat {
        tick: Tick(tick),
        late_ns,
        slipped_ns,
    }
}

#[test]
fn thirty_beats_are_a_second_for_ever() {
    let metronome = metronome();
    assert_eq!(metronome.due_ns(Tick(100)), 5_000);
    assert_eq!(metronome.due_ns(Tick(101)), 5_000 + FRAME);
    assert_eq!(metronome.due_ns(Tick(130)), 5_000 + 1_000_000_000);
    let year = 365 * 86_400;
    let due = metronome.due_ns(Tick(100 + 30 * year));
    assert_eq!(due, 5_000 + year * 1_000_000_000);
    assert_eq!(
        metronome.due_ns(Tick(70)),
        0,
        "the clock has no negative times"
    );
    assert_eq!(metronome.due_ns(Tick(u64::MAX)), u64::MAX);
}

#[test]
fn a_beat_is_given_once_and_not_early() {
    let mut metronome = metronome();
    assert_eq!(metronome.poll(4_999), Pulse::Wait { until_ns: 5_000 });
    assert_eq!(metronome.poll(5_000), beat(100, 0, 0));
    let until_ns = 5_000 + FRAME;
    assert_eq!(metronome.poll(5_001), Pulse::Wait { until_ns });
    assert_eq!(metronome.poll(until_ns + 7), beat(101, 7, 0));
}

#[test]
fn a_short_stall_is_caught_up() {
    let mut metronome = metronome();
    let now = 5_000 + 9 * FRAME + 10;
    for n in 0..10 {
        let Pulse::Beat {
            tick, slipped_ns, ..
        } = metronome.poll(now)
        else {
            panic!("beat {n} is due");
        };
        assert_eq!((tick, slipped_ns), (Tick(100 + n), 0));
    }
    assert!(matches!(metronome.poll(now), Pulse::Wait { .. }));
    assert_eq!(metronome.due_ns(Tick(130)), 5_000 + 1_000_000_000);
}

#[test]
fn a_long_stall_slips_and_no_beat_is_left_out() {
    let mut metronome = metronome();
    let now = 5_000 + 3_000_000_000;
    assert_eq!(metronome.poll(now), beat(100, 0, 3_000_000_000));
    let until_ns = now + FRAME;
    assert_eq!(metronome.poll(now), Pulse::Wait { until_ns });
    assert_eq!(metronome.poll(until_ns), beat(101, 0, 0));
    assert_eq!(metronome.slipped_ns(), 3_000_000_000);
}

proptest! {
    #[test]
    fn whatever_the_clock_does_ticks_ascend_and_time_adds_up(
        rate in 1..1_000_u32,
        catch_up_beats in 0..20_u32,
        steps in prop::collection::vec(0..200_000_000_u64, 1..300),
    ) {
        let config = MetronomeConfig { beats_per_second: rate, catch_up_beats };
        let mut metronome = Metronome::new(config, Tick(1), 0);
        let mut now = 0;
        let mut next = Tick(1);
        for step in steps {
            now += step;
            let mut given = 0;
            loop {
                match metronome.poll(now) {
                    Pulse::Wait { until_ns } => {
                        prop_assert!(until_ns > now);
                        break;
                    }
                    Pulse::Beat { tick, late_ns, .. } => {
                        prop_assert_eq!(tick, next);
                        prop_assert!(late_ns <= now);
                        next = next.next();
                        given += 1;
                    }
                }
            }
            prop_assert!(given <= catch_up_beats.max(1), "{} beats at once", given);
        }
        let elapsed_beats = u128::from(now - metronome.slipped_ns()) * u128::from(rate) / SECOND_NS;
        let given = u128::from(next.0 - 1);
        prop_assert!(given.abs_diff(elapsed_beats + 1) <= 1, "{} of {}", given, elapsed_beats);
    }
}
