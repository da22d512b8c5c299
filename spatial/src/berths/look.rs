//! Which lanes of an observer's blocks are in sight, as bits.

use super::{BerthIndex, LANES, NOWHERE};
#[cfg(target_arch = "x86_64")]
use crate::Path;
#[cfg(target_arch = "x86_64")]
use crate::scan::{Avx2, Avx512, Sse2};
use crate::scan::{Ball, Lanes, Sieve, distance_squared};

/// A ball to enter and one to leave, around one centre.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    near: Ball,
    far: Ball,
}

impl Sight {
    /// The leaving radius is limited to no less than the entering one.
    pub(crate) fn new(centre: [i32; 3], enter_cm: u32, leave_cm: u32) -> Self {
        Self {
            near: Ball::new(centre, enter_cm),
            far: Ball::new(centre, leave_cm.max(enter_cm)),
        }
    }

    /// Whether a place is in the leaving ball.
    pub(crate) fn reaches(&self, place: [i32; 3]) -> bool {
        distance_squared(self.far.centre, place) <= self.far.radius_squared
    }
}

/// Blocks of an index, in the order of a window's cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockList {
    blocks: Vec<u32>,
    /// Above every block of the list.
    end: u32,
}

impl BlockList {
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.end = 0;
    }

    pub(super) fn push(&mut self, block: u32) {
        self.blocks.push(block);
        self.end = self.end.max(block + 1);
    }

    /// The blocks.
    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.blocks
    }

    /// Where a block is in the list.
    pub(crate) fn position(&self, block: u32) -> Option<usize> {
        self.blocks.iter().position(|&other| other == block)
    }
}

impl PartialEq for BlockList {
    fn eq(&self, other: &Self) -> bool {
        self.blocks == other.blocks
    }
}

/// Writes into `fresh` which lanes of each block are in sight: those in the near ball, and those
/// of `old` in the far one. Whether any differ from `old`.
///
/// # Panics
/// If the lists differ in length or a block is not one of the index.
pub(crate) fn look(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &BlockList,
    old: &[u16],
    fresh: &mut [u16],
) -> bool {
    let end = blocks.end as usize;
    let blocks = blocks.as_slice();
    assert!(
        blocks.len() == old.len() && blocks.len() == fresh.len(),
        "one mask per block"
    );
    assert!(
        [&berths.x, &berths.y, &berths.z]
            .iter()
            .all(|column| end <= column.len()),
        "the blocks are the index's"
    );
    let lowest = i64::from(sight.far.centre[0]) - sight.far.radius_cm;
    if !sight.far.past_the_edge && lowest > i64::from(NOWHERE) {
        // SAFETY: an index only keeps a path that the processor has; the lists were checked.
        let (changed, sure) = unsafe {
            match berths.path() {
                #[cfg(target_arch = "x86_64")]
                Path::Avx512 => look_avx512(berths, sight, blocks, old, fresh),
                #[cfg(target_arch = "x86_64")]
                Path::Avx2 => look_avx2(berths, sight, blocks, old, fresh),
                #[cfg(target_arch = "x86_64")]
                Path::Portable => look_with::<Sse2>(berths, sight, blocks, old, fresh),
                #[cfg(not(target_arch = "x86_64"))]
                _ => look_with::<crate::scan::Plain>(berths, sight, blocks, old, fresh),
            }
        };
        if sure {
            return changed;
        }
    }
    look_exactly(berths, sight, blocks, old, fresh)
}

/// # Safety
/// The processor has what [`Path::Avx512`] stands for; as [`look_with`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn look_avx512(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &[u32],
    old: &[u16],
    fresh: &mut [u16],
) -> (bool, bool) {
    // SAFETY: passed on.
    unsafe { look_with::<Avx512>(berths, sight, blocks, old, fresh) }
}

/// # Safety
/// The processor has what [`Path::Avx2`] stands for; as [`look_with`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn look_avx2(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &[u32],
    old: &[u16],
    fresh: &mut [u16],
) -> (bool, bool) {
    // SAFETY: passed on.
    unsafe { look_with::<Avx2>(berths, sight, blocks, old, fresh) }
}

/// Whether anything changed, and whether that is sure.
///
/// # Safety
/// The processor has V's instructions, and every block is one of the index.
#[inline(always)]
unsafe fn look_with<V: Lanes>(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &[u32],
    old: &[u16],
    fresh: &mut [u16],
) -> (bool, bool) {
    // SAFETY: passed on.
    unsafe {
        if sight.near.radius_squared == sight.far.radius_squared {
            look_at::<V, false>(berths, sight, blocks, old, fresh)
        } else {
            look_at::<V, true>(berths, sight, blocks, old, fresh)
        }
    }
}

/// As [`look_with`]; with a ring between the balls or without.
///
/// # Safety
/// As [`look_with`].
#[inline(always)]
unsafe fn look_at<V: Lanes, const RING: bool>(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &[u32],
    old: &[u16],
    fresh: &mut [u16],
) -> (bool, bool) {
    let columns: [*const i32; 3] = [
        berths.x.as_ptr().cast(),
        berths.y.as_ptr().cast(),
        berths.z.as_ptr().cast(),
    ];
    let mut changed = 0;
    // SAFETY: the caller vouches for the instructions; a block's lanes are in the columns.
    unsafe {
        let [x, y, z] = columns;
        let [cx, cy, cz] = sight.near.centre;
        let (cx, cy, cz) = (V::splat_int(cx), V::splat_int(cy), V::splat_int(cz));
        let (mut near, mut far) = (Sieve::<V>::new(&sight.near), Sieve::<V>::new(&sight.far));
        for ((&block, &old), fresh) in blocks.iter().zip(old).zip(fresh) {
            let mut seen = 0;
            for half in 0..LANES / V::COUNT {
                let at = block as usize * LANES + half * V::COUNT;
                let dx = V::sub_to_float(V::load_int(x.add(at)), cx);
                let dy = V::sub_to_float(V::load_int(y.add(at)), cy);
                let dz = V::sub_to_float(V::load_int(z.add(at)), cz);
                let squares = V::add_square(V::add_square(V::square(dx), dy), dz);
                let mut mask = near.pass(squares);
                if RING {
                    mask |= far.pass(squares) & u32::from(old) >> (half * V::COUNT);
                }
                seen |= mask << (half * V::COUNT);
            }
            changed |= seen ^ u32::from(old);
            *fresh = seen as u16;
        }
        (changed != 0, near.is_sure() && (!RING || far.is_sure()))
    }
}

/// By exact integers: for balls that reach past the edge of the world, and where approximations
/// cannot tell.
#[cold]
#[inline(never)]
fn look_exactly(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &[u32],
    old: &[u16],
    fresh: &mut [u16],
) -> bool {
    let mut changed = false;
    for ((&block, &old), fresh) in blocks.iter().zip(old).zip(fresh) {
        *fresh = 0;
        for lane in 0..LANES as u32 {
            let Some(place) = berths.occupant(block, lane) else {
                continue;
            };
            let squared = distance_squared(sight.near.centre, place);
            let stays = old >> lane & 1 == 1 && squared <= sight.far.radius_squared;
            if stays || squared <= sight.near.radius_squared {
                *fresh |= 1 << lane;
            }
        }
        changed |= *fresh != old;
    }
    changed
}
