//! Arguments: what a caller may pass where a tensor is expected, and how dtypes meet.

use std::sync::OnceLock;

use dlrs_core::dispatch::{Operand, Value};
use dlrs_core::{DType, Tensor};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::array;
use crate::errors::{Failure, Result, fail};
use crate::tensor::PyTensor;
use crate::variable::PyVariable;

/// An argument of an op.
#[derive(Clone)]
pub enum Arg {
    /// Something with a dtype of its own.
    Operand(Operand),
    /// A Python number, which takes the dtype of what it meets.
    Number(Number),
}

/// A Python number.
#[derive(Clone, Copy)]
pub enum Number {
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `float`, also NumPy's `float64` scalar, which is one.
    Float(f64),
}

/// Dtypes and the weak types of Python numbers: the elements of the lattice of promotion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Python `int`.
    Int,
    /// A Python `float`.
    Float,
    /// Something with a dtype of its own; also a Python `bool`, which is as good as a truth value.
    DType(DType),
}

impl Kind {
    /// Every kind.
    const ALL: [Kind; 15] = {
        let mut all = [Kind::Int; 15];
        all[1] = Kind::Float;
        let mut i = 0;
        while i < DType::ALL.len() {
            all[i + 2] = Kind::DType(DType::ALL[i]);
            i += 1;
        }
        all
    };

    /// What the kind promotes to in one step: the lattice of JAX (docs.jax.dev, "Type promotion semantics"), which is Keras's too.
    fn wider(self) -> &'static [Kind] {
        use DType::*;
        use Kind::{DType as D, Float, Int};
        match self {
            D(Bool) => &[Int],
            Int => &[D(U8), D(I8)],
            D(U8) => &[D(U16), D(I16)],
            D(U16) => &[D(U32), D(I32)],
            D(U32) => &[D(U64), D(I64)],
            D(I8) => &[D(I16)],
            D(I16) => &[D(I32)],
            D(I32) => &[D(I64)],
            D(U64 | I64) => &[Float],
            Float => &[D(BF16), D(F16)],
            D(BF16 | F16) => &[D(F32)],
            D(F32) => &[D(F64)],
            D(F64) => &[],
        }
    }

    /// The set of kinds that this one promotes to, itself included: a bit per place in [`Kind::ALL`].
    fn above(self) -> u16 {
        self.wider().iter().fold(1 << self.number(), |set, wider| set | wider.above())
    }

    fn number(self) -> usize {
        match self {
            Kind::Int => 0,
            Kind::Float => 1,
            Kind::DType(dtype) => 2 + dtype as usize,
        }
    }

    /// The kind to which both promote.
    pub fn join(self, other: Kind) -> Kind {
        static JOINS: OnceLock<[[Kind; 15]; 15]> = OnceLock::new();
        fn least(a: Kind, b: Kind) -> Kind {
            let common = a.above() & b.above();
            let found = Kind::ALL.into_iter().find(|kind| kind.above() == common);
            let found = found.expect("in a lattice two elements have a least upper bound");
            let is_long = |kind| matches!(kind, Kind::DType(DType::I64 | DType::U64));
            // As in Keras, nothing grows beyond 32 bits by itself: uint32 and int32 meet at int32.
            if is_long(found) && !is_long(a) && !is_long(b) { Kind::DType(DType::I32) } else { found }
        }
        if self == other {
            return self;
        }
        JOINS.get_or_init(|| Kind::ALL.map(|a| Kind::ALL.map(|b| least(a, b))))[self.number()][other.number()]
    }

    /// The dtype that the kind becomes when nothing else is there to decide.
    pub fn dtype(self) -> DType {
        match self {
            Kind::Int => DType::I32,
            Kind::Float => DType::F32,
            Kind::DType(dtype) => dtype,
        }
    }
}

