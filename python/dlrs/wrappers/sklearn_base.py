"""What the estimators share: a model is made, trained and asked."""

import copy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from dlrs.backend.checks import check_flags
from dlrs.models import Model, clone_model


class SKLearnEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator whose parameters are a model, or a function that makes one, and what it is made and trained with."""

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        # Kept as given, and checked by `fit`: `clone` compares identities.
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    @property
    def epoch_(self) -> int:
        """How many epochs the last `fit` trained."""
        check_is_fitted(self)
        return len(self.history_.epoch)

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Train a model: a copy with new weights of `model`, or what the function gives.

        Args:
            X: (samples, features).
            y: (samples,).
            **kwargs: of `Model.fit`; they go before those of `fit_kwargs`.

        Raises:
            TypeError: `model` is neither a Model nor a function that gives one; `fit_kwargs` is not a dict.
            ValueError: data that scikit-learn refuses.
            RuntimeError: the model is not compiled.
        """
        X, y = validate_data(self, X, y)
        type_of_target(y, input_name="y", raise_unknown=True)
        targets = self._targets(y)
        model = self._model_to_train(X, targets)
        self.history_ = model.fit(X, targets, **{**self._keywords("fit_kwargs"), **kwargs})
        self.model_ = model
        return self

    def __sklearn_clone__(self) -> Self:
        """A model, which `fit` would not change but `warm_start` does, is copied with its weights."""
        parameters = self.get_params(deep=False)
        if isinstance(self.model, Model):
            parameters["model"] = copy.deepcopy(self.model)
        return type(self)(**parameters)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Say which metadata `fit` wants of a meta-estimator that routes it: `set_fit_request(sample_weight=True)`.

        Raises:
            RuntimeError: routing is not enabled by `sklearn.set_config(enable_metadata_routing=True)`.
        """
        from sklearn import get_config

        if not get_config().get("enable_metadata_routing"):
            raise RuntimeError(
                f"{type(self).__name__}.set_fit_request: metadata is not routed; enable it by "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        self._metadata_request = self._get_metadata_request()
        for parameter, alias in requests.items():
            self._metadata_request.fit.add_request(param=parameter, alias=alias)
        return self

    def _targets(self, y: Any) -> Any:
        """The targets of `fit` as the model is trained on them: a column."""
        return y.reshape(-1, 1)

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return np.asarray(self.model_.predict(validate_data(self, X, reset=False), verbose=0))

    def _keywords(self, name: str) -> dict[str, Any]:
        value = getattr(self, name)
        if value is not None and not isinstance(value, dict):
            raise TypeError(f"{type(self).__name__}: `{name}` must be a dict or None, got {value!r}.")
        return value or {}

    def _model_to_train(self, X: Any, targets: Any) -> Model:
        own = type(self).__name__
        check_flags(own, warm_start=self.warm_start)
        given = self.model
        if self.warm_start and hasattr(self, "model_"):
            model = self.model_
        elif isinstance(given, Model):
            model = given if self.warm_start else clone_model(given)
        elif callable(given):
            model = given(X=X, y=targets, **self._keywords("model_kwargs"))
        else:
            raise TypeError(f"{own}: `model` must be a Model or a function that gives one, got {given!r}.")
        if not isinstance(model, Model):
            raise TypeError(f"{own}: the function `model` must give a Model, got {model!r}.")
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError(f"{own}: the model must be compiled, with a loss and an optimizer.")
        return model
