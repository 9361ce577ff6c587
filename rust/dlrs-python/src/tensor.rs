//! `Tensor`: an immutable array, concrete or symbolic.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dlrs_core::dispatch::{self, Operand, Value};
use dlrs_core::{DType, Tensor, Ty};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyBufferError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyTuple};

use crate::array::{numpy_array, numpy_asarray};
use crate::errors::{Failure, Result, fail};
use crate::exchange::{CPU, capsule};
use crate::operand::concrete;
use crate::{array, call, index, ops};

/// An n-dimensional array: concrete, or symbolic while a function is traced. Immutable.
///
/// It has NumPy's operators, indices and properties, and NumPy's functions take it. `ops.convert_to_tensor` makes one.
///
/// >>> import dlrs
/// >>> x = dlrs.ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
/// >>> x.shape, x.dtype, (x @ x)[0].tolist()
/// ((2, 2), 'float32', [7.0, 10.0])
#[pyclass(name = "Tensor", module = "dlrs", frozen, weakref, dict)]
pub struct PyTensor {
    pub value: Value,
}

impl From<Value> for PyTensor {
    fn from(value: Value) -> PyTensor {
        PyTensor { value }
    }
}

impl From<Tensor> for PyTensor {
    fn from(tensor: Tensor) -> PyTensor {
        PyTensor { value: Value::Concrete(tensor) }
    }
}

impl PyTensor {
    /// The tensor's elements.
    ///
    /// # Errors
    /// `TracingError` naming what was asked, if the tensor is symbolic.
    pub fn concrete(&self, asked: &str) -> Result<&Tensor> {
        match &self.value {
            Value::Concrete(tensor) => Ok(tensor),
            Value::Symbolic(symbol) => symbolic(asked, symbol.ty()),
        }
    }

    /// Dtype and shape.
    pub fn ty(&self) -> Ty {
        self.value.ty()
    }

    /// The tensor as an operand.
    pub fn operand(&self) -> Operand {
        Operand::Value(self.value.clone())
    }

    /// The tensor as an operand; that of a variable may be a cast, which can fail.
    pub fn reading(&self) -> Result<Operand> {
        Ok(self.operand())
    }
}

#[cold]
fn symbolic<T>(asked: &str, ty: Ty) -> Result<T> {
    fail!(
        Tracing,
        "{asked} was asked of a symbolic tensor of shape {} and dtype {}: it has no value while the function is traced. \
         Use ops.where or ops.cond for a choice that depends on a value, ops.scan or ops.while_loop for a loop over one, \
         or run_eagerly=True",
        ty.shape,
        ty.dtype
    )
}

/// Element `i` as a Python number.
pub fn element(py: Python<'_>, tensor: &Tensor, i: usize) -> Result<Py<PyAny>> {
    Ok(match tensor.dtype() {
        DType::Bool => (tensor.as_slice::<u8>()[i] != 0).into_py_any(py)?,
        DType::U8 => tensor.as_slice::<u8>()[i].into_py_any(py)?,
        DType::U16 => tensor.as_slice::<u16>()[i].into_py_any(py)?,
        DType::U32 => tensor.as_slice::<u32>()[i].into_py_any(py)?,
        DType::U64 => tensor.as_slice::<u64>()[i].into_py_any(py)?,
        DType::I8 => tensor.as_slice::<i8>()[i].into_py_any(py)?,
        DType::I16 => tensor.as_slice::<i16>()[i].into_py_any(py)?,
        DType::I32 => tensor.as_slice::<i32>()[i].into_py_any(py)?,
        DType::I64 => tensor.as_slice::<i64>()[i].into_py_any(py)?,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => tensor.get(i).into_py_any(py)?,
    })
}

/// The only element of a tensor.
pub fn only_element(py: Python<'_>, tensor: &Tensor, asked: &str) -> Result<Py<PyAny>> {
    if tensor.shape().size() != 1 {
        fail!(Value, "{asked} needs a tensor of one element; this one has shape {}", tensor.shape());
    }
    element(py, tensor, 0)
}

/// A shape as a tuple.
pub fn shape_tuple<'py>(py: Python<'py>, ty: &Ty) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, ty.shape.dims())
}

/// A fresh NumPy array of a tensor's elements.
pub fn to_numpy<'py>(py: Python<'py>, tensor: &Tensor) -> Result<Bound<'py, PyAny>> {
    Ok(numpy_array(Bound::new(py, PyTensor::from(tensor.clone()))?.as_any())?)
}

