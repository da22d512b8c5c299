//! Virtual time: what happens next, and when. Equal moments keep the order in which they were
//! put down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is to happen at some moment.
struct Due<E> {
    at_ns: u64,
    order: u64,
    event: E,
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ns, self.order).cmp(&(other.at_ns, other.order))
    }
}

/// The events to come.
pub struct Agenda<E> {
    due: BinaryHeap<Reverse<Due<E>>>,
    now_ns: u64,
    count: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self {
            due: BinaryHeap::new(),
            now_ns: 0,
            count: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// The present moment, nanoseconds since the start of the run.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Something happens after `delay_ns`.
    pub fn after(&mut self, delay_ns: u64, event: E) {
        self.count += 1;
        self.due.push(Reverse(Due {
            at_ns: self.now_ns + delay_ns,
            order: self.count,
            event,
        }));
    }

    /// Goes on to the next event.
    pub fn take(&mut self) -> Option<E> {
        let Reverse(due) = self.due.pop()?;
        self.now_ns = due.at_ns;
        Some(due.event)
    }
}
