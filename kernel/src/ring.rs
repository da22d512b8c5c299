//! Rings between shards: one producer, one consumer, no locks, no allocation after the start.
//!
//! Lamport's ring (L. Lamport, "Specifying concurrent program modules", 1983) with the two
//! refinements that make it fast: each side keeps a copy of the other side's index and looks
//! again only when that copy says full or empty, and a batch is published with one store. The
//! indices live on cache lines of their own. Indices count up for ever and wrap; the capacity is
//! a power of two, so that the wrap does not matter.
//!
//! A full ring refuses: what happens then is the sender's decision, and stated where it sends.
//!
//! Cost: 4 to 7 ns per 64-byte message in batches of 64 between two cores (median 6, with other
//! work on both), where moving the dirty cache lines alone costs 6.
//!
//! Every order in which two threads can meet here is checked by a model checker, with faults
//! planted to show that it would find them: `docs/verification.md`.

#![allow(
    unsafe_code,
    reason = "slots are written by one thread and read by another, which only the indices order"
)]

mod sync;
#[cfg(test)]
mod tests;

use std::fmt;
use std::mem::MaybeUninit;

use crossbeam::utils::CachePadded;
use orrery_base::ShardIndex;

use sync::{Arc, AtomicBool, AtomicUsize, Ordering, UnsafeCell};

struct Shared<T> {
    /// Next slot to be written. Stored by the producer only.
    tail: CachePadded<AtomicUsize>,
    /// Next slot to be read. Stored by the consumer only.
    head: CachePadded<AtomicUsize>,
    is_closed: AtomicBool,
    /// A power of two of them. Those from `head` up to `tail` hold a value.
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

// SAFETY: a slot is written by the one producer before its release store of `tail` and read by
// the one consumer after its acquire load of `tail`; it is written again only after the
// consumer's release store of `head` and the producer's acquire load of it. So no slot is ever
// accessed by two threads at once, and values only move from one thread to another, for which
// `T: Send` is enough.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: all fields but the slots are Send, and the slots hold values of `T: Send`.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    fn slot(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[index & (self.slots.len() - 1)]
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Both ends are gone, and the count of references ordered what they did before this.
        let tail = self.tail.load(Ordering::Relaxed);
        let mut index = self.head.load(Ordering::Relaxed);
        while index != tail {
            self.slot(index).with_mut(|slot| {
                // SAFETY: slots from head up to tail hold values that nobody has taken, and
                // `&mut self` says that both ends are gone.
                unsafe { (*slot).assume_init_drop() }
            });
            index = index.wrapping_add(1);
        }
    }
}

/// The writing end of a ring.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// Own copy of `tail`.
    tail: usize,
    /// What `head` was when last looked at: at most what it is.
    head_seen: usize,
}

/// The reading end of a ring.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// Own copy of `head`.
    head: usize,
    /// What `tail` was when last looked at: at most what it is.
    tail_seen: usize,
}

/// A ring that holds at least `capacity` values: rounded up to a power of two, at least 2.
///
/// # Panics
/// If `capacity` exceeds 2⁴⁸, which no memory holds.
#[must_use]
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    assert!(capacity <= 1 << 48, "a ring of {capacity} values");
    ring_from(0, capacity.next_power_of_two().max(2))
}

/// A ring whose indices begin at `start`; `capacity` is a power of two, at least 2.
pub(super) fn ring_from<T>(start: usize, capacity: usize) -> (Producer<T>, Consumer<T>) {
    let slots = (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit()));
    let shared = Arc::new(Shared {
        tail: CachePadded::new(AtomicUsize::new(start)),
        head: CachePadded::new(AtomicUsize::new(start)),
        is_closed: AtomicBool::new(false),
        slots: slots.collect(),
    });
    let producer = Producer {
        shared: Arc::clone(&shared),
        tail: start,
        head_seen: start,
    };
    let consumer = Consumer {
        shared,
        head: start,
        tail_seen: start,
    };
    (producer, consumer)
}

impl<T> Producer<T> {
    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.slots.len()
    }

    /// How many values can be pushed now, at least; the consumer may make room meanwhile. Looks
    /// at the consumer's index only if fewer than `wanted` are known to fit.
    pub fn free(&mut self, wanted: usize) -> usize {
        let mut free = self.capacity() - self.tail.wrapping_sub(self.head_seen);
        if free < wanted {
            self.head_seen = self.shared.head.load(Ordering::Acquire);
            free = self.capacity() - self.tail.wrapping_sub(self.head_seen);
        }
        free
    }

    /// Whether the reading end is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::Acquire)
    }

    /// Writes a value without publishing it.
    fn write(&mut self, value: T) {
        self.shared.slot(self.tail).with_mut(|slot| {
            // SAFETY: only called with `free() > 0`, so the consumer has taken what was in this
            // slot and will not look at it before `tail` is published beyond it.
            unsafe { (*slot).write(value) };
        });
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&self) {
        self.shared.tail.store(self.tail, Ordering::Release);
    }

    /// Sends a value.
    ///
    /// # Errors
    /// Gives the value back if the ring is full.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.free(1) == 0 {
            return Err(value);
        }
        self.write(value);
        self.publish();
        Ok(())
    }

    /// Sends values from the front of an iterator, as many as fit, all published at once, and
    /// says how many; the rest stays in the iterator.
    pub fn push_batch(&mut self, values: &mut impl Iterator<Item = T>) -> usize {
        let capacity = self.capacity();
        let wanted = values.size_hint().1.unwrap_or(capacity).clamp(1, capacity);
        let free = self.free(wanted);
        if free == 0 {
            // Not even a store: the consumer's copy of that line stays good.
            return 0;
        }
        let start = self.tail;
        // Publishes what was written even if the iterator panics: nothing is lost.
        let batch = Batch(self);
        for value in values.take(free) {
            batch.0.write(value);
        }
        batch.0.tail.wrapping_sub(start)
    }
}

