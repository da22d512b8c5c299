//! The rounds.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use orrery_base::rng::philox;

use crate::volume::Volume;
use crate::{Drill, check, report};

/// Until the writer has said its first word.
const READY: Duration = Duration::from_secs(60);
/// Until the writer has noticed that the disk has failed.
const NOTICE: Duration = Duration::from_secs(10);
/// The power fails at a random moment between these after the writer's first word.
const SHORTEST_MS: u32 = 50;
const LONGEST_MS: u32 = 1_500;

/// What came of one loss of power.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) sync: bool,
    /// From the writer's first word to the loss of power, milliseconds.
    pub(crate) after_ms: u32,
    /// The last beat before this round.
    pub(crate) begun: u64,
    /// The last beat that the writer said is durable.
    pub(crate) acknowledged: u64,
    /// The last beat that is there.
    pub(crate) found: u64,
    /// From the loss until the writer had ended by itself, milliseconds; none if it had to be
    /// killed.
    pub(crate) noticed_ms: Option<u64>,
    /// Why the writer ended.
    pub(crate) words: String,
    /// Why the store could not be opened or is not whole, if so.
    pub(crate) damage: Option<String>,
}

impl Round {
    /// Beats that were acknowledged and are gone.
    pub(crate) const fn lost(&self) -> u64 {
        self.acknowledged.saturating_sub(self.found)
    }
}

/// All rounds; whether the run proves what it is to prove.
///
/// # Errors
/// If there is no such file system, or a program fails.
pub(crate) fn run(args: &Drill) -> anyhow::Result<bool> {
    let root = orrery_benches::machine::root().context("find the checkout")?;
    let beside = std::env::current_exe().context("find this program")?;
    let base = match &args.folder {
        Some(folder) => folder.clone(),
        None => beside.parent().context("find its folder")?.to_owned(),
    };
    let folder = tempfile::Builder::new()
        .prefix("powerloss-")
        .tempdir_in(&base)
        .context("make a temporary folder")?;
    let mut rounds = Vec::new();
    let volume = Volume::create(folder.path(), args.mib)?;
    let mut last = 0;
    for number in 0..args.rounds {
        let round = round(&volume, args, number, true, last)?;
        say(number, &round);
        last = round.found;
        let is_whole = round.lost() == 0 && round.damage.is_none();
        rounds.push(round);
        if !is_whole {
            // The next round would not tell anything new.
            break;
        }
    }
    drop(volume);
    for number in 0..args.unsynced {
        let volume = Volume::create(folder.path(), args.mib)?;
        let round = round(&volume, args, args.rounds + number, false, 0)?;
        say(number, &round);
        rounds.push(round);
    }
    let results = args.results.clone();
    let results = results.unwrap_or_else(|| root.join("perf/results"));
    report::write(&results, &root, args, &rounds)
}

fn say(number: u32, round: &Round) {
    let sync = if round.sync { "sync" } else { "no sync" };
    eprintln!(
        "powerloss: {sync} {:>3}: beats {} to {} acknowledged, {} found, {} lost{}",
        number + 1,
        round.begun + 1,
        round.acknowledged,
        round.found,
        round.lost(),
        round
            .damage
            .as_deref()
            .map_or_else(String::new, |it| format!("; {it}"))
    );
}

fn round(
    volume: &Volume,
    args: &Drill,
    number: u32,
    sync: bool,
    begun: u64,
) -> anyhow::Result<Round> {
    let store = volume.path().join("store");
    let mut writer = Running::start(&store, sync)?;
    writer.wait_for_word()?;
    let key = [args.seed as u32, (args.seed >> 32) as u32];
    let draw = philox([number, 0, 0, 0], key)[0];
    let after_ms = SHORTEST_MS + draw % (LONGEST_MS - SHORTEST_MS);
    std::thread::sleep(Duration::from_millis(after_ms.into()));
    let lost_at = Instant::now();
    volume.lose_power()?;
    let ended = writer.end(lost_at)?;
    volume.power_on()?;
    let checked = check::last_beat(&store, sync);
    let (found, damage) = match checked {
        Ok(found) => (found, None),
        Err(error) => {
            let mount = volume.path().display().to_string();
            (0, Some(format!("{error:#}").replace(&mount, "MOUNT")))
        }
    };
    Ok(Round {
        sync,
        after_ms,
        begun,
        acknowledged: ended.acknowledged,
        found,
        noticed_ms: ended.noticed_ms,
        words: ended
            .words
            .replace(&*volume.path().to_string_lossy(), "MOUNT"),
        damage,
    })
}

/// The writer, and what it says.
struct Running {
    child: Child,
    words: Receiver<u64>,
    acknowledged: u64,
}

struct Ended {
    acknowledged: u64,
    noticed_ms: Option<u64>,
    words: String,
}

impl Running {
    fn start(store: &Path, sync: bool) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = Command::new(program);
        command.arg("writer").arg("--store").arg(store);
        if !sync {
            command.arg("--no-sync");
        }
        // Not on the file system that is to fail.
        command.current_dir("/").stdin(Stdio::null());
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.context("start the writer")?;
        let pipe = child.stdout.take().context("the writer has an output")?;
        let (said, words) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let beat = line.strip_prefix("durable ");
                if let Some(beat) = beat.and_then(|beat| beat.parse().ok()) {
                    // Nobody may want to hear it any more.
                    let _ = said.send(beat);
                }
            }
        });
        Ok(Self {
            child,
            words,
            acknowledged: 0,
        })
    }

    fn wait_for_word(&mut self) -> anyhow::Result<()> {
        match self.words.recv_timeout(READY) {
            Ok(beat) => {
                self.acknowledged = beat;
                Ok(())
            }
            Err(_) => {
                let words = self.last_words();
                bail!("the writer does not write: {words}")
            }
        }
    }

    /// After the loss of power: waits until it has ended, and hears what it has said.
    fn end(mut self, lost_at: Instant) -> anyhow::Result<Ended> {
        let noticed_ms = loop {
            if self
                .child
                .try_wait()
                .context("look at the writer")?
                .is_some()
            {
                break Some(lost_at.elapsed().as_millis() as u64);
            }
            if lost_at.elapsed() > NOTICE {
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let words = self.last_words();
        // To the end of the pipe: everything that it has ever said.
        for beat in &self.words {
            self.acknowledged = self.acknowledged.max(beat);
        }
        Ok(Ended {
            acknowledged: self.acknowledged,
            noticed_ms,
            words,
        })
    }

    /// Ends it, and gives the last line that it complained with.
    fn last_words(&mut self) -> String {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut said = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            let _ = pipe.read_to_string(&mut said);
        }
        said.lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
