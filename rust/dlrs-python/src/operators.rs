//! Python's operators, the same on tensors and variables.

use dlrs_kernels::elementwise::BinaryOp;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::errors::Result;
use crate::operand::Arg;
use crate::ops::{contraction, elementwise};
use crate::tensor::PyTensor;
use crate::variable::PyVariable;

/// What an operator answers to an operand of a type it does not know: the other operand's type gets its turn.
type Answer = Result<Option<PyTensor>>;

/// The other operand: numbers, tensors, arrays and sequences.
fn other(obj: &Bound<'_, PyAny>) -> Result<Option<Arg>> {
    if let Some(arg) = Arg::plain(obj)? {
        return Ok(Some(arg));
    }
    let sequence = obj.is_instance_of::<PyList>() || obj.is_instance_of::<PyTuple>();
    if sequence || crate::exchange::View::of(obj).is_some() || obj.hasattr("__dlpack__")? {
        return Arg::of(obj).map(Some);
    }
    Ok(None)
}

fn binary(x1: Arg, x2: &Bound<'_, PyAny>, f: fn(Arg, Arg) -> Result<PyTensor>) -> Answer {
    other(x2)?.map(|x2| f(x1, x2)).transpose()
}

fn reflected(x2: Arg, x1: &Bound<'_, PyAny>, f: fn(Arg, Arg) -> Result<PyTensor>) -> Answer {
    other(x1)?.map(|x1| f(x1, x2)).transpose()
}

fn answer(py: Python<'_>, answer: Answer) -> Result<Py<PyAny>> {
    Ok(match answer? {
        Some(tensor) => Py::new(py, tensor)?.into_any(),
        None => py.NotImplemented(),
    })
}

fn compare(op: CompareOp) -> BinaryOp {
    match op {
        CompareOp::Lt => BinaryOp::Lt,
        CompareOp::Le => BinaryOp::Le,
        CompareOp::Gt => BinaryOp::Gt,
        CompareOp::Ge => BinaryOp::Ge,
        CompareOp::Eq => BinaryOp::Eq,
        CompareOp::Ne => BinaryOp::Ne,
    }
}

macro_rules! pair {
    ($class:ty, $($name:ident $reflected:ident $f:expr;)*) => {
        #[pymethods]
        impl $class {
            $(
                fn $name(&self, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                    answer(other.py(), binary(Arg::Operand(self.reading()?), other, $f))
                }

                fn $reflected(&self, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
                    answer(other.py(), reflected(Arg::Operand(self.reading()?), other, $f))
                }
            )*
        }
    };
}

macro_rules! operators {
    ($class:ty) => {
        pair! { $class,
            __add__ __radd__ elementwise::add;
            __sub__ __rsub__ elementwise::subtract;
            __mul__ __rmul__ elementwise::multiply;
            __truediv__ __rtruediv__ elementwise::divide;
            __floordiv__ __rfloordiv__ elementwise::floor_divide;
            __mod__ __rmod__ elementwise::r#mod;
            __matmul__ __rmatmul__ |a, b| contraction::matmul(a, b, false, false);
            __and__ __rand__ elementwise::bitwise_and;
            __or__ __ror__ elementwise::bitwise_or;
            __xor__ __rxor__ elementwise::bitwise_xor;
            __lshift__ __rlshift__ elementwise::left_shift;
            __rshift__ __rrshift__ elementwise::right_shift;
        }

        #[pymethods]
        impl $class {
            fn __pow__(&self, other: &Bound<'_, PyAny>, modulo: Option<&Bound<'_, PyAny>>) -> Result<Py<PyAny>> {
                let f = if modulo.is_some() { elementwise::power_modulo } else { elementwise::power };
                answer(other.py(), binary(Arg::Operand(self.reading()?), other, f))
            }

            fn __rpow__(&self, other: &Bound<'_, PyAny>, modulo: Option<&Bound<'_, PyAny>>) -> Result<Py<PyAny>> {
                let f = if modulo.is_some() { elementwise::power_modulo } else { elementwise::power };
                answer(other.py(), reflected(Arg::Operand(self.reading()?), other, f))
            }

            fn __neg__(&self) -> Result<PyTensor> {
                elementwise::negative(Arg::Operand(self.reading()?))
            }

            fn __pos__(&self) -> PyResult<PyTensor> {
                Ok(crate::call::identity(&self.reading()?)?)
            }

            fn __abs__(&self) -> Result<PyTensor> {
                elementwise::absolute(Arg::Operand(self.reading()?))
            }

            fn __invert__(&self) -> Result<PyTensor> {
                elementwise::bitwise_not(Arg::Operand(self.reading()?))
            }

            fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> Result<Py<PyAny>> {
                let (x, y) = (Arg::Operand(self.reading()?), crate::operators::other(other)?);
                let result = y.map(|y| elementwise::comparison(compare(op), x, y)).transpose();
                answer(other.py(), result)
            }
        }
    };
}

operators!(PyTensor);
operators!(PyVariable);
