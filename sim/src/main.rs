//! `orrery-sim`: runs the simulator, as `cargo xtask sim` does.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use orrery_sim::host::swarm;

fn main() -> anyhow::Result<ExitCode> {
    swarm::main()
}
