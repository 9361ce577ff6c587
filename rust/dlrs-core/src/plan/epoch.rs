//! Running a plan over many batches in one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dlrs_kernels::index::{gather_rows, gather_rows_u8};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Bind, Buffer, Element, Rect, Scratch, Span, Step, TileIo, TileProgram, Work, half, team};

use super::run::Interrupted;
use super::{ALONE, Plan};
use crate::error::{Error, Result};
use crate::tensor::{Tensor, Ty};
use crate::{DType, Shape, bail};

/// All rows of one argument: batches are gathered straight from the caller's memory.
#[derive(Clone, Copy)]
pub struct EpochArray<'a> {
    /// The elements in row-major order, aligned for their dtype.
    pub bytes: &'a [u8],
    /// Their type; converted to the argument's while a batch is gathered.
    pub dtype: DType,
    /// Number of rows.
    pub rows: usize,
}

/// How an epoch runs.
#[derive(Clone, Copy, Debug)]
pub struct EpochOptions {
    /// Return each result of all steps, one after the other, instead of the last step's.
    pub collect: bool,
    /// A scalar result; a step in which it is not finite is discarded and ends the epoch.
    pub stop_on_nonfinite: Option<usize>,
    /// The least time between two calls of `progress`.
    pub interval: Duration,
}

/// How often an epoch of short steps asks whether it should stop.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Bytes of a batch that one tile gathers.
const GATHER: usize = 32 * 1024;

