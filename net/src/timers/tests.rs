//! The wheel against a plain list of deadlines.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// What the edge keeps per connection.
struct Table {
    wheel: Wheel,
    epoch: Instant,
    due: Vec<Due>,
    armed: Vec<Due>,
}

impl Table {
    fn new(connections: usize) -> Self {
        let epoch = Instant::now();
        let never = vec![Due::NEVER; connections];
        Self {
            wheel: Wheel::new(epoch),
            epoch,
            due: never.clone(),
            armed: never,
        }
    }

    fn set(&mut self, index: u32, deadline: Option<Instant>) {
        let place = index as usize;
        self.due[place] = self.wheel.due(deadline);
        self.armed[place] = self.wheel.arm(index, self.due[place], self.armed[place]);
    }

    /// As the edge does it; a connection that fires has no deadline afterwards.
    fn advance(&mut self, now: Instant) -> Vec<u32> {
        let mut listed = Vec::new();
        self.wheel.advance(now, &mut listed);
        let mut fired = Vec::new();
        for (index, slot) in listed {
            let place = index as usize;
            if self.armed[place] != slot {
                continue;
            }
            self.armed[place] = Due::NEVER;
            if self.due[place] > self.wheel.passed() {
                self.armed[place] = self.wheel.arm(index, self.due[place], Due::NEVER);
            } else {
                self.due[place] = Due::NEVER;
                fired.push(index);
            }
        }
        fired
    }
}

#[test]
fn nothing_fires_early_and_everything_within_a_millisecond() {
    let mut table = Table::new(3);
    let at = |ms: f64| table.epoch + Duration::from_secs_f64(ms / 1e3);
    let (soon, later, far) = (at(1.2), at(7.0), at(15_000.5));
    let steps = [
        at(1.9),
        at(2.0),
        at(6.9),
        at(7.0),
        at(15_000.9),
        at(15_001.0),
    ];
    table.set(0, Some(soon));
    table.set(1, Some(later));
    table.set(2, Some(far));
    let fired: Vec<_> = steps.into_iter().map(|now| table.advance(now)).collect();
    assert_eq!(fired, [vec![], vec![0], vec![], vec![1], vec![], vec![2]]);
    assert_eq!(table.wheel.next(), None);
}

#[test]
fn next_is_the_end_of_the_first_slot_in_use() {
    let mut table = Table::new(2);
    assert_eq!(table.wheel.next(), None);
    let epoch = table.epoch;
    table.set(0, Some(epoch + 700 * MS));
    assert_eq!(table.wheel.next(), Some(epoch + 700 * MS));
    table.set(1, Some(epoch + 3 * MS));
    assert_eq!(table.wheel.next(), Some(epoch + 3 * MS));
    assert_eq!(table.advance(epoch + 10 * MS), [1]);
    assert_eq!(table.wheel.next(), Some(epoch + 700 * MS));
    // Beyond the horizon: a look at the horizon.
    assert_eq!(table.advance(epoch + 700 * MS), [0]);
    table.set(0, Some(epoch + 60_000 * MS));
    assert_eq!(table.wheel.next(), Some(epoch + 1_723 * MS));
}

#[test]
fn a_later_deadline_writes_nothing() {
    let mut table = Table::new(1);
    let epoch = table.epoch;
    table.set(0, Some(epoch + 5 * MS));
    let armed = table.armed[0];
    table.set(0, Some(epoch + 9 * MS));
    assert_eq!(table.armed[0], armed);
    assert_eq!(table.advance(epoch + 8 * MS), Vec::<u32>::new());
    assert_eq!(table.advance(epoch + 9 * MS), [0]);
}

proptest! {
    #[test]
    fn the_wheel_agrees_with_a_list(
        steps in proptest::collection::vec(
            (proptest::collection::vec((0u32..8, proptest::option::of(0u64..40_000_000_000)), 0..6), 0u64..3_000_000_000),
            1..60,
        )
    ) {
        let mut table = Table::new(8);
        let mut list: Vec<Option<Instant>> = vec![None; 8];
        let mut now = table.epoch;
        for (changes, pause_ns) in steps {
            for (index, ahead_ns) in changes {
                let deadline = ahead_ns.map(|ns| now + Duration::from_nanos(ns));
                table.set(index, deadline);
                list[index as usize] = deadline;
            }
            if let Some(first) = list.iter().flatten().min() {
                let next = table.wheel.next();
                prop_assert!(next.is_some_and(|next| next <= *first + MS), "{:?} for {:?}", next, first);
            }
            now += Duration::from_nanos(pause_ns);
            let fired = table.advance(now);
            for (index, deadline) in list.iter_mut().enumerate() {
                let has_fired = fired.contains(&(index as u32));
                match *deadline {
                    Some(at) if has_fired => {
                        prop_assert!(at <= now);
                        *deadline = None;
                    }
                    Some(at) => prop_assert!(at + MS > now, "{} is late", index),
                    None => prop_assert!(!has_fired),
                }
            }
        }
        // Stale entries do not pile up.
        let entries: usize = table.wheel.slots.iter().map(Vec::len).sum();
        prop_assert!(entries <= 8 * 60);
    }
}
