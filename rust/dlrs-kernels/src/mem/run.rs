//! Running a tile program on the team.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::io::TileIo;
use super::program::TileProgram;
use super::team::{PerMember, Team, pause};
use super::{Buffer, OutOfMemory};

/// How often the caller asks whether it should stop.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A buffer bound for one run.
pub enum Bind<'a> {
    /// Memory that is only read.
    Read(&'a [u8]),
    /// Memory that may be written.
    Write(&'a mut [u8]),
}

/// Why a run did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The caller was asked to stop before the commit phases began.
    Interrupted,
    /// A kernel met an index that its op does not accept.
    Refused(String),
    /// A kernel met values for which there is no result.
    Unsolvable(String),
    /// A kernel panicked: a bug, with its message.
    Panic(String),
    /// A bound buffer does not match the program.
    Binding(String),
    /// Memory ran out.
    OutOfMemory(OutOfMemory),
}

impl From<OutOfMemory> for RunError {
    fn from(e: OutOfMemory) -> Self {
        RunError::OutOfMemory(e)
    }
}

/// Scratch memory for each member of a team, kept between runs.
#[derive(Default)]
pub struct Scratch(Vec<Buffer>);

impl Scratch {
    fn reserve(&mut self, members: usize, bytes: usize) -> Result<(), OutOfMemory> {
        if bytes > 0 && (self.0.len() < members || self.0[0].len() < bytes) {
            self.0.clear();
            for _ in 0..members {
                self.0.push(Buffer::recycled(bytes)?);
            }
        }
        Ok(())
    }
}

impl TileProgram {
    /// Runs the program on `team`, or on the caller alone.
    ///
    /// `interrupted` is asked about every 20 ms, by the caller, between tiles before the commit phases.
    ///
    /// # Errors
    /// See [`RunError`]. After `Interrupted` or `Panic`, written buffers that are not touched by commit phases hold arbitrary values.
    pub fn run(
        &self,
        binds: &mut [Bind<'_>],
        scratch: &mut Scratch,
        team: Option<&Team>,
        interrupted: Option<&dyn Fn() -> bool>,
    ) -> Result<(), RunError> {
        let bases = self.bind(binds)?;
        let members = team.map_or(1, Team::size);
        let own = self.scratch + self.private;
        scratch.reserve(members, own)?;
        let scratches = scratch.0.iter_mut().map(Buffer::bytes_mut).map(|b| &mut b[..own]).collect();
        let run = Run {
            program: self,
            bases: &bases,
            scratch: PerMember::new(scratches),
            ticket: AtomicU64::new(0),
            done: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        let caller = Caller { interrupted, asked: std::cell::Cell::new(Instant::now()) };
        match team {
            Some(team) if members > 1 => {
                let shared = Shared { run: &run };
                // The caller's hook stays with the caller: member 0 is always the calling thread.
                let caller = CallerOnly(&caller);
                team.run(&|member| shared.work(member, &caller));
            }
            _ => run.work(0, Some(&caller)),
        }
        let failure = run.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }

    fn bind(&self, binds: &mut [Bind<'_>]) -> Result<Vec<*mut u8>, RunError> {
        if binds.len() != self.buffers.len() {
            return Err(RunError::Binding(format!("{} buffers bound, {} expected", binds.len(), self.buffers.len())));
        }
        let mut bases = Vec::with_capacity(binds.len());
        for (i, (bind, spec)) in binds.iter_mut().zip(&self.buffers).enumerate() {
            let (ptr, len) = match bind {
                Bind::Read(_) if spec.written => {
                    return Err(RunError::Binding(format!("buffer {i} is written, but bound for reading")));
                }
                Bind::Read(bytes) => (bytes.as_ptr().cast_mut(), bytes.len()),
                Bind::Write(bytes) => (bytes.as_mut_ptr(), bytes.len()),
            };
            if len < spec.len {
                return Err(RunError::Binding(format!("buffer {i} has {len} bytes, {} expected", spec.len)));
            }
            if spec.len > 0 && !ptr.addr().is_multiple_of(spec.align) {
                return Err(RunError::Binding(format!("buffer {i} is not aligned to {} bytes", spec.align)));
            }
            bases.push(ptr);
        }
        Ok(bases)
    }
}

/// One run in progress. `ticket` holds the phase in its upper half and the next ticket in its lower half; who finishes the
/// last ticket of a phase opens the next one, so nobody waits for a thread that has not arrived.
struct Run<'a> {
    program: &'a TileProgram,
    bases: &'a [*mut u8],
    scratch: PerMember<&'a mut [u8]>,
    ticket: AtomicU64,
    done: AtomicUsize,
    stop: AtomicBool,
    failure: Mutex<Option<RunError>>,
}

struct Caller<'a> {
    interrupted: Option<&'a dyn Fn() -> bool>,
    asked: std::cell::Cell<Instant>,
}

impl Caller<'_> {
    fn wants_to_stop(&self) -> bool {
        self.interrupted.is_some_and(|ask| {
            let due = self.asked.get().elapsed() >= ASK_EVERY;
            if due {
                self.asked.set(Instant::now());
            }
            due && ask()
        })
    }
}

