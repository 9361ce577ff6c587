"""Averaged weights during evaluation."""

from typing import Any

from dlrs.callbacks.callback import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluates with the moving averages of the weights that an optimizer with `use_ema=True` keeps.

    The averages and the weights change places before an evaluation and change back after it.

    Args:
        swap_on_epoch: whether the averages are also in place from the end of an epoch to the beginning of the next, for
            callbacks that come after this one and save the model.

    Raises:
        ValueError: no optimizer of the model has `use_ema=True`.

    >>> SwapEMAWeights().swap_on_epoch
    False
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False
        # Weights of training while, between epochs, the averages stand in their place.
        self._weights: list[Any] = []

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Variables and their averages."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        averaging = [inner for inner in getattr(optimizer, "optimizers", [optimizer]) if inner.use_ema]
        if not averaging:
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer, or on one of the optimizers "
                f"of a MultiOptimizer; {optimizer.name!r} has use_ema=False."
            )
        return [
            (variable, average)
            for inner in averaging
            if inner.built
            for variable, average in zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True)
            if average is not None
        ]

    def _swap(self, averages_in_place: bool) -> None:
        if self._swapped != averages_in_place and not self._weights:
            for variable, average in self._pairs():
                weights = variable.value
                variable.assign(average.value)
                average.assign(weights)
            self._swapped = averages_in_place

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self._weights:
            for (variable, _), weights in zip(self._pairs(), self._weights, strict=True):
                variable.assign(weights)
            self._weights = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            # The averages stay in their slots, too: the end of training copies them to the variables.
            pairs = self._pairs()
            self._weights = [variable.value for variable, _ in pairs]
            for variable, average in pairs:
                variable.assign(average.value)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._weights = []

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)
