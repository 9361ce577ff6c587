//! The team: the calling thread and N−1 workers that meet inside a run without sleeping.
//!
//! Waking a sleeping thread costs about a hundred times a spin hand-off, so workers that have finished a job stay for
//! [`LINGER`] and take the next one from memory. They live in a private rayon pool and enter it by `spawn_broadcast`;
//! a worker that comes late finds the job where it stands, and one that never comes is not waited for.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an idle worker waits for the next job before it leaves.
const LINGER: Duration = Duration::from_micros(150);
/// Polls between two looks at the clock.
const POLLS: u32 = 64;

/// What the team runs: each member calls it once with its index (0 is the caller). It must return when the work is done.
type Job<'a> = &'a (dyn Fn(usize) + Sync);

struct Shared {
    /// The open job, or null. Points to a `Job` on the stack of the thread inside [`Team::run`].
    job: AtomicPtr<Job<'static>>,
    /// Workers that may hold the job's address.
    inside: AtomicUsize,
    /// Per worker: it polls `job`, or has been summoned to.
    summoned: Vec<AtomicBool>,
}

/// A private pool of threads and the calling thread.
pub struct Team {
    pool: Option<rayon_core::ThreadPool>,
    shared: Arc<Shared>,
    owned: AtomicBool,
    size: usize,
}

impl Team {
    fn new(size: usize) -> Team {
        let pool = (size > 1).then(|| {
            rayon_core::ThreadPoolBuilder::new()
                .num_threads(size - 1)
                .thread_name(|i| format!("dlrs-{}", i + 1))
                .build()
        });
        // A refused thread (a process limit, say) leaves a team of one: slower, never wrong.
        let pool = pool.and_then(Result::ok);
        let size = if pool.is_some() { size } else { 1 };
        let summoned = (1..size).map(|_| AtomicBool::new(false)).collect();
        let shared = Shared { job: AtomicPtr::default(), inside: AtomicUsize::new(0), summoned };
        Team { pool, shared: Arc::new(shared), owned: AtomicBool::new(false), size }
    }

    /// Number of threads, the caller included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Runs `job` on the caller and on every worker that arrives before it is done. A team that is in use, or has one
    /// member, runs it on the caller alone.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        let Some(pool) = &self.pool else { return job(0) };
        if self.owned.swap(true, SeqCst) {
            return job(0);
        }
        let mut open: Job<'_> = job;
        self.shared.job.store((&raw mut open).cast(), SeqCst);
        let absent = self.shared.summoned.iter().filter(|s| !s.swap(true, SeqCst)).count();
        if absent > 0 {
            let shared = Arc::clone(&self.shared);
            pool.spawn_broadcast(move |context| serve(&shared, context.index()));
        }
        let close = Close(self);
        job(0);
        drop(close);
    }
}

/// Closes the job, also when the caller's share panics: nobody may hold the address of a frame that is gone.
struct Close<'a>(&'a Team);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.shared.job.store(std::ptr::null_mut(), SeqCst);
        let mut polls = 0;
        while self.0.shared.inside.load(SeqCst) != 0 {
            pause(&mut polls);
        }
        self.0.owned.store(false, SeqCst);
    }
}

/// A worker's life inside the pool: take jobs until none has come for [`LINGER`].
fn serve(shared: &Shared, worker: usize) {
    let summoned = &shared.summoned[worker];
    if !summoned.load(SeqCst) {
        return; // an older summons has been served already
    }
    let mut since = Instant::now();
    let mut polls = 0u32;
    loop {
        if !shared.job.load(SeqCst).is_null() {
            shared.inside.fetch_add(1, SeqCst);
            let job = shared.job.load(SeqCst);
            if !job.is_null() {
                // SAFETY: `inside` was raised before this second look, and Close waits for it to fall before the job's frame
                // ends, so the address stays valid for the call.
                unsafe { (*job)(worker + 1) };
                since = Instant::now();
            }
            shared.inside.fetch_sub(1, SeqCst);
        }
        std::hint::spin_loop();
        polls = polls.wrapping_add(1);
        if polls.is_multiple_of(POLLS) && since.elapsed() > LINGER {
            summoned.store(false, SeqCst);
            // A caller that still counted on this worker has stored its job by now: look once more, unless it is summoned anew.
            if shared.job.load(SeqCst).is_null() || summoned.swap(true, SeqCst) {
                return;
            }
            since = Instant::now();
        }
    }
}

