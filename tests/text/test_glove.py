"""GloVe: counting, the objective and its steps against plain Python, the same bits whatever happens, bad input."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs.errors import FormatError
from dlrs.random import uniform
from dlrs.text import GloVe
from dlrs.text.cooccurrences import Cells, Counting, Frequencies, word_frequencies

Array = np.ndarray[Any, Any]
Corpus = list[list[str]]


def sentences(count: int, words: int = 60, length: int = 30, seed: int = 0) -> Corpus:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, length, count)
    return [[f"w{int(n)}" for n in np.minimum(rng.zipf(1.3, size), words) - 1] for size in lengths]


def counted(corpus: Any, window: int = 4, symmetric: bool = True, **kwargs: Any) -> tuple[Frequencies, Cells]:
    options = {"parts": 5, "x_max": 10.0, "alpha": 0.75, "seed": 3, "memory": 1 << 30, "folder": None, **kwargs}
    known = word_frequencies("test", corpus, 3, 40, 0)
    with ExitStack() as stack:
        cells = Cells.count("test", corpus, known, Counting(window, symmetric, **options), 0, stack)
        cells.cells = [np.array(part) for part in cells.cells]
    return known, cells


def starts(cells: Cells) -> Array:
    """Where the blocks begin, and the last one ends."""
    return np.append(0, np.cumsum(np.concatenate([np.diff(ends, prepend=0) for ends in cells.ends])))


def unpacked(cells: Cells, parts: int) -> tuple[Array, Array, Array, Array]:
    """Rows, columns, ln X and f(X) of all cells, block after block."""
    assert len(cells.cells) == len(cells.ends) == parts
    block = np.repeat(np.arange(parts * parts), np.diff(starts(cells)))
    whole = np.concatenate(cells.cells)
    places = whole[:, 0].astype(np.int64)
    rows = (places & 0xFFFF) * parts + block // parts
    columns = (places >> 16) * parts + block % parts
    log, f = whole[:, 1:].copy().view(np.float32).T
    return rows, columns, log, f


def content(cells: Cells) -> tuple[bytes, list[list[int]], int]:
    return np.concatenate(cells.cells).tobytes(), [ends.tolist() for ends in cells.ends], cells.checksum


@pytest.mark.parametrize("window, symmetric", [(1, True), (4, True), (10, False), (25, True)])
def test_counts_are_those_of_the_definition(window: int, symmetric: bool) -> None:
    corpus = sentences(300)
    known, cells = counted(corpus, window, symmetric)
    frequencies = Counter(word for sentence in corpus for word in sentence)
    order = sorted((w for w in frequencies if frequencies[w] >= 3), key=lambda w: (-frequencies[w], w))[:40]
    assert list(known.words) == order
    assert known.counts.tolist() == [frequencies[word] for word in order]
    expected: Counter[tuple[int, int]] = Counter()
    for sentence in corpus:
        numbers = [order.index(word) for word in sentence if word in order]
        for right in range(len(numbers)):
            for left in range(max(0, right - window), right):
                expected[numbers[right], numbers[left]] += 1 / (right - left)
                if symmetric:
                    expected[numbers[left], numbers[right]] += 1 / (right - left)
    rows, columns, log, f = unpacked(cells, 5)
    assert dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), np.exp(log.astype(float)), strict=True)) == (
        pytest.approx(dict(expected), rel=1e-6)
    )
    x = np.array([expected[pair] for pair in zip(rows.tolist(), columns.tolist(), strict=True)])
    np.testing.assert_allclose(f, np.minimum(1, (x / 10) ** 0.75), rtol=2e-6)
    assert (f == 1).any() and (f < 1).any()


@pytest.mark.parametrize("length", [5, 30, 4000])
def test_a_corpus_beyond_memory_gives_the_same_bits(length: int, tmp_path: Path, monkeypatch: Any) -> None:
    corpus = sentences(30_000 // length, length=length)
    _, whole = counted(corpus, 12)
    written = []
    write = np.memmap.__new__

    def spy(*args: Any, **kwargs: Any) -> Any:
        written.extend(path.name for path in tmp_path.rglob("*"))
        return write(*args, **kwargs)

    monkeypatch.setattr(np.memmap, "__new__", spy)
    _, spilled = counted(corpus, 12, memory=1 << 16, folder=str(tmp_path))
    assert len([name for name in written if name.startswith("run")]) > 100 and "cells" in written
    assert list(tmp_path.iterdir()) == []
    assert content(whole) == content(spilled)


@pytest.mark.parametrize("memory", [1 << 16, 1 << 18])
def test_merging_takes_no_more_memory_for_a_longer_corpus(memory: int, monkeypatch: Any) -> None:
    """The same pairs again and again: what is held at once stays below a third of the memory, or twice the sums."""
    held: dict[str, list[int]] = {"merge_cooccurrences": [], "glove_blocks": []}

    def spy_on(name: str) -> Any:
        call = getattr(_dlrs, name)

        def spy(pieces: Any, *args: Any) -> Any:
            held[name].append(sum(len(rows) for rows, _, _ in pieces))
            return call(pieces, *args)

        return spy

    for name in held:
        monkeypatch.setattr(_dlrs, name, spy_on(name))
    counts = []
    count = _dlrs.count_cooccurrences

    def count_and_note(*args: Any) -> Any:
        parts = count(*args)
        counts.append(sum(len(rows) for rows, _, _ in parts))
        return parts

    monkeypatch.setattr(_dlrs, "count_cooccurrences", count_and_note)
    corpus = sentences(400) * 20
    _, cells = counted(corpus, 12, memory=memory)
    merged = held["merge_cooccurrences"]
    assert max(merged + held["glove_blocks"]) <= max(memory // 3 // 16, 2 * max(map(len, cells.cells)))
    # What was merged before is merged again, but not so often that it takes more time than what is new.
    assert len(merged) >= 5 and sum(merged) <= 2 * sum(counts)
    assert content(cells) == content(counted(corpus, 12)[1])


def test_files_are_read_line_by_line(tmp_path: Path) -> None:
    corpus = [sentence for sentence in sentences(3000) if sentence]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(words) for words in corpus), encoding="utf-8")
    first, second = counted(corpus), counted(path)
    assert first[0].words == second[0].words and content(first[1]) == content(second[1])
    assert counted([" ".join(words) for words in corpus])[1].checksum == first[1].checksum
    # A line that is longer than what is read at once.
    line = [word for words in corpus * 4 for word in words]
    path.write_text(" ".join(line) + " \n\n", encoding="utf-8")
    assert path.stat().st_size > 3 << 16
    assert content(counted(path)[1]) == content(counted([line])[1])


def steps(cells: Cells, parts: int, order: list[int], model: dict[str, Array], rate: float) -> float:
    """One epoch, pair after pair in double precision; the mean loss."""
    rows, columns, log, f = unpacked(cells, parts)
    places = starts(cells)
    total = 0.0
    for stratum in order:
        for row in range(parts):
            block = row * parts + (row + stratum) % parts
            for n in range(places[block], places[block + 1]):
                i, j = rows[n], columns[n]
                theta, e = model["theta"][i].copy(), model["e"][j].copy()
                difference = theta @ e + model["b"][i] + model["b_context"][j] - log[n]
                total += f[n] * difference**2
                g = rate * f[n] * difference
                steps = (("theta", i, g * e), ("e", j, g * theta), ("b", i, g), ("b_context", j, g))
                for name, at, step in steps:
                    model[name][at] -= step / np.sqrt(model["h" + name][at])
                    model["h" + name][at] += step**2
    return total / len(rows)


def test_losses_and_steps_are_those_of_numpy() -> None:
    corpus = sentences(200)
    model = GloVe(6, 4, 3, 40, x_max=10, learning_rate=0.05, seed=3)
    parts = 16
    _, cells = counted(corpus, 4, parts=parts)
    weights = uniform((2, 40, 7), -0.5 / 6, 0.5 / 6, "float32", seed=3).numpy().astype(float)
    twin = {
        "theta": weights[0, :, :-1],
        "e": weights[1, :, :-1],
        "b": weights[0, :, -1],
        "b_context": weights[1, :, -1],
    }
    twin |= {"h" + name: np.ones_like(array) for name, array in twin.items()}
    for epoch in range(3):
        loss = steps(cells, parts, _dlrs.glove_strata(3, epoch, parts), twin, 0.05)
        history = model.fit(corpus, epoch + 1, 0)
        assert history.history["loss"][epoch] == pytest.approx(loss, rel=1e-5)
        for name, array in model.parameters.items():
            np.testing.assert_allclose(array, twin[name], atol=2e-5, err_msg=name)
    assert history.epoch == [0, 1, 2]
    np.testing.assert_allclose(model.vectors.matrix, (twin["theta"] + twin["e"]) / 2, atol=2e-5)


def test_the_gradient_is_half_the_objective_s() -> None:
    """One pair of words, so that an epoch of η = 1e-3 is a small step along the objective's slope."""
    model = GloVe(3, 1, 1, learning_rate=1e-3, x_max=1000, symmetric=False, seed=5)
    corpus = [["a", "b"]] * 20
    rate = 1e-3
    before = GloVe(3, 1, 1, learning_rate=1e-30, x_max=1000, symmetric=False, seed=5)
    before.fit(corpus, 1, 0)
    model.fit(corpus, 1, 0)
    start = before.parameters

    def objective(p: dict[str, Array]) -> float:
        b, a = 1, 0  # "a" stands to the left of "b"
        prediction = p["theta"][b] @ p["e"][a] + p["b"][b] + p["b_context"][a]
        return float((20 / 1000) ** 0.75 * (prediction - np.log(20)) ** 2)

    for name, array in start.items():
        for at in np.ndindex(array.shape):
            up, down = ({n: v.astype(float) for n, v in start.items()} for _ in range(2))
            up[name][at] += 1e-4
            down[name][at] -= 1e-4
            slope = (objective(up) - objective(down)) / 2e-4
            moved = float(model.parameters[name][at]) - float(array[at])
            assert moved == pytest.approx(-rate * slope / 2, rel=2e-3, abs=1e-8)


