#![forbid(unsafe_code)]
//! Tensors, graphs, ops, autodiff and plans.
