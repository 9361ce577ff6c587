"""What a layer asks of its inputs."""

from typing import Any

from dlrs.backend import Tensor, standardize_dtype, standardize_shape, tree
from dlrs.backend.checks import check_count, check_type
from dlrs.backend.ragged import PAD


class InputSpec:
    """Type, rank and sizes that an input must have; None leaves one open.

    Args:
        dtype: element type.
        shape: shape, with None for open sizes.
        ndim: rank.
        max_ndim: largest rank.
        min_ndim: smallest rank.
        axes: sizes of single axes, `{axis: size}`.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or too many.
        name: name of the input, for dicts of inputs.
        optional: whether the input may be None.

    >>> InputSpec(min_ndim=2, axes={-1: 3}).problem_with((None, 4))
    'axis -1 must have size 3'
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        check_type("InputSpec", "axes", axes, dict, "a dict of axes and sizes", optional=True)
        for argument, value in (("ndim", self.ndim), ("max_ndim", max_ndim), ("min_ndim", min_ndim)):
            check_count("InputSpec", argument, value, 0, optional=True)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        rank = self.ndim if self.ndim is not None else max_ndim
        if rank is not None and self.axes and max(self.axes) >= rank:
            raise ValueError(f"InputSpec: axis {max(self.axes)} of `axes` is not within rank {rank}.")

    def problem_with(self, shape: tuple[int | None, ...]) -> str | None:
        """What `shape` violates, or None."""
        if self.allow_last_axis_squeeze and self.shape is not None:
            if self.shape and self.shape[-1] == 1 and len(shape) == len(self.shape) - 1:
                shape = (*shape, 1)
            elif shape and shape[-1] == 1 and len(shape) == len(self.shape) + 1:
                shape = shape[:-1]
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return f"its rank must be {self.ndim}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"its rank must be at most {self.max_ndim}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"its rank must be at least {self.min_ndim}"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return f"axis {axis} must have size {size}"
        for expected, size in zip(self.shape or (), shape, strict=False):
            if expected is not None and size is not None and expected != size:
                return f"expected shape={self.shape}, found shape={shape}"
        return None

    def __repr__(self) -> str:
        given = {key: value for key, value in vars(self).items() if value not in (None, {}, False)}
        return f"InputSpec({', '.join(f'{key}={value!r}' for key, value in given.items())})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise ValueError, naming the layer and the input, unless `inputs` meet `input_spec`, a nest of `InputSpec`s."""
    simple = isinstance(input_spec, InputSpec) and input_spec.dtype is None and isinstance(inputs, Tensor)
    if simple and not input_spec.problem_with(inputs.shape):
        return  # the usual case, before any searching
    specs = tree.flatten(input_spec)
    if len(specs) == 1:
        values = [inputs] if hasattr(inputs, "shape") else tree.flatten(inputs)
    elif isinstance(inputs, dict):
        values = [inputs.get(spec.name) for spec in specs]
    else:
        values = tree.flatten(inputs)
    if len(values) != len(specs):
        hint = f" A list holds an input each; {PAD}" if isinstance(inputs, list) and len(specs) == 1 else ""
        raise ValueError(f"Layer {layer_name!r} expects {len(specs)} input(s), but it received {len(values)}.{hint}")
    for index, (spec, value) in enumerate(zip(specs, values, strict=True)):
        if spec is None or (spec.optional and value is None):
            continue
        shape = getattr(value, "shape", None)
        if shape is None:
            raise ValueError(f"Layer {layer_name!r}: input {index} must be a tensor, got {value!r}.")
        problem = spec.problem_with(tuple(shape))
        if problem is not None:
            which = f"input {spec.name!r}" if spec.name else "the input" if len(specs) == 1 else f"input {index}"
            raise ValueError(
                f"Layer {layer_name!r} does not take {which} of shape {tuple(shape)}, which is incompatible with the "
                f"layer: {problem}."
            )
        if spec.dtype is not None and standardize_dtype(value.dtype) != spec.dtype:
            raise ValueError(
                f"Layer {layer_name!r} takes inputs of type {spec.dtype}; input {index} of type {value.dtype} is "
                f"incompatible with the layer."
            )
