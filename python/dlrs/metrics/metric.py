"""The base of metrics."""

from collections.abc import Sequence
from typing import Any, Self

from dlrs import backend, initializers, ops
from dlrs.backend import Variable


class Metric:
    """A figure collected over batches.

    Args:
        dtype: Type in which it is computed, or a policy; `config.floatx()` if None.
        name: Name; made up from the class if None.

    A subclass makes its variables in `__init__` with `add_variable`, changes them in `update_state` and computes the
    figure from them in `result`. Written in `dlrs.ops`, it runs inside the training program.

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

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or backend.auto_name(type(self).__name__)
        self._dtype_policy = backend.get_policy(dtype)
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []

    @property
    def dtype(self) -> str:
        """The type in which the metric is computed."""
        return self._dtype_policy.compute_dtype

    @property
    def variables(self) -> list[Variable]:
        """The state, that of metrics held in attributes included."""
        return [*self._variables, *(variable for metric in self._metrics for variable in metric.variables)]

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A variable of the metric; `initializer` is a name or a callable, zeros if None."""
        if "_variables" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: call `super().__init__()` before `add_variable`.")
        with backend.name_scope(self.name.replace("/", ">")):
            variable = Variable(
                initializers.get(initializer or "zeros"),
                shape=shape,
                dtype=dtype or self.dtype,
                trainable=False,
                aggregation=aggregation,
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
            variable.assign(ops.zeros(variable.shape, variable.dtype))

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

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The metric that `get_config` described."""
        return cls(**config)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Metric) and "_metrics" in self.__dict__:
            self._metrics.append(value)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
