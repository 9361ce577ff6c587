"""Deep learning on a CPU: Keras's vocabulary in front, Rust SIMD kernels below."""
