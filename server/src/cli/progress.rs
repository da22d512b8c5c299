//! Progress of long work: a bar on a terminal, a line now and then elsewhere.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of one piece of work.
pub(crate) struct Bar {
    what: &'static str,
    bar: Option<ProgressBar>,
    said: Cell<Instant>,
}

/// Begins to show progress.
pub(crate) fn bar(what: &'static str) -> Bar {
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg:>10} {bar:40} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        bar
    });
    Bar {
        what,
        bar,
        said: Cell::new(Instant::now()),
    }
}

impl Bar {
    /// `done` of `total` are done.
    pub(crate) fn update(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        } else if self.said.get().elapsed() > Duration::from_secs(2) {
            eprintln!("{}: {done} of {total}", self.what);
            self.said.set(Instant::now());
        }
    }

    /// The work is done.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
