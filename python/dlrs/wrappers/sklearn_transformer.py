"""A model whose outputs are features for other estimators."""

from typing import Any

from sklearn.base import TransformerMixin

from dlrs.wrappers.sklearn_base import SKLearnEstimator


class SKLearnTransformer(TransformerMixin, SKLearnEstimator):  # type: ignore[misc]
    """A transformer of scikit-learn, which turns samples into the outputs of a model.

    It clones, pickles and sits in a `Pipeline`; inside scikit-learn's `FrozenEstimator` it is not trained again.

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

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from dlrs import layers, models
    >>> X, y = load_iris(return_X_y=True)
    >>> network = models.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")])
    >>> network.compile("adam", "sparse_categorical_crossentropy")
    >>> features = SKLearnTransformer(network, fit_kwargs={"epochs": 2, "verbose": 0})
    >>> make_pipeline(features, LogisticRegression()).fit(X, y).predict_proba(X).shape
    (150, 3)
    """

    def transform(self, X: Any) -> Any:
        """The outputs of the model, (samples, outputs)."""
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
