//! The scalar operations that elementwise programs are made of.

/// One operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// The operand itself.
    Copy,
    /// `-x`, wrapping.
    Neg,
    /// `|x|`, wrapping.
    Abs,
    /// -1, 0 or 1; NaN for NaN.
    Sign,
    /// eˣ.
    Exp,
    /// eˣ − 1, accurate near 0.
    Expm1,
    /// Natural logarithm.
    Log,
    /// ln(1 + x), accurate near 0.
    Log1p,
    /// Square root.
    Sqrt,
    /// 1/√x.
    Rsqrt,
    /// x².
    Square,
    /// 1/x.
    Reciprocal,
    /// Hyperbolic tangent.
    Tanh,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// The error function.
    Erf,
    /// max(x, 0); NaN for NaN.
    Relu,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// The largest integer not above.
    Floor,
    /// The smallest integer not below.
    Ceil,
    /// The nearest integer, ties to even.
    Round,
    /// ln(1 + eˣ).
    Softplus,
    /// 1 where x is neither infinite nor NaN.
    IsFinite,
    /// 1 where x is infinite.
    IsInf,
    /// 1 where x is NaN.
    IsNan,
    /// 1 where x is 0.
    LogicalNot,
    /// Tangent.
    Tan,
    /// Arcsine.
    Asin,
    /// Arccosine.
    Acos,
    /// Arctangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// The inverse of `Sinh`.
    Asinh,
    /// The inverse of `Cosh`.
    Acosh,
    /// The inverse of `Tanh`.
    Atanh,
    /// Cube root.
    Cbrt,
    /// 2ˣ.
    Exp2,
    /// Logarithm to base 2.
    Log2,
    /// Logarithm to base 10.
    Log10,
    /// 1 − erf(x), accurate where it is small.
    Erfc,
    /// The inverse of `Erf`.
    Erfinv,
    /// The modified Bessel function of order 0.
    BesselI0,
    /// The modified Bessel function of order 1.
    BesselI1,
    /// The integer part.
    Trunc,
    /// 1 where the sign is negative, also that of −0.
    SignBit,
}

impl UnaryOp {
    /// Every operation.
    pub const ALL: [UnaryOp; 45] = {
        use UnaryOp::*;
        [
            Copy, Neg, Abs, Sign, Exp, Expm1, Log, Log1p, Sqrt, Rsqrt, Square, Reciprocal, Tanh, Sigmoid, Erf, Relu,
            Sin, Cos, Floor, Ceil, Round, Softplus, IsFinite, IsInf, IsNan, LogicalNot, Tan, Asin, Acos, Atan, Sinh,
            Cosh, Asinh, Acosh, Atanh, Cbrt, Exp2, Log2, Log10, Erfc, Erfinv, BesselI0, BesselI1, Trunc, SignBit,
        ]
    };

    /// Whether integer registers have the operation; the others are only defined on floats.
    pub const fn is_integral(self) -> bool {
        use UnaryOp::*;
        matches!(
            self,
            Copy | Neg
                | Abs
                | Sign
                | Square
                | Relu
                | Floor
                | Ceil
                | Round
                | Trunc
                | SignBit
                | IsFinite
                | IsInf
                | IsNan
                | LogicalNot
        )
    }
}

/// Two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    /// `a + b`; integers wrap.
    Add,
    /// `a - b`; integers wrap.
    Sub,
    /// `a * b`; integers wrap.
    Mul,
    /// `a / b`; on integers the quotient rounded towards 0, and 0 where b is 0.
    Div,
    /// ⌊a / b⌋ as NumPy's `floor_divide`; on integers 0 where b is 0.
    FloorDiv,
    /// The remainder that goes with `FloorDiv`: it has the sign of b. On integers 0 where b is 0.
    Mod,
    /// aᵇ. On integers by repeated squaring, wrapping, and for b < 0 the reciprocal rounded towards 0.
    Pow,
    /// The larger; NaN if either is NaN.
    Max,
    /// The smaller; NaN if either is NaN.
    Min,
    /// 1 where a < b.
    Lt,
    /// 1 where a ≤ b.
    Le,
    /// 1 where a > b.
    Gt,
    /// 1 where a ≥ b.
    Ge,
    /// 1 where a = b.
    Eq,
    /// 1 where a ≠ b.
    Ne,
    /// 1 where both are nonzero.
    LogicalAnd,
    /// 1 where either is nonzero.
    LogicalOr,
    /// The remainder with the sign of a. On integers 0 where b is 0.
    Fmod,
    /// The angle of the point (b, a).
    Atan2,
    /// √(a² + b²) without overflow.
    Hypot,
    /// The number after a in the direction of b.
    NextAfter,
    /// The bits that both have.
    BitAnd,
    /// The bits that either has.
    BitOr,
    /// The bits that exactly one has.
    BitXor,
    /// a · 2ᵇ, wrapping; 0 from as many bits on as there are.
    ShiftLeft,
    /// ⌊a / 2ᵇ⌋.
    ShiftRight,
    /// The greatest common divisor, not negative.
    Gcd,
    /// The least common multiple, not negative; wraps.
    Lcm,
}

impl BinaryOp {
    /// Every operation.
    pub const ALL: [BinaryOp; 28] = {
        use BinaryOp::*;
        [
            Add, Sub, Mul, Div, FloorDiv, Mod, Pow, Max, Min, Lt, Le, Gt, Ge, Eq, Ne, LogicalAnd, LogicalOr, Fmod,
            Atan2, Hypot, NextAfter, BitAnd, BitOr, BitXor, ShiftLeft, ShiftRight, Gcd, Lcm,
        ]
    };

    /// Whether float registers have the operation; the others are only defined on integers.
    pub const fn is_on_floats(self) -> bool {
        use BinaryOp::*;
        !matches!(self, BitAnd | BitOr | BitXor | ShiftLeft | ShiftRight | Gcd | Lcm)
    }

    /// Whether integer registers have the operation; the others are only defined on floats.
    pub const fn is_on_integers(self) -> bool {
        use BinaryOp::*;
        !matches!(self, Atan2 | Hypot | NextAfter)
    }
}
