//! Elementwise functions.

use dlrs_core::DType;
use dlrs_core::dispatch::Operand;
use dlrs_core::ops::Ewise;
use dlrs_kernels::elementwise::{BinaryOp, UnaryOp};
use pyo3::prelude::*;

use crate::call::{self, identity};
use crate::errors::{Result, fail};
use crate::operand::{Arg, DTypeArg, Kind, Number, promote, promoted, to_all};
use crate::tensor::PyTensor;

/// Functions of one argument that keep its dtype.
macro_rules! unary {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x: Arg) -> Result<PyTensor> {
            call::tensor(Ewise::Unary(UnaryOp::$op), &[x.own()?])
        })*
    };
}

/// Functions of one argument into the reals: integers become float32 first.
macro_rules! unary_float {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x: Arg) -> Result<PyTensor> {
            call::tensor(Ewise::Unary(UnaryOp::$op), &[floating(x)?])
        })*
    };
}

/// Functions of two arguments, which promote to one dtype.
macro_rules! binary {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x1: Arg, x2: Arg) -> Result<PyTensor> {
            call::tensor(Ewise::Binary(BinaryOp::$op), &promoted([x1, x2])?)
        })*
    };
}

/// Functions of two numbers: truth values become int32 first.
macro_rules! binary_number {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x1: Arg, x2: Arg) -> Result<PyTensor> {
            let dtype = promote([&x1, &x2]);
            let dtype = if dtype == DType::Bool { DType::I32 } else { dtype };
            call::tensor(Ewise::Binary(BinaryOp::$op), &to_all([x1, x2], dtype)?)
        })*
    };
}

/// Functions of two arguments into the reals: integers become float32 first.
macro_rules! binary_float {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x1: Arg, x2: Arg) -> Result<PyTensor> {
            let dtype = float_of(promote([&x1, &x2]));
            call::tensor(Ewise::Binary(BinaryOp::$op), &to_all([x1, x2], dtype)?)
        })*
    };
}

/// Functions of two truth values.
macro_rules! logical {
    ($($name:ident $op:ident,)*) => {
        $(#[pyfunction]
        pub fn $name(x1: Arg, x2: Arg) -> Result<PyTensor> {
            call::tensor(Ewise::Binary(BinaryOp::$op), &to_all([x1, x2], DType::Bool)?)
        })*
    };
}

unary! {
    negative Neg,
    absolute Abs,
    sign Sign,
    relu Relu,
    round Round,
    trunc Trunc,
    isfinite IsFinite,
    isinf IsInf,
    isnan IsNan,
    signbit SignBit,
}

unary_float! {
    exp Exp,
    expm1 Expm1,
    log Log,
    log1p Log1p,
    sqrt Sqrt,
    rsqrt Rsqrt,
    reciprocal Reciprocal,
    tanh Tanh,
    sigmoid Sigmoid,
    erf Erf,
    softplus Softplus,
    floor Floor,
    ceil Ceil,
    sin Sin,
    cos Cos,
    tan Tan,
    arcsin Asin,
    arccos Acos,
    arctan Atan,
    sinh Sinh,
    cosh Cosh,
    arcsinh Asinh,
    arccosh Acosh,
    arctanh Atanh,
    cbrt Cbrt,
    exp2 Exp2,
    log2 Log2,
    log10 Log10,
    erfc Erfc,
    erfinv Erfinv,
    i0 BesselI0,
}

binary! {
    add Add,
    subtract Sub,
    multiply Mul,
    maximum Max,
    minimum Min,
    less Lt,
    less_equal Le,
    greater Gt,
    greater_equal Ge,
    equal Eq,
    not_equal Ne,
    bitwise_and BitAnd,
    bitwise_or BitOr,
    bitwise_xor BitXor,
    left_shift ShiftLeft,
    right_shift ShiftRight,
    gcd Gcd,
    lcm Lcm,
}

binary_number! {
    floor_divide FloorDiv,
    power Pow,
    r#mod Mod,
    fmod Fmod,
}

binary_float! {
    divide Div,
    arctan2 Atan2,
    hypot Hypot,
    nextafter NextAfter,
}

logical! {
    logical_and LogicalAnd,
    logical_or LogicalOr,
}

/// The square; of truth values as int32.
#[pyfunction]
pub fn square(x: Arg) -> Result<PyTensor> {
    let dtype = x.dtype();
    call::tensor(Ewise::Unary(UnaryOp::Square), &[x.to(if dtype == DType::Bool { DType::I32 } else { dtype })?])
}

/// Not, of truth values.
#[pyfunction]
pub fn logical_not(x: Arg) -> Result<PyTensor> {
    call::tensor(Ewise::Unary(UnaryOp::LogicalNot), &[x.to(DType::Bool)?])
}

/// `x1` where `condition` holds, else `x2`.
#[pyfunction(name = "where")]
pub fn select(condition: Arg, x1: Arg, x2: Arg) -> Result<PyTensor> {
    let [x1, x2] = promoted([x1, x2])?;
    call::tensor(Ewise::Select, &[condition.to(DType::Bool)?, x1, x2])
}

/// Conversion to another dtype.
#[pyfunction]
pub fn cast(x: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    identity(&x.to(dtype.0)?)
}

/// The identity, through which no gradient flows.
#[pyfunction]
pub fn stop_gradient(x: Arg) -> Result<PyTensor> {
    call::tensor(Ewise::StopGradient, &[x.own()?])
}

/// A comparison, as an operator asks for it.
pub fn comparison(op: BinaryOp, x1: Arg, x2: Arg) -> Result<PyTensor> {
    call::tensor(Ewise::Binary(op), &promoted([x1, x2])?)
}

/// Not, of truth values; of integers the bits' complement, −x − 1.
#[pyfunction]
pub fn bitwise_not(x: Arg) -> Result<PyTensor> {
    let x = x.own()?;
    match x.ty().dtype {
        DType::Bool => call::tensor(Ewise::Unary(UnaryOp::LogicalNot), &[x]),
        dtype if dtype.is_int() => {
            let minus_one = call::cast(&Arg::Number(Number::Int(-1)).to(DType::I64)?, dtype)?;
            call::tensor(Ewise::Binary(BinaryOp::Sub), &[minus_one, x])
        }
        dtype => fail!(Type, "bitwise_not: x has dtype {dtype}; expected bool or an integer dtype"),
    }
}

/// `pow` with a modulus, which tensors do not have.
pub fn power_modulo(_x1: Arg, _x2: Arg) -> Result<PyTensor> {
    fail!(Type, "pow() of tensors takes no modulus")
}

/// The argument as an operand of a floating-point dtype.
pub fn floating(x: Arg) -> Result<Operand> {
    let dtype = float_of(x.dtype());
    x.to(dtype)
}

/// The dtype itself if it is a floating-point one, else float32.
pub fn float_of(dtype: DType) -> DType {
    if dtype.is_float() { dtype } else { Kind::Float.dtype() }
}
