//! Children of this program: what they say is read with the time at which they say it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How often the end of a process is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// A line and when it was read.
pub(crate) type Said = (Instant, String);

/// A child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    lines: Receiver<Said>,
    log: PathBuf,
    /// When it was started.
    pub(crate) started: Instant,
}

impl Process {
    /// Starts a program in a process group of its own. Both its outputs are read line by line and
    /// added to the file `log`.
    ///
    /// # Errors
    /// If it cannot be started, or the log not be written.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("open {}", log.display()))?;
        let started = Instant::now();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().context("take standard output")?;
        let stderr = child.stderr.take().context("take standard error")?;
        let copy = file.try_clone().context("share the log")?;
        listen(stdout, copy, sender.clone());
        listen(stderr, file, sender);
        Ok(Self {
            name,
            child,
            lines,
            log: log.to_owned(),
            started,
        })
    }

    /// Waits for a line, by what it must be.
    ///
    /// # Errors
    /// If it does not come in time, or the process ends before.
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        within: Duration,
        mut is_it: impl FnMut(&str) -> bool,
    ) -> anyhow::Result<Said> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, line)) if is_it(&line) => return Ok((at, line)),
                Ok(_) => {}
                Err(_) => bail!(
                    "{} did not say {what:?} within {} s:\n{}",
                    self.name,
                    within.as_secs(),
                    self.last_words()
                ),
            }
        }
    }

    /// What it has said since it was last listened to.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.try_iter().map(|(_, line)| line).collect()
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// If the system does not tell.
    pub(crate) fn poll_end(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let name = self.name;
        let ended = self.child.try_wait();
        ended.with_context(|| format!("look at {name}"))
    }

    /// Ends it at once, without a word.
    ///
    /// # Errors
    /// If it has ended before, by itself: that was not to happen.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.poll_end()? {
            bail!(
                "{} had ended by itself ({status}):\n{}",
                self.name,
                self.last_words()
            );
        }
        self.child.kill().context("kill")?;
        self.child.wait().context("wait for what was killed")?;
        Ok(())
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// If it does not end in time; it is killed when dropped.
    pub(crate) fn end(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        // Its id is ours until we have waited for it: it cannot belong to another process.
        if self.poll_end()?.is_none()
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            kill_process(pid, Signal::TERM).with_context(|| format!("end {}", self.name))?;
        }
        self.finish(within)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub(crate) fn finish(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let until = Instant::now() + within;
        while Instant::now() < until {
            if let Some(status) = self.poll_end()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        bail!("{} does not end:\n{}", self.name, self.last_words())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe until its end, on a thread.
fn listen(pipe: impl Read + Send + 'static, mut log: File, sender: Sender<Said>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let at = Instant::now();
            // A full disk must not stop the reading, and nobody may want the lines any more.
            let _ = writeln!(log, "{line}");
            let _ = sender.send((at, line));
        }
    });
}
