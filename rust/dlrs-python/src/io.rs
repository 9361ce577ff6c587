//! Files: what `dlrs.saving` reads and writes.

use std::io::Write;
use std::path::PathBuf;

use dlrs_io::atomic::AtomicFile;
use dlrs_io::safetensors::{self, Dtype};
use dlrs_io::zip::{Archive, ArchiveWriter};
use dlrs_io::{Input, Source, json};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::FormatError;
use crate::exchange::View;

const FIELDS: [&str; 5] = ["path", "format", "field", "offset", "rule"];

/// Every `FormatError` has the attributes, also one that Python made without them.
pub fn declare_fields(py: Python<'_>) -> PyResult<()> {
    FIELDS.iter().try_for_each(|name| py.get_type::<FormatError>().setattr(*name, py.None()))
}

/// An error as Python's, with the file it is about.
pub fn failure(py: Python<'_>, error: dlrs_io::Error, path: &str) -> PyErr {
    failure_in(py, error, path, "")
}

/// The same, for a part of the file.
fn failure_in(py: Python<'_>, error: dlrs_io::Error, path: &str, part: &str) -> PyErr {
    let separator = if part.is_empty() { "" } else { ": " };
    match error {
        dlrs_io::Error::Memory(bytes) => PyMemoryError::new_err(format!("{path}: cannot allocate {bytes} bytes")),
        dlrs_io::Error::Io(error) => io_failure(py, &error, path),
        dlrs_io::Error::Format(error) => {
            let exception = FormatError::new_err(format!("{path}: {part}{separator}{error}"));
            let value = exception.value(py);
            let set = [
                value.setattr(FIELDS[0], path),
                value.setattr(FIELDS[1], error.format),
                value.setattr(FIELDS[2], format!("{part}{separator}{}", error.field)),
                value.setattr(FIELDS[3], error.offset),
                value.setattr(FIELDS[4], error.rule),
            ];
            set.into_iter().find_map(Result::err).unwrap_or(exception)
        }
    }
}

/// `OSError` with number, text and path, of which Python makes `FileNotFoundError` and the like.
pub fn io_failure(py: Python<'_>, error: &std::io::Error, path: &str) -> PyErr {
    let Some(number) = error.raw_os_error() else {
        return PyValueError::new_err(format!("{path}: {error}"));
    };
    let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,)));
    match text {
        Ok(text) => PyOSError::new_err((number, text.unbind(), path.to_owned())),
        Err(error) => error,
    }
}

/// The bytes of an object that exports them.
fn bytes_of<'a>(view: Option<&'a View<'_>>) -> PyResult<&'a [u8]> {
    view.and_then(View::bytes).ok_or_else(|| PyTypeError::new_err("expected an object whose bytes lie in one piece"))
}

/// `size` new bytes that `fill` writes; a `MemoryError` if there is no room.
fn new_bytes<'py>(
    py: Python<'py>,
    size: u64,
    path: &str,
    fill: impl FnOnce(&mut [u8]) -> dlrs_io::Result<()>,
) -> PyResult<Bound<'py, PyBytes>> {
    let length = usize::try_from(size).map_err(|_| failure(py, dlrs_io::Error::Memory(size), path))?;
    PyBytes::new_with(py, length, |buffer| fill(buffer).map_err(|error| failure(py, error, path)))
}

type Members<'py> = Vec<(String, Bound<'py, PyBytes>)>;

fn members<'py>(py: Python<'py>, source: &(impl Source + ?Sized), path: &str) -> PyResult<Members<'py>> {
    let archive = Archive::open(source).map_err(|error| failure(py, error, path))?;
    let read = |member: &dlrs_io::zip::Member| {
        let contents = new_bytes(py, member.size, path, |buffer| archive.read(member, buffer))?;
        Ok((member.name.clone(), contents))
    };
    archive.members().iter().map(read).collect()
}

