//! Operations that are too seldom used to have vector kernels: a function of one or two numbers each. Single precision computes
//! them in double precision and rounds once.

use super::opcode::{BinaryOp, UnaryOp};
use crate::math::{double, special};

/// The operation on double precision.
pub(super) fn unary(op: UnaryOp) -> fn(f64) -> f64 {
    match op {
        UnaryOp::Asin => f64::asin,
        UnaryOp::Acos => f64::acos,
        UnaryOp::Atan => f64::atan,
        UnaryOp::Tan => f64::tan,
        UnaryOp::Sinh => f64::sinh,
        UnaryOp::Cosh => f64::cosh,
        UnaryOp::Asinh => f64::asinh,
        UnaryOp::Acosh => double::acosh,
        UnaryOp::Atanh => f64::atanh,
        UnaryOp::Cbrt => f64::cbrt,
        UnaryOp::Exp2 => f64::exp2,
        UnaryOp::Log2 => f64::log2,
        UnaryOp::Log10 => f64::log10,
        UnaryOp::Erfc => special::erfc,
        UnaryOp::Erfinv => special::erfinv,
        UnaryOp::BesselI0 => special::i0,
        UnaryOp::BesselI1 => special::i1,
        UnaryOp::Trunc => f64::trunc,
        UnaryOp::SignBit => |x| f64::from(u8::from(x.is_sign_negative())),
        op => unreachable!("{op:?} has a kernel of its own"),
    }
}

/// The operation on double precision.
pub(super) fn binary(op: BinaryOp) -> fn(f64, f64) -> f64 {
    match op {
        BinaryOp::Fmod => |a, b| a % b,
        BinaryOp::Atan2 => f64::atan2,
        BinaryOp::Hypot => f64::hypot,
        BinaryOp::NextAfter => next_after_f64,
        op => unreachable!("{op:?} has a kernel of its own or is not defined on floats"),
    }
}

/// The operation on single precision.
pub(super) fn binary_f32(op: BinaryOp) -> impl Fn(f32, f32) -> f32 {
    let wide = if op == BinaryOp::NextAfter { None } else { Some(binary(op)) };
    move |a, b| match wide {
        Some(f) => f(a.into(), b.into()) as f32,
        None => next_after_f32(a, b),
    }
}

macro_rules! next_after {
    ($name:ident, $t:ident) => {
        fn $name(a: $t, b: $t) -> $t {
            if a.is_nan() || b.is_nan() {
                return $t::NAN;
            }
            match a.total_cmp(&b) {
                _ if a == b => b,
                std::cmp::Ordering::Less => a.next_up(),
                _ => a.next_down(),
            }
        }
    };
}
next_after!(next_after_f32, f32);
next_after!(next_after_f64, f64);

macro_rules! integers {
    ($name:ident, $t:ident, $abs:expr) => {
        /// The operation on integers. Shifts by as many bits as there are, or by negative numbers, leave nothing but the sign.
        pub(super) fn $name(op: BinaryOp) -> fn($t, $t) -> $t {
            const BITS: u64 = $t::BITS as u64;
            match op {
                BinaryOp::BitAnd => |a, b| a & b,
                BinaryOp::BitOr => |a, b| a | b,
                BinaryOp::BitXor => |a, b| a ^ b,
                BinaryOp::ShiftLeft => |a, b| if (b as u64) < BITS { a << b } else { 0 },
                BinaryOp::ShiftRight => |a, b| a >> (b as u64).min(BITS - 1) >> u64::from(b as u64 >= BITS),
                BinaryOp::Gcd => |a, b| gcd($abs(a) as u64, $abs(b) as u64) as $t,
                BinaryOp::Lcm => |a, b| match gcd($abs(a) as u64, $abs(b) as u64) {
                    0 => 0,
                    divisor => ($abs(a) as u64 / divisor).wrapping_mul($abs(b) as u64) as $t,
                },
                BinaryOp::Fmod => |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) },
                op => unreachable!("{op:?} was refused on integers, or has a kernel of its own"),
            }
        }
    };
}
integers!(integers_i32, i32, i32::unsigned_abs);
integers!(integers_i64, i64, i64::unsigned_abs);
integers!(integers_u64, u64, std::convert::identity);

/// Euclid's algorithm.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
