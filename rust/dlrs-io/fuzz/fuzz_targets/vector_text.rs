//! Any bytes as a text file of word vectors: refused by a rule, or the same vectors however they are read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::vector_text(data));