/// Spins; after about 50 µs gives the core away at each call, so that an oversubscribed machine goes on.
pub(crate) fn pause(polls: &mut u32) {
    *polls += 1;
    if *polls > 1 << 12 { std::thread::yield_now() } else { std::hint::spin_loop() }
}

/// The process's team. A forked child makes its own: its parent's threads did not come along.
static TEAM: Mutex<Option<(u32, Arc<Team>)>> = Mutex::new(None);

/// The team of this process, made on first use: `DLRS_NUM_THREADS`, else what affinity and cgroup allow.
pub fn team() -> Arc<Team> {
    let mut slot = TEAM.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    match &*slot {
        Some((owner, team)) if *owner == pid => Arc::clone(team),
        _ => install(&mut slot, pid, requested_threads().unwrap_or_else(|_| available_threads())),
    }
}

/// Replaces the team by one of `threads` members.
pub fn set_threads(threads: usize) {
    let mut slot = TEAM.lock().unwrap_or_else(PoisonError::into_inner);
    install(&mut slot, std::process::id(), threads.max(1));
}

fn install(slot: &mut Option<(u32, Arc<Team>)>, pid: u32, threads: usize) -> Arc<Team> {
    let team = Arc::new(Team::new(threads));
    if let Some((owner, old)) = slot.replace((pid, Arc::clone(&team)))
        && owner != pid
    {
        // The old pool's threads exist only in the parent; dropping it here would wait for them.
        std::mem::forget(old);
    }
    team
}

/// The most threads of a team.
pub const MAX_THREADS: usize = 256;

/// The number of threads that `DLRS_NUM_THREADS` asks for; without it, what affinity and cgroup allow.
///
/// # Errors
/// A message, when it is not a number from 1 to [`MAX_THREADS`].
pub fn requested_threads() -> Result<usize, String> {
    let Ok(text) = std::env::var("DLRS_NUM_THREADS") else { return Ok(available_threads()) };
    let number = text.trim().parse().ok().filter(|n| (1..=MAX_THREADS).contains(n));
    number.ok_or_else(|| format!("DLRS_NUM_THREADS is {text:?}; expected a number from 1 to {MAX_THREADS}"))
}

fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// One value per team member, each touched by its member alone.
pub(crate) struct PerMember<T>(Vec<UnsafeCell<T>>);

// SAFETY: `get` hands member i's value to member i alone (its contract), so no value is shared.
unsafe impl<T: Send> Sync for PerMember<T> {}

impl<T> PerMember<T> {
    pub(crate) fn new(values: Vec<T>) -> Self {
        Self(values.into_iter().map(UnsafeCell::new).collect())
    }

    /// The value of member `index`.
    ///
    /// # Safety
    /// Only member `index` calls this with its own index, and it does not hold two results at once.
    #[allow(clippy::mut_from_ref)] // the contract above makes the borrow unique
    pub(crate) unsafe fn get(&self, index: usize) -> &mut T {
        // SAFETY: by the contract this is the only live borrow of the cell.
        unsafe { &mut *self.0[index].get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticket_is_drawn_once() {
        let team = Team::new(3);
        for round in 0..200 {
            let next = AtomicUsize::new(0);
            let sum = AtomicUsize::new(0);
            team.run(&|_| {
                loop {
                    let ticket = next.fetch_add(1, SeqCst);
                    if ticket >= 100 {
                        return;
                    }
                    sum.fetch_add(ticket + round, SeqCst);
                }
            });
            // Every ticket drawn by now has been worked off, since run() waits for members inside.
            assert_eq!(sum.load(SeqCst), 4950 + 100 * round);
        }
    }

    #[test]
    fn a_team_in_use_leaves_a_second_caller_alone() {
        let team = Team::new(2);
        team.run(&|member| {
            if member == 0 {
                team.run(&|inner| assert_eq!(inner, 0));
            }
        });
    }
}
