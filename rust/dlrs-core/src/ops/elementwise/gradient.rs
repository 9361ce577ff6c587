//! Gradients of elementwise functions, in ops.

use dlrs_kernels::elementwise::{BinaryOp, UnaryOp};

use super::super::NodeRef;
use super::Ewise;
use crate::error::Result;
use crate::graph::{Graph, Val};

/// d·∂op/∂x, written with the result y where that is cheaper.
pub(super) fn unary_grad(op: UnaryOp, g: &mut Graph, x: Val, y: Val, d: Val) -> Result<Option<Val>> {
    use UnaryOp::*;
    let slope = match op {
        Copy => return Ok(Some(d)),
        Neg => return Ok(Some(g.neg(d)?)),
        Abs => g.sign(x)?,
        Exp => y,
        Expm1 => g.add_scalar(y, 1.0)?,
        Log => return Ok(Some(g.div(d, x)?)),
        Log1p => {
            let x1 = g.add_scalar(x, 1.0)?;
            return Ok(Some(g.div(d, x1)?));
        }
        Sqrt => {
            let half = g.mul_scalar(d, 0.5)?;
            return Ok(Some(g.div(half, y)?));
        }
        Rsqrt => {
            // −½ y³
            let y2 = g.square(y)?;
            let y3 = g.mul(y2, y)?;
            g.mul_scalar(y3, -0.5)?
        }
        Square => g.mul_scalar(x, 2.0)?,
        Reciprocal => {
            let y2 = g.square(y)?;
            g.neg(y2)?
        }
        Tanh => {
            let y2 = g.square(y)?;
            let minus = g.neg(y2)?;
            g.add_scalar(minus, 1.0)?
        }
        Sigmoid => {
            let minus = g.neg(y)?;
            let rest = g.add_scalar(minus, 1.0)?;
            g.mul(y, rest)?
        }
        Erf => {
            // 2/√π · exp(−x²)
            let x2 = g.square(x)?;
            let minus = g.neg(x2)?;
            let bell = g.exp(minus)?;
            g.mul_scalar(bell, std::f64::consts::FRAC_2_SQRT_PI)?
        }
        Relu => {
            // 0 at 0, as in TensorFlow and PyTorch.
            let zero = g.scalar_like(x, 0.0)?;
            let positive = g.greater(y, zero)?;
            return Ok(Some(g.select(positive, d, zero)?));
        }
        Sin => g.cos(x)?,
        Cos => {
            let sin = g.sin(x)?;
            g.neg(sin)?
        }
        Softplus => g.sigmoid(x)?,
        // Piecewise constant: zero wherever it is defined.
        Sign | Floor | Ceil | Round | Trunc | IsFinite | IsInf | IsNan | LogicalNot | SignBit => return Ok(None),
        op => rare_slope(op, g, x, y)?,
    };
    Ok(Some(g.mul(d, slope)?))
}

/// ∂op/∂x of the operations that have no vector kernels.
fn rare_slope(op: UnaryOp, g: &mut Graph, x: Val, y: Val) -> Result<Val> {
    use UnaryOp::*;
    use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10, PI};
    match op {
        Tan => {
            let y2 = g.square(y)?;
            g.add_scalar(y2, 1.0)
        }
        Asin => one_over_root(g, x, -1.0, 1.0, 1.0),
        Acos => one_over_root(g, x, -1.0, 1.0, -1.0),
        Asinh => one_over_root(g, x, 1.0, 1.0, 1.0),
        Acosh => one_over_root(g, x, 1.0, -1.0, 1.0),
        Atan => one_over(g, x, 1.0),
        Atanh => one_over(g, x, -1.0),
        Sinh => g.push(Ewise::Unary(Cosh), &[x]),
        Cosh => g.push(Ewise::Unary(Sinh), &[x]),
        Cbrt => {
            // 1/(3 y²)
            let y2 = g.square(y)?;
            let y2 = g.mul_scalar(y2, 3.0)?;
            g.reciprocal(y2)
        }
        Exp2 => g.mul_scalar(y, LN_2),
        Log2 | Log10 => {
            let scaled = g.mul_scalar(x, if op == Log2 { LN_2 } else { LN_10 })?;
            g.reciprocal(scaled)
        }
        Erfc => {
            let x2 = g.square(x)?;
            let minus = g.neg(x2)?;
            let bell = g.exp(minus)?;
            g.mul_scalar(bell, -FRAC_2_SQRT_PI)
        }
        Erfinv => {
            let y2 = g.square(y)?;
            let growth = g.exp(y2)?;
            g.mul_scalar(growth, PI.sqrt() / 2.0)
        }
        BesselI0 => g.push(Ewise::Unary(BesselI1), &[x]),
        BesselI1 => {
            // I₀(x) − I₁(x)/x, where the quotient tends to ½ at 0.
            let (zero, one) = (g.scalar_like(x, 0.0)?, g.scalar_like(x, 1.0)?);
            let is_zero = g.equal(x, zero)?;
            let safe = g.select(is_zero, one, x)?;
            let half = g.scalar_like(x, 0.5)?;
            let quotient = g.div(y, safe)?;
            let quotient = g.select(is_zero, half, quotient)?;
            let first = g.push(Ewise::Unary(BesselI0), &[x])?;
            g.sub(first, quotient)
        }
        op => unreachable!("the gradient of {op:?} is stated above"),
    }
}

