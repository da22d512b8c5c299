//! The operations on vectors that the scans need, as one trait: for AVX-512, for AVX2, for SSE2,
//! which every x86-64 has, and in plain Rust for other processors.

use crate::index::walk::{BlockReader, Walk};

/// Lanes of 32 bits, `COUNT` of them.
///
/// Every method's safety: the processor has the implementation's instructions, and a pointer is
/// valid for `COUNT` reads or writes (aligned or not). They are inlined into functions that
/// enable the instructions, which is where they become single instructions.
pub(crate) trait Lanes: Copy {
    /// Lanes, at most 16.
    const COUNT: usize;
    /// The mask of all lanes.
    const ALL: u32 = ((1u64 << Self::COUNT) - 1) as u32;
    type Int: Copy;
    type Float: Copy;

    unsafe fn splat_int(value: i32) -> Self::Int;
    unsafe fn splat_float(value: f32) -> Self::Float;
    unsafe fn load_int(from: *const i32) -> Self::Int;
    unsafe fn load_rows(from: *const u32) -> Self::Int;
    unsafe fn load_float(from: *const f32) -> Self::Float;
    /// (a − b) modulo 2³², then rounded to `f32`.
    unsafe fn sub_to_float(a: Self::Int, b: Self::Int) -> Self::Float;
    unsafe fn square(a: Self::Float) -> Self::Float;
    /// sum + a². May round once or twice: the callers allow for either.
    unsafe fn add_square(sum: Self::Float, a: Self::Float) -> Self::Float;
    /// Bit i: a ≤ b in lane i.
    unsafe fn at_most(a: Self::Float, b: Self::Float) -> u32;
    /// As `at_most`, and the largest so far together with those of `a` that are at most `b`.
    unsafe fn sieve(a: Self::Float, b: Self::Float, largest: Self::Float) -> (u32, Self::Float);
    /// Bit i: position >> shift = cell in lane i.
    unsafe fn cells_equal(positions: Self::Int, shift: u32, cell: i32) -> u32;
    /// Writes the lanes of the mask one after the other, and anything after them.
    unsafe fn compress_rows(to: *mut u32, rows: Self::Int, mask: u32);
    /// Writes the lanes of the mask one after the other, and anything after them.
    unsafe fn compress_floats(to: *mut f32, values: Self::Float, mask: u32);
    /// Leads the reader through blocks of `COUNT` entries.
    fn lead<W: Walk, R: BlockReader>(walk: W, reader: &mut R);
}

/// Writes the values of the mask one after the other, and anything after them.
///
/// # Safety
/// The pointer is valid for 8 writes.
#[inline(always)]
unsafe fn store_kept<T: Copy>(to: *mut T, values: [T; 8], mask: u32) {
    let mut kept = 0;
    for (i, value) in values.into_iter().enumerate() {
        // Written in any case, kept if wanted: a wrong guess costs more than the store.
        // SAFETY: at most `i` were kept before, and `i` is below 8.
        unsafe { to.add(kept).write(value) };
        kept += (mask >> i & 1) as usize;
    }
}

/// 8 lanes of plain Rust.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
pub(crate) struct Plain;

/// The lanes of [`Plain`].
#[cfg(any(test, not(target_arch = "x86_64")))]
const WIDTH: usize = 8;

// SAFETY of every block below: the trait's contract, which the caller keeps; no instructions are
// needed.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one contract for all methods, stated at the trait and above"
)]
impl Lanes for Plain {
    const COUNT: usize = WIDTH;
    type Int = [i32; WIDTH];
    type Float = [f32; WIDTH];

