//! How cells become buckets, and which buckets a box of cells is.
//!
//! A bucket is a number below the table's size; the entities of a bucket are contiguous in the
//! sorted columns. Both layouts put cells that are neighbours along x into neighbouring buckets,
//! so a row of cells is one contiguous stretch: 9 cells on a plane are 3 stretches, 27 in space 9.

/// How the cells of the box of occupied ones are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// One bucket per cell of the box, x fastest, then y, then z.
    Dense { size: [u32; 3] },
    /// `(cell x + hash(cell y, cell z)) & mask`: for positions so far apart that the box has too
    /// many cells. Strangers may share a bucket; whoever reads it compares y and z.
    Hashed { mask: u32 },
}

/// Cells per entity up to which every cell gets its own bucket: clearing and summing a bucket
/// costs about a twentieth of sorting an entity.
const DENSE_CELLS_PER_ROW: u64 = 2;
/// Always allowed, however few the entities.
const DENSE_CELLS_FREE: u64 = 4_096;

impl Layout {
    /// The layout for `rows` entities in the box of cells from `first` to `last`.
    pub(crate) fn choose(rows: usize, first: [i32; 3], last: [i32; 3]) -> Self {
        let size = [0, 1, 2].map(|axis| u64::from(last[axis].abs_diff(first[axis])) + 1);
        let allowed = rows as u64 * DENSE_CELLS_PER_ROW + DENSE_CELLS_FREE;
        let cells = size[0].saturating_mul(size[1]).saturating_mul(size[2]);
        if cells <= allowed {
            let size = size.map(|cells| cells as u32);
            Self::Dense { size }
        } else {
            let mask = (rows as u32).next_power_of_two().max(64) - 1;
            Self::Hashed { mask }
        }
    }

    /// The number of buckets.
    pub(crate) fn buckets(&self) -> usize {
        match *self {
            Self::Dense { size } => size.iter().product::<u32>() as usize,
            Self::Hashed { mask } => mask as usize + 1,
        }
    }

    /// The buckets of the entities in cells x, y, z = position >> `shift`, of a box that begins
    /// at cell `first`.
    #[inline(always)]
    pub(crate) fn keys(
        &self,
        shift: u32,
        first: [i32; 3],
        position: [&[i32]; 3],
        keys: &mut [u32],
    ) {
        let [x, y, z] = position;
        let (x, y, z) = (&x[..keys.len()], &y[..keys.len()], &z[..keys.len()]);
        match *self {
            Self::Dense { size } => {
                // Modulo 2³² throughout: only the final bucket has to be in range, and it is.
                let (row, layer) = (size[0], size[0].wrapping_mul(size[1]));
                let flat = (first[0] as u32).wrapping_add((first[1] as u32).wrapping_mul(row));
                let origin = flat.wrapping_add((first[2] as u32).wrapping_mul(layer));
                if size[2] == 1 {
                    for (i, key) in keys.iter_mut().enumerate() {
                        *key = ((x[i] >> shift) as u32)
                            .wrapping_add(((y[i] >> shift) as u32).wrapping_mul(row))
                            .wrapping_sub(flat);
                    }
                } else {
                    for (i, key) in keys.iter_mut().enumerate() {
                        *key = ((x[i] >> shift) as u32)
                            .wrapping_add(((y[i] >> shift) as u32).wrapping_mul(row))
                            .wrapping_add(((z[i] >> shift) as u32).wrapping_mul(layer))
                            .wrapping_sub(origin);
                    }
                }
            }
            Self::Hashed { mask } => {
                for (i, key) in keys.iter_mut().enumerate() {
                    *key = hashed_bucket(x[i] >> shift, y[i] >> shift, z[i] >> shift, mask);
                }
            }
        }
    }
}

/// The bucket of a cell: neighbours along x are neighbours here, modulo the table's size.
#[inline(always)]
fn hashed_bucket(x: i32, y: i32, z: i32, mask: u32) -> u32 {
    (x as u32).wrapping_add(hash(y, z)) & mask
}

/// Mixes a row of cells into a number whose low bits depend on all of both.
#[inline(always)]
fn hash(y: i32, z: i32) -> u32 {
    let mixed = (y as u32)
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add((z as u32).wrapping_mul(0x85EB_CA77));
    mixed ^ (mixed >> 15)
}

/// The dense layout's buckets.
#[derive(Clone, Copy)]
pub(crate) struct Dense<'a> {
    pub(crate) starts: &'a [u32],
    pub(crate) first: [i32; 3],
    pub(crate) size: [u32; 3],
}

impl Dense<'_> {
    /// The bucket of a cell of the box.
    #[inline(always)]
    pub(crate) fn bucket(&self, x: i32, y: i32, z: i32) -> usize {
        // A cell of the box is not below its first, and the sizes' product is an index.
        let offset = |cell: i32, axis: usize| cell.wrapping_sub(self.first[axis]) as u32 as usize;
        let row = offset(z, 2) * self.size[1] as usize + offset(y, 1);
        row * self.size[0] as usize + offset(x, 0)
    }
}

/// The hashed layout's buckets.
#[derive(Clone, Copy)]
pub(crate) struct Hashed<'a> {
    pub(crate) starts: &'a [u32],
    pub(crate) mask: u32,
}

impl Hashed<'_> {
    /// The two stretches of the sorted columns that hold the cells from `x[0]` to `x[1]` of a row
    /// of cells, in order of x: from where to where; either may be empty. There are no more cells
    /// than buckets.
    #[inline(always)]
    pub(crate) fn stretches(&self, x: [i32; 2], y: i32, z: i32) -> [[usize; 2]; 2] {
        let low = hashed_bucket(x[0], y, z, self.mask);
        let high = low + x[1].abs_diff(x[0]) + 1;
        let end = high.min(self.mask + 1);
        // What reaches past the last bucket goes on at the first.
        let start = |bucket: u32| self.starts[bucket as usize] as usize;
        [[start(low), start(end)], [start(0), start(high - end)]]
    }
}
