//! Any bytes as a `.npy` matrix: refused by a rule, or rows that account for the file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::npy(data));
