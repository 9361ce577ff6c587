"""The loss and the metrics of `compile`, matched to the outputs of a model."""

from collections.abc import Sequence
from typing import Any

from dlrs import losses, metrics, ops
from dlrs.backend import tree


def output_leaves(outputs: Any, names: Sequence[str]) -> list[tuple[str, Any]]:
    """The outputs with a name each: the keys of a dict, else `names` where there are enough, else numbers."""
    if isinstance(outputs, dict):
        return [(str(key), outputs[key]) for key in sorted(outputs)]
    leaves = tree.flatten(outputs)
    if len(names) != len(leaves):
        names = [f"output_{i}" for i in range(len(leaves))] if len(leaves) > 1 else ["output"]
    return list(zip(names, leaves, strict=True))


def per_output(value: Any, names: Sequence[str], argument: str, spread: bool) -> list[Any]:
    """An argument of `compile`, or targets, as one entry for each output; None where a dict leaves an output out.

    Args:
        value: a dict by output name, a list by order, or a single value.
        names: names of the outputs.
        argument: its name in messages.
        spread: whether a single value stands for every output.
    """
    if isinstance(value, dict):
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise ValueError(f"`{argument}` names the outputs {unknown}; the model's outputs are {list(names)}.")
        return [value.get(name) for name in names]
    if isinstance(value, list | tuple):
        if len(value) != len(names):
            raise ValueError(
                f"`{argument}` has {len(value)} entries; the model has {len(names)} outputs: {list(names)}."
            )
        return list(value)
    if spread or len(names) == 1:
        return [value] * len(names)
    raise ValueError(f"`{argument}` must be a list or dict with an entry for each of the outputs {list(names)}.")


class CompileLoss:
    """The weighted sum of the losses of all outputs.

    Args:
        loss: a loss (name, function or `Loss`), or a list or dict of them by output.
        loss_weights: the weight of each loss, nested likewise; 1 by default.
        output_names: names of the model's outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] = ()) -> None:
        self.loss = loss
        self.loss_weights = loss_weights
        self.output_names = list(output_names)
        self.entries: list[tuple[str, losses.Loss | None, float]] = []
        self.trackers: list[metrics.Mean] = []
        self.built = False
        for one in tree.flatten(loss):
            losses.get(one)  # an unknown name is an error of `compile`, not of the first step

    def build(self, y_pred: Any) -> None:
        """Match the losses to the outputs `y_pred`, of which only the nesting counts."""
        if self.built:
            return
        self.output_names = [name for name, _ in output_leaves(y_pred, self.output_names)]
        given = per_output(self.loss, self.output_names, "loss", spread=True)
        weights = per_output(self.loss_weights, self.output_names, "loss_weights", spread=True)
        for name, loss, weight in zip(self.output_names, given, weights, strict=True):
            self.entries.append((name, as_loss(loss), 1.0 if weight is None else float(weight)))
        used = [name for name, loss, _ in self.entries if loss is not None]
        if len(self.entries) > 1:
            self.trackers = [metrics.Mean(name=f"{name}_loss") for name in used]
        self.built = True

    def targets(self, y: Any, argument: str = "y") -> list[Any]:
        """The targets in the order of the outputs."""
        return per_output(y, self.output_names, argument, spread=False)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total loss, a scalar; None if no output has a loss."""
        self.build(y_pred)
        predictions = [leaf for _, leaf in output_leaves(y_pred, self.output_names)]
        targets = self.targets(y_true)
        weights = per_output(sample_weight, self.output_names, "sample_weight", spread=True)
        total: Any = None
        trackers = iter(self.trackers)
        for (_, loss, factor), true, pred, weight in zip(self.entries, targets, predictions, weights, strict=True):
            if loss is None:
                continue
            value = loss(true, pred, sample_weight=weight)
            tracker = next(trackers, None)
            if tracker is not None:
                tracker.update_state(value, sample_weight=tree.flatten(y_pred)[0].shape[0])
            value = value if factor == 1.0 else value * factor
            total = value if total is None else total + value
        return total


def as_loss(identifier: Any) -> losses.Loss | None:
    """The `Loss` for a name, a configuration, a function or a loss."""
    found = losses.get(identifier)
    if found is None or isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))


