"""Callbacks that write results down, send them, and look at the loss of every batch."""

import builtins
import csv
import json
import os
import sys
import types

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is not installed")


def data(rows: int = 12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def model(**compile_arguments):
    dlrs.utils.set_random_seed(0)
    made = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(4, name="inner"), layers.Dense(1, name="outer")])
    made.compile(**{"optimizer": "sgd", "loss": "mse"} | compile_arguments)
    return made


def fit(made, *given, **arguments):
    return made.fit(*data(), batch_size=4, verbose=0, callbacks=list(given), **{"epochs": 2} | arguments)


def test_csv_logger_writes_and_appends(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(model(), callbacks.CSVLogger(path, separator=";"), validation_data=data(), validation_freq=2)
    rows = list(csv.DictReader(path.open(), delimiter=";"))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    assert [row["val_loss"] for row in rows] == ["NA", str(history.history["val_loss"][0])]
    fit(model(), callbacks.CSVLogger(path, separator=";", append=True), epochs=1)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    assert lines[3].startswith("0;")
    fit(model(), callbacks.CSVLogger(str(path)), epochs=1)
    assert len(path.read_text().splitlines()) == 2


def test_csv_logger_closes_its_file_when_fit_breaks_off_and_refuses_bad_arguments(tmp_path):
    logger = callbacks.CSVLogger(tmp_path / "log.csv")

    def fail(epoch, logs):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fit(model(), logger, callbacks.LambdaCallback(on_epoch_end=fail))
    assert logger._file is None
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 2
    with pytest.raises(ValueError, match="`separator` must be a single character, got 'ab'"):
        callbacks.CSVLogger("log.csv", separator="ab")
    with pytest.raises(RuntimeError, match="`on_train_begin` opens the file"):
        callbacks.CSVLogger("log.csv").on_epoch_end(0, {"loss": 1.0})


def test_terminate_on_nan():
    x, y = data()
    y[5] = np.inf  # the second of three batches
    seen = []
    watch = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = model().fit(
        x, y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=[watch, callbacks.TerminateOnNaN()]
    )
    assert seen == [0, 1]
    assert len(history.history["loss"]) == 1
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 1"):
        model().fit(
            x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)]
        )


class Requests(types.ModuleType):
    """Stands for the package."""

    class exceptions:  # noqa: N801
        RequestException = OSError

    def __init__(self, reachable=True):
        super().__init__("requests")
        self.sent = []
        self.reachable = reachable

    def post(self, url, content=None, **arguments):
        if not self.reachable:
            raise OSError("refused")
        self.sent.append((url, content, arguments))


def test_remote_monitor(monkeypatch):
    requests = Requests()
    monkeypatch.setitem(sys.modules, "requests", requests)
    callbacks.RemoteMonitor("http://there", send_as_json=True, headers={"a": "b"}).on_epoch_end(
        1, {"loss": np.float32(0.5), "rates": dlrs.ops.convert_to_tensor([0.25])}
    )
    callbacks.RemoteMonitor("http://there", path="/p", field="f").on_epoch_end(1, {"loss": 0.5})
    assert requests.sent == [
        (
            "http://there/publish/epoch/end/",
            None,
            {"json": {"epoch": 1, "loss": 0.5, "rates": 0.25}, "headers": {"a": "b"}},
        ),
        ("http://there/p", {"f": json.dumps({"epoch": 1, "loss": 0.5})}, {"headers": None}),
    ]
    monkeypatch.setitem(sys.modules, "requests", Requests(reachable=False))
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at http://localhost:9000: refused"):
        callbacks.RemoteMonitor().on_epoch_end(0)
    without("requests", monkeypatch)
    with pytest.raises(ImportError, match=r"pip install dlrs\[remote\]"):
        callbacks.RemoteMonitor().on_epoch_end(0)


