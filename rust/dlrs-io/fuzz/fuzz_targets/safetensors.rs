//! Any bytes as a safetensors file: refused by a rule, or a header that is true of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::safetensors(data));
