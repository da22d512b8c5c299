//! A hook for timing the phases of a beat from outside: there is no clock in the kernel.

use orrery_base::GridId;

/// The phases of a grid's beat, in order. Publishing the frame is part of [`Phase::Motion`], the
/// exchange of effects of [`Phase::Apply`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// Ordering and taking in inputs and arrivals.
    Gather,
    /// Phase A and the frames.
    Motion,
    /// Phase B.
    Interact,
    /// Effects in canonical order, and phase C.
    Apply,
    /// Births, departures, digest.
    Settle,
    /// The grid's turn has ended: its beat, or the slice of it that there was time for.
    Done,
}

impl Phase {
    /// The stages of a beat, in order: every one is done by all parts before the next begins.
    pub const STAGES: [Self; 5] = [
        Self::Gather,
        Self::Motion,
        Self::Interact,
        Self::Apply,
        Self::Settle,
    ];
}

/// Is told when a phase of a grid's beat begins. It cannot influence anything.
pub trait Probe {
    /// A phase begins, and the one before it has ended.
    fn phase(&mut self, grid: GridId, phase: Phase) {
        let _ = (grid, phase);
    }
}

/// Says how far a world may go in a beat. What it answers decides when a beat of a grid ends,
/// never what comes of it.
pub trait Conductor: Probe {
    /// Whether a grid that is dilated may go on with another slice of its beat now; what is left
    /// is done in the host's next beats.
    fn go_on(&mut self, grid: GridId) -> bool {
        let _ = grid;
        true
    }

    /// Whether to go on waiting for the other shards that work at a grid together with this one.
    /// Asked now and then while waiting; after a `false` the grid's team is broken.
    fn keep_waiting(&mut self) -> bool {
        true
    }
}

/// Does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

impl Conductor for NoProbe {}
