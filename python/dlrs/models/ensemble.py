"""Several models that answer as one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import KerasTensor, compute_output_spec
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.models.model import Model

Combination = Callable[[list[Any], list[float], bool], Any]


def _mean(outputs: list[Any], weights: list[float]) -> Any:
    total = outputs[0] * weights[0]
    for output, weight in zip(outputs[1:], weights[1:], strict=True):
        total = total + output * weight
    return total


def _of_probabilities(outputs: list[Any], weights: list[float], from_logits: bool) -> Any:
    return _mean([ops.softmax(x) for x in outputs] if from_logits else outputs, weights)


def _of_logits(outputs: list[Any], weights: list[float], from_logits: bool) -> Any:
    least = np.finfo(np.float32).tiny
    logits = outputs if from_logits else [ops.log(ops.maximum(x, least)) for x in outputs]
    return ops.softmax(_mean(logits, weights))


def _of_votes(outputs: list[Any], weights: list[float], from_logits: bool) -> Any:
    votes = [ops.one_hot(ops.argmax(x, axis=-1), x.shape[-1], dtype=x.dtype) for x in outputs]
    return _mean(votes, weights)


COMBINATIONS: dict[str, Combination] = {"probabilities": _of_probabilities, "logits": _of_logits, "vote": _of_votes}


class Ensemble(Model):
    """Models for the same inputs whose answers are combined, as contestants do for one or two per cent more accuracy.

    Args:
        models: classifiers, built or not, with outputs of one shape, (batch, …, classes). They keep their weights and
            stay usable by themselves.
        combination: `"probabilities"`: the mean of the models' probabilities, or of whatever they return (regression);
            `"logits"`: the softmax of the mean of their logits; `"vote"`: the share of models whose likeliest class is
            this one, which has no gradient.
        weights: how much each model counts, normalised to a sum of 1; all the same by default.
        from_logits: whether the models return logits rather than probabilities.
        name: name.

    Returns of a call: probabilities of the outputs' shape.

    Raises:
        ValueError: no models, weights that are negative, not finite, all zero or not as many as models, an unknown
            `combination`, and in a call outputs of different shapes.

    Source: Hansen and Salamon 1990, "Neural network ensembles".

    >>> import numpy as np
    >>> from dlrs import Input, Sequential, layers
    >>> members = [Sequential([Input((4,)), layers.Dense(3, activation="softmax")]) for _ in range(2)]
    >>> x = np.ones((1, 4), "float32")
    >>> bool(np.allclose(Ensemble(members)(x), (members[0](x) + members[1](x)) / 2))
    True
    """

    def __init__(
        self,
        models: Sequence[Any],
        combination: str = "probabilities",
        weights: Sequence[float] | None = None,
        from_logits: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(models, list | tuple) or not models or not all(isinstance(m, Model) for m in models):
            raise ValueError(f"Ensemble: `models` must be a list of at least one model. Received: models={models!r}")
        if combination not in tuple(COMBINATIONS):
            raise ValueError(
                f"Ensemble: `combination` must be one of {sorted(COMBINATIONS)}. Received: {combination!r}"
            )
        if not isinstance(from_logits, bool):
            raise ValueError(f"Ensemble: `from_logits` must be True or False. Received: {from_logits!r}")
        self.models = list(models)
        self.combination, self.from_logits = combination, from_logits
        self.member_weights = _normalized(weights, len(models))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The models' answers, combined."""
        outputs = [model(inputs, training=training) for model in self.models]
        self._check(outputs)
        return COMBINATIONS[self.combination](outputs, self.member_weights, self.from_logits)

    def _check(self, outputs: list[Any]) -> None:
        if not all(hasattr(x, "shape") for x in outputs) or len({tuple(x.shape) for x in outputs}) != 1:
            shapes = [getattr(x, "shape", type(x).__name__) for x in outputs]
            raise ValueError(f"Ensemble {self.name!r}: the models must each return one tensor, of one shape: {shapes}.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that the first model returns."""
        return compute_output_spec(self.models[0], KerasTensor(input_shape)).shape

    def get_config(self) -> dict[str, Any]:
        """The models' configurations, and how they are combined."""
        return {
            "name": self.name,
            "models": [serialize_keras_object(model) for model in self.models],
            "combination": self.combination,
            "weights": self.member_weights,
            "from_logits": self.from_logits,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The ensemble made from what `get_config` returned, with new weights."""
        models = [deserialize_keras_object(model, custom_objects) for model in config["models"]]
        return cls(**{**config, "models": models})


def _normalized(weights: Sequence[float] | None, count: int) -> list[float]:
    try:
        values = np.ones(count) if weights is None else np.asarray(weights, float)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.shape != (count,) or not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ValueError(
            f"Ensemble: `weights` must hold {count} numbers, one for each model, none negative, not all zero. Got "
            f"weights={weights!r}"
        )
    return (values / values.sum()).tolist()  # type: ignore[no-any-return]
