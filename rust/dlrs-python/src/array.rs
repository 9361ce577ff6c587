//! Tensors from NumPy arrays, other buffers, sequences and whatever `numpy.asarray` takes.

use dlrs_core::{DType, Shape, Tensor, Ty, dispatch};
use dlrs_kernels::mem::Buffer;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyRange, PyString, PyTuple};

use crate::call;
use crate::errors::{Result, fail};
use crate::exchange::View;
use crate::operand::{concrete, dtype_names, type_name};

/// `numpy.asarray(obj, dtype, order="C")`.
pub fn numpy_asarray<'py>(obj: &Bound<'py, PyAny>, dtype: Option<DType>) -> PyResult<Bound<'py, PyAny>> {
    static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kwargs = PyDict::new(obj.py());
    kwargs.set_item("order", "C")?;
    if let Some(dtype) = dtype {
        kwargs.set_item("dtype", dtype.name())?;
    }
    ASARRAY.import(obj.py(), "numpy", "asarray")?.call((obj,), Some(&kwargs))
}

/// `numpy.array(obj)`: a fresh array.
pub fn numpy_array<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ARRAY.import(obj.py(), "numpy", "array")?.call1((obj,))
}

/// A tensor with a copy of the elements of `obj`, of dtype `dtype` if one is named. Otherwise arrays keep their dtype (the nearest
/// supported one), and sequences of Python numbers become bool, int32 or float32.
///
/// # Errors
/// `TypeError` for objects, strings and complex numbers, `ValueError` for integers too large for int32,
/// `ValueError` for ragged sequences.
pub fn tensor_from(obj: &Bound<'_, PyAny>, dtype: Option<DType>) -> Result<Tensor> {
    if let Some(view) = View::of(obj)
        && let Some(own) = view.dtype()
        && dtype.is_none_or(|d| d == own)
        && !obj.is_instance_of::<PyBytes>()
    {
        if let Some(bytes) = view.bytes() {
            return copy(Ty::new(own, view.shape()?), bytes);
        }
        return convert(obj, own);
    }
    tensor_from_other(obj, dtype)
}

#[cold]
fn tensor_from_other(obj: &Bound<'_, PyAny>, dtype: Option<DType>) -> Result<Tensor> {
    if obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>() || obj.is_none() {
        fail!(Type, "expected a tensor, a number or an array, got {}", type_name(obj));
    }
    let array = numpy_asarray(obj, None)?;
    let nearest = nearest_dtype(&array, obj)?;
    let numbers = obj.is_instance_of::<PyList>() || obj.is_instance_of::<PyTuple>() || obj.is_instance_of::<PyRange>();
    match (dtype, nearest) {
        (Some(dtype), _) => convert(&array, dtype),
        (None, DType::F64) if numbers => convert(&array, DType::F32),
        (None, DType::I64) if numbers => to_i32(&convert(&array, DType::I64)?),
        (None, dtype) => convert(&array, dtype),
    }
}

/// The supported dtype that holds an array's elements with the least loss.
fn nearest_dtype(array: &Bound<'_, PyAny>, given: &Bound<'_, PyAny>) -> Result<DType> {
    let dtype = array.getattr("dtype")?;
    let (kind, size): (char, usize) = (dtype.getattr("kind")?.extract()?, dtype.getattr("itemsize")?.extract()?);
    let name = dtype.str()?.to_string();
    Ok(match (kind, size) {
        ('b', _) => DType::Bool,
        ('u', 1) => DType::U8,
        ('u', 2) => DType::U16,
        ('u', 4) => DType::U32,
        ('u', 8) => DType::U64,
        ('i', 1) => DType::I8,
        ('i', 2) => DType::I16,
        ('i', 4) => DType::I32,
        ('i', 8) => DType::I64,
        ('f', 2) => DType::F16,
        ('f', 4) => DType::F32,
        ('f', _) => DType::F64,
        ('V', 2) if name == "bfloat16" => DType::BF16,
        _ => fail!(
            Type,
            "expected a tensor, a number or an array of numbers, got {} of dtype {name}; supported dtypes are {}",
            type_name(given),
            dtype_names()
        ),
    })
}

/// The type of brain floats that `ml_dtypes` adds to NumPy, if it is installed.
pub fn brain_float(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    static BFLOAT16: PyOnceLock<Option<Py<PyAny>>> = PyOnceLock::new();
    let import = || Some(py.import("ml_dtypes").ok()?.getattr("bfloat16").ok()?.unbind());
    BFLOAT16.get_or_init(py, import).as_ref().map(|dtype| dtype.bind(py).clone())
}

/// A tensor of brain floats: the bits of an array of them, the rounded elements of any other.
fn convert_to_brain_floats(obj: &Bound<'_, PyAny>) -> Result<Tensor> {
    let array = numpy_asarray(obj, None)?;
    if nearest_dtype(&array, obj)? != DType::BF16 {
        let wide = concrete(convert(&array, DType::F64)?);
        return Ok(dispatch::concrete(&call::cast(&wide, DType::BF16)?)?);
    }
    let bits = convert(&array.call_method1("view", ("uint16",))?, DType::U16)?;
    Ok(Tensor::from_slice(DType::BF16, bits.shape(), bits.as_slice::<u16>())?)
}

fn convert(obj: &Bound<'_, PyAny>, dtype: DType) -> Result<Tensor> {
    if dtype == DType::BF16 {
        return convert_to_brain_floats(obj);
    }
    let array = numpy_asarray(obj, Some(dtype))?;
    match contiguous(&array, dtype)? {
        Some(tensor) => Ok(tensor),
        None => match contiguous(&array.call_method1("copy", ("C",))?, dtype)? {
            Some(tensor) => Ok(tensor),
            None => fail!(Type, "{} does not expose its elements", type_name(obj)),
        },
    }
}

/// A copy of an array's elements, unless they have gaps or stand at an odd address.
fn contiguous(array: &Bound<'_, PyAny>, dtype: DType) -> Result<Option<Tensor>> {
    let Some(view) = View::of(array) else { return Ok(None) };
    let Some(bytes) = view.bytes() else { return Ok(None) };
    copy(Ty::new(dtype, view.shape()?), bytes).map(Some)
}

fn copy(ty: Ty, bytes: &[u8]) -> Result<Tensor> {
    let mut buffer = Buffer::recycled(ty.bytes()).map_err(dlrs_core::Error::from)?;
    buffer.bytes_mut().copy_from_slice(bytes);
    Ok(Tensor::from_buffer(ty, buffer))
}

/// Python integers as int32, which is what they become where nothing else decides.
fn to_i32(wide: &Tensor) -> Result<Tensor> {
    let narrow: std::result::Result<Vec<i32>, _> = wide.as_slice::<i64>().iter().map(|&i| i32::try_from(i)).collect();
    match narrow {
        Ok(narrow) => Ok(Tensor::from_slice(DType::I32, wide.shape(), &narrow)?),
        Err(_) => fail!(Value, "an integer does not fit int32; pass a NumPy array of int64 or name a dtype"),
    }
}

/// Lengths of axes as Python gives them.
pub fn shape_of(what: &str, dims: &[isize]) -> Result<Shape> {
    match dims.iter().map(|&d| usize::try_from(d)).collect::<std::result::Result<Vec<_>, _>>() {
        Ok(dims) => Ok(Shape::new(&dims)?),
        Err(_) => fail!(Value, "{what}: negative length in shape {dims:?}"),
    }
}
