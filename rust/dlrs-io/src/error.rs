//! What reading and writing can fail with.

use std::fmt;
use std::io;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file was not read or written.
#[derive(Debug)]
pub enum Error {
    /// The contents break a rule.
    Format(FormatError),
    /// Not enough memory for this many bytes.
    Memory(u64),
    /// The operating system refused.
    Io(io::Error),
}

/// Contents that break a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// The format: `"safetensors"`, `"zip"`, `"json"` or `"file"`.
    pub format: &'static str,
    /// The entry, member or field in which it was found.
    pub field: String,
    /// Where, in bytes from the start of the part that was read.
    pub offset: u64,
    /// The rule's id, as listed at the top of this crate.
    pub rule: &'static str,
    /// What was found and what is allowed.
    pub message: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FormatError { format, field, offset, rule, message } = self;
        write!(f, "{format}, {field}: {message} (rule {rule}, at byte {offset})")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Format(error) => error.fmt(f),
            Error::Memory(bytes) => write!(f, "cannot allocate {bytes} bytes"),
            Error::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

/// Text of a file as a message may show it: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if short.len() < text.len() && text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

/// Returns `Err(Error::Format(..))`: `refuse!(format, rule, offset, field, "message {}", argument)`.
macro_rules! refuse {
    ($format:expr, $rule:expr, $offset:expr, $field:expr, $($message:tt)*) => {
        return Err($crate::Error::Format($crate::FormatError {
            format: $format,
            field: $field.to_string(),
            offset: $offset,
            rule: $rule,
            message: format!($($message)*),
        }))
    };
}
pub(crate) use refuse;