def test_the_same_bits_for_any_number_of_threads_and_any_memory() -> None:
    corpus = sentences(500)
    threads = _dlrs.num_threads()
    results = []
    try:
        for count, memory in ((1, 1 << 30), (2, 1 << 30), (3, 1 << 16)):
            _dlrs.set_num_threads(count)
            model = GloVe(20, min_count=2, memory=memory)
            losses = model.fit(corpus, 3, 0).history["loss"]
            results.append((losses, model.vectors.matrix.tobytes()))
    finally:
        _dlrs.set_num_threads(threads)
    assert results[0] == results[1] == results[2]


def test_saved_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    corpus = sentences(300)
    whole = GloVe(10, epochs=6)
    expected = whole.fit(corpus, verbose=0).history
    model = GloVe(10, epochs=6)
    model.fit(corpus, 2, 0)
    model.save(tmp_path / "model.safetensors")
    loaded = GloVe.load(tmp_path / "model.safetensors")
    assert loaded.vectors.matrix.tobytes() == model.vectors.matrix.tobytes() and loaded.counts == model.counts
    assert loaded.fit(corpus, verbose=0).history == expected
    assert loaded.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes()
    assert loaded.fit(corpus, verbose=0).history == expected, "there is nothing left to do"


def interrupted(model: GloVe, corpus: Corpus, at: int, monkeypatch: Any) -> None:
    visits = 0

    class Trainer:
        def __init__(self, *args: Any) -> None:
            self._trainer = trainer(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._trainer, name)

        def visit(self, *args: Any) -> None:
            nonlocal visits
            visits += 1
            if visits == at:
                raise KeyboardInterrupt
            self._trainer.visit(*args)

    trainer = _dlrs.GloveTrainer
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_dlrs, "GloveTrainer", Trainer)
        model.fit(corpus, verbose=0)