/// Names and contents of the members of a ZIP file, in their order.
#[pyfunction]
pub fn read_archive(py: Python<'_>, path: PathBuf) -> PyResult<Members<'_>> {
    let name = path.to_string_lossy();
    let input = Input::open(&path).map_err(|error| failure(py, error, &name))?;
    let members = members(py, &input, &name)?;
    input.finish().map_err(|error| failure(py, error, &name))?;
    Ok(members)
}

/// The same of an archive in memory, called `path` in messages.
#[pyfunction]
pub fn parse_archive<'py>(py: Python<'py>, data: &Bound<'py, PyAny>, path: &str) -> PyResult<Members<'py>> {
    members(py, bytes_of(View::of(data).as_ref())?, path)
}

/// The contents of a regular file.
#[pyfunction]
pub fn read_file(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyBytes>> {
    let name = path.to_string_lossy();
    let input = Input::open(&path).map_err(|error| failure(py, error, &name))?;
    dlrs_io::memory::check(input.size(), "file", "size").map_err(|error| failure(py, error, &name))?;
    let contents = new_bytes(py, input.size(), &name, |buffer| input.read_at(0, buffer))?;
    input.finish().map_err(|error| failure(py, error, &name))?;
    Ok(contents)
}

/// Raises unless `data` is the text of one JSON object without repeated keys, nested at most 64 deep.
#[pyfunction]
#[pyo3(signature = (data, path, part=""))]
pub fn check_json(py: Python<'_>, data: &Bound<'_, PyAny>, path: &str, part: &str) -> PyResult<()> {
    json::validate(bytes_of(View::of(data).as_ref())?).map_err(|error| failure_in(py, error, path, part))
}

type Tensors = Vec<(String, &'static str, Vec<u64>, u64, u64)>;

/// Name, dtype, shape, first byte and end of every tensor in the contents of a safetensors file; and its metadata.
#[pyfunction]
#[pyo3(signature = (data, path, part=""))]
pub fn parse_safetensors<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    path: &str,
    part: &str,
) -> PyResult<(Tensors, Bound<'py, PyDict>)> {
    let header =
        safetensors::read(bytes_of(View::of(data).as_ref())?).map_err(|error| failure_in(py, error, path, part))?;
    let start = header.data_start;
    let tensors = header.entries.into_iter();
    let tensors = tensors.map(|t| (t.name, t.dtype.name(), t.shape, start + t.start, start + t.end)).collect();
    let metadata = PyDict::new(py);
    header.metadata.iter().try_for_each(|(key, value)| metadata.set_item(key, value))?;
    Ok((tensors, metadata))
}

/// What precedes the bytes of `tensors` (name, dtype, shape) in a safetensors file.
#[pyfunction]
#[pyo3(signature = (tensors, path, part=""))]
pub fn safetensors_header<'py>(
    py: Python<'py>,
    tensors: Vec<(String, String, Vec<u64>)>,
    path: &str,
    part: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut entries = Vec::with_capacity(tensors.len());
    for (name, dtype, shape) in &tensors {
        let dtype = Dtype::named(dtype)
            .ok_or_else(|| PyValueError::new_err(format!("{name:?}: {dtype} values cannot be saved")))?;
        entries.push((name.as_str(), dtype, shape.as_slice()));
    }
    let header = safetensors::write_header(&entries, &[]).map_err(|error| failure_in(py, error, path, part))?;
    Ok(PyBytes::new(py, &header))
}

fn closed() -> PyErr {
    PyValueError::new_err("the file was committed or discarded")
}

/// A file that takes the place of `path` when it is committed: until then, and if it is discarded, `path` stays as it is.
#[pyclass(name = "AtomicFile", module = "dlrs._dlrs")]
pub struct PyAtomicFile {
    path: PathBuf,
    file: Option<AtomicFile>,
}

#[pymethods]
impl PyAtomicFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<PyAtomicFile> {
        let file = AtomicFile::create(&path).map_err(|error| io_failure(py, &error, &path.to_string_lossy()))?;
        Ok(PyAtomicFile { path, file: Some(file) })
    }

    /// Append bytes.
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let file = self.file.as_mut().ok_or_else(closed)?;
        let written = file.write_all(bytes_of(View::of(data).as_ref())?);
        written.map_err(|error| io_failure(py, &error, &self.path.to_string_lossy()))
    }

    /// Put what was written on the disk, not yet in place.
    fn sync(&mut self, py: Python<'_>) -> PyResult<()> {
        let file = self.file.as_ref().ok_or_else(closed)?;
        py.detach(|| file.sync()).map_err(|error| io_failure(py, &error, &self.path.to_string_lossy()))
    }

    /// Put the file in place: it is on the disk under its name when this returns.
    fn commit(&mut self, py: Python<'_>) -> PyResult<()> {
        let file = self.file.take().ok_or_else(closed)?;
        py.detach(|| file.commit()).map_err(|error| io_failure(py, &error, &self.path.to_string_lossy()))
    }

    /// Remove what was written, unless it was committed.
    fn discard(&mut self) {
        self.file = None;
    }
}

/// A ZIP file that takes the place of `path` when it is committed.
#[pyclass(name = "ArchiveFile", module = "dlrs._dlrs")]
pub struct PyArchiveFile {
    path: PathBuf,
    archive: Option<ArchiveWriter<AtomicFile>>,
}

impl PyArchiveFile {
    fn with(
        &mut self,
        py: Python<'_>,
        act: impl FnOnce(&mut ArchiveWriter<AtomicFile>) -> dlrs_io::Result<()>,
    ) -> PyResult<()> {
        let archive = self.archive.as_mut().ok_or_else(closed)?;
        act(archive).map_err(|error| failure(py, error, &self.path.to_string_lossy()))
    }
}

#[pymethods]
impl PyArchiveFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<PyArchiveFile> {
        let file = AtomicFile::create(&path).map_err(|error| io_failure(py, &error, &path.to_string_lossy()))?;
        Ok(PyArchiveFile { path, archive: Some(ArchiveWriter::new(file)) })
    }

    /// Begin a member of `size` bytes.
    fn begin(&mut self, py: Python<'_>, name: &str, size: u64) -> PyResult<()> {
        self.with(py, |archive| archive.begin(name, size))
    }

    /// Append bytes to the member.
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = View::of(data);
        let bytes = bytes_of(view.as_ref())?;
        self.with(py, |archive| archive.write(bytes))
    }

    /// End the member.
    fn end(&mut self, py: Python<'_>) -> PyResult<()> {
        self.with(py, ArchiveWriter::end)
    }

    /// Put the file in place: it is on the disk under its name when this returns.
    fn commit(&mut self, py: Python<'_>) -> PyResult<()> {
        let archive = self.archive.take().ok_or_else(closed)?;
        let done = py.detach(|| archive.finish().and_then(|file| Ok(file.commit()?)));
        done.map_err(|error| failure(py, error, &self.path.to_string_lossy()))
    }

    /// Remove what was written, unless it was committed.
    fn discard(&mut self) {
        self.archive = None;
    }
}
