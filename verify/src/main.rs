//! Runs one model over one ring, in a process of its own: a fault that is found in the middle of
//! an access may panic a second time while the ring is dropped, which ends the process.
//!
//! `orrery-verify` lists the rings and the models; `orrery-verify RING MODEL` runs one and says
//! in how many executions.

use std::process::ExitCode;

use orrery_verify::{FAULTS, faithful};

fn main() -> ExitCode {
    let rings = || std::iter::once(&("faithful", faithful::models::ALL)).chain(FAULTS);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [ring, model] = words.as_slice() else {
        for (ring, models) in rings() {
            for (model, _) in *models {
                println!("{ring} {model}");
            }
        }
        return ExitCode::SUCCESS;
    };
    let run = rings()
        .filter(|(name, _)| name == ring)
        .flat_map(|(_, models)| *models)
        .find(|(name, _)| name == model);
    let Some((_, run)) = run else {
        eprintln!("there is no ring {ring} with a model {model}");
        return ExitCode::from(2);
    };
    println!("{ring} {model}: {} executions", run());
    ExitCode::SUCCESS
}
