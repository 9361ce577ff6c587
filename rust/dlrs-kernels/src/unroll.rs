//! Loops over registers.

/// Repeats the body for each of the numbers that is less than the bound. The compiler unrolls a loop or does not as it estimates, and
/// keeps an array in registers only if it does.
macro_rules! unrolled {
    ($i:ident < $end:ident in $($n:literal)* => $body:block) => {$(
        {
            const $i: usize = $n;
            if $i < $end $body
        }
    )*};
}
pub(crate) use unrolled;
