use super::*;
use proptest::prelude::*;

/// The closed form of docs/mechanics.md#motion, from rest.
fn closed_form(speed: f64, tau_s: f64, t: f64) -> (f64, f64) {
    let decay = math::exp(-t / tau_s);
    (speed * (1.0 - decay), speed * (t + tau_s * decay - tau_s))
}

#[test]
fn follows_the_closed_form_within_a_thousandth() {
    let golden = include_str!("../../tests/golden/motion.csv");
    let (mut checked, mut worst_cm) = (0, 0.0_f64);
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let field: Vec<f64> = line.split(',').map(|f| f.trim().parse().unwrap()).collect();
        let [mass, inertia, speed, t, golden_v, golden_x] = field[..] else {
            panic!("{line}")
        };
        let tau_s = mass * inertia / 1e6;
        let (v, x) = closed_form(speed, tau_s, t);
        assert!((v - golden_v).abs() < 1e-6 * speed && (x - golden_x).abs() < 1e-6 * golden_x);
        let mut motion = Motion {
            target_velocity: [velocity_from_m_per_s(speed), 0, 0],
            response: response(tau_s),
            ..Motion::default()
        };
        let start = Tick(12_345);
        motion.advance(start, start.plus((t * f64::from(BEATS_PER_SECOND)) as u64));
        let v_now = velocity_to_m_per_s(motion.velocity[0]);
        let x_now = f64::from(motion.position_cm[0]) / 100.0;
        assert!((v_now - v).abs() < 1e-3 * v, "{line}: {v_now} m/s");
        // While the velocity changes, the spread remainders are a random walk of centimetres.
        worst_cm = worst_cm.max(100.0 * (x_now - x).abs() - 0.1 * x);
        assert!((x_now - x).abs() < 0.05 + 1e-3 * x, "{line}: {x_now} m");
        checked += 1;
    }
    assert!(
        checked >= 12 && worst_cm < 5.0,
        "{worst_cm} cm beyond a thousandth"
    );
}

#[test]
fn steady_flight_adds_up_exactly() {
    // 1/128 cm per beat: one centimetre in 128 beats, wherever they begin.
    for velocity in [
        VELOCITY_ONE / 128,
        -VELOCITY_ONE / 128,
        7 * VELOCITY_ONE + 5 * 128,
        -VELOCITY_MAX,
    ] {
        for start in [0, 1, 77, 127, 1 << 40] {
            let mut motion = Motion {
                velocity: [velocity; 3],
                target_velocity: [velocity; 3],
                response: 1 << 20,
                ..Motion::default()
            };
            motion.advance(Tick(start), Tick(start + 128));
            assert_eq!(motion.position_cm, [(velocity + 64) >> 7; 3]);
        }
    }
}

#[test]
fn reaches_the_target_and_stays() {
    let target = velocity_from_m_per_s(70.0);
    let mut motion = Motion {
        target_velocity: [target, -target, 0],
        response: response(58.5),
        ..Motion::default()
    };
    motion.advance(Tick(0), Tick(60 * 60 * 30));
    let gap = velocity_to_m_per_s(target - motion.velocity[0]).abs();
    assert!(gap < 0.001 * 70.0, "{gap} m/s short of the target");
    let before = motion.velocity;
    motion.advance(Tick(0), Tick(1_000));
    assert_eq!(motion.velocity, before);
}

#[test]
fn conversions_hold_their_limits() {
    assert_eq!(velocity_from_m_per_s(f64::NAN), 0);
    assert_eq!(velocity_from_m_per_s(f64::INFINITY), VELOCITY_MAX);
    assert_eq!(velocity_from_m_per_s(-1e9), -VELOCITY_MAX);
    assert_eq!(response(0.0), u32::MAX);
    assert!(response(1e12) <= 1);
}

proptest! {
    #[test]
    fn columns_and_rows_agree(
        rows in proptest::collection::vec((any::<i32>(), -VELOCITY_MAX..=VELOCITY_MAX, -VELOCITY_MAX..=VELOCITY_MAX, any::<u32>()), 1..50),
        tick in any::<u32>(),
    ) {
        let tick = Tick(u64::from(tick));
        let mut position: Vec<i32> = rows.iter().map(|r| r.0).collect();
        let mut velocity: Vec<i32> = rows.iter().map(|r| r.1).collect();
        let target: Vec<i32> = rows.iter().map(|r| r.2).collect();
        let response: Vec<u32> = rows.iter().map(|r| r.3).collect();
        step_axis(tick, &mut position, &mut velocity, &target, &response);
        for (row, &(x, v, t, k)) in rows.iter().enumerate() {
            let mut motion = Motion { position_cm: [x, 0, 0], velocity: [v, 0, 0], target_velocity: [t, 0, 0], response: k };
            motion.step(tick);
            prop_assert_eq!(motion.position_cm[0], position[row]);
            prop_assert_eq!(motion.velocity[0], velocity[row]);
            prop_assert!(motion.is_valid());
        }
    }

    #[test]
    fn never_overshoots(v in -VELOCITY_MAX..=VELOCITY_MAX, t in -VELOCITY_MAX..=VELOCITY_MAX, k in any::<u32>()) {
        let next = next_velocity(v, t, k);
        prop_assert!((v.min(t)..=v.max(t)).contains(&next));
    }
}
