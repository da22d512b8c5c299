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
    /// The beat of this grid has ended.
    Done,
}

/// Is told when a phase of a grid's beat begins. It cannot influence anything.
pub trait Probe {
    /// A phase begins, and the one before it has ended.
    fn phase(&mut self, grid: GridId, phase: Phase) {
        let _ = (grid, phase);
    }
}

/// Does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}
