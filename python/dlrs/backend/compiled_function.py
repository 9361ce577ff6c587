"""Functions traced once for each signature and replayed as programs."""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Program, Tensor
from dlrs.backend import tree
from dlrs.backend.gradient import is_recording
from dlrs.backend.keras_tensor import any_symbolic_tensors
from dlrs.backend.structure import structure_version

P = ParamSpec("P")
R = TypeVar("R")

# Programs kept per function; the least recently used one goes first.
MAX_PROGRAMS = 16


class _Names(dict[np.dtype[Any], str]):
    """Names of NumPy's types, which it takes a microsecond to make."""

    def __missing__(self, dtype: np.dtype[Any]) -> str:
        return self.setdefault(dtype, dtype.name)


_DTYPE_NAMES = _Names()


class _Compiled:
    """A program and how to nest its results."""

    def __init__(self, program: Program, structure: Any, leaves: list[Any], kept: list[Any]) -> None:
        self._program = program
        self._structure = structure
        self._leaves = leaves  # results that are not tensors, `_OUTPUT` where one is
        self._single = leaves == [_OUTPUT] and not tree.is_nested(structure)
        self._kept = kept  # objects whose identity is in the key: alive, so that no other object gets their id

    def __call__(self, inputs: list[Any]) -> Any:
        outputs = self._program(*inputs)
        if self._single:
            return outputs[0]
        remaining = iter(outputs)
        return tree.pack_sequence_as(
            self._structure, [next(remaining) if leaf is _OUTPUT else leaf for leaf in self._leaves]
        )


_OUTPUT = object()


class CompiledFunction(Generic[P, R]):
    """`fn`, traced and planned at the first call with each signature. Made by `function`.

    >>> from dlrs.backend import as_tensor
    >>> double = CompiledFunction(lambda x: x * 2)
    >>> double(as_tensor([1.0, 2.0])).tolist(), double(as_tensor([3.0, 4.0])).tolist(), double.num_programs
    ([2.0, 4.0], [6.0, 8.0], 1)
    >>> double(as_tensor([5.0])).tolist(), double.num_programs  # another shape: another program
    ([10.0], 2)
    """

    def __init__(self, fn: Callable[P, R]) -> None:
        functools.update_wrapper(self, fn)
        self.python_function = fn
        self._programs: OrderedDict[Any, _Compiled] = OrderedDict()
        self._structure = structure_version()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        # Part of a larger graph or recording: its ops join it.
        if _dlrs.is_tracing() or is_recording():
            return self.python_function(*args, **kwargs)
        if self._structure != structure_version():
            # What programs hold as constants may have changed: which variables are trainable, hyperparameters, layers.
            self._programs.clear()
        inputs: list[Any] = []
        parts: list[Any] = []
        self._sign((args, kwargs) if kwargs else args, inputs, parts)
        key = tuple(parts)
        compiled = self._programs.get(key)
        if compiled is None:
            if any_symbolic_tensors(args, kwargs):
                return self.python_function(*args, **kwargs)
            compiled = self._trace(args, kwargs)
            self._programs[key] = compiled
            self._structure = structure_version()
            if len(self._programs) > MAX_PROGRAMS:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(key)
        result: R = compiled(inputs)
        return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    @property
    def num_programs(self) -> int:
        """How many signatures are kept."""
        return len(self._programs)

    def _sign(self, value: Any, inputs: list[Any], parts: list[Any]) -> None:
        """Append the tensors in `value` to `inputs`, and what decides about the program to `parts`."""
        kind = type(value)
        if kind is Tensor or isinstance(value, np.ndarray):
            inputs.append(value)
            parts.append(value.shape)
            parts.append(value.dtype if kind is Tensor else _DTYPE_NAMES[value.dtype])
        elif isinstance(value, list | tuple | dict):
            parts.append(kind)
            parts.append(len(value))
            if isinstance(value, dict):
                names = sorted(value)
                parts.extend(names)
                value = [value[name] for name in names]
            for child in value:
                self._sign(child, inputs, parts)
        elif isinstance(value, _dlrs.Variable):
            parts.append(id(value))
        else:
            # With the type: 1, 1.0 and True are equal.
            parts.append(kind)
            parts.append(self._hashable(value))

    def _hashable(self, value: Any) -> Any:
        try:
            hash(value)
        except TypeError:
            name = getattr(self.python_function, "__name__", "function")
            raise TypeError(
                f"{name}: an argument of type {type(value).__name__} is neither a tensor nor hashable."
                " Pass arrays, variables, numbers or strings, or nests of them."
            ) from None
        return value

    def _trace(self, args: Any, kwargs: Any) -> _Compiled:
        trace = _dlrs.Trace()

        def replaced(leaf: Any) -> Any:
            return trace.input(leaf.shape, str(leaf.dtype)) if isinstance(leaf, Tensor | np.ndarray) else leaf

        with trace:
            traced_args, traced_kwargs = tree.map_structure(replaced, (args, kwargs))
            result = self.python_function(*traced_args, **traced_kwargs)
            results = [leaf.value if isinstance(leaf, _dlrs.Variable) else leaf for leaf in tree.flatten(result)]
        is_output = [isinstance(leaf, Tensor) and leaf.is_symbolic for leaf in results]
        program = trace.finish([leaf for leaf, out in zip(results, is_output, strict=True) if out])
        rest = [_OUTPUT if out else leaf for leaf, out in zip(results, is_output, strict=True)]
        structure = tree.map_structure(lambda leaf: None, result)
        kept = [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, _dlrs.Variable)]
        return _Compiled(program, structure, rest, kept)


@overload
def function(fn: Callable[P, R]) -> CompiledFunction[P, R]: ...
@overload
def function(fn: None = None) -> Callable[[Callable[P, R]], CompiledFunction[P, R]]: ...


def function(fn: Callable[..., Any] | None = None) -> Any:
    """`fn` compiled: traced at the first call with each signature, replayed afterwards.

    Args:
        fn: Function of tensors, written in `dlrs.ops`. Arguments and results may be nested in lists, tuples and dicts.

    The signature is the shapes and types of tensors and arrays, the identity of variables and the values of everything
    else (numbers, strings, None): a new value of these traces anew, as does a change to what layers and optimizers hold
    as plain values (`trainable`, hyperparameters). The 16 signatures used last are kept. Python side
    effects happen while tracing only; assignments to variables happen at each call. Under a tape, or inside another
    compiled function, the ops of `fn` join the surrounding recording or graph.

    Errors: TracingError where `fn` needs a value that is known only when the program runs.

    >>> @function
    ... def squared_distance(a, b):
    ...     return _dlrs.sum(_dlrs.square(a - b))
    >>> squared_distance(np.float32([1, 2]), np.float32([3, 4])).item()
    8.0
    """
    return CompiledFunction if fn is None else CompiledFunction(fn)
