//! The two 16-bit floating-point types. They are stored, never computed with: every conversion rounds to nearest, ties to even.

/// IEEE 754 half precision: 5 bits of exponent, 10 of fraction.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
#[repr(transparent)]
pub struct F16(pub u16);

/// The upper half of an IEEE single: 8 bits of exponent, 7 of fraction.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
#[repr(transparent)]
pub struct BF16(pub u16);

const SIGN: u32 = 1 << 31;

impl F16 {
    /// The nearest half to `x`; the scheme is Fabian Giesen's (float->half variants, 2012).
    #[inline(always)]
    pub fn from_f32(x: f32) -> F16 {
        let sign = x.to_bits() & SIGN;
        let abs = x.to_bits() ^ sign;
        let half = if abs >= 0x4780_0000 {
            // From 2¹⁶ on: infinity, or a quiet NaN.
            if abs > 0x7f80_0000 { 0x7e00 | (abs >> 13) & 0x3ff } else { 0x7c00 }
        } else if abs < 0x3880_0000 {
            // Below the smallest normal half, 2⁻¹⁴: adding ½ leaves the fraction, rounded, in the lowest bits.
            (f32::from_bits(abs) + 0.5).to_bits() - 0.5f32.to_bits()
        } else {
            // The exponent's bias goes from 127 to 15; a carry out of the rounded fraction is right to raise the exponent.
            abs.wrapping_sub((127 - 15) << 23).wrapping_add(0xfff + (abs >> 13 & 1)) >> 13
        };
        F16((sign >> 16 | half) as u16)
    }

    /// The nearest half to `x`.
    #[inline(always)]
    pub fn from_f64(x: f64) -> F16 {
        Self::from_f32(to_odd(x))
    }

    /// The number itself: every half is a single.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        let sign = u32::from(self.0 & 0x8000) << 16;
        let abs = u32::from(self.0 & 0x7fff) << 13;
        // Multiplying by 2¹¹² moves the exponent's bias, also of subnormal halves.
        let finite = (f32::from_bits(abs) * f32::from_bits((127 + 112) << 23)).to_bits();
        let bits = if abs >= 0x7c00 << 13 { abs | 0xff << 23 } else { finite };
        f32::from_bits(sign | bits)
    }
}

impl BF16 {
    /// The nearest brain float to `x`.
    #[inline(always)]
    pub fn from_f32(x: f32) -> BF16 {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        // Rounding could carry a NaN's fraction away: it is made quiet instead.
        BF16(if x.is_nan() { (bits >> 16 | 0x40) as u16 } else { rounded as u16 })
    }

    /// The nearest brain float to `x`.
    #[inline(always)]
    pub fn from_f64(x: f64) -> BF16 {
        Self::from_f32(to_odd(x))
    }

    /// The number itself: every brain float is a single.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// `x` as a single, truncated, with the lowest bit set if anything was lost. Rounding that once more to a type with two bits
/// less or fewer gives what rounding `x` itself gives (Boldo and Melquiond, "Emulation of a FMA", 2008).
#[inline(always)]
fn to_odd(x: f64) -> f32 {
    let nearest = x as f32;
    let exact = f64::from(nearest) == x;
    let past = f64::from(nearest).abs() > x.abs();
    let bits = nearest.to_bits() - u32::from(past);
    f32::from_bits(if exact { bits } else { bits | 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The half nearest to `x`, found by looking at all of them.
    fn nearest(x: f64, value: impl Fn(u16) -> f64, infinity: u16, overflow: f64) -> u16 {
        let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
        if x.abs() >= overflow {
            return sign | infinity;
        }
        let error = |h: u16| (value(h) - x.abs()).abs();
        let below = (0..infinity).collect::<Vec<_>>().partition_point(|&h| value(h) <= x.abs()) as u16 - 1;
        let above = below + 1;
        let best = match error(below).total_cmp(&error(above)) {
            _ if above == infinity => below,
            std::cmp::Ordering::Less => below,
            std::cmp::Ordering::Greater => above,
            std::cmp::Ordering::Equal => below + (below & 1),
        };
        sign | best
    }

    fn samples() -> impl Iterator<Item = f64> {
        let spread = (0..600u64).map(|i| {
            let bits = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let fraction = 1.0 + (bits >> 12) as f64 / (1u64 << 52) as f64;
            (fraction * 2f64.powi((i % 44) as i32 - 27)).copysign(if i % 3 == 0 { -1.0 } else { 1.0 })
        });
        // On, just below and just above ties, also ties that only f64 resolves.
        let ties = [1.0, 1.5, 3.0, 2f64.powi(-15), 2f64.powi(-24), 1000.0].into_iter().flat_map(|x: f64| {
            [2f64.powi(-11), 2f64.powi(-10), 2f64.powi(-8), 2f64.powi(-9)]
                .into_iter()
                .flat_map(move |u| [0.0, 1e-12, -1e-12].map(|e| x * (1.0 + u + e)))
        });
        spread.chain(ties).chain([0.0, -0.0, 65504.0, 65519.9, 65520.0, 1e6, -1e300, f64::INFINITY, 2f64.powi(-25)])
    }

    #[test]
    fn every_half_is_itself() {
        for bits in 0..=u16::MAX {
            let x = F16(bits).to_f32();
            if x.is_nan() {
                assert!(F16::from_f32(x).to_f32().is_nan() && bits & 0x7fff > 0x7c00);
            } else {
                assert_eq!(F16::from_f32(x), F16(bits));
                assert_eq!(F16::from_f64(x.into()), F16(bits));
            }
            let x = BF16(bits).to_f32();
            assert!(if x.is_nan() { BF16::from_f32(x).to_f32().is_nan() } else { BF16::from_f32(x) == BF16(bits) });
        }
        assert_eq!(F16(0x3c01).to_f32(), 1.0 + 2f32.powi(-10));
        assert_eq!(F16(0x0001).to_f32(), 2f32.powi(-24));
        assert_eq!(BF16(0x3f81).to_f32(), 1.0 + 2f32.powi(-7));
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_even() {
        for x in samples() {
            let half = nearest(x, |h| F16(h).to_f32().into(), 0x7c00, 65520.0);
            assert_eq!(F16::from_f64(x), F16(half), "{x}");
            let x = f64::from(x as f32);
            let half = nearest(x, |h| F16(h).to_f32().into(), 0x7c00, 65520.0);
            assert_eq!(F16::from_f32(x as f32), F16(half), "{x}");
            if x.abs() < 1e30 {
                let brain = nearest(x, |h| BF16(h).to_f32().into(), 0x7f80, 3.4e38);
                assert_eq!((BF16::from_f32(x as f32), BF16::from_f64(x)), (BF16(brain), BF16(brain)), "{x}");
            }
        }
        assert_eq!(BF16::from_f64(1e300), BF16(0x7f80));
        assert!(F16::from_f64(f64::NAN).to_f32().is_nan() && BF16::from_f64(f64::NAN).to_f32().is_nan());
    }
}
