"""What a model is compiled with, its steps, and what has to exist before they run."""

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dlrs import _dlrs, metrics, ops, optimizers
from dlrs.backend import GradientTape, KerasTensor, compute_output_spec, tree
from dlrs.backend.structure import bump_structure
from dlrs.backend.unknown_arguments import knows_its_arguments
from dlrs.data import ArrayData, Data, unpack_x_y_sample_weight
from dlrs.data.iterator_data import valid_batch
from dlrs.errors import TracingError
from dlrs.layers.call_arguments import signature_of
from dlrs.layers.embedding import watching_lookups
from dlrs.trainers.arguments import check_integer
from dlrs.trainers.compile_loss import CompileLoss, total_of
from dlrs.trainers.compile_metrics import CompileMetrics
from dlrs.trainers.steps import Step, Steps, specs_of
from dlrs.trainers.validation import Check, IdRange, check_targets

if TYPE_CHECKING:
    from dlrs.layers.layer import Layer as Base
else:
    Base = object


_FUNCTIONS = ("train_function", "test_function", "predict_function")
_NOT_COPIED = frozenset(("_steps", "_untraceable", "_prepared", "_short_paths", "history", *_FUNCTIONS))


class Stepping(Base):
    """The part of a trainer below its loops: `compile`, metrics, the steps that may be overridden, preparation."""

    optimizer: optimizers.Optimizer
    _never_tracked = frozenset(
        ("_inbound_nodes", "_outbound_nodes", "_loss_tracker", "_compile_metrics", "_compile_loss", "optimizer")
    )

    def _init_trainer(self) -> None:
        self._set_untracked("_loss_tracker", None)
        self._set_untracked("_compile_loss", None)
        self._set_untracked("_compile_metrics", None)
        self._set_untracked("_compile_arguments", None)
        self._set_untracked("history", None)
        self.compiled = False
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.steps_per_execution = 1
        self.check_numerics = False
        self._run_eagerly = False
        self._jit_compile = True
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
        for mode in steps:
            self._set_untracked(f"{mode}_function", None)

    def __getstate__(self) -> dict[str, Any]:
        # Programs are made anew where they are needed; a history holds callbacks, which hold the model.
        return {name: value for name, value in super().__getstate__().items() if name not in _NOT_COPIED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._set_untracked("history", None)
        self._reset_programs()

    _steps: dict[str, Steps]
    _untraceable: set[str]
    _prepared: dict[Any, list[Check]]
    _short_paths: dict[Any, Step]
    train_function: Callable[[Any], Any] | None
    test_function: Callable[[Any], Any] | None
    predict_function: Callable[[Any], Any] | None
    _loss_tracker: metrics.Mean | None
    _compile_loss: CompileLoss | None
    _compile_metrics: CompileMetrics | None
    history: Any

    @knows_its_arguments
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
            optimizer: an `Optimizer` or the name of one; None for a model that is evaluated only.
            loss: a loss (name, function of `(y_true, y_pred)`, or `Loss`), or a list or dict of them by output.
            loss_weights: factors of the losses, nested likewise.
            metrics: metrics (names, functions or `Metric`s), or a list or dict of lists of them by output.
            weighted_metrics: metrics that are given `sample_weight`.
            run_eagerly: run every op as it is called, for debugging.
            steps_per_execution: steps between two calls of a callback's methods of single batches. Without such
                callbacks an epoch is one call whatever it is.
            jit_compile: taken for compatibility: steps are compiled unless `run_eagerly` is set.
            auto_scale_loss: whether a model of the policy "mixed_float16" gets a `LossScaleOptimizer` around the
                optimizer.
            check_numerics: stop at the first step whose loss is not finite, discard it, and name the first layer with a
                non-finite output in a `dlrs.errors.NonFiniteError`.

        Raises:
            ValueError: an unknown name, or a list or dict that does not match the outputs.
        """
        steps_per_execution = check_integer(steps_per_execution, "steps_per_execution", 1)
        names = list(getattr(self, "output_names", None) or [])
        # All that may be refused is made before anything is replaced.
        made_optimizer = optimizers.get(optimizer)
        compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        has_metrics = metrics is not None or weighted_metrics is not None
        compile_metrics = CompileMetrics(metrics, weighted_metrics, names) if has_metrics else None
        scales = bool(auto_scale_loss) and self.dtype_policy.name == "mixed_float16"
        if (
            scales
            and isinstance(made_optimizer, optimizers.Optimizer)
            and not isinstance(made_optimizer, optimizers.LossScaleOptimizer)
        ):
            self._set_untracked("optimizer", optimizers.LossScaleOptimizer(made_optimizer))
        else:
            self._set_untracked("optimizer", made_optimizer)
        self._set_untracked("_compile_loss", compile_loss)
        self._set_untracked("_compile_metrics", compile_metrics)
        self._set_untracked("_loss_tracker", _loss_tracker())
        self._set_untracked(
            "_compile_arguments",
            {
                "optimizer": made_optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": bool(run_eagerly),
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
                "auto_scale_loss": bool(auto_scale_loss),
                "check_numerics": bool(check_numerics),
            },
        )
        self._run_eagerly = bool(run_eagerly)
        self._jit_compile = bool(jit_compile)
        self.steps_per_execution = steps_per_execution
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
        self._short_paths.clear()

    @property
    def jit_compile(self) -> bool:
        """What `compile` was told; steps are compiled unless `run_eagerly` is set."""
        return self._jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool) -> None:
        self._jit_compile = bool(value)

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
            compiled += self._compile_loss.metrics
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
            loss = self._computed_loss(x, y, y_pred, sample_weight, training=True)
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
        loss = self._computed_loss(x, y, y_pred, sample_weight, training=False)
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

    def _computed_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """The result of `compute_loss`, which a class of the user's may define without `training`."""
        signature = signature_of(type(self).compute_loss)
        flag = {"training": training} if signature.takes_training or "kwargs" in signature.names else {}
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **flag)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Count a batch in the metrics of `compile` and return all results."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _track_loss(self, loss: Any, x: Any) -> None:
        # The last batch may be smaller, so it weighs by its size.
        if self._loss_tracker is not None:
            self._loss_tracker.update_state(loss, sample_weight=tree.flatten(x)[0].shape[0])

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
            rows = self._fixed_batch_size() or (data.batch_size if self._is_stateful() else 1)
            first = tree.map_structure(lambda array: array[:rows], data.structure)
            for check in self._prepare(data.structure, specs, first, mode):
                check(data.arrays)
        except ValueError as error:
            if prefix and error.args:
                error.args = (f"{prefix}: {error.args[0]}",)
            raise

    def _prepare(self, structure: Any, specs: Sequence[tuple[Any, str]], example: Any, mode: str) -> list[Check]:
        """Build the model, the loss and the metrics for data of these shapes and types.

        Returns the checks that each batch has to pass.
        """
        key = (mode, tree.structure_key(structure), tuple((tuple(shape[1:]), dtype) for shape, dtype in specs))
        known = self._prepared.get(key)
        if known is not None:
            return known
        step = getattr(type(self), f"{mode}_step")
        if step is not getattr(Stepping, f"{mode}_step") and self.built:
            return self._prepared.setdefault(key, [])
        batch = self._fixed_batch_size()
        if batch is None and self._is_stateful():
            batch = tree.flatten(example)[0].shape[0]
        placeholders = tree.pack_sequence_as(
            structure, [KerasTensor((batch, *shape[1:]), dtype) for shape, dtype in specs]
        )
        checks: list[Check] = []
        if step is getattr(Stepping, f"{mode}_step"):
            y_pred, ranges = self._output_spec(placeholders[0], example[0])
            checks += ranges
            if mode != "predict":
                if type(self).compute_loss is Stepping.compute_loss:
                    checks += check_targets(self._compile_loss, structure, y_pred)
                if self._compile_metrics is not None:
                    self._compile_metrics.build(placeholders[1] if len(placeholders) > 1 else None, y_pred)
        self._prepared[key] = checks
        return checks

    # Steps one by one

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function that takes a batch from an iterator, trains on it and returns the results by name; it is kept as
        `train_function`. `fit` itself runs whole epochs.

        Args:
            force: make it anew.
        """
        return self._step_function("train", force)

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function that takes a batch from an iterator, evaluates it and returns the results by name; it is kept as
        `test_function`.

        Args:
            force: make it anew.
        """
        return self._step_function("test", force)

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function that takes a batch from an iterator and returns the outputs; it is kept as `predict_function`.

        Args:
            force: make it anew.
        """
        return self._step_function("predict", force)

    def _step_function(self, mode: str, force: bool) -> Callable[[Any], Any]:
        known: Callable[[Any], Any] | None = getattr(self, f"{mode}_function")
        if known is not None and not force:
            return known

        def function(iterator: Any) -> Any:
            from dlrs.trainers.loops import Loop

            return Loop(self, mode, None, None).outputs_of(valid_batch(next(iterator)))  # type: ignore[arg-type]

        self._set_untracked(f"{mode}_function", function)
        return function

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Build the model, the loss and the metrics for a batch, or the first one of `iterator`, and train nothing."""
        batch = valid_batch(next(iter(iterator)) if data_batch is None else data_batch)
        self._prepare(batch, specs_of(batch)[1], batch, "train")

    def _given_inputs(self, x: Any) -> Any:
        """The inputs that a user gave, as data may hold them."""
        return x

    def _fixed_batch_size(self) -> int | None:
        """The batch size that the model's inputs demand, None if they take any."""
        return None

    def _is_stateful(self) -> bool:
        """Whether a layer keeps a state for each example of a batch, so that all batches are of one size."""
        return any(getattr(layer, "stateful", False) is True for layer in self._flatten_layers())

    def _build_optimizer(self, mode: str) -> None:
        """Make the optimizer's slots before a step is traced; a step of the user's makes those it needs itself."""
        if mode != "train" or type(self).train_step is not Stepping.train_step:
            return
        if self.optimizer is None:
            raise ValueError("The model was compiled with `optimizer=None`: to train it, give `compile` an optimizer.")
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_weights)

    def _output_spec(self, x: Any, example: Any) -> tuple[Any, list[IdRange]]:
        """Placeholders of the outputs for placeholders `x`, and what embeddings ask of the inputs.

        They are found by tracing; on an example if that is impossible.
        """
        ranges: list[IdRange] = []

        def call(inputs: Any) -> Any:
            with watching_lookups() as lookups:
                outputs = self(inputs, training=False)
            places = {id(leaf): index for index, leaf in enumerate(tree.flatten(inputs))}
            given = [(getattr(ids, "converted_from", ids), rows, owner) for ids, rows, owner in lookups]
            found = {(places[id(ids)], rows, owner) for ids, rows, owner in given if id(ids) in places}
            ranges[:] = [IdRange(*bound) for bound in sorted(found)]
            return outputs

        try:
            return compute_output_spec(call, x), ranges
        except TracingError:
            return _open_batch(call(tree.map_structure(_dlrs.tensor, example))), ranges
        except ValueError:
            # A first axis that is not one of examples may need the size that it has.
            try:
                sizes = tree.map_structure(lambda a, b: KerasTensor(a.shape, b.dtype), example, x)
                return _open_batch(compute_output_spec(call, sizes)), ranges
            except (ValueError, TypeError):
                pass
            raise
        finally:
            self._clear_losses()

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain values, or None if it was not called."""
        from dlrs.saving.compile_config import serialize_compile_arguments

        arguments: dict[str, Any] | None = self.__dict__.get("_compile_arguments")
        return None if arguments is None else serialize_compile_arguments(arguments)

    def compile_from_config(self, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> None:
        """Call `compile` with what `get_compile_config` returned.

        A class with a `compile` of its own needs a `compile_from_config` of its own: without, nothing is done, with a
        warning.
        """
        if _has_own_compile(type(self)):
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's `compile()` method is custom. "
                "A class that overrides `compile` should override `get_compile_config` and `compile_from_config`, too; "
                "or call `compile()` on the model that was loaded.",
                stacklevel=2,
            )
            return
        from dlrs.saving.compile_config import deserialize_compile_arguments

        self.compile(**deserialize_compile_arguments(config, custom_objects))


def _has_own_compile(cls: type) -> bool:
    """Whether a class, and not the library, defines `compile`, and nobody says how it is called anew."""
    owner = next(base for base in cls.__mro__ if "compile" in vars(base))
    reader = next(base for base in cls.__mro__ if "compile_from_config" in vars(base))
    return not owner.__module__.startswith("dlrs.") and reader.__module__.startswith("dlrs.")


def _open_batch(outputs: Any) -> Any:
    """Placeholders for outputs, the first size left open."""
    return tree.map_structure(lambda leaf: KerasTensor((None, *leaf.shape[1:]), leaf.dtype), outputs)


def _loss_tracker() -> metrics.Mean:
    return metrics.Mean(name="loss")
