//! The operations of f32 registers over vectors.

use super::convert::round_trip;
use super::opcode::{BinaryOp, UnaryOp};
use super::run::{Compute, Operand};
use super::scalar::{floor_div, map, map2, modulo};
use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::math;
use crate::mem::DType;

/// The vector of `a` at element `i`, of which `n` elements are left.
///
/// # Safety
/// `a` has `i + n` elements.
#[inline(always)]
unsafe fn get<S: Simd>(s: S, a: Operand<f32>, i: usize, n: usize) -> S::F32 {
    // SAFETY: as above.
    unsafe {
        let p = a.ptr.add(i & a.mask);
        if n >= S::LANES { s.load_ptr(p) } else { s.load_partial(p, n) }
    }
}

/// y[i] ← f(vectors at i), the last vector partially.
#[inline(always)]
unsafe fn strip<S: Simd, const K: usize>(
    s: S,
    n: usize,
    operands: [Operand<f32>; K],
    y: *mut f32,
    f: impl Fn([S::F32; K]) -> S::F32,
) {
    let mut i = 0;
    // SAFETY: the caller vouches for n elements of the operands and at y.
    unsafe {
        while i + S::LANES <= n {
            s.store_ptr(y.add(i), f(operands.map(|a| get(s, a, i, S::LANES))));
            i += S::LANES;
        }
        if i < n {
            s.store_partial(y.add(i), n - i, f(operands.map(|a| get(s, a, i, n - i))));
        }
    }
}

/// 1 where the mask holds, else 0.
#[inline(always)]
fn truth<S: Simd>(s: S, m: S::Mask) -> S::F32 {
    s.select(m, s.splat(1.0), s.zero())
}

#[inline(always)]
unsafe fn unary<S: Simd>(s: S, op: UnaryOp, n: usize, a: Operand<f32>, y: *mut f32) {
    use UnaryOp::*;
    macro_rules! run {
        ($f:expr) => {
            // SAFETY: passed on.
            unsafe {
                strip(
                    s,
                    n,
                    [a],
                    y,
                    #[inline(always)]
                    |[x]| $f(s, x),
                )
            }
        };
    }
    match op {
        Copy => run!(|_: S, x| x),
        Neg => run!(S::neg),
        Abs => run!(S::abs),
        Sign => run!(|s: S, x| {
            let one = s.copysign(s.splat(1.0), x);
            s.select(s.lt(s.zero(), s.abs(x)), one, x)
        }),
        Exp => run!(math::exp),
        Expm1 => run!(math::expm1),
        Log => run!(math::log),
        Log1p => run!(math::log1p),
        Sqrt => run!(S::sqrt),
        Rsqrt => run!(|s: S, x| s.div(s.splat(1.0), s.sqrt(x))),
        Square => run!(|s: S, x| s.mul(x, x)),
        Reciprocal => run!(|s: S, x| s.div(s.splat(1.0), x)),
        Tanh => run!(math::tanh),
        Sigmoid => run!(math::sigmoid),
        Erf => run!(math::erf),
        // The second operand is returned for NaN.
        Relu => run!(|s: S, x| s.max_fast(s.zero(), x)),
        Sin => run!(math::sin),
        Cos => run!(math::cos),
        Floor => run!(S::floor),
        Ceil => run!(|s: S, x| s.neg(s.floor(s.neg(x)))),
        Round => run!(S::round_even),
        Softplus => run!(math::softplus),
        IsFinite => run!(|s: S, x| truth(s, s.lt(s.abs(x), s.splat(f32::INFINITY)))),
        IsInf => run!(|s: S, x| truth(s, s.eq(s.abs(x), s.splat(f32::INFINITY)))),
        IsNan => run!(|s: S, x| truth(s, s.ne(x, x))),
        LogicalNot => run!(|s: S, x| truth(s, s.eq(x, s.zero()))),
    }
}

#[inline(always)]
unsafe fn binary<S: Simd>(s: S, op: BinaryOp, n: usize, a: Operand<f32>, b: Operand<f32>, y: *mut f32) {
    use BinaryOp::*;
    macro_rules! run {
        ($f:expr) => {
            // SAFETY: passed on.
            unsafe {
                strip(
                    s,
                    n,
                    [a, b],
                    y,
                    #[inline(always)]
                    |[a, b]| $f(s, a, b),
                )
            }
        };
    }
    macro_rules! compare {
        ($f:expr) => {
            run!(|s: S, a, b| truth(s, $f(s, a, b)))
        };
    }
    match op {
        Add => run!(S::add),
        Sub => run!(S::sub),
        Mul => run!(S::mul),
        Div => run!(S::div),
        // SAFETY: passed on, as in the other arms.
        FloorDiv => unsafe { map2(n, a, b, y, floor_div) },
        // SAFETY: as above.
        Mod => unsafe { map2(n, a, b, y, modulo) },
        // SAFETY: as above.
        Pow => unsafe { map2(n, a, b, y, math::pow) },
        Max => run!(S::max),
        Min => run!(S::min),
        Lt => compare!(S::lt),
        Le => compare!(S::le),
        Gt => compare!(S::gt),
        Ge => compare!(S::ge),
        Eq => compare!(S::eq),
        Ne => compare!(S::ne),
        LogicalAnd => compare!(|s: S, a, b| s.mask_and(s.ne(a, s.zero()), s.ne(b, s.zero()))),
        LogicalOr => compare!(|s: S, a, b| s.mask_or(s.ne(a, s.zero()), s.ne(b, s.zero()))),
    }
}

impl Compute for f32 {
    unsafe fn unary(isa: Isa, op: UnaryOp, n: usize, a: Operand<f32>, y: *mut f32) {
        // SAFETY: passed on.
        dispatch!(isa, s => unsafe { unary(s, op, n, a, y) })
    }

    unsafe fn binary(isa: Isa, op: BinaryOp, n: usize, a: Operand<f32>, b: Operand<f32>, y: *mut f32) {
        // SAFETY: passed on.
        dispatch!(isa, s => unsafe { binary(s, op, n, a, b, y) })
    }

    unsafe fn select(isa: Isa, n: usize, c: Operand<f32>, a: Operand<f32>, b: Operand<f32>, y: *mut f32) {
        // SAFETY: passed on.
        dispatch!(isa, s => unsafe { strip(s, n, [c, a, b], y, |[c, a, b]| s.select(s.ne(c, s.zero()), a, b)) })
    }

    unsafe fn cast(isa: Isa, to: DType, n: usize, a: Operand<f32>, y: *mut f32) {
        // SAFETY: passed on.
        dispatch!(isa, _s => unsafe { map(n, a, y, |x| round_trip(to, x)) })
    }
}
