//! Ops. Each is one struct whose shape rule, gradient rule and kernel call stand together in one file of this folder.

use std::fmt;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Body, Rect};

use crate::DType;
use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;

pub(crate) mod again;
pub mod along;
pub mod attention;
pub mod block;
pub mod body;
pub mod branch;
pub mod build;
pub mod columns;
pub mod concat;
pub mod conv;
pub mod ctc;
pub mod ctc_decode;
pub mod cumulative;
pub mod custom;
pub mod elementwise;
mod finish;
pub mod image;
pub mod index;
pub mod linalg;
pub mod lookup;
pub mod loss;
pub mod masked;
pub mod matmul;
pub mod optim;
pub mod order;
pub mod pool;
pub(crate) mod prepared;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resize;
pub mod scan;
pub mod segment;
pub mod shape;
pub mod slice;
pub mod softmax;
#[cfg(test)]
pub(crate) mod testing;
mod tiles;
pub mod variates;
pub mod while_loop;
pub mod window_sum;

pub use elementwise::{Ewise, Fused};

/// An operation on tensors.
///
/// There is no default gradient: an op without one says so by [`no_gradient`], and asking for it is an error that names it.
pub trait Op: fmt::Debug + Send + Sync + 'static {
    /// The op's name, as users and messages know it.
    fn name(&self) -> &'static str;

    /// Writes the attributes (all that makes two ops of this type differ) into a key. Most ops derive `Hash` and call it.
    fn key(&self, hasher: &mut KeyHasher);

    /// The results' types from the operands'.
    ///
    /// # Errors
    /// `Value` or `Type`, naming the op and the argument, when the operands do not fit.
    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>>;

    /// The gradients with respect to the inputs, in ops, given those with respect to the outputs (`None` is zero).
    ///
    /// # Errors
    /// `NoGradient` when the op has none.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>>;

    /// The kernel calls: how the op is cut into tiles, from types and instruction set alone, and what a tile does.
    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered>;

    /// Whether the kernels take operands of `dtype` as they are. Others are converted to their [working type](DType::working)
    /// before the op, and its results after it to what [`infer`](Self::infer) says of the operands as they were given.
    fn takes(&self, dtype: DType) -> bool {
        !dtype.is_narrow()
    }

    /// How the planner may combine the op with its neighbours.
    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Opaque
    }

    /// Two ops that do the same one after another, the second with the first one's results as operands. The planner runs them in its
    /// place, so that the first may join a neighbour.
    fn stages(&self, _inputs: &[Ty]) -> Option<[Arc<dyn Op>; 2]> {
        None
    }

    /// The same op for `n` images in the place of those that operands of these types have, if it makes each image of its result from
    /// the same image of some of its operands. Every image is computed in the way in which it is among all of them.
    fn for_images(&self, _isa: Isa, _inputs: &[Ty], _n: usize) -> Option<ForImages> {
        None
    }

    /// The op's definition in finer ops, if it is a coarse one: the reference in tests and the route to second derivatives.
    ///
    /// # Errors
    /// What the finer ops say.
    fn decompose(&self, _g: &mut Graph, _inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        Ok(None)
    }
}

/// An op made for another number of images ([`Op::for_images`]).
pub struct ForImages {
    /// The op.
    pub op: Arc<dyn Op>,
    /// The operands whose first axis is that of images.
    pub operands: &'static [usize],
    /// Bytes that a packed operand has more than it had before.
    pub padding: usize,
}

/// A node as its gradient rule sees it.
pub struct NodeRef<'a> {
    /// The operands.
    pub inputs: &'a [Val],
    /// The results.
    pub outputs: &'a [Val],
}

