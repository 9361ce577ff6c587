"""The arguments of one application of an operation, with placeholders among them."""

from collections.abc import Callable, Mapping
from typing import Any

from dlrs.backend import KerasTensor, tree


class SymbolicArguments:
    """Arguments of a call, nested in lists, tuples and dicts, and the placeholders among them.

    Args:
        *args: Positional arguments.
        **kwargs: Keyword arguments.

    >>> arguments = SymbolicArguments(KerasTensor((2,)), axis=1)
    >>> len(arguments.keras_tensors), arguments.kwargs
    (1, {'axis': 1})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = tuple(args)
        self.kwargs = dict(kwargs)
        self._flat_arguments: list[Any] = tree.flatten((self.args, self.kwargs))
        self.keras_tensors: list[KerasTensor] = [x for x in self._flat_arguments if isinstance(x, KerasTensor)]
        # Most operations are applied to one value alone; it is then filled in without a walk through the nest.
        alone = len(self.args) == 1 and not self.kwargs and isinstance(self.args[0], KerasTensor)
        self._single_positional_tensor: KerasTensor | None = self.args[0] if alone else None

    def convert(self, conversion_fn: Callable[[KerasTensor], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with `conversion_fn` applied to each placeholder."""

        def converted(leaf: Any) -> Any:
            return conversion_fn(leaf) if isinstance(leaf, KerasTensor) else leaf

        args, kwargs = tree.map_structure(converted, (self.args, self.kwargs))
        return args, kwargs

    def fill_in(self, tensor_dict: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with each placeholder replaced by `tensor_dict[id(placeholder)]`, None if it is not there."""
        if self._single_positional_tensor is not None:
            return (tensor_dict[id(self._single_positional_tensor)],), {}
        return self.convert(lambda x: tensor_dict.get(id(x)))