@pytest.mark.parametrize("at", [1, 7, 16, 17, 40])
def test_an_interrupted_training_goes_on(at: int, tmp_path: Path, monkeypatch: Any) -> None:
    corpus = sentences(300)
    whole = GloVe(10, epochs=4)
    expected = whole.fit(corpus, verbose=0).history
    model = GloVe(10, epochs=4, memory=1 << 16, folder=tmp_path)
    interrupted(model, corpus, at, monkeypatch)
    assert list(tmp_path.iterdir()) == []
    model.save(tmp_path / "model.safetensors")
    for part in (model, GloVe.load(tmp_path / "model.safetensors")):
        assert part.fit(corpus, verbose=0).history == expected
        assert part.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes()


def test_control_c_is_answered_and_the_training_goes_on() -> None:
    corpus = sentences(2000, 2000)
    model = GloVe(50, min_count=1)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(corpus, 1_000_000, 0)
    done = int(repr(model).split(", ")[1].split()[0])
    assert done > 0
    whole = GloVe(50, min_count=1)
    expected = whole.fit(corpus, done + 2, 0).history
    assert model.fit(corpus, done + 2, 0).history == expected
    assert model.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes()


class Failing:
    """A corpus that fails the second time it is read."""

    def __init__(self, error: BaseException, corpus: Corpus) -> None:
        self.error, self.corpus, self.reads = error, corpus, 0

    def __iter__(self) -> Iterator[list[str]]:
        self.reads += 1
        yield from self.corpus
        if self.reads > 1:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("broken")])
