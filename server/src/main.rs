//! The binary `orrery`.

#![forbid(unsafe_code)]

use mimalloc::MiMalloc;

/// The system allocator's arenas fragment under many small per-connection buffers.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    orrery_server::cli::main()
}
