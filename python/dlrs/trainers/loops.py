"""The three ways to run the steps of an epoch: an epoch per call, a step per call, or op by op."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import tree
from dlrs.callbacks import CallbackList, Position
from dlrs.data import ArrayData, IteratorData, as_given
from dlrs.data.blocks import Block
from dlrs.data.dataset_data import DatasetData
from dlrs.errors import TracingError
from dlrs.trainers.numerics import non_finite_error, snapshot
from dlrs.trainers.steps import Step, as_logs, specs_of, tracing_advice

if TYPE_CHECKING:
    from dlrs.trainers.trainer import Trainer

Array = np.ndarray[Any, Any]

# What a callback sets to end the loop after the batch.
_STOPS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


class Loop:
    """Runs epochs of one kind of step over data.

    Args:
        model: the model.
        mode: "train", "test" or "predict".
        data: the data, or None for single batches.
        callbacks: the callbacks; none for single batches.
    """

    def __init__(
        self, model: "Trainer", mode: str, data: ArrayData | IteratorData | None, callbacks: CallbackList | None
    ) -> None:
        self.model = model
        self.mode = mode
        self.data = data
        self.callbacks = callbacks or CallbackList()
        self.last_step: Step | None = None
        self._hooked = self.callbacks.has_batch_hooks(mode)

    @property
    def eager(self) -> bool:
        """Whether steps run op by op."""
        return self.model.run_eagerly or self.mode in self.model._untraceable

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked for the end."""
        return bool(getattr(self.model, _STOPS[self.mode]))

    def prepare(self) -> None:
        """Trace the steps for arrays, so that what does not fit is refused before anything has changed."""
        if not isinstance(self.data, ArrayData) or self.eager:
            return
        data = self.data
        if data.num_full:
            self._step_of_size(data, data.batch_size)
        if data.num_full < data.num_batches and not self.eager:
            self._step_of_size(data, data.last_size)

    def run(self, order: Array | None, epoch: int | None, begun: Position | None = None) -> dict[str, float]:
        """Run one epoch over the rows in `order`, or what is left of it; return its results."""
        if isinstance(self.data, ArrayData) and not self._hooked and not self.eager:
            logs = self._whole_epoch(self.data, order, epoch, begun)
            if logs is not None:
                return logs
        # The weights of classes are looked up batch by batch.
        in_blocks = isinstance(self.data, DatasetData) and self.data.class_weight is None
        if in_blocks and not self._hooked and not self.eager and begun is None:
            return self._block_by_block(self.data, order, epoch)  # type: ignore[arg-type]
        return self._step_by_step(order, epoch, begun)

    # An epoch per call

    def _whole_epoch(
        self, data: ArrayData, order: Array | None, epoch: int | None, begun: Position | None
    ) -> dict[str, float] | None:
        """The full batches in one call, or one for each period of a callback, and the smaller last batch in another.

        None if a step cannot be traced.
        """
        steps = {}
        if data.num_full:
            steps[data.batch_size] = self._step_of_size(data, data.batch_size)
        if data.num_full < data.num_batches:
            steps[data.last_size] = self._step_of_size(data, data.last_size)
        if None in steps.values():
            return None
        position, logs = self._begin(begun)
        while position < data.num_batches:
            full = position < data.num_full
            end = self._part_end(position, data.num_full if full else data.num_batches)
            step = steps[data.batch_size if full else data.last_size]
            assert step is not None
            logs = step.logs(self._run_part(data, order, epoch, step, position, end))
            if self.mode == "train":
                self.callbacks.on_train_batches_end(end - position, end - 1, logs)
            position = end
            if self.model.stop_training and self.mode == "train":
                break
        self.callbacks.on_progress(position, logs)
        return logs

    def _begin(self, begun: Position | None) -> tuple[int, dict[str, float]]:
        """Number of batches that are done, and their results."""
        if begun is None:
            return 0, {}
        begun.restore_metrics()
        return begun.batch, dict(begun.logs or {})

    def _part_end(self, position: int, end: int) -> int:
        """The batch up to which steps run in one call from `position` on, at most `end`."""
        count = self.callbacks.batches_to_go if self.mode == "train" else None
        return end if count is None else min(end, position + max(count, 1))

    def _run_part(
        self, data: ArrayData, order: Array | None, epoch: int | None, step: Step, position: int, end: int
    ) -> Any:
        """The outputs of the last of the batches `position` to `end`, which are of one size."""
        size = data.batch_size
        stop = min(end * size, data.num_examples)
        arrays, rows = data.rows(order, position * size, stop)
        done, outputs = step.program.run_epoch(
            arrays,
            rows,
            on_progress=self._progress(position),
            stop_on_nonfinite=step.loss_index if self.model.check_numerics else None,
        )
        if done < end - position:
            batch = data.batch(order, position + done)
            raise non_finite_error(self.model, batch, epoch, position + done)
        return outputs

    def _progress(self, before: int) -> Any:
        if not any(callback.params.get("verbose") for callback in self.callbacks.callbacks):
            return None

        def on_progress(done: int) -> None:
            self.callbacks.on_progress(before + done, as_logs(self.model.get_metrics_result()))

        return on_progress

    def _step_of_size(self, data: ArrayData, batch: int) -> Step | None:
        return self._trace(data.structure, [((batch, *shape), dtype) for shape, dtype in data.specs()])

    # Several steps per call

    def _block_by_block(self, data: DatasetData, order: Array | None, epoch: int | None) -> dict[str, float]:
        """Blocks of batches, each in one call, while a thread makes the next block."""
        position, logs = 0, {}
        for block in data.blocks(order):
            done = 0
            while done < block.batches and not self.stopped:
                end = self._part_end(position, position + block.batches - done) - position + done
                logs = self._run_block(block, done, end, epoch, position)
                position += end - done
                if self.mode == "train":
                    self.callbacks.on_train_batches_end(end - done, position - 1, logs)
                done = end
            if self.stopped:
                break
        self.callbacks.on_progress(position, logs)
        return logs

    def _run_block(self, block: Block, start: int, end: int, epoch: int | None, position: int) -> dict[str, float]:
        """The results after the batches `start` to `end` of a block, the first of which is number `position`."""
        step = self.step_for(block.batch(start))
        if step is None:
            for index in range(start, end):
                logs = self.logs_of(block.batch(index), epoch, position + index - start)
            return logs
        arrays, rows = block.part(start, end)
        for check in step.checks:
            check(arrays)
        done, outputs = step.program.run_epoch(
            arrays,
            rows,
            on_progress=self._progress(position),
            stop_on_nonfinite=step.loss_index if self.model.check_numerics else None,
        )
        if done < end - start:
            raise non_finite_error(self.model, block.batch(start + done), epoch, position + done)
        return step.logs(outputs)

    # A step per call

    def _step_by_step(self, order: Array | None, epoch: int | None, begun: Position | None) -> dict[str, float]:
        position, logs = (0, {}) if begun is None else (begun.batch, dict(begun.logs or {}))
        groups = BatchHooks(self.callbacks, self.mode, self.model.steps_per_execution)
        for index, batch in enumerate(self.batches(order)):
            if begun is not None and index in (0, position):
                # Metrics may be made by the first trace.
                self.step_for(batch)
                begun.restore_metrics()
            if index < position:
                continue
            groups.begin(index)
            logs = self.logs_of(batch, epoch, index)
            groups.end(index, logs)
            self.callbacks.on_progress(index + 1, logs)
            if self.stopped:
                break
        groups.finish(logs)
        return logs

    def batches(self, order: Array | None) -> Iterator[Any]:
        """The batches of an epoch."""
        if isinstance(self.data, ArrayData):
            for step in range(self.data.num_batches):
                yield self.data.batch(order, step)
        elif self.data is not None:
            yield from self.data.epoch(order)

    def logs_of(self, batch: Any, epoch: int | None = None, index: int = 0) -> dict[str, float]:
        """Run one step on a batch of valid arrays; return its results."""
        step = self.step_for(batch)
        arrays = tree.flatten(batch)
        if not self.model.check_numerics:
            return as_logs(self.eagerly(batch)) if step is None else step.logs(step.program(*arrays))
        if step is None:
            restore = snapshot(self.model)
            logs = as_logs(self.eagerly(batch))
            if not np.isfinite(logs.get("loss", 0.0)):
                restore()
                raise non_finite_error(self.model, batch, epoch, index)
            return logs
        done, outputs = step.program.run_epoch(arrays, None, stop_on_nonfinite=step.loss_index)
        if done == 0:
            raise non_finite_error(self.model, batch, epoch, index)
        return step.logs(outputs)

    def step_for(self, batch: Any) -> Step | None:
        """The program for a batch of valid arrays, which is checked; None if its steps run eagerly."""
        arrays, specs = specs_of(batch)
        checks = self.model._prepare(batch, specs, batch, self.mode)
        for check in checks:
            check(arrays)
        self.last_step = None if self.eager else self._trace(batch, specs)
        if self.last_step is not None:
            self.last_step.checks = checks
        return self.last_step

    def _trace(self, structure: Any, specs: Any) -> Step | None:
        self.model._build_optimizer(self.mode)
        try:
            return self.model._steps[self.mode].get(structure, specs)
        except TracingError as error:
            warnings.warn(tracing_advice(error), stacklevel=5)
            self.model._untraceable.add(self.mode)
            return None
        finally:
            self.model._clear_losses()

    def outputs_of(self, batch: Any) -> Any:
        """What the step returns for a batch of valid arrays."""
        step = self.step_for(batch)
        return self.eagerly(batch) if step is None else step.pack(step.program(*tree.flatten(batch)))

    # Op by op

    def eagerly(self, batch: Any) -> Any:
        """The result of the step's Python function on tensors."""
        step = getattr(self.model, f"{self.mode}_step")
        return step(as_given(tree.map_structure(_dlrs.tensor, batch)))


