"""Good calls of the estimators of scikit-learn: each made, and trained on the data."""

from collections.abc import Iterator
from typing import Any

from bad_inputs.function_calls import X
from bad_inputs.good import Call, Good, call
from dlrs import layers, models, wrappers

KINDS = ("SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer")


def network(X: Any, y: Any) -> Any:
    model = models.Sequential([layers.Input(X.shape[1:]), layers.Dense(y.shape[1])])
    model.compile("sgd", "mse")
    return model


def of_estimators() -> Iterator[Good]:
    targets = [0, 1] * (len(X) // 2) + [0] * (len(X) % 2)

    def row(kind: str) -> Good:
        def make() -> Call:
            made = getattr(wrappers, kind)
            return call(
                lambda *args, **kwargs: made(*args, **kwargs).fit(X, targets, verbose=0), network,
                warm_start=False, model_kwargs={}, fit_kwargs={}, of=made,
            )  # fmt: skip

        return Good(f"wrappers.{kind}", make)

    yield from map(row, KINDS)
