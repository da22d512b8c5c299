//! Where a run takes place: a temporary folder with content and a galaxy, and the commands on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use orrery_client::rest::Rest;

use crate::Setting;
use crate::process::Process;

/// Players in one star system, about.
const PLAYERS_PER_SYSTEM: u32 = 42;
/// How long a server may take to be ready.
const READY: Duration = Duration::from_secs(90);

/// What is other than usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// Further lines of the section `edge` of the configuration.
    pub(crate) edge: String,
    /// Changes of the content: in which file, what, by what. Each must be possible.
    pub(crate) content: Vec<(&'static str, &'static str, &'static str)>,
}

/// A temporary folder with all that a server needs.
pub(crate) struct Stage {
    program: PathBuf,
    root: PathBuf,
    folder: tempfile::TempDir,
    keep: bool,
}

/// A server that is ready.
pub(crate) struct Server {
    /// The process.
    pub(crate) process: Process,
    /// From its start until its state was recovered, every digest compared; and until it was
    /// ready for players.
    pub(crate) recovered_after: Duration,
    pub(crate) ready_after: Duration,
    /// The beat that it has recovered.
    pub(crate) beat: u64,
    /// Its REST interface.
    pub(crate) rest: Rest,
    /// The same as an address.
    pub(crate) base: String,
}

impl Stage {
    /// Content and a galaxy in an empty folder.
    ///
    /// # Errors
    /// If a program is missing or fails.
    pub(crate) fn prepare(common: &Setting, players: u32) -> anyhow::Result<Self> {
        Self::prepare_scene(common, players, &Scene::default())
    }

    /// The same, with what is other than usual.
    ///
    /// # Errors
    /// If a program is missing or fails, or a change of the content is not possible.
    pub(crate) fn prepare_scene(
        common: &Setting,
        players: u32,
        scene: &Scene,
    ) -> anyhow::Result<Self> {
        let beside = std::env::current_exe().context("find this program")?;
        let program = common.program.clone();
        let program = program.unwrap_or_else(|| beside.with_file_name("orrery"));
        ensure!(
            program.is_file(),
            "there is no program {}: build it first",
            program.display()
        );
        // Beside the programs: on a real disk, where the system's folder may be in memory.
        let base = beside.parent().and_then(Path::parent);
        let base = base.context("find the build's folder")?.join("recovery");
        std::fs::create_dir_all(&base).with_context(|| format!("create {}", base.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&base);
        let stage = Self {
            program: program.canonicalize().context("find the program")?,
            root: orrery_benches::machine::root().context("find the checkout")?,
            folder: folder.context("make a temporary folder")?,
            keep: common.keep,
        };
        let systems = common.systems;
        let systems = systems.unwrap_or_else(|| players.div_ceil(PLAYERS_PER_SYSTEM).max(2));
        stage.configure(players, &scene.edge)?;
        let pack = stage.data().join("content.pack");
        let source = stage.content(scene)?;
        let (source, pack) = (source.to_string_lossy(), pack.to_string_lossy());
        stage.finish(&["content", "compile", "--source", &source, "--out", &pack])?;
        let (systems, seed) = (systems.to_string(), common.seed.to_string());
        stage.finish(&["galaxy", "generate", "--systems", &systems, "--seed", &seed])?;
        Ok(stage)
    }

    /// The folder of the content: the checkout's, or a changed copy of it.
    fn content(&self, scene: &Scene) -> anyhow::Result<PathBuf> {
        let source = self.root.join("content");
        if scene.content.is_empty() {
            return Ok(source);
        }
        let changed = self.folder().join("content");
        copy(&source, &changed)?;
        for (file, what, by) in &scene.content {
            let path = changed.join(file);
            let text = std::fs::read_to_string(&path).context("read the content")?;
            ensure!(text.contains(what), "there is no {what:?} in {file}");
            std::fs::write(&path, text.replace(what, by)).context("change the content")?;
        }
        Ok(changed)
    }

    /// Loopback only, free ports; passwords that cost nothing, as many requests as wanted.
    fn configure(&self, players: u32, edge: &str) -> anyhow::Result<()> {
        let clients = players + players / 4 + 200;
        let config = format!(
            "[server]\nport = 0\nipv4 = \"127.0.0.1\"\nipv6 = \"::1\"\nhttp = \"127.0.0.1:0\"\n\
             data = {:?}\n[edge]\nmax_clients = {clients}\n{edge}[accounts]\n\
             game_token_seconds = 300\nargon2_memory_kib = 64\nargon2_passes = 1\n\
             requests_per_minute = 1000000\nlogins_per_minute = 1000000\n",
            self.data(),
        );
        std::fs::write(self.config(), config).context("write the configuration")
    }

    /// The folder of everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    fn config(&self) -> PathBuf {
        self.folder().join("orrery.toml")
    }

