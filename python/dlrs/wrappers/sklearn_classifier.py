"""A model that tells classes apart, as scikit-learn's classifiers do."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import type_of_target

from dlrs.wrappers.sklearn_base import SKLearnEstimator


class SKLearnClassifier(ClassifierMixin, SKLearnEstimator):  # type: ignore[misc]
    """A classifier of scikit-learn that trains a model, one output for each class.

    It clones, pickles and sits in a `Pipeline` or a search over a grid. The model is trained on one-hot targets
    (samples, classes), the classes in sorted order; `predict` gives the class of the greatest output.

    Args:
        model: a compiled model, of which `fit` trains a copy with new weights; or a function that gives one, called
            with `X`, the one-hot `y` and `model_kwargs`.
        warm_start: whether `fit` goes on with the weights there are, `model` itself at first.
        model_kwargs: arguments for the function `model`.
        fit_kwargs: arguments for `Model.fit`.

    After `fit`, `model_` is the trained model, `history_` its history, and `classes_` are the classes.

    Raises:
        ImportError: scikit-learn is not installed (the `sklearn` extra).
        TypeError: by `fit`, `model` is neither a Model nor a function that gives one.
        RuntimeError: by `fit`, the model is not compiled.
        ValueError: by `fit`, targets that are not classes, or a single class.

    >>> from sklearn.datasets import load_iris
    >>> from dlrs import layers, models, utils
    >>> def softmax_regression(X, y, learning_rate):
    ...     model = models.Sequential([layers.Input(X.shape[1:]), layers.Dense(y.shape[1], activation="softmax")])
    ...     model.compile("adam", "categorical_crossentropy")
    ...     model.optimizer.learning_rate = learning_rate
    ...     return model
    >>> utils.set_random_seed(1)
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SKLearnClassifier(softmax_regression, model_kwargs={"learning_rate": 0.05})
    >>> classifier.fit(X, y, epochs=30, verbose=0).score(X, y) > 0.9
    True
    """

    def predict(self, X: Any) -> Any:
        """The class of each sample, (samples,)."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=-1)]

    def decision_function(self, X: Any) -> Any:
        """The outputs of the model, (samples, classes)."""
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # in the few steps of its checks
        return tags

    def _targets(self, y: Any) -> Any:
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"Only binary and multiclass target types are supported by {type(self).__name__}. Target type: {kind}"
            )
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError(
                f"{type(self).__name__}: Classifier can't train when only one class is present: {self.classes_[0]!r}."
            )
        return np.eye(len(self.classes_))[codes.reshape(-1)]
