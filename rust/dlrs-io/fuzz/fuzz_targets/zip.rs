//! Any bytes as an archive: refused by a rule, or members that account for every byte.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::zip(data));
