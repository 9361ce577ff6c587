//! The `dlrs._dlrs` extension module.
#![deny(unsafe_code)]
#![allow(missing_docs)] // what Python sees is documented in the stub, and in the doc comments that become docstrings

mod array;
mod beam;
mod boxes;
mod call;
mod corpus;
mod epoch;
mod errors;
#[allow(unsafe_code)]
mod exchange;
mod glove;
mod graph;
mod index;
mod io;
mod operand;
mod operators;
mod ops;
mod prefixes;
mod system;
mod tensor;
mod text;
mod variable;
mod vectors;
mod word2vec;

use pyo3::prelude::*;

#[pymodule]
mod _dlrs {
    #[pymodule_export]
    use crate::beam::PyBeamSearch;
    #[pymodule_export]
    use crate::boxes::{box_nms, box_soft_nms};
    #[pymodule_export]
    use crate::corpus::PyCorpusWords;
    #[pymodule_export]
    use crate::errors::{_panic, ConcurrentUseError, FormatError, InternalError, TracingError};
    #[pymodule_export]
    use crate::glove::{
        PyGlove, cooccurrence_unit, count_cooccurrences, glove_blocks, glove_strata, merge_cooccurrences,
    };
    #[pymodule_export]
    use crate::graph::{Program, Tape, Trace, is_tracing};
    #[pymodule_export]
    use crate::io::{
        PyArchiveFile, PyAtomicFile, check_json, parse_archive, parse_safetensors, read_archive, read_file,
        safetensors_header,
    };
    #[pymodule_export]
    use crate::ops::contraction::{conv, conv_backward_input, conv_backward_kernel, matmul};
    #[pymodule_export]
    use crate::ops::control::{custom_gradient, scan, switch, while_loop};
    #[pymodule_export]
    use crate::ops::creation::{full, tensor};
    #[pymodule_export]
    use crate::ops::elementwise::{
        absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, bitwise_and, bitwise_not,
        bitwise_or, bitwise_xor, cast, cbrt, ceil, cos, cosh, divide, equal, erf, erfc, erfinv, exp, exp2, expm1,
        floor, floor_divide, fmod, gcd, greater, greater_equal, hypot, i0, isfinite, isinf, isnan, lcm, left_shift,
        less, less_equal, log, log1p, log2, log10, logical_and, logical_not, logical_or, maximum, minimum, r#mod,
        multiply, negative, nextafter, not_equal, power, reciprocal, relu, right_shift, round, rsqrt, select, sigmoid,
        sign, signbit, sin, sinh, softplus, sqrt, square, stop_gradient, subtract, tan, tanh, trunc,
    };
    #[pymodule_export]
    use crate::ops::image::{augment, remap};
    #[pymodule_export]
    use crate::ops::linalg::{cholesky, det, eigh, fourier, lu_factor, qr, slogdet, solve, solve_triangular, svd};
    #[pymodule_export]
    use crate::ops::nn::{
        ctc_decode, ctc_loss, dot_product_attention, log_softmax, softmax, softmax_cross_entropy,
        sparse_softmax_cross_entropy,
    };
    #[pymodule_export]
    use crate::ops::optim::{adam_update, momentum_update, rmsprop_momentum_update, rmsprop_update, sgd_update};
    #[pymodule_export]
    use crate::ops::order::{
        cumprod, cumsum, linear_recurrence, searchsorted, segment_max, segment_min, segment_sum, sort, top_k,
    };
    #[pymodule_export]
    use crate::ops::pool::{adaptive_average_pool, adaptive_max_pool, average_pool, max_pool, window_sum};
    #[pymodule_export]
    use crate::ops::random::{random_beta, random_binomial, random_gamma, random_normal, random_uniform};
    #[pymodule_export]
    use crate::ops::recurrent::{gru, lstm, masked_matmul, simple_rnn};
    #[pymodule_export]
    use crate::ops::reduce::{all, any, argmax, argmin, column_moments, max, mean, min, prod, sum};
    #[pymodule_export]
    use crate::ops::resize::resize;
    #[pymodule_export]
    use crate::ops::shape::{
        broadcast_to, concatenate, lookup, pad, reshape, slice, slice_at, slice_update, take, take_along_axis,
        transpose,
    };
    #[pymodule_export]
    use crate::prefixes::PyPrefixSearch;
    #[pymodule_export]
    use crate::system::{isa, machine_peaks, num_threads, read_gbs, set_num_threads, supported_isas};
    #[pymodule_export]
    use crate::tensor::PyTensor;
    #[pymodule_export]
    use crate::text::{bleu_counts, edit_counts, edit_distances, nearest_vectors};
    #[pymodule_export]
    use crate::variable::{PyVariable, set_autocast};
    #[pymodule_export]
    use crate::vectors::{read_lines, read_matrix, read_vector_binary, read_vector_text, write_vectors};
    #[pymodule_export]
    use crate::word2vec::PyWord2Vec;

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        crate::io::declare_fields(module.py())?;
        crate::system::check_environment()
    }
}
