"""Gradients of what was computed under a tape, and of functions."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from types import TracebackType
from typing import Any, Self

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import tree
from dlrs.backend.tensors import as_tensor


class _Recording(threading.local):
    """How many tapes of this thread are open."""

    depth = 0


_RECORDING = _Recording()


def is_recording() -> bool:
    """Whether a tape of this thread is open.

    >>> is_recording()
    False
    >>> with GradientTape():
    ...     is_recording()
    True
    """
    return _RECORDING.depth > 0


class GradientTape:
    """Records the ops run inside it, to differentiate what they computed.

    Args:
        persistent: Whether `gradient` may be called more than once.
        watch_accessed_variables: Whether trainable variables are watched by being read.

    >>> x = as_tensor([3.0])
    >>> with GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x).tolist()
    [6.0]
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._tape = _dlrs.Tape(persistent=persistent, watch_accessed_variables=watch_accessed_variables)
        self._used = False
        self._watched: set[int] = set()

    def __enter__(self) -> Self:
        self._tape.__enter__()
        _RECORDING.depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _RECORDING.depth -= 1
        self._tape.__exit__(kind, error, traceback)

    def watch(self, tensor: Any) -> None:
        """Record the ops that depend on `tensor`, a tensor or variable, or a nest of them."""
        for leaf in tree.flatten(tensor):
            if not isinstance(leaf, Tensor | _dlrs.Variable):
                raise TypeError(f"GradientTape.watch: expected tensors or variables, got {type(leaf).__name__}.")
            self._tape.watch(leaf)
            self._watched.add(id(leaf))

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A context whose ops are not recorded."""
        self._tape.stop_recording()
        try:
            yield
        finally:
            self._tape.resume_recording()

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: str = "none"
    ) -> Any:
        """Derivatives of the sum of `target` with respect to `sources`.

        Args:
            target: Tensor, or a nest of tensors, computed under this tape.
            sources: Tensor or variable, or a nest of them.
            output_gradients: Weights of the elements of `target`, nested and shaped like it; ones if None.
            unconnected_gradients: What a source gets that `target` does not depend on: `"none"` (None) or `"zero"`.

        Returns:
            A nest like `sources`; each tensor has the shape of its source.

        Errors: RuntimeError on the second call unless the tape is persistent; TypeError if a target or source is not a
        tensor or variable.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                f"GradientTape.gradient: `unconnected_gradients` must be 'none' or 'zero',"
                f" got {unconnected_gradients!r}."
            )
        if self._used and not self._persistent:
            raise RuntimeError(
                "GradientTape.gradient was called twice. Use `GradientTape(persistent=True)` for several gradients."
            )
        targets = _tensors("target", target)
        flat_sources = tree.flatten(sources)
        for source in flat_sources:
            if not isinstance(source, Tensor | _dlrs.Variable):
                raise TypeError(
                    f"GradientTape.gradient: `sources` must be tensors or variables, got {type(source).__name__}."
                )
        weights = None if output_gradients is None else _tensors("output_gradients", output_gradients)
        if weights is not None and len(weights) != len(targets):
            raise ValueError(
                f"GradientTape.gradient: `output_gradients` has {len(weights)} tensors, `target` has {len(targets)}."
            )
        follows = [self._follows(source) for source in flat_sources]
        found = iter(self._tape.gradient(targets, list(compress(flat_sources, follows)), weights))
        self._used = True
        gradients = [next(found) if follow else None for follow in follows]
        if unconnected_gradients == "zero":
            gradients = [
                _dlrs.full(source.shape, 0.0, source.dtype) if gradient is None else gradient
                for source, gradient in zip(flat_sources, gradients, strict=True)
            ]
        return tree.pack_sequence_as(sources, gradients)

    def _follows(self, source: Tensor | _dlrs.Variable) -> bool:
        """Whether `source` is differentiated by: a variable that is not trainable, only if it is watched."""
        if not isinstance(source, _dlrs.Variable) or id(source) in self._watched:
            return True
        return self._watch_accessed and source.trainable


def _tensors(name: str, structure: Any) -> list[Tensor]:
    leaves = tree.flatten(structure)
    for leaf in leaves:
        if not isinstance(leaf, Tensor | _dlrs.Variable):
            raise TypeError(f"GradientTape.gradient: `{name}` must be tensors, got {type(leaf).__name__}.")
    return [as_tensor(leaf) for leaf in leaves]


def value_and_grad(
    fn: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns the value of `fn` and its gradient.

    Args:
        fn: Function whose value is a scalar tensor, or with `has_aux` a pair of such a value and anything else.
        argnums: Position, or positions, of the arguments to differentiate by; each may be a nest of tensors.
        has_aux: Whether `fn` returns a pair.

    Returns:
        Function of the same arguments that gives `(value, gradient)`; the gradient is nested like the argument, or is a
        tuple of such nests if `argnums` is a sequence. Arguments without influence get zeros.

    Errors: ValueError if the value is not a scalar, IndexError if there is no such argument.

    >>> value, gradient = value_and_grad(lambda x: _dlrs.sum(x * x))(as_tensor([1.0, 2.0]))
    >>> value.item(), gradient.tolist()
    (5.0, [2.0, 4.0])
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    name = getattr(fn, "__name__", type(fn).__name__)

    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        for position in positions:
            if not -len(args) <= position < len(args):
                raise IndexError(
                    f"{name}: there is no argument {position} to differentiate by, got {len(args)} arguments."
                )
        arguments = list(args)
        with GradientTape() as tape:
            for position in positions:
                arguments[position] = tree.map_structure(_differentiable, arguments[position])
            tape.watch([arguments[position] for position in positions])
            result = fn(*arguments, **kwargs)
            value = result[0] if has_aux else result
            if not isinstance(value, Tensor) or value.shape != ():
                got = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(f"{name}: the value to differentiate must be a scalar tensor, got {got}.")
        sources = [arguments[position] for position in positions]
        gradients = tree.pack_sequence_as(
            sources, tape.gradient(value, tree.flatten(sources), unconnected_gradients="zero")
        )
        return result, gradients[0] if isinstance(argnums, int) else tuple(gradients)

    return differentiated


def grad(fn: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `fn`, as `value_and_grad` does; with `has_aux`, `(gradient, aux)`.

    >>> grad(grad(lambda x: x * x * x))(2.0).item()
    12.0
    """
    differentiated = value_and_grad(fn, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, gradients = differentiated(*args, **kwargs)
        return (gradients, result[1]) if has_aux else gradients

    return gradient


def _differentiable(x: Any) -> Tensor | _dlrs.Variable:
    return x if isinstance(x, _dlrs.Variable) else as_tensor(x)
