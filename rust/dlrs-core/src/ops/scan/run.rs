//! Running a loop: its planned body, step by step.

use dlrs_kernels::mem::{Buffer, Element, TileIo, TileMut, bytes_of, cast};

use super::Scan;
use crate::DType;
use crate::error::Result;
use crate::plan::Plan;
use crate::tensor::{Tensor, Ty};

impl Scan {
    /// One tile: all steps.
    pub(super) fn run(&self, plan: &Plan, outputs: &[Ty], io: &mut TileIo<'_>) -> Result<()> {
        let mut writers: Vec<Writer<'_>> = outputs.iter().enumerate().map(|(k, ty)| writer(io, k, ty.dtype)).collect();
        let inputs: Vec<&[u8]> = (0..self.args.len()).map(|i| input_bytes(io, i)).collect();
        let mut carries: Option<Vec<Tensor>> = None;
        let mut slices = (self.carries..self.carries + self.xs)
            .map(|i| Ok(Slice { stack: inputs[i], len: self.arg_ty(i).bytes(), copy: Buffer::recycled(8)? }))
            .collect::<Result<Vec<_>>>()?;
        for t in self.steps() {
            if io.should_stop() {
                return Ok(());
            }
            let mut feeds: Vec<&[u8]> = match &carries {
                Some(tensors) => tensors[..self.carries].iter().map(Tensor::bytes).collect(),
                None => inputs[..self.carries].to_vec(),
            };
            for (writer, bytes) in writers[self.outputs.len()..].iter_mut().zip(&feeds) {
                writer(t, bytes);
            }
            for slice in &mut slices {
                feeds.push(slice.at(t)?);
            }
            feeds.extend(&inputs[self.carries + self.xs..]);
            let results = plan.run(&feeds, None)?;
            for (writer, y) in writers[self.carries..].iter_mut().zip(&results[self.carries..]) {
                writer(t, y.bytes());
            }
            carries = Some(results);
        }
        for (i, writer) in writers[..self.carries].iter_mut().enumerate() {
            writer(0, carries.as_ref().map_or(inputs[i], |tensors| tensors[i].bytes()));
        }
        Ok(())
    }
}

/// The slices of a stacked operand, which plans want aligned to 8 bytes.
struct Slice<'a> {
    stack: &'a [u8],
    len: usize,
    copy: Buffer,
}

impl Slice<'_> {
    fn at(&mut self, t: usize) -> Result<&[u8]> {
        let slice = &self.stack[t * self.len..(t + 1) * self.len];
        if self.len.is_multiple_of(8) {
            return Ok(slice);
        }
        if self.copy.len() < self.len {
            self.copy = Buffer::recycled(self.len)?;
        }
        let copy = &mut self.copy.bytes_mut()[..self.len];
        copy.copy_from_slice(slice);
        Ok(copy)
    }
}

pub(in crate::ops) fn input_bytes<'a>(io: &TileIo<'a>, i: usize) -> &'a [u8] {
    match io.input_dtype(i).size() {
        1 => io.input::<u8>(i),
        2 => bytes_of(io.input::<u16>(i)),
        4 => bytes_of(io.input::<u32>(i)),
        _ => bytes_of(io.input::<u64>(i)),
    }
}

/// Writes the bytes of item t of a result.
pub(in crate::ops) type Writer<'a> = Box<dyn FnMut(usize, &[u8]) + 'a>;

pub(in crate::ops) fn writer<'a>(io: &mut TileIo<'a>, k: usize, dtype: DType) -> Writer<'a> {
    fn of<'a, T: Element>(mut tile: TileMut<'a, T>) -> Writer<'a> {
        Box::new(move |t, bytes| {
            let item = cast::<T>(bytes);
            tile.as_slice()[t * item.len()..(t + 1) * item.len()].copy_from_slice(item);
        })
    }
    match dtype.size() {
        1 => of::<u8>(io.output(k)),
        2 => of::<u16>(io.output(k)),
        4 => of::<u32>(io.output(k)),
        _ => of::<u64>(io.output(k)),
    }
}
