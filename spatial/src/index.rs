//! The location hash grid: every entity's position, sorted by the cell it is in.
//!
//! Reads position columns (`i32` centimetres), writes sorted copies of x, y, z and the row, so
//! that a query reads contiguous memory. A cell is a cube of 2ˢ cm, cell = position >> s.
//!
//! **Rebuild** is a counting sort: bounds, bucket of each row, histogram, running sum, scatter.
//! Each cell of the occupied box has its own bucket when that is at most a few buckets per entity,
//! else cells share the buckets of a hash table (see [`layout`]). Bucket numbers have 32 bits, so
//! that 16 are computed at once; what they leave open, exact positions decide. The sort is stable.
//!
//! **Canonical order.** Queries yield rows by (cell z, cell y, cell x, row). The order depends on
//! positions and cell size only, not on the layout or the [`Path`].
//!
//! **Which rows are within the radius?** Those with dx² + dy² + dz² ≤ r², as exact integers. The
//! scans compute the square in `f32`, whose relative error here is below 6·2⁻²⁴; if any row is
//! within 2⁻¹⁸ of the radius, the query is answered again by integers. Radii up to
//! [`RADIUS_MAX_CM`], anywhere: also where the ball reaches past the end of an axis.
//!
//! **Which cell size?** Any radius works with any size. Small cells let a query skip more of what
//! is outside, large ones give it fewer stretches to read; [`CellIndex::for_radius`] takes the
//! largest power of two that is not above the radius: a query on a plane then reads 3 to 5
//! stretches, and 2.0 to 2.9 times as many rows as it reports.
//!
//! Cost: 16 bytes per row, 4 per bucket and 4 of scratch per row. Measured (medians, AVX-512, other
//! jobs running; `perf/results/interest.json`, `top_k.json`): rebuild 5.1 ns a row for 10,000 rows,
//! 10 for 100,000; a scan that reports 50 of 10,000 rows 72 ns, 200 rows 130 ns; on the portable
//! path 150 and 325 ns. The nearest 255 of 1,000, 4,000 and 16,000: 0.7, 1.6 and 4.8 µs.

pub(crate) mod layout;
mod query;
pub(crate) mod walk;

use crate::Path;
use layout::Layout;

/// The largest radius of a query, 10,737 km: its square and the sums stay within 64 bits.
/// Larger radii are taken as this.
pub const RADIUS_MAX_CM: u32 = 1 << 30;

/// The smallest cell: 2⁸ cm. Smaller cells would only be empty.
const SHIFT_MIN: u32 = 8;
/// The largest cell: 2³⁰ cm.
const SHIFT_MAX: u32 = 30;

/// Unused entries after the sorted columns, so that a vector load may reach over the end.
pub(crate) const PAD: usize = 16;

/// The row of an unused entry: no row has this number. Their positions may be anything.
pub(crate) const PADDING: u32 = u32::MAX;

/// Rows whose buckets are computed before they are counted: the buckets are then still in the
/// first-level cache.
const CHUNK: usize = 1_024;

/// Position columns of one length, in centimetres from the grid's origin.
#[derive(Clone, Copy, Debug)]
pub struct Positions<'a> {
    /// The x of every row.
    pub x: &'a [i32],
    /// The y of every row.
    pub y: &'a [i32],
    /// The z of every row.
    pub z: &'a [i32],
}

/// Positions sorted by cell. The columns have [`PAD`] entries more than there are rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) x: Vec<i32>,
    pub(crate) y: Vec<i32>,
    pub(crate) z: Vec<i32>,
    pub(crate) row: Vec<u32>,
}

impl Sorted {
    pub(crate) fn position(&self, at: usize) -> [i32; 3] {
        [self.x[at], self.y[at], self.z[at]]
    }
}

/// The index. Rebuilt as a whole; between rebuilds it answers queries about the positions that
/// it was last given.
#[derive(Clone, Debug)]
pub struct CellIndex {
    /// A cell's edge is 2^shift cm.
    pub(crate) shift: u32,
    path: Path,
    rows: usize,
    /// The box of occupied cells, corners included; `first` is above `last` if there are none.
    first: [i32; 3],
    last: [i32; 3],
    layout: Layout,
    /// Bucket b holds the sorted entries `starts[b]..starts[b + 1]`.
    starts: Vec<u32>,
    pub(crate) sorted: Sorted,
    /// Scratch: the bucket of each row.
    keys: Vec<u32>,
}

impl CellIndex {
    /// An empty index whose cells have this edge, rounded down to a power of two and limited to
    /// 2⁸..=2³⁰ cm; uses the fastest path that the processor has.
    #[must_use]
    pub fn new(cell_size_cm: u32) -> Self {
        Self::with_path(cell_size_cm, Path::detect())
    }

    /// An empty index whose cells suit queries of this radius.
    #[must_use]
    pub fn for_radius(radius_cm: u32) -> Self {
        Self::new(radius_cm)
    }

    /// As [`new`](Self::new), on a chosen path; the portable one if the processor lacks it.
    #[must_use]
    pub fn with_path(cell_size_cm: u32, path: Path) -> Self {
        Self {
            shift: cell_size_cm.max(1).ilog2().clamp(SHIFT_MIN, SHIFT_MAX),
            path: path.or_portable(),
            rows: 0,
            first: [1; 3],
            last: [0; 3],
            layout: Layout::Hashed { mask: 0 },
            starts: Vec::new(),
            sorted: Sorted::default(),
            keys: Vec::new(),
        }
    }

