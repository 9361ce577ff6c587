"""Operations: what can be applied to tensors, and to the placeholders of a functional model."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, Self, TypeVar, cast

from dlrs.backend import KerasTensor, any_symbolic_tensors, auto_name, compute_output_spec, tree
from dlrs.backend.ragged import explained
from dlrs.ops.node import Node

P = ParamSpec("P")
R = TypeVar("R")


class Operation:
    """Something with a `call`. Layers are operations; so is each use of a function of `dlrs.ops` on placeholders.

    Args:
        name: Name in the model, without `/`; made up from the class if None.

    A subclass whose constructor takes numbers, strings, booleans, None and nests of these by name needs no
    `get_config`.

    Errors: ValueError if `name` is no string or has a `/`.

    >>> import numpy as np
    >>> from dlrs import Input
    >>> class Scale(Operation):
    ...     def __init__(self, factor, name=None):
    ...         super().__init__(name=name)
    ...         self.factor = factor
    ...
    ...     def call(self, x):
    ...         return x * self.factor
    >>> scale = Scale(3.0, name="triple")
    >>> scale(np.array([1.0, 2.0])).tolist(), scale(Input((4,))).shape
    ([3.0, 6.0], (None, 4))
    >>> scale.get_config()
    {'factor': 3.0, 'name': 'triple'}
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        operation = super().__new__(cls)
        # Past a `__setattr__` that tracks layers and variables.
        object.__setattr__(operation, "_constructor_arguments", (args, kwargs))
        return operation

    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(
                f"{type(self).__name__}: `name` must be a string and cannot contain character `/`. Received: {name!r}."
            )
        self.name = name or auto_name(type(self).__name__)
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results on tensors; on placeholders, further placeholders."""
        if any_symbolic_tensors(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The placeholders of the results, which remember this operation."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(operation=self, call_args=args, call_kwargs=kwargs, outputs=outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The placeholders of the results, found by tracing `call`."""
        return compute_output_spec(self.call, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the results."""
        raise TypeError(f"{type(self).__name__} does not define `call`.")

    def __getstate__(self) -> dict[str, Any]:
        # A copy stands in no model: what it was applied to belongs to the models that hold the original.
        return {**self.__dict__, "_inbound_nodes": [], "_outbound_nodes": []}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal operation.

        Errors: NotImplementedError if the class does not define `get_config` and its constructor was given something
        that plain data cannot hold.
        """
        if type(self).get_config is not Operation.get_config:
            return {"name": self.name}
        return self._constructor_config()

    def _constructor_config(self) -> dict[str, Any]:
        """The arguments that the constructor was given, by name."""
        signature = inspect.signature(type(self).__init__)
        args, kwargs = self._constructor_arguments
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        config: dict[str, Any] = {}
        accepts_name = False
        for parameter in list(signature.parameters.values())[1:]:
            value = bound.arguments[parameter.name]
            if parameter.kind is parameter.VAR_KEYWORD:
                config.update(value)
                accepts_name = True
            elif parameter.kind is parameter.KEYWORD_ONLY or parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                config[parameter.name] = value
                accepts_name = accepts_name or parameter.name == "name"
            elif parameter.kind is parameter.POSITIONAL_ONLY or value:
                self._no_config(f"its argument `{parameter.name}` cannot be passed by name")
        config.pop("name", None)
        for key, value in config.items():
            if tree.any_leaf(lambda leaf: not isinstance(leaf, str | int | float | bool | None), value):
                self._no_config(f"its argument `{key}` is {value!r}")
        return config | {"name": self.name} if accepts_name else config

    def _no_config(self, reason: str) -> NoReturn:
        message = f"{type(self).__name__} must define `get_config`: {reason}, which plain data cannot express."
        raise NotImplementedError(message)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The operation that `get_config` described."""
        return cls(**config)

    @property
    def input(self) -> Any:
        """The placeholder, or list of them, that the operation was first applied to."""
        return _one_or_list(self._first_node().input_tensors)

    @property
    def output(self) -> Any:
        """The placeholder, or list of them, that the operation first gave."""
        return _one_or_list(self._first_node().outputs)

    def _first_node(self) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(f"{self.name} has not been applied to a placeholder, so it has no input or output.")
        return self._inbound_nodes[0]

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"


class FunctionOperation(Operation):
    """A function of `dlrs.ops` as a node of a functional model.

    Args:
        function: its name there.
        name: name in the model.

    Errors: ValueError if there is no such function.

    >>> from dlrs import Input, ops
    >>> y = ops.exp(Input((4,)))  # makes one
    >>> y._keras_history.operation.get_config()["function"]
    'exp'
    >>> FunctionOperation("maximum")([1.0, 5.0], 2.0).tolist()
    [2.0, 5.0]
    """

    def __init__(self, function: str, name: str | None = None) -> None:
        if function not in FUNCTIONS:
            raise ValueError(f"FunctionOperation: `function` must be the name of a function of ops, got {function!r}.")
        super().__init__(name=name or auto_name(function))
        self.function = function
        self._call = FUNCTIONS[function]

    def __getstate__(self) -> dict[str, Any]:
        # The function behind the op is not the one found by its name; it is looked up again.
        state = super().__getstate__()
        del state["_call"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _call=FUNCTIONS[state["function"]])

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the function."""
        return self._call(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The placeholders of the results."""
        spec = OUTPUT_SPECS.get(self.function)
        return super().compute_output_spec(*args, **kwargs) if spec is None else spec(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The function's name in `dlrs.ops` and the operation's own."""
        return {"function": self.function, "name": self.name}


# Every function of `dlrs.ops` that can stand in a functional model, by name.
FUNCTIONS: dict[str, Callable[..., Any]] = {}

# Of functions whose results' shapes depend on values, so that no trace tells them: the placeholders of their results.
OUTPUT_SPECS: dict[str, Callable[..., Any]] = {}


def symbolic(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The placeholders that `fn`, a function of `dlrs.ops`, gives for placeholders."""
    return cast(R, FunctionOperation(fn.__name__).symbolic_call(*args, **kwargs))


def primitive(fn: Callable[P, R]) -> Callable[P, R]:
    """Let `fn`, which itself hands placeholders to `symbolic`, stand in functional models.

    The ops that matter most for eager speed are written so: their check costs two comparisons and no further call.
    """
    FUNCTIONS[fn.__name__] = fn
    return fn


def op(fn: Callable[P, R]) -> Callable[P, R]:
    """Make `fn`, written on tensors, also take the placeholders of functional models.

    The check stands before every eager op, so it looks at types only, and into lists where there are some.
    """
    FUNCTIONS[fn.__name__] = fn

    @functools.wraps(fn)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for arg in args:
            kind = type(arg)
            if kind is KerasTensor or ((kind is list or kind is tuple) and any_symbolic_tensors(arg)):
                return symbolic(fn, *args, **kwargs)
        if kwargs and any_symbolic_tensors((), kwargs):
            return symbolic(fn, *args, **kwargs)
        try:
            return fn(*args, **kwargs)
        except OverflowError as error:
            raise ValueError(f"{fn.__name__}: a number is too large: {error}") from None
        except (TypeError, ValueError) as error:
            if (clear := explained(error, next(iter(args), None), f"{fn.__name__}: ")) is error:
                raise
            raise clear from None

    return checked


def op_with_spec(spec: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`op` for a function whose results' shapes depend on values: `spec` gives placeholders for the same arguments."""

    def register(fn: Callable[P, R]) -> Callable[P, R]:
        OUTPUT_SPECS[fn.__name__] = spec
        return op(fn)

    return register


def _one_or_list(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
