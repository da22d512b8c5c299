//! The state digest: 64 bits that differ when a state differs.
//!
//! One entity's words are mixed in order; the digests of many are combined by a wrapping sum,
//! which is commutative, so a grid has the same digest on one shard or on eight and in any
//! order of rows. It guards against divergence, not against an adversary.

/// Spreads a word over all 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The digest of a sequence of words.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Digest {
    /// An empty digest; `domain` keeps digests of different things apart.
    #[must_use]
    pub const fn new(domain: u64) -> Self {
        Self(mix(domain ^ 0x6f72_7265_7279_2131))
    }

    /// Adds a word.
    #[must_use]
    pub const fn word(self, word: u64) -> Self {
        Self(mix(self.0.rotate_left(23) ^ word))
    }

    /// Adds a vector.
    #[must_use]
    pub const fn i32x3(self, v: [i32; 3]) -> Self {
        self.word((v[0] as u32 as u64) | ((v[1] as u32 as u64) << 32))
            .word(v[2] as u32 as u64)
    }

    /// Adds bytes and their count.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self = self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64)
    }

    /// The 64 bits.
    #[must_use]
    pub const fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// Keys of the places in [`of_words`]: any odd numbers without a pattern will do. These are the
/// first 1,024 binary digits of π's fraction, made odd.
const KEYS: [u64; 16] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
    0xc0ac_29b7_c97c_50dd,
    0x3f84_d5b5_b547_0917,
    0x9216_d5d9_8979_fb1b,
    0xd131_0ba6_98df_b5ad,
    0x2ffd_72db_d01a_dfb7,
    0xb8e1_afed_6a26_7e97,
    0xba7c_9045_f12c_7f99,
    0x24a1_9947_b391_6cf7,
    0x0801_f2e2_858e_fc17,
    0x6369_20d8_7157_4e69,
];

/// The digest of a fixed number of words, at most 16: that of a row. Not the same number as
/// [`Digest`] gives, but several times as fast, because no word waits for the one before it:
/// every two are multiplied to 128 bits, as in wyhash (Wang Yi, 2019), and the halves are summed.
///
/// Cost: a multiplication for every two words, and two more.
#[must_use]
#[inline]
pub const fn of_words<const N: usize>(domain: u64, words: [u64; N]) -> u64 {
    const { assert!(N <= KEYS.len(), "there is a key for every word") };
    let mut sum = domain.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut at = 0;
    while at < N {
        let next = if at + 1 < N { words[at + 1] } else { 0 };
        let (a, b) = (words[at] ^ KEYS[at], next ^ KEYS[(at + 1) % KEYS.len()]);
        let product = a as u128 * b as u128;
        // Rotated, so that what is multiplied by zero is not lost with it.
        let halves = product as u64 ^ (product >> 64) as u64;
        sum = sum.wrapping_add(halves ^ a.rotate_left(32).wrapping_sub(b));
        at += 2;
    }
    mix(sum)
}

/// The digest of bytes alone.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> u64 {
    Digest::new(0).bytes(bytes).finish()
}

/// Combines digests of independent parts, in any order.
#[must_use]
pub const fn combine(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_length_matter_within_a_digest() {
        assert_ne!(of_bytes(b"ab"), of_bytes(b"ba"));
        assert_ne!(of_bytes(b"a"), of_bytes(b"a\0"));
        assert_ne!(Digest::new(1).finish(), Digest::new(2).finish());
        assert_ne!(
            Digest::new(0).i32x3([1, 0, 0]).finish(),
            Digest::new(0).i32x3([0, 1, 0]).finish()
        );
    }

    #[test]
    fn every_bit_of_a_row_moves_half_of_the_digest() {
        // A row of a battle: small numbers, zeros, an id.
        let row = [
            0,
            1,
            0xffff_ffff_0000_0001,
            0,
            500,
            1 << 44 | 7 << 20,
            0,
            0,
            0,
            3,
        ];
        let digest = of_words(0, row);
        let mut seen = std::collections::BTreeSet::from([digest]);
        let mut moved = 0;
        for bit in 0..640 {
            let mut other = row;
            other[bit / 64] ^= 1 << (bit % 64);
            let other = of_words(0, other);
            let count = (digest ^ other).count_ones();
            assert!((10..=54).contains(&count), "bit {bit} moves {count}");
            assert!(seen.insert(other), "bit {bit}");
            moved += count;
        }
        assert!((640 * 31..640 * 33).contains(&moved), "{moved}");
        // Places, the domain and the number of words count, too.
        for first in 0..10 {
            for second in 0..first {
                let mut other = row;
                other.swap(first, second);
                assert!(other == row || seen.insert(of_words(0, other)));
            }
        }
        assert!(seen.insert(of_words(1, row)));
        assert!(seen.insert(of_words(0, [row[0]])));
        assert!(seen.insert(of_words(0, [row[0], row[1], row[2]])));
    }

    #[test]
    fn a_word_counts_whatever_its_partner_is() {
        // Partners that make a factor zero.
        for key in [KEYS[0], KEYS[1]] {
            for place in [0, 1] {
                let mut seen = std::collections::BTreeSet::new();
                for word in 0..1_000 {
                    let mut words = [key; 2];
                    words[place] = word;
                    assert!(seen.insert(of_words(0, words)));
                }
            }
        }
    }

    #[test]
    fn golden() {
        assert_eq!(
            of_words(1, [1, 2, 3]),
            2_748_259_546_158_670_001,
            "re-minting needs a stated reason"
        );
        // Journals and checkpoints carry digests: this function may not change silently.
        assert_eq!(
            of_bytes(b"orrery"),
            8_683_334_108_552_619_561,
            "re-minting needs a stated reason"
        );
    }
}
