//! The simulator of a whole host: the same seed gives the same run, and a few seeds hold.

use orrery_sim::host::{Options, Report, run, swarm};

fn report(content: &[u8], seed: u64) -> Report {
    let options = Options {
        seed,
        seconds: 30,
        trace: false,
        content,
    };
    run(options).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"))
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let content = swarm::repository_content().unwrap();
    let first = report(&content, 7);
    assert_eq!(first, report(&content, 7));
    assert_ne!(first.digest, report(&content, 8).digest);
}

#[test]
fn runs_are_full_of_life() {
    let content = swarm::repository_content().unwrap();
    let reports: Vec<Report> = (1..=4).map(|seed| report(&content, seed)).collect();
    let sum = |field: fn(&Report) -> u64| reports.iter().map(field).sum::<u64>();
    assert!(sum(|it| it.lives) > 8, "{reports:?}");
    assert!(sum(|it| it.messages) > 24, "{reports:?}");
    assert!(sum(|it| it.requests) > 40, "{reports:?}");
    assert!(sum(|it| it.snapshots) > 4_000, "{reports:?}");
    assert!(sum(|it| it.beats) > 4 * 1_200, "{reports:?}");
}

/// The planted bug is for `cargo xtask sim --canary` alone.
#[test]
fn no_normal_build_has_the_canary() {
    const { assert!(!cfg!(feature = "canary")) };
}