impl Plan {
    /// Runs the plan over the rows `order` (all rows in turn if `None`), a batch a step. Returns the number of completed steps and
    /// the results. `progress` is called with the number of finished steps.
    ///
    /// # Errors
    /// As [`Plan::run`]; `Index` for a row out of range, `Value` for arrays that do not fit or an order that is not whole batches,
    /// all before the first step; what `progress` returns.
    pub fn run_epoch(
        &self,
        arrays: &[EpochArray<'_>],
        order: Option<&[i64]>,
        options: EpochOptions,
        progress: &mut dyn FnMut(usize) -> Result<()>,
        interrupted: Interrupted<'_>,
    ) -> Result<(usize, Vec<Tensor>)> {
        let rows = self.check_arrays(arrays)?;
        let all: Vec<i64>;
        let order = match order {
            Some(order) => order,
            None => {
                all = (0..rows as i64).collect();
                &all
            }
        };
        let batch = self.batch()?;
        if order.len() % batch != 0 {
            bail!("order has {} rows, which is not a multiple of the batch size {batch}", order.len());
        }
        if let Some(bad) = order.iter().find(|&&r| r < 0 || r >= rows as i64) {
            bail!(Index, "order: row {bad} is out of range for arrays of {rows} rows");
        }
        let mut gather = Gather::new(&self.inputs, arrays)?;
        let mut collected = Collected::new(options.collect.then_some(order.len() / batch));
        let mut last = Vec::new();
        let (mut reported, mut asked) = (Instant::now(), Instant::now());
        for (step, rows) in order.chunks_exact(batch).enumerate() {
            // Steps shorter than the interval at which a run asks would never do so.
            if asked.elapsed() >= ASK_EVERY {
                asked = Instant::now();
                if interrupted.is_some_and(|ask| ask()) {
                    return Err(Error::Interrupted);
                }
            }
            gather.run(arrays, rows, self.cost)?;
            let feeds: Vec<&[u8]> = gather.staged.iter().map(Buffer::bytes).collect();
            let results = match options.stop_on_nonfinite {
                Some(output) => self.run_if_finite(&feeds, output, interrupted)?,
                None => Some(self.run(&feeds, interrupted)?),
            };
            let Some(results) = results else { return Ok((step, collected.finish(last)?)) };
            collected.add(step, &results)?;
            last = results;
            if reported.elapsed() >= options.interval {
                progress(step + 1)?;
                reported = Instant::now();
            }
        }
        Ok((order.len() / batch, collected.finish(last)?))
    }

    fn batch(&self) -> Result<usize> {
        match self.inputs.first().and_then(|ty| ty.shape.first()) {
            Some(&n) if n > 0 => Ok(n),
            _ => Err(Error::Value("an epoch needs arguments with a batch axis of at least one row".to_owned())),
        }
    }

    fn check_arrays(&self, arrays: &[EpochArray<'_>]) -> Result<usize> {
        if arrays.len() != self.inputs.len() {
            bail!("{} arrays given, {} expected", arrays.len(), self.inputs.len());
        }
        let batch = self.batch()?;
        for (i, (array, ty)) in arrays.iter().zip(&self.inputs).enumerate() {
            if array.rows != arrays[0].rows {
                bail!("array {i} has {} rows, array 0 has {}", array.rows, arrays[0].rows);
            }
            if ty.shape.first() != Some(&batch) {
                bail!("argument {i} of shape {} has no batch axis of {batch} rows", ty.shape);
            }
            let width = ty.shape.size() / batch;
            if array.bytes.len() != array.rows * width * array.dtype.size() {
                bail!(
                    "array {i} has {} bytes; expected {} rows of {width} {}",
                    array.bytes.len(),
                    array.rows,
                    array.dtype
                );
            }
        }
        Ok(arrays[0].rows)
    }
}

/// Gathers the rows of a batch into staging buffers, converting them to the arguments' dtypes.
struct Gather {
    program: TileProgram,
    staged: Vec<Buffer>,
    scratch: Scratch,
}

impl Gather {
    fn new(inputs: &[Ty], arrays: &[EpochArray<'_>]) -> Result<Gather> {
        let batch = inputs[0].shape[0];
        let mut lens = vec![batch * size_of::<i64>()];
        lens.extend(arrays.iter().map(|a| a.bytes.len()));
        lens.extend(inputs.iter().map(Ty::bytes));
        let order = Span { buffer: 0, offset: 0, len: batch, dtype: DType::I64 };
        let steps = inputs.iter().zip(arrays).enumerate().map(|(i, (ty, array))| {
            let width = ty.shape.size() / batch;
            let from = Span { buffer: 1 + i, offset: 0, len: array.rows * width, dtype: array.dtype };
            let to = Span { buffer: 1 + arrays.len() + i, offset: 0, len: batch * width, dtype: ty.dtype };
            let chunk = (GATHER / (width * ty.dtype.size()).max(1)).clamp(1, batch);
            let tiles = (0..batch.div_ceil(chunk)).map(|t| {
                let rows = chunk.min(batch - t * chunk);
                vec![Rect { start: t * chunk * width, rows, cols: width, stride: width }]
            });
            Ok(Step {
                name: "gather",
                inputs: vec![order, from],
                outputs: vec![to],
                in_place: Vec::new(),
                tiles: std::sync::Arc::new(tiles.collect()),
                scratch: 0,
                cost: ty.bytes() as f64 * 0.1,
                rounds: None,
                body: body(array.dtype, ty.dtype, width, chunk)?,
            })
        });
        let steps = steps.collect::<Result<Vec<Step>>>()?;
        let phases = vec![(0..steps.len()).map(Work::Tiles).collect()];
        let program = TileProgram::new(steps, phases, 1, &lens, 0).map_err(Error::Internal)?;
        let staged = inputs.iter().map(|ty| Ok(Buffer::recycled(ty.bytes())?)).collect::<Result<_>>()?;
        Ok(Gather { program, staged, scratch: Scratch::default() })
    }

    fn run(&mut self, arrays: &[EpochArray<'_>], rows: &[i64], cost: f64) -> Result<()> {
        let mut binds = vec![Bind::Read(dlrs_kernels::mem::bytes_of(rows))];
        binds.extend(arrays.iter().map(|a| Bind::Read(a.bytes)));
        binds.extend(self.staged.iter_mut().map(|b| Bind::Write(b.bytes_mut())));
        let team = (cost >= ALONE).then(team);
        self.program.run(&mut binds, &mut self.scratch, team.as_deref(), None)?;
        Ok(())
    }
}

/// The gathering of `chunk` rows of `width` elements, by the types read and written.
fn body(from: DType, to: DType, width: usize, chunk: usize) -> Result<dlrs_kernels::mem::Body> {
    use DType::*;
    Ok(match (from, to) {
        _ if from == to => match to.size() {
            1 => copied::<u8>(chunk),
            2 => copied::<u16>(chunk),
            4 => copied::<u32>(chunk),
            _ => copied::<u64>(chunk),
        },
        (Bool | U8, F32) => images(chunk),
        (Bool | U8, F64) => rows::<u8, f64>(width, chunk, f64::from),
        (Bool | U8, I32) => rows::<u8, i32>(width, chunk, i32::from),
        (Bool | U8, I64) => rows::<u8, i64>(width, chunk, i64::from),
        (I32, F32) => rows::<i32, f32>(width, chunk, |x| x as f32),
        (I32, F64) => rows::<i32, f64>(width, chunk, f64::from),
        (I32, I64) => rows::<i32, i64>(width, chunk, i64::from),
        (I64, F32) => rows::<i64, f32>(width, chunk, |x| x as f32),
        (I64, F64) => rows::<i64, f64>(width, chunk, |x| x as f64),
        (I64, I32) => rows::<i64, i32>(width, chunk, |x| x as i32),
        (F64, F32) => rows::<f64, f32>(width, chunk, |x| x as f32),
        (F32, F64) => rows::<f32, f64>(width, chunk, f64::from),
        (F16, F32) => rows::<half::F16, f32>(width, chunk, half::F16::to_f32),
        (BF16, F32) => rows::<half::BF16, f32>(width, chunk, half::BF16::to_f32),
        _ => bail!(Type, "an array of {from} cannot be used for an argument of {to}; convert it first"),
    })
}

/// The places in the order that a tile fills.
fn positions(tile: usize, chunk: usize, rows: usize) -> std::ops::Range<usize> {
    tile * chunk..tile * chunk + rows
}

/// Rows as they are. Every row number was checked before the epoch began.
fn copied<T: Element>(chunk: usize) -> dlrs_kernels::mem::Body {
    Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (order, from, to) = (io.input::<i64>(0), io.input::<T>(1), io.output::<T>(0));
        if let Err(bad) = gather_rows(from, order, positions(tile, chunk, to.rows()), to) {
            io.refuse(format!("{bad:?}"));
        }
    })
}

/// Rows of bytes, as images are kept, as f32.
fn images(chunk: usize) -> dlrs_kernels::mem::Body {
    let isa = Isa::current();
    Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (order, from, to) = (io.input::<i64>(0), io.input::<u8>(1), io.output::<f32>(0));
        if let Err(bad) = gather_rows_u8(isa, from, order, positions(tile, chunk, to.rows()), 1.0, to) {
            io.refuse(format!("{bad:?}"));
        }
    })
}

