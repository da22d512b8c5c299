//! Timers of the law: what a pilot did a moment ago, and what that forbids or allows.
//!
//! ⚙ weapons 60 s, log-off after fights with players 15 min, with others 5 min, suspect and criminal
//! 15 min, limited engagement 5 min                                   docs/mechanics.md#timers
//!
//! A timer is the tick at which it ends, zero if it never ran: 8 bytes each, 40 per pilot, and
//! nothing runs down. Lengths are data and come in as beats. Starting one anew never shortens it.
//! A limited engagement is a timer per pair of pilots, kept by the caller.

use orrery_base::Tick;

/// The kinds of timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum TimerKind {
    /// Used a weapon: no docking, gates, or change of ship.
    Weapons = 0,
    /// Fought players: the ship stays in space after its client is gone.
    LogOffPlayers = 1,
    /// Fought others: the same, shorter.
    LogOffOthers = 2,
    /// Did something that anybody may punish.
    Suspect = 3,
    /// Did something that the police punishes.
    Criminal = 4,
}

/// Every kind, in the order of their numbers.
pub const TIMER_KINDS: [TimerKind; 5] = [
    TimerKind::Weapons,
    TimerKind::LogOffPlayers,
    TimerKind::LogOffOthers,
    TimerKind::Suspect,
    TimerKind::Criminal,
];

/// How long each kind lasts, beats: data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lengths(pub [u32; 5]);

/// The timers of one pilot: for each kind the tick at which it has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timers {
    ends: [Tick; 5],
}

/// Something that a pilot did or suffered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Used a weapon or hostile module on a player.
    AttackedPlayer,
    /// Used a weapon or hostile module on something else.
    AttackedOther,
    /// Was attacked by a player.
    AttackedByPlayer,
    /// Was attacked by something else.
    AttackedByOther,
    /// Took what is not theirs, or helped a suspect.
    SuspectAct,
    /// Attacked somebody under the protection of the police.
    CriminalAct,
}

impl Timers {
    /// Timers from the ticks at which they end, in the order of [`TIMER_KINDS`].
    #[must_use]
    pub const fn from_ends(ends: [Tick; 5]) -> Self {
        Self { ends }
    }

    /// The ticks at which they end, in the order of [`TIMER_KINDS`].
    #[must_use]
    pub const fn ends(&self) -> [Tick; 5] {
        self.ends
    }

    /// Whether a timer runs in `tick`. It has ended in its last tick.
    #[must_use]
    pub const fn is_running(&self, kind: TimerKind, tick: Tick) -> bool {
        self.left_beats(kind, tick) > 0
    }

    /// Beats that a timer still runs.
    #[must_use]
    pub const fn left_beats(&self, kind: TimerKind, tick: Tick) -> u64 {
        self.ends[kind as usize].since(tick)
    }

    /// Starts a timer or begins it anew.
    pub const fn start(&mut self, kind: TimerKind, tick: Tick, lengths: &Lengths) {
        let end = tick.0.saturating_add(lengths.0[kind as usize] as u64);
        let known = &mut self.ends[kind as usize].0;
        if end > *known {
            *known = end;
        }
    }

    /// What a deed starts. `is_connected`: the pilot's client is there. After it is gone, an attack
    /// by a player begins the log-off timer anew as long as one runs; others do not.
    pub const fn note(&mut self, deed: Deed, tick: Tick, is_connected: bool, lengths: &Lengths) {
        match deed {
            Deed::AttackedPlayer => {
                self.start(TimerKind::Weapons, tick, lengths);
                self.start(TimerKind::LogOffPlayers, tick, lengths);
            }
            Deed::AttackedOther => {
                self.start(TimerKind::Weapons, tick, lengths);
                self.start(TimerKind::LogOffOthers, tick, lengths);
            }
            Deed::AttackedByPlayer => {
                if is_connected || self.keeps_ship(tick) {
                    self.start(TimerKind::LogOffPlayers, tick, lengths);
                }
            }
            Deed::AttackedByOther => {
                if is_connected {
                    self.start(TimerKind::LogOffOthers, tick, lengths);
                }
            }
            Deed::SuspectAct => self.start(TimerKind::Suspect, tick, lengths),
            Deed::CriminalAct => self.start(TimerKind::Criminal, tick, lengths),
        }
    }

    /// Docking, gates, leaving or changing the ship: forbidden while weapons are hot.
    #[must_use]
    pub const fn may_leave_space(&self, tick: Tick) -> bool {
        !self.is_running(TimerKind::Weapons, tick)
    }

    /// Whether the ship of a pilot who is gone stays in space.
    #[must_use]
    pub const fn keeps_ship(&self, tick: Tick) -> bool {
        self.is_running(TimerKind::LogOffPlayers, tick)
            || self.is_running(TimerKind::LogOffOthers, tick)
    }

    /// A safe log-off: nothing runs that keeps the ship, and no weapon is hot.
    #[must_use]
    pub const fn may_log_off_safely(&self, tick: Tick) -> bool {
        self.may_leave_space(tick) && !self.keeps_ship(tick)
    }

    /// Whether anybody may attack this pilot.
    #[must_use]
    pub const fn is_fair_game(&self, tick: Tick) -> bool {
        self.is_running(TimerKind::Suspect, tick) || self.is_running(TimerKind::Criminal, tick)
    }
}

#[cfg(test)]
mod tests;
