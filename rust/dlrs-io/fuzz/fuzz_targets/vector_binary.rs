//! Any bytes as a file of word2vec's binary form: refused by a rule, or vectors that are written and read alike.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dlrs_io::check::vector_binary(data));
