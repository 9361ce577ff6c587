"""Texts and sounds of directories, windows of series, and datasets cut in two."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import preprocessing, utils
from dlrs.audio import write_wav
from dlrs.data import Dataset


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for name in ("neg", "pos"):
        (tmp_path / name / "more").mkdir(parents=True)
        for i in range(5):
            (tmp_path / name / ("more" if i % 2 else ".") / f"{i}.txt").write_text(f"{name} {i} é\r\n", newline="")
    (tmp_path / "readme.txt").write_text("above the classes")
    return tmp_path


def test_texts(texts: Path, capsys: Any) -> None:
    data = utils.text_dataset_from_directory(texts, batch_size=4, shuffle=False)
    assert capsys.readouterr().out == "Found 10 files belonging to 2 classes.\n"
    assert data.class_names == ["neg", "pos"]
    batches = list(data)
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    assert batches[0][0].tolist() == [f"neg {i} é\r\n" for i in (0, 2, 4, 1)]
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 5 + [1] * 5
    alone = utils.text_dataset_from_directory(texts, label_mode=None, verbose=False, max_length=3, batch_size=None)
    assert {str(text) for text in alone} == {"neg", "pos", "abo"}
    assert preprocessing.text_dataset_from_directory is utils.text_dataset_from_directory
    shuffled = utils.text_dataset_from_directory(texts, seed=1, verbose=False)
    first, second = [next(iter(shuffled))[0].tolist() for _ in range(2)]
    assert first != second
    fixed = utils.text_dataset_from_directory(texts, seed=1, verbose=False, format="grain")
    assert [next(iter(fixed))[0].tolist() for _ in range(2)] == [first, first]


def test_a_text_that_is_none_is_named(texts: Path) -> None:
    (texts / "pos" / "9.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"9\.txt is not a text in UTF-8") as caught:
        list(utils.text_dataset_from_directory(texts, verbose=False, shuffle=False))
    assert caught.value.__notes__ == ["Dataset.map: element 8 of epoch 0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 0}, "max_length"),
        ({"format": "torch"}, "format"),
        ({"labels": "none"}, "number of text files"),
        ({"class_names": ["neg", "other"]}, "other"),
        ({"validation_split": 0.05, "subset": "validation", "seed": 1}, "No validation text files"),
        ({"directory": "/nowhere"}, "does not exist"),
    ],
)
def test_bad_arguments_of_texts(texts: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        utils.text_dataset_from_directory(**{"directory": texts, "verbose": False, **arguments})


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(3):
            write_wav(tmp_path / name / f"{i}.wav", np.full(10 + 5 * i + number, 0.5), 8000)
    return tmp_path


def test_sounds(sounds: Path) -> None:
    def shapes(**kwargs: Any) -> list[Any]:
        data = utils.audio_dataset_from_directory(sounds, batch_size=4, shuffle=False, verbose=False, **kwargs)
        return [x.shape for x, _ in data]

    assert shapes() == [(4, 20, 1), (2, 21, 1)]
    assert shapes(output_sequence_length=12) == [(4, 12, 1), (2, 12, 1)]
    assert shapes(sampling_rate=16000) == [(4, 40, 1), (2, 42, 1)]
    x, y = next(iter(utils.audio_dataset_from_directory(sounds, label_mode="binary", shuffle=False, verbose=False)))
    assert x.dtype == y.dtype == np.float32
    assert y.tolist() == [[0.0]] * 3 + [[1.0]] * 3
    assert x[0, :10].ravel().tolist() == [0.5] * 10
    assert not x[0, 10:].any()
    (sounds / "dog" / "8.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"8\.wav"):
        shapes()
    with pytest.raises(ValueError, match="ragged"):
        shapes(ragged=True)
    with pytest.raises(ValueError, match="sampling_rate"):
        shapes(sampling_rate=0)


def test_windows() -> None:
    series = np.arange(40).reshape(20, 2)

    def windows(targets: Any = None, **kwargs: Any) -> list[Any]:
        return list(utils.timeseries_dataset_from_array(series, targets, **{"sequence_length": 3, **kwargs}))

    (x,) = windows()
    assert x.shape == (18, 3, 2)
    (x,) = windows(sampling_rate=2, sequence_stride=4, start_index=3, end_index=15)
    assert (x[:, :, 0] // 2).tolist() == [[3, 5, 7], [7, 9, 11]]
    ((x, y),) = windows(np.arange(20) * 10, start_index=5)
    assert (x[:, 0, 0] // 2 * 10).tolist() == y.tolist()
    first, second = [utils.timeseries_dataset_from_array(series, None, 3, shuffle=True, seed=1) for _ in range(2)]
    assert next(iter(first)).tolist() == next(iter(second)).tolist() != next(iter(second)).tolist()
    assert windows(batch_size=None)[17].tolist() == series[17:].tolist()
    for arguments, message in (
        ({"sequence_length": 12, "sampling_rate": 2}, "No window of 23 steps"),
        ({"sequence_length": 0}, "sequence_length"),
        ({"start_index": 5, "end_index": 5}, "end_index"),
        ({"targets": []}, "0 targets"),
        ({"sampling_rate": 1.5}, "sampling_rate"),
    ):
        with pytest.raises(ValueError, match=message):
            windows(**arguments)


def test_split_dataset() -> None:
    x, y = np.arange(10), np.arange(10) * 2

    def parts(*args: Any, **kwargs: Any) -> list[Any]:
        return [[np.asarray(element).tolist() for element in part] for part in utils.split_dataset(*args, **kwargs)]

    assert parts(x, 0.8) == [list(range(8)), [8, 9]]
    assert parts((x, y), 2, 3) == [[[0, 0], [1, 2]], [[7, 14], [8, 16], [9, 18]]]
    assert parts(Dataset.range(10).batch(4), right_size=5) == [[[0, 1, 2, 3], [4]], [[5, 6, 7, 8], [9]]]
    left, right = parts(Dataset.range(10).map(lambda n: n), 7, shuffle=True, seed=1)
    assert sorted(left + right) == list(range(10)) != left + right
    assert parts(x, 7, shuffle=True, seed=1) == [left, right]
    for error, arguments, message in (
        (ValueError, {"dataset": x}, "At least one"),
        (ValueError, {"dataset": x, "left_size": 10}, "left_size.*10"),
        (ValueError, {"dataset": x, "left_size": 0.01}, "0 examples on the left"),
        (ValueError, {"dataset": x, "left_size": 0.7, "right_size": 0.7}, "sum"),
        (ValueError, {"dataset": x, "left_size": 7, "right_size": 7}, "sum"),
        (TypeError, {"dataset": x, "left_size": "a"}, "left_size"),
        (TypeError, {"dataset": 3, "left_size": 1}, "dataset"),
        (ValueError, {"dataset": [], "left_size": 1}, "empty"),
        (ValueError, {"dataset": Dataset.range(0), "left_size": 1}, "empty"),
        (ValueError, {"dataset": [x, y[:3]], "left_size": 1}, r"\(3,\)"),
    ):
        with pytest.raises(error, match=message):
            utils.split_dataset(**arguments)
