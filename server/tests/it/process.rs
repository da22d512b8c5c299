//! The real binary as a child: data folders, servers, commands that run to their end.
//!
//! Nothing here sleeps to wait for something: threads read what a child says, and whoever waits
//! for it waits on a channel, with a deadline that only a hang can meet. A server that is dropped
//! by a failing test is killed, and what it said is printed.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use orrery_client::rest::Rest;
use orrery_game::content::Content;
use orrery_storage::{Store, StoreOptions};
use tempfile::TempDir;

/// Long enough for anything on a machine that is busy with something else.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);
/// Between two looks at something that announces itself to nobody.
const POLL: Duration = Duration::from_millis(20);

/// The program under test.
pub(crate) const fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_orrery")
}

/// The repository's content.
pub(crate) const fn content_folder() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../content")
}

/// What a command has said and how it ended.
pub(crate) struct Said {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    /// Standard error of a command that must have ended with an error: one of the program's own,
    /// not a panic and not a signal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!(self.status.code(), Some(1), "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert!(
            self.err.contains("error: "),
            "no error is named: {}",
            self.err
        );
        &self.err
    }

    /// Standard output of a command that must have succeeded.
    #[track_caller]
    pub(crate) fn success(&self) -> &str {
        assert!(
            self.status.success(),
            "{}: {}\n{}",
            self.status,
            self.out,
            self.err
        );
        &self.out
    }
}

/// The binary with a clean environment: what the machine of a developer has set does not count.
fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ORRERY_")) {
        command.env_remove(name);
    }
    command
        // Argon2 at its usual cost would be most of the time of these tests.
        .env("ORRERY__ACCOUNTS__ARGON2_MEMORY_KIB", "64")
        .env("ORRERY__ACCOUNTS__ARGON2_PASSES", "1")
        .env("ORRERY__ACCOUNTS__LOGINS_PER_MINUTE", "100000")
        .env("ORRERY__ACCOUNTS__REQUESTS_PER_MINUTE", "1000000");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The environment's variable for a key of the configuration.
fn variable(key: &str) -> String {
    format!("ORRERY__{}", key.to_uppercase().replace('.', "__"))
}

/// Runs the binary to its end.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Said {
    run_within(arguments, DEADLINE)
}

/// Runs the binary to its end, which may take longer than usual.
#[track_caller]
pub(crate) fn run_within(arguments: &[&str], patience: Duration) -> Said {
    begin(arguments).end(patience)
}

/// Lets the binary run until what is returned is dropped.
pub(crate) fn begin(arguments: &[&str]) -> Spoken {
    let child = command().args(arguments).spawn().unwrap();
    Spoken::new(child, &format!("orrery {}", arguments.join(" ")))
}

/// A child whose output is read by threads. It is killed when dropped.
pub(crate) struct Spoken {
    child: Child,
    name: String,
    lines: Receiver<String>,
    out: String,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Spoken {
    fn new(mut child: Child, name: &str) -> Self {
        let (sender, lines) = channel();
        let err = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let each_line = |pipe: Box<dyn Read + Send>, mut take: Box<dyn FnMut(String) + Send>| {
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    take(line);
                }
            })
        };
        let kept = Arc::clone(&err);
        let readers = vec![
            each_line(
                Box::new(stdout),
                Box::new(move |line| {
                    // Nobody listens any more once the child is given up.
                    let _ = sender.send(line);
                }),
            ),
            each_line(
                Box::new(stderr),
                Box::new(move |line| {
                    let mut kept = kept.lock().unwrap();
                    kept.push_str(&line);
                    kept.push('\n');
                }),
            ),
        ];
        Self {
            child,
            name: name.to_owned(),
            lines,
            out: String::new(),
            err,
            readers,
        }
    }

    /// The next line of standard output, or `None` if there is none any more: the child has
    /// ended, or has closed it.
    #[track_caller]
    fn line(&mut self, until: Instant) -> Option<String> {
        match self
            .lines
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(line) => {
                self.out.push_str(&line);
                self.out.push('\n');
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("`{}` hangs:\n{}", self.name, self.told()),
        }
    }

    fn told(&self) -> String {
        format!(
            "--- stdout\n{}--- stderr\n{}---",
            self.out,
            self.err.lock().unwrap()
        )
    }

    /// Waits for the end.
    #[track_caller]
    fn end(mut self, patience: Duration) -> Said {
        let until = Instant::now() + patience;
        while self.line(until).is_some() {}
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let out = std::mem::take(&mut self.out);
        let err = std::mem::take(&mut *self.err.lock().unwrap());
        Said { status, out, err }
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("`{}` said:\n{}", self.name, self.told());
        }
    }
}

