// Included once per ring by build.rs, so that `super::ring` is the faithful or a faulty one.
//
// No model waits for the other thread: who finds the ring full or empty goes on, and what is left
// at the end is taken after the join. So every execution ends, all of them are run, and none is
// cut off by a bound on preemptions.

use loom::thread;

use super::ring::{Consumer, Producer, mesh, ring, ring_from};
use crate::ledger::{self, Counted};
use crate::sync::{Arc, UnsafeCell};
use crate::{Model, check};

/// Every model, by name; the long ones last.
pub const ALL: &[Model] = &[
    ("room", room),
    ("closed_by_the_producer", closed_by_the_producer),
    ("closed_by_the_consumer", closed_by_the_consumer),
    ("undelivered", undelivered),
    ("undelivered_across_the_wrap", undelivered_across_the_wrap),
    ("handover", handover),
    ("two_shards", two_shards),
    ("batches", batches),
    ("batches_across_the_wrap", batches_across_the_wrap),
    ("order", order),
    ("order_across_the_wrap", order_across_the_wrap),
];

/// Takes what is left and closes the books: `expected` values were taken before, `sent` were sent
/// and `made` were made.
fn settle(mut consumer: Consumer<Counted>, mut expected: usize, sent: usize, made: usize) {
    while let Some(value) = consumer.pop() {
        assert_eq!(value.0, expected, "the next value");
        expected += 1;
    }
    assert_eq!(expected, sent, "values taken");
    drop(consumer);
    ledger::close(made);
}

/// Sends one value at a time, as often as said; says how many went through. A refused value is
/// sent again.
fn push_some(producer: &mut Producer<Counted>, attempts: usize) -> usize {
    let mut next = 0;
    let mut value = Counted(next);
    for _ in 0..attempts {
        match producer.push(value) {
            Ok(()) => {
                next += 1;
                value = Counted(next);
            }
            Err(refused) => value = refused,
        }
    }
    // The one that was made and not sent is dropped here.
    next
}

fn order_from(start: usize) -> u64 {
    check(move || {
        ledger::open();
        let (mut producer, mut consumer) = ring_from(start, 2);
        let pushing = thread::spawn(move || push_some(&mut producer, 6));
        let mut expected = 0;
        for _ in 0..4 {
            if let Some(value) = consumer.pop() {
                assert_eq!(value.0, expected, "the next value");
                expected += 1;
            }
        }
        let sent = pushing.join().expect("the producer ended well");
        settle(consumer, expected, sent, sent + 1);
    })
}

/// One at a time: nothing lost, doubled or reordered, around the ring and over.
pub fn order() -> u64 {
    order_from(0)
}

/// The same where the indices wrap.
pub fn order_across_the_wrap() -> u64 {
    order_from(usize::MAX)
}

fn batches_from(start: usize) -> u64 {
    check(move || {
        ledger::open();
        let (mut producer, mut consumer) = ring_from(start, 2);
        let pushing = thread::spawn(move || {
            let mut values = (0..7).map(Counted);
            let mut sent = 0;
            for _ in 0..5 {
                let pushed = producer.push_batch(&mut values);
                assert!(pushed <= 2, "more than fits");
                sent += pushed;
                assert_eq!(values.len(), 7 - sent, "what did not fit stays");
            }
            sent
        });
        let mut expected = 0;
        for limit in [2, 1, 2] {
            let before = expected;
            let taken = consumer.pop_each(limit, |value| {
                assert_eq!(value.0, expected, "the next value");
                expected += 1;
            });
            assert_eq!(taken, expected - before);
        }
        let mut values = Vec::new();
        assert_eq!(consumer.pop_batch(1, &mut values), values.len());
        for value in values {
            assert_eq!(value.0, expected, "the next value");
            expected += 1;
        }
        let sent = pushing.join().expect("the producer ended well");
        settle(consumer, expected, sent, sent);
    })
}

/// In batches, some of them cut short by a full ring.
pub fn batches() -> u64 {
    batches_from(0)
}

/// The same where the indices wrap.
pub fn batches_across_the_wrap() -> u64 {
    batches_from(usize::MAX - 2)
}

/// What fits and what is there is never overestimated, and room that is given back is found.
pub fn room() -> u64 {
    check(|| {
        ledger::open();
        let (mut producer, mut consumer) = ring_from(usize::MAX, 2);
        assert_eq!(producer.push_batch(&mut (0..2).map(Counted)), 2);
        let pushing = thread::spawn(move || {
            let free = producer.free(2);
            for value in 2..2 + free {
                assert_eq!(producer.push(Counted(value)), Ok(()), "it would have fitted");
            }
            (producer, 2 + free)
        });
        let available = consumer.available(3);
        assert!((2..=4).contains(&available), "{available} are there");
        for expected in 0..2 {
            assert_eq!(consumer.pop(), Some(Counted(expected)));
        }
        let (mut producer, sent) = pushing.join().expect("the producer ended well");
        let left = sent - 2;
        assert_eq!(producer.free(2), 2 - left, "free after both are done");
        assert_eq!(consumer.available(2), left, "there after both are done");
        // Two were made to be compared with.
        for expected in 2..sent {
            assert_eq!(consumer.pop().map(|value| value.0), Some(expected));
        }
        assert!(consumer.pop().is_none());
    })
}

