"""The functions of `keras.backend` in Keras 1 and 2: `K.sum`, `K.mean`, ...

`dlrs.backend` finds them here by name (its own names come first) and warns with what `SPELLINGS` says to write.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import ops, random
from dlrs.backend.dtypes import standardize_dtype
from dlrs.backend.old_spellings import warn_of
from dlrs.backend.tensors import cast
from dlrs.backend.variables import Variable
from dlrs.config import floatx


def argmax(x: Any, axis: int = -1) -> Any:
    """Indices of the largest values along `axis`."""
    return ops.argmax(x, axis=axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Indices of the smallest values along `axis`."""
    return ops.argmin(x, axis=axis)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Evenly spaced values of type int32."""
    return ops.arange(start, stop, step, dtype=dtype)


def batch_flatten(x: Any) -> Any:
    """`x` with all axes but the first as one."""
    return ops.reshape(x, (ops.shape(x)[0], -1))


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values as arrays."""
    return [get_value(tensor) for tensor in tensors]


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Assign to each variable its value."""
    for variable, value in tuples:
        variable.assign(value)


def bias_add(x: Any, bias: Any) -> Any:
    """`x` with a vector added along its last axis."""
    return ops.add(x, bias)


def cast_to_floatx(x: Any) -> Any:
    """`x` in the default float type."""
    return cast(x, floatx())


def clip(x: Any, min_value: Any = None, max_value: Any = None) -> Any:
    """`x` within bounds."""
    return ops.clip(x, -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Tensors joined along their last axis."""
    return ops.concatenate(tensors, axis=axis)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor, filled with `value` if a shape is given."""
    tensor = ops.convert_to_tensor(value, dtype=dtype or (floatx() if isinstance(value, float) else None))
    return tensor if shape is None else ops.broadcast_to(tensor, shape)


def count_params(x: Any) -> int:
    """The number of elements."""
    return int(np.prod(x.shape, dtype="int64"))


def dot(x: Any, y: Any) -> Any:
    """The product over the last axis of `x` and the last but one of `y`."""
    return ops.dot(x, y)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """`x` with a share of its elements zero and the others made larger."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)


def dtype(x: Any) -> str:
    """The name of the element type."""
    return standardize_dtype(x.dtype)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """`x` with an axis of size 1."""
    return ops.expand_dims(x, axis)


def flatten(x: Any) -> Any:
    """The elements as a vector."""
    return ops.reshape(x, (-1,))


def gather(reference: Any, indices: Any) -> Any:
    """Rows of `reference`."""
    return ops.take(reference, indices, axis=0)


def get_session(*args: Any, **kwargs: Any) -> Any:
    """Always an error: there are no sessions."""
    raise RuntimeError(
        "get_session: there are no sessions. Operations run when they are called; x.numpy() is the value."
    )


def get_value(x: Any) -> np.ndarray[Any, Any]:
    """The value as an array."""
    return ops.convert_to_numpy(x)


def gradients(loss: Any, variables: Any) -> Any:
    """Always an error: a value does not know what it was computed from."""
    raise RuntimeError(
        "gradients: they are recorded while the loss is computed: `with dlrs.GradientTape() as tape: loss = ...`, "
        "then `tape.gradient(loss, variables)`."
    )


def hard_sigmoid(x: Any) -> Any:
    """`0.2 x + 0.5` within [0, 1], which is what Keras 1 and 2 called so."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape, None for open sizes."""
    return tuple(x.shape)