    /// The operator's key of the server.
    ///
    /// # Errors
    /// If there is none yet.
    pub(crate) fn key(&self) -> anyhow::Result<String> {
        let key = std::fs::read_to_string(self.data().join("operator.key"));
        Ok(key.context("read the operator's key")?.trim().to_owned())
    }

    /// A command of the program; the environment's settings are not this run's.
    pub(crate) fn command(&self, log: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in
            std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("ORRERY_"))
        {
            command.env_remove(key);
        }
        // The content is in the checkout.
        command.current_dir(&self.root).arg("--config");
        command.arg(self.config()).args(["--log", log]);
        command.args(arguments);
        command
    }

    /// Runs a command to its end; what it says if it succeeds.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn finish(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let name = arguments.join(" ");
        let mut command = self.command("warn", arguments);
        let output = command.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("start {name}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "{name} failed ({}):\n{text}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(text)
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready: a digest that differs is one reason.
    pub(crate) fn serve(&self, longest: Duration) -> anyhow::Result<Server> {
        let seconds = longest.as_secs().to_string();
        let mut command = self.command("info", &["serve", "--stop-after", &seconds]);
        let log = self.folder().join("server.log");
        let mut process = Process::start("the server", &mut command, &log)?;
        let started = process.started;
        let since = |at: Instant| at.saturating_duration_since(started);
        let told = |line: &str| line.contains("recovered, every digest equal");
        let (recovered, line) = process.wait_for("recovered", READY, told)?;
        let beat = beat_in(&line).with_context(|| format!("find the beat in {line:?}"))?;
        let told = |line: &str| line.starts_with("web ");
        let (_, web) = process.wait_for("web", READY, told)?;
        let base = web.trim_start_matches("web ").to_owned();
        let (ready, _) = process.wait_for("ready", READY, |line| line == "ready")?;
        Ok(Server {
            recovered_after: since(recovered),
            ready_after: since(ready),
            process,
            beat,
            rest: Rest::new(&base),
            base,
        })
    }

    /// Starts a swarm against a server.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn swarm(&self, server: &Server, more: &[&str]) -> anyhow::Result<Process> {
        let arguments = ["bots", "--behaviour", "mixed", "--server", &server.base];
        let mut command = self.command("error", &[&arguments[..], more].concat());
        let log = self.folder().join("bots.log");
        Process::start("the bots", &mut command, &log)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.keep || std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("recovery: kept {}", self.folder().display());
        }
    }
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// If it is none, or a file cannot be copied.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    ensure!(from.is_dir(), "{} is no folder", from.display());
    std::fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let path = entry.context("list a store")?.path();
        let name = path.file_name().context("a file has a name")?;
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name))
                .with_context(|| format!("copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// The value of `beat=` in a line of the log.
fn beat_in(line: &str) -> Option<u64> {
    let words = line.split_whitespace();
    let mut values = words.filter_map(|word| word.strip_prefix("beat="));
    values.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::beat_in;

    #[test]
    fn the_beat_is_found_among_the_fields() {
        let line = "INFO orrery: recovered, every digest equal beat=812 from=700 grid_beats=9";
        assert_eq!(beat_in(line), Some(812));
        assert_eq!(beat_in("heartbeat=7 nothing"), None);
    }
}
