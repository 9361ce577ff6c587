"""Word2Vec: the objective against NumPy, the same bits whatever happens, what it learns, bad input."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs.errors import FormatError
from dlrs.saving.safetensors import dumps, loads
from dlrs.text import Word2Vec

Array = np.ndarray[Any, Any]
Corpus = list[list[str]]
KINDS = [(a, o) for a in ("skip-gram", "cbow") for o in ("negative_sampling", "hierarchical_softmax")]


def sentences(count: int, words: int = 60, length: int = 30, seed: int = 0) -> Corpus:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, length, count)
    return [[f"w{int(n)}" for n in np.minimum(rng.zipf(1.3, size), words) - 1] for size in lengths]


def topics(count: int = 3000) -> tuple[Corpus, list[list[str]], list[str]]:
    """Sentences of words of one topic each, and of words of all."""
    rng = np.random.default_rng(0)
    groups = [[f"{topic}{n}" for n in range(12)] for topic in "abcdef"]
    common = [f"the{n}" for n in range(10)]
    corpus = []
    for _ in range(count):
        topic = groups[rng.integers(6)]
        corpus.append([str(rng.choice(common if rng.random() < 0.4 else topic)) for _ in range(10)])
    return corpus, groups, common


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_steps_are_those_of_numpy(architecture: str) -> None:
    """Three words of which all others are the negative samples, so that nothing is random."""
    corpus = [["a", "b", "c"]] * 5 + [["b", "a"]] * 2 + [["a", "a"]]
    options: dict[str, Any] = {"min_count": 1, "window": 1, "sample": 0, "dynamic_window": False, "negative": 9}
    first = Word2Vec(5, architecture=architecture, learning_rate=1e-9, min_learning_rate=0, **options)
    first.fit(corpus, 1, 0)
    model = Word2Vec(5, architecture=architecture, learning_rate=0.5, min_learning_rate=0.5, **options)
    losses = model.fit(corpus, 3, 0).history["loss"]
    v, u = first.vectors.matrix.astype(float), np.zeros((3, 5))
    numbers = {word: number for number, word in enumerate(first.counts)}
    expected = []
    for _ in range(3):
        loss = []
        for sentence in corpus:
            for at, word in enumerate(sentence):
                context = [numbers[w] for w in sentence[max(0, at - 1) : at] + sentence[at + 1 : at + 2]]
                sign = np.where(np.arange(3) == numbers[word], 1.0, -1.0)
                inputs = v[context] if architecture == "skip-gram" else v[context].mean(0, keepdims=True)
                right = sigmoid(sign * (inputs @ u.T))
                loss += (-np.log(right)).ravel().tolist()
                slope = 0.5 * sign * (1 - right)
                change = slope @ u
                u += slope.T @ inputs
                np.add.at(v, context, change if architecture == "skip-gram" else np.repeat(change, len(context), 0))
        expected.append(np.mean(loss))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(model.vectors.matrix, v, atol=1e-5)
    np.testing.assert_allclose(model.output_vectors, u, atol=1e-5)


@pytest.mark.parametrize("architecture, objective", KINDS)
def test_words_of_a_topic_come_together(architecture: str, objective: str) -> None:
    corpus, groups, common = topics()
    model = Word2Vec(16, architecture=architecture, objective=objective, learning_rate=0.1, epochs=10)
    losses = model.fit(corpus, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    words = [word for group in groups for word in group]
    right = sum(near[0] == word[0] for word in words for near, _ in model.vectors.nearest(word, k=5, exclude=common))
    assert right > 0.95 * 5 * len(words)
    count = len(words) + len(common)
    assert model.output_vectors.shape == (count - (objective == "hierarchical_softmax"), 16)


@pytest.mark.parametrize("architecture, objective", KINDS)
def test_the_same_bits_for_any_number_of_threads_and_any_memory(
    architecture: str, objective: str, tmp_path: Path
) -> None:
    corpus = sentences(3000, 3000)
    threads = _dlrs.num_threads()
    results = []
    try:
        for count, memory in ((1, 1 << 30), (2, 1 << 30), (3, 1), (5, 1)):
            _dlrs.set_num_threads(count)
            model = Word2Vec(150, 5, 2, None, architecture, objective, memory=memory, folder=tmp_path)
            losses = model.fit(corpus, 2, 0).history["loss"]
            results.append((losses, model.vectors.matrix.tobytes(), model.output_vectors.tobytes()))
    finally:
        _dlrs.set_num_threads(threads)
    assert all(result == results[0] for result in results)
    other = Word2Vec(150, 5, 2, None, architecture, objective, seed=1)
    other.fit(corpus, 2, 0)
    assert other.vectors.matrix.tobytes() != results[0][1]


def test_a_corpus_beyond_memory_is_in_a_file(tmp_path: Path, monkeypatch: Any) -> None:
    from dlrs.text import numbered_corpus

    monkeypatch.setattr(numbered_corpus, "_FLUSHED", 100)
    monkeypatch.setattr(numbered_corpus, "_SENTENCES", 3)
    written = []
    flush = numbered_corpus.NumberedCorpus._flush
    monkeypatch.setattr(numbered_corpus.NumberedCorpus, "_flush", lambda self: (written.append(1), flush(self)))
    corpus = sentences(3000)
    whole = Word2Vec(8)
    expected = whole.fit(corpus, 2, 0).history
    assert not written
    spilled = Word2Vec(8, memory=1000, folder=tmp_path)
    assert spilled.fit(corpus, 2, 0).history == expected
    assert len(written) > 100
    assert spilled.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes() and spilled.counts == whole.counts
    assert list(tmp_path.iterdir()) == []


def test_files_are_read_line_by_line(tmp_path: Path) -> None:
    corpus = [sentence for sentence in sentences(300) if sentence]
    (tmp_path / "text.txt").write_text("\n".join(" ".join(words) for words in corpus), encoding="utf-8")
    models = [Word2Vec(8) for _ in range(3)]
    for model, given in zip(models, (corpus, tmp_path / "text.txt", [" ".join(w) for w in corpus]), strict=True):
        model.fit(given, 1, 0)
    assert len({model.vectors.matrix.tobytes() for model in models}) == 1


@pytest.mark.parametrize("piece", [1, 2, 7, 1 << 18])
def test_files_are_read_in_pieces(piece: int, tmp_path: Path, monkeypatch: Any) -> None:
    from dlrs.text import numbered_corpus

    monkeypatch.setattr(numbered_corpus, "_PIECE", piece)
    text = "a b\tc\n\n  d\u3000e é\r\na\u00a0b\n a a b\x1cc \n\nlast b"
    (tmp_path / "text.txt").write_bytes(text.encode())
    with ExitStack() as stack:
        found = numbered_corpus.NumberedCorpus("test", tmp_path / "text.txt", 1, None, 1 << 20, None, 0, stack)
        numbers = np.concatenate(list(found.blocks(5))).tolist()
    lines = [line.split() for line in text.replace("\r\n", "\n").split("\n")]
    words = [word for line in lines for word in (*line, None)]
    assert [None if n == numbered_corpus.END else found.known.words[n] for n in numbers] == words
    assert found.known.words[:3] == ("a", "b", "c") and found.known.counts[:3].tolist() == [4, 4, 2]
    assert found.known.total == found.words == len(words) - len(lines) == 14


def test_an_iterator_is_a_corpus() -> None:
    models = [Word2Vec(8), Word2Vec(8)]
    corpus = sentences(300)
    for model, given in zip(models, (corpus, iter(corpus)), strict=True):
        model.fit(given, 1, 0)
    assert models[0].vectors.matrix.tobytes() == models[1].vectors.matrix.tobytes()


@pytest.mark.parametrize("architecture, objective", KINDS)
def test_saved_and_resumed_is_uninterrupted(architecture: str, objective: str, tmp_path: Path) -> None:
    """Epochs on the way to the same number of them: steps shrink over all."""
    corpus = sentences(300)
    expected = Word2Vec(10, architecture=architecture, objective=objective, epochs=4).fit(corpus, verbose=0).history
    model = Word2Vec(10, architecture=architecture, objective=objective, epochs=4)
    train, trained = model._epoch, []

    def epoch(*args: Any) -> None:
        if len(trained) == 2:
            raise KeyboardInterrupt
        train(*args)
        trained.append(1)

    model._epoch = epoch  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        model.fit(corpus, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = Word2Vec.load(tmp_path / "model.safetensors")
    assert repr(loaded) == repr(model) and "2 epochs" in repr(model)
    assert loaded.fit(corpus, verbose=0).history == expected


def interrupted(model: Word2Vec, corpus: Corpus, at: int, trained: bool, monkeypatch: Any) -> None:
    """Ctrl-C at stretch `at`, before it is trained or when the weights have moved."""
    steps = 0

    class Trainer:
        def __init__(self, *args: Any) -> None:
            self._trainer = trainer(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._trainer, name)

        def train(self, *args: Any) -> None:
            nonlocal steps
            steps += 1
            if steps == at and not trained:
                raise KeyboardInterrupt
            self._trainer.train(*args)
            if steps == at:
                raise KeyboardInterrupt

    trainer = _dlrs.Word2VecTrainer
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_dlrs, "Word2VecTrainer", Trainer)
        model.fit(corpus, verbose=0)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_an_interrupted_training_goes_on(
    objective: str, at: int, trained: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    corpus = sentences(2500)  # three stretches
    whole = Word2Vec(10, objective=objective, epochs=3)
    expected = whole.fit(corpus, verbose=0).history
    model = Word2Vec(10, objective=objective, epochs=3)
    interrupted(model, corpus, at, trained, monkeypatch)
    model.save(tmp_path / "model.safetensors")
    loaded = Word2Vec.load(tmp_path / "model.safetensors")
    assert loaded.vectors.matrix.tobytes() == model.vectors.matrix.tobytes() and loaded.counts == model.counts
    for part in (model, loaded):
        assert part.fit(corpus, verbose=0).history == expected
        assert part.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes()
        assert part.fit(corpus, verbose=0).history == expected, "there is nothing left to do"


def test_control_c_is_answered() -> None:
    corpus = sentences(2000, 2000)
    model = Word2Vec(50, min_count=1)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(corpus, 100_000, 0)
    assert int(repr(model).split(", ")[1].split()[0]) > 0
    assert np.isfinite(model.vectors.matrix).all()


@pytest.mark.parametrize("architecture, objective", KINDS)
def test_signals_at_any_time_change_no_bits(architecture: str, objective: str, tmp_path: Path) -> None:
    corpus = sentences(5000, 2000, 40)
    options: dict[str, Any] = {"architecture": architecture, "objective": objective, "min_count": 1, "epochs": 20}
    whole = Word2Vec(40, **options)
    start = time.perf_counter()
    expected = whole.fit(corpus, verbose=0).history
    lasted = time.perf_counter() - start
    model = Word2Vec(40, **options)
    rng, interruptions = np.random.default_rng(0), 0
    for _ in range(8):
        timer = threading.Timer(rng.uniform(0, lasted / 2), os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            model.fit(corpus, verbose=0)
            timer.cancel()
            timer.join()
            time.sleep(0.01)  # a signal that was on its way
        except KeyboardInterrupt:
            interruptions += 1
            if model._state is not None:
                model.save(tmp_path / "model.safetensors")
                model = Word2Vec.load(tmp_path / "model.safetensors")
    assert interruptions
    assert model.fit(corpus, verbose=0).history == expected
    assert model.vectors.matrix.tobytes() == whole.vectors.matrix.tobytes()
    assert model.output_vectors.tobytes() == whole.output_vectors.tobytes()


def test_epochs_and_speeds_are_shown(capsys: Any) -> None:
    Word2Vec(4, min_count=1, sample=0).fit(["a b c d"] * 10, 2, 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Reading the corpus" and lines[2].startswith("Epoch 1/2") and lines[4] == "Epoch 2/2"
    assert "Mwords/s" in lines[1] and "loss: " in lines[3] and "Mwords/s" in lines[3]
    Word2Vec(4, min_count=1, sample=0).fit(["a b c d"] * 10, 2, 0)
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
        ({"max_vocab": 1}, "max_vocab"),
        ({"architecture": "skipgram"}, "one of"),
        ({"architecture": ["cbow"]}, "one of"),
        ({"objective": "softmax"}, "one of"),
        ({"negative": 0}, "negative"),
        ({"ns_exponent": float("inf")}, "ns_exponent"),
        ({"sample": -1e-3}, "sample"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"min_learning_rate": 0.1}, "min_learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"seed": -1}, "seed"),
        ({"memory": 0}, "memory"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Word2Vec(**arguments)


@pytest.mark.parametrize(
    "corpus, error, message",
    [
        ([], ValueError, "no words"),
        (["a b c"], ValueError, "`min_count` = 5 times; the most frequent, 'a', occurs 1 times"),
        (["a"] * 9, ValueError, "only one word"),
        (["a", "b"] * 9, ValueError, "no two words"),
        ([["a", 1]] * 9, TypeError, "int 1"),
        ([b"a b"], TypeError, "sentence 0"),
        (b"text.txt", TypeError, "sentences or the path"),
        (3, TypeError, "sentences or the path"),
        (iter([]), ValueError, "no words"),
        ("no/such/file", FileNotFoundError, "no/such/file"),
    ],
)
def test_bad_corpora(corpus: Any, error: type[Exception], message: str) -> None:
    model = Word2Vec(4)
    with pytest.raises(error, match=message):
        model.fit(corpus, verbose=0)
    with pytest.raises(ValueError, match="not been fitted"):
        _ = model.vectors


def test_a_corpus_that_changes_is_noticed() -> None:
    model = Word2Vec(4, sample=0)
    model.fit(GOOD, 1, 0)
    with pytest.raises(ValueError, match="another vocabulary"):
        model.fit(["a b d"] * 5, 2, 0)
    with pytest.raises(ValueError, match="other sentences"):
        model.fit(["a c b"] * 5, 2, 0)


@pytest.mark.parametrize("rate", [2.0, 1e30])
def test_a_learning_rate_that_is_too_large(rate: float) -> None:
    model = Word2Vec(8, learning_rate=rate, min_learning_rate=rate)
    with pytest.raises(ValueError, match="more than vectors of zeros have: `learning_rate` = "):
        model.fit(sentences(3000), verbose=0)
    with pytest.raises(ValueError, match="not been fitted"):
        _ = model.vectors


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "hierarchical_softmax"},
        {"objective": "hierarchical_softmax", "window": 20, "learning_rate": 0.1},
        {"negative": 20},
        {"window": 25},
        {"window": 10, "learning_rate": 0.1},
        {"architecture": "cbow", "window": 25, "learning_rate": 0.1},
        {"architecture": "cbow", "objective": "hierarchical_softmax", "learning_rate": 0.1},
    ],
    ids=str,
)
def test_batches_learn_what_windows_by_themselves_do(options: dict[str, Any]) -> None:
    """Without a bound on the pairs of a row all but one of these grow to lengths of 10 to 10¹⁷."""
    corpus = sentences(8000, 3000)
    model = Word2Vec(32, min_count=1, **options)
    losses = model.fit(corpus, 3, 0).history["loss"]
    assert losses[0] < 0.69 and losses[-1] < losses[0]
    assert np.linalg.norm(model.vectors.matrix, axis=1).max() < 8


@pytest.mark.parametrize("exponent", [-400, -1, 0, 400, 1e300])
def test_any_power_of_frequencies(exponent: float) -> None:
    model = Word2Vec(8, ns_exponent=exponent)
    assert np.isfinite(model.fit(sentences(100), 1, 0).history["loss"][0])


def test_one_thread_at_a_time() -> None:
    model = Word2Vec(4, sample=0)
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
def test_files_that_are_cut(cut: int, tmp_path: Path) -> None:
    model = Word2Vec(4, sample=0)
    model.fit(GOOD, 1, 0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError):
        Word2Vec.load(path)


def test_files_whose_parts_do_not_fit(tmp_path: Path) -> None:
    model = Word2Vec(4, sample=0)
    model.fit(GOOD, 1, 0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    good = loads(path.read_bytes())
    header = good["header"].tobytes()

    def changed(old: bytes, new: bytes) -> Array:
        assert old in header
        return np.frombuffer(header.replace(old, new), np.uint8)

    for name, value in (
        ("header", changed(b'"version": 1', b'"version": 9')),
        ("header", changed(b'"a"', b'"b"')),
        ("header", changed(b'"blocks": 0', b'"blocks": -1')),
        ("header", changed(b'"losses": 0.0', b'"losses": NaN')),
        ("header", changed(b'"checksum"', b'"checksums"')),
        ("header", changed(b'"skip-gram"', b'"skip"')),
        ("inputs", good["inputs"][1:]),
        ("outputs", good["outputs"] * np.float32(np.nan)),
        ("counts", good["counts"] * 0),
    ):
        path.write_bytes(dumps({**good, name: value}))
        with pytest.raises(FormatError, match="no Word2Vec model"):
            Word2Vec.load(path)


def test_the_binding_refuses_what_is_no_corpus() -> None:
    trainer = _dlrs.Word2VecTrainer([3, 2], 4, 5, True, 0.0, 1, 0.75, False, 0)
    for words, error in (
        (np.array([0, 2], np.uint32), ValueError),
        (np.array([0, 1], np.int64), TypeError),
        ([0, 1], TypeError),
    ):
        with pytest.raises(error):
            trainer.train(words, 0, 0.1)
    with pytest.raises(ValueError):
        trainer.set_matrices(np.zeros((2, 5), np.float32), np.zeros((2, 4), np.float32))
    for arguments in (([3], 4), ([3, 0], 4), ([3, 2], 0)):
        with pytest.raises(ValueError):
            _dlrs.Word2VecTrainer(*arguments, 5, True, 0.0, 1, 0.75, False, 0)
