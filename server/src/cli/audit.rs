//! `orrery audit`: prove that a stopped store is sound.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use orrery_storage::{Store, StoreOptions};

use crate::config::Config;
use crate::host::backup::Proof;
use crate::host::folder;

/// Which store to audit.
#[derive(Args)]
pub(super) struct AuditArgs {
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Structure first (schema, beats, journal, checkpoints), then the meaning of the rows.
pub(super) fn run(config: &Config, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let proof = Proof::of(&store)?;
    super::print(&proof.to_string())?;
    Ok(if proof.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
