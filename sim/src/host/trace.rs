//! What has happened in a run, as a digest and, if asked for, as lines: the same seed must give
//! the same.

use std::cell::Cell;

use orrery_base::digest::Digest;

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    digest: Cell<u64>,
    clock_ns: Cell<u64>,
    is_shown: bool,
}

impl Trace {
    /// Nothing yet; with `is_shown` every line goes to the standard error.
    #[must_use]
    pub const fn new(is_shown: bool) -> Self {
        Self {
            digest: Cell::new(0),
            clock_ns: Cell::new(0),
            is_shown,
        }
    }

    /// The present moment, for the lines.
    pub fn set_time(&self, now_ns: u64) {
        self.clock_ns.set(now_ns);
    }

    /// Notes something in words.
    pub fn note(&self, words: impl FnOnce() -> String) {
        if self.is_shown {
            let at = self.clock_ns.get() as f64 / 1e9;
            eprintln!("{at:12.6}  {}", words());
        }
    }

    /// Notes bytes.
    pub fn fold(&self, bytes: &[u8]) {
        let digest = Digest::new(self.digest.get())
            .word(self.clock_ns.get())
            .bytes(bytes);
        self.digest.set(digest.finish());
    }

    /// The digest so far.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest.get()
    }
}