struct CallerOnly<'a, 'b>(&'a Caller<'b>);
// SAFETY: Shared::work dereferences it on member 0 alone, which Team::run calls on the thread that made it.
unsafe impl Sync for CallerOnly<'_, '_> {}

struct Shared<'a, 'b> {
    run: &'a Run<'b>,
}
// SAFETY: `bases` are addresses of buffers borrowed for the run; the program's proof says that tiles running at the same time
// touch disjoint elements or only read. The other fields are Sync.
unsafe impl Sync for Shared<'_, '_> {}

impl Shared<'_, '_> {
    fn work(&self, member: usize, caller: &CallerOnly<'_, '_>) {
        self.run.work(member, (member == 0).then_some(caller.0));
    }
}

/// The lower half of `Run::ticket`.
const TICKET: u64 = (1 << 32) - 1;

impl Run<'_> {
    fn work(&self, member: usize, caller: Option<&Caller<'_>>) {
        let phases = &self.program.phases;
        loop {
            let drawn = self.ticket.fetch_add(1, SeqCst);
            let phase = (drawn >> 32) as usize;
            let Some(this) = phases.get(phase) else { return };
            let (ticket, tickets) = ((drawn & TICKET) as usize, this.tickets());
            if ticket < tickets {
                for tile in this.ticket(ticket) {
                    self.tile(member, phase, tile, caller);
                }
                if self.done.fetch_add(1, SeqCst) + 1 == tickets {
                    self.open(phase + 1);
                }
            } else if tickets == 0 {
                // A phase without tiles (empty tensors) is opened onward by whoever draws its first ticket.
                if ticket == 0 {
                    self.open(phase + 1);
                }
            } else {
                self.wait_for_phase_after(phase, caller);
            }
        }
    }

    fn open(&self, phase: usize) {
        self.done.store(0, SeqCst);
        self.ticket.store((phase as u64) << 32, SeqCst);
    }

    fn wait_for_phase_after(&self, phase: usize, caller: Option<&Caller<'_>>) {
        let mut polls = 0;
        while (self.ticket.load(SeqCst) >> 32) as usize == phase {
            self.ask(phase, caller);
            pause(&mut polls);
        }
    }

    /// Asks the caller whether to stop, before the commit phases; returns whether the run is to end.
    fn ask(&self, phase: usize, caller: Option<&Caller<'_>>) -> bool {
        if phase < self.program.commit_from && caller.is_some_and(Caller::wants_to_stop) {
            self.fail(RunError::Interrupted);
        }
        self.stop.load(SeqCst)
    }

    fn tile(&self, member: usize, phase: usize, tile: usize, caller: Option<&Caller<'_>>) {
        // After a failure the remaining tiles are counted but not run. Inside the commit phases only a kernel's bug can fail.
        if self.ask(phase, caller) {
            return;
        }
        let (step, tile) = self.program.phases[phase].tiles[tile];
        let step = &self.program.steps[step as usize];
        let own: &mut [u8] = match self.program.scratch + self.program.private {
            0 => &mut [],
            // SAFETY: each member asks with its own index and the borrow ends with this call.
            _ => unsafe { self.scratch.get(member) },
        };
        let (scratch, private) = own.split_at_mut(self.program.scratch);
        let mut io = TileIo {
            bases: self.bases,
            private: private.as_mut_ptr(),
            inputs: &step.inputs,
            outputs: &step.outputs,
            in_place: &step.in_place,
            rects: &step.tiles[tile as usize],
            scratch,
            taken: 0,
            stop: &|| self.ask(phase, caller),
            refusal: None,
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (step.body)(tile as usize, &mut io))) {
            self.fail(RunError::Panic(format!("{}: {}", step.name, message(&*panic))));
        }
        if let Some(error) = io.refusal {
            self.fail(error);
        }
    }

    fn fail(&self, error: RunError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, SeqCst);
    }
}

/// The text of a panic.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic without a message")
}
