//! Counter-based randomness: every draw is a pure function of (world seed, tick, entity,
//! purpose, index), so no draw depends on who drew before, on which shard, or in which order.
//!
//! Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
//! 1, 2, 3" (SC 2011). Known-answer vectors of its authors: `tests/golden/philox.csv`.

use crate::{EntityId, Tick};

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of Philox4x32: four words from a counter and a key.
#[must_use]
pub const fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    let mut k = key;
    let mut round = 0;
    while round < 10 {
        let a = MULTIPLIER[0] as u64 * c[0] as u64;
        let b = MULTIPLIER[1] as u64 * c[2] as u64;
        c = [
            (b >> 32) as u32 ^ c[1] ^ k[0],
            b as u32,
            (a >> 32) as u32 ^ c[3] ^ k[1],
            a as u32,
        ];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        round += 1;
    }
    c
}

/// The draws of one (seed, tick, entity, purpose).
///
/// The counter holds the tick, the low bits of the entity and the block's number; the key holds
/// the seed mixed with purpose and entity, so that no two uses share a stream.
#[derive(Clone, Debug)]
pub struct Rng {
    counter: [u32; 4],
    key: [u32; 2],
    block: [u32; 4],
    used: u8,
}

impl Rng {
    /// The draws for one purpose of one entity in one beat. `purpose` is a constant of the
    /// caller: one number per use, listed where the system is documented.
    #[must_use]
    pub const fn new(world_seed: u64, tick: Tick, entity: EntityId, purpose: u32) -> Self {
        let key = crate::digest::Digest::new(world_seed)
            .word(entity.0)
            .word(purpose as u64);
        let key = key.finish();
        Self {
            counter: [0, entity.0 as u32, tick.0 as u32, (tick.0 >> 32) as u32],
            key: [key as u32, (key >> 32) as u32],
            block: [0; 4],
            used: 4,
        }
    }

    /// The next 32 bits.
    pub const fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        let word = self.block[self.used as usize];
        self.used += 1;
        word
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        let low = self.next_u32() as u64;
        low | ((self.next_u32() as u64) << 32)
    }

    /// A number in `0..bound`, without bias beyond 2⁻³² (multiply and shift, Lemire 2019).
    ///
    /// # Panics
    /// If `bound` is zero.
    pub const fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "a range needs at least one value");
        ((self.next_u32() as u64 * bound as u64) >> 32) as u32
    }

    /// A number in [0, 1) with 53 bits.
    pub const fn unit_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_the_authors() {
        let golden = include_str!("../tests/golden/philox.csv");
        let mut checked = 0;
        for line in golden.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<u32> = line
                .split(',')
                .map(|word| u32::from_str_radix(word.trim(), 16).unwrap())
                .collect();
            let [c0, c1, c2, c3, k0, k1, r0, r1, r2, r3] = words[..] else {
                panic!("{line}")
            };
            assert_eq!(
                philox([c0, c1, c2, c3], [k0, k1]),
                [r0, r1, r2, r3],
                "{line}"
            );
            checked += 1;
        }
        assert_eq!(checked, 3);
    }

    #[test]
    fn streams_are_separate_and_repeatable() {
        let draw =
            |tick, entity, purpose| Rng::new(7, Tick(tick), EntityId(entity), purpose).next_u64();
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let distinct = [
            draw(1, 2, 3),
            draw(2, 2, 3),
            draw(1, 3, 3),
            draw(1, 2, 4),
            draw(1, 2 + (1 << 40), 3),
        ];
        for (i, a) in distinct.iter().enumerate() {
            assert!(distinct[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn uniform_enough() {
        let mut buckets = [0_u32; 10];
        for entity in 1..=2_000 {
            let mut rng = Rng::new(1, Tick(9), EntityId(entity), 1);
            for _ in 0..50 {
                buckets[rng.below(10) as usize] += 1;
                assert!((0.0..1.0).contains(&rng.unit_f64()));
            }
        }
        // 100,000 draws, standard deviation of a bucket 95: six of them is never chance.
        assert!(
            buckets.iter().all(|&n| n.abs_diff(10_000) < 570),
            "{buckets:?}"
        );
    }
}
