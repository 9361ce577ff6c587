//! Tensors: immutable, contiguous, shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use dlrs_kernels::mem::{BF16, Buffer, DType, Element, F16, is_view_of};

use crate::bail;
use crate::error::Result;
use crate::shape::Shape;

/// The type of a value: dtype and shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// Type of the elements.
    pub dtype: DType,
    /// Lengths of the axes.
    pub shape: Shape,
}

impl Ty {
    /// A type of this dtype and shape.
    pub fn new(dtype: DType, shape: Shape) -> Ty {
        Ty { dtype, shape }
    }

    /// Bytes of a value of this type.
    pub fn bytes(&self) -> usize {
        self.shape.size() * self.dtype.size()
    }
}

impl std::fmt::Display for Ty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

/// An n-dimensional array in row-major order. Cloning shares the elements; nobody writes them while they are shared.
#[derive(Clone, Debug)]
pub struct Tensor {
    ty: Ty,
    /// The value's identity, which clones share: tapes know values by it.
    id: u64,
    storage: Arc<Buffer>,
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

impl Tensor {
    /// A tensor over a buffer of at least its size.
    pub fn from_buffer(ty: Ty, buffer: Buffer) -> Tensor {
        assert!(buffer.len() >= ty.bytes(), "{ty} does not fit {} bytes", buffer.len());
        Tensor { ty, id: next_id(), storage: Arc::new(buffer) }
    }

    /// All zeros.
    pub fn zeros(ty: Ty) -> Result<Tensor> {
        Ok(Self::from_buffer(ty, Buffer::zeroed(ty.bytes())?))
    }

    /// All elements `value`, converted to `ty.dtype` as a cast does.
    pub fn full(ty: Ty, value: f64) -> Result<Tensor> {
        let mut buffer = Buffer::recycled(ty.bytes())?;
        match ty.dtype {
            DType::Bool => buffer.as_mut_slice::<u8>().fill((value != 0.0) as u8),
            DType::U8 => buffer.as_mut_slice::<u8>().fill(value as i64 as u8),
            DType::U16 => buffer.as_mut_slice::<u16>().fill(value as i64 as u16),
            DType::U32 => buffer.as_mut_slice::<u32>().fill(value as i64 as u32),
            DType::U64 if value < 0.0 => buffer.as_mut_slice::<u64>().fill(value as i64 as u64),
            DType::U64 => buffer.as_mut_slice::<u64>().fill(value as u64),
            DType::I8 => buffer.as_mut_slice::<i8>().fill(value as i64 as i8),
            DType::I16 => buffer.as_mut_slice::<i16>().fill(value as i64 as i16),
            DType::I32 => buffer.as_mut_slice::<i32>().fill(value as i32),
            DType::I64 => buffer.as_mut_slice::<i64>().fill(value as i64),
            DType::F16 => buffer.as_mut_slice::<F16>().fill(F16::from_f64(value)),
            DType::BF16 => buffer.as_mut_slice::<BF16>().fill(BF16::from_f64(value)),
            DType::F32 => buffer.as_mut_slice::<f32>().fill(value as f32),
            DType::F64 => buffer.as_mut_slice::<f64>().fill(value),
        }
        Ok(Self::from_buffer(ty, buffer))
    }

    /// A scalar.
    pub fn scalar(dtype: DType, value: f64) -> Result<Tensor> {
        Self::full(Ty::new(dtype, Shape::scalar()), value)
    }

    /// A tensor with a copy of `data`.
    ///
    /// # Errors
    /// `Value` when `data` has another length than `shape`, `Type` when `T` does not store `dtype`.
    pub fn from_slice<T: Element>(dtype: DType, shape: &[usize], data: &[T]) -> Result<Tensor> {
        let ty = Ty::new(dtype, Shape::new(shape)?);
        if !is_view_of::<T>(dtype) {
            bail!(Type, "elements of another type than {dtype}");
        }
        if ty.shape.size() != data.len() {
            bail!("{} elements for a tensor of shape {}", data.len(), ty.shape);
        }
        let mut buffer = Buffer::recycled(ty.bytes())?;
        buffer.as_mut_slice::<T>()[..data.len()].copy_from_slice(data);
        Ok(Self::from_buffer(ty, buffer))
    }

    /// Dtype and shape.
    pub fn ty(&self) -> Ty {
        self.ty
    }

    /// A number that this value and its clones alone have.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.ty.dtype
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &Shape {
        &self.ty.shape
    }

    /// The elements.
    ///
    /// # Panics
    /// If `T` does not store the tensor's dtype.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert!(is_view_of::<T>(self.ty.dtype), "elements of {} seen as another type", self.ty.dtype);
        &self.storage.as_slice::<T>()[..self.ty.shape.size()]
    }

    /// The elements' bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.storage.bytes()[..self.ty.bytes()]
    }

    /// The same elements under another shape of the same size.
    pub fn with_shape(&self, shape: Shape) -> Tensor {
        assert_eq!(shape.size(), self.ty.shape.size(), "a view keeps the number of elements");
        Tensor { ty: Ty::new(self.ty.dtype, shape), id: next_id(), storage: Arc::clone(&self.storage) }
    }

    /// The same elements as a value of its own, which tapes do not take for this one.
    pub fn detached(&self) -> Tensor {
        Tensor { ty: self.ty, id: next_id(), storage: Arc::clone(&self.storage) }
    }

    /// The same bits as unsigned integers of the same size.
    pub fn as_bits(&self) -> Tensor {
        let dtype = match self.ty.dtype.size() {
            1 => DType::U8,
            2 => DType::U16,
            4 => DType::U32,
            _ => DType::U64,
        };
        Tensor { ty: Ty::new(dtype, self.ty.shape), id: next_id(), storage: Arc::clone(&self.storage) }
    }

    /// Element `i` in row-major order as f64.
    pub fn get(&self, i: usize) -> f64 {
        match self.ty.dtype {
            DType::Bool | DType::U8 => self.as_slice::<u8>()[i].into(),
            DType::U16 => self.as_slice::<u16>()[i].into(),
            DType::U32 => self.as_slice::<u32>()[i].into(),
            DType::U64 => self.as_slice::<u64>()[i] as f64,
            DType::I8 => self.as_slice::<i8>()[i].into(),
            DType::I16 => self.as_slice::<i16>()[i].into(),
            DType::I32 => self.as_slice::<i32>()[i].into(),
            DType::I64 => self.as_slice::<i64>()[i] as f64,
            DType::F16 => self.as_slice::<F16>()[i].to_f32().into(),
            DType::BF16 => self.as_slice::<BF16>()[i].to_f32().into(),
            DType::F32 => self.as_slice::<f32>()[i].into(),
            DType::F64 => self.as_slice::<f64>()[i],
        }
    }

    /// The bytes to be written, after a copy if they are shared. What they will hold is another value: it gets an identity of its own.
    pub(crate) fn bytes_mut(&mut self) -> Result<&mut [u8]> {
        self.id = next_id();
        let len = self.ty.bytes();
        if Arc::get_mut(&mut self.storage).is_none() {
            let mut copy = Buffer::recycled(len)?;
            copy.bytes_mut().copy_from_slice(self.bytes());
            self.storage = Arc::new(copy);
        }
        let buffer = Arc::get_mut(&mut self.storage).expect("the storage was made unique above");
        Ok(&mut buffer.bytes_mut()[..len])
    }
}