class BatchHooks:
    """Calls the hooks of batches once for so many steps: before the first of them and after the last.

    Args:
        callbacks: what has the hooks.
        mode: "train", "test" or "predict".
        size: number of steps between the calls.
    """

    def __init__(self, callbacks: CallbackList, mode: str, size: int) -> None:
        self._begin = getattr(callbacks, f"on_{mode}_batch_begin")
        self._end = getattr(callbacks, f"on_{mode}_batch_end")
        self._size = size
        self._last: int | None = None

    def begin(self, index: int) -> None:
        """Before step `index`."""
        if self._last is None:
            self._last = index - index % self._size + self._size - 1
            self._begin(index)

    def end(self, index: int, logs: dict[str, Any]) -> None:
        """After step `index`."""
        if index == self._last:
            self.finish(logs)

    def finish(self, logs: dict[str, Any]) -> None:
        """Tell of the steps since the last call; Keras numbers them as if they were as many as ever."""
        if self._last is not None:
            self._end(self._last, logs)
            self._last = None


def run_predict(loop: Loop) -> Any:
    """The outputs for all of a loop's data, as arrays nested like the outputs of the model."""
    if isinstance(loop.data, ArrayData) and not loop._hooked and not loop.eager:
        outputs = _predict_arrays(loop, loop.data)
        if outputs is not None:
            return outputs
    parts: list[list[Array]] = []
    structure: Any = None
    groups = BatchHooks(loop.callbacks, "predict", loop.model.steps_per_execution)
    for index, batch in enumerate(loop.batches(None)):
        groups.begin(index)
        structure = loop.outputs_of(batch)
        parts.append([leaf.numpy() for leaf in tree.flatten(structure)])
        groups.end(index, {"outputs": tree.pack_sequence_as(structure, parts[-1])})
        loop.callbacks.on_progress(index + 1)
        if loop.stopped:
            break
    if parts:
        groups.finish({"outputs": tree.pack_sequence_as(structure, parts[-1])})
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return tree.pack_sequence_as(structure, joined)


def _predict_arrays(loop: Loop, data: ArrayData) -> Any:
    full, size = data.num_full, data.batch_size
    parts: list[list[Array]] = []
    structure: Any = None
    if full:
        step = loop._step_of_size(data, size)
        if step is None:
            return None
        arrays, _ = data.rows(None, 0, full * size)
        _, outputs = step.program.run_epoch(arrays, None, on_progress=loop.callbacks.on_progress, collect=True)
        structure = step.pack(outputs)
        parts.append([leaf.numpy() for leaf in tree.flatten(structure)])
    if full < data.num_batches:
        step = loop._step_of_size(data, data.last_size)
        if step is None:
            return None
        arrays, _ = data.rows(None, full * size, full * size + data.last_size)
        structure = step.pack(step.program(*arrays))
        parts.append([leaf.numpy() for leaf in tree.flatten(structure)])
    loop.callbacks.on_progress(data.num_batches)
    joined = [column[0] if len(column) == 1 else np.concatenate(column) for column in zip(*parts, strict=True)]
    return tree.pack_sequence_as(structure, joined)