def test_no_file_is_left_behind(error: BaseException, tmp_path: Path) -> None:
    corpus = Failing(error, sentences(3000))
    with pytest.raises(type(error)):
        GloVe(memory=1 << 16, folder=tmp_path).fit(corpus, verbose=0)
    assert corpus.reads == 2 and list(tmp_path.iterdir()) == []


def test_words_of_a_topic_come_together() -> None:
    rng = np.random.default_rng(0)
    topics = [[f"{topic}{n}" for n in range(12)] for topic in "abcdef"]
    common = [f"the{n}" for n in range(10)]
    corpus = []
    for _ in range(3000):
        topic = topics[rng.integers(6)]
        corpus.append([str(rng.choice(common if rng.random() < 0.4 else topic)) for _ in range(10)])
    model = GloVe(16, 5, epochs=20)
    losses = model.fit(corpus, verbose=0).history["loss"]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] / 8
    words = [word for topic in topics for word in topic]
    right = sum(near[0] == word[0] for word in words for near, _ in model.vectors.nearest(word, k=5, exclude=common))
    assert right > 0.95 * 5 * len(words)


def test_epochs_and_speeds_are_shown(capsys: Any) -> None:
    GloVe(4, min_count=1).fit(["a b c d"] * 10, 2, 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Reading the vocabulary" and lines[4].startswith("Epoch 1/2") and lines[6] == "Epoch 2/2"
    assert "Mwords/s" in lines[1] and "loss: " in lines[5] and "Mpairs/s" in lines[5]
    GloVe(4, min_count=1).fit(["a b c d"] * 10, 2, 0)
    assert capsys.readouterr().out == ""


GOOD = ["a b c"] * 5


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"vector_size": 0}, "vector_size"),
        ({"vector_size": 1 << 20}, "at most"),
        ({"window": 0}, "window"),
        ({"window": 1001}, "at most 1000"),
        ({"min_count": 0}, "min_count"),
        ({"max_vocab": 0}, "max_vocab"),
        ({"x_max": 0.0}, "x_max"),
        ({"alpha": -1.0}, "alpha"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"seed": -1}, "seed"),
        ({"memory": 1000}, "memory"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GloVe(**arguments)


@pytest.mark.parametrize(
    "corpus, error, message",
    [
        ([], ValueError, "no words"),
        (["", "  "], ValueError, "no words"),
        (["a b c"], ValueError, "`min_count` = 5 times; the most frequent, 'a', occurs 1 times"),
        (["a"] * 9, ValueError, "no two words"),
        ([["a", 1]] * 9, TypeError, "int 1"),
        ([["a", ["b"]]] * 9, TypeError, "list"),
        ([b"a b"], TypeError, "sentence 0"),
        ([["a"], 3], TypeError, "sentence 1"),
        (b"text.txt", TypeError, "sentences or the path"),
        (3, TypeError, "sentences or the path"),
        (iter(GOOD), TypeError, "only once"),
        ((text for text in GOOD), TypeError, "only once"),
        ("no/such/file", FileNotFoundError, "no/such/file"),
    ],
)
def test_bad_corpora(corpus: Any, error: type[Exception], message: str) -> None:
    model = GloVe(4)
    with pytest.raises(error, match=message):
        model.fit(corpus, verbose=0)
    with pytest.raises(ValueError, match="not been fitted"):
        _ = model.vectors


@pytest.mark.parametrize("verbose", [True, 3, -1, "1", None, 1.0, np.array([0, 1]), np.zeros((2, 2))])
def test_bad_verbose(verbose: Any) -> None:
    with pytest.raises(ValueError, match=r"GloVe\.fit: `verbose` must be 0, 1 or 2"):
        GloVe(4).fit(GOOD, verbose=verbose)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"a b \xff\n")
    with pytest.raises(ValueError, match="not UTF-8"):
        GloVe().fit(tmp_path / "bytes", verbose=0)
    (tmp_path / "long").write_text("a b\n" + "x" * (1 << 21))
    with pytest.raises(ValueError, match="more than 1048576 characters"):
        GloVe().fit(tmp_path / "long", verbose=0)
    with pytest.raises(OSError):
        GloVe().fit(tmp_path, verbose=0)


