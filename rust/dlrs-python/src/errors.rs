//! Errors of the core as Python exceptions; panics as `InternalError`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dlrs_core::Error;
use dlrs_kernels::mem::message;
use pyo3::create_exception;
use pyo3::exceptions::{PyIndexError, PyKeyboardInterrupt, PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    dlrs.errors,
    InternalError,
    PyRuntimeError,
    "A bug in dlrs: please report it with the message.

>>> import dlrs
>>> issubclass(dlrs.errors.InternalError, RuntimeError)
True
"
);
create_exception!(
    dlrs.errors,
    ConcurrentUseError,
    PyRuntimeError,
    "Two threads used the same variables at once, such as two calls of `fit` of one model. The variables keep the values of the first.

>>> import dlrs
>>> issubclass(dlrs.errors.ConcurrentUseError, RuntimeError)
True
"
);
create_exception!(
    dlrs.errors,
    FormatError,
    PyValueError,
    "A file that breaks a rule of its format. Its attributes say where: `path`, `format`, `field`, `offset` (bytes), and the `rule` by
the id that docs/files.md lists.

>>> import pathlib, tempfile
>>> import dlrs
>>> path = pathlib.Path(tempfile.mkdtemp()) / 'model.dlrs'
>>> _ = path.write_bytes(b'no archive')
>>> try:
...     dlrs.models.load_model(path)
... except dlrs.errors.FormatError as error:
...     print(error.format, error.rule)
zip G7
"
);
create_exception!(
    dlrs.errors,
    TracingError,
    PyTypeError,
    "A symbolic tensor was used as if it had a value: while a function is traced, there are shapes and dtypes, but no numbers.

>>> import dlrs
>>> @dlrs.function
... def relu(x):
...     return x if x > 0 else 0 * x
>>> try:
...     relu(dlrs.ops.ones(()))
... except dlrs.errors.TracingError as error:
...     print(str(error)[:37])
bool() was asked of a symbolic tensor
"
);

/// What a function of this crate fails with: an error of the core, or an exception that Python raised.
pub enum Failure {
    /// From the core.
    Core(Error),
    /// From Python.
    Python(PyErr),
}

/// What fallible functions of this crate return.
pub type Result<T> = std::result::Result<T, Failure>;

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure::Core(e)
    }
}

impl From<PyErr> for Failure {
    fn from(e: PyErr) -> Failure {
        Failure::Python(e)
    }
}

impl From<pyo3::CastError<'_, '_>> for Failure {
    fn from(e: pyo3::CastError<'_, '_>) -> Failure {
        Failure::Python(e.into())
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> PyErr {
        let error = match failure {
            Failure::Core(error) => error,
            Failure::Python(error) => return error,
        };
        let text = error.to_string();
        match error {
            Error::Value(_) | Error::NoGradient(_) => PyValueError::new_err(text),
            Error::Type(_) => PyTypeError::new_err(text),
            Error::Index(_) => PyIndexError::new_err(text),
            Error::Memory(_) => PyMemoryError::new_err(text),
            Error::Tracing(_) => TracingError::new_err(text),
            Error::Concurrent(_) => ConcurrentUseError::new_err(text),
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            Error::Internal(_) => InternalError::new_err(text),
        }
    }
}

/// Runs `f`; a panic inside becomes an internal error instead of ending the process or skipping `except Exception`.
pub fn guard<T, E: From<Error>>(f: impl FnOnce() -> std::result::Result<T, E>) -> std::result::Result<T, E> {
    // State that a panic leaves half-written is the core's: its locks recover from poisoning and runs commit last.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        Err(Error::Internal(format!("dlrs panicked, which is a bug: {}", message(&*payload))).into())
    })
}

/// Panics inside the guard: the tests see with it that a panic arrives as `InternalError`.
#[pyfunction]
pub fn _panic(text: String) -> Result<()> {
    guard(|| panic!("{text}"))
}

macro_rules! fail {
    ($kind:ident, $($arg:tt)*) => {
        return Err($crate::errors::Failure::Core(dlrs_core::Error::$kind(format!($($arg)*))))
    };
}
pub(crate) use fail;