    #[inline(always)]
    unsafe fn splat_int(value: i32) -> [i32; WIDTH] {
        [value; WIDTH]
    }
    #[inline(always)]
    unsafe fn splat_float(value: f32) -> [f32; WIDTH] {
        [value; WIDTH]
    }
    #[inline(always)]
    unsafe fn load_int(from: *const i32) -> [i32; WIDTH] {
        unsafe { from.cast::<[i32; WIDTH]>().read() }
    }
    #[inline(always)]
    unsafe fn load_rows(from: *const u32) -> [i32; WIDTH] {
        unsafe { from.cast::<[i32; WIDTH]>().read() }
    }
    #[inline(always)]
    unsafe fn load_float(from: *const f32) -> [f32; WIDTH] {
        unsafe { from.cast::<[f32; WIDTH]>().read() }
    }
    #[inline(always)]
    unsafe fn sub_to_float(a: [i32; WIDTH], b: [i32; WIDTH]) -> [f32; WIDTH] {
        let mut differences = [0.0; WIDTH];
        for i in 0..WIDTH {
            differences[i] = a[i].wrapping_sub(b[i]) as f32;
        }
        differences
    }
    #[inline(always)]
    unsafe fn square(a: [f32; WIDTH]) -> [f32; WIDTH] {
        a.map(|a| a * a)
    }
    #[inline(always)]
    unsafe fn add_square(sum: [f32; WIDTH], a: [f32; WIDTH]) -> [f32; WIDTH] {
        let mut sums = sum;
        for i in 0..WIDTH {
            sums[i] += a[i] * a[i];
        }
        sums
    }
    #[inline(always)]
    unsafe fn at_most(a: [f32; WIDTH], b: [f32; WIDTH]) -> u32 {
        let mut mask = 0;
        for i in 0..WIDTH {
            mask |= u32::from(a[i] <= b[i]) << i;
        }
        mask
    }
    #[inline(always)]
    unsafe fn sieve(
        a: [f32; WIDTH],
        b: [f32; WIDTH],
        largest: [f32; WIDTH],
    ) -> (u32, [f32; WIDTH]) {
        let mut kept = largest;
        for i in 0..WIDTH {
            let under = if a[i] <= b[i] { a[i] } else { 0.0 };
            kept[i] = if under > kept[i] { under } else { kept[i] };
        }
        (unsafe { Self::at_most(a, b) }, kept)
    }
    #[inline(always)]
    unsafe fn cells_equal(positions: [i32; WIDTH], shift: u32, cell: i32) -> u32 {
        let mut mask = 0;
        for (i, position) in positions.into_iter().enumerate() {
            mask |= u32::from(position >> shift == cell) << i;
        }
        mask
    }
    #[inline(always)]
    unsafe fn compress_rows(to: *mut u32, rows: [i32; WIDTH], mask: u32) {
        unsafe { store_kept(to, rows.map(|row| row as u32), mask) };
    }
    #[inline(always)]
    unsafe fn compress_floats(to: *mut f32, values: [f32; WIDTH], mask: u32) {
        unsafe { store_kept(to, values, mask) };
    }
    #[inline(always)]
    fn lead<W: Walk, R: BlockReader>(walk: W, reader: &mut R) {
        walk.blocks::<WIDTH, R>(reader);
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Sse2};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BlockReader, Lanes, Walk, store_kept};
    use std::arch::x86_64::*;

    /// 8 lanes in two registers; every x86-64 has what it needs.
    #[derive(Clone, Copy)]
    pub(crate) struct Sse2;

    /// 8 lanes; needs AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    /// 16 lanes; needs AVX-512 F, BW, DQ, VL.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    /// For each mask of 8 lanes the lane numbers of its bits, then zeros: AVX2 cannot compress.
    static COMPRESS: [[u32; 8]; 256] = compress_table();

    const fn compress_table() -> [[u32; 8]; 256] {
        let mut table = [[0; 8]; 256];
        let mut mask = 0;
        while mask < 256 {
            let (mut lane, mut at) = (0, 0);
            while lane < 8 {
                if mask >> lane & 1 == 1 {
                    table[mask][at] = lane;
                    at += 1;
                }
                lane += 1;
            }
            mask += 1;
        }
        table
    }

    // SAFETY of every block below: the trait's contract, which the caller keeps.
    #[allow(
        clippy::undocumented_unsafe_blocks,
        reason = "one contract for all methods, stated at the trait and above"
    )]
    impl Lanes for Sse2 {
        const COUNT: usize = 8;
        type Int = [__m128i; 2];
        type Float = [__m128; 2];

        #[inline(always)]
        unsafe fn splat_int(value: i32) -> [__m128i; 2] {
            unsafe { [_mm_set1_epi32(value); 2] }
        }
        #[inline(always)]
        unsafe fn splat_float(value: f32) -> [__m128; 2] {
            unsafe { [_mm_set1_ps(value); 2] }
        }
        #[inline(always)]
        unsafe fn load_int(from: *const i32) -> [__m128i; 2] {
            unsafe {
                [
                    _mm_loadu_si128(from.cast()),
                    _mm_loadu_si128(from.add(4).cast()),
                ]
            }
        }
        #[inline(always)]
        unsafe fn load_rows(from: *const u32) -> [__m128i; 2] {
            unsafe {
                [
                    _mm_loadu_si128(from.cast()),
                    _mm_loadu_si128(from.add(4).cast()),
                ]
            }
        }
        #[inline(always)]
        unsafe fn load_float(from: *const f32) -> [__m128; 2] {
            unsafe { [_mm_loadu_ps(from), _mm_loadu_ps(from.add(4))] }
        }
        #[inline(always)]
        unsafe fn sub_to_float(a: [__m128i; 2], b: [__m128i; 2]) -> [__m128; 2] {
            let one = |i: usize| unsafe { _mm_cvtepi32_ps(_mm_sub_epi32(a[i], b[i])) };
            [one(0), one(1)]
        }
        #[inline(always)]
        unsafe fn square(a: [__m128; 2]) -> [__m128; 2] {
            unsafe { [_mm_mul_ps(a[0], a[0]), _mm_mul_ps(a[1], a[1])] }
        }
        #[inline(always)]
        unsafe fn add_square(sum: [__m128; 2], a: [__m128; 2]) -> [__m128; 2] {
            let one = |i: usize| unsafe { _mm_add_ps(sum[i], _mm_mul_ps(a[i], a[i])) };
            [one(0), one(1)]
        }
        #[inline(always)]
        unsafe fn at_most(a: [__m128; 2], b: [__m128; 2]) -> u32 {
            let one = |i: usize| unsafe { _mm_movemask_ps(_mm_cmple_ps(a[i], b[i])) as u32 };
            one(0) | one(1) << 4
        }
        #[inline(always)]
        unsafe fn sieve(
            a: [__m128; 2],
            b: [__m128; 2],
            largest: [__m128; 2],
        ) -> (u32, [__m128; 2]) {
            let one = |i: usize| unsafe {
                let under = _mm_cmple_ps(a[i], b[i]);
                // What is not under counts as zero.
                let largest = _mm_max_ps(largest[i], _mm_and_ps(under, a[i]));
                (_mm_movemask_ps(under) as u32, largest)
            };
            let (low, high) = (one(0), one(1));
            (low.0 | high.0 << 4, [low.1, high.1])
        }
        #[inline(always)]
        unsafe fn cells_equal(positions: [__m128i; 2], shift: u32, cell: i32) -> u32 {
            let one = |i: usize| unsafe {
                let cells = _mm_sra_epi32(positions[i], _mm_cvtsi32_si128(shift as i32));
                let equal = _mm_cmpeq_epi32(cells, _mm_set1_epi32(cell));
                _mm_movemask_ps(_mm_castsi128_ps(equal)) as u32
            };
            one(0) | one(1) << 4
        }
        #[inline(always)]
        unsafe fn compress_rows(to: *mut u32, rows: [__m128i; 2], mask: u32) {
            unsafe {
                let rows: [u32; 8] = std::mem::transmute(rows);
                store_kept(to, rows, mask);
            }
        }
        #[inline(always)]
        unsafe fn compress_floats(to: *mut f32, values: [__m128; 2], mask: u32) {
            unsafe {
                let values: [f32; 8] = std::mem::transmute(values);
                store_kept(to, values, mask);
            }
        }
        #[inline(always)]
        fn lead<W: Walk, R: BlockReader>(walk: W, reader: &mut R) {
            walk.blocks::<8, R>(reader);
        }
    }

    // SAFETY of every block below: the trait's contract, which the caller keeps.
    #[allow(
        clippy::undocumented_unsafe_blocks,
        reason = "one contract for all methods, stated at the trait and above"
    )]
    impl Lanes for Avx2 {
        const COUNT: usize = 8;
        type Int = __m256i;
        type Float = __m256;

        #[inline(always)]
        unsafe fn splat_int(value: i32) -> __m256i {
            unsafe { _mm256_set1_epi32(value) }
        }
        #[inline(always)]
        unsafe fn splat_float(value: f32) -> __m256 {
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load_int(from: *const i32) -> __m256i {
            unsafe { _mm256_loadu_si256(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_rows(from: *const u32) -> __m256i {
            unsafe { _mm256_loadu_si256(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_float(from: *const f32) -> __m256 {
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn sub_to_float(a: __m256i, b: __m256i) -> __m256 {
            unsafe { _mm256_cvtepi32_ps(_mm256_sub_epi32(a, b)) }
        }
        #[inline(always)]
        unsafe fn square(a: __m256) -> __m256 {
            unsafe { _mm256_mul_ps(a, a) }
        }
        #[inline(always)]
        unsafe fn add_square(sum: __m256, a: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, a, sum) }
        }
        #[inline(always)]
        unsafe fn at_most(a: __m256, b: __m256) -> u32 {
            unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b)) as u32 }
        }
        #[inline(always)]
        unsafe fn sieve(a: __m256, b: __m256, largest: __m256) -> (u32, __m256) {
            unsafe {
                let under = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
                // What is not under counts as zero.
                let largest = _mm256_max_ps(largest, _mm256_and_ps(under, a));
                (_mm256_movemask_ps(under) as u32, largest)
            }
        }
        #[inline(always)]
        unsafe fn cells_equal(positions: __m256i, shift: u32, cell: i32) -> u32 {
            unsafe {
                let cells = _mm256_sra_epi32(positions, _mm_cvtsi32_si128(shift as i32));
                let equal = _mm256_cmpeq_epi32(cells, _mm256_set1_epi32(cell));
                _mm256_movemask_ps(_mm256_castsi256_ps(equal)) as u32
            }
        }
        #[inline(always)]
        unsafe fn compress_rows(to: *mut u32, rows: __m256i, mask: u32) {
            unsafe {
                let order = _mm256_loadu_si256(COMPRESS[mask as usize & 255].as_ptr().cast());
                _mm256_storeu_si256(to.cast(), _mm256_permutevar8x32_epi32(rows, order));
            }
        }
        #[inline(always)]
        unsafe fn compress_floats(to: *mut f32, values: __m256, mask: u32) {
            unsafe {
                let order = _mm256_loadu_si256(COMPRESS[mask as usize & 255].as_ptr().cast());
                _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(values, order));
            }
        }
        #[inline(always)]
        fn lead<W: Walk, R: BlockReader>(walk: W, reader: &mut R) {
            walk.blocks::<8, R>(reader);
        }
    }

    // SAFETY of every block below: the trait's contract, which the caller keeps.
    #[allow(
        clippy::undocumented_unsafe_blocks,
        reason = "one contract for all methods, stated at the trait and above"
    )]
    impl Lanes for Avx512 {
        const COUNT: usize = 16;
        type Int = __m512i;
        type Float = __m512;

        #[inline(always)]
        unsafe fn splat_int(value: i32) -> __m512i {
            unsafe { _mm512_set1_epi32(value) }
        }
        #[inline(always)]
        unsafe fn splat_float(value: f32) -> __m512 {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load_int(from: *const i32) -> __m512i {
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_rows(from: *const u32) -> __m512i {
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_float(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn sub_to_float(a: __m512i, b: __m512i) -> __m512 {
            unsafe { _mm512_cvtepi32_ps(_mm512_sub_epi32(a, b)) }
        }
        #[inline(always)]
        unsafe fn square(a: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, a) }
        }
        #[inline(always)]
        unsafe fn add_square(sum: __m512, a: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, a, sum) }
        }
        #[inline(always)]
        unsafe fn at_most(a: __m512, b: __m512) -> u32 {
            unsafe { u32::from(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b)) }
        }
        #[inline(always)]
        unsafe fn sieve(a: __m512, b: __m512, largest: __m512) -> (u32, __m512) {
            unsafe {
                let under = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
                let largest = _mm512_mask_max_ps(largest, under, largest, a);
                (u32::from(under), largest)
            }
        }
        #[inline(always)]
        unsafe fn cells_equal(positions: __m512i, shift: u32, cell: i32) -> u32 {
            unsafe {
                let cells = _mm512_sra_epi32(positions, _mm_cvtsi32_si128(shift as i32));
                u32::from(_mm512_cmpeq_epi32_mask(cells, _mm512_set1_epi32(cell)))
            }
        }
        #[inline(always)]
        unsafe fn compress_rows(to: *mut u32, rows: __m512i, mask: u32) {
            // In a register and stored whole: the compressing store is slow on some processors.
            unsafe {
                let packed = _mm512_maskz_compress_epi32(mask as u16, rows);
                _mm512_storeu_si512(to.cast(), packed);
            }
        }
        #[inline(always)]
        unsafe fn compress_floats(to: *mut f32, values: __m512, mask: u32) {
            unsafe { _mm512_storeu_ps(to, _mm512_maskz_compress_ps(mask as u16, values)) }
        }
        #[inline(always)]
        fn lead<W: Walk, R: BlockReader>(walk: W, reader: &mut R) {
            walk.blocks::<16, R>(reader);
        }
    }
}
