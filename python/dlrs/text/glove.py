"""GloVe: word vectors from how often words stand near each other."""

import json
import math
import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend.checks import check_flags, check_number
from dlrs.callbacks import History
from dlrs.errors import ConcurrentUseError, FormatError
from dlrs.random import uniform
from dlrs.saving.archive import write_file
from dlrs.saving.safetensors import decode, encode, stored
from dlrs.text.checks import check_count, check_verbose
from dlrs.text.cooccurrences import Cells, Counting, Speed, word_frequencies
from dlrs.text.word_vectors import WordVectors
from dlrs.utils.io_utils import print_msg

Array = np.ndarray[Any, Any]

_FORMAT = "dlrs GloVe"
_LEAST_MEMORY = 1 << 16
_MOST_NEIGHBOURS = 1000
_MOST_NUMBERS = 1 << 40  # of all vectors
_PART_BYTES = 1 << 20  # of a part's vectors and sums of squares, both sides: blocks then stay in a second-level cache
_VISITS = (
    8  # of a row in a block, at least about so many: below, what cutting saves is less than what moving rows costs
)
_FEWEST_PARTS, _MOST_PARTS, _MOST_ROWS = 16, 64, 1 << 16


class GloVe:
    """Word vectors from co-occurrences: Pennington, Socher and Manning, "GloVe", EMNLP 2014.

    X_ij is the sum of 1/d over the places where word j stands d ≤ `window` words beside word i in a sentence.
    Minimised is

        J = Σ f(X_ij) (θ_iᵀe_j + b_i + b'_j − log X_ij)²,    f(x) = min(1, (x / x_max)^alpha),    f(0) = 0

    with AdaGrad, a step for each pair (i, j) with X_ij > 0: w ← w − ηg/√h, h ← h + (ηg)², h being 1 at first and g
    half the derivative, as in the authors' program. A word's vector is (e + θ)/2.

    Words below `min_count` are taken out before neighbours are counted. Weights are summed exactly, as integers over a
    common denominator (rounded to 2⁻²⁸ where `window` is above 22), and pairs are visited in an order that `seed`
    decides. So all results are the same bits at any number of threads, with little memory or much, and after an
    interruption.

    Args:
        vector_size: numbers of a vector.
        window: the largest distance between two words that are neighbours, at most 1000.
        min_count: how often a word must occur to have a vector.
        max_vocab: how many words have vectors, the most frequent ones; all by default.
        x_max: the count from which on f is 1.
        alpha: the exponent of f.
        learning_rate: AdaGrad's η.
        epochs: how often all pairs are visited.
        symmetric: whether words to the right are neighbours too, or only those to the left.
        seed: an integer in [0, 2**32): first vectors, drawn uniformly from ±1/(2 vector_size), and orders.
        memory: bytes for counting. What does not fit goes to temporary files, and so do the pairs that are trained on;
            they are removed when `fit` ends, whichever way. The vocabulary, the vectors and about a 16th of the
            pairs come on top.
        folder: where temporary files are made; by default where the system makes them.

    Raises:
        ValueError: an argument is out of range.
        TypeError: `folder` is no path, or `symmetric` neither True nor False.

    >>> corpus = ["the king and the queen rule", "the man and the woman work"] * 50
    >>> model = GloVe(vector_size=8, window=3, epochs=10)
    >>> losses = model.fit(corpus, verbose=0).history["loss"]
    >>> losses[-1] < losses[0] / 10
    True
    >>> model.vectors
    WordVectors(8 of 8 tokens found, 8 dimensions)
    """

    def __init__(
        self,
        vector_size: int = 50,
        window: int = 10,
        min_count: int = 5,
        max_vocab: int | None = None,
        x_max: float = 100.0,
        alpha: float = 0.75,
        learning_rate: float = 0.05,
        epochs: int = 25,
        symmetric: bool = True,
        seed: int = 0,
        memory: int = 4 << 30,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.vector_size = _checked("vector_size", vector_size, most=1 << 16)
        self.window = _checked("window", window, most=_MOST_NEIGHBOURS)
        self.min_count = _checked("min_count", min_count)
        self.max_vocab = None if max_vocab is None else _checked("max_vocab", max_vocab)
        for name, number in (("x_max", x_max), ("alpha", alpha), ("learning_rate", learning_rate)):
            check_number("GloVe", name, number, above=0)
        self.x_max, self.alpha, self.learning_rate = float(x_max), float(alpha), float(learning_rate)
        self.epochs = _checked("epochs", epochs)
        check_flags("GloVe", symmetric=symmetric)
        self.symmetric = bool(symmetric)
        self.seed = _checked("seed", seed, 0, (1 << 32) - 1)
        self.memory = _checked("memory", memory, _LEAST_MEMORY)
        if folder is not None and not isinstance(folder, str | os.PathLike):
            raise TypeError(f"GloVe: `folder` must be a path, got {folder!r:.60}.")
        self.folder = None if folder is None else os.fspath(folder)
        self._state: _State | None = None
        self._using = threading.Lock()

    # Training

    def fit(
        self, corpus: str | os.PathLike[str] | Iterable[Any], epochs: int | None = None, verbose: int = 1
    ) -> History:
        """Learns the vectors of a corpus; goes on where an earlier call was interrupted.

        Args:
            corpus: sentences, each a list of words or a string that is split at white space, which can be iterated
                again and again (it is read twice); or the path of a text file, UTF-8, with a sentence in each line.
            epochs: the number of epochs in all, those of earlier calls counted; `epochs` of the model by default.
            verbose: 0 shows nothing, 1 progress bars with words and pairs a second, 2 a line for each epoch.

        Returns:
            A `History` of all epochs so far: `loss` is the mean of f(X_ij)(...)² over the pairs, each before its step.

        Raises:
            TypeError: the corpus, a sentence or a word is of a wrong type, or the corpus can be iterated only once.
            ValueError: no word occurs often enough, no two words are neighbours, a file is not UTF-8, the corpus is
                another than the one that the model has begun with, or the loss is no longer finite.
            OSError: a file cannot be read, or the disk is full.
            KeyboardInterrupt: the model stands between two blocks of pairs; the next call goes on there.
        """
        epochs = self.epochs if epochs is None else _checked("epochs", epochs, owner="GloVe.fit")
        verbose = check_verbose("GloVe.fit", verbose)
        if not self._using.acquire(blocking=False):
            raise ConcurrentUseError("GloVe.fit: another thread trains this model.")
        try:
            with ExitStack() as stack:
                state, cells = self._prepared(corpus, verbose, stack)
                self._state = state
                self._train(state, cells, epochs, verbose)
                del cells
        finally:
            self._using.release()
        history = History()
        history.on_train_begin()
        for epoch, loss in enumerate(state.history):
            history.on_epoch_end(epoch, {"loss": loss})
        return history

    def _prepared(self, corpus: Any, verbose: int, stack: ExitStack) -> "tuple[_State, Cells]":
        owner = "GloVe.fit"
        if verbose:
            print_msg("Reading the vocabulary")
        known = word_frequencies(owner, corpus, self.min_count, self.max_vocab, verbose)
        parts = _parts(len(known.words), self.vector_size, known.total * self.window)
        counting = Counting(
            self.window, self.symmetric, parts, self.x_max, self.alpha, self.seed, self.memory, self.folder
        )
        state = self._state
        if state is not None and state.words != known.words:
            raise ValueError(f"{owner}: `corpus` has another vocabulary than the one that this model has begun with.")
        if verbose:
            print_msg("Counting pairs of words")
        cells = Cells.count(owner, corpus, known, counting, verbose, stack)
        if state is None:
            state = _State.start(known.words, known.counts, self.vector_size, parts, cells.checksum, self.seed)
        elif state.checksum != cells.checksum or len(state.losses) != parts:
            raise ValueError(f"{owner}: `corpus` has other co-occurrences than the one that this model has begun with.")
        return state, cells

    def _train(self, state: "_State", cells: Cells, epochs: int, verbose: int) -> None:
        trainer = _dlrs.GloveTrainer(state.weights, state.squares, state.losses)
        try:
            while len(state.history) < epochs:
                loss = self._epoch(trainer, len(state.history), cells, epochs, verbose)
                if not math.isfinite(loss):
                    self._state = None
                    raise ValueError(
                        f"GloVe.fit: the loss of epoch {len(state.history) + 1} is not finite; `learning_rate` = "
                        f"{self.learning_rate} is too large. The next call begins anew."
                    )
                state.history.append(loss)
                trainer.begin()
        finally:
            state.weights, state.squares = (np.asarray(array) for array in trainer.state())
            state.losses = np.asarray(trainer.losses())

    def _epoch(self, trainer: Any, epoch: int, cells: Cells, epochs: int, verbose: int) -> float:
        """Visits all blocks that the epoch has not visited yet; the mean loss."""
        parts = len(cells.ends)
        counts = np.concatenate([np.diff(ends, prepend=0) for ends in cells.ends])
        visited = np.asarray(trainer.losses()).reshape(-1) != -1
        if verbose:
            print_msg(f"Epoch {epoch + 1}/{epochs}")
        bar = Speed(verbose, "pair", int(counts.sum()))
        bar.begin_at(int(counts[visited].sum()))
        rows = np.arange(parts)
        for stratum in _dlrs.glove_strata(self.seed, epoch, parts):
            trainer.visit(cells.cells, cells.ends, stratum, self.learning_rate)
            blocks = rows * parts + (rows + stratum) % parts
            done = int(counts[blocks][~visited[blocks]].sum())
            bar.add(done, **({"loss": _mean_loss(trainer, counts)} if bar.due else {}))
        loss = _mean_loss(trainer, counts)
        bar.close(loss=loss)
        return loss

    # Results

    def _fitted(self, what: str) -> "_State":
        if self._state is None:
            raise ValueError(f"GloVe.{what}: the model has not been fitted; call `fit` first.")
        return self._state

    @property
    def vectors(self) -> WordVectors:
        """The vectors (e + θ)/2, the most frequent word first.

        Raises:
            ValueError: the model has not been fitted.
        """
        state = self._fitted("vectors")
        return WordVectors.of(state.words, (state.weights[0, :, :-1] + state.weights[1, :, :-1]) / 2)

    @property
    def parameters(self) -> dict[str, Array]:
        """θ and e, (words, vector_size), b and b', (words,), by the names "theta", "e", "b" and "b_context".

        Raises:
            ValueError: the model has not been fitted.
        """
        theta, e = self._fitted("parameters").weights
        parts = {"theta": theta[:, :-1], "e": e[:, :-1], "b": theta[:, -1], "b_context": e[:, -1]}
        return {name: part.copy() for name, part in parts.items()}

    @property
    def counts(self) -> dict[str, int]:
        """How often each word of the vocabulary occurs, the most frequent first.

        Raises:
            ValueError: the model has not been fitted.
        """
        state = self._fitted("counts")
        return dict(zip(state.words, state.counts.tolist(), strict=True))

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the arguments and the state of the training, a safetensors file.

        `load` and `fit` go on from it to the same bits. The file takes its place only when it is complete.

        Raises:
            ValueError: the model has not been fitted.
            OSError: the file cannot be written.
        """
        state = self._fitted("save")
        names = ("vector_size", "window", "min_count", "max_vocab", "x_max", "alpha", "learning_rate", "epochs")
        config = {name: getattr(self, name) for name in (*names, "symmetric", "seed", "memory")}
        header = {"format": _FORMAT, "version": 1, "config": config, "checksum": state.checksum}
        header["words"] = list(state.words)
        tensors = {
            "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
            "weights": state.weights,
            "squares": state.squares,
            "losses": state.losses,
            "counts": state.counts,
            "history": np.array(state.history, np.float64),
        }
        name = os.fspath(path)
        write_file(name, encode({key: stored(array) for key, array in tensors.items()}, name))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "GloVe":
        """The model that `save` wrote.

        Raises:
            OSError: the file cannot be read.
            errors.FormatError: it holds something else.
        """
        name = os.fspath(path)
        tensors = {key: tensor.array for key, tensor in decode(_dlrs.read_file(name), name).items()}
        try:
            header = json.loads(tensors["header"].tobytes())
            if header["format"] != _FORMAT or header["version"] != 1:
                raise ValueError(f"format {header['format']!r:.60}, version {header['version']!r:.60}")
            model = cls(**header["config"])
            model._state = _State.read(header, tensors, model.vector_size)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise FormatError(f"GloVe.load: {name!r} is no GloVe model: {error}") from error
        return model

    def __repr__(self) -> str:
        state = self._state
        fitted = f"{len(state.words)} words, {len(state.history)} epochs" if state else "not fitted"
        return f"GloVe({fitted}, {self.vector_size} dimensions)"


@dataclass
class _State:
    """Where a training stands.

    Weights and sums of squares are float32 (2, words, vector_size + 1), θ and b before e and b'; losses are those of
    the epoch's blocks.
    """

    words: tuple[str, ...]
    counts: Array
    checksum: int
    weights: Array
    squares: Array
    losses: Array
    history: list[float]

    @classmethod
    def start(cls, words: tuple[str, ...], counts: Array, size: int, parts: int, checksum: int, seed: int) -> "_State":
        shape = (2, len(words), size + 1)
        if math.prod(shape) > _MOST_NUMBERS:
            raise ValueError(f"GloVe.fit: {len(words)} vectors of {size} numbers are too many.")
        weights = uniform(shape, -0.5 / size, 0.5 / size, "float32", seed=seed).numpy()
        losses = np.full((parts, parts), -1.0)
        return cls(words, counts, checksum, weights, np.ones(shape, np.float32), losses, [])

    @classmethod
    def read(cls, header: dict[str, Any], tensors: dict[str, Array], size: int) -> "_State":
        words, checksum = header["words"], header["checksum"]
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError("`words` is no list of strings")
        if len(set(words)) != len(words) or isinstance(checksum, bool) or not isinstance(checksum, int):
            raise ValueError("a word occurs twice, or the checksum is no integer")
        shape, parts = (2, len(words), size + 1), len(tensors["losses"])
        if not 0 < parts <= len(words) <= parts * _MOST_ROWS:
            raise ValueError(f"`losses` has {parts} rows for {len(words)} words")
        expected: dict[str, tuple[str, tuple[int, ...]]] = {
            "weights": ("float32", shape),
            "squares": ("float32", shape),
            "losses": ("float64", (parts, parts)),
            "counts": ("int64", (len(words),)),
            "history": ("float64", tensors["history"].shape),
        }
        for name, (dtype, wanted) in expected.items():
            if tensors[name].dtype != dtype or tensors[name].shape != wanted:
                raise ValueError(f"`{name}` has dtype {tensors[name].dtype} and shape {tensors[name].shape}")
            if not np.isfinite(tensors[name]).all():
                raise ValueError(f"`{name}` is not finite")
        if tensors["history"].ndim != 1 or (tensors["squares"] < 1).any():
            raise ValueError("`history` is no vector, or `squares` are below 1")
        weights, squares, losses = (tensors[name].copy() for name in ("weights", "squares", "losses"))
        history = tensors["history"].tolist()
        return cls(tuple(words), tensors["counts"].copy(), checksum, weights, squares, losses, history)


def _checked(name: str, value: Any, least: int = 1, most: int | None = None, owner: str = "GloVe") -> int:
    count = check_count(owner, name, value, least)
    if most is not None and count > most:
        raise ValueError(f"{owner}: `{name}` must be at most {most}, got {count}.")
    return count


def _parts(words: int, size: int, pairs: int) -> int:
    """How many parts the words are dealt out to: results depend on it, so only the corpus and the sizes decide it."""
    wanted = min(8 * words * (size + 2) // _PART_BYTES, pairs // (_VISITS * words), _MOST_PARTS)
    return min(words, max(_FEWEST_PARTS, wanted, -(-words // _MOST_ROWS)))


def _mean_loss(trainer: Any, counts: Array) -> float:
    """The mean over what has been visited; the exact sum of the blocks' losses, whatever their order."""
    losses = np.asarray(trainer.losses()).reshape(-1)
    visited = losses != -1
    total = losses[visited]
    if not np.isfinite(total).all():
        return math.nan
    return math.fsum(total.tolist()) / max(int(counts[visited].sum()), 1)
