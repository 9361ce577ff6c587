//! Shapes and the rules of broadcasting.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::bail;
use crate::error::{Error, Result};

/// The largest number of axes.
pub const MAX_RANK: usize = 12;

/// The lengths of a tensor's axes, kept in place. Row-major order throughout.
#[derive(Clone, Copy)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// A shape of these axes.
    ///
    /// # Errors
    /// `Value` with more than [`MAX_RANK`] axes, `Memory` when the number of elements does not fit.
    pub fn new(dims: &[usize]) -> Result<Shape> {
        if dims.len() > MAX_RANK {
            bail!("a shape of {} axes; at most {MAX_RANK} are supported", dims.len());
        }
        let bytes = dims.iter().try_fold(8usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize);
        if bytes.is_none() && !dims.contains(&0) {
            return Err(Error::Memory(format!("a tensor of shape {dims:?} does not fit into memory")));
        }
        Ok(Self::raw(dims))
    }

    fn raw(dims: &[usize]) -> Shape {
        let mut all = [0; MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        Shape { dims: all, rank: dims.len() as u8 }
    }

    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Self::raw(&[])
    }

    /// The axes' lengths.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank as usize]
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.dims().iter().product()
    }

    /// Row-major strides in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for i in (1..self.rank()).rev() {
            strides[i - 1] = strides[i] * self.dims[i];
        }
        strides
    }

    /// The shape that both broadcast to, by NumPy's rule.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let mut dims = [0; MAX_RANK];
        for i in 0..rank {
            let (a, b) = (self.axis_from_end(rank - 1 - i), other.axis_from_end(rank - 1 - i));
            dims[i] = match (a, b) {
                _ if a == b => a,
                (1, _) => b,
                (_, 1) => a,
                _ => return None,
            };
        }
        Shape::new(&dims[..rank]).ok()
    }

    /// Length of the axis `i` from the end; axes that are not there have length 1.
    fn axis_from_end(&self, i: usize) -> usize {
        if i < self.rank() { self.dims[self.rank() - 1 - i] } else { 1 }
    }

    /// Strides with which a tensor of this shape is read over `target`: 0 along broadcast axes.
    pub fn broadcast_strides(&self, target: &Shape) -> Vec<usize> {
        let own = self.strides();
        let skip = target.rank() - self.rank();
        (0..target.rank())
            .map(|i| if i < skip || (self.dims[i - skip] == 1 && target.dims[i] != 1) { 0 } else { own[i - skip] })
            .collect()
    }

    /// The same shape with axis `axis` of another length.
    pub fn with_dim(mut self, axis: usize, len: usize) -> Shape {
        self.dims[axis] = len;
        self
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        self.dims()
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Shape) -> bool {
        self.dims() == other.dims()
    }
}
impl Eq for Shape {}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.dims().hash(state);
    }
}

/// As Python prints a tuple.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dims() {
            [n] => write!(f, "({n},)"),
            dims => {
                let parts: Vec<_> = dims.iter().map(ToString::to_string).collect();
                write!(f, "({})", parts.join(", "))
            }
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Axis numbers made non-negative, sorted and checked.
///
/// # Errors
/// `Value` for an axis out of range or given twice, naming `op`.
pub fn normalize_axes(op: &str, axes: &[isize], rank: usize) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(axes.len());
    for &axis in axes {
        let positive = if axis < 0 { axis + rank as isize } else { axis };
        if positive < 0 || positive >= rank as isize {
            bail!("{op}: axis {axis} is out of range for a tensor of rank {rank}");
        }
        out.push(positive as usize);
    }
    out.sort_unstable();
    if out.windows(2).any(|w| w[0] == w[1]) {
        bail!("{op}: duplicate axis in {axes:?}");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let s = |d: &[usize]| Shape::new(d).unwrap();
        assert_eq!(s(&[2, 3]).broadcast(&s(&[3])), Some(s(&[2, 3])));
        assert_eq!(s(&[2, 1]).broadcast(&s(&[1, 4])), Some(s(&[2, 4])));
        assert_eq!(s(&[0, 3]).broadcast(&s(&[1])), Some(s(&[0, 3])));
        assert_eq!(s(&[2, 3]).broadcast(&s(&[2])), None);
        assert_eq!(s(&[3]).broadcast_strides(&s(&[2, 3])), [0, 1]);
        assert_eq!(s(&[2, 1]).broadcast_strides(&s(&[2, 4])), [1, 0]);
        assert_eq!(s(&[5]).to_string(), "(5,)");
    }

    #[test]
    fn sizes_are_multiplied_checked() {
        assert!(Shape::new(&[1 << 40, 1 << 40]).is_err());
        assert!(Shape::new(&[1 << 40, 1 << 40, 0]).is_ok());
    }
}
