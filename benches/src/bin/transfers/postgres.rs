//! PostgreSQL: a private instance in a folder of its own, reached by a Unix socket only, ended
//! and removed with the run. It does not run as root: then as the user `postgres`, or `nobody`.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::contest::{BEGIN_CENTS, Contestant, LARGEST_CENTS, Run};

/// Users that the instance may run as when we are root.
const USERS: [&str; 2] = ["postgres", "nobody"];
/// What differs from the defaults: memory as a small server has it, and a checkpoint does not
/// fall into a run of some seconds.
const SETTINGS: [(&str, &str); 4] = [
    ("synchronous_commit", "on"),
    ("fsync", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "8GB"),
];

/// A running instance with accounts. Dropping it ends it.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    accounts: u32,
    version: String,
}

/// How a transfer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// A transaction of three statements, prepared: five round trips.
    Statements,
    /// One call of a function: one round trip.
    Function,
}

/// See the module.
pub(crate) struct PostgresRun {
    server: Rc<Server>,
    connections: u32,
    script: Script,
}

impl Server {
    /// Makes an instance with so many accounts.
    ///
    /// # Errors
    /// If PostgreSQL is not installed or does not start; its own words are in the error.
    pub(crate) fn start(folder: &Path, accounts: u32) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).context("make a folder for PostgreSQL")?;
        let mut server = Self {
            programs: programs()?,
            folder: folder.to_owned(),
            user: user()?,
            accounts,
            version: String::new(),
        };
        if let Some((uid, gid)) = server.user {
            // The folder above is ours alone: it has to be passed through.
            let above = folder.parent().context("find the folder above")?;
            for path in [above, folder] {
                chown(path, Some(uid), Some(gid)).context("give the folder away")?;
            }
        }
        let data = server.data();
        let data = data.to_str().context("the folder's name is no text")?;
        let init = ["-D", data, "-U", "postgres", "--auth=trust", "--locale=C"];
        server.call("initdb", &[&init[..], &["-E", "UTF8"]].concat())?;
        let mut options = format!("-c listen_addresses='' -k {}", folder.display());
        for (key, value) in SETTINGS {
            options.push_str(&format!(" -c {key}={value}"));
        }
        let log = folder.join("log");
        let log = log.to_str().context("the folder's name is no text")?;
        server.call(
            "pg_ctl",
            &["-D", data, "-w", "-l", log, "-o", &options, "start"],
        )?;
        server.fill()?;
        server.version = server.ask("SHOW server_version")?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs one of its programs to the end; what it says.
    fn call(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.command(program);
        // `pg_ctl start` leaves a server behind that would hold a pipe open for ever.
        let out = self.folder.join("out");
        let file = std::fs::File::create(&out).context("make a file for the output")?;
        command
            .args(arguments)
            .stdout(file.try_clone()?)
            .stderr(file);
        let status = command
            .status()
            .with_context(|| format!("start {program}"))?;
        let said = std::fs::read_to_string(&out).unwrap_or_default();
        ensure!(status.success(), "{program} failed ({status}):\n{said}");
        Ok(said)
    }

    fn ask(&self, sql: &str) -> anyhow::Result<String> {
        let place = self
            .folder
            .to_str()
            .context("the folder's name is no text")?;
        let quiet = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"];
        let whereto = ["-h", place, "-U", "postgres", "-d", "postgres"];
        let said = self.call("psql", &[&quiet[..], &whereto, &["-c", sql]].concat())?;
        Ok(said.trim().to_owned())
    }

    fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let said = self.ask(sql)?;
        said.parse()
            .with_context(|| format!("{sql} gives {said:?}"))
    }

    fn fill(&self) -> anyhow::Result<()> {
        let accounts = self.accounts;
        self.ask(
            "CREATE TABLE balances (account bigint PRIMARY KEY, \
                 cents bigint NOT NULL CHECK (cents >= 0)); \
             CREATE TABLE entries (entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                 debit bigint NOT NULL, credit bigint NOT NULL, cents bigint NOT NULL, \
                 at timestamptz NOT NULL DEFAULT now()); \
             CREATE FUNCTION transfer(lower bigint, higher bigint, amount bigint) RETURNS void \
             LANGUAGE plpgsql AS $$ BEGIN \
                 UPDATE balances SET cents = cents - amount WHERE account = lower; \
                 UPDATE balances SET cents = cents + amount WHERE account = higher; \
                 INSERT INTO entries (debit, credit, cents) VALUES (lower, higher, amount); \
             END $$",
        )?;
        self.ask(&format!(
            "INSERT INTO balances SELECT n, {BEGIN_CENTS} FROM generate_series(1, {accounts}) n"
        ))?;
        self.ask("VACUUM ANALYZE balances")?;
        self.ask("CHECKPOINT")?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        let data = data.to_string_lossy();
        if let Err(error) = self.call("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]) {
            eprintln!("transfers: {error:#}");
        }
    }
}

/// The folder of its programs: behind the links, where all of them are.
fn programs() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        let found = folder.join("initdb");
        if let Ok(real) = found.canonicalize() {
            let folder = real.parent().context("a program is in a folder")?;
            ensure!(
                folder.join("pgbench").is_file(),
                "pgbench is missing in {}",
                folder.display()
            );
            return Ok(folder.to_owned());
        }
    }
    bail!("PostgreSQL is not installed: there is no initdb in PATH")
}

