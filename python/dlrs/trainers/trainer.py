"""`compile`, `fit`, `evaluate`, `predict` and their single-batch forms."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dlrs import _dlrs, metrics, ops, optimizers
from dlrs.backend import GradientTape, KerasTensor, compute_output_spec, tree
from dlrs.backend.structure import bump_structure, structure_version
from dlrs.callbacks import Callback, CallbackList, History
from dlrs.data import (
    ArrayData,
    IteratorData,
    class_weight_to_sample_weights,
    is_iterator,
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)
from dlrs.data.iterator_data import valid_batch
from dlrs.errors import TracingError
from dlrs.trainers.compile_utils import CompileLoss, CompileMetrics, total_of
from dlrs.trainers.loops import Loop, run_predict
from dlrs.trainers.steps import Step, Steps, as_logs, specs_of
from dlrs.trainers.validation import LabelRange, check_targets

if TYPE_CHECKING:
    from dlrs.layers.layer import Layer as Base
else:
    Base = object

Array = np.ndarray[Any, Any]
Data = ArrayData | IteratorData


class Trainer(Base):
    """What makes a layer a model that can be trained. Mixed into `Model`."""

    optimizer: optimizers.Optimizer

    def _init_trainer(self) -> None:
        self._set_untracked("_loss_tracker", None)
        self._set_untracked("_compile_loss", None)
        self._set_untracked("_compile_metrics", None)
        self._set_untracked("_compile_arguments", None)
        self._set_untracked("history", None)
        self.compiled = False
        self.stop_training = False
        self.check_numerics = False
        self._run_eagerly = False
        # Rows are drawn from (seed, number of epochs), which are saved with the model.
        self._shuffle_seed: int | None = None
        self._epochs_trained = 0
        self._reset_programs()

    def _reset_programs(self) -> None:
        steps = {"train": Steps(self.train_step), "test": Steps(self.test_step), "predict": Steps(self.predict_step)}
        self._set_untracked("_steps", steps)
        self._set_untracked("_untraceable", set())
        self._set_untracked("_prepared", {})
        self._set_untracked("_short_paths", {})

    _steps: dict[str, Steps]
    _untraceable: set[str]
    _prepared: dict[Any, list[LabelRange]]
    _short_paths: dict[Any, Step]
    _loss_tracker: metrics.Mean | None
    _compile_loss: CompileLoss | None
    _compile_metrics: CompileMetrics | None
    history: Any

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: str | bool = "auto",
        auto_scale_loss: bool = True,
        check_numerics: bool = False,
    ) -> None:
        """Set what training minimizes, how, and what is measured.

        Args:
            optimizer: an `Optimizer` or the name of one.
            loss: a loss (name, function of `(y_true, y_pred)`, or `Loss`), or a list or dict of them by output.
            loss_weights: factors of the losses, nested likewise.
            metrics: metrics (names, functions or `Metric`s), or a list or dict of lists of them by output.
            weighted_metrics: metrics that are given `sample_weight`.
            run_eagerly: run every op as it is called, for debugging.
            steps_per_execution, jit_compile, auto_scale_loss: taken for compatibility: an epoch is one program call
                whenever that is possible, and there is no mixed precision.
            check_numerics: stop at the first step whose loss is not finite, discard it, and name the first layer with a
                non-finite output in a `dlrs.errors.NonFiniteError`.

        Raises:
            ValueError: an unknown name, or a list or dict that does not match the outputs.
        """
        if steps_per_execution < 1:
            raise ValueError(f"compile: `steps_per_execution` must be at least 1, got {steps_per_execution}.")
        names = list(getattr(self, "output_names", None) or [])
        self._set_untracked("optimizer", optimizers.get(optimizer))
        self._set_untracked("_compile_loss", None if loss is None else CompileLoss(loss, loss_weights, names))
        has_metrics = metrics is not None or weighted_metrics is not None
        compile_metrics = CompileMetrics(metrics, weighted_metrics, names) if has_metrics else None
        self._set_untracked("_compile_metrics", compile_metrics)
        self._set_untracked("_loss_tracker", _loss_tracker())
        self._set_untracked(
            "_compile_arguments",
            {
                "optimizer": self.optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "check_numerics": check_numerics,
            },
        )
        self._run_eagerly = bool(run_eagerly)
        self.check_numerics = bool(check_numerics)
        self.stop_training = False
        self.compiled = True
        self._reset_programs()
        bump_structure()

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run op by op."""
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = bool(value)

    @property
    def loss(self) -> Any:
        """The loss given to `compile`."""
        return None if self._compile_loss is None else self._compile_loss.loss

    # Metrics

    @property
    def metrics(self) -> list[metrics.Metric]:
        """The loss tracker, the metrics of `compile`, the losses of single outputs, then metrics set as attributes."""
        own = super().metrics
        compiled: list[Any] = [m for m in (self._loss_tracker, self._compile_metrics) if m is not None]
        if self._compile_loss is not None:
            compiled += self._compile_loss.trackers
        return compiled + own

    @property
    def metrics_names(self) -> list[str]:
        """Names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Forget what the metrics counted."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                results.update(result)
            else:
                results[metric.name] = result
        return results

    # The steps, to be overridden

    def train_step(self, data: Any) -> Any:
        """One step of training on a batch `(x, y)` or `(x, y, sample_weight)`; returns results by name.

        Override it with ops, a `GradientTape` and `self.optimizer.apply` for other kinds of training: it is compiled
        all the same.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        self._track_loss(loss, x)
        variables = self.trainable_weights
        if variables:
            gradients = tape.gradient(scaled, variables)
            self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> Any:
        """One step of evaluation; returns results by name."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of `compile` plus the losses that layers added, a scalar."""
        total = [] if self._compile_loss is None else [self._compile_loss(y, y_pred, sample_weight)]
        total = [loss for loss in total if loss is not None]
        added = self.losses
        total += [ops.sum(loss) for loss in added]
        if not total:
            raise ValueError(
                f"Model {self.name!r} has no loss to compute. Give `loss` to `compile`, call `add_loss` in a layer, or "
                f"override `compute_loss`."
            )
        return total_of(total)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Count a batch in the metrics of `compile` and return all results."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _track_loss(self, loss: Any, x: Any) -> None:
        # The last batch may be smaller, so it weighs by its size.
        if self._loss_tracker is not None:
            self._loss_tracker.update_state(loss, sample_weight=tree.flatten(x)[0].shape[0])

    # Training and evaluation

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
            class_weight: factor of the loss for each class.
            sample_weight: factor of the loss for each example.
            initial_epoch: number of the first epoch.
            steps_per_epoch: steps in an epoch; as many as there are batches by default.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate every so many epochs, or after the epochs listed.

        Returns:
            A `History` with the results of each epoch in its `history`.

        Raises:
            ValueError: unfit data, with the argument named; nothing has changed then.
            KeyboardInterrupt: on Ctrl-C, with the weights as they were after the last whole step.
        """
        self._require_compiled("fit")
        batch_size = batch_size or (None if batch_size is None else _not_positive("batch_size", batch_size))
        if class_weight is not None and sample_weight is not None:
            raise ValueError("fit: give either `class_weight` or `sample_weight`, not both.")
        if validation_split and validation_data is None:
            if not 0 < validation_split < 1:
                raise ValueError(f"fit: `validation_split` must be in [0, 1), got {validation_split}.")
            if is_iterator(x):
                raise ValueError("fit: `validation_split` needs arrays; give `validation_data` with an iterable.")
            whole = ArrayData(x, y, sample_weight, batch_size)
            parts = unpack_x_y_sample_weight(whole.structure)
            (x, y, sample_weight), validation_data = train_validation_split(parts, validation_split)
        if class_weight is not None:
            if is_iterator(x) or y is None:
                raise ValueError("fit: `class_weight` needs `y` as an array.")
            sample_weight = class_weight_to_sample_weights(y, class_weight)
        data = _as_data(x, y, sample_weight, batch_size, shuffle, steps_per_epoch)
        self._check_data(data, "train")
        validation: Data | None = None
        if validation_data is not None:
            validation = _validation(validation_data, validation_batch_size or batch_size, validation_steps)
            self._check_data(validation, "test", prefix="validation_data")
        level = 1 if verbose == "auto" else int(verbose)
        callback_list = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=level != 0,
            model=self,
            verbose=level,
            epochs=epochs,
            steps=data.num_batches,
        )
        self.stop_training = False
        loop = Loop(self, "train", data, callback_list)
        try:
            callback_list.on_train_begin()
            logs: dict[str, float] = {}
            for epoch in range(initial_epoch, epochs):
                logs = self._fit_epoch(loop, epoch, validation, validation_freq, callback_list)
                if self.stop_training:
                    break
            if getattr(self.optimizer, "use_ema", False):
                self.optimizer.finalize_variable_values(self.trainable_weights)
            callback_list.on_train_end(logs)
        except BaseException:
            callback_list.on_interrupt()
            raise
        return callback_list.history

    def _fit_epoch(
        self,
        loop: Loop,
        epoch: int,
        validation: Data | None,
        validation_freq: int | Sequence[int],
        callbacks: CallbackList,
    ) -> dict[str, float]:
        self.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        order = None
        if isinstance(loop.data, ArrayData) and loop.data.shuffle:
            if self._shuffle_seed is None:
                self._shuffle_seed = int(np.random.randint(0, 2**31 - 1))
            order = loop.data.order(self._shuffle_seed, self._epochs_trained)
        self._epochs_trained += 1
        logs = loop.run(order, epoch)
        if validation is not None and _is_due(epoch, validation_freq):
            results = self._evaluate(validation, callbacks)
            logs = {**logs, **{f"val_{name}": value for name, value in results.items()}}
        callbacks.on_epoch_end(epoch, logs)
        return logs

    def _evaluate(self, data: Data, callbacks: CallbackList) -> dict[str, float]:
        self.reset_metrics()
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
    ) -> Any:
        """The loss and the metrics on data, as in `fit` but without training.

        Returns:
            The loss; with metrics a list of the loss and the metrics; with `return_dict` a dict by name.
        """
        self._require_compiled("evaluate")
        data = _as_data(x, y, sample_weight, batch_size, False, steps)
        self._check_data(data, "test")
        level = 1 if verbose == "auto" else int(verbose)
        callback_list = CallbackList(
            callbacks, add_progbar=level != 0, model=self, verbose=level, epochs=1, steps=data.num_batches
        )
        try:
            logs = self._evaluate(data, callback_list)
        except BaseException:
            callback_list.on_interrupt()
            raise
        return logs if return_dict else _one_or_list(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> Any:
        """The outputs for `x`, as NumPy arrays nested like the outputs of the model."""
        data = _as_data(x, None, None, batch_size, False, steps)
        level = 1 if verbose == "auto" else int(verbose)
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

    # Single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch; returns the loss and metrics counted since `reset_metrics`, as `evaluate` does."""
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("train_on_batch: give either `class_weight` or `sample_weight`, not both.")
            sample_weight = class_weight_to_sample_weights(y, class_weight)
        logs = self._on_batch("train", x, y, sample_weight)
        return logs if return_dict else _one_or_list(logs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Evaluate one batch; returns the loss and metrics counted since `reset_metrics`, as `evaluate` does."""
        logs = self._on_batch("test", x, y, sample_weight)
        return logs if return_dict else _one_or_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        if type(x) is np.ndarray:
            step = self._short_paths.get((x.shape, x.dtype, structure_version()))
            if step is not None:
                return step.program(x)[0].numpy()
        return self._predict_batch(x)

    def _predict_batch(self, x: Any) -> Any:
        batch = valid_batch((x,))
        loop = Loop(self, "predict", None, None)
        step = loop.step_for(batch)
        if step is None:
            outputs = loop.eagerly(batch)
        else:
            outputs = step.pack(step.program(*tree.flatten(batch)))
            if step.single and batch[0] is x:
                self._keep_short_path((x.shape, x.dtype, structure_version()), step)
        return tree.map_structure(lambda leaf: leaf.numpy(), outputs)

    def _on_batch(self, mode: str, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        key: Any = None
        if type(x) is np.ndarray and type(y) is np.ndarray and sample_weight is None:
            key = (mode, x.shape, x.dtype, y.shape, y.dtype, structure_version())
            step = self._short_paths.get(key)
            if step is not None:
                for check in step.checks:
                    check((x, y))
                return step.logs(step.program(x, y))
        self._require_compiled(f"{mode}_on_batch")
        if sample_weight is not None and y is None:
            raise ValueError(f"{mode}_on_batch: `sample_weight` was given without `y`.")
        batch = valid_batch(pack_x_y_sample_weight(x, y, sample_weight))
        loop = Loop(self, mode, None, None)
        logs = loop.logs_of(batch)
        step = loop.last_step
        if step is not None and key is not None and batch[0] is x and batch[1] is y and not self.check_numerics:
            self._keep_short_path((*key[:-1], structure_version()), step)
        return logs

    def _keep_short_path(self, key: Any, step: Step) -> None:
        if self._run_eagerly:
            return
        if len(self._short_paths) >= 16:
            self._short_paths.pop(next(iter(self._short_paths)))
        self._short_paths[key] = step

    # Preparation

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"Call `compile()` on model {self.name!r} before `{method}`.")

    def _check_data(self, data: Data, mode: str, prefix: str = "") -> None:
        """Build what has to be built and check all of the data, before anything has changed."""
        if not isinstance(data, ArrayData):
            return
        try:
            specs = [((None, *shape), dtype) for shape, dtype in data.specs()]
            first = tree.map_structure(lambda array: array[:1], data.structure)
            for check in self._prepare(data.structure, specs, first, mode):
                check(data.arrays)
        except ValueError as error:
            if prefix and error.args:
                error.args = (f"{prefix}: {error.args[0]}",)
            raise

    def _prepare(self, structure: Any, specs: Sequence[tuple[Any, str]], example: Any, mode: str) -> list[LabelRange]:
        """Build the model, the loss and the metrics for data of these shapes and types.

        Returns the checks that each batch has to pass.
        """
        key = (mode, tree.structure_key(structure), tuple((tuple(shape[1:]), dtype) for shape, dtype in specs))
        checks = self._prepared.get(key)
        if checks is not None:
            return checks
        step = getattr(type(self), f"{mode}_step")
        if step is not getattr(Trainer, f"{mode}_step") and self.built:
            return self._prepared.setdefault(key, [])
        placeholders = tree.pack_sequence_as(
            structure, [KerasTensor((None, *shape[1:]), dtype) for shape, dtype in specs]
        )
        checks = []
        if step is getattr(Trainer, f"{mode}_step"):
            y_pred = self._output_spec(placeholders[0], example[0])
            if mode != "predict":
                checks = check_targets(self._compile_loss, structure, y_pred)
                if self._compile_metrics is not None:
                    self._compile_metrics.build(placeholders[1] if len(placeholders) > 1 else None, y_pred)
        self._prepared[key] = checks
        return checks

    def _output_spec(self, x: Any, example: Any) -> Any:
        """Placeholders of the outputs for placeholders `x`, found by tracing; on an example if that is impossible."""

        def call(inputs: Any) -> Any:
            return self(inputs, training=False)

        try:
            return compute_output_spec(call, x)
        except TracingError:
            outputs = call(tree.map_structure(_dlrs.tensor, example))
            return tree.map_structure(lambda leaf: KerasTensor((None, *leaf.shape[1:]), leaf.dtype), outputs)
        finally:
            self._clear_losses()

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain values, or None if it was not called."""
        from dlrs.saving.serialization import serialize_compile_arguments

        arguments: dict[str, Any] | None = self.__dict__.get("_compile_arguments")
        return None if arguments is None else serialize_compile_arguments(arguments)

    def compile_from_config(self, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> None:
        """Call `compile` with what `get_compile_config` returned."""
        from dlrs.saving.serialization import deserialize_compile_arguments

        self.compile(**deserialize_compile_arguments(config, custom_objects))


def _loss_tracker() -> metrics.Mean:
    return metrics.Mean(name="loss")


def _not_positive(name: str, value: Any) -> int:
    raise ValueError(f"`{name}` must be a positive integer, got {value!r}.")


def _as_data(x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: Any, steps: int | None) -> Data:
    if steps is not None and steps <= 0:
        raise ValueError(f"The number of steps must be positive, got {steps}.")
    if x is None:
        raise ValueError("There is no data: give `x`.")
    if not is_iterator(x):
        return ArrayData(x, y, sample_weight, batch_size, shuffle, steps)
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(f"`{name}` must not be given when `x` is an iterable, which gives whole batches.")
    return IteratorData(x, steps)


def _validation(data: Any, batch_size: int | None, steps: int | None) -> Data:
    if is_iterator(data):
        return IteratorData(data, steps)
    try:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return ArrayData(x, y, sample_weight, batch_size, False, steps)
    except ValueError as error:
        raise ValueError(f"validation_data: {error}") from None


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _one_or_list(logs: dict[str, float]) -> float | list[float]:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


__all__ = ["Trainer", "as_logs", "specs_of"]
