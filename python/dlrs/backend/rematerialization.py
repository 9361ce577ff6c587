"""Keras's switches for computing activations a second time instead of keeping them."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from dlrs.errors import unknown_name

F = TypeVar("F", bound=Callable[..., Any])

_MODES = ("full", "activations", "larger_than", "list_of_layers")


def remat(f: F) -> F:
    """`f`: a function whose activations may be computed again in the backward pass.

    Results and gradients are the same either way. Activations are kept, always: this is `f` itself.

    Raises:
        TypeError: `f` cannot be called.

    >>> remat(abs)(-2.0)
    2.0
    """
    if not callable(f):
        raise TypeError(f"remat: `f` must be a function, got {f!r}.")
    return f


class RematScope:
    """A context in which layers may compute activations again in the backward pass. They keep them, as in `remat`.

    Args:
        mode: `"full"`, `"activations"`, `"larger_than"`, `"list_of_layers"` or None.
        output_size_threshold: size of outputs, of the mode `"larger_than"`.
        layer_names: names of layers, of the mode `"list_of_layers"`.

    Raises:
        ValueError: another mode.

    >>> with RematScope("larger_than", output_size_threshold=2048) as scope:
    ...     scope.mode
    'larger_than'
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: list[str] | None = None
    ) -> None:
        if mode is not None and mode not in _MODES:
            raise ValueError(f"RematScope: Invalid mode: {unknown_name('mode', mode, _MODES)}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = layer_names or []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass
