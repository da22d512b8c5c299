//! Messages of 64 bytes from one thread to another.

use std::hint::{black_box, spin_loop};
use std::thread;

use crossbeam::channel;
use crossbeam::queue::ArrayQueue;
use orrery_kernel::ring::ring;

use super::Suite;
use crate::measure::{Contender, Group, Measured, Role};

pub(super) const SUITE: Suite = Suite {
    name: "ring",
    area: "kernel",
    about: "Messages of 64 bytes between two threads",
    groups: || vec![group()],
    more: None,
    figures: |measured: &[Measured]| {
        vec![("kernel.ring_ns_64b", measured[0].series(OURS).median())]
    },
};

const OURS: &str = "ring, batches of 64";
/// Messages of a run: enough that starting the other thread does not matter.
const MESSAGES: usize = 1 << 18;
const BATCH: usize = 64;
const CAPACITY: usize = 1_024;

/// One cache line.
type Message = [u64; 8];

/// A message that depends on its number.
#[inline]
const fn message(number: usize) -> Message {
    [number as u64; 8]
}

fn group() -> Group {
    let contender = |name: &str, role, run: fn() -> u64| Contender::new(name, role, MESSAGES, run);
    Group::new("64 bytes, two threads", "message")
        .with(contender(OURS, Role::Ours, ours))
        .with(contender("rtrb, chunks of 64", Role::Peer, rtrb_chunks))
        .with(contender("crossbeam ArrayQueue", Role::Peer, array_queue))
        .with(contender("crossbeam channel", Role::Peer, bounded_channel))
}

/// Waits a little: politely if it takes long, for the machine may have work for both cores.
fn wait(turns: &mut u32) {
    *turns += 1;
    if turns.is_multiple_of(1_000) {
        thread::yield_now();
    } else {
        spin_loop();
    }
}

fn ours() -> u64 {
    let (mut producer, mut consumer) = ring::<Message>(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut sent, mut turns) = (0, 0);
            while sent < MESSAGES {
                let mut batch = (sent..sent + BATCH).map(message);
                while batch.len() > 0 {
                    if producer.push_batch(&mut batch) == 0 {
                        wait(&mut turns);
                    }
                }
                sent += BATCH;
            }
        });
        let (mut received, mut sum, mut turns) = (0, 0, 0);
        while received < MESSAGES {
            let count = consumer.pop_each(BATCH, |message| sum = use_up(sum, &message));
            received += count;
            if count == 0 {
                wait(&mut turns);
            }
        }
        black_box(sum)
    })
}

/// Every message is read.
#[inline]
fn use_up(sum: u64, message: &Message) -> u64 {
    sum.wrapping_add(message[0] ^ message[7])
}

fn rtrb_chunks() -> u64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Message>::new(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut sent, mut turns) = (0, 0);
            while sent < MESSAGES {
                match producer.write_chunk_uninit(BATCH) {
                    Ok(chunk) => sent += chunk.fill_from_iter((sent..sent + BATCH).map(message)),
                    Err(_) => wait(&mut turns),
                }
            }
        });
        let (mut received, mut sum, mut turns) = (0, 0, 0);
        while received < MESSAGES {
            match consumer.read_chunk(BATCH) {
                Ok(chunk) => {
                    received += chunk.len();
                    for message in chunk {
                        sum = use_up(sum, &message);
                    }
                }
                Err(_) => wait(&mut turns),
            }
        }
        black_box(sum)
    })
}

fn array_queue() -> u64 {
    let queue = ArrayQueue::<Message>::new(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut turns = 0;
            for number in 0..MESSAGES {
                while queue.push(message(number)).is_err() {
                    wait(&mut turns);
                }
            }
        });
        let (mut received, mut sum, mut turns) = (0, 0, 0);
        while received < MESSAGES {
            match queue.pop() {
                Some(message) => {
                    sum = use_up(sum, &message);
                    received += 1;
                }
                None => wait(&mut turns),
            }
        }
        black_box(sum)
    })
}

fn bounded_channel() -> u64 {
    let (sender, receiver) = channel::bounded::<Message>(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..MESSAGES {
                if sender.send(message(number)).is_err() {
                    return;
                }
            }
        });
        let messages = receiver.iter();
        black_box(messages.fold(0, |sum, message| use_up(sum, &message)))
    })
}
