"""The base of metrics."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from dlrs import backend, initializers, ops
from dlrs.backend import Variable, tree

T = TypeVar("T")


class Metric:
    """A figure collected over batches.

    Args:
        dtype: Type in which it is computed, or a policy; `config.floatx()` if None.
        name: Name; made up from the class if None.

    A subclass makes its variables in `__init__` with `add_variable`, changes them in `update_state` and computes the
    figure from them in `result`. Written in `dlrs.ops`, it runs inside the training program. Variables and metrics in
    attributes, also in lists and dicts, belong to the metric's state.

    >>> class LargestError(Metric):
    ...     def __init__(self, name="largest_error", dtype=None):
    ...         super().__init__(dtype, name)
    ...         self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(ops.subtract(y_true, y_pred)))))
    ...
    ...     def result(self):
    ...         return self.largest.value
    >>> metric = LargestError()
    >>> metric.update_state([1.0, 2.0], [1.5, 2.0])
    >>> metric.result().item()
    0.5
    """

    # "up" if larger figures are better, "down" if smaller ones are, None if the metric cannot say.
    _direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{type(self).__name__}: `name` must be a string, got {name!r}.")
        self.name = name or backend.auto_name(type(self).__name__)
        self._dtype_policy = backend.get_policy(dtype or backend.floatx())
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """The type in which the metric is computed."""
        return self._dtype_policy.compute_dtype

    @property
    def _dtype(self) -> str:
        return self._dtype_policy.compute_dtype

    @property
    def variables(self) -> list[Variable]:
        """The state, that of metrics held in attributes included."""
        return [*self._held(Variable), *(variable for metric in self._held(Metric) for variable in metric.variables)]

    def _held(self, kind: type[T]) -> list[T]:
        """Everything of a kind in the attributes, once each."""
        leaves = (leaf for value in list(self.__dict__.values()) for leaf in tree.flatten(value))
        return list({id(leaf): leaf for leaf in leaves if isinstance(leaf, kind)}.values())

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A variable of the metric; `initializer` is a name, a callable or the value, zeros if None."""
        if "_variables" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: call `super().__init__()` before `add_variable`.")
        if not backend.is_tensor(initializer):
            initializer = initializers.get("zeros" if initializer is None else initializer)
        with backend.name_scope(self.name.replace("/", ">")):
            variable = Variable(
                initializer,
                shape=shape,
                dtype=dtype or self.dtype,
                trainable=False,
                aggregation=aggregation,
                synchronization="on_read",
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """A variable of the metric, as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Set the state to zeros."""
        for variable in self.variables:
            # Of single numbers there are most; single batches reset them each time.
            variable.assign(ops.zeros(variable.shape, variable.dtype) if variable.shape else 0)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into account."""
        raise TypeError(f"{type(self).__name__} does not define `update_state`.")

    def result(self) -> Any:
        """The figure, a scalar tensor or a dict of them."""
        raise TypeError(f"{type(self).__name__} does not define `result`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch into account and return the figure."""
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The values of `variables` after `update_state`, had they been `metric_variables` before; they stay as is.

        >>> from dlrs.metrics import Sum
        >>> [value.item() for value in Sum().stateless_update_state([2.0], 3.0)]
        [5.0]
        """
        with self._substituted(metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.value for variable in self.variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The figure for values of `variables`."""
        with self._substituted(metric_variables):
            return _copied(self.result)

    def stateless_reset_state(self) -> list[Any]:
        """The values of `variables` after `reset_state`; they stay as they are."""
        with self._substituted(self.variables):
            self.reset_state()
            return [variable.value for variable in self.variables]

    @contextmanager
    def _substituted(self, values: Sequence[Any]) -> Iterator[None]:
        """Give `variables` other values for a while."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"{type(self).__name__}: `metric_variables` must hold a value for each of the {len(variables)}"
                f" variables of the metric, got {len(values)}."
            )
        given = [ops.convert_to_tensor(value) for value in values]
        own = [variable.value for variable in variables]
        try:
            for variable, value in zip(variables, given, strict=True):
                variable.assign(value)
            yield
        finally:
            for variable, value in zip(variables, own, strict=True):
                variable.assign(value)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The metric that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _copied(compute: Callable[[], Any]) -> Any:
    """The results of `compute`, variables among them as tensors."""
    return tree.map_structure(lambda x: x.value if isinstance(x, Variable) else x, compute())
