//! Instruction-set levels: which one runs (detected once at run time, or pinned by `DLRS_ISA`) and the vectors of each.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod doubles;
mod lanes;
mod portable;
mod simd;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use doubles::{Doubles, Eight};
pub use lanes::{Double, Kernel, Lanes, Real};
pub use portable::Portable;
pub use simd::Simd;

/// An instruction-set level that this machine supports. It can only be had through detection, so holding one proves support.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Isa(Level);

/// The levels, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Lane arrays that any target compiles.
    Portable,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Isa {
    /// The level in use: the one that `DLRS_ISA` names, else the best that the machine supports.
    pub fn current() -> Isa {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::requested().unwrap_or_else(|_| Self::best()))
    }

    /// The level that `DLRS_ISA` (`portable`, `avx2`, `avx512`) asks for; the best one if it is not set.
    ///
    /// # Errors
    /// A message, when it names no level or one that this machine does not support.
    pub fn requested() -> Result<Isa, String> {
        let Ok(name) = std::env::var("DLRS_ISA") else { return Ok(Self::best()) };
        let found = Self::supported().into_iter().find(|isa| isa.0.name() == name);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::supported().iter().map(|isa| isa.0.name()).collect();
            format!("DLRS_ISA is {name:?}; this machine supports {}", names.join(", "))
        })
    }

    fn best() -> Isa {
        *Self::supported().last().expect("the portable level is always there")
    }

    /// Every level that this machine supports, weakest first.
    pub fn supported() -> Vec<Isa> {
        let mut levels = vec![Isa(Level::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Isa(Level::Avx2));
                if ["avx512f", "avx512bw", "avx512dq", "avx512vl"].iter().all(|f| detected(f)) {
                    levels.push(Isa(Level::Avx512));
                }
            }
        }
        levels
    }

    /// The level.
    pub fn level(self) -> Level {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
fn detected(feature: &str) -> bool {
    match feature {
        "avx512f" => is_x86_feature_detected!("avx512f"),
        "avx512bw" => is_x86_feature_detected!("avx512bw"),
        "avx512dq" => is_x86_feature_detected!("avx512dq"),
        "avx512vl" => is_x86_feature_detected!("avx512vl"),
        _ => false,
    }
}

/// Fetches the line at `p`, which may be any address, into L2.
#[inline(always)]
pub(crate) fn prefetch_l2(p: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch may name any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// Fetches the line at `p`, which may be any address, into L1.
#[inline(always)]
pub(crate) fn prefetch_at(p: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch may name any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// Fetches the line of `x` into L1.
#[inline(always)]
pub(crate) fn prefetch_l1<T>(x: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch may name any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(x).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

impl Level {
    /// The level's name, as `DLRS_ISA` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }
}
