//! Memory shared with other libraries: the buffer protocol in both directions, and DLPack.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;

use dlrs_core::{DType, Shape, Tensor};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::errors::Result;
use crate::tensor::PyTensor;

/// Another object's elements, read through the buffer protocol. The exporter keeps them alive and in place while the view lives.
/// A view is not `Send`, so it cannot be dropped where the interpreter is released.
pub struct View<'py> {
    // Boxed because a buffer's shape may point into the struct itself.
    raw: Box<ffi::Py_buffer>,
    attached: PhantomData<Python<'py>>,
}

impl<'py> View<'py> {
    /// A view of an object that exports its elements.
    pub fn of(obj: &Bound<'py, PyAny>) -> Option<View<'py>> {
        let mut raw = Box::new(ffi::Py_buffer::new());
        // SAFETY: obj is alive and the interpreter is held; raw is a writable Py_buffer at an address that stays.
        let status = unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &raw mut *raw, ffi::PyBUF_FULL_RO) };
        if status != 0 {
            PyErr::take(obj.py());
            return None;
        }
        Some(View { raw, attached: PhantomData })
    }

    /// The elements' dtype, if it is one of those that tensors have.
    pub fn dtype(&self) -> Option<DType> {
        // SAFETY: a format is null or a C string that lives as long as the buffer.
        let format = if self.raw.format.is_null() { c"B" } else { unsafe { CStr::from_ptr(self.raw.format) } };
        let code = match format.to_bytes() {
            [code] | [b'@' | b'=', code] => *code,
            [b'<', code] if cfg!(target_endian = "little") => *code,
            _ => return None,
        };
        match (code, self.raw.itemsize) {
            (b'?', 1) => Some(DType::Bool),
            (b'B', 1) => Some(DType::U8),
            (b'f', 4) => Some(DType::F32),
            (b'd', 8) => Some(DType::F64),
            (b'e', 2) => Some(DType::F16),
            (b'b', 1) => Some(DType::I8),
            (b'h', 2) => Some(DType::I16),
            (b'H', 2) => Some(DType::U16),
            (b'I' | b'L' | b'Q', 4) => Some(DType::U32),
            (b'I' | b'L' | b'Q', 8) => Some(DType::U64),
            (b'i' | b'l' | b'q', 4) => Some(DType::I32),
            (b'i' | b'l' | b'q', 8) => Some(DType::I64),
            _ => None,
        }
    }

    /// Lengths of the axes.
    pub fn dims(&self) -> &[usize] {
        if self.raw.ndim == 0 {
            return &[];
        }
        // SAFETY: PyBUF_FULL_RO asks for a shape, so it points to ndim lengths, which are not negative.
        unsafe { std::slice::from_raw_parts(self.raw.shape.cast(), self.raw.ndim as usize) }
    }

    /// Lengths of the axes, as a shape.
    pub fn shape(&self) -> Result<Shape> {
        Ok(Shape::new(self.dims())?)
    }

    /// Whether the elements begin at a multiple of `bytes`.
    pub fn is_aligned(&self, bytes: usize) -> bool {
        (self.raw.buf as usize).is_multiple_of(bytes)
    }

    /// The elements' bytes, if they lie in row-major order without gaps at an address that suits their type.
    pub fn bytes(&self) -> Option<&[u8]> {
        if self.raw.len == 0 {
            return Some(&[]);
        }
        let aligned = (self.raw.buf as usize).is_multiple_of(self.raw.itemsize.max(1) as usize);
        // SAFETY: raw is a filled buffer.
        let contiguous = unsafe { ffi::PyBuffer_IsContiguous(&*self.raw, b'C' as c_char) } != 0;
        if !aligned || !contiguous {
            return None;
        }
        // SAFETY: a contiguous buffer has len readable bytes at buf, kept by the exporter until the release in drop. As with
        // every reader of the protocol, that nobody writes them meanwhile is for the caller of the library to see to.
        Some(unsafe { std::slice::from_raw_parts(self.raw.buf.cast(), self.raw.len as usize) })
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        // SAFETY: raw was filled by PyObject_GetBuffer and is released once; a view lives only where the interpreter is held.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.raw) };
    }
}

/// What the struct module and NumPy call the dtype, if they know it.
fn format(dtype: DType) -> Option<&'static CStr> {
    Some(match dtype {
        DType::Bool => c"?",
        DType::U8 => c"B",
        DType::U16 => c"H",
        DType::U32 => c"I",
        DType::U64 => c"Q",
        DType::I8 => c"b",
        DType::I16 => c"h",
        DType::I32 => c"i",
        DType::I64 => c"q",
        DType::F16 => c"e",
        DType::F32 => c"f",
        DType::F64 => c"d",
        DType::BF16 => return None,
    })
}