/// What a contestant is called.
pub(crate) fn name(connections: u32, script: Script) -> String {
    let calls = match script {
        Script::Statements => "",
        Script::Function => ", one call",
    };
    let many = if connections == 1 { "" } else { "s" };
    format!("PostgreSQL, {connections} connection{many}{calls}")
}

/// Whom it has to run as: nobody else, unless we are root.
fn user() -> anyhow::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("read the list of users")?;
    for name in USERS {
        for line in users.lines() {
            let mut parts = line.split(':');
            if parts.next() == Some(name) {
                let mut numbers = parts.skip(1).map_while(|part| part.parse().ok());
                let ids = numbers.next().zip(numbers.next());
                return Ok(Some(ids.with_context(|| format!("the ids of {name}"))?));
            }
        }
    }
    bail!("PostgreSQL does not run as root, and there is no user {USERS:?}")
}

impl PostgresRun {
    pub(crate) const fn new(server: Rc<Server>, connections: u32, script: Script) -> Self {
        Self {
            server,
            connections,
            script,
        }
    }

    /// In order of accounts, so that no two transfers wait for each other for ever.
    fn text(&self) -> String {
        let set = format!(
            "\\set a random(1, {accounts})\n\
             \\set b 1 + (:a - 1 + random(1, {accounts} - 1)) % {accounts}\n\
             \\set lower least(:a, :b)\n\
             \\set higher greatest(:a, :b)\n\
             \\set amount random(1, {LARGEST_CENTS})\n",
            accounts = self.server.accounts
        );
        let work = match self.script {
            Script::Statements => {
                "BEGIN;\n\
                 UPDATE balances SET cents = cents - :amount WHERE account = :lower;\n\
                 UPDATE balances SET cents = cents + :amount WHERE account = :higher;\n\
                 INSERT INTO entries (debit, credit, cents) VALUES (:lower, :higher, :amount);\n\
                 COMMIT;\n"
            }
            Script::Function => "SELECT transfer(:lower, :higher, :amount);\n",
        };
        format!("{set}{work}")
    }

    fn latencies(&self, prefix: &str) -> anyhow::Result<Vec<u32>> {
        let mut latencies_us = Vec::new();
        for entry in std::fs::read_dir(&self.server.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with(prefix) {
                continue;
            }
            let text = std::fs::read_to_string(&path).context("read the times")?;
            // Client, transaction, microseconds, and more.
            let third = |line: &str| line.split(' ').nth(2)?.parse::<u32>().ok();
            latencies_us.extend(text.lines().filter_map(third));
            std::fs::remove_file(&path)?;
        }
        Ok(latencies_us)
    }
}

impl Contestant for PostgresRun {
    fn name(&self) -> String {
        name(self.connections, self.script)
    }

    fn setting(&self) -> String {
        let settings = SETTINGS.map(|(key, value)| format!("{key} = {value}"));
        format!("{}; {}", self.server.version, settings.join(", "))
    }

    fn run(&mut self, time: Duration) -> anyhow::Result<Run> {
        let server = &self.server;
        let before = server.number("SELECT count(*) FROM entries")?;
        let script = server.folder.join("transfer.sql");
        std::fs::write(&script, self.text()).context("write the script")?;
        let (script, place) = (script.to_string_lossy(), server.folder.to_string_lossy());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(self.connections as usize).to_string();
        let (clients, seconds) = (self.connections.to_string(), time.as_secs().to_string());
        let whereto = ["-h", &place, "-U", "postgres", "-n", "-M", "prepared"];
        let load = [
            "-f", &script, "-c", &clients, "-j", &threads, "-T", &seconds,
        ];
        let log = ["-l", "--log-prefix=times", "postgres"];
        let said = server.call("pgbench", &[&whereto[..], &load, &log].concat())?;
        let transfers = figure(&said, "number of transactions actually processed:")? as u64;
        let rate = figure(&said, "tps =")?;
        let latencies_us = self.latencies("times")?;
        let entries = server.number("SELECT count(*) FROM entries")? - before;
        let sum = server.number("SELECT sum(cents)::bigint FROM balances")?;
        let all = BEGIN_CENTS * i64::from(server.accounts);
        Ok(Run {
            transfers,
            took: Duration::from_secs_f64(transfers as f64 / rate.max(1e-9)),
            latencies_us,
            is_conserved: sum == all && entries as u64 == transfers,
        })
    }
}

/// The number after these words in what `pgbench` says.
fn figure(said: &str, words: &str) -> anyhow::Result<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix(words));
    let number = line.and_then(|line| line.split_whitespace().next());
    let number = number.with_context(|| format!("no {words:?} in:\n{said}"))?;
    number.parse().with_context(|| format!("{words} {number}"))
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_found_in_what_pgbench_says() {
        let said = "scaling factor: 1\nnumber of transactions actually processed: 1234\n\
                    number of failed transactions: 0 (0.000%)\nlatency average = 0.9 ms\n\
                    tps = 1102.25 (without initial connection time)\n";
        let processed = figure(said, "number of transactions actually processed:");
        assert_eq!(processed.unwrap(), 1234.0);
        assert_eq!(figure(said, "tps =").unwrap(), 1102.25);
        assert!(figure(said, "nothing").is_err());
    }
}