/// A data folder with a content pack and a galaxy, made by the binary. It is removed when
/// dropped.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    /// A folder with a galaxy.
    #[track_caller]
    pub(crate) fn new(systems: u32, seed: u64) -> Self {
        Self::with(&std::env::temp_dir(), systems, seed, &[])
    }

    /// The same inside of another folder, with keys of the configuration such as
    /// `("durability.log_segment_mib", "1")`.
    #[track_caller]
    pub(crate) fn with(parent: &Path, systems: u32, seed: u64, keys: &[(&str, &str)]) -> Self {
        let made = Self {
            folder: tempfile::tempdir_in(parent).unwrap(),
        };
        let pack = made.pack();
        let pack = pack.to_str().unwrap();
        run(&[
            "content",
            "compile",
            "--source",
            content_folder(),
            "--out",
            pack,
        ])
        .success();
        let (systems, seed) = (systems.to_string(), seed.to_string());
        let galaxy = ["galaxy", "generate", "--systems", &systems, "--seed", &seed];
        let arguments = [&galaxy[..], &["--data", made.path()]].concat();
        let mut generate = command();
        let keys = keys.iter().map(|(key, value)| (variable(key), value));
        generate.args(&arguments).envs(keys);
        let generated = Spoken::new(generate.spawn().unwrap(), &arguments.join(" "));
        generated.end(DEADLINE).success();
        made
    }

    /// The folder.
    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    /// Its content pack.
    pub(crate) fn pack(&self) -> PathBuf {
        self.folder.path().join("content.pack")
    }

    /// Its content.
    pub(crate) fn content(&self) -> Content {
        Content::open(&self.pack()).unwrap()
    }

    /// Its store, to look at: also beside a running server.
    pub(crate) fn store(&self) -> Store {
        let options = StoreOptions {
            create: false,
            read_only: true,
            ..StoreOptions::default()
        };
        Store::open(self.folder.path().join("store"), &options).unwrap()
    }

    /// Its store, to write to: while no server runs.
    pub(crate) fn store_to_write(&self) -> Store {
        let options = StoreOptions {
            create: false,
            ..StoreOptions::default()
        };
        Store::open(self.folder.path().join("store"), &options).unwrap()
    }

    /// A server on this folder, to be configured and started.
    pub(crate) fn serve(&self) -> Serve {
        Serve {
            data: self.path().to_owned(),
            port: 0,
            http: "127.0.0.1:0".parse().unwrap(),
            shards: 2,
            log: "info".to_owned(),
            environment: Vec::new(),
        }
    }
}

/// A server that is to be started.
#[derive(Clone)]
pub(crate) struct Serve {
    data: String,
    port: u16,
    http: SocketAddr,
    shards: u16,
    log: String,
    environment: Vec<(String, String)>,
}

impl Serve {
    /// Another data folder.
    pub(crate) fn data(mut self, data: &str) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// This UDP port instead of a free one.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// This address for HTTP instead of a free port.
    pub(crate) fn http(mut self, http: SocketAddr) -> Self {
        self.http = http;
        self
    }

    /// Another number of shards than two.
    pub(crate) fn shards(mut self, shards: u16) -> Self {
        self.shards = shards;
        self
    }

    /// Another filter for the log than `info`.
    pub(crate) fn log(mut self, filter: &str) -> Self {
        filter.clone_into(&mut self.log);
        self
    }

