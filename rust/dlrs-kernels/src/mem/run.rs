//! Running a tile program on the team.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::io::TileIo;
use super::program::{Moment, TileProgram};
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
            members,
            ticket: AtomicU64::new(0),
            done: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
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

/// One run in progress. `ticket` holds the moment, a phase or a round of one, in its upper half and the next ticket in its lower half;
/// who finishes the last ticket of a moment opens the next one, so nobody waits for a thread that has not arrived.
struct Run<'a> {
    program: &'a TileProgram,
    bases: &'a [*mut u8],
    scratch: PerMember<&'a mut [u8]>,
    members: usize,
    ticket: AtomicU64,
    done: AtomicUsize,
    /// Which tickets of a phase in rounds have been begun: there a number drawn gives the right to any one of them.
    begun: AtomicU64,
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
        let TileProgram { phases, moments, .. } = self.program;
        loop {
            let drawn = self.ticket.fetch_add(1, SeqCst);
            let at = (drawn >> 32) as usize;
            let Some(moment) = moments.get(at) else { return };
            let this = &phases[moment.phase as usize];
            let (number, tickets) = ((drawn & TICKET) as usize, this.tickets());
            if number < tickets {
                let ticket = if this.keeps { self.choose(member, moment.round, tickets) } else { number };
                for tile in this.ticket(ticket) {
                    self.tile(member, *moment, tile, caller);
                }
                if self.done.fetch_add(1, SeqCst) + 1 == tickets {
                    self.open(at + 1);
                }
            } else if tickets == 0 {
                // A phase without tiles (empty tensors) is opened onward by whoever draws its first ticket.
                if number == 0 {
                    self.open(at + 1);
                }
            } else {
                self.wait_for_moment_after(at, moment.phase as usize, caller);
            }
        }
    }

    /// A ticket that nobody has begun, if possible one of the member's share, which is the same in every round. The share is gone through
    /// to and fro, so that a round begins with what the one before read last. As many members choose as there are tickets, so there is one.
    fn choose(&self, member: usize, round: u32, tickets: usize) -> usize {
        let share = member * tickets / self.members..(member + 1) * tickets / self.members;
        let (mut ticket, next) = match round % 2 {
            0 => (share.start, 1),
            _ => (share.end.saturating_sub(1), tickets - 1),
        };
        while self.begun.fetch_or(1 << ticket, SeqCst) & 1 << ticket != 0 {
            ticket = (ticket + next) % tickets;
        }
        ticket
    }

    fn open(&self, moment: usize) {
        self.done.store(0, SeqCst);
        self.begun.store(0, SeqCst);
        self.ticket.store((moment as u64) << 32, SeqCst);
    }

    fn wait_for_moment_after(&self, moment: usize, phase: usize, caller: Option<&Caller<'_>>) {
        let mut polls = 0;
        while (self.ticket.load(SeqCst) >> 32) as usize == moment {
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

    fn tile(&self, member: usize, Moment { phase, round }: Moment, tile: usize, caller: Option<&Caller<'_>>) {
        let phase = phase as usize;
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
            rounds: step.rounds.as_ref(),
            tile: tile as usize,
            round: round as usize,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Body, DType, Rect, Rounds, Span, Step, Work, cast, set_threads, team};
    use super::*;

    /// Each of four tiles adds up what all exchanged in the round before, and its own number.
    #[test]
    fn tiles_in_rounds_see_what_all_wrote_in_the_round_before() {
        const TILES: usize = 4;
        const COUNT: usize = 23;
        let body: Body = Arc::new(|tile, io| {
            let round = io.round();
            let (before, mut now) = io.exchange::<i64>();
            let sum = if round == 0 { 0 } else { before.iter().sum::<i64>() % 1009 };
            now.as_slice()[0] = sum + tile as i64;
            io.output::<i64>(0).as_slice()[round] = sum + tile as i64;
        });
        let span = |offset, len| Span { buffer: 0, offset, len, dtype: DType::I64 };
        let exchange = [0, 1].map(|k| span(8 * TILES * (COUNT + k), TILES));
        let step = Step {
            name: "test",
            inputs: vec![],
            outputs: vec![span(0, TILES * COUNT)],
            in_place: vec![],
            tiles: Arc::new((0..TILES).map(|t| vec![Rect::flat(t * COUNT, COUNT)]).collect()),
            scratch: 0,
            cost: 1.0,
            rounds: Some(Rounds { count: COUNT, exchange, rects: (0..TILES).map(|t| Rect::flat(t, 1)).collect() }),
            body,
        };
        let lens = [8 * TILES * (COUNT + 2)];
        let program = TileProgram::new(vec![step], vec![vec![Work::Tiles(0)]], 1, &lens, 0).unwrap();
        let mut sum = 0;
        let want: Vec<i64> = (0..COUNT)
            .map(|_| {
                let before = sum;
                sum = (TILES as i64 * before + (TILES * (TILES - 1) / 2) as i64) % 1009;
                before
            })
            .collect();
        for threads in [1, 2, 3, 7] {
            set_threads(threads);
            let mut memory = Buffer::zeroed(lens[0]).unwrap();
            for _ in 0..20 {
                program
                    .run(&mut [Bind::Write(memory.bytes_mut())], &mut Scratch::default(), Some(&team()), None)
                    .unwrap();
            }
            let have = cast::<i64>(memory.bytes());
            for tile in 0..TILES {
                let own: Vec<i64> = want.iter().map(|x| x + tile as i64).collect();
                assert_eq!(have[tile * COUNT..][..COUNT], own[..]);
            }
        }
    }
}
