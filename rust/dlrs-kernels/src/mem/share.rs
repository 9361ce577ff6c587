//! Irregular work that the team shares piece by piece.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::Team;

/// Says whether the work is to stop.
pub type Stop<'a> = &'a dyn Fn() -> bool;

struct CallerOnly<'a>(Stop<'a>);
// SAFETY: `ask` is called by member 0 alone, which Team::run calls on the thread that gave the function.
unsafe impl Sync for CallerOnly<'_> {}

impl CallerOnly<'_> {
    fn ask(&self) -> bool {
        (self.0)()
    }
}

impl Team {
    /// What `f` gives for every number below `n`, in order; whoever is free takes the next number. `stop` is asked by the caller alone, the
    /// function that `f` gets by everyone. Once it says so no number is begun, and the result is None.
    ///
    /// # Panics
    /// As `f`.
    pub fn collect<R: Send + Sync>(
        &self,
        n: usize,
        stop: Stop<'_>,
        f: impl Fn(usize, Stop<'_>) -> R + Sync,
    ) -> Option<Vec<R>> {
        if n <= 1 || self.size() == 1 {
            return (0..n).map(|i| (!stop()).then(|| f(i, stop))).collect();
        }
        let slots: Vec<OnceLock<R>> = (0..n).map(|_| OnceLock::new()).collect();
        let (next, stopped, panic) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
        let caller = CallerOnly(stop);
        let caller = &caller;
        self.run(&|member| {
            let stop = || stopped.load(SeqCst) || (member == 0 && caller.ask() && !stopped.swap(true, SeqCst));
            while !stop() {
                let i = next.fetch_add(1, SeqCst);
                if i >= n {
                    return;
                }
                let ran = catch_unwind(AssertUnwindSafe(|| slots[i].get_or_init(|| f(i, &stop))));
                if let Err(payload) = ran {
                    stopped.store(true, SeqCst);
                    *panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
                }
            }
        });
        if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(payload);
        }
        if stopped.into_inner() {
            return None;
        }
        slots.into_iter().map(OnceLock::into_inner).collect()
    }
}
