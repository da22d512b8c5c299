//! Which instructions the scans use: chosen once per index, at run time.

/// A set of instructions for the inner loops. The results are the same bits on all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// What every processor of the architecture has: SSE2 on x86-64, plain Rust elsewhere. Also runs
    /// under an emulator that counts instructions.
    Portable,
    /// 8 lanes: AVX2, FMA, BMI and POPCNT.
    Avx2,
    /// 16 lanes: AVX-512 F, BW, DQ, VL, and what [`Path::Avx2`] needs.
    Avx512,
}

impl Path {
    /// All paths, slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The fastest path that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        if Self::Avx512.is_available() {
            Self::Avx512
        } else if Self::Avx2.is_available() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// This path if the processor has it, else the portable one.
    #[must_use]
    pub fn or_portable(self) -> Self {
        if self.is_available() {
            self
        } else {
            Self::Portable
        }
    }

    /// Whether this processor has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && Self::Avx2.is_available()
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}