/// scale/√(a·x² + b)
fn one_over_root(g: &mut Graph, x: Val, a: f64, b: f64, scale: f64) -> Result<Val> {
    let x2 = g.square(x)?;
    let x2 = g.mul_scalar(x2, a)?;
    let sum = g.add_scalar(x2, b)?;
    let slope = g.push(Ewise::Unary(UnaryOp::Rsqrt), &[sum])?;
    if scale == 1.0 { Ok(slope) } else { g.mul_scalar(slope, scale) }
}

/// 1/(1 + a·x²)
fn one_over(g: &mut Graph, x: Val, a: f64) -> Result<Val> {
    let x2 = g.square(x)?;
    let x2 = g.mul_scalar(x2, a)?;
    let sum = g.add_scalar(x2, 1.0)?;
    g.reciprocal(sum)
}

/// The same of two operands.
pub(super) fn binary_grad(op: BinaryOp, g: &mut Graph, node: &NodeRef<'_>, d: Val) -> Result<Vec<Option<Val>>> {
    use BinaryOp::*;
    let (a, b, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
    let (da, db) = match op {
        Add => (d, d),
        Sub => (d, g.neg(d)?),
        Mul => (g.mul(d, b)?, g.mul(d, a)?),
        Div => {
            let da = g.div(d, b)?;
            let ratio = g.mul(da, y)?;
            (da, g.neg(ratio)?)
        }
        Pow => pow_grad(g, a, b, y, d)?,
        Max | Min => {
            // Ties share the gradient equally, so that both directions of a central difference are met.
            let half = g.mul_scalar(d, 0.5)?;
            let zero = g.scalar_like(d, 0.0)?;
            let (first, second) =
                if op == Max { (g.greater(a, b)?, g.less(a, b)?) } else { (g.less(a, b)?, g.greater(a, b)?) };
            let tie = g.equal(a, b)?;
            let (a_or_0, b_or_0) = (g.select(tie, half, zero)?, g.select(tie, half, zero)?);
            (g.select(first, d, a_or_0)?, g.select(second, d, b_or_0)?)
        }
        Mod => {
            // a − b·floor(a/b)
            let quotient = g.push(Ewise::Binary(FloorDiv), &[a, b])?;
            let minus = g.neg(quotient)?;
            (d, g.mul(d, minus)?)
        }
        Fmod => {
            // a − b·trunc(a/b)
            let ratio = g.div(a, b)?;
            let quotient = g.push(Ewise::Unary(UnaryOp::Trunc), &[ratio])?;
            let minus = g.neg(quotient)?;
            (d, g.mul(d, minus)?)
        }
        Atan2 => {
            // (b, −a)/(a² + b²)
            let (a2, b2) = (g.square(a)?, g.square(b)?);
            let sum = g.add(a2, b2)?;
            let share = g.div(d, sum)?;
            let db = g.mul(share, a)?;
            (g.mul(share, b)?, g.neg(db)?)
        }
        Hypot => {
            let share = g.div(d, y)?;
            (g.mul(share, a)?, g.mul(share, b)?)
        }
        // One step away from a, wherever that is.
        NextAfter => return Ok(vec![Some(g.sum_to(d, g.ty(a).shape)?), None]),
        FloorDiv | Lt | Le | Gt | Ge | Eq | Ne | LogicalAnd | LogicalOr => return Ok(vec![None, None]),
        BitAnd | BitOr | BitXor | ShiftLeft | ShiftRight | Gcd | Lcm => return Ok(vec![None, None]),
    };
    Ok(vec![Some(g.sum_to(da, g.ty(a).shape)?), Some(g.sum_to(db, g.ty(b).shape)?)])
}

/// ∂aᵇ = b·a^(b−1) and aᵇ·ln a; the logarithm counts as 0 where a ≤ 0, and b·a^(b−1) as 0 where b = 0.
fn pow_grad(g: &mut Graph, a: Val, b: Val, y: Val, d: Val) -> Result<(Val, Val)> {
    let (zero, one) = (g.scalar_like(a, 0.0)?, g.scalar_like(a, 1.0)?);
    let b_minus_1 = g.add_scalar(b, -1.0)?;
    let power = g.pow(a, b_minus_1)?;
    let slope = g.mul(b, power)?;
    let is_constant = g.equal(b, zero)?;
    let slope = g.select(is_constant, zero, slope)?;
    let positive = g.greater(a, zero)?;
    let safe = g.select(positive, a, one)?;
    let log = g.log(safe)?;
    let growth = g.mul(y, log)?;
    Ok((g.mul(d, slope)?, g.mul(d, growth)?))
}
