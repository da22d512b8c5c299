//! Processes that this program has started, and what `/proc` says of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How often the end of a process is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long a process that is dropped may take to end by itself.
const DROPPED: Duration = Duration::from_secs(5);

/// A child of this program. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    /// Reads the output; ends when the process does.
    reader: Option<JoinHandle<()>>,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a program in a process group of its own, so that a Ctrl-C on the terminal reaches
    /// this program alone, which then ends its children in order. Standard output is read line
    /// by line and kept in `log` together with the errors.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let errors = file.try_clone().context("share the log")?;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let stdout = child.stdout.take().context("take standard output")?;
        let (sender, lines) = channel();
        let reader = std::thread::spawn(move || {
            let mut log = file;
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A full disk must not stop the reading, and nobody may want the lines any more.
                let _ = writeln!(log, "{line}");
                let _ = sender.send(line);
            }
        });
        Ok(Self {
            name,
            child,
            lines,
            reader: Some(reader),
            log: log.to_owned(),
            ended: None,
        })
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its output, if one comes in time. None at all once it has ended.
    pub(crate) fn line(&self, within: Duration) -> Option<String> {
        self.lines.recv_timeout(within).ok()
    }

    /// How it has ended, if it has.
    pub(crate) fn poll_end(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            let ended = self
                .child
                .try_wait()
                .with_context(|| format!("look at {}", self.name))?;
            self.note_end(ended);
        }
        Ok(self.ended)
    }

    /// Once it has ended, the rest of its output is in the log.
    fn note_end(&mut self, ended: Option<ExitStatus>) {
        self.ended = ended;
        if let Some(reader) = self.reader.take_if(|_| ended.is_some()) {
            // A reader that panicked has left a shorter log, which is seen where it is read.
            let _ = reader.join();
        }
    }

    /// Fails if it has ended, with the last lines of its log.
    pub(crate) fn must_run(&mut self) -> anyhow::Result<()> {
        match self.poll_end()? {
            Some(status) => bail!("{} has ended ({status}):\n{}", self.name, self.last_words()),
            None => Ok(()),
        }
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Asks it to end and waits; a process that does not end in time is killed, which is an
    /// error.
    pub(crate) fn end(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.poll_end()? {
            return Ok(status);
        }
        // Its id is ours until we have waited for it: it cannot belong to another process.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).with_context(|| format!("end {}", self.name))?;
        }
        let since = Instant::now();
        while since.elapsed() < within {
            if let Some(status) = self.poll_end()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        self.child
            .kill()
            .with_context(|| format!("kill {}", self.name))?;
        let ended = self
            .child
            .wait()
            .with_context(|| format!("wait for {}", self.name))?;
        self.note_end(Some(ended));
        bail!(
            "{} did not end within {} s:\n{}",
            self.name,
            within.as_secs(),
            self.last_words()
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end(DROPPED) {
            eprintln!("capacity: {error:#}");
        }
    }
}

/// Runs a program to its end; its output if it succeeds.
pub(crate) fn run_to_end(name: &str, command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {name}"))?;
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

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Memory in RAM now, MB of 10⁶ bytes.
    pub(crate) rss_mb: f64,
    /// The most that it ever was.
    pub(crate) peak_mb: f64,
    /// Processor time so far, user and system, seconds.
    pub(crate) cpu_s: f64,
}

impl Usage {
    /// Of a running process.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = read(&format!("/proc/{pid}/status"))?;
        let mb = |key| {
            memory_mb(&status, key).with_context(|| format!("no {key} in /proc/{pid}/status"))
        };
        let stat = read(&format!("/proc/{pid}/stat"))?;
        let cpu_s = cpu_s(&stat).with_context(|| format!("understand /proc/{pid}/stat"))?;
        Ok(Self {
            rss_mb: mb("VmRSS:")?,
            peak_mb: mb("VmHWM:")?,
            cpu_s,
        })
    }
}