class CompileMetrics(metrics.Metric):
    """The metrics of all outputs as one metric whose result is a dict.

    Args:
        compiled_metrics: a metric, or a list or dict of (lists of) metrics by output.
        weighted_metrics: the same, given the sample weights.
        output_names: names of the model's outputs.
        name: name.
    """

    def __init__(
        self,
        compiled_metrics: Any,
        weighted_metrics: Any = None,
        output_names: Sequence[str] = (),
        name: str = "compile_metrics",
    ) -> None:
        super().__init__(name=name)
        for argument, given in (("metrics", compiled_metrics), ("weighted_metrics", weighted_metrics)):
            for one in tree.flatten(given):
                _check_metric(one, argument)
        self._given = compiled_metrics
        self._given_weighted = weighted_metrics
        self.output_names = list(output_names)
        # For each output: its metrics, those given the sample weights.
        self._by_output: list[tuple[list[metrics.Metric], list[metrics.Metric]]] = []
        self.built = False

    @property
    def metrics(self) -> list[metrics.Metric]:
        """All metrics, in the order of the outputs."""
        return [metric for plain, weighted in self._by_output for metric in (*plain, *weighted)]

    @property
    def variables(self) -> list[Any]:
        """The variables of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metrics, whose kind may depend on the shapes of targets and outputs."""
        if self.built:
            return
        named = output_leaves(y_pred, self.output_names)
        self.output_names = [name for name, _ in named]
        targets = per_output(y_true, self.output_names, "y", spread=False)
        plain = metrics_per_output(self._given, self.output_names, "metrics")
        weighted = metrics_per_output(self._given_weighted, self.output_names, "weighted_metrics")
        for (name, pred), true, first, second in zip(named, targets, plain, weighted, strict=True):
            made = [[as_metric(metric, true, pred) for metric in group] for group in (first, second)]
            if len(named) > 1:
                for metric in (*made[0], *made[1]):
                    metric.name = f"{name}_{metric.name}"
            self._by_output.append((made[0], made[1]))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        self.build(y_true, y_pred)
        targets = per_output(y_true, self.output_names, "y", spread=False)
        weights = per_output(sample_weight, self.output_names, "sample_weight", spread=True)
        predictions = [leaf for _, leaf in output_leaves(y_pred, self.output_names)]
        for (plain, weighted), true, pred, weight in zip(self._by_output, targets, predictions, weights, strict=True):
            for metric in plain:
                metric.update_state(true, pred)
            for metric in weighted:
                metric.update_state(true, pred, sample_weight=weight)

    def reset_state(self) -> None:
        """Forget what was counted."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The result of every metric, by name; equal names get numbers."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            name, number = metric.name, 1
            while name in results:
                name, number = f"{metric.name}_{number}", number + 1
            results[name] = metric.result()
        return results


def metrics_per_output(value: Any, names: Sequence[str], argument: str) -> list[list[Any]]:
    """For each output the list of its metrics. A flat list given to several outputs goes to each of them."""
    if value is None:
        return [[] for _ in names]
    if isinstance(value, dict):
        entries = per_output(value, names, argument, spread=False)
    elif isinstance(value, list | tuple):
        nested = [isinstance(item, list | tuple) for item in value]
        if any(nested) or (len(names) > 1 and len(value) == len(names)):
            entries = per_output(value, names, argument, spread=False)
        else:
            entries = [list(value) for _ in names]
    else:
        entries = [[value] for _ in names]
    return [[] if e is None else list(e) if isinstance(e, list | tuple) else [e] for e in entries]


_BY_KIND: dict[str, tuple[str, str, str]] = {
    "accuracy": ("binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"),
    "crossentropy": ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
}
_KINDS = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy", "ce": "crossentropy"}


def as_metric(identifier: Any, y_true: Any, y_pred: Any) -> metrics.Metric:
    """The metric for a name, function or metric; `"accuracy"` is chosen by the shapes of targets and outputs."""
    name: str | None = None
    if isinstance(identifier, str):
        name = identifier
        if identifier.lower() in _KINDS:
            binary, sparse, categorical = _BY_KIND[_KINDS[identifier.lower()]]
            kind = _label_kind(y_true, y_pred)
            identifier = binary if kind == "binary" else sparse if kind == "sparse" else categorical
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


def _label_kind(y_true: Any, y_pred: Any) -> str:
    if y_true is None:
        raise ValueError("The metrics 'accuracy' and 'crossentropy' need targets `y`.")
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(pred) <= 1 or pred[-1] == 1:
        return "binary"
    if len(true) < len(pred) or (true[-1] == 1 and pred[-1] != 1):
        return "sparse"
    return "categorical"


def total_of(values: Sequence[Any]) -> Any:
    """The sum of scalar losses."""
    total = values[0]
    for value in values[1:]:
        total = ops.add(total, value)
    return total
