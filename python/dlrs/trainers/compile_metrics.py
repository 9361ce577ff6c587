"""The metrics of `compile`, matched to the outputs of a model."""

from collections.abc import Sequence
from typing import Any

from dlrs import metrics
from dlrs.backend import tree
from dlrs.trainers.compile_loss import label_kind
from dlrs.trainers.output_structure import OutputStructure, at_path

_BY_KIND = {
    "accuracy": {
        "binary": "binary_accuracy",
        "sparse": "sparse_categorical_accuracy",
        "categorical": "categorical_accuracy",
    },
    "crossentropy": {
        "binary": "binary_crossentropy",
        "sparse": "sparse_categorical_crossentropy",
        "categorical": "categorical_crossentropy",
    },
}
_KINDS = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy", "ce": "crossentropy"}
MetricLists = list[list[metrics.Metric]]


class CompileMetrics(metrics.Metric):
    """The metrics of all outputs as one metric whose result is a dict.

    Args:
        metrics: a metric, or a list of them, for a model with one output; else a list with an entry for each output,
            a dict by name of output, or a nest like the outputs. An entry is a metric or a list of them.
        weighted_metrics: the same, given the sample weights.
        output_names: names of the model's outputs.
        name: name.

    In the result, a metric's name stands behind that of its output if there are several; a weighted one whose name is
    taken is called `weighted_...`.

    Raises:
        ValueError: an unknown metric.

    >>> import numpy as np
    >>> counted = CompileMetrics(["mae"], weighted_metrics=["mae"])
    >>> y_true, y_pred = np.array([[1.0], [2.0]]), np.array([[1.0], [6.0]])
    >>> counted.update_state(y_true, y_pred, sample_weight=np.array([3.0, 1.0]))
    >>> {name: float(value) for name, value in counted.result().items()}
    {'mae': 2.0, 'weighted_mae': 1.0}
    """

    def __init__(
        self,
        metrics: Any,
        weighted_metrics: Any = None,
        output_names: Sequence[str] | None = None,
        name: str = "compile_metrics",
    ) -> None:
        super().__init__(name=name)
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            for one in tree.flatten(given):
                _check_metric(one, argument)
        self._given = metrics
        self._given_weighted = weighted_metrics
        self.output_names = list(output_names or [])
        self._outputs: OutputStructure | None = None
        # For each output, in the order of their names.
        self._plain: MetricLists = []
        self._weighted: MetricLists = []
        self.built = False

    @property
    def metrics(self) -> list[metrics.Metric]:
        """All metrics: those without sample weights first, in the order of the outputs."""
        return [metric for group in (*self._plain, *self._weighted) for metric in group]

    @property
    def variables(self) -> list[Any]:
        """The variables of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metrics, whose kind may depend on the shapes of targets and outputs.

        Raises:
            ValueError: the metrics do not match the outputs.
        """
        if self.built:
            return
        outputs = OutputStructure(y_pred, self.output_names)
        plain = _by_output(self._given, outputs, "metrics")
        weighted = _by_output(self._given_weighted, outputs, "weighted_metrics")
        if any(plain) or any(weighted):
            targets = outputs.leaves(outputs.targets(y_true)) if y_true is not None else [None] * len(outputs)
            pairs = list(zip(targets, outputs.leaves(y_pred), strict=True))
            self._plain, self._weighted = (
                [[as_metric(one, *pair) for one in group] for group, pair in zip(groups, pairs, strict=True)]
                for groups in (plain, weighted)
            )
        self._outputs = outputs
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        self.build(y_true, y_pred)
        outputs = self._outputs
        if outputs is None or not self.metrics:
            return
        predictions = outputs.leaves(y_pred)
        targets = outputs.leaves(outputs.targets(y_true))
        weights = outputs.leaves(outputs.weights(sample_weight))
        for plain, true, pred in zip(self._plain, targets, predictions, strict=True):
            for metric in plain:
                metric.update_state(true, pred)
        for weighted, true, pred, weight in zip(self._weighted, targets, predictions, weights, strict=True):
            for metric in weighted:
                metric.update_state(true, pred, sample_weight=weight)

    def reset_state(self) -> None:
        """Forget what was counted."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The result of every metric, by name; equal names get numbers."""
        results: dict[str, Any] = {}
        if self._outputs is None:
            return results
        for groups, prefix in ((self._plain, ""), (self._weighted, "weighted_")):
            for place, group in enumerate(groups):
                name = self._outputs.names[place]
                output = f"{name}_" if len(self._outputs) > 1 and name is not None else ""
                for metric in group:
                    name = f"{output}{metric.name}"
                    if name in results:
                        name = f"{output}{prefix}{metric.name}"
                    results[_unused(name, results)] = metric.result()
        return results


def _unused(name: str, taken: dict[str, Any]) -> str:
    number, unused = 1, name
    while unused in taken:
        unused, number = f"{name}_{number}", number + 1
    return unused


def _by_output(value: Any, outputs: OutputStructure, argument: str) -> list[list[Any]]:
    """For each output the list of its metrics.

    Raises:
        ValueError: `value` does not match the outputs.
    """
    if value is None or (tree.is_nested(value) and not value):
        return [[] for _ in outputs.paths]
    if len(outputs) == 1:
        return [[one for one in tree.flatten(value) if one is not None]]
    if outputs.is_flat and isinstance(value, dict) and set(value) <= set(outputs.names):
        return [_as_list(value.get(name)) for name in outputs.names]
    if outputs.is_flat and isinstance(value, list | tuple) and len(value) == len(outputs):
        return [_as_list(entry) for entry in value]
    try:
        if not outputs.is_flat and tree.is_nested(value):
            return [_as_list(at_path(value, path)) for path in outputs.paths]
    except (KeyError, IndexError, TypeError):
        pass
    names = [outputs.label(place) for place in range(len(outputs))]
    raise ValueError(
        f"Invalid `{argument}`. For the outputs {names} give a list with an entry for each, a dict by these names, or "
        f"a nest like the outputs; an entry is a metric or a list of metrics. Received: {argument}={value!r}"
    )


def _as_list(entry: Any) -> list[Any]:
    return [one for one in tree.flatten(entry) if one is not None]


def as_metric(identifier: Any, y_true: Any, y_pred: Any) -> metrics.Metric:
    """The metric for a name, function or metric; `"accuracy"` is chosen by the shapes of targets and outputs."""
    name: str | None = None
    if isinstance(identifier, str):
        name = identifier
        kind = _KINDS.get(identifier.lower())
        if kind is not None:
            if y_true is None:
                raise ValueError("The metrics 'accuracy' and 'crossentropy' need targets `y`.")
            identifier = _BY_KIND[kind][label_kind(y_true, y_pred)]
    found: Any = metrics.get(identifier)
    made: metrics.Metric = (
        found
        if isinstance(found, metrics.Metric)
        else metrics.MeanMetricWrapper(found, name=getattr(found, "__name__", "metric"))
    )
    if name is not None:
        made.name = name
    return made


def _check_metric(identifier: Any, argument: str) -> None:
    """An unknown metric is an error of `compile`, not of the first step."""
    if isinstance(identifier, str) and identifier.lower() in _KINDS:
        return
    if identifier is None or isinstance(identifier, metrics.Metric) or callable(identifier):
        return
    if not isinstance(identifier, str):
        raise ValueError(f"`{argument}` must hold names, functions or instances of `Metric`, got {identifier!r}.")
    metrics.get(identifier)
