//! The operations one element at a time: what f64 and the integers run.

use std::ops::{Add, Div, Rem, Sub};

use super::convert::round_trip;
use super::opcode::{BinaryOp, UnaryOp};
use super::rare;
use super::run::{Compute, Operand};
use crate::isa::Isa;
use crate::math::double;
use crate::mem::DType;

#[inline(always)]
pub(super) unsafe fn map<T: Copy>(n: usize, a: Operand<T>, y: *mut T, f: impl Fn(T) -> T) {
    // SAFETY: the caller vouches for n elements of a and at y.
    (0..n).for_each(|i| unsafe { y.add(i).write(f(*a.ptr.add(i & a.mask))) });
}

#[inline(always)]
pub(super) unsafe fn map2<T: Copy>(n: usize, a: Operand<T>, b: Operand<T>, y: *mut T, f: impl Fn(T, T) -> T) {
    // SAFETY: the caller vouches for n elements of a and b and at y.
    (0..n).for_each(|i| unsafe { y.add(i).write(f(*a.ptr.add(i & a.mask), *b.ptr.add(i & b.mask))) });
}

#[inline(always)]
pub(super) unsafe fn map3<T: Copy>(
    n: usize,
    a: Operand<T>,
    b: Operand<T>,
    c: Operand<T>,
    y: *mut T,
    f: impl Fn(T, T, T) -> T,
) {
    // SAFETY: the caller vouches for n elements of a, b and c and at y.
    (0..n).for_each(|i| unsafe {
        y.add(i).write(f(*a.ptr.add(i & a.mask), *b.ptr.add(i & b.mask), *c.ptr.add(i & c.mask)));
    });
}

/// What floats and integers do differently.
pub(super) trait Arithmetic: Copy + PartialOrd + Default {
    const ONE: Self;
    fn unary(op: UnaryOp) -> fn(Self) -> Self;
    fn rare(op: BinaryOp) -> fn(Self, Self) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    fn floor_div(self, b: Self) -> Self;
    fn modulo(self, b: Self) -> Self;
    fn pow(self, b: Self) -> Self;
    fn max(self, b: Self) -> Self;
    fn min(self, b: Self) -> Self;

    #[inline(always)]
    fn truth(b: bool) -> Self {
        if b { Self::ONE } else { Self::default() }
    }
}

/// ⌊a/b⌋ as NumPy computes it: the remainder is taken off first, so that a = floor_div · b + modulo as closely as can be.
#[inline(always)]
pub(super) fn floor_div<T: Real>(a: T, b: T) -> T {
    if b == T::ZERO {
        return a / b;
    }
    let rest = a % b;
    let adjust = if rest != T::ZERO && (b < T::ZERO) != (rest < T::ZERO) { T::ONE } else { T::ZERO };
    let exact = (a - rest) / b - adjust;
    if exact == T::ZERO {
        return T::ZERO.copysign(a / b);
    }
    let floor = exact.floor();
    if exact - floor > T::HALF { floor + T::ONE } else { floor }
}

/// The remainder with the sign of b, as NumPy's `mod`.
#[inline(always)]
pub(super) fn modulo<T: Real>(a: T, b: T) -> T {
    let rest = a % b;
    if rest == T::ZERO {
        rest.copysign(b)
    } else if (b < T::ZERO) != (rest < T::ZERO) {
        rest + b
    } else {
        rest
    }
}

/// What floor division needs of a floating-point type.
pub(super) trait Real:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Div<Output = Self> + Rem<Output = Self>
{
    const ZERO: Self;
    const HALF: Self;
    const ONE: Self;
    fn floor(self) -> Self;
    fn copysign(self, sign: Self) -> Self;
}

macro_rules! real {
    ($t:ident) => {
        impl Real for $t {
            const ZERO: $t = 0.0;
            const HALF: $t = 0.5;
            const ONE: $t = 1.0;
            #[inline(always)]
            fn floor(self) -> $t {
                $t::floor(self)
            }
            #[inline(always)]
            fn copysign(self, sign: $t) -> $t {
                $t::copysign(self, sign)
            }
        }
    };
}
real!(f32);
real!(f64);

impl Arithmetic for f64 {
    const ONE: f64 = 1.0;

