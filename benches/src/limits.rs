//! What the hardware allows: the same work with everything left out that a library needs. Borders
//! are known, cells are exactly as large as the radius, nothing is checked, nothing is exact to
//! the centimetre. Compiled for the widest vectors that the processor has.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::field::Field;

/// Whether the loops below may use AVX-512.
#[must_use]
pub fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("popcnt")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// a = a + s·b over floats: as many bytes as integrating a third as many entities.
pub fn triad(a: &mut [f32], b: &[f32], s: f32) {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: the processor has AVX-512.
        unsafe { triad_avx512(a, b, s) };
        return;
    }
    triad_with(a, b, s);
}

#[inline(always)]
fn triad_with(a: &mut [f32], b: &[f32], s: f32) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a += s * b;
    }
}

/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn triad_avx512(a: &mut [f32], b: &[f32], s: f32) {
    triad_with(a, b, s);
}

/// Positions sorted into square cells by a plain counting sort.
#[derive(Debug, Default)]
pub struct Cells {
    edge: i32,
    origin: [i32; 2],
    columns: usize,
    rows: usize,
    starts: Vec<u32>,
    keys: Vec<u32>,
    x: Vec<i32>,
    y: Vec<i32>,
    z: Vec<i32>,
    row: Vec<u32>,
}

/// Room for a vector after the last entry.
const PAD: usize = 16;

impl Cells {
    /// For a field and a radius; sorted by [`rebuild`](Self::rebuild).
    #[must_use]
    pub fn new(field: &Field, radius_cm: u32) -> Self {
        let range = |column: &[i32]| {
            let low = column.iter().min().copied().unwrap_or(0);
            (low, column.iter().max().copied().unwrap_or(0))
        };
        let (edge, (x, x_last), (y, y_last)) = (radius_cm as i32, range(&field.x), range(&field.y));
        let ships = field.len();
        Self {
            edge,
            origin: [x, y],
            // One more than there are: a rounding may put the last ship there.
            columns: ((x_last - x) / edge + 2) as usize,
            rows: ((y_last - y) / edge + 2) as usize,
            keys: vec![0; ships],
            x: vec![0; ships + PAD],
            y: vec![0; ships + PAD],
            z: vec![0; ships + PAD],
            row: vec![0; ships + PAD],
            ..Self::default()
        }
    }

    /// The plain counting sort.
    pub fn rebuild(&mut self, field: &Field) {
        #[cfg(target_arch = "x86_64")]
        if has_avx512() {
            // SAFETY: the processor has AVX-512.
            unsafe { self.rebuild_avx512(field) };
            return;
        }
        self.rebuild_with(field);
    }

    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn rebuild_avx512(&mut self, field: &Field) {
        self.rebuild_with(field);
    }

    #[inline(always)]
    fn rebuild_with(&mut self, field: &Field) {
        self.starts.clear();
        self.starts.resize(self.columns * self.rows + 2, 0);
        // Dividing by multiplying: exact enough for a limit.
        let scale = 1.0 / self.edge as f32;
        let [x0, y0] = self.origin;
        let columns = self.columns as i32;
        let places = field.x.iter().zip(&field.y);
        for (key, (&x, &y)) in self.keys.iter_mut().zip(places) {
            // SAFETY: places are inside the field, whose cells are numbered with 31 bits.
            let cell = |offset: i32| unsafe { (offset as f32 * scale).to_int_unchecked::<i32>() };
            *key = (cell(y - y0) * columns + cell(x - x0)) as u32;
        }
        for &key in &self.keys {
            self.starts[key as usize + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts[2..] {
            sum += *start;
            *start = sum;
        }
        for (row, &key) in self.keys.iter().enumerate() {
            let next = &mut self.starts[key as usize + 1];
            let at = *next as usize;
            *next += 1;
            self.x[at] = field.x[row];
            self.y[at] = field.y[row];
            self.z[at] = field.z[row];
            self.row[at] = row as u32;
        }
    }

    /// The rows within the radius: three runs of three cells. `out` holds all rows and a vector.
    pub fn scan(&self, centre: [i32; 3], out: &mut [u32]) -> usize {
        assert!(
            out.len() >= self.row.len(),
            "room for all rows and a vector"
        );
        #[cfg(target_arch = "x86_64")]
        if has_avx512() {
            // SAFETY: the processor has AVX-512, and there is room.
            return unsafe { self.scan_avx512(centre, out.as_mut_ptr()) };
        }
        self.scan_with(centre, out)
    }

    /// First and last entry of the cells around a place, by row of cells.
    #[inline(always)]
    fn runs(&self, centre: [i32; 3]) -> impl Iterator<Item = (usize, usize)> + '_ {
        let scale = 1.0 / self.edge as f32;
        let x = ((centre[0] - self.origin[0]) as f32 * scale) as usize;
        let y = ((centre[1] - self.origin[1]) as f32 * scale) as usize;
        let (low, high) = (x.saturating_sub(1), (x + 1).min(self.columns - 1));
        let rows = y.saturating_sub(1)..=(y + 1).min(self.rows - 1);
        rows.map(move |row| {
            let row = row * self.columns;
            (
                self.starts[row + low] as usize,
                self.starts[row + high + 1] as usize,
            )
        })
    }

    fn scan_with(&self, [cx, cy, cz]: [i32; 3], out: &mut [u32]) -> usize {
        let limit = self.edge as f32 * self.edge as f32;
        let mut found = 0;
        for (start, end) in self.runs([cx, cy, cz]) {
            for at in start..end {
                let (dx, dy, dz) = (self.x[at] - cx, self.y[at] - cy, self.z[at] - cz);
                let (dx, dy, dz) = (dx as f32, dy as f32, dz as f32);
                out[found] = self.row[at];
                found += usize::from(dx * dx + dy * dy + dz * dz <= limit);
            }
        }
        found
    }

    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL; `out` has room for all rows and a vector.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi1,bmi2")]
    unsafe fn scan_avx512(&self, centre: [i32; 3], out: *mut u32) -> usize {
        let [cx, cy, cz] = centre.map(|c| _mm512_set1_epi32(c));
        let limit = _mm512_set1_ps(self.edge as f32 * self.edge as f32);
        let mut found = 0;
        for (start, end) in self.runs(centre) {
            let mut at = start;
            while at < end {
                let left = end - at;
                let live = if left >= 16 { 0xffff } else { (1 << left) - 1 };
                // SAFETY: the columns have PAD entries after the last; `out` has room.
                unsafe {
                    let load = |column: *const i32| _mm512_loadu_si512(column.add(at).cast());
                    let dx = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(self.x.as_ptr()), cx));
                    let dy = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(self.y.as_ptr()), cy));
                    let dz = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(self.z.as_ptr()), cz));
                    let squared = _mm512_mul_ps(dx, dx);
                    let squared = _mm512_fmadd_ps(dy, dy, squared);
                    let squared = _mm512_fmadd_ps(dz, dz, squared);
                    let near = _mm512_mask_cmp_ps_mask::<_CMP_LE_OQ>(live, squared, limit);
                    let rows = _mm512_maskz_compress_epi32(near, load(self.row.as_ptr().cast()));
                    _mm512_storeu_si512(out.add(found).cast(), rows);
                    found += near.count_ones() as usize;
                }
                at += 16;
            }
        }
        found
    }
}

