//! Every model over the ring as it is, and every planted fault found.

use std::process::{Command, Output};

use orrery_verify::{FAULTS, Model, faithful};

fn run(ring: &str, model: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orrery-verify"))
        .args([ring, model])
        .env("RUST_BACKTRACE", "0")
        .env_remove("LOOM_LOG")
        .env_remove("LOOM_CHECKPOINT_FILE")
        .output()
        .expect("the program was built with this test")
}

/// A test per model over the ring as it is.
macro_rules! models {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let output = run("faithful", stringify!($name));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            print!("{}", String::from_utf8_lossy(&output.stdout));
        })*

        #[test]
        fn no_model_is_left_out() {
            let names: Vec<_> = faithful::models::ALL.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

models! {
    room closed_by_the_producer closed_by_the_consumer undelivered undelivered_across_the_wrap
    handover two_shards batches batches_across_the_wrap order order_across_the_wrap
}

/// The first model that finds a fault, and what it said.
fn found(ring: &str, models: &[Model]) -> Option<(&'static str, String)> {
    models.iter().find_map(|(model, _)| {
        let output = run(ring, model);
        if output.status.success() {
            return None;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains("panicked at"));
        let place = lines.next().expect("a model that fails says where");
        assert!(!place.contains("main.rs"), "{ring} {model}: {said}");
        Some((*model, lines.next().unwrap_or_default().to_owned()))
    })
}

#[test]
fn every_planted_fault_is_found() {
    let mut missed = Vec::new();
    for (fault, models) in FAULTS {
        match found(fault, models) {
            Some((model, said)) => println!("{fault}: found by {model}: {said}"),
            None => missed.push(*fault),
        }
    }
    assert_eq!(missed, [""; 0], "faults that no model finds");
}