def test_a_corpus_that_changes_is_noticed() -> None:
    model = GloVe(4)
    model.fit(GOOD, 1, 0)
    with pytest.raises(ValueError, match="another vocabulary"):
        model.fit(["a b d"] * 5, 2, 0)
    with pytest.raises(ValueError, match="other co-occurrences"):
        model.fit(["a c b"] * 5, 2, 0)

    class Shorter:
        reads = 0

        def __iter__(self) -> Iterator[str]:
            self.reads += 1
            return iter(GOOD * (3 - self.reads))

    with pytest.raises(ValueError, match="had 30 words when it was first read and 15 the second"):
        GloVe(4).fit(Shorter(), verbose=0)


def test_a_learning_rate_that_is_too_large() -> None:
    model = GloVe(8, learning_rate=1e18)
    with pytest.raises(ValueError, match="`learning_rate` = 1e"):
        model.fit(sentences(100), verbose=0)
    with pytest.raises(ValueError, match="not been fitted"):
        _ = model.vectors


def test_one_thread_at_a_time() -> None:
    model = GloVe(4)
    errors: list[Exception] = []

    class Corpus:
        def __iter__(self) -> Iterator[str]:
            try:
                model.fit(GOOD, verbose=0)
            except RuntimeError as error:
                errors.append(error)
            return iter(GOOD)

    model.fit(Corpus(), 1, 0)
    assert errors and "another thread" in str(errors[0])


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_files_that_hold_something_else(cut: int, tmp_path: Path) -> None:
    model = GloVe(4)
    model.fit(GOOD, 1, 0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError):
        GloVe.load(path)


def test_files_whose_parts_do_not_fit(tmp_path: Path) -> None:
    from dlrs.saving.safetensors import dumps, loads

    model = GloVe(4)
    model.fit(GOOD, 1, 0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    good = loads(path.read_bytes())
    header = good["header"].tobytes()
    for name, value in [
        ("header", np.frombuffer(header.replace(b'"version": 1', b'"version": 9'), np.uint8)),
        ("losses", good["losses"][1:]),
        ("losses", np.array(1.0)),
        ("losses", good["losses"].astype(np.float32)),
        ("weights", good["weights"][:, 1:]),
        ("squares", good["squares"] - 1),
        ("history", good["history"] * np.nan),
        ("counts", good["counts"][1:]),
        ("counts", good["counts"].astype(np.int32)),
    ]:
        path.write_bytes(dumps({**good, name: value}))
        with pytest.raises(FormatError, match="no GloVe model"):
            GloVe.load(path)
    path.write_bytes(dumps({name: value for name, value in good.items() if name != "weights"}))
    with pytest.raises(FormatError, match="no GloVe model"):
        GloVe.load(path)
