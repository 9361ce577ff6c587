//! The operations of f32 registers over vectors.

use super::convert::round_trip;
use super::opcode::{BinaryOp, UnaryOp};
use super::rare;
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

/// Stores f(i, n) at every vector i of y, the last partially; n is the number of elements that are left from i on.
///
/// # Safety
/// `y` is writable for `n` elements.
#[inline(always)]
unsafe fn strip<S: Simd>(s: S, n: usize, y: *mut f32, f: impl Fn(usize, usize) -> S::F32) {
    let mut i = 0;
    // SAFETY: i + LANES ≤ n in the loop, and n − i elements are left after it.
    unsafe {
        while i + S::LANES <= n {
            s.store_ptr(y.add(i), f(i, S::LANES));
            i += S::LANES;
        }
        if i < n {
            s.store_partial(y.add(i), n - i, f(i, n - i));
        }
    }
}

/// 1 where the mask holds, else 0.
#[inline(always)]
fn truth<S: Simd>(s: S, m: S::Mask) -> S::F32 {
    s.select(m, s.splat(1.0), s.zero())
}

/// f of the lanes, in a loop of fixed length for the compiler to vectorise where f allows.
#[inline(always)]
fn lane_by_lane<S: Simd>(s: S, a: S::F32, b: S::F32, f: impl Fn(f32, f32) -> f32) -> S::F32 {
    let (mut x, mut y) = ([0.0; 16], [0.0; 16]);
    s.store(&mut x, a);
    s.store(&mut y, b);
    for i in 0..S::LANES {
        x[i] = f(x[i], y[i]);
    }
    s.load(&x)
}

#[inline(always)]
unsafe fn unary<S: Simd>(s: S, op: UnaryOp, n: usize, a: Operand<f32>, y: *mut f32) {
    macro_rules! run {
        ($x:ident => $value:expr) => {
            // SAFETY: passed on.
            unsafe {
                strip(
                    s,
                    n,
                    y,
                    #[inline(always)]
                    |i, left| {
                        let $x = get(s, a, i, left);
                        $value
                    },
                )
            }
        };
    }
    let one = s.splat(1.0);
    match op {
        UnaryOp::Copy => run!(x => x),
        UnaryOp::Neg => run!(x => s.neg(x)),
        UnaryOp::Abs => run!(x => s.abs(x)),
        UnaryOp::Sign => run!(x => s.select(s.lt(s.zero(), s.abs(x)), s.copysign(one, x), x)),
        UnaryOp::Exp => run!(x => math::exp(s, x)),
        UnaryOp::Expm1 => run!(x => math::expm1(s, x)),
        UnaryOp::Log => run!(x => math::log(s, x)),
        UnaryOp::Log1p => run!(x => math::log1p(s, x)),
        UnaryOp::Sqrt => run!(x => s.sqrt(x)),
        UnaryOp::Rsqrt => run!(x => s.div(one, s.sqrt(x))),
        UnaryOp::Square => run!(x => s.mul(x, x)),
        UnaryOp::Reciprocal => run!(x => s.div(one, x)),
        UnaryOp::Tanh => run!(x => math::tanh(s, x)),
        UnaryOp::Sigmoid => run!(x => math::sigmoid(s, x)),
        UnaryOp::Erf => run!(x => math::erf(s, x)),
        // The second operand is returned for NaN.
        UnaryOp::Relu => run!(x => s.max_fast(s.zero(), x)),
        UnaryOp::Sin => run!(x => math::sin(s, x)),
        UnaryOp::Cos => run!(x => math::cos(s, x)),
        UnaryOp::Floor => run!(x => s.floor(x)),
        UnaryOp::Ceil => run!(x => s.neg(s.floor(s.neg(x)))),
        UnaryOp::Round => run!(x => s.round_even(x)),
        UnaryOp::Softplus => run!(x => math::softplus(s, x)),
        UnaryOp::IsFinite => run!(x => truth(s, s.lt(s.abs(x), s.splat(f32::INFINITY)))),
        UnaryOp::IsInf => run!(x => truth(s, s.eq(s.abs(x), s.splat(f32::INFINITY)))),
        UnaryOp::IsNan => run!(x => truth(s, s.ne(x, x))),
        UnaryOp::LogicalNot => run!(x => truth(s, s.eq(x, s.zero()))),
        UnaryOp::Trunc => run!(x => s.copysign(s.floor(s.abs(x)), x)),
        op => {
            let f = rare::unary(op);
            // SAFETY: passed on.
            unsafe { map(n, a, y, |x| f(x.into()) as f32) }
        }
    }
}

