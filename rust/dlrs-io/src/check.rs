//! What must hold of any bytes, whoever made them: the fuzzers call these, and a test replays their corpus.

use crate::zip::Archive;
use crate::{Error, json, safetensors};

/// Errors must name one of the documented rules; out of memory and system errors are not expected of bytes in memory.
fn check_error(error: &Error) {
    let Error::Format(error) = error else { panic!("{error}") };
    let known = matches!(error.rule.as_bytes(), [b'G' | b'S' | b'K', b'1'..=b'9', ..]);
    assert!(known && !error.message.is_empty() && !error.format.is_empty(), "{error}");
}

/// A file that is accepted has tensors that lie side by side, and the header's writer agrees with its reader.
pub fn safetensors(data: &[u8]) {
    let header = match safetensors::read(data) {
        Ok(header) => header,
        Err(error) => return check_error(&error),
    };
    let mut position = 0;
    for entry in &header.entries {
        let elements: u64 = entry.shape.iter().product();
        assert_eq!((entry.start, entry.end), (position, position + elements * entry.dtype.size()));
        position = entry.end;
    }
    assert_eq!(header.data_start + position, data.len() as u64);
    let tensors: Vec<_> = header.entries.iter().map(|entry| (&*entry.name, entry.dtype, &*entry.shape)).collect();
    let metadata: Vec<_> = header.metadata.iter().map(|(key, value)| (&**key, &**value)).collect();
    let written = safetensors::write_header(&tensors, &metadata).expect("what was read can be written");
    let again = [&written, &data[header.data_start as usize..]].concat();
    let again = safetensors::read(&again[..]).expect("what was written can be read");
    assert_eq!((again.entries, again.metadata), (header.entries, header.metadata));
}

/// The members of an archive that is accepted are no larger than deflate can make them, and reading them twice gives the same.
pub fn zip(data: &[u8]) {
    let archive = match Archive::open(data) {
        Ok(archive) => archive,
        Err(error) => return check_error(&error),
    };
    let total: u64 = archive.members().iter().map(|member| member.size).sum();
    assert!(total <= 1100 * data.len() as u64);
    for member in archive.members() {
        let mut contents = vec![0; member.size as usize];
        if let Err(error) = archive.read(member, &mut contents) {
            check_error(&error);
            continue;
        }
        let mut again = vec![1; member.size as usize];
        archive.read(member, &mut again).expect("what was read can be read again");
        assert_eq!(contents, again);
    }
}

/// A text that is accepted is UTF-8 and stays accepted with a space behind it.
pub fn json(data: &[u8]) {
    match json::validate(data) {
        Ok(()) => {
            assert!(std::str::from_utf8(data).is_ok());
            assert!(data.len() == json::MAX_BYTES || json::validate(&[data, b" "].concat()).is_ok());
        }
        Err(error) => check_error(&error),
    }
}
