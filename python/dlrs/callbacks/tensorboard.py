"""Results, weights and the model as event files, which TensorBoard shows."""

import itertools
import os
import time
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlrs.backend.checks import check_count, check_type
from dlrs.callbacks.callback import Logs
from dlrs.callbacks.learning_rates import learning_rates
from dlrs.callbacks.periodic_callback import PeriodicCallback

# The tensor by which Keras's configuration of the projector names an embedding layer's weights.
_EMBEDDING_TENSOR = "layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE"
_numbers = itertools.count()


class TensorBoard(PeriodicCallback):
    """Writes event files to `log_dir/train` and `log_dir/validation`, for `tensorboard --logdir log_dir`.

    Written are, after each epoch, the results and the learning rate (`epoch_loss`, `epoch_learning_rate`, ...); after
    each evaluation its results over the number of updates (`evaluation_loss_vs_iterations`); and what the arguments
    ask for. Needs the package `tensorboardX` (`pip install dlrs[tensorboard]`).

    Args:
        log_dir: the directory.
        histogram_freq: number of epochs between histograms of all weights; 0 for none.
        write_graph: write the layers of a sequential or functional model.
        write_images: write weights as pictures together with their histograms (needs Pillow).
        write_steps_per_second: write how many steps were done in a second.
        update_freq: `"epoch"`; or a number of batches after which results are written, too (`batch_loss`, ...);
            `"batch"` is 1. `fit` runs that many batches in one call.
        profile_batch: must be 0: batches are not profiled.
        embeddings_freq: number of epochs between tables of the vectors of embedding layers
            (`train/<layer>-<epoch>.tsv`), which the projector loads; 0 for none.
        embeddings_metadata: the path of the words of an embedding layer for each layer's name, or of all of them.

    Raises:
        ImportError: when training begins, `tensorboardX` is not installed.
        ValueError: an argument is not one of those allowed; `embeddings_metadata` names no embedding layer (when
            training begins).

    >>> TensorBoard("logs", update_freq=100).batches_to_go
    100
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | Literal["epoch", "batch"] = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: dict[str, str] | str | None = None,
    ) -> None:
        super().__init__(1 if update_freq == "batch" else update_freq)
        if profile_batch:
            raise ValueError(
                f"TensorBoard: batches are not profiled: `profile_batch` must be 0, got {profile_batch!r}."
            )
        check_type("TensorBoard", "log_dir", log_dir, str | os.PathLike, "a path")
        check_count("TensorBoard", "histogram_freq", histogram_freq, 0)
        check_count("TensorBoard", "embeddings_freq", embeddings_freq, 0)
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = self.save_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._writers: dict[str, Any] = {}
        self._training = False
        self._steps = 0
        self._marks: dict[str, tuple[float, int]] = {}

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()
        if self.write_graph and type(model).__name__ in ("Functional", "Sequential"):
            self._write_model()
        if self.embeddings_freq:
            self._write_projector_config()

    def on_train_begin(self, logs: Logs = None) -> None:
        self._training = True
        self._steps = self._batches_seen = 0
        self._mark("batch", 0)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._mark("epoch", self._iterations())

    def on_period_end(self, batch: int, logs: Logs) -> None:
        self._steps += int(self.save_freq)
        results = dict(logs or {})
        if self.write_steps_per_second:
            results["steps_per_second"] = self._speed("batch", self._steps)
        self._write_scalars("train", {f"batch_{name}": value for name, value in results.items()}, self._steps)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        training = self._collect_learning_rate(training)
        if self.write_steps_per_second:
            training["steps_per_second"] = self._speed("epoch", self._iterations())
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        for part, results in (("train", training), ("validation", validation)):
            self._write_scalars(part, {f"epoch_{name}": value for name, value in results.items()}, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)

    def on_test_end(self, logs: Logs = None) -> None:
        if getattr(self.model, "optimizer", None) is not None:
            results = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._write_scalars("validation", results, self._iterations())
        if not self._training:
            self._close()

    def on_train_end(self, logs: Logs = None) -> None:
        self._training = False
        self._close()

    def on_interrupt(self) -> None:
        self.on_train_end()

    def _collect_learning_rate(self, logs: dict[str, Any]) -> dict[str, Any]:
        """`logs` with the learning rate, or with those of several optimizers."""
        return logs | learning_rates(self.model)

    def _iterations(self) -> int:
        return int(self.model.optimizer.iterations)

    def _mark(self, name: str, steps: int) -> None:
        self._marks[name] = time.perf_counter(), steps

    def _speed(self, name: str, steps: int) -> float:
        """Steps in a second since the last mark of that name, which is moved."""
        then, before = self._marks[name]
        self._mark(name, steps)
        return (steps - before) / max(self._marks[name][0] - then, 1e-9)

    def _writer(self, part: str) -> Any:
        """The writer of a directory, made when something is written to it."""
        if part not in self._writers:
            try:
                from tensorboardX import SummaryWriter
            except ImportError:
                raise ImportError(
                    "TensorBoard needs the package `tensorboardX`: pip install dlrs[tensorboard]."
                ) from None
            # A file is named by the second in which it is made: the rest of its name keeps it from replacing another.
            suffix = f".{os.getpid()}.{next(_numbers)}"
            self._writers[part] = SummaryWriter(os.path.join(self.log_dir, part), filename_suffix=suffix)
        return self._writers[part]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write_scalars(self, part: str, values: dict[str, Any], step: int) -> None:
        for name, value in values.items():
            if np.size(value) == 1:
                self._writer(part).add_scalar(name, float(value), step)

    def _write_model(self) -> None:
        """The configuration, from which TensorBoard draws the layers."""
        try:
            text = self.model.to_json()
        except Exception as error:  # whatever a class of the user's raises
            warnings.warn(f"TensorBoard: the model has no configuration, and is not drawn: {error}", stacklevel=4)
            return
        writer = self._writer("train")
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboardX.proto.tensor_pb2 import TensorProto

        plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        value = Summary.Value(
            tag="keras",
            metadata=SummaryMetadata(plugin_data=plugin),
            tensor=TensorProto(dtype="DT_STRING", string_val=[text.encode()]),
        )
        writer.file_writer.add_summary(Summary(value=[value]), 0)

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                values = weight.numpy().astype("float64")
                finite = values[np.isfinite(values)]
                if finite.size:
                    writer.add_histogram(f"{weight.path}/histogram", finite, epoch)
                pictures = _as_images(values) if self.write_images else None
                if pictures is not None:
                    writer.add_images(f"{weight.path}/image", pictures, epoch, dataformats="NHWC")
        writer.flush()

    def _embedding_layers(self) -> list[Any]:
        from dlrs.layers import Embedding

        return [layer for layer in self.model.layers if isinstance(layer, Embedding)]

    def _write_projector_config(self) -> None:
        layers = self._embedding_layers()
        given = self.embeddings_metadata
        unknown = set() if given is None or isinstance(given, str) else set(given) - {layer.name for layer in layers}
        if unknown:
            raise ValueError(
                f"TensorBoard: `embeddings_metadata` has unrecognized names: {sorted(unknown)}. There are "
                f"{[layer.name for layer in layers]}."
            )
        lines = []
        for layer in layers:
            lines += ["embeddings {", f'  tensor_name: "{_EMBEDDING_TENSOR}"']
            path = given if given is None or isinstance(given, str) else given.get(layer.name)
            if path is not None:
                lines.append(f'  metadata_path: "{path}"')
            lines.append("}")
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        Path(self.log_dir, "projector_config.pbtxt").write_text("".join(line + "\n" for line in lines))

    def _write_embeddings(self, epoch: int) -> None:
        directory = Path(self.log_dir, "train")
        directory.mkdir(parents=True, exist_ok=True)
        for layer in self._embedding_layers():
            np.savetxt(directory / f"{layer.name}-{epoch}.tsv", layer.embeddings.numpy(), fmt="%.7g", delimiter="\t")


def _as_images(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Weights as grey pictures (number, rows, columns, 1) with values in [0, 1].

    None for more axes than three, and for values that are not finite.
    """
    values = np.squeeze(values)
    if values.ndim > 3 or not np.isfinite(values).all() or values.size == 0:
        return None
    if values.ndim == 3:
        values = np.moveaxis(values, -1, 0)
    elif values.ndim == 2:
        values = (values.T if values.shape[0] > values.shape[1] else values)[None]
    else:
        values = values.reshape(1, 1, -1)
    span = float(np.ptp(values))
    pictures: np.ndarray[Any, Any] = (values - values.min()) / (span if span > 0 else 1.0)
    return pictures[..., None]
