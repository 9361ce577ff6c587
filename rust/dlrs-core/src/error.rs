//! Errors: what went wrong, in which op, with what was given and what was expected.

use std::fmt;

use dlrs_kernels::mem::{OutOfMemory, RunError};

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// An error with a message for the user. The variant decides the class of the Python exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Shapes that do not fit, or an argument outside its range (`ValueError`).
    Value(String),
    /// A dtype or kind of argument that the op does not take (`TypeError`).
    Type(String),
    /// An index outside its axis (`IndexError`).
    Index(String),
    /// Not enough memory (`MemoryError`).
    Memory(String),
    /// A gradient was asked of an op that has none (`ValueError`).
    NoGradient(String),
    /// A symbolic value was used as a concrete one (`dlrs.errors.TracingError`).
    Tracing(String),
    /// Two runs would write one variable at the same time (`dlrs.errors.ConcurrentUseError`).
    Concurrent(String),
    /// The user asked to stop (`KeyboardInterrupt`).
    Interrupted,
    /// A bug in dlrs (`dlrs.errors.InternalError`).
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Value(m)
            | Error::Type(m)
            | Error::Index(m)
            | Error::Memory(m)
            | Error::NoGradient(m)
            | Error::Tracing(m)
            | Error::Concurrent(m)
            | Error::Internal(m) => f.write_str(m),
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(e: OutOfMemory) -> Self {
        Error::Memory(e.to_string())
    }
}

impl From<RunError> for Error {
    fn from(e: RunError) -> Self {
        match e {
            RunError::Interrupted => Error::Interrupted,
            RunError::Refused(why) => Error::Index(why),
            RunError::Unsolvable(why) => Error::Value(why),
            RunError::Panic(what) => Error::Internal(format!("a kernel panicked, which is a bug in dlrs: {what}")),
            RunError::Binding(what) => {
                Error::Internal(format!("a plan was run with other buffers than it was built for: {what}"))
            }
            RunError::OutOfMemory(e) => e.into(),
        }
    }
}

/// Returns `Err(Error::Value(..))` with a formatted message.
#[macro_export]
macro_rules! bail {
    ($kind:ident, $($arg:tt)*) => {
        return Err($crate::error::Error::$kind(format!($($arg)*)))
    };
    ($($arg:tt)*) => {
        return Err($crate::error::Error::Value(format!($($arg)*)))
    };
}
