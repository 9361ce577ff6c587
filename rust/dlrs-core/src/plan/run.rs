//! Running a plan once.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use dlrs_kernels::mem::{Bind, Buffer, Scratch, TileProgram, team};

use super::{ALONE, Place, Plan, PlanPacked, PlanVariable};
use crate::bail;
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::variable::{State, Variable};

/// Asked about every 20 ms whether the run should stop.
pub type Interrupted<'a> = Option<&'a dyn Fn() -> bool>;

/// Memory that one run needs and the next one, of any plan, can use again.
#[derive(Default)]
struct Workspace {
    arena: Option<Buffer>,
    scratch: Scratch,
}

/// How often a run begins anew because variables were written while it took hold of them.
const ATTEMPTS: usize = 100;

/// Workspaces that no run is using. There are as many as there ever were concurrent runs.
static WORKSPACES: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

/// A workspace, given back when dropped.
struct Lease(Workspace);

impl Lease {
    fn new(arena: usize) -> Result<Lease> {
        let mut space = WORKSPACES.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if space.arena.as_ref().is_none_or(|a| a.len() < arena) {
            space.arena = None;
            space.arena = Some(Buffer::recycled(arena)?);
        }
        Ok(Lease(space))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        WORKSPACES.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.0));
    }
}

enum Guard<'a> {
    Read(RwLockReadGuard<'a, State>),
    Write(RwLockWriteGuard<'a, State>),
}

/// A variable during a run. What is only read is a snapshot, so that a run that reads never keeps another thread from writing.
enum Held<'a> {
    Read { tensor: Tensor, version: u64 },
    Write(RwLockWriteGuard<'a, State>),
}

impl PlanVariable {
    fn lock(&self) -> Result<Guard<'_>> {
        Ok(if self.written { Guard::Write(self.variable.write()?) } else { Guard::Read(self.variable.read()?) })
    }
}

/// Takes hold of all variables at one moment.
fn hold(variables: &[PlanVariable]) -> Result<Vec<Held<'_>>> {
    let guards = variables.iter().map(PlanVariable::lock).collect::<Result<Vec<_>>>()?;
    let held = guards.into_iter().zip(variables).map(|(guard, x)| match guard {
        Guard::Read(state) => Held::Read { tensor: state.tensor.clone(), version: x.variable.version() },
        Guard::Write(state) => Held::Write(state),
    });
    Ok(held.collect())
}

impl Held<'_> {
    fn bind(&mut self) -> Result<Bind<'_>> {
        Ok(match self {
            Held::Read { tensor, .. } => Bind::Read(tensor.bytes()),
            Held::Write(state) => Bind::Write(state.tensor.bytes_mut()?),
        })
    }

    fn tensor(&self) -> &Tensor {
        match self {
            Held::Read { tensor, .. } => tensor,
            Held::Write(state) => &state.tensor,
        }
    }
}

impl PlanPacked {
    /// The packed copy of the variable's content.
    fn copy(&self, variable: &Variable, held: &Held<'_>) -> Result<Arc<Buffer>> {
        match held {
            Held::Read { tensor, version } => variable.packed(tensor, *version, &self.packing),
            Held::Write(_) => unreachable!("a variable that the plan writes is not packed"),
        }
    }
}

impl Plan {
    /// Runs the plan once. `feeds` are the bytes of each argument, in its dtype and row-major order, aligned to 8 bytes.
    ///
    /// Variables are written at the end of the run or not at all.
    ///
    /// # Errors
    /// `Value` for arguments of another size, `Concurrent` while another thread's run writes one of the variables, `Interrupted`,
    /// `Index` for a value that an op refuses, `Memory`.
    pub fn run(&self, feeds: &[&[u8]], interrupted: Interrupted<'_>) -> Result<Vec<Tensor>> {
        self.run_program(&self.program, feeds, interrupted)
    }