def l2_normalize(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """`x` divided by its norm along `axis`."""
    x = ops.convert_to_tensor(x) if not hasattr(x, "shape") else x
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def learning_phase() -> int:
    """0: whether a layer trains is told by its argument `training`."""
    return 0


def set_learning_phase(value: Any) -> None:
    """Nothing: whether a layer trains is told by its argument `training`."""


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """Move a variable towards `value`."""
    return x.assign(x.value * momentum + value * (1.0 - momentum))


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return Variable(ops.ones(shape, dtype=dtype), name=name)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """`x` with its axes in another order."""
    return ops.transpose(x, axes=pattern)


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws of a normal distribution."""
    return random.normal(shape, mean=mean, stddev=stddev, dtype=dtype, seed=seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws of a uniform distribution."""
    return random.uniform(shape, minval=minval, maxval=maxval, dtype=dtype, seed=seed)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`x` above the threshold, `alpha * (x - threshold)` below it, at most `max_value`."""
    x = ops.convert_to_tensor(x) if not hasattr(x, "shape") else x
    above = ops.where(x >= threshold, x, alpha * (x - threshold))
    return above if max_value is None else ops.minimum(above, max_value)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element `rep` times along `axis`."""
    return ops.repeat(x, rep, axis=axis)


def set_value(x: Any, value: Any) -> None:
    """Assign `value` to a variable."""
    x.assign(value)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values, each a tensor or a function that makes it."""
    then, other = (value() if callable(value) else value for value in (then_expression, else_expression))
    return ops.where(condition, then, other)


def transpose(x: Any) -> Any:
    """`x` with its axes in reverse order."""
    return ops.transpose(x)


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws of a normal distribution within two standard deviations."""
    return random.truncated_normal(shape, mean=mean, stddev=stddev, dtype=dtype, seed=seed)


def update(x: Any, new_x: Any) -> Any:
    """Assign `new_x` to a variable."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable, of the default float type unless told otherwise."""
    made = Variable(ops.cast(value, dtype or floatx()), name=name)
    made.constraint = constraint
    return made


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return Variable(ops.zeros(shape, dtype=dtype), name=name)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """The cross-entropy of every element."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross-entropy along `axis`."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross-entropy of classes given by number."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation."""
    return ops.std(x, axis=axis, keepdims=keepdims)


# Functions whose name and arguments are those of `dlrs.ops`.
_UNCHANGED = (
    "abs", "all", "any", "cos", "cumprod", "cumsum", "elu", "equal", "exp", "eye", "greater", "greater_equal", "less",
    "less_equal", "log", "max", "maximum", "mean", "min", "minimum", "not_equal", "one_hot", "ones_like", "prod",
    "reshape", "round", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze",
    "stack", "stop_gradient", "sum", "tanh", "tile", "var", "zeros_like",
)  # fmt: skip

# What to write instead of each.
SPELLINGS: dict[str, str] = {name: f"dlrs.ops.{name}" for name in _UNCHANGED} | {
    "arange": 'dlrs.ops.arange(start, stop, step, dtype="int32")',
    "argmax": "dlrs.ops.argmax(x, axis=-1)",
    "argmin": "dlrs.ops.argmin(x, axis=-1)",
    "batch_flatten": "dlrs.ops.reshape(x, (n, -1))",
    "batch_get_value": "[v.numpy() for v in variables]",
    "batch_set_value": "v.assign(value)",
    "bias_add": "x + bias",
    "binary_crossentropy": "dlrs.ops.binary_crossentropy",
    "cast_to_floatx": "dlrs.ops.cast(x, dlrs.config.floatx())",
    "categorical_crossentropy": "dlrs.ops.categorical_crossentropy",
    "clip": "dlrs.ops.clip(x, x_min, x_max)",
    "concatenate": "dlrs.ops.concatenate(xs, axis=-1)",
    "constant": "dlrs.ops.convert_to_tensor",
    "count_params": "x.size",
    "dot": "dlrs.ops.dot",
    "dropout": "dlrs.random.dropout",
    "dtype": "x.dtype",
    "eval": "x.numpy()",
    "expand_dims": "dlrs.ops.expand_dims(x, axis=-1)",
    "flatten": "dlrs.ops.reshape(x, (-1,))",
    "gather": "dlrs.ops.take(x, indices, axis=0)",
    "get_session": "x.numpy()",
    "get_value": "x.numpy()",
    "gradients": "dlrs.GradientTape",
    "hard_sigmoid": "dlrs.ops.clip(0.2 * x + 0.5, 0, 1)",
    "int_shape": "x.shape",
    "l2_normalize": "dlrs.ops.normalize(x, axis)",
    "learning_phase": "the argument `training` of the layer's call",
    "moving_average_update": "v.assign(v * momentum + value * (1 - momentum))",
    "ndim": "x.ndim",
    "ones": "dlrs.Variable(dlrs.ops.ones(shape))",
    "permute_dimensions": "dlrs.ops.transpose(x, axes)",
    "pow": "dlrs.ops.power",
    "random_normal": "dlrs.random.normal",
    "random_uniform": "dlrs.random.uniform",
    "relu": "dlrs.activations.relu",
    "repeat_elements": "dlrs.ops.repeat(x, repeats, axis)",
    "reverse": "dlrs.ops.flip",
    "set_learning_phase": "the argument `training` of the layer's call",
    "set_value": "v.assign(value)",
    "sparse_categorical_crossentropy": "dlrs.ops.sparse_categorical_crossentropy",
    "std": "dlrs.ops.std",
    "switch": "dlrs.ops.where",
    "transpose": "dlrs.ops.transpose(x)",
    "truncated_normal": "dlrs.random.truncated_normal",
    "update": "v.assign(value)",
    "update_add": "v.assign_add(value)",
    "update_sub": "v.assign_sub(value)",
    "variable": "dlrs.Variable(value)",
    "zeros": "dlrs.Variable(dlrs.ops.zeros(shape))",
}

_RENAMED: dict[str, Callable[..., Any]] = {"eval": get_value, "pow": ops.power, "reverse": ops.flip}


def find(name: str) -> Any:
    """The function `name`, with a warning that shows what to write.

    Raises:
        AttributeError: there is none.
    """
    if name not in SPELLINGS:
        raise AttributeError(f"module 'dlrs.backend' has no attribute {name!r}")
    warn_of(f"dlrs.backend.{name}", f"{SPELLINGS[name]}.", stacklevel=4)
    if name in _RENAMED:
        return _RENAMED[name]
    return getattr(ops, name) if name in _UNCHANGED else globals()[name]
