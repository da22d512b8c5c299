use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

/// Counts its drops.
struct Counted<'a>(u32, &'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn capacity_is_a_power_of_two_and_all_of_it_is_used() {
    for (asked, given) in [(0, 2), (1, 2), (2, 2), (3, 4), (64, 64), (65, 128)] {
        let (mut producer, mut consumer) = ring(asked);
        assert_eq!((producer.capacity(), consumer.capacity()), (given, given));
        for value in 0..given {
            assert_eq!(producer.push(value), Ok(()));
        }
        assert_eq!(producer.push(99), Err(99));
        assert_eq!(consumer.pop(), Some(0));
        assert_eq!(producer.push(99), Ok(()));
    }
}

#[test]
fn what_is_left_in_the_ring_is_dropped_once() {
    let drops = AtomicUsize::new(0);
    let (mut producer, mut consumer) = ring(8);
    // Twice around, so that the undrained ones lie across the wrap.
    for round in 0..3 {
        assert_eq!(
            producer.push_batch(&mut (0..6).map(|n| Counted(n, &drops))),
            6
        );
        let limit = if round == 2 { 2 } else { 6 };
        assert_eq!(consumer.pop_each(limit, drop), limit);
    }
    assert_eq!(drops.load(Ordering::Relaxed), 14);
    drop(producer);
    assert_eq!(drops.load(Ordering::Relaxed), 14);
    assert!(consumer.is_closed());
    assert_eq!(consumer.pop().map(|value| value.0), Some(2));
    drop(consumer);
    assert_eq!(drops.load(Ordering::Relaxed), 18);
}

#[test]
fn a_panic_within_a_batch_neither_loses_nor_doubles() {
    let drops = AtomicUsize::new(0);
    let (mut producer, mut consumer) = ring(8);
    let pushing = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        producer.push_batch(&mut (0..6).map(|n| {
            assert!(n != 4, "as planned");
            Counted(n, &drops)
        }))
    }));
    assert!(pushing.is_err());
    let popping = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        consumer.pop_each(8, |value| assert!(value.0 != 1, "as planned"))
    }));
    assert!(popping.is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    assert_eq!(consumer.pop().map(|value| value.0), Some(2));
    drop((producer, consumer));
    assert_eq!(drops.load(Ordering::Relaxed), 4);
}

#[test]
fn either_end_sees_that_the_other_is_gone() {
    let (producer, consumer) = ring::<u8>(2);
    assert!(!producer.is_closed() && !consumer.is_closed());
    drop(consumer);
    assert!(producer.is_closed());
}

#[test]
fn values_without_size_work() {
    let (mut producer, mut consumer) = ring(4);
    assert_eq!(producer.push_batch(&mut std::iter::repeat_n((), 9)), 4);
    let mut out = Vec::new();
    assert_eq!(consumer.pop_batch(3, &mut out), 3);
    assert_eq!(consumer.pop_batch(3, &mut out), 1);
    assert_eq!(consumer.pop_batch(3, &mut out), 0);
}

#[derive(Clone, Debug)]
enum Action {
    Push,
    PushBatch(usize),
    Pop,
    PopBatch(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Push),
        (0..12_usize).prop_map(Action::PushBatch),
        Just(Action::Pop),
        (0..12_usize).prop_map(Action::PopBatch),
    ]
}

proptest! {
    #[test]
    fn behaves_like_a_bounded_queue(
        capacity in 1..9_usize,
        start in prop_oneof![Just(0_usize), Just(usize::MAX - 5)],
        actions in prop::collection::vec(action(), 0..200),
    ) {
        // Also near the end of the numbers, so that the indices wrap.
        let capacity = capacity.next_power_of_two().max(2);
        let (mut producer, mut consumer) = ring_from(start, capacity);
        let mut model = std::collections::VecDeque::new();
        let mut next = 0_u32;
        for action in actions {
            match action {
                Action::Push => {
                    let result = producer.push(Box::new(next));
                    prop_assert_eq!(result.is_ok(), model.len() < capacity);
                    if result.is_ok() {
                        model.push_back(next);
                    }
                    next += 1;
                }
                Action::PushBatch(count) => {
                    let mut values = (next..next + count as u32).map(Box::new);
                    let pushed = producer.push_batch(&mut values);
                    prop_assert_eq!(pushed, count.min(capacity - model.len()));
                    prop_assert_eq!(values.len(), count - pushed);
                    model.extend(next..next + pushed as u32);
                    next += count as u32;
                }
                Action::Pop => {
                    prop_assert_eq!(consumer.pop().map(|value| *value), model.pop_front());
                }
                Action::PopBatch(limit) => {
                    let mut values = Vec::new();
                    let count = consumer.pop_batch(limit, &mut values);
                    prop_assert_eq!(count, limit.min(model.len()));
                    for value in values {
                        prop_assert_eq!(Some(*value), model.pop_front());
                    }
                }
            }
        }
    }
}

#[test]
fn two_threads_keep_order_and_lose_nothing() {
    // Miri is a thousand times slower.
    const COUNT: u64 = if cfg!(miri) { 1_000 } else { 300_000 };
    let (mut producer, mut consumer) = ring::<[u64; 8]>(256);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = 0;
            let mut batch = 1;
            while next < COUNT {
                let mut values =
                    (next..(next + batch).min(COUNT)).map(|n| [n, n, 0, 0, 0, 0, 0, !n]);
                let pushed = producer.push_batch(&mut values) as u64;
                next += pushed;
                batch = batch % 97 + 1;
                if pushed == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < COUNT {
            let limit = (expected % 89 + 1) as usize;
            let count = consumer.pop_each(limit, |value| {
                assert_eq!(value, [expected, expected, 0, 0, 0, 0, 0, !expected]);
                expected += 1;
            });
            if count == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(consumer.pop(), None);
    });
}

#[test]
fn a_mesh_connects_everyone_with_everyone() {
    let mut ends = mesh::<(u16, u16)>(3, 4);
    for end in &mut ends {
        let from = end.shard().0;
        assert_eq!(end.shards(), 3);
        for to in 0..3 {
            assert_eq!(end.to(ShardIndex(to)).push((from, to)), Ok(()));
        }
    }
    for end in &mut ends {
        let to = end.shard().0;
        let got: Vec<_> = end
            .from_all()
            .map(|(shard, ring)| (shard.0, ring.pop()))
            .collect();
        assert_eq!(
            got,
            [(0, Some((0, to))), (1, Some((1, to))), (2, Some((2, to)))]
        );
        assert_eq!(end.from(ShardIndex(1)).pop(), None);
    }
}