/// What the planner knows of an op. It matches classes, never names.
pub enum FusionClass<'a> {
    /// Nothing.
    Opaque,
    /// The output has the elements of input 0 in the same order: no kernel is run.
    View,
    /// Axis i of the output is axis `self[i]` of input 0: after another that it undoes, nothing is computed.
    Permutation(&'a [usize]),
    /// The operands one after another along an axis.
    Joint(usize),
    /// Row i of the result is the row of input 0 that element i of input 1 names.
    Gather,
    /// The adjoint of [`Gather`](Self::Gather): each of so many rows sums those of input 0 for which input 1 names it.
    SumOfRows(usize),
    /// Element by element over the broadcast shape: joins other such ops in one pass over strips.
    Elementwise(&'a elementwise::Ewise),
    /// A matrix product whose tiles an elementwise pass or an update may take while they are in cache.
    Contraction(&'a dyn Contraction),
    /// The first stage of a statistic of columns: it joins the pass that computes its operand.
    Columns(Columns),
    /// An elementwise update of state by the gradient in input `gradient`; the first inputs are the state, in the order of the outputs.
    Update(&'a dyn Update),
}

/// What is made of each chunk of rows ([`columns`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Columns {
    /// The sum.
    Sum,
    /// The mean and the sum of the squared distances from it.
    Moments,
}

/// A product whose output tiles can be handed on.
pub trait Contraction: Send + Sync {
    /// Whether, for operands of these types, the result is one matrix of f32 (and not a batch of them).
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool;

    /// Whether a consumer may take statistics of columns ([`columns`]): tiles are then cut at multiples of
    /// `Finish::chunk` rows of the result.
    fn accepts_columns(&self, _inputs: &[Ty]) -> bool {
        false
    }

    /// As [`Op::lower`], with a consumer for each finished tile. The consumer's operands follow the contraction's own.
    ///
    /// # Errors
    /// As [`Op::lower`].
    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered>;

    /// The layout in which an operand that stays the same from run to run is read fastest. A lowering whose context says so
    /// ([`LowerCx::packed`]) finds the operand packed.
    fn packing(&self, _isa: Isa, _inputs: &[Ty]) -> Option<Packing> {
        None
    }

    /// The operand whose last axis is the result's last axis and in which the op is linear: a factor of each column of the result can
    /// as well be taken into it.
    fn weights(&self, _inputs: &[Ty]) -> Option<usize> {
        None
    }

    /// The axes of the first and of the second operand that are summed over, if the result is a sum of products of their slices along
    /// these: of operands that are joined along them, the result is the sum of the results of the pieces.
    fn summed(&self, _inputs: &[Ty]) -> Option<[usize; 2]> {
        None
    }

    /// The op itself, if it is a product of matrices.
    fn product(&self) -> Option<matmul::MatMul> {
        None
    }

    /// As [`product`](Self::product), for a product of the rows that a mask allows.
    fn masked_product(&self) -> Option<masked::MaskedProduct> {
        None
    }

    /// The op that brings an operand into the layout of [`packing`](Self::packing), where that pays in every run: the lowering then
    /// finds it packed, too.
    fn preparation(&self, _isa: Isa, _inputs: &[Ty]) -> Option<Preparation> {
        None
    }
}

/// Writes the packed copy of an operand's bytes.
pub type Pack = Arc<dyn Fn(&[u8], &mut [u8]) + Send + Sync>;

/// How an operand is packed.
#[derive(Clone)]
pub struct Packing {
    /// Number of the operand.
    pub operand: usize,
    /// Names the layout.
    pub layout: crate::key::Key,
    /// Bytes of the packed copy.
    pub bytes: usize,
    /// Packs the operand's bytes.
    pub pack: Pack,
}

/// An op that packs an operand as part of a run.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// Number of the operand.
    pub operand: usize,
    /// Packs it: one operand, one result.
    pub op: Arc<dyn Op>,
}

/// An update that can take its gradient tile by tile.
pub trait Update: Send + Sync {
    /// Which input is the gradient.
    fn gradient(&self) -> usize;
    /// The update of one tile.
    fn tile_update(&self, dtype: DType) -> TileUpdate;
}

/// Updates one tile of the state. Arguments: the tile's operands, the gradient's elements in the tile (rows touch), and
/// `input`, the number of the update's first operand among the tile's inputs (the gradient itself is not among them).
pub type TileUpdate = Arc<dyn Fn(&mut dlrs_kernels::mem::TileIo<'_>, &[f32], usize) + Send + Sync>;

/// Who takes a finished tile of a contraction.
#[derive(Clone)]
pub enum TileConsumer {
    /// An elementwise program over the tile, in place; its other inputs follow the contraction's.
    Program(Box<elementwise::TileProgramEpilogue>),
    /// An update of state; its operands (without the gradient) follow the contraction's. Outputs are the state's.
    Update {
        /// The update.
        update: TileUpdate,
        /// Number of states.
        states: usize,
    },
}

/// What a lowering may look at.
pub struct LowerCx<'a> {
    /// The instruction set that will run.
    pub isa: Isa,
    /// The operands' types.
    pub inputs: &'a [Ty],
    /// The results' types.
    pub outputs: &'a [Ty],
    /// Whether the operand that [`Contraction::packing`] names comes packed.
    pub packed: bool,
}

/// An op as kernel calls.
#[derive(Clone)]
pub struct Lowered {
    /// Per tile, per output, the elements that it writes.
    pub tiles: Vec<Vec<Rect>>,
    /// What a tile does.
    pub body: Body,
    /// Bytes of scratch memory that a tile needs.
    pub scratch: usize,
    /// Rounds with a meeting of the team between them, for tiles that need what others of them computed.
    pub rounds: Option<RoundTiles>,
    /// Pairs (input, output) that may be the same memory.
    pub may_alias: Vec<(usize, usize)>,
    /// Estimated time on one thread, in nanoseconds.
    pub cost: f64,
    /// The algorithm chosen among several, for [`explain`](crate::plan::Plan::explain); empty if there is one only.
    pub note: &'static str,
    /// Floating-point operations by the op's definition, whatever the algorithm needs; for [`explain`](crate::plan::Plan::explain).
    pub flops: f64,
}

/// How tiles run in rounds, as [`Rounds`](dlrs_kernels::mem::Rounds) of a step.
#[derive(Clone)]
pub struct RoundTiles {
    /// How many rounds.
    pub count: usize,
    /// What each half of the exchanged memory holds.
    pub half: Ty,
    /// Per tile, the elements of a half that it writes.
    pub rects: Vec<Rect>,
}

impl Default for Lowered {
    /// No tiles.
    fn default() -> Lowered {
        let body: Body = Arc::new(|_, _| {});
        let (tiles, may_alias) = (Vec::new(), Vec::new());
        Lowered { tiles, body, scratch: 0, rounds: None, may_alias, cost: 0.0, note: "", flops: 0.0 }
    }
}

impl Lowered {
    /// An op whose tiles are consecutive runs of `chunk` rows of `row` elements each, for each of its outputs the same.
    /// `rows` is the number of rows in all.
    pub fn by_rows(rows: usize, row: usize, chunk: usize, outputs: usize, body: Body) -> Lowered {
        let chunk = chunk.max(1);
        let tiles = (0..rows.div_ceil(chunk))
            .map(|t| {
                let n = chunk.min(rows - t * chunk);
                vec![Rect { start: t * chunk * row, rows: n, cols: row, stride: row }; outputs]
            })
            .collect();
        Lowered { tiles, body, cost: (rows * row) as f64, ..Lowered::default() }
    }

    /// An op that runs as one tile.
    pub fn whole(outputs: &[Ty], body: Body) -> Lowered {
        let tile = outputs.iter().map(|ty| Rect::flat(0, ty.shape.size())).collect();
        let cost = outputs.iter().map(|ty| ty.shape.size() as f64).sum();
        Lowered { tiles: vec![tile], body, cost, ..Lowered::default() }
    }

    /// Sets the estimated time on one thread, in nanoseconds.
    pub fn cost(mut self, ns: f64) -> Lowered {
        self.cost = ns;
        self
    }

    /// Sets the number of floating-point operations.
    pub fn flops(mut self, flops: f64) -> Lowered {
        self.flops = flops;
        self
    }

    /// Sets the name of the algorithm.
    pub fn note(mut self, algorithm: &'static str) -> Lowered {
        self.note = algorithm;
        self
    }

    /// Sets the scratch memory that a tile needs, in bytes.
    pub fn scratch(mut self, bytes: usize) -> Lowered {
        self.scratch = bytes;
        self
    }

    /// Sets the pairs (input, output) that may be the same memory.
    pub fn may_alias(mut self, pairs: &[(usize, usize)]) -> Lowered {
        self.may_alias = pairs.to_vec();
        self
    }
}

/// The answer of an op that has no gradient.
pub fn no_gradient<T>(op: &str, why: &str) -> Result<T> {
    Err(Error::NoGradient(format!("{op} has no gradient: {why}")))
}

/// Checks the number of operands.
pub(crate) fn arity(op: &str, inputs: &[Ty], n: usize) -> Result<()> {
    if inputs.len() != n {
        return Err(Error::Internal(format!("{op} takes {n} operands, got {}", inputs.len())));
    }
    Ok(())
}