    fn unary(op: UnaryOp) -> fn(f64) -> f64 {
        match op {
            UnaryOp::Copy => |x| x,
            UnaryOp::Neg => |x| -x,
            UnaryOp::Abs => f64::abs,
            UnaryOp::Sign => |x| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    x
                }
            },
            UnaryOp::Exp => f64::exp,
            UnaryOp::Expm1 => f64::exp_m1,
            UnaryOp::Log => f64::ln,
            UnaryOp::Log1p => f64::ln_1p,
            UnaryOp::Sqrt => f64::sqrt,
            UnaryOp::Rsqrt => |x| 1.0 / x.sqrt(),
            UnaryOp::Square => |x| x * x,
            UnaryOp::Reciprocal => |x| 1.0 / x,
            UnaryOp::Tanh => f64::tanh,
            UnaryOp::Sigmoid => double::sigmoid,
            UnaryOp::Erf => double::erf,
            UnaryOp::Relu => |x| if x > 0.0 || x.is_nan() { x } else { 0.0 },
            UnaryOp::Sin => f64::sin,
            UnaryOp::Cos => f64::cos,
            UnaryOp::Floor => f64::floor,
            UnaryOp::Ceil => f64::ceil,
            UnaryOp::Round => f64::round_ties_even,
            UnaryOp::Softplus => double::softplus,
            UnaryOp::IsFinite => |x| Self::truth(x.is_finite()),
            UnaryOp::IsInf => |x| Self::truth(x.is_infinite()),
            UnaryOp::IsNan => |x| Self::truth(x.is_nan()),
            UnaryOp::LogicalNot => |x| Self::truth(x == 0.0),
            op => rare::unary(op),
        }
    }
    fn rare(op: BinaryOp) -> fn(f64, f64) -> f64 {
        rare::binary(op)
    }
    #[inline(always)]
    fn add(self, b: f64) -> f64 {
        self + b
    }
    #[inline(always)]
    fn sub(self, b: f64) -> f64 {
        self - b
    }
    #[inline(always)]
    fn mul(self, b: f64) -> f64 {
        self * b
    }
    #[inline(always)]
    fn div(self, b: f64) -> f64 {
        self / b
    }
    #[inline(always)]
    fn floor_div(self, b: f64) -> f64 {
        floor_div(self, b)
    }
    #[inline(always)]
    fn modulo(self, b: f64) -> f64 {
        modulo(self, b)
    }
    #[inline(always)]
    fn pow(self, b: f64) -> f64 {
        self.powf(b)
    }
    #[inline(always)]
    fn max(self, b: f64) -> f64 {
        if self.is_nan() || self > b { self } else { b }
    }
    #[inline(always)]
    fn min(self, b: f64) -> f64 {
        if self.is_nan() || self < b { self } else { b }
    }
}

macro_rules! integer_arithmetic {
    ($t:ident, $rare:path) => {
        impl Arithmetic for $t {
            const ONE: $t = 1;
            fn rare(op: BinaryOp) -> fn($t, $t) -> $t {
                $rare(op)
            }
            fn unary(op: UnaryOp) -> fn($t) -> $t {
                match op {
                    UnaryOp::Neg => $t::wrapping_neg,
                    UnaryOp::Abs => $t::wrapping_abs,
                    UnaryOp::Sign => $t::signum,
                    UnaryOp::Square => |x| x.wrapping_mul(x),
                    UnaryOp::Relu => |x| Ord::max(x, 0),
                    UnaryOp::Copy | UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc => |x| x,
                    UnaryOp::SignBit => |x| Self::truth(x < 0),
                    UnaryOp::IsFinite => |_| 1,
                    UnaryOp::IsInf | UnaryOp::IsNan => |_| 0,
                    UnaryOp::LogicalNot => |x| Self::truth(x == 0),
                    op => unreachable!("{op:?} was refused on integers when the program was built"),
                }
            }
            #[inline(always)]
            fn add(self, b: $t) -> $t {
                self.wrapping_add(b)
            }
            #[inline(always)]
            fn sub(self, b: $t) -> $t {
                self.wrapping_sub(b)
            }
            #[inline(always)]
            fn mul(self, b: $t) -> $t {
                self.wrapping_mul(b)
            }
            #[inline(always)]
            fn div(self, b: $t) -> $t {
                if b == 0 { 0 } else { self.wrapping_div(b) }
            }
            #[inline(always)]
            fn floor_div(self, b: $t) -> $t {
                if b == 0 {
                    return 0;
                }
                let quotient = self.wrapping_div(b);
                if self.wrapping_rem(b) != 0 && (self < 0) != (b < 0) { quotient - 1 } else { quotient }
            }
            #[inline(always)]
            fn modulo(self, b: $t) -> $t {
                if b == 0 {
                    return 0;
                }
                let rest = self.wrapping_rem(b);
                if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
            }
            fn pow(self, b: $t) -> $t {
                if b < 0 {
                    return match self {
                        1 => 1,
                        -1 if b % 2 == 0 => 1,
                        -1 => -1,
                        _ => 0,
                    };
                }
                let (mut power, mut base, mut rest) = (1, self, b);
                while rest > 0 {
                    if rest % 2 == 1 {
                        power = <$t>::wrapping_mul(power, base);
                    }
                    base = base.wrapping_mul(base);
                    rest /= 2;
                }
                power
            }
            #[inline(always)]
            fn max(self, b: $t) -> $t {
                Ord::max(self, b)
            }
            #[inline(always)]
            fn min(self, b: $t) -> $t {
                Ord::min(self, b)
            }
        }
    };
}
integer_arithmetic!(i32, rare::integers_i32);
integer_arithmetic!(i64, rare::integers_i64);