impl Number {
    /// The number as a scalar tensor.
    ///
    /// # Errors
    /// `ValueError` when an integer does not fit the dtype.
    pub fn tensor(self, dtype: DType) -> Result<Tensor> {
        let i = match self {
            Number::Bool(b) => i64::from(b),
            Number::Int(i) => i,
            Number::Float(f) => return Ok(Tensor::scalar(dtype, f)?),
        };
        let fits = match dtype {
            DType::U8 => u8::try_from(i).is_ok(),
            DType::U16 => u16::try_from(i).is_ok(),
            DType::U32 => u32::try_from(i).is_ok(),
            DType::U64 => match u64::try_from(i) {
                Ok(i) => return Ok(Tensor::from_slice(dtype, &[], &[i])?),
                Err(_) => false,
            },
            DType::I8 => i8::try_from(i).is_ok(),
            DType::I16 => i16::try_from(i).is_ok(),
            DType::I32 => i32::try_from(i).is_ok(),
            DType::I64 => return Ok(Tensor::from_slice(dtype, &[], &[i])?),
            DType::Bool | DType::F16 | DType::BF16 | DType::F32 | DType::F64 => true,
        };
        if !fits {
            fail!(Value, "Python integer {i} does not fit {dtype}");
        }
        Ok(Tensor::scalar(dtype, i as f64)?)
    }
}

impl Arg {
    /// The argument's place in the lattice of promotion.
    pub fn kind(&self) -> Kind {
        match self {
            Arg::Operand(operand) => Kind::DType(operand.ty().dtype),
            Arg::Number(Number::Bool(_)) => Kind::DType(DType::Bool),
            Arg::Number(Number::Int(_)) => Kind::Int,
            Arg::Number(Number::Float(_)) => Kind::Float,
        }
    }

    /// The dtype that the argument has, or gets when it stands alone.
    pub fn dtype(&self) -> DType {
        self.kind().dtype()
    }

    /// The argument as an operand of its own dtype.
    pub fn own(self) -> Result<Operand> {
        let dtype = self.dtype();
        self.to(dtype)
    }

    /// The argument as an operand of dtype `dtype`: numbers are made so, tensors are cast.
    pub fn to(self, dtype: DType) -> Result<Operand> {
        match self {
            Arg::Number(number) => Ok(concrete(number.tensor(dtype)?)),
            Arg::Operand(operand) if operand.ty().dtype == dtype => Ok(operand),
            Arg::Operand(operand) => crate::call::cast(&operand, dtype),
        }
    }

    /// The argument, if `obj` can be one at a glance: no conversion, no error for anything else.
    ///
    /// # Errors
    /// `ValueError` for an `int` of more than 64 bits.
    pub fn plain(obj: &Bound<'_, PyAny>) -> Result<Option<Arg>> {
        if let Ok(tensor) = obj.cast::<PyTensor>() {
            return Ok(Some(Arg::Operand(Operand::Value(tensor.get().value.clone()))));
        }
        if let Ok(variable) = obj.cast::<PyVariable>() {
            return Ok(Some(Arg::Operand(variable.get().reading()?)));
        }
        let number = if let Ok(f) = obj.cast::<PyFloat>() {
            Number::Float(f.value())
        } else if let Ok(b) = obj.cast::<PyBool>() {
            Number::Bool(b.is_true())
        } else if obj.is_instance_of::<PyInt>() {
            match obj.extract() {
                Ok(i) => Number::Int(i),
                Err(_) => fail!(Value, "a Python int of more than 64 bits was given; expected one that fits int64"),
            }
        } else {
            return Ok(None);
        };
        Ok(Some(Arg::Number(number)))
    }