/// Processor seconds of a process's threads, added up by their names.
pub(crate) fn threads(pid: u32) -> anyhow::Result<BTreeMap<String, f64>> {
    let folder = format!("/proc/{pid}/task");
    let mut by_name = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("read {folder}"))? {
        let path = entry.with_context(|| format!("read {folder}"))?.path();
        // A thread may end between the listing and the look.
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else {
            continue;
        };
        if let (Some(name), Some(cpu_s)) = (name_in(&stat), cpu_s(&stat)) {
            *by_name.entry(name.to_owned()).or_insert(0.0) += cpu_s;
        }
    }
    Ok(by_name)
}

/// Processor time of the whole machine, seconds, summed over the cores.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    /// Spent on anything.
    pub(crate) busy_s: f64,
    /// Taken by the hypervisor for others.
    pub(crate) stolen_s: f64,
    /// UDP datagrams that found a full receive buffer, of any process.
    pub(crate) udp_dropped: f64,
}

impl Machine {
    /// Now.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let stat = read("/proc/stat")?;
        let total: Vec<f64> = stat
            .lines()
            .next()
            .into_iter()
            .flat_map(|line| line.split_whitespace().skip(1))
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = total[..] else {
            bail!("understand /proc/stat");
        };
        let busy = user + nice + system + irq + softirq;
        let udp_dropped = udp_dropped(&read("/proc/net/snmp")?).unwrap_or(0.0);
        Ok(Self {
            busy_s: busy / hertz(),
            stolen_s: steal / hertz(),
            udp_dropped,
        })
    }
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {path}"))
}

fn hertz() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// A line such as `VmRSS:  1234 kB`, where a kB is 1,024 bytes.
fn memory_mb(status: &str, key: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024.0 / 1e6)
}

/// The name stands in brackets and may itself contain anything.
fn name_in(stat: &str) -> Option<&str> {
    stat.get(stat.find('(')? + 1..stat.rfind(')')?)
}

/// User and system time: the 14th and 15th field, the name being the second.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat
        .get(stat.rfind(')')? + 1..)?
        .split_whitespace()
        .skip(11);
    let ticks = |text: Option<&str>| text?.parse::<f64>().ok();
    Some((ticks(fields.next())? + ticks(fields.next())?) / hertz())
}

/// The two lines of UDP: names, then values.
fn udp_dropped(snmp: &str) -> Option<f64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let column = names
        .split_whitespace()
        .position(|name| name == "RcvbufErrors")?;
    values.split_whitespace().nth(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_a_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 6 7 20 0 1 0 99";
        assert_eq!(name_in(stat), Some("a) b (c)"));
        assert_eq!(cpu_s(stat), Some(300.0 / hertz()));
        assert_eq!(cpu_s("7 (a) S 1"), None);
    }

    #[test]
    fn memory_is_in_millions_of_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n";
        assert_eq!(memory_mb(status, "VmRSS:"), Some(1.024));
        assert_eq!(memory_mb(status, "VmHWM:"), Some(2.048));
        assert_eq!(memory_mb(status, "VmSwap:"), None);
    }

    #[test]
    fn dropped_datagrams_are_found_by_name() {
        let snmp = "Tcp: A B\nTcp: 1 2\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\nUdp: 10 0 0 12 5 0\n";
        assert_eq!(udp_dropped(snmp), Some(5.0));
        assert_eq!(udp_dropped("Udp: InDatagrams\nUdp: 1\n"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_mb > 0.0 && usage.peak_mb >= usage.rss_mb);
        assert!(!threads(std::process::id()).unwrap().is_empty());
        assert!(Machine::now().unwrap().busy_s > 0.0);
    }

    #[test]
    fn a_process_speaks_and_ends_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo hello; exec sleep 60"]);
        let mut process = Process::start("sh", &mut command, &folder.path().join("log")).unwrap();
        assert_eq!(
            process.line(Duration::from_secs(10)).as_deref(),
            Some("hello")
        );
        process.must_run().unwrap();
        assert!(!process.end(Duration::from_secs(10)).unwrap().success());
        assert!(
            process
                .must_run()
                .unwrap_err()
                .to_string()
                .contains("hello")
        );
    }
}