    /// Runs the plan once, and measures the nanoseconds of each of its [kernels](Self::kernels), summed over the threads.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn profile(&self, feeds: &[&[u8]], interrupted: Interrupted<'_>) -> Result<Vec<u64>> {
        let (program, clocks) = self.program.timed();
        self.run_program(&program, feeds, interrupted)?;
        let mut times = vec![0; self.kernels.len()];
        self.of_step.iter().zip(&clocks).for_each(|(&kernel, clock)| times[kernel] += clock.load(Relaxed));
        Ok(times)
    }

    fn run_program(&self, program: &TileProgram, feeds: &[&[u8]], interrupted: Interrupted<'_>) -> Result<Vec<Tensor>> {
        self.check(feeds)?;
        let mut held = self.take_hold()?;
        // Results that are a variable's old content are taken before the run may overwrite it.
        let before: Vec<Option<Tensor>> = self
            .outputs
            .iter()
            .map(|o| match o.place {
                Place::Variable(i) => Some(held[i].tensor().with_shape(o.ty.shape)),
                _ => None,
            })
            .collect();
        let mut fresh = self.fresh.iter().map(|ty| Ok(Buffer::recycled(ty.bytes())?)).collect::<Result<Vec<_>>>()?;
        self.execute(program, feeds, &mut held, &mut fresh, interrupted).map_err(|e| self.naming_ops(e))?;
        self.variables.iter().filter(|x| x.written).for_each(|x| x.variable.count_write());
        self.results(feeds, before, fresh)
    }

    /// Takes hold of all variables, kept values computed from the same versions of their variables that the others have.
    fn take_hold(&self) -> Result<Vec<Held<'_>>> {
        if self.kept.is_empty() {
            return hold(&self.variables);
        }
        let versions = || self.kept.iter().flat_map(|kept| kept.versions());
        for _ in 0..ATTEMPTS {
            let before: Vec<u64> = versions().collect();
            self.kept.iter().try_for_each(|kept| kept.refresh())?;
            let held = hold(&self.variables)?;
            if versions().eq(before) {
                return Ok(held);
            }
        }
        bail!(
            Concurrent,
            "the weights of a plan are written by another thread all the time; write and run them in turn"
        )
    }

    fn check(&self, feeds: &[&[u8]]) -> Result<()> {
        if feeds.len() != self.inputs.len() {
            bail!("{} arguments given, {} expected", feeds.len(), self.inputs.len());
        }
        for (i, (feed, ty)) in feeds.iter().zip(&self.inputs).enumerate() {
            if feed.len() != ty.bytes() {
                bail!("argument {i} has {} bytes, {} expected for {ty}", feed.len(), ty.bytes());
            }
        }
        Ok(())
    }

    fn execute(
        &self,
        program: &TileProgram,
        feeds: &[&[u8]],
        held: &mut [Held<'_>],
        fresh: &mut [Buffer],
        interrupted: Interrupted<'_>,
    ) -> Result<()> {
        let packed = self
            .packed
            .iter()
            .map(|p| p.copy(&self.variables[p.variable].variable, &held[p.variable]))
            .collect::<Result<Vec<_>>>()?;
        let mut lease = Lease::new(self.arena)?;
        let Workspace { arena, scratch } = &mut lease.0;
        let arena = arena.as_mut().map_or(&mut [][..], Buffer::bytes_mut);
        let mut binds = Vec::with_capacity(self.program.buffers().len());
        binds.push(Bind::Write(&mut arena[..self.arena]));
        binds.push(Bind::Read(self.constants.bytes()));
        binds.extend(feeds.iter().map(|f| Bind::Read(f)));
        for variable in held.iter_mut() {
            binds.push(variable.bind()?);
        }
        binds.extend(fresh.iter_mut().map(|b| Bind::Write(b.bytes_mut())));
        binds.extend(packed.iter().map(|b| Bind::Read(b.bytes())));
        let team = (self.cost >= ALONE).then(team);
        Ok(program.run(&mut binds, scratch, team.as_deref(), interrupted)?)
    }

    /// `error`, which says whose memory it is if there is too little: that of values between kernels and of their scratch has no op.
    fn naming_ops(&self, error: Error) -> Error {
        let Error::Memory(what) = error else { return error };
        let mut ops: Vec<&str> = self.kernels.iter().flat_map(|kernel| kernel.ops.iter().copied()).collect();
        ops.sort_unstable();
        ops.dedup();
        Error::Memory(format!("{what}, which {} needs to work with", ops.join(", ")))
    }

    fn results(&self, feeds: &[&[u8]], mut before: Vec<Option<Tensor>>, fresh: Vec<Buffer>) -> Result<Vec<Tensor>> {
        let owned: Vec<Tensor> =
            fresh.into_iter().zip(&self.fresh).map(|(b, ty)| Tensor::from_buffer(*ty, b)).collect();
        let copy = |ty, bytes: &[u8]| -> Result<Tensor> {
            let mut buffer = Buffer::recycled(bytes.len())?;
            buffer.bytes_mut().copy_from_slice(bytes);
            Ok(Tensor::from_buffer(ty, buffer))
        };
        let result = |(k, o): (usize, &super::PlanOutput)| match o.place {
            Place::Fresh(i) => Ok(owned[i].with_shape(o.ty.shape)),
            Place::Input(i) => copy(o.ty, feeds[i]),
            Place::Constant(offset) => copy(o.ty, &self.constants.bytes()[offset..offset + o.ty.bytes()]),
            Place::Variable(_) => Ok(before[k].take().expect("taken for every result in a variable")),
            Place::Arena(_) | Place::Private(_) => unreachable!("results have memory of their own"),
        };
        self.outputs.iter().enumerate().map(result).collect()
    }

    /// As [`run`](Self::run), but a run whose scalar result `output` is not finite commits nothing and returns `None`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_if_finite(
        &self,
        feeds: &[&[u8]],
        output: usize,
        interrupted: Interrupted<'_>,
    ) -> Result<Option<Vec<Tensor>>> {
        self.guarded.store(output + 1, Relaxed);
        let ran = self.run(feeds, interrupted);
        self.guarded.store(0, Relaxed);
        match ran {
            Err(crate::Error::Index(why)) if why == super::schedule::NOT_FINITE => Ok(None),
            other => other.map(Some),
        }
    }
}