fn rows<S: Element, D: Element>(
    width: usize,
    chunk: usize,
    convert: impl Fn(S) -> D + Send + Sync + 'static,
) -> dlrs_kernels::mem::Body {
    Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (order, from) = (io.input::<i64>(0), io.input::<S>(1));
        let mut to = io.output::<D>(0);
        for (to, row) in to.as_slice().chunks_exact_mut(width.max(1)).zip(&order[tile * chunk..]) {
            let start = *row as usize * width;
            to.iter_mut().zip(&from[start..start + width]).for_each(|(to, from)| *to = convert(*from));
        }
    })
}

/// Results of all steps, one after the other.
struct Collected {
    steps: Option<usize>,
    buffers: Vec<(Ty, Buffer)>,
    done: usize,
}

impl Collected {
    fn new(steps: Option<usize>) -> Collected {
        Collected { steps, buffers: Vec::new(), done: 0 }
    }

    fn add(&mut self, step: usize, results: &[Tensor]) -> Result<()> {
        let Some(steps) = self.steps else { return Ok(()) };
        if step == 0 {
            for t in results {
                let total = t
                    .bytes()
                    .len()
                    .checked_mul(steps)
                    .ok_or_else(|| Error::Memory("too many results to collect".to_owned()))?;
                self.buffers.push((t.ty(), Buffer::recycled(total)?));
            }
        }
        for ((_, buffer), t) in self.buffers.iter_mut().zip(results) {
            let len = t.bytes().len();
            buffer.bytes_mut()[step * len..(step + 1) * len].copy_from_slice(t.bytes());
        }
        self.done = step + 1;
        Ok(())
    }

    fn finish(self, last: Vec<Tensor>) -> Result<Vec<Tensor>> {
        if self.steps.is_none() {
            return Ok(last);
        }
        let done = self.done;
        let joined = self.buffers.into_iter().map(|(ty, buffer)| {
            // Scalars become a vector with one element a step.
            let dims: Vec<usize> = match ty.shape.split_first() {
                Some((&n, rest)) => std::iter::once(n * done).chain(rest.iter().copied()).collect(),
                None => vec![done],
            };
            Ok(Tensor::from_buffer(Ty::new(ty.dtype, Shape::new(&dims)?), buffer))
        });
        joined.collect()
    }
}
