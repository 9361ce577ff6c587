"""A model that predicts numbers, as scikit-learn's regressors do."""

from typing import Any

from sklearn.base import RegressorMixin

from dlrs.wrappers.sklearn_base import SKLearnEstimator


class SKLearnRegressor(RegressorMixin, SKLearnEstimator):  # type: ignore[misc]
    """A regressor of scikit-learn that trains a model.

    It clones, pickles and sits in a `Pipeline` or a search over a grid. Targets (samples,) are a column for the model,
    (samples, 1), and its predictions a vector again.

    Args:
        model: a compiled model, of which `fit` trains a copy with new weights; or a function that gives one, called
            with `X`, `y` (samples, 1) and `model_kwargs`.
        warm_start: whether `fit` goes on with the weights there are, `model` itself at first.
        model_kwargs: arguments for the function `model`.
        fit_kwargs: arguments for `Model.fit`.

    After `fit`, `model_` is the trained model and `history_` its history.

    Raises:
        ImportError: scikit-learn is not installed (the `sklearn` extra).
        TypeError: by `fit`, `model` is neither a Model nor a function that gives one.
        RuntimeError: by `fit`, the model is not compiled.

    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from dlrs import layers, models, optimizers
    >>> def linear(X, y, learning_rate=0.1):
    ...     model = models.Sequential([layers.Input(X.shape[1:]), layers.Dense(y.shape[1])])
    ...     model.compile(optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> regressor = SKLearnRegressor(linear, fit_kwargs={"epochs": 20, "verbose": 0})
    >>> grid = {"model_kwargs": [{"learning_rate": 1e-6}, {"learning_rate": 0.3}]}
    >>> GridSearchCV(regressor, grid, cv=3).fit(X, 3 * X[:, 0]).best_params_
    {'model_kwargs': {'learning_rate': 0.3}}
    """

    def predict(self, X: Any) -> Any:
        """The predictions, (samples,)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # in the few steps of its checks
        return tags
