//! `orrery backup`: copy a store, prove the copy, make a data folder of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use orrery_storage::{OpenError, Store, StoreOptions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::operator::OperatorArgs;
use super::progress::{self, Bar};
use crate::config::Config;
use crate::host::backup::{self, Manifest, Step};
use crate::host::folder;

/// Between two looks at a running server's backup.
const LOOK: Duration = Duration::from_millis(100);
/// How long a server that was just killed may hold its store.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

const AFTER_HELP: &str = "\
A backup is a new folder with the store as of one beat, the content pack, and BACKUP.json, which
names every file with its size and checksum. It is laid out like a data folder, so `orrery audit`
and `orrery replay` work on it too. Keys and certificates are not in it: they are made anew.

  orrery backup create --data DIR --to /backups/monday   while the server runs, or when it does not
  orrery backup verify /backups/monday                   every checksum, then the audit
  orrery backup restore --from /backups/monday --data NEW
  orrery serve --data NEW                                goes on with the next beat

While the server runs, it makes the backup itself: it is asked with the operator's key, and has to
be able to write the folder. On the same disk files are linked, which takes a moment and no room;
that does not help against the loss of the disk, so copy the folder away from it. The way back is
worth a drill: restore into a new folder, then `orrery replay --data NEW --verify`.";

/// Backups.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(subcommand)]
    command: BackupCommand,
}

/// What to do.
#[derive(Subcommand)]
enum BackupCommand {
    /// Copy a store, also while its server runs.
    Create {
        /// The data folder.
        #[arg(long)]
        data: Option<PathBuf>,
        /// The new folder.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Compare every file with its checksum, open the store and audit it. Changes nothing.
    Verify {
        /// The backup.
        #[arg(value_name = "DIR")]
        backup: PathBuf,
    },
    /// Make a data folder of a backup. Refuses a folder that has anything in it.
    Restore {
        /// The backup.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The new data folder.
        #[arg(long)]
        data: PathBuf,
    },
}

pub(super) fn run(config: &Config, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        BackupCommand::Create { data, to } => {
            let mut config = config.clone();
            if let Some(data) = data {
                config.server.data.clone_from(data);
            }
            create(&config, &args.operator, to)
        }
        BackupCommand::Verify { backup } => verify(backup),
        BackupCommand::Restore { from, data } => restore(config, from, data),
    }
}

/// Shows a bar for each step.
struct Steps {
    bar: Option<(Step, Bar)>,
}

impl Steps {
    const fn new() -> Self {
        Self { bar: None }
    }

    fn show(&mut self, step: Step, done: u64, total: u64) {
        if self.bar.as_ref().is_none_or(|(shown, _)| *shown != step) {
            self.finish();
            self.bar = Some((step, progress::bar(step.words())));
        }
        if let Some((_, bar)) = &self.bar {
            // In MiB, so that people can read it.
            bar.update(done >> 20, total >> 20);
        }
    }

    fn finish(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish();
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.finish();
    }
}

fn create(config: &Config, operator: &OperatorArgs, to: &Path) -> anyhow::Result<ExitCode> {
    // The server may work in another folder.
    let to = std::path::absolute(to).context("find the new folder")?;
    let data = &config.server.data;
    let options = StoreOptions {
        lock_patience: LOCK_PATIENCE,
        ..config.durability.store_options()
    };
    let (beat, bytes) = match Store::open(folder::store_path(data), &options) {
        Ok(store) => {
            let mut steps = Steps::new();
            let manifest = backup::create(&store, data, &to, &mut |step, done, total| {
                steps.show(step, done, total);
                Ok(())
            })?;
            (manifest.last_beat, manifest.bytes())
        }
        Err(OpenError::Locked { .. }) => through_the_server(config, operator, &to)?,
        Err(error) => return Err(error.into()),
    };
    let beat = beat_or_none(beat);
    super::print(&format!(
        "backup of beat {beat} in {}: {bytes} bytes\n",
        to.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn beat_or_none(beat: Option<u64>) -> String {
    beat.map_or_else(|| "none".to_owned(), |beat| beat.to_string())
}

/// How the server's backup is getting on.
#[derive(Deserialize)]
struct Progress {
    state: String,
    to: String,
    step: String,
    done_bytes: u64,
    total_bytes: u64,
    beat: Option<u64>,
    bytes: u64,
    error: Option<String>,
}

impl Progress {
    /// The server's word for a step.
    fn step(&self) -> Step {
        match self.step.as_str() {
            "log" => Step::Log,
            "checksums" => Step::Checksums,
            _ => Step::Rows,
        }
    }
}

/// Has the server that runs on the folder make the backup; its beat and bytes.
fn through_the_server(
    config: &Config,
    operator: &OperatorArgs,
    to: &Path,
) -> anyhow::Result<(Option<u64>, u64)> {
    let operator = operator.operator(config)?;
    let (rest, key) = (&operator.rest, Some(operator.key.as_str()));
    let path = "/admin/v1/backup";
    let to = to.to_str().context("the new folder's name is no text")?;
    let _: Value = rest.post(path, key, &json!({ "to": to })).context(
        "a server runs on this data folder; ask it for the backup (--server ADDRESS if it does \
         not listen where the configuration says)",
    )?;
    let mut steps = Steps::new();
    loop {
        let now: Progress = rest.get(path, key).context("ask how the backup is")?;
        if now.to != to {
            bail!("the server has begun another backup, {}", now.to);
        }
        match now.state.as_str() {
            "done" => return Ok((now.beat, now.bytes)),
            "failed" => bail!("the server says: {}", now.error.unwrap_or_default()),
            _ => steps.show(now.step(), now.done_bytes, now.total_bytes),
        }
        std::thread::sleep(LOOK);
    }
}

fn verify(backup: &Path) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new();
    let verified = backup::verify(backup, &mut |step, done, total| {
        steps.show(step, done, total);
        Ok(())
    });
    let (manifest, proof) = verified?;
    steps.finish();
    let sound = proof.is_sound();
    let words = if sound { "sound" } else { "NOT sound" };
    super::print(&format!(
        "{proof}{}: {words}, {}\n",
        backup.display(),
        describe(&manifest)
    ))?;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn describe(manifest: &Manifest) -> String {
    format!(
        "beat {}, {} files, {} bytes, made by version {}",
        beat_or_none(manifest.last_beat),
        manifest.files.len(),
        manifest.bytes(),
        manifest.version
    )
}

fn restore(config: &Config, from: &Path, data: &Path) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new();
    let restored = backup::restore(config, from, data, &mut |step, done, total| {
        steps.show(step, done, total);
        Ok(())
    });
    let (manifest, _) = restored?;
    steps.finish();
    super::print(&format!(
        "restored to {}: {}\nstart it with `orrery serve --data {}`\n",
        data.display(),
        describe(&manifest),
        data.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