/// The one unsigned type that is computed in: the smaller ones fit int32 and int64.
impl Arithmetic for u64 {
    const ONE: u64 = 1;
    fn rare(op: BinaryOp) -> fn(u64, u64) -> u64 {
        rare::integers_u64(op)
    }
    fn unary(op: UnaryOp) -> fn(u64) -> u64 {
        match op {
            UnaryOp::Neg => u64::wrapping_neg,
            UnaryOp::Sign => |x| u64::from(x != 0),
            UnaryOp::Square => |x| x.wrapping_mul(x),
            UnaryOp::Abs | UnaryOp::Relu => |x| x,
            UnaryOp::Copy | UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc => |x| x,
            UnaryOp::IsFinite => |_| 1,
            UnaryOp::IsInf | UnaryOp::IsNan | UnaryOp::SignBit => |_| 0,
            UnaryOp::LogicalNot => |x| Self::truth(x == 0),
            op => unreachable!("{op:?} was refused on integers when the program was built"),
        }
    }
    #[inline(always)]
    fn add(self, b: u64) -> u64 {
        self.wrapping_add(b)
    }
    #[inline(always)]
    fn sub(self, b: u64) -> u64 {
        self.wrapping_sub(b)
    }
    #[inline(always)]
    fn mul(self, b: u64) -> u64 {
        self.wrapping_mul(b)
    }
    #[inline(always)]
    fn div(self, b: u64) -> u64 {
        self.checked_div(b).unwrap_or(0)
    }
    #[inline(always)]
    fn floor_div(self, b: u64) -> u64 {
        self.checked_div(b).unwrap_or(0)
    }
    #[inline(always)]
    fn modulo(self, b: u64) -> u64 {
        self.checked_rem(b).unwrap_or(0)
    }
    fn pow(self, b: u64) -> u64 {
        let (mut power, mut base, mut rest) = (1u64, self, b);
        while rest > 0 {
            if rest % 2 == 1 {
                power = power.wrapping_mul(base);
            }
            base = base.wrapping_mul(base);
            rest /= 2;
        }
        power
    }
    #[inline(always)]
    fn max(self, b: u64) -> u64 {
        Ord::max(self, b)
    }
    #[inline(always)]
    fn min(self, b: u64) -> u64 {
        Ord::min(self, b)
    }
}

macro_rules! scalar_compute {
    ($t:ident) => {
        impl Compute for $t {
            unsafe fn unary(_: Isa, op: UnaryOp, n: usize, a: Operand<$t>, y: *mut $t) {
                let f = <$t as Arithmetic>::unary(op);
                // SAFETY: passed on.
                unsafe { map(n, a, y, f) }
            }
            unsafe fn binary(_: Isa, op: BinaryOp, n: usize, a: Operand<$t>, b: Operand<$t>, y: *mut $t) {
                use Arithmetic as A;
                let truth = <$t as A>::truth;
                // SAFETY: passed on.
                unsafe {
                    match op {
                        BinaryOp::Add => map2(n, a, b, y, A::add),
                        BinaryOp::Sub => map2(n, a, b, y, A::sub),
                        BinaryOp::Mul => map2(n, a, b, y, A::mul),
                        BinaryOp::Div => map2(n, a, b, y, A::div),
                        BinaryOp::FloorDiv => map2(n, a, b, y, A::floor_div),
                        BinaryOp::Mod => map2(n, a, b, y, A::modulo),
                        BinaryOp::Pow => map2(n, a, b, y, A::pow),
                        BinaryOp::Max => map2(n, a, b, y, A::max),
                        BinaryOp::Min => map2(n, a, b, y, A::min),
                        BinaryOp::Lt => map2(n, a, b, y, |a, b| truth(a < b)),
                        BinaryOp::Le => map2(n, a, b, y, |a, b| truth(a <= b)),
                        BinaryOp::Gt => map2(n, a, b, y, |a, b| truth(a > b)),
                        BinaryOp::Ge => map2(n, a, b, y, |a, b| truth(a >= b)),
                        BinaryOp::Eq => map2(n, a, b, y, |a, b| truth(a == b)),
                        BinaryOp::Ne => map2(n, a, b, y, |a, b| truth(a != b)),
                        BinaryOp::LogicalAnd => {
                            map2(n, a, b, y, |a, b| truth(a != $t::default() && b != $t::default()))
                        }
                        BinaryOp::LogicalOr => map2(n, a, b, y, |a, b| truth(a != $t::default() || b != $t::default())),
                        op => map2(n, a, b, y, A::rare(op)),
                    }
                }
            }
            unsafe fn select(_: Isa, n: usize, c: Operand<$t>, a: Operand<$t>, b: Operand<$t>, y: *mut $t) {
                // SAFETY: passed on.
                unsafe { map3(n, c, a, b, y, |c, a, b| if c != $t::default() { a } else { b }) }
            }
            unsafe fn cast(_: Isa, to: DType, n: usize, a: Operand<$t>, y: *mut $t) {
                // SAFETY: passed on.
                unsafe { map(n, a, y, |x| round_trip(to, x)) }
            }
        }
    };
}
scalar_compute!(f64);
scalar_compute!(i32);
scalar_compute!(i64);
scalar_compute!(u64);