    /// The edge of a cell in centimetres, a power of two.
    #[must_use]
    pub const fn cell_size_cm(&self) -> u32 {
        1 << self.shift
    }

    /// The path that rebuilds and queries take.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// The number of rows of the last rebuild.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Indexes these positions; what was indexed before is forgotten.
    ///
    /// # Panics
    /// If the columns differ in length or have 2³¹ rows or more.
    pub fn rebuild(&mut self, x: &[i32], y: &[i32], z: &[i32]) {
        self.rebuild_parts(&[Positions { x, y, z }]);
    }

    /// Indexes the rows of several tables, such as the frames of a grid that is spread over
    /// shards: the row numbers of a part start where those of the part before end.
    ///
    /// # Panics
    /// If the columns of a part differ in length or there are 2³¹ rows or more.
    pub fn rebuild_parts(&mut self, parts: &[Positions<'_>]) {
        let mut rows = 0;
        for part in parts {
            assert!(
                part.x.len() == part.y.len() && part.x.len() == part.z.len(),
                "columns of one table have one length"
            );
            rows += part.x.len();
        }
        assert!(rows < 1 << 31, "row numbers and buckets are 32 bits");
        self.rows = rows;
        let sort = match self.path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => Self::sort_avx512,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => Self::sort_avx2,
            _ => Self::sort_portable,
        };
        // SAFETY: `with_path` only keeps a path that the processor has.
        unsafe { sort(self, parts) };
    }

    /// # Safety
    /// None needed; `unsafe` for the sake of one function type.
    unsafe fn sort_portable(&mut self, parts: &[Positions<'_>]) {
        self.sort(parts);
    }

    /// # Safety
    /// The processor has what [`Path::Avx2`] stands for.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn sort_avx2(&mut self, parts: &[Positions<'_>]) {
        self.sort(parts);
    }

    /// # Safety
    /// The processor has what [`Path::Avx512`] stands for.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn sort_avx512(&mut self, parts: &[Positions<'_>]) {
        self.sort(parts);
    }

    #[inline(always)]
    fn sort(&mut self, parts: &[Positions<'_>]) {
        (self.first, self.last) = cell_bounds(parts, self.shift);
        self.layout = Layout::choose(self.rows, self.first, self.last);
        self.count(parts);
        self.scatter(parts);
    }

    /// Computes every row's bucket and leaves in `starts[b + 1]` where bucket b begins.
    #[inline(always)]
    fn count(&mut self, parts: &[Positions<'_>]) {
        let buckets = self.layout.buckets();
        self.starts.clear();
        self.starts.resize(buckets + 2, 0);
        self.keys.resize(self.rows, 0);
        let starts = &mut self.starts[..];
        let mut keys = &mut self.keys[..];
        for part in parts {
            let mut at = 0;
            while at < part.x.len() {
                let end = (at + CHUNK).min(part.x.len());
                let (chunk, rest) = keys.split_at_mut(end - at);
                let position = [&part.x[at..end], &part.y[at..end], &part.z[at..end]];
                self.layout.keys(self.shift, self.first, position, chunk);
                for &key in &*chunk {
                    starts[key as usize + 2] += 1;
                }
                keys = rest;
                at = end;
            }
        }
        let mut sum = 0;
        for start in &mut starts[2..] {
            sum += *start;
            *start = sum;
        }
    }

    /// Copies every row to the next free place of its bucket. Afterwards `starts[b]` is where
    /// bucket b begins.
    #[inline(always)]
    fn scatter(&mut self, parts: &[Positions<'_>]) {
        let padded = self.rows + PAD;
        let sorted = &mut self.sorted;
        for column in [&mut sorted.x, &mut sorted.y, &mut sorted.z] {
            column.resize(padded, 0);
        }
        sorted.row.resize(padded, PADDING);
        // What an earlier, larger rebuild left there.
        sorted.row[self.rows..].fill(PADDING);
        let (sx, sy, sz) = (
            &mut sorted.x[..padded],
            &mut sorted.y[..padded],
            &mut sorted.z[..padded],
        );
        let (rows, starts) = (&mut sorted.row[..padded], &mut self.starts[..]);
        let mut row = 0;
        for part in parts {
            let keys = &self.keys[row..row + part.x.len()];
            let positions = part.x.iter().zip(part.y).zip(part.z);
            for (&key, ((&x, &y), &z)) in keys.iter().zip(positions) {
                let next = &mut starts[key as usize + 1];
                let at = *next as usize;
                *next += 1;
                sx[at] = x;
                sy[at] = y;
                sz[at] = z;
                rows[at] = row as u32;
                row += 1;
            }
        }
    }
}

/// The box of occupied cells; see [`CellIndex::first`].
#[inline(always)]
fn cell_bounds(parts: &[Positions<'_>], shift: u32) -> ([i32; 3], [i32; 3]) {
    let mut first = [i32::MAX; 3];
    let mut last = [i32::MIN; 3];
    for part in parts {
        for (axis, column) in [part.x, part.y, part.z].into_iter().enumerate() {
            let (mut low, mut high) = (first[axis], last[axis]);
            for &position in column {
                low = low.min(position);
                high = high.max(position);
            }
            (first[axis], last[axis]) = (low, high);
        }
    }
    if first[0] > last[0] {
        return ([1; 3], [0; 3]);
    }
    (
        first.map(|low| low >> shift),
        last.map(|high| high >> shift),
    )
}

#[cfg(test)]
mod tests;