#[inline(always)]
#[allow(clippy::redundant_closure)] // a function passed as such is called through a shim that is not inlined
unsafe fn binary<S: Simd>(s: S, op: BinaryOp, n: usize, a: Operand<f32>, b: Operand<f32>, y: *mut f32) {
    macro_rules! run {
        ($a:ident, $b:ident => $value:expr) => {
            // SAFETY: passed on.
            unsafe {
                strip(
                    s,
                    n,
                    y,
                    #[inline(always)]
                    |i, left| {
                        let ($a, $b) = (get(s, a, i, left), get(s, b, i, left));
                        $value
                    },
                )
            }
        };
    }
    match op {
        BinaryOp::Add => run!(a, b => s.add(a, b)),
        BinaryOp::Sub => run!(a, b => s.sub(a, b)),
        BinaryOp::Mul => run!(a, b => s.mul(a, b)),
        BinaryOp::Div => run!(a, b => s.div(a, b)),
        BinaryOp::FloorDiv => run!(a, b => lane_by_lane(s, a, b, #[inline(always)] |a, b| floor_div(a, b))),
        BinaryOp::Mod => run!(a, b => lane_by_lane(s, a, b, #[inline(always)] |a, b| modulo(a, b))),
        BinaryOp::Pow => run!(a, b => lane_by_lane(s, a, b, #[inline(always)] |a, b| math::pow(a, b))),
        BinaryOp::Max => run!(a, b => s.max(a, b)),
        BinaryOp::Min => run!(a, b => s.min(a, b)),
        BinaryOp::Lt => run!(a, b => truth(s, s.lt(a, b))),
        BinaryOp::Le => run!(a, b => truth(s, s.le(a, b))),
        BinaryOp::Gt => run!(a, b => truth(s, s.gt(a, b))),
        BinaryOp::Ge => run!(a, b => truth(s, s.ge(a, b))),
        BinaryOp::Eq => run!(a, b => truth(s, s.eq(a, b))),
        BinaryOp::Ne => run!(a, b => truth(s, s.ne(a, b))),
        BinaryOp::LogicalAnd => run!(a, b => truth(s, s.mask_and(s.ne(a, s.zero()), s.ne(b, s.zero())))),
        BinaryOp::LogicalOr => run!(a, b => truth(s, s.mask_or(s.ne(a, s.zero()), s.ne(b, s.zero())))),
        // SAFETY: passed on.
        op => unsafe { map2(n, a, b, y, rare::binary_f32(op)) },
    }
}

#[inline(always)]
unsafe fn select<S: Simd>(s: S, n: usize, c: Operand<f32>, a: Operand<f32>, b: Operand<f32>, y: *mut f32) {
    // SAFETY: passed on.
    unsafe {
        strip(
            s,
            n,
            y,
            #[inline(always)]
            |i, left| s.select(s.ne(get(s, c, i, left), s.zero()), get(s, a, i, left), get(s, b, i, left)),
        )
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
        dispatch!(isa, s => unsafe { select(s, n, c, a, b, y) })
    }

    unsafe fn cast(isa: Isa, to: DType, n: usize, a: Operand<f32>, y: *mut f32) {
        // SAFETY: passed on.
        dispatch!(isa, _s => unsafe { map(n, a, y, |x| round_trip(to, x)) })
    }
}