    /// Sets a key of the configuration, such as `edge.max_clients`.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.environment.push((variable(key), value.to_owned()));
        self
    }

    fn spawn(&self) -> Spoken {
        let mut command = command();
        command.args(["--log", &self.log, "serve", "--data", &self.data]);
        command.args([
            "--port",
            &self.port.to_string(),
            "--http",
            &self.http.to_string(),
        ]);
        command.args(["--shards", &self.shards.to_string()]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Spoken::new(
            command.spawn().unwrap(),
            &format!("orrery serve --data {}", self.data),
        )
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(&self) -> Server {
        let mut spoken = self.spawn();
        let until = Instant::now() + DEADLINE;
        let (mut quic, mut http) = (Vec::new(), None);
        loop {
            let Some(line) = spoken.line(until) else {
                panic!(
                    "the server ended instead of being ready:\n{}",
                    spoken.told()
                );
            };
            if let Some(addresses) = line.strip_prefix("quic ") {
                quic = addresses
                    .split(' ')
                    .map(|address| address.parse().unwrap())
                    .collect();
            } else if let Some(address) = line.strip_prefix("web http://") {
                http = Some(address.parse().unwrap());
            } else if line == "ready" {
                let (http, data) = (http.expect("`web` comes before `ready`"), self.data.clone());
                return Server {
                    spoken,
                    quic,
                    http,
                    data,
                };
            }
        }
    }

    /// Starts it, though it must refuse to, and returns what it has to say.
    #[track_caller]
    pub(crate) fn refused(&self) -> String {
        self.spawn().end(DEADLINE).refusal().to_owned()
    }
}

/// A running server.
pub(crate) struct Server {
    spoken: Spoken,
    quic: Vec<SocketAddr>,
    http: SocketAddr,
    data: String,
}

impl Server {
    /// Where it serves HTTP.
    pub(crate) const fn http(&self) -> SocketAddr {
        self.http
    }

    /// The UDP port for QUIC.
    pub(crate) fn port(&self) -> u16 {
        self.quic[0].port()
    }

    /// Where QUIC is reached from this host by IPv4.
    pub(crate) fn quic4(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port()).into()
    }

    /// Where QUIC is reached from this host by IPv6; `None` on a host without it.
    pub(crate) fn quic6(&self) -> Option<SocketAddr> {
        let listens = self.quic.iter().any(SocketAddr::is_ipv6);
        listens.then(|| (std::net::Ipv6Addr::LOCALHOST, self.port()).into())
    }

    /// Its REST interface.
    pub(crate) fn rest(&self) -> Rest {
        Rest::new(&self.http.to_string())
    }

    /// The operator's key.
    pub(crate) fn operator_key(&self) -> String {
        let path = Path::new(&self.data).join("operator.key");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    /// The sum of a metric's samples that have these labels.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        metric(self.http, name, labels)
    }

    /// Waits until a metric is at least so much: shards show some of theirs twice a second.
    #[track_caller]
    pub(crate) fn metric_reaches(&self, name: &str, labels: &[(&str, &str)], least: f64) {
        let mut last = 0.0;
        wait_until(&format!("{name} {labels:?} >= {least}"), || {
            last = self.metric(name, labels);
            last >= least
        });
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.spoken.err.lock().unwrap().clone()
    }

    /// Waits for an end that nobody asked for. Returns what it has said, and when it had ended.
    #[track_caller]
    pub(crate) fn fall(self) -> (Said, std::time::SystemTime) {
        let said = self.spoken.end(DEADLINE);
        (said, std::time::SystemTime::now())
    }

    /// Ends it as a power cut would: `kill -9`. Returns what it has logged.
    pub(crate) fn kill(mut self) -> String {
        self.spoken.kill();
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
        log
    }

    /// Asks it to stop, by SIGTERM, and waits for its orderly end: a clean store, no panic.
    /// Returns what it has logged.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        let log = self.stop_after_faults();
        assert!(!log.contains("panicked"), "{log}");
        log
    }

    /// The same for a server that was made to have faults, which panic.
    #[track_caller]
    pub(crate) fn stop_after_faults(self) -> String {
        let pid = rustix::process::Pid::from_child(&self.spoken.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let said = self.spoken.end(DEADLINE);
        assert!(
            said.success().contains("the store is clean"),
            "{}\n{}",
            said.out,
            said.err
        );
        said.err
    }
}

/// The sum of the samples of a server's metric that have these labels.
pub(crate) fn metric(http: SocketAddr, name: &str, labels: &[(&str, &str)]) -> f64 {
    let url = format!("http://{http}/metrics");
    let text = ureq::get(&url)
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let wanted: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}=\"{value}\""))
        .collect();
    let samples: Vec<f64> = text
        .lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            let here = found == name && wanted.iter().all(|label| labels.contains(label.as_str()));
            here.then(|| value.parse().unwrap())
        })
        .collect();
    assert!(
        !samples.is_empty(),
        "there is no metric {name} with {labels:?}:\n{text}"
    );
    samples.iter().sum()
}

/// Looks again and again until something holds; a hang is a failure.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain for: {what}");
        std::thread::sleep(POLL);
    }
}