#[pymethods]
impl PyTensor {
    /// NumPy's binary operators leave the choice to the tensor.
    #[classattr]
    fn __array_priority__() -> f64 {
        100.0
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        shape_tuple(py, &self.ty())
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.ty().dtype.name()
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.ty().shape.rank()
    }

    #[getter]
    fn size(&self) -> usize {
        self.ty().shape.size()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.ty().bytes()
    }

    #[getter]
    fn is_symbolic(&self) -> bool {
        matches!(self.value, Value::Symbolic(_))
    }

    #[getter(T)]
    fn t(&self) -> Result<PyTensor> {
        ops::shape::reverse_axes(&self.operand())
    }

    /// A fresh, writable NumPy array with the tensor's elements.
    fn numpy<'py>(slf: &Bound<'py, Self>) -> Result<Bound<'py, PyAny>> {
        slf.get().concrete("numpy()")?;
        Ok(numpy_array(slf.as_any())?)
    }

    /// The only element as a Python number.
    fn item(&self, py: Python<'_>) -> Result<Py<PyAny>> {
        only_element(py, self.concrete("item()")?, "item()")
    }

    /// The elements as nested lists of Python numbers.
    fn tolist<'py>(slf: &Bound<'py, Self>) -> Result<Bound<'py, PyAny>> {
        slf.get().concrete("tolist()")?;
        Ok(numpy_asarray(slf.as_any(), None)?.call_method0("tolist")?)
    }

    /// A NumPy array: a read-only view where that is possible, else a copy.
    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> Result<Bound<'py, PyAny>> {
        slf.get().concrete("conversion to a NumPy array")?;
        if copy == Some(true) {
            let array = match slf.get().ty().dtype {
                DType::BF16 => brain_floats(slf)?.call_method0("copy")?,
                _ => numpy_array(slf.as_any())?,
            };
            return Ok(match dtype {
                Some(dtype) => array.call_method1("astype", (dtype,))?,
                None => array,
            });
        }
        let view = match slf.get().ty().dtype {
            DType::BF16 => brain_floats(slf)?,
            _ => numpy_asarray(PyMemoryView::from(slf.as_any())?.as_any(), None)?,
        };
        let Some(dtype) = dtype else { return Ok(view) };
        if view.getattr("dtype")?.eq(&dtype)? {
            return Ok(view);
        }
        if copy == Some(false) {
            fail!(Value, "a {} tensor cannot become an array of dtype {dtype} without a copy", slf.get().dtype());
        }
        Ok(view.call_method1("astype", (dtype,))?)
    }

    /// A DLPack capsule. The elements are shared, read-only, with a consumer that can be told so (DLPack 1.0), else copied.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> Result<Bound<'py, PyAny>> {
        let tensor = self.concrete("DLPack export")?;
        if stream.is_some() || dl_device.is_some_and(|d| d != CPU) {
            return Err(PyBufferError::new_err("the tensor is in the CPU's memory: no stream, no other device").into());
        }
        let versioned = max_version.is_some_and(|(major, _)| major >= 1);
        let copies = copy.unwrap_or(!versioned);
        if !copies && !versioned {
            return Err(
                PyBufferError::new_err("an immutable tensor is shared without a copy through DLPack 1.0 only").into()
            );
        }
        let tensor = if copies {
            let mut buffer =
                dlrs_kernels::mem::Buffer::recycled(tensor.bytes().len()).map_err(dlrs_core::Error::from)?;
            buffer.bytes_mut().copy_from_slice(tensor.bytes());
            Tensor::from_buffer(tensor.ty(), buffer)
        } else {
            tensor.clone()
        };
        Ok(capsule(py, tensor, versioned, copies)?)
    }

    fn __dlpack_device__(&self) -> (i32, i32) {
        CPU
    }

    fn __bool__(&self) -> Result<bool> {
        let tensor = self.concrete("bool()")?;
        if tensor.shape().size() != 1 {
            fail!(
                Value,
                "the truth value of a tensor of shape {} is ambiguous; use ops.any or ops.all",
                tensor.shape()
            );
        }
        Ok(tensor.get(0) != 0.0)
    }

    fn __float__(&self) -> Result<f64> {
        let tensor = self.concrete("float()")?;
        if tensor.shape().size() != 1 {
            fail!(Type, "float() needs a tensor of one element; this one has shape {}", tensor.shape());
        }
        Ok(tensor.get(0))
    }

    fn __int__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let tensor = self.concrete("int()")?;
        if tensor.shape().size() != 1 {
            fail!(Type, "int() needs a tensor of one element; this one has shape {}", tensor.shape());
        }
        Ok(element(py, tensor, 0)?.into_bound(py).call_method0("__int__")?)
    }

    fn __index__(&self, py: Python<'_>) -> Result<Py<PyAny>> {
        let tensor = self.concrete("use as an index")?;
        if tensor.shape().rank() != 0 || tensor.dtype().is_float() || tensor.dtype() == DType::Bool {
            fail!(
                Type,
                "only a scalar integer tensor can be an index; this one has shape {} and dtype {}",
                tensor.shape(),
                tensor.dtype()
            );
        }
        element(py, tensor, 0)
    }

    fn __len__(&self) -> Result<usize> {
        match self.ty().shape.first() {
            Some(&n) => Ok(n),
            None => fail!(Type, "len() of a scalar tensor"),
        }
    }

    fn __iter__(slf: &Bound<'_, Self>) -> Result<TensorIterator> {
        slf.get().concrete("iteration")?;
        if slf.get().ty().shape.rank() == 0 {
            fail!(Type, "iteration over a scalar tensor");
        }
        Ok(TensorIterator { tensor: slf.clone().unbind(), next: AtomicUsize::new(0) })
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> Result<PyTensor> {
        index::get(&self.operand(), key)
    }

    /// A tensor never changes, so that it is its own copy.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        let _ = memo;
        slf
    }

    /// Pickled as its elements.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Result<Bound<'py, PyTuple>> {
        slf.get().concrete("pickling")?;
        let make = slf.py().import("dlrs._dlrs")?.getattr("tensor")?;
        let arguments = (numpy_array(slf.as_any())?, slf.get().dtype());
        Ok((make, arguments).into_pyobject(slf.py())?)
    }

    fn __hash__(slf: &Bound<'_, Self>) -> usize {
        slf.as_ptr() as usize >> 4
    }

    fn __repr__(slf: &Bound<'_, Self>) -> Result<String> {
        let ty = slf.get().ty();
        let head = format!("<Tensor shape={}, dtype={}", ty.shape, ty.dtype);
        if slf.get().is_symbolic() {
            return Ok(format!("{head}, symbolic>"));
        }
        Ok(format!("{head}, values={}>", values_text(slf.as_any())?))
    }
}