/// Publishes when dropped.
struct Batch<'a, T>(&'a mut Producer<T>);

impl<T> Drop for Batch<'_, T> {
    fn drop(&mut self) {
        self.0.publish();
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
    }
}

impl<T> Consumer<T> {
    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.slots.len()
    }

    /// How many values can be popped now, at least. Looks at the producer's index only if fewer
    /// than `wanted` are known to be there.
    pub fn available(&mut self, wanted: usize) -> usize {
        let mut available = self.tail_seen.wrapping_sub(self.head);
        if available < wanted {
            self.tail_seen = self.shared.tail.load(Ordering::Acquire);
            available = self.tail_seen.wrapping_sub(self.head);
        }
        available
    }

    /// Whether the writing end is gone. Values may still be in the ring: look here first, then
    /// drain.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::Acquire)
    }

    /// Takes a value without giving its slot back.
    fn take(&mut self) -> T {
        let index = self.head;
        self.head = index.wrapping_add(1);
        self.shared.slot(index).with(|slot| {
            // SAFETY: only called with `available() > 0`, so the producer has published this
            // slot and will not write it before `head` is published beyond it; `head` has moved
            // on, so the value is not read twice.
            unsafe { (*slot).assume_init_read() }
        })
    }

    fn release(&self) {
        self.shared.head.store(self.head, Ordering::Release);
    }

    /// Takes the oldest value.
    pub fn pop(&mut self) -> Option<T> {
        if self.available(1) == 0 {
            return None;
        }
        let value = self.take();
        self.release();
        Some(value)
    }

    /// Calls `each` with the oldest values, at most `limit`, gives their slots back all at once
    /// and says how many there were.
    pub fn pop_each(&mut self, limit: usize, mut each: impl FnMut(T)) -> usize {
        let count = self.available(limit.min(self.capacity())).min(limit);
        if count == 0 {
            return 0;
        }
        // Gives back what was taken even if `each` panics: nothing is read twice.
        let batch = Taken(self);
        for _ in 0..count {
            each(batch.0.take());
        }
        count
    }

    /// Appends the oldest values, at most `limit`, and says how many there were.
    pub fn pop_batch(&mut self, limit: usize, values: &mut Vec<T>) -> usize {
        values.reserve(self.available(limit.min(self.capacity())).min(limit));
        self.pop_each(limit, |value| values.push(value))
    }
}

/// Gives slots back when dropped.
struct Taken<'a, T>(&'a mut Consumer<T>);

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "producer at {} of {}", self.tail, self.capacity())
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "consumer at {} of {}", self.head, self.capacity())
    }
}

/// One shard's ends of the rings between all shards.
pub struct MeshEnd<T> {
    shard: ShardIndex,
    to: Vec<Producer<T>>,
    from: Vec<Consumer<T>>,
}

/// A ring of at least `capacity` values from each of `shards` to each, itself included, so that
/// nobody needs to treat a message to itself otherwise; by shard. Uses
/// `shards² · capacity · size_of::<T>()` bytes.
#[must_use]
pub fn mesh<T>(shards: u16, capacity: usize) -> Vec<MeshEnd<T>> {
    let ends = (0..shards).map(|shard| MeshEnd {
        shard: ShardIndex(shard),
        to: Vec::with_capacity(usize::from(shards)),
        from: Vec::with_capacity(usize::from(shards)),
    });
    let mut ends: Vec<MeshEnd<T>> = ends.collect();
    for from in 0..usize::from(shards) {
        for to in 0..usize::from(shards) {
            let (producer, consumer) = ring(capacity);
            ends[from].to.push(producer);
            // The outer loop ascends, so these arrive in order of sender.
            ends[to].from.push(consumer);
        }
    }
    ends
}

impl<T> MeshEnd<T> {
    /// Whose end this is.
    #[must_use]
    pub const fn shard(&self) -> ShardIndex {
        self.shard
    }

    /// How many shards the mesh has.
    #[must_use]
    pub const fn shards(&self) -> u16 {
        self.to.len() as u16
    }

    /// The ring to a shard.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn to(&mut self, shard: ShardIndex) -> &mut Producer<T> {
        &mut self.to[usize::from(shard.0)]
    }

    /// The ring from a shard.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn from(&mut self, shard: ShardIndex) -> &mut Consumer<T> {
        &mut self.from[usize::from(shard.0)]
    }

    /// The rings from all shards, in order of shard: the order in which to drain them.
    pub fn from_all(&mut self) -> impl Iterator<Item = (ShardIndex, &mut Consumer<T>)> {
        (0..).map(ShardIndex).zip(&mut self.from)
    }
}

impl<T> fmt::Debug for MeshEnd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.shard, self.shards())
    }
}
