//! `orrery-bench AREA|SUITE… [--rounds N] [--turn-ms N]`: paired measurements beside peers.
//!
//! `kernel`, `wire` or `all`, or the name of a suite. Results go to `perf/results`.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use orrery_benches::measure::Effort;
use orrery_benches::suites::{ALL, Suite};
use orrery_benches::{machine, report};

const USAGE: &str = "usage: orrery-bench all|AREA|SUITE… [--rounds N] [--turn-ms N]";

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|(suites, effort)| run(&suites, effort)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orrery-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(suites: &[&Suite], effort: Effort) -> Result<(), String> {
    let root = machine::root().map_err(|error| format!("find the checkout: {error}"))?;
    for suite in suites {
        println!("\n== {}: {}", suite.name, suite.about);
        report::run(suite, effort, &root)
            .map_err(|error| format!("measure {}: {error}", suite.name))?;
    }
    Ok(())
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<(Vec<&'static Suite>, Effort), String> {
    let mut effort = Effort::default();
    let mut suites = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().and_then(|text| text.parse::<u32>().ok());
            value.filter(|&number| number > 0).ok_or(USAGE)
        };
        match argument.as_str() {
            "--rounds" => effort.rounds = number()? as usize,
            "--turn-ms" => effort.turn = Duration::from_millis(number()?.into()),
            wanted => {
                let before = suites.len();
                suites.extend(ALL.into_iter().filter(|suite| {
                    wanted == "all" || wanted == suite.area || wanted == suite.name
                }));
                if suites.len() == before {
                    let known: Vec<_> = ALL.iter().map(|suite| suite.name).collect();
                    return Err(format!("{USAGE}\nno {wanted} among {}", known.join(", ")));
                }
            }
        }
    }
    if suites.is_empty() {
        return Err(USAGE.to_owned());
    }
    Ok((suites, effort))
}