/// Brain floats, which NumPy does not have, as a read-only array of the dtype of `ml_dtypes` if that is installed, else as float32.
fn brain_floats<'py>(slf: &Bound<'py, PyTensor>) -> Result<Bound<'py, PyAny>> {
    let tensor = slf.get().concrete("conversion to a NumPy array")?;
    let py = slf.py();
    let (dtype, elements) = match array::brain_float(py) {
        Some(dtype) => (Some(dtype), tensor.as_bits()),
        None => (None, dispatch::concrete(&call::cast(&concrete(tensor.clone()), DType::F32)?)?),
    };
    let elements = Bound::new(py, PyTensor::from(elements))?;
    let array = numpy_asarray(PyMemoryView::from(elements.as_any())?.as_any(), None)?;
    Ok(match dtype {
        Some(dtype) => array.call_method1("view", (dtype,))?,
        None => array,
    })
}

/// A tensor's elements as NumPy prints them.
pub fn values_text(tensor: &Bound<'_, PyAny>) -> Result<String> {
    let numpy = tensor.py().import("numpy")?;
    let text: String = numpy.call_method1("array2string", (numpy_asarray(tensor, None)?,))?.extract()?;
    Ok(text)
}

/// Iterates over axis 0.
#[pyclass(module = "dlrs", frozen)]
pub struct TensorIterator {
    tensor: Py<PyTensor>,
    next: AtomicUsize,
}

#[pymethods]
impl TensorIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self) -> Result<PyTensor> {
        let tensor = self.tensor.get();
        let i = self.next.fetch_add(1, Relaxed);
        if i >= tensor.ty().shape[0] {
            return Err(Failure::Python(PyStopIteration::new_err(())));
        }
        index::row(&tensor.operand(), i)
    }
}