def without(package, monkeypatch):
    """Let imports of `package` fail."""
    monkeypatch.delitem(sys.modules, package, raising=False)
    imported = builtins.__import__

    def fail(name, *arguments, **named):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return imported(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", fail)


def events(directory):
    """Of all event files: tag → steps, and the values."""
    found = {}
    for name in sorted(os.listdir(directory)):
        content = (directory / name).read_bytes() if name.startswith("events.out") else b""
        while content:
            length = int.from_bytes(content[:8], "little")
            event = event_pb2.Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
    return found


def scalars(found):
    return {
        tag: [(step, value.simple_value) for step, value in values]
        for tag, values in found.items()
        if values[0][1].WhichOneof("value") == "simple_value"
    }


def test_tensorboard_writes_what_history_holds(tmp_path):
    board = callbacks.TensorBoard(tmp_path)
    trained = model(metrics=["mae"])
    history = fit(trained, board, validation_data=data()).history
    written = scalars(events(tmp_path / "train"))
    assert set(written) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert written["epoch_loss"] == [(0, pytest.approx(history["loss"][0])), (1, pytest.approx(history["loss"][1]))]
    validation = scalars(events(tmp_path / "validation"))
    assert set(validation) == {
        "epoch_loss", "epoch_mae", "evaluation_loss_vs_iterations", "evaluation_mae_vs_iterations"
    }  # fmt: skip
    assert [step for step, _ in validation["evaluation_loss_vs_iterations"]] == [3, 6]
    assert validation["epoch_mae"][1] == (1, pytest.approx(history["val_mae"][1]))
    # Again, and an evaluation by itself: in files of their own.
    fit(trained, board, epochs=1)
    trained.evaluate(*data(), verbose=0, callbacks=[board])
    assert len(scalars(events(tmp_path / "train"))["epoch_loss"]) == 3
    assert [step for step, _ in scalars(events(tmp_path / "validation"))["evaluation_loss_vs_iterations"]] == [3, 6, 9]
    assert not board._writers


def test_tensorboard_writes_the_layers(tmp_path):
    fit(model(), callbacks.TensorBoard(tmp_path / "with"))
    fit(model(), callbacks.TensorBoard(tmp_path / "without", write_graph=False))
    ((_, value),) = events(tmp_path / "with" / "train")["keras"]
    assert value.metadata.plugin_data.plugin_name == "graph_keras_model"
    (text,) = value.tensor.string_val
    assert [layer["config"]["name"] for layer in json.loads(text)["config"]["layers"]][1:] == ["inner", "outer"]
    assert "keras" not in events(tmp_path / "without" / "train")


@pytest.mark.parametrize(("frequency", "steps"), [(1, [1, 2, 3, 4, 5, 6]), ("batch", [1, 2, 3, 4, 5, 6]), (4, [4])])
def test_tensorboard_writes_batches(tmp_path, frequency, steps):
    board = callbacks.TensorBoard(tmp_path, update_freq=frequency, write_steps_per_second=True)
    fit(model(), board)
    written = scalars(events(tmp_path / "train"))
    assert [step for step, _ in written["batch_loss"]] == steps
    assert all(speed > 0 for _, speed in written["batch_steps_per_second"] + written["epoch_steps_per_second"])


def test_tensorboard_writes_weights(tmp_path):
    pytest.importorskip("PIL", reason="pictures need Pillow")
    fit(model(), callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True), epochs=3)
    found = events(tmp_path / "train")
    tags = [f"sequential/{name}" for name in ("inner/kernel", "inner/bias", "outer/kernel", "outer/bias")]
    for tag in tags:
        (histogram,) = {t for t in found if t.endswith(tag.split("/", 1)[1] + "/histogram")}
        assert [step for step, _ in found[histogram]] == [0, 2]
        assert found[histogram.replace("histogram", "image")][0][1].image.height >= 1
    assert found[next(t for t in found if t.endswith("inner/kernel/histogram"))][0][1].histo.num == 12


def test_tensorboard_writes_embeddings(tmp_path):
    made = dlrs.Sequential([dlrs.Input((2,)), layers.Embedding(5, 3, name="words"), layers.Flatten(), layers.Dense(1)])
    made.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "words.tsv"})
    made.fit(np.zeros((4, 2), "int32"), np.zeros((4, 1)), verbose=0, callbacks=[board])
    assert 'metadata_path: "words.tsv"' in (tmp_path / "projector_config.pbtxt").read_text()
    vectors = np.loadtxt(tmp_path / "train" / "words-0.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, made.layers[0].embeddings.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"unrecognized names: \['other'\]. There are \['words'\]"):
        callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"other": "a"}).set_model(made)


def test_tensorboard_refuses_what_it_cannot_do(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="`profile_batch` must be 0"):
        callbacks.TensorBoard(profile_batch=2)
    with pytest.raises(ValueError, match="Unrecognized save_freq 0"):
        callbacks.TensorBoard(update_freq=0)
    without("tensorboardX", monkeypatch)
    with pytest.raises(ImportError, match=r"pip install dlrs\[tensorboard\]"):
        fit(model(), callbacks.TensorBoard(tmp_path))
