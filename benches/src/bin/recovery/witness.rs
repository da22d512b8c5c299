//! Witnesses: they note what a server has acknowledged as durable, and look whether it is there
//! after the next restart.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orrery_client::rest::{Rest, RestError};

/// Where nothing is at stake, one password for all.
const PASSWORD: &str = "violet comet drifts slowly";
/// Between two accounts.
const PAUSE: Duration = Duration::from_millis(15);
/// Accounts of earlier lives that are looked at again in every life.
const OLD_PER_LIFE: usize = 5;

/// An account and what was acknowledged of it.
#[derive(Clone, Debug)]
struct Account {
    name: String,
    /// The character's number, if its creation was acknowledged.
    character: Option<u64>,
}

/// What became of things that were acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// Facts that were looked at after a restart and found.
    pub(crate) found: u64,
    /// What is not there any more.
    pub(crate) lost: Vec<String>,
    /// What is there more than once.
    pub(crate) doubled: Vec<String>,
}

impl Verdict {
    /// Adds another.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.found += other.found;
        self.lost.append(&mut other.lost);
        self.doubled.append(&mut other.doubled);
    }
}

/// Makes accounts and characters as fast as it may, and looks for those of before.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    /// Acknowledged, not looked at since.
    fresh: VecDeque<Account>,
    /// Acknowledged and found at least once.
    seen: Vec<Account>,
    made: u64,
    looked: usize,
    /// What it has found.
    pub(crate) verdict: Verdict,
}

impl Registrar {
    /// One life of the server: looks first, then makes new ones until `stop`.
    pub(crate) fn live(&mut self, rest: &Rest, stop: &AtomicBool) {
        self.check(rest, stop);
        while !stop.load(Ordering::Acquire) {
            // Names are letters and digits.
            self.made += 1;
            let name = format!("Witness{}", self.made);
            let Ok(session) = rest.sign_up(&name, PASSWORD) else {
                continue;
            };
            let character = rest.create_character(&session, &name);
            let character = character.ok().map(|it| it.id);
            self.fresh.push_back(Account { name, character });
            std::thread::sleep(PAUSE);
        }
    }

    /// Looks for everything that was acknowledged since the last look, and for some of before.
    pub(crate) fn check(&mut self, rest: &Rest, stop: &AtomicBool) {
        for _ in 0..OLD_PER_LIFE.min(self.seen.len()) {
            self.looked = (self.looked + 1) % self.seen.len();
            let account = self.seen[self.looked].clone();
            if !self.look(rest, &account) {
                return;
            }
        }
        while !stop.load(Ordering::Acquire)
            && let Some(account) = self.fresh.pop_front()
        {
            if !self.look(rest, &account) {
                self.fresh.push_front(account);
                return;
            }
            self.seen.push(account);
        }
    }

    /// How many accounts wait to be looked at.
    pub(crate) fn waiting(&self) -> usize {
        self.fresh.len()
    }

    /// Whether it could be looked at: the server may be dead again.
    fn look(&mut self, rest: &Rest, account: &Account) -> bool {
        let name = &account.name;
        let session = match rest.log_in(name, PASSWORD) {
            Ok(session) => session,
            Err(RestError::Refused { status, .. }) if status < 500 && status != 429 => {
                self.verdict.lost.push(format!("account {name}"));
                return true;
            }
            Err(_) => return false,
        };
        self.verdict.found += 1;
        let Ok(characters) = rest.characters(&session) else {
            return false;
        };
        if characters.len() > 1 {
            let list = format!("{characters:?} of account {name}");
            self.verdict.doubled.push(list);
        }
        if let Some(id) = account.character {
            if characters.iter().any(|it| it.id == id && it.name == *name) {
                self.verdict.found += 1;
            } else {
                let what = format!("character {id} of account {name}");
                self.verdict.lost.push(what);
            }
        }
        true
    }
}
