//! Any bytes as a list of words: refused by a rule, or its lines.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::lines(data));