/// Who sees that the producer is gone, finds everything that it sent.
pub fn closed_by_the_producer() -> u64 {
    check(|| {
        ledger::open();
        let (mut producer, mut consumer) = ring::<Counted>(2);
        let pushing = thread::spawn(move || {
            assert!(producer.push(Counted(0)).is_ok());
            assert!(producer.push(Counted(1)).is_ok());
        });
        let mut expected = 0;
        let was_closed = consumer.is_closed();
        while let Some(value) = consumer.pop() {
            assert_eq!(value.0, expected, "the next value");
            expected += 1;
        }
        assert!(!was_closed || expected == 2, "closed, but not drained");
        pushing.join().expect("the producer ended well");
        assert!(consumer.is_closed());
        settle(consumer, expected, 2, 2);
    })
}

/// A producer that goes on after the consumer has gone fills the ring and is refused; once it
/// sees the close, nobody takes anything any more.
pub fn closed_by_the_consumer() -> u64 {
    check(|| {
        ledger::open();
        let taken = Arc::new(UnsafeCell::new(0));
        let (mut producer, mut consumer) = ring::<Counted>(2);
        let popping = thread::spawn({
            let taken = Arc::clone(&taken);
            move || {
                if let Some(value) = consumer.pop() {
                    assert_eq!(value.0, 0);
                    // SAFETY: the other thread reads this after it has seen the close.
                    taken.with_mut(|taken| unsafe { *taken = 1 });
                }
            }
        });
        let first = push_some(&mut producer, 2);
        assert_eq!(first, 2, "two fit");
        if producer.is_closed() {
            // SAFETY: the consumer wrote it before it closed.
            let taken = taken.with(|taken| unsafe { *taken });
            assert_eq!(producer.free(2), taken, "the consumer is still there");
        }
        popping.join().expect("the consumer ended well");
        assert!(producer.is_closed());
        drop(producer);
        ledger::close(3);
    })
}

fn undelivered_from(start: usize) -> u64 {
    check(move || {
        ledger::open();
        let (mut producer, mut consumer) = ring_from(start, 2);
        let pushing = thread::spawn(move || push_some(&mut producer, 3));
        let taken = consumer.pop();
        drop(consumer);
        assert!(taken.is_none_or(|value| value.0 == 0));
        let sent = pushing.join().expect("the producer ended well");
        ledger::close(sent + 1);
    })
}

/// Whichever end goes last, what nobody took is dropped once.
pub fn undelivered() -> u64 {
    undelivered_from(0)
}

/// The same where the indices wrap.
pub fn undelivered_across_the_wrap() -> u64 {
    undelivered_from(usize::MAX)
}

/// What the sender did before it sent is seen by who takes the message: here a cell that is no
/// part of the ring, in both directions.
pub fn handover() -> u64 {
    check(|| {
        let cell = Arc::new(UnsafeCell::new(0));
        let (mut there, mut from_here) = ring(2);
        let (mut back, mut from_there) = ring(2);
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                if let Some(()) = from_here.pop() {
                    // SAFETY: whoever has the message has the cell.
                    cell.with_mut(|cell| unsafe { *cell += 1 });
                    assert_eq!(back.push(()), Ok(()));
                }
            }
        });
        // SAFETY: as above.
        cell.with_mut(|cell| unsafe { *cell = 41 });
        assert_eq!(there.push(()), Ok(()));
        if let Some(()) = from_there.pop() {
            // SAFETY: as above.
            assert_eq!(cell.with(|cell| unsafe { *cell }), 42);
        }
        other.join().expect("the other one ended well");
    })
}

/// Two shards of a mesh: what each has from each is what was sent, whenever it looked.
pub fn two_shards() -> u64 {
    fn beat(end: &mut super::ring::MeshEnd<(u16, u16)>) -> Vec<(u16, u16)> {
        let here = end.shard();
        for to in 0..2 {
            assert_eq!(end.to(orrery_base::ShardIndex(to)).push((here.0, to)), Ok(()));
        }
        let mut got = Vec::new();
        for (from, ring) in end.from_all() {
            if let Some(message) = ring.pop() {
                assert_eq!(message, (from.0, here.0));
                got.push(message);
            }
        }
        assert!(got.contains(&(here.0, here.0)), "its own message is there at once");
        got
    }
    check(|| {
        let mut ends = mesh(2, 2);
        let (mut one, mut zero) = (ends.pop().expect("two"), ends.pop().expect("two"));
        let other = thread::spawn(move || {
            let got = beat(&mut one);
            (one, got)
        });
        let mut got = beat(&mut zero);
        let (mut one, mut got_there) = other.join().expect("the other shard ended well");
        got.extend(zero.from(orrery_base::ShardIndex(1)).pop());
        got_there.extend(one.from(orrery_base::ShardIndex(0)).pop());
        got_there.sort();
        assert_eq!(got, [(0, 0), (1, 0)]);
        assert_eq!(got_there, [(0, 1), (1, 1)]);
    })
}
