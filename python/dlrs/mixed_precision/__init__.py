"""Types of layers, under the names of Keras 2: `set_global_policy("mixed_float16")`.

The policies `"float32"` and `"float64"` compute in what they are called. Under `"mixed_float16"` and `"mixed_bfloat16"`
layers keep float32 variables, and their results have the narrow type and its precision; each operation computes in
float32 and converts, so that they are not faster than float32, and memory is saved by activations alone.
"""

from dlrs.backend import DTypePolicy, dtype_policy, set_dtype_policy
from dlrs.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
