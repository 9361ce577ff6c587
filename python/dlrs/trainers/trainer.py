"""`compile`, `fit`, `evaluate`, `predict` and their single-batch forms."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from dlrs import config
from dlrs.backend import tree
from dlrs.backend.old_spellings import takes_old_names
from dlrs.backend.structure import structure_version
from dlrs.backend.unknown_arguments import keyword_arguments, knows_its_arguments, unknown_arguments
from dlrs.callbacks import Callback, CallbackList, History, Position
from dlrs.data import (
    ArrayData,
    Data,
    IteratorData,
    PartialEpochs,
    as_data,
    as_validation_data,
    class_weight_to_sample_weights,
    is_iterator,
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)
from dlrs.data.iterator_data import valid_batch
from dlrs.trainers.arguments import check_integer, check_validation_freq, verbosity
from dlrs.trainers.loops import Loop, run_predict
from dlrs.trainers.old_methods import OldMethods
from dlrs.trainers.stepping import Stepping
from dlrs.trainers.steps import Step


class Trainer(OldMethods, Stepping):
    """What makes a layer a model that can be trained. Mixed into `Model`.

    A class of its own names it before the layer, and calls `Trainer.__init__(self)` after that of the layer.

    >>> from dlrs import layers
    >>> class Line(Trainer, layers.Layer):
    ...     def __init__(self):
    ...         layers.Layer.__init__(self)
    ...         Trainer.__init__(self)
    ...         self.dense = layers.Dense(1)
    ...
    ...     def call(self, x):
    ...         return self.dense(x)
    >>> line = Line()
    >>> line.compile("sgd", "mse")
    >>> history = line.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=3, verbose=0)
    >>> len(history.history["loss"]), line.predict([[2.0]], verbose=0).shape
    (3, (1, 1))
    """

    def __init__(self) -> None:
        self._init_trainer()

    # Training and evaluation

    @takes_old_names(nb_epoch="epochs")
    @knows_its_arguments
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | Literal["batch"] = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train for a number of epochs.

        Args:
            x: inputs: an array, or a list or dict of arrays; or an iterable of batches `(x, y)` or
                `(x, y, sample_weight)`.
            y: targets, nested like the outputs. Integer labels may be (n,) or (n, 1).
            batch_size: examples in a step; 32 by default.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 a live line, 2 a line for each epoch; "auto" is 1.
            callbacks: a callback or a list of them.
            validation_split: share of the data, from its end before shuffling, that is evaluated after each epoch.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable, evaluated after each epoch.
            shuffle: whether to shuffle the rows before each epoch; "batch" shuffles within batches.
            class_weight: factor of the loss for each class, whose numbers are the targets, or the places of the ones
                in their rows.
            sample_weight: factor of the loss for each example.
            initial_epoch: number of the first epoch.
            steps_per_epoch: steps in an epoch; as many as there are batches by default. With fewer, an epoch goes on
                where the one before stopped, and the last of a pass over the data is as long as what is left.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate every so many epochs, or after the epochs listed.

        Returns:
            A `History` with the results of each epoch in its `history`.

        Raises:
            ValueError: unfit data, with the argument named; nothing has changed then.
            KeyboardInterrupt: on Ctrl-C, with the weights as they were after the last whole step.
        """
        self._require_compiled("fit")
        level = verbosity(verbose)
        initial_epoch = check_integer(initial_epoch, "initial_epoch", 0)
        epochs = check_integer(epochs, "epochs", 0)
        check_validation_freq(validation_freq)
        if steps_per_epoch is not None:
            steps_per_epoch = check_integer(steps_per_epoch, "steps_per_epoch", 1)
        if validation_steps is not None:
            validation_steps = check_integer(validation_steps, "validation_steps", 1)
        if class_weight is not None and sample_weight is not None:
            raise ValueError("fit: give either `class_weight` or `sample_weight`, not both.")
        x = self._given_inputs(x)
        if validation_split and validation_data is None:
            if not 0 < validation_split < 1:
                raise ValueError(f"fit: `validation_split` must be in [0, 1), got {validation_split}.")
            if is_iterator(x):
                raise ValueError("fit: `validation_split` needs arrays; give `validation_data` with an iterable.")
            whole = ArrayData(x, y, sample_weight, batch_size)
            parts = unpack_x_y_sample_weight(whole.structure)
            (x, y, sample_weight), validation_data = train_validation_split(parts, validation_split)
        if class_weight is not None and not is_iterator(x):
            if y is None:
                raise ValueError("fit: `class_weight` needs `y`.")
            sample_weight = class_weight_to_sample_weights(y, class_weight, self._num_classes())
        steps_per_epoch = _at_most(steps_per_epoch, config.max_steps_per_epoch())
        if steps_per_epoch is not None and not is_iterator(x):
            steps_per_epoch += -steps_per_epoch % self.steps_per_execution  # whole executions, as in Keras
        epochs = _at_most(epochs, config.max_epochs()) or 0
        data = as_data(x, y, sample_weight, batch_size, shuffle, steps_per_epoch if is_iterator(x) else None)
        if class_weight is not None and isinstance(data, IteratorData):
            data.set_class_weight(class_weight, self._num_classes())
        if isinstance(data, IteratorData):
            data.set_first_epoch(initial_epoch)
        self._check_data(data, "train")
        validation: Data | None = None
        if validation_data is not None:
            validation = as_validation_data(validation_data, validation_batch_size or batch_size, validation_steps)
            self._check_data(validation, "test", prefix="validation_data")
        callback_list = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=level != 0,
            model=self,
            verbose=level,
            epochs=epochs,
            steps=_at_most(data.num_batches, steps_per_epoch),
        )
        self.stop_training = False
        Loop(self, "train", data, callback_list).prepare()
        epochs_of = PartialEpochs(data, steps_per_epoch, initial_epoch) if isinstance(data, ArrayData) else data
        if validation is not None:
            Loop(self, "test", validation, callback_list).prepare()
        try:
            callback_list.on_train_begin()
            resumed = callback_list.resume()
            if resumed is not None:
                initial_epoch = epochs if self.stop_training else max(initial_epoch, resumed.epoch)
            logs: dict[str, float] = {}
            for epoch in range(initial_epoch, epochs):
                begun = resumed if resumed is not None and resumed.batch and resumed.epoch == epoch else None
                results = self._fit_epoch(epochs_of, epoch, validation, validation_freq, callback_list, begun)
                if results is None:
                    break
                logs = results
                if self.stop_training:
                    break
            if self.optimizer is not None and self.optimizer.built:
                self.optimizer.finalize_variable_values(self.trainable_weights)
            callback_list.on_train_end(logs)
        except BaseException:
            callback_list.on_interrupt()
            raise
        finally:
            if isinstance(data, IteratorData):
                data.close()
        return callback_list.history

    def _fit_epoch(
        self,
        source: PartialEpochs | IteratorData,
        epoch: int,
        validation: Data | None,
        validation_freq: int | Sequence[int],
        callbacks: CallbackList,
        begun: Position | None,
    ) -> dict[str, float] | None:
        """The results of an epoch, which may have begun before; None if the data ran out before its first batch."""
        self.reset_metrics()
        if begun is None:
            callbacks.on_epoch_begin(epoch)
        else:
            callbacks.on_epoch_resumed(epoch)
            self._epochs_trained -= 1  # it was counted when it began
        data, order = self._data_of_epoch(source, epoch)
        self._epochs_trained += 1
        logs = Loop(self, "train", data, callbacks).run(order, epoch, begun)
        if isinstance(source, IteratorData) and source.exhausted:
            return None
        if validation is not None and _is_due(epoch, validation_freq):
            results = self._evaluate(validation, callbacks)
            logs = {**logs, **{f"val_{name}": value for name, value in results.items()}}
        callbacks.on_epoch_end(epoch, logs)
        return logs

    def _data_of_epoch(self, source: PartialEpochs | IteratorData, epoch: int) -> tuple[Data, Any]:
        """The data of an epoch, and its order, which is drawn by the number of epochs trained before."""
        if self._shuffle_seed is None and (isinstance(source, IteratorData) or source.data.shuffle):
            self._shuffle_seed = int(np.random.randint(0, 2**31 - 1))
        seed = self._shuffle_seed or 0
        if isinstance(source, IteratorData):
            return source, source.at(seed, self._epochs_trained, source.begun(epoch))
        return source.at(source.data.order(seed, self._epochs_trained - source.begun(epoch)), epoch)

    def _evaluate(self, data: Data, callbacks: CallbackList) -> dict[str, float]:
        self.reset_metrics()
        self.stop_evaluating = False
        callbacks.on_test_begin()
        logs = Loop(self, "test", data, callbacks).run(None, None)
        callbacks.on_test_end(logs)
        return logs

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on data, as in `fit` but without training.

        Returns:
            The loss; with metrics a list of the loss and the metrics; with `return_dict` a dict by name.

        Raises:
            ValueError: an argument's name is not known. `_use_cached_eval_dataset`, which Keras's `fit` hands on, is
                taken and changes nothing: the data given are evaluated.
        """
        kwargs.pop("_use_cached_eval_dataset", None)
        if kwargs:
            # Keras's kind of error, for this method alone.
            error = unknown_arguments(f"{type(self).__name__}.evaluate", kwargs, keyword_arguments(Trainer.evaluate))
            raise ValueError(str(error))
        self._require_compiled("evaluate")
        if steps is not None:
            steps = check_integer(steps, "steps", 1)
        steps = _at_most(steps, config.max_steps_per_epoch())
        data = as_data(self._given_inputs(x), y, sample_weight, batch_size, False, steps)
        self._check_data(data, "test")
        level = verbosity(verbose)
        callback_list = CallbackList(
            callbacks, add_progbar=level != 0, model=self, verbose=level, epochs=1, steps=data.num_batches
        )
        try:
            logs = self._evaluate(data, callback_list)
        except BaseException:
            callback_list.on_interrupt()
            raise
        return logs if return_dict else self._in_order(logs)

    @knows_its_arguments
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> Any:
        """The outputs for `x`, as NumPy arrays nested like the outputs of the model."""
        if steps is not None:
            steps = check_integer(steps, "steps", 1)
        steps = _at_most(steps, config.max_steps_per_epoch())
        self.stop_predicting = False
        data = as_data(self._given_inputs(x), None, None, batch_size, False, steps)
        self._check_data(data, "predict")
        level = verbosity(verbose)
        callback_list = CallbackList(
            callbacks, add_progbar=level != 0, model=self, verbose=level, epochs=1, steps=data.num_batches
        )
        try:
            callback_list.on_predict_begin()
            outputs = run_predict(Loop(self, "predict", data, callback_list))
            callback_list.on_predict_end()
        except BaseException:
            callback_list.on_interrupt()
            raise
        return outputs

    def _in_order(self, logs: dict[str, float]) -> float | list[float]:
        """Results as a list, or the only one, in Keras's order: those with the names of metrics, then all others."""
        names: list[str] = []
        for metric in self.metrics:
            names += [one.name for one in getattr(metric, "metrics", [metric])]
        known = [name for name in dict.fromkeys(names) if name in logs]
        values = [logs[name] for name in (*known, *sorted(set(logs) - set(known)))]
        return values[0] if len(values) == 1 else values

    # Single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch; returns its loss and metrics, as `evaluate` does."""
        return_dict = bool(return_dict)
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("train_on_batch: give either `class_weight` or `sample_weight`, not both.")
            sample_weight = class_weight_to_sample_weights(y, class_weight, self._num_classes())
        logs = self._on_batch("train", x, y, sample_weight)
        return logs if return_dict else self._in_order(logs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Evaluate one batch; returns its loss and metrics, as `evaluate` does."""
        return_dict = bool(return_dict)
        logs = self._on_batch("test", x, y, sample_weight)
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        if type(x) is np.ndarray:
            step = self._short_paths.get((x.shape, x.dtype, structure_version()))
            if step is not None:
                return step.program(x)[0].numpy()
        return self._predict_batch(x)

    def _predict_batch(self, x: Any) -> Any:
        batch = valid_batch((self._given_inputs(x),))
        loop = Loop(self, "predict", None, None)
        step = loop.step_for(batch)
        if step is None:
            outputs = loop.eagerly(batch)
        else:
            outputs = step.pack(step.program(*tree.flatten(batch)))
            if step.single and batch[0] is x:
                self._keep_short_path((x.shape, x.dtype, structure_version()), step)
        return tree.map_structure(lambda leaf: leaf.numpy(), outputs)

    def _num_classes(self) -> int | None:
        """The number of classes of a model with one output, by the last size of that; None if it is not known."""
        shape = getattr(self, "output_shape", None)
        size = shape[-1] if isinstance(shape, tuple) and shape else None
        # One output is the probability of class 1.
        return max(size, 2) if isinstance(size, int) else None

    def _on_batch(self, mode: str, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        key: Any = None
        if type(x) is np.ndarray and type(y) is np.ndarray and sample_weight is None:
            key = (mode, x.shape, x.dtype, y.shape, y.dtype, structure_version())
            step = self._short_paths.get(key)
            if step is not None and not self.check_numerics:
                for check in step.checks:
                    check((x, y))
                for metric in step.metrics:
                    metric.reset_state()
                return step.logs(step.program(x, y))
        self._require_compiled(f"{mode}_on_batch")
        if sample_weight is not None and y is None:
            raise ValueError(f"{mode}_on_batch: `sample_weight` was given without `y`.")
        if x is None:
            raise ValueError(f"{mode}_on_batch: there is no data: give `x`.")
        batch = valid_batch(pack_x_y_sample_weight(self._given_inputs(x), y, sample_weight))
        loop = Loop(self, mode, None, None)
        loop.step_for(batch)  # metrics may be made by the first trace
        self.reset_metrics()
        logs = loop.logs_of(batch)
        step = loop.last_step
        if step is not None and key is not None and batch[0] is x and batch[1] is y and not self.check_numerics:
            self._keep_short_path((*key[:-1], structure_version()), step)
        return logs

    def _keep_short_path(self, key: Any, step: Step) -> None:
        if self._run_eagerly:
            return
        for oldest in list(self._short_paths)[:-15]:
            self._short_paths.pop(oldest, None)
        step.metrics = self.metrics
        self._short_paths[key] = step


def _at_most(value: int | None, limit: int | None) -> int | None:
    """The smaller of two numbers, None being no limit."""
    return value if limit is None else limit if value is None else min(value, limit)


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