    /// The argument that `obj` is, or can be converted to.
    ///
    /// # Errors
    /// `TypeError` naming the type or dtype that came.
    pub fn of(obj: &Bound<'_, PyAny>) -> Result<Arg> {
        match Arg::plain(obj)? {
            Some(arg) => Ok(arg),
            None => Ok(Arg::Operand(concrete(array::tensor_from(obj, None)?))),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Arg {
    type Error = Failure;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> Result<Arg> {
        Arg::of(&obj)
    }
}

/// Lengths or numbers of axes: a sequence of integers that fit `isize`.
///
/// Unlike a `Vec`, it does not reserve room for as many as an object says it has, which may be a lie or 10^12.
pub struct Axes(Vec<isize>);

impl Axes {
    const MOST: usize = 1024;
}

impl std::ops::Deref for Axes {
    type Target = Vec<isize>;

    fn deref(&self) -> &Vec<isize> {
        &self.0
    }
}

impl std::fmt::Debug for Axes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Axes {
    type Error = Failure;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> Result<Axes> {
        let is_sequence =
            obj.is_instance_of::<PyTuple>() || obj.is_instance_of::<PyList>() || obj.hasattr("__getitem__")?;
        if !is_sequence || obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyDict>() {
            fail!(Type, "expected a sequence of integers, got {}", type_name(&obj));
        }
        let mut axes = Vec::new();
        for item in obj.try_iter()? {
            let item = item?;
            axes.push(match item.extract::<isize>() {
                Ok(axis) => axis,
                Err(e) if e.is_instance_of::<PyOverflowError>(obj.py()) => {
                    fail!(Value, "an integer of more than 64 bits is no length or number of an axis")
                }
                Err(e) => return Err(e.into()),
            });
            if axes.len() > Axes::MOST {
                fail!(Value, "{} has more than {} elements; expected one for each axis", type_name(&obj), Axes::MOST);
            }
        }
        Ok(Axes(axes))
    }
}

/// A concrete tensor as an operand.
pub fn concrete(tensor: Tensor) -> Operand {
    Operand::Value(Value::Concrete(tensor))
}

/// The dtype to which all of `args` promote.
pub fn promote<'a>(args: impl IntoIterator<Item = &'a Arg>) -> DType {
    args.into_iter().map(Arg::kind).reduce(Kind::join).unwrap_or(Kind::Float).dtype()
}

/// Arguments of one dtype, the one to which they promote.
pub fn promoted<const N: usize>(args: [Arg; N]) -> Result<[Operand; N]> {
    let dtype = promote(&args);
    to_all(args, dtype)
}

/// Arguments of dtype `dtype`.
pub fn to_all<const N: usize>(args: [Arg; N], dtype: DType) -> Result<[Operand; N]> {
    if args.iter().all(|a| matches!(a, Arg::Operand(o) if o.ty().dtype == dtype)) {
        // The common case, without a heap allocation.
        return Ok(args.map(|a| match a {
            Arg::Operand(operand) => operand,
            Arg::Number(_) => unreachable!("all were seen to be operands"),
        }));
    }
    let operands = args.into_iter().map(|a| a.to(dtype)).collect::<Result<Vec<_>>>()?;
    Ok(operands.try_into().unwrap_or_else(|_| unreachable!("one operand per argument")))
}

/// The name of an object's type, for messages.
pub fn type_name(obj: &Bound<'_, PyAny>) -> String {
    obj.get_type().fully_qualified_name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// A dtype by its name.
#[derive(Clone, Copy)]
pub struct DTypeArg(pub DType);

impl<'a, 'py> FromPyObject<'a, 'py> for DTypeArg {
    type Error = Failure;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> Result<DTypeArg> {
        let name: String = match obj.extract() {
            Ok(name) => name,
            Err(_) => fail!(Type, "dtype: expected a string such as 'float32', got {}", type_name(&obj)),
        };
        parse_dtype(&name).map(DTypeArg)
    }
}

fn parse_dtype(name: &str) -> Result<DType> {
    match DType::ALL.into_iter().find(|d| d.name() == name) {
        Some(dtype) => Ok(dtype),
        None => fail!(Value, "dtype {name:?} is not supported; supported are {}", dtype_names()),
    }
}

/// The names of the supported dtypes, for messages.
pub fn dtype_names() -> String {
    DType::ALL.map(|d| d.name()).join(", ")
}