/// The places of a battle, and a scan that already knows how far the k-th nearest is: what any
/// selection has to do at least.
#[derive(Debug)]
pub struct KnownThreshold {
    x: Vec<i32>,
    y: Vec<i32>,
    z: Vec<i32>,
}

impl KnownThreshold {
    /// Copies the places, with room for a vector after them that is far from everything.
    #[must_use]
    pub fn new(field: &Field) -> Self {
        let padded = |column: &[i32]| {
            let far = std::iter::repeat_n(1 << 30, PAD);
            column.iter().copied().chain(far).collect()
        };
        Self {
            x: padded(&field.x),
            y: padded(&field.y),
            z: padded(&field.z),
        }
    }

    /// The square of the distance of the k-th nearest.
    #[must_use]
    pub fn threshold(&self, centre: [i32; 3], k: usize) -> f32 {
        let ships = self.x.len() - PAD;
        let mut squares: Vec<f32> = (0..ships).map(|at| self.square(centre, at)).collect();
        squares.sort_by(f32::total_cmp);
        squares[k - 1]
    }

    fn square(&self, centre: [i32; 3], at: usize) -> f32 {
        let place = [self.x[at], self.y[at], self.z[at]];
        (0..3)
            .map(|axis| (place[axis] - centre[axis]) as f32)
            .map(|difference| difference * difference)
            .sum()
    }

    /// The rows under the threshold.
    pub fn scan(&self, centre: [i32; 3], threshold: f32, out: &mut [u32]) -> usize {
        assert!(out.len() >= self.x.len(), "room for all rows and a vector");
        #[cfg(target_arch = "x86_64")]
        if has_avx512() {
            // SAFETY: the processor has AVX-512, and there is room.
            return unsafe { self.scan_avx512(centre, threshold, out.as_mut_ptr()) };
        }
        let mut found = 0;
        for at in 0..self.x.len() - PAD {
            out[found] = at as u32;
            found += usize::from(self.square(centre, at) <= threshold);
        }
        found
    }

    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL; `out` has room for all rows and a vector.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi1,bmi2")]
    unsafe fn scan_avx512(&self, centre: [i32; 3], threshold: f32, out: *mut u32) -> usize {
        let [cx, cy, cz] = centre.map(|c| _mm512_set1_epi32(c));
        let limit = _mm512_set1_ps(threshold);
        let steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let (mut found, mut at) = (0, 0);
        while at + PAD < self.x.len() {
            // SAFETY: the columns have PAD entries after the last ship; `out` has room.
            unsafe {
                let load = |column: &[i32]| _mm512_loadu_si512(column.as_ptr().add(at).cast());
                let dx = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(&self.x), cx));
                let dy = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(&self.y), cy));
                let dz = _mm512_cvtepi32_ps(_mm512_sub_epi32(load(&self.z), cz));
                let squared = _mm512_mul_ps(dx, dx);
                let squared = _mm512_fmadd_ps(dy, dy, squared);
                let squared = _mm512_fmadd_ps(dz, dz, squared);
                let near = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(squared, limit);
                let rows = _mm512_add_epi32(_mm512_set1_epi32(at as i32), steps);
                let rows = _mm512_maskz_compress_epi32(near, rows);
                _mm512_storeu_si512(out.add(found).cast(), rows);
                found += near.count_ones() as usize;
            }
            at += 16;
        }
        found
    }
}

#[cfg(test)]
mod tests;
