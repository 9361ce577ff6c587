"""Word2vec: word vectors learned by telling a word's neighbours from other words."""

import json
import math
import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend.checks import check_flags, check_number
from dlrs.callbacks import History
from dlrs.errors import ConcurrentUseError, FormatError
from dlrs.saving.archive import write_file
from dlrs.saving.safetensors import decode, encode, stored
from dlrs.text.checks import check_choice, check_count, check_verbose
from dlrs.text.cooccurrences import Frequencies, Speed
from dlrs.text.numbered_corpus import END, NumberedCorpus
from dlrs.text.word_vectors import WordVectors
from dlrs.utils.io_utils import print_msg

Array = np.ndarray[Any, Any]

_FORMAT = "dlrs Word2Vec"
_ARCHITECTURES = ("skip-gram", "cbow")
_OBJECTIVES = ("negative_sampling", "hierarchical_softmax")
_BLOCK = 1 << 14  # words of a stretch, whose steps have one length
_MOST_BLOCKS = 1 << 20
_MOST_NUMBERS = 1 << 40  # of all vectors
_LARGEST_LOSS = 1.0  # vectors of zeros have log 2 = 0.69


class Word2Vec:
    """Word vectors from neighbours: Mikolov, Chen, Corrado and Dean 2013 (arXiv 1301.3781) and Mikolov, Sutskever,
    Chen, Corrado and Dean 2013 (arXiv 1310.4546).

    Of a word w and a word c within its window, "skip-gram" scores the vector v of c, "cbow" the mean v of all words in
    the window, and with negative sampling minimises

        −log σ(u_wᵀv) − Σ log σ(−u_nᵀv)

    over `negative` words n drawn with chances ∝ (frequency)^`ns_exponent`; with hierarchical softmax the same over the
    turns on w's way in a Huffman tree of all words. Steps of gradient descent shrink linearly from `learning_rate` to
    `min_learning_rate`. As in the authors' program, a window's size is drawn from 1 to `window`, and an occurrence of a
    word with the share f of all words is kept with the chance √(t/f) + t/f, where t is `sample`.

    A window's words, 12 at a time, share its negative samples (Ji et al. 2016, arXiv 1604.04661), all of which differ.
    Up to 32 windows meet the same weights: fewer where vectors that many of them share would be carried too far, as
    with a large `learning_rate`, wide windows or the tree's root. All threads work on each window, a thread on its
    columns of the vectors: there are no races, and all results are the same bits at any number of threads, with little
    memory or much, and after an interruption. A sentence is cut every 16,384 words, and so are windows there.

    Args:
        vector_size: numbers of a vector.
        window: the largest distance between a word and its neighbour, at most 1000.
        min_count: how often a word must occur to have a vector; others are taken out before neighbours are sought.
        max_vocab: how many words have vectors, the most frequent ones; all by default.
        architecture: "skip-gram" or "cbow".
        objective: "negative_sampling" or "hierarchical_softmax".
        negative: negative samples of a window; if there are fewer other words, all of them.
        ns_exponent: the power that frequencies are raised to for drawing them.
        sample: t, the share from which on occurrences of a word are left out; 0 keeps all.
        dynamic_window: whether windows' sizes are drawn; if not, all are `window`.
        learning_rate, min_learning_rate: lengths of the first and of the last step.
        epochs: how often the corpus is gone through.
        seed: an integer in [0, 2**32): first vectors, windows, samples.
        memory: bytes for the corpus as numbers; a larger one goes to a temporary file, which is removed when `fit`
            ends, whichever way. The vocabulary and the vectors come on top.
        folder: where the temporary file is made; by default where the system makes them.

    Raises:
        ValueError: an argument is out of range.
        TypeError: `folder` is no path, or `dynamic_window` neither True nor False.

    >>> corpus = ["the king and the queen rule", "the man and the woman work"] * 50
    >>> model = Word2Vec(vector_size=8, window=3, negative=2, sample=0, learning_rate=0.1, epochs=10)
    >>> losses = model.fit(corpus, verbose=0).history["loss"]
    >>> losses[-1] < losses[0]
    True
    >>> model.vectors
    WordVectors(8 of 8 tokens found, 8 dimensions)
    """

    def __init__(
        self,
        vector_size: int = 100,
        window: int = 5,
        min_count: int = 5,
        max_vocab: int | None = None,
        architecture: str = "skip-gram",
        objective: str = "negative_sampling",
        negative: int = 5,
        ns_exponent: float = 0.75,
        sample: float = 1e-3,
        dynamic_window: bool = True,
        learning_rate: float = 0.025,
        min_learning_rate: float = 1e-4,
        epochs: int = 5,
        seed: int = 0,
        memory: int = 1 << 30,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.vector_size = _checked("vector_size", vector_size, most=1 << 16)
        self.window = _checked("window", window, most=1000)
        self.min_count = _checked("min_count", min_count)
        self.max_vocab = None if max_vocab is None else _checked("max_vocab", max_vocab, 2)
        for name, value, known in (
            ("architecture", architecture, _ARCHITECTURES),
            ("objective", objective, _OBJECTIVES),
        ):
            check_choice("Word2Vec", name, value, known)
        self.architecture, self.objective = architecture, objective
        self.negative = _checked("negative", negative, most=1000)
        check_number("Word2Vec", "ns_exponent", ns_exponent)
        check_number("Word2Vec", "sample", sample, least=0)
        check_number("Word2Vec", "learning_rate", learning_rate, above=0)
        check_number("Word2Vec", "min_learning_rate", min_learning_rate, least=0)
        self.ns_exponent, self.sample = float(ns_exponent), float(sample)
        self.learning_rate, self.min_learning_rate = float(learning_rate), float(min_learning_rate)
        if self.min_learning_rate > self.learning_rate:
            raise ValueError("Word2Vec: `min_learning_rate` must not be above `learning_rate`.")
        check_flags("Word2Vec", dynamic_window=dynamic_window)
        self.dynamic_window = bool(dynamic_window)
        self.epochs = _checked("epochs", epochs, most=_MOST_BLOCKS)
        self.seed = _checked("seed", seed, 0, (1 << 32) - 1)
        self.memory = _checked("memory", memory)
        if folder is not None and not isinstance(folder, str | os.PathLike):
            raise TypeError(f"Word2Vec: `folder` must be a path, got {folder!r:.60}.")
        self.folder = None if folder is None else os.fspath(folder)
        self._state: _State | None = None
        self._using = threading.Lock()

    # Training

    def fit(
        self, corpus: str | os.PathLike[str] | Iterable[Any], epochs: int | None = None, verbose: int = 1
    ) -> History:
        """Learns the vectors of a corpus; goes on where an earlier call was interrupted.

        Args:
            corpus: sentences, each a list of words or a string that is split at white space; or the path of a text
                file, UTF-8, with a sentence in each line. It is read once.
            epochs: the number of epochs in all, those of earlier calls counted; `epochs` of the model by default. Steps
                shrink over all of them.
            verbose: 0 shows nothing, 1 progress bars with words a second, 2 a line for each epoch.

        Returns:
            A `History` of all epochs so far: `loss` is the mean of −log σ(±uᵀv) over all scores, each before its step.
            A single loss above 20.8 counts as that.

        Raises:
            TypeError: the corpus, a sentence or a word is of a wrong type.
            ValueError: fewer than two words occur often enough, no two of them are neighbours, a file is not UTF-8, the
                corpus is another than the one that the model has begun with, or the loss of an epoch is above 1, which
                only too large steps lead to: it is log 2 for vectors of zeros.
            OSError: a file cannot be read, or the disk is full.
            KeyboardInterrupt: the model stands between two stretches of the corpus; the next call goes on there, to the
                bits of an uninterrupted training.
        """
        epochs = self.epochs if epochs is None else _checked("epochs", epochs, most=_MOST_BLOCKS, owner="Word2Vec.fit")
        verbose = check_verbose("Word2Vec.fit", verbose)
        if not self._using.acquire(blocking=False):
            raise ConcurrentUseError("Word2Vec.fit: another thread trains this model.")
        try:
            with ExitStack() as stack:
                self._train(*self._prepared(corpus, verbose, stack), epochs, verbose)
        finally:
            self._using.release()
        history = History()
        history.on_train_begin()
        for epoch, loss in enumerate(self._fitted("fit").progress.history):
            history.on_epoch_end(epoch, {"loss": loss})
        return history

    def _prepared(self, corpus: Any, verbose: int, stack: ExitStack) -> "tuple[_State, NumberedCorpus]":
        owner = "Word2Vec.fit"
        if verbose:
            print_msg("Reading the corpus")
        numbers = NumberedCorpus(
            owner, corpus, self.min_count, self.max_vocab, self.memory, self.folder, verbose, stack
        )
        known = numbers.known
        if len(known.words) < 2:
            raise ValueError(
                f"{owner}: only one word of `corpus` occurs `min_count` = {self.min_count} times: "
                f"{known.words[0]!r:.60}."
            )
        if len(known.words) * self.vector_size > _MOST_NUMBERS:
            raise ValueError(f"{owner}: {len(known.words)} vectors of {self.vector_size} numbers are too many.")
        if numbers.length > _BLOCK * _MOST_BLOCKS:
            raise ValueError(f"{owner}: `corpus` has more than {_BLOCK * _MOST_BLOCKS} words.")
        state = self._state
        if state is None:
            state = _State(known.words, known.counts, numbers.checksum, *self._first_vectors(known))
            self._state = state
        elif state.words != known.words:
            raise ValueError(f"{owner}: `corpus` has another vocabulary than the one that this model has begun with.")
        elif state.checksum != numbers.checksum:
            raise ValueError(f"{owner}: `corpus` has other sentences than the one that this model has begun with.")
        return state, numbers

    def _trainer(self, counts: Array) -> Any:
        negatives = self.negative if self.objective == "negative_sampling" else None
        return _dlrs.Word2VecTrainer(
            counts.tolist(),
            self.vector_size,
            self.window,
            self.dynamic_window,
            self.sample,
            negatives,
            self.ns_exponent,
            self.architecture == "cbow",
            self.seed,
        )

    def _first_vectors(self, known: Frequencies) -> tuple[Array, Array]:
        first, second = self._trainer(known.counts).matrices()
        return np.asarray(first), np.asarray(second)

    def _train(self, state: "_State", numbers: NumberedCorpus, epochs: int, verbose: int) -> None:
        trainer = self._trainer(state.counts)
        trainer.set_matrices(state.inputs, state.outputs)
        run = _Run(trainer, state.progress)
        try:
            while len(run.progress.history) < epochs:
                self._epoch(run, numbers, epochs, verbose)
        finally:
            if self._state is not None:
                self._state = run.state(state)

    def _epoch(self, run: "_Run", numbers: NumberedCorpus, epochs: int, verbose: int) -> None:
        """Goes through the blocks that the epoch has not gone through yet."""
        epoch, begun = len(run.progress.history), run.progress.blocks
        if verbose:
            print_msg(f"Epoch {epoch + 1}/{epochs}")
        bar = Speed(verbose, "word", numbers.words)
        bar.begin_at(min(begun * _BLOCK, numbers.length) * numbers.words // numbers.length)
        for number, block in enumerate(numbers.blocks(_BLOCK, begun), begun):
            progress = (epoch + number * _BLOCK / numbers.length) / epochs
            rate = self.learning_rate + (self.min_learning_rate - self.learning_rate) * progress
            run.train(block, rate)
            bar.add(int(np.count_nonzero(block != END)), **({"loss": run.progress.loss} if bar.due else {}))
        self._check_epoch(run.progress)
        bar.close(loss=run.progress.loss)
        run.progress = run.progress.end_of_epoch()

    def _check_epoch(self, progress: "_Progress") -> None:
        if progress.count == 0:
            self._state = None
            raise ValueError(
                f"Word2Vec.fit: no two words of the vocabulary stand within `window` = {self.window} in a sentence, or "
                f"`sample` = {self.sample} left none beside another."
            )
        if not progress.loss <= _LARGEST_LOSS:
            self._state = None
            raise ValueError(
                f"Word2Vec.fit: the loss of epoch {len(progress.history) + 1} is {progress.loss:.4g}, more than "
                f"vectors of zeros have: `learning_rate` = {self.learning_rate} is too large. The next call begins "
                "anew."
            )

    # Results

    def _fitted(self, what: str) -> "_State":
        if self._state is None:
            raise ValueError(f"Word2Vec.{what}: the model has not been fitted; call `fit` first.")
        return self._state

    @property
    def vectors(self) -> WordVectors:
        """The vectors v of the words, the most frequent word first.

        Raises:
            ValueError: the model has not been fitted.
        """
        state = self._fitted("vectors")
        return WordVectors.of(state.words, state.inputs)

    @property
    def output_vectors(self) -> Array:
        """The vectors u, float32: of the words, (words, vector_size); with hierarchical softmax of the tree's inner
        nodes, the root last, (words − 1, vector_size).

        Raises:
            ValueError: the model has not been fitted.
        """
        return self._fitted("output_vectors").outputs.copy()

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
        names = ["vector_size", "window", "min_count", "max_vocab", "architecture", "objective", "negative"]
        names += ["ns_exponent", "sample", "dynamic_window", "learning_rate", "min_learning_rate", "epochs", "seed"]
        config = {name: getattr(self, name) for name in (*names, "memory")}
        header = {"format": _FORMAT, "version": 1, "config": config, "words": list(state.words)}
        header |= {"checksum": state.checksum, **asdict(state.progress)}
        tensors = {
            "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
            "inputs": state.inputs,
            "outputs": state.outputs,
            "counts": state.counts,
        }
        name = os.fspath(path)
        write_file(name, encode({key: stored(array) for key, array in tensors.items()}, name))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Word2Vec":
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
            is_tree = model.objective == "hierarchical_softmax"
            model._state = _State.read(header, tensors, model.vector_size, is_tree)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise FormatError(f"Word2Vec.load: {name!r} is no Word2Vec model: {error}") from error
        return model

    def __repr__(self) -> str:
        state = self._state
        fitted = f"{len(state.words)} words, {len(state.progress.history)} epochs" if state else "not fitted"
        return f"Word2Vec({fitted}, {self.vector_size} dimensions)"


@dataclass(frozen=True)
class _Progress:
    """How far a training is: losses of the epochs, and of the one that has begun its blocks, losses' sum and number."""

    history: tuple[float, ...] = ()
    blocks: int = 0
    losses: float = 0.0
    count: int = 0

    @property
    def loss(self) -> float:
        """The mean loss of the epoch that has begun."""
        return self.losses / max(self.count, 1)

    @property
    def next(self) -> int:
        """The number of the stretch that is next, which no other has."""
        return len(self.history) * _MOST_BLOCKS + self.blocks

    def after(self, trained: tuple[int, float, int] | None) -> "_Progress":
        """After the stretch that was trained last, which may be counted already."""
        if trained is None or trained[0] != self.next:
            return self
        return replace(self, blocks=self.blocks + 1, losses=self.losses + trained[1], count=self.count + trained[2])

    def end_of_epoch(self) -> "_Progress":
        """At the beginning of the next epoch."""
        return _Progress((*self.history, self.loss))

    @classmethod
    def read(cls, header: dict[str, Any]) -> "_Progress":
        """What a file says.

        Raises:
            KeyError, TypeError, ValueError: it says something else.
        """
        for name in ("blocks", "count"):
            if isinstance(header[name], bool) or not isinstance(header[name], int) or header[name] < 0:
                raise ValueError(f"`{name}` is {header[name]!r:.60}")
        losses = [header["losses"], *header["history"]]
        if not all(isinstance(loss, float) and math.isfinite(loss) for loss in losses):
            raise ValueError("a loss is no number")
        return cls(tuple(losses[1:]), header["blocks"], losses[0], header["count"])


class _Run:
    """A training. A signal may come between any two lines: the trainer itself knows what it trained last."""

    def __init__(self, trainer: Any, progress: _Progress) -> None:
        self._trainer, self.progress = trainer, progress

    def train(self, block: Array, rate: float) -> None:
        self._trainer.train(block, self.progress.next, rate)
        self.progress = self.progress.after(self._trainer.last())

    def state(self, before: "_State") -> "_State":
        """Where the training stands."""
        first, second = (np.asarray(matrix) for matrix in self._trainer.matrices())
        progress = self.progress.after(self._trainer.last())
        return replace(before, inputs=first, outputs=second, progress=progress)


@dataclass(frozen=True)
class _State:
    """Where a training stands, and what it is of."""

    words: tuple[str, ...]
    counts: Array
    checksum: int
    inputs: Array
    outputs: Array
    progress: _Progress = _Progress()

    @classmethod
    def read(cls, header: dict[str, Any], tensors: dict[str, Array], size: int, is_tree: bool) -> "_State":
        words = header["words"]
        if not isinstance(words, list) or len(words) < 2 or not all(isinstance(word, str) for word in words):
            raise ValueError("`words` is no list of strings")
        if len(set(words)) != len(words):
            raise ValueError("a word occurs twice")
        checksum = header["checksum"]
        if isinstance(checksum, bool) or not isinstance(checksum, int):
            raise ValueError(f"`checksum` is {checksum!r:.60}")
        expected: dict[str, tuple[str, tuple[int, ...]]] = {
            "inputs": ("float32", (len(words), size)),
            "outputs": ("float32", (len(words) - is_tree, size)),
            "counts": ("int64", (len(words),)),
        }
        for name, (dtype, shape) in expected.items():
            if tensors[name].dtype != dtype or tensors[name].shape != shape:
                raise ValueError(f"`{name}` has dtype {tensors[name].dtype} and shape {tensors[name].shape}")
            if not np.isfinite(tensors[name]).all():
                raise ValueError(f"`{name}` is not finite")
        if (tensors["counts"] < 1).any():
            raise ValueError("a word occurs never")
        counts, inputs, outputs = (tensors[name].copy() for name in ("counts", "inputs", "outputs"))
        return cls(tuple(words), counts, checksum, inputs, outputs, _Progress.read(header))


def _checked(name: str, value: Any, least: int = 1, most: int | None = None, owner: str = "Word2Vec") -> int:
    count = check_count(owner, name, value, least)
    if most is not None and count > most:
        raise ValueError(f"{owner}: `{name}` must be at most {most}, got {count}.")
    return count