#[pymethods]
impl PyTensor {
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("the view is null"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("tensors are immutable; ask for a read-only buffer or use numpy()"));
        }
        let tensor = slf.get().concrete("the buffer protocol")?.clone();
        let Some(format) = format(tensor.dtype()) else {
            return Err(PyBufferError::new_err(format!("the buffer protocol has no {}", tensor.dtype())));
        };
        let rank = tensor.shape().rank();
        let size = tensor.dtype().size();
        let strides = tensor.shape().strides();
        // Lengths, then strides in bytes: one block that __releasebuffer__ takes back.
        let layout: Vec<isize> = tensor.shape().iter().chain(strides.iter()).map(|&n| n as isize).collect();
        let layout = Box::into_raw(layout.into_boxed_slice()).cast::<isize>();
        let wants = |flag| flags & flag == flag;
        // SAFETY: layout holds 2·rank numbers; those from rank on are strides in elements. The view was checked not to be null
        // and is the caller's to fill; buf stays in place and unwritten while obj, to which the view owns a reference, lives.
        unsafe {
            (rank..2 * rank).for_each(|i| *layout.add(i) *= size as isize);
            *view = ffi::Py_buffer {
                buf: tensor.bytes().as_ptr().cast_mut().cast(),
                obj: slf.clone().into_any().into_ptr(),
                len: tensor.bytes().len() as isize,
                itemsize: size as isize,
                readonly: 1,
                ndim: rank as c_int,
                format: if wants(ffi::PyBUF_FORMAT) { format.as_ptr().cast_mut() } else { std::ptr::null_mut() },
                shape: if wants(ffi::PyBUF_ND) && rank > 0 { layout } else { std::ptr::null_mut() },
                strides: if wants(ffi::PyBUF_STRIDES) && rank > 0 { layout.add(rank) } else { std::ptr::null_mut() },
                suboffsets: std::ptr::null_mut(),
                internal: layout.cast(),
            };
        }
        Ok(())
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: internal is the block of 2·rank numbers that __getbuffer__ made for this view, released once.
        unsafe {
            let rank = (*view).ndim as usize;
            let layout = std::ptr::slice_from_raw_parts_mut((*view).internal.cast::<isize>(), 2 * rank);
            drop(Box::from_raw(layout));
        }
    }
}

// The structs of DLPack 1.0 (dlpack.h).

#[repr(C)]
struct DLDevice {
    device_type: i32,
    device_id: i32,
}

/// `kDLCPU`, number 0.
pub const CPU: (i32, i32) = (1, 0);

#[repr(C)]
struct DLDataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DLTensor {
    data: *mut c_void,
    device: DLDevice,
    ndim: i32,
    dtype: DLDataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct DLManagedTensor {
    dl_tensor: DLTensor,
    manager_ctx: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}

#[repr(C)]
struct DLManagedTensorVersioned {
    version: [u32; 2],
    manager_ctx: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    flags: u64,
    dl_tensor: DLTensor,
}

const FLAG_READ_ONLY: u64 = 1;
const FLAG_IS_COPIED: u64 = 2;

/// What an exported struct points to.
struct Export {
    tensor: Tensor,
    dims: Box<[i64]>,
}

impl Export {
    fn new(tensor: Tensor) -> Box<Export> {
        let strides = tensor.shape().strides();
        let dims = tensor.shape().iter().chain(strides.iter()).map(|&n| n as i64).collect();
        Box::new(Export { tensor, dims })
    }

    fn describe(&mut self) -> DLTensor {
        let dtype = self.tensor.dtype();
        let code = match dtype {
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => 0,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => 1,
            DType::F16 | DType::F32 | DType::F64 => 2,
            DType::BF16 => 4,
            DType::Bool => 6,
        };
        let rank = self.tensor.shape().rank();
        let shape = self.dims.as_mut_ptr();
        DLTensor {
            data: self.tensor.bytes().as_ptr().cast_mut().cast(),
            device: DLDevice { device_type: CPU.0, device_id: CPU.1 },
            ndim: rank as i32,
            dtype: DLDataType { code, bits: dtype.size() as u8 * 8, lanes: 1 },
            shape,
            strides: shape.wrapping_add(rank),
            byte_offset: 0,
        }
    }
}

unsafe extern "C" fn delete(managed: *mut DLManagedTensor) {
    // SAFETY: both boxes were made by `capsule` and the protocol calls the deleter once.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.manager_ctx.cast::<Export>()));
    }
}

unsafe extern "C" fn delete_versioned(managed: *mut DLManagedTensorVersioned) {
    // SAFETY: both boxes were made by `capsule` and the protocol calls the deleter once.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.manager_ctx.cast::<Export>()));
    }
}

const NAME: &CStr = c"dltensor";
const NAME_VERSIONED: &CStr = c"dltensor_versioned";

/// Frees a capsule that nobody consumed: a consumer renames it and calls the deleter itself.
unsafe extern "C" fn drop_capsule(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with a capsule that `capsule` made; its name says which struct it holds.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) != 0 {
            delete(ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr()).cast());
        } else if ffi::PyCapsule_IsValid(capsule, NAME_VERSIONED.as_ptr()) != 0 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, NAME_VERSIONED.as_ptr()).cast());
        }
    }
}

/// A DLPack capsule of a tensor: `versioned` as of DLPack 1.0, which can say that the elements are read-only, else the older kind.
/// `copied` tells that nobody else has the elements.
pub fn capsule<'py>(py: Python<'py>, tensor: Tensor, versioned: bool, copied: bool) -> PyResult<Bound<'py, PyAny>> {
    let mut export = Export::new(tensor);
    let dl_tensor = export.describe();
    let manager_ctx = Box::into_raw(export).cast::<c_void>();
    let (managed, name) = if versioned {
        let flags = if copied { FLAG_IS_COPIED } else { FLAG_READ_ONLY };
        let deleter = Some(delete_versioned as unsafe extern "C" fn(_));
        let managed = DLManagedTensorVersioned { version: [1, 0], manager_ctx, deleter, flags, dl_tensor };
        (Box::into_raw(Box::new(managed)).cast::<c_void>(), NAME_VERSIONED)
    } else {
        let managed = DLManagedTensor { dl_tensor, manager_ctx, deleter: Some(delete) };
        (Box::into_raw(Box::new(managed)).cast::<c_void>(), NAME)
    };
    // SAFETY: managed is not null, the name is static, and the destructor knows both kinds; a null result is an exception that
    // is set, which from_owned_ptr_or_err takes.
    unsafe {
        let capsule = ffi::PyCapsule_New(managed, name.as_ptr(), Some(drop_capsule));
        Bound::from_owned_ptr_or_err(py, capsule)
    }
}
