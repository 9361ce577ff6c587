"""Words as vectors: similarity, neighbours and analogies."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.text.checks import check_count, check_text
from dlrs.text.vector_evaluations import AnalogyScore, SimilarityScore, evaluate_analogies, evaluate_similarity

Array = np.ndarray[Any, Any]

_MOST_COMPARED = 100_000  # words that near spellings are looked for among


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A vector for every word of a vocabulary; what `load_vectors` and `read_vectors` return.

    Similarity is the cosine, ⟨u, v⟩ / (‖u‖ ‖v‖); that of a vector of zeros with any other is 0.

    Attributes:
        matrix: float32, shape (words, dimensions); row i belongs to word i.
        missing: the words that the file has no vector for, in the order of the vocabulary.
        words: the words; without them there is no asking by word.

    Raises:
        TypeError: `matrix` is no matrix of numbers, or a word is no string.
        ValueError: a vector is not finite, a word occurs twice, or there is another number of words than of rows.

    >>> vectors = WordVectors.of(["king", "queen", "man", "woman", "apple"],
    ...                          [[2, 1, 0], [2, -1, 0], [1, 1, 0], [1, -1, 0], [0, 0, 1]])
    >>> vectors
    WordVectors(5 of 5 tokens found, 3 dimensions)
    >>> [(word, cosine)] = vectors.analogy("man", "king", "woman", k=1)
    >>> word, round(cosine, 2)
    ('queen', 0.94)
    >>> round(vectors.similarity("king", "man"), 3), vectors.nearest("man", k=1)[0][0]
    (0.949, 'king')
    """

    matrix: Array
    missing: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks what was given."""
        matrix = _as_floats("WordVectors: `matrix` must be a matrix of numbers", self.matrix)
        if matrix.ndim != 2 or matrix.shape[1] == 0:
            raise ValueError(f"WordVectors: `matrix` must have shape (words, dimensions), got {matrix.shape}.")
        wrong = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if wrong.size:
            raise ValueError(f"WordVectors: row {wrong[0]} of `matrix` is not finite.")
        object.__setattr__(self, "matrix", matrix)
        for name in ("missing", "words"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise TypeError(f"WordVectors: `{name}` must be a sequence of strings, got {given!r:.60}.")
            object.__setattr__(self, name, tuple(check_text("WordVectors", name, word) for word in given))
        if self.words and len(self.words) != len(matrix):
            raise ValueError(f"WordVectors: {len(self.words)} words for the {len(matrix)} rows of `matrix`.")
        if len(self._rows) != len(self.words):
            twice = next(word for row, word in enumerate(self.words) if self._rows[word] != row)
            raise ValueError(f"WordVectors: the word {twice!r:.60} occurs twice.")

    @classmethod
    def of(cls, words: Iterable[str], matrix: Any) -> "WordVectors":
        """The vectors `matrix`, one a row, of `words`."""
        return cls(matrix, (), words)  # type: ignore[arg-type]

    @property
    def found(self) -> int:
        """Number of words that the file has a vector for."""
        return len(self.matrix) - len(self.missing)

    def embedding(self, trainable: bool = False, **kwargs: Any) -> Any:
        """A `layers.Embedding` that starts with these vectors.

        Args:
            trainable: whether training goes on with them (fine-tuning) or leaves them as they are.
            **kwargs: further arguments of `Embedding`, such as `mask_zero`.
        """
        from dlrs.layers import Embedding

        tokens, dimensions = self.matrix.shape
        return Embedding(tokens, dimensions, weights=self.matrix, trainable=trainable, **kwargs)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Writes the words and their vectors; `dlrs.text.read_vectors` reads them.

        Args:
            path: the file.
            format: "word2vec" (text with a first line of two counts), "word2vec-binary", "glove" (text) or "npy" (a
                matrix, and beside it the words in a `.words.txt`, one a line). By default what the name ends in says:
                `.bin` is word2vec's binary form, `.npy` the matrix, everything else GloVe's.

        Raises:
            ValueError: there are no words, `format` is another, or a word could not be read back: it is empty or has a
                line break, a space (which "npy" holds), half of a surrogate pair or too many bytes.
            OSError: a file cannot be written. The old one stays; or, while words and matrix are replaced, no matrix.
        """
        from dlrs.text.vector_files import write_vectors

        write_vectors(self, path, format)

    # Rows

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def _directions(self) -> tuple[Array, Array]:
        """Rows in the directions of the vectors, and 1/‖row‖, 0 for zeros.

        The rows are those of `matrix`, but for vectors so short or long that products in float32 would underflow or
        overflow: those are multiplied by a power of two, which rounds nothing that counts.
        """
        rows = self.matrix
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        extreme = np.flatnonzero((norms > 0) & ((norms < 2.0**-40) | (norms > 2.0**40)))
        if extreme.size:
            exponents = np.frexp(norms[extreme])[1]
            rows = rows.copy()
            rows[extreme] = np.ldexp(rows[extreme].astype(np.float64), -exponents[:, None])
            norms[extreme] = np.ldexp(norms[extreme], -exponents)
        return rows, np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0).astype(np.float32)

    def row(self, word: str) -> int:
        """The number of a word.

        Raises:
            KeyError: it is not in the vocabulary; the message names words spelt like it.
        """
        row: int | None = self._rows.get(check_text("WordVectors", "word", word))
        if row is not None:
            return row
        if not self.words:
            raise ValueError("WordVectors: these vectors have no `words`, so none can be asked for.")
        near = difflib.get_close_matches(word[:40], self.words[:_MOST_COMPARED])
        hint = f"; near it are {', '.join(map(repr, near))}" if near else ""
        raise KeyError(f"WordVectors: the word {word!r:.60} is not in the vocabulary{hint}.")

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __getitem__(self, word: str) -> Array:
        """The vector of a word, float32 (dimensions,)."""
        return self.matrix[self.row(word)].copy()  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.matrix)

    def _unit(self, word: str) -> Array:
        return self._units(self.row(word))

    def _units(self, rows: Any) -> Array:
        """Unit vectors of rows; those of zeros are zeros."""
        directions, scales = self._directions
        return directions[rows] * scales[rows][..., None]  # type: ignore[no-any-return]

    # Questions

    def similarity(self, first: str, second: str) -> float:
        """The cosine between two words."""
        a, b = self._unit(first).astype(np.float64), self._unit(second).astype(np.float64)
        return float(np.clip(a @ b, -1.0, 1.0))

    def similarities(self, first: Iterable[str], second: Iterable[str]) -> Array:
        """Cosines between the words of two sequences of equal length, float32 (n,)."""
        a, b = ([self.row(word) for word in _sequence(words)] for words in (first, second))
        if len(a) != len(b):
            raise ValueError(f"WordVectors.similarities: {len(a)} words in `first`, {len(b)} in `second`.")
        rows, scales = self._directions
        products = np.einsum("ij,ij->i", rows[a], rows[b], dtype=np.float64)
        cosines = np.clip(products * scales[a] * scales[b], -1.0, 1.0)
        return cosines.astype(np.float32)  # type: ignore[no-any-return]

    def nearest(self, word: str | Array, k: int = 10, exclude: Iterable[str] = ()) -> list[tuple[str, float]]:
        """The `k` words most similar to a word or a vector, the best first, equal ones in the vocabulary's order.

        Args:
            word: a word, which is not among the answers, or a finite vector of shape (dimensions,).
            k: how many.
            exclude: further words that are no answers.

        Raises:
            KeyError: a word is not in the vocabulary.
            ValueError: `k` is below 1 or more than the words that may be answers, or the vector is wrong.
        """
        return self.nearest_many([word], k, exclude)[0]

    def nearest_many(
        self, words: Iterable[str | Array], k: int = 10, exclude: Iterable[str] = ()
    ) -> list[list[tuple[str, float]]]:
        """`nearest` of every one of several words or vectors, at once; each gets what it would get alone.

        Args:
            words: words, or vectors such as the rows of a matrix (n, dimensions).
            k: as of `nearest`, like `exclude`.
            exclude: likewise.

        Raises:
            KeyError: a word is not in the vocabulary.
            ValueError: as of `nearest`.
            TypeError: `words` is a string or no sequence.

        >>> vectors = WordVectors.of(["man", "king", "woman"], [[1, 1, 0], [2, 1, 0], [1, -1, 0]])
        >>> [near[0][0] for near in vectors.nearest_many(["man", "woman"], k=1)]
        ['king', 'king']
        """
        queries, left_out = [], []
        others = {self.row(other) for other in _sequence(exclude)}
        for word in _sequence(words):
            if isinstance(word, str):
                row = self.row(word)
                queries.append(self._units(row))
                left_out.append(others | {row})
            else:
                queries.append(self._direction(word))
                left_out.append(others)
        return self._answers("nearest", np.stack(queries), k, left_out) if queries else []

    def analogy(
        self, a: str, b: str, c: str, k: int = 10, method: str = "add", epsilon: float = 0.001
    ) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`: the `k` best words and their scores; the three words are no answers.

        "add" is 3CosAdd, argmax cos(d, b − a + c) over unit vectors a, b, c (Mikolov et al. 2013); "mul" is 3CosMul,
        argmax cos(d, b) cos(d, c) / (cos(d, a) + ε) with cosines moved to [0, 1] by (x + 1)/2 (Levy & Goldberg 2014).

        Raises:
            KeyError: a word is not in the vocabulary.
            ValueError: `k` is below 1 or more than the words that may be answers, `method` is another, or `epsilon` is
                not from 1e-30 to 1e30.
        """
        return self.analogies([(a, b, c)], k, method, epsilon)[0]

    def analogies(
        self, questions: Iterable[tuple[str, str, str]], k: int = 1, method: str = "add", epsilon: float = 0.001
    ) -> list[list[tuple[str, float]]]:
        """`analogy` of every (a, b, c), many at a time."""
        _check_method("analogy", method, epsilon)
        rows = [self._question(question) for question in _sequence(questions)]
        if not rows:
            return []
        left_out = [set(question) for question in rows]
        units = self._units(np.array(rows, np.int64))
        if method == "add":
            queries = units[:, 1] - units[:, 0] + units[:, 2]
            norms = np.linalg.norm(queries, axis=1, keepdims=True)
            queries = np.divide(queries, norms, out=np.zeros_like(queries), where=norms > 0)
            return self._answers("analogy", queries, k, left_out)
        self._check_k("analogy", k, 3)
        return [self._products(unit, k, rows, epsilon) for unit, rows in zip(units, left_out, strict=True)]

    # Evaluations

    def evaluate_analogies(
        self,
        questions: Any,
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        method: str = "add",
        epsilon: float = 0.001,
    ) -> AnalogyScore:
        """How many analogies are answered rightly, as Mikolov et al. 2013 count.

        Args:
            questions: a file in the format of Google's `questions-words.txt` (four words on a line; a line ": name"
                begins a section), or quadruples (a, b, c, expected), or a mapping from sections to quadruples.
            restrict_vocab: only the first so many words may be asked for and answer; None for all.
            case_insensitive: whether words are compared in capitals; of words that are then equal the first is taken.
            method: "add" for 3CosAdd or "mul" for 3CosMul, see `analogy`.
            epsilon: that of 3CosMul, from 1e-30 to 1e30.

        Returns:
            Accuracy of each section and of all, and the wrong answers. Questions with a word that is not in the
            vocabulary are skipped and counted. The words asked with are no answers.

        Raises:
            ValueError: there are no questions, one has not four words (the message names the line), or an argument is
                not as above.

        >>> vectors = WordVectors.of(["king", "queen", "man", "woman", "apple"],
        ...                          [[2, 1, 0], [2, -1, 0], [1, 1, 0], [1, -1, 0], [0, 0, 1]])
        >>> score = vectors.evaluate_analogies([("man", "king", "woman", "queen"), ("man", "boy", "woman", "girl")])
        >>> score
        AnalogyScore(total: 100.0 %, 1 of 1, 1 skipped)
        """
        _check_method("evaluate_analogies", method, epsilon)
        return evaluate_analogies(self, questions, restrict_vocab, case_insensitive, method, epsilon)

    def evaluate_similarity(
        self,
        pairs: Any,
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        delimiter: str = "\t",
        column: int | str = 2,
    ) -> SimilarityScore:
        """How well cosines agree with people's scores of how similar two words are, as in WordSim-353 and SimLex-999.

        Args:
            pairs: a file with two words and a score on a line, where lines that begin with "#" and a first line of
                names do not count, or a sequence of (word, word, score).
            restrict_vocab: only the first so many words are known; None for all.
            case_insensitive: whether words are compared in capitals; of words that are then equal the first is taken.
            delimiter: what stands between the columns of the file.
            column: where the score stands: a number from 0, or a name in the first line ("SimLex999").

        Returns:
            Spearman's and Pearson's correlation (NaN for fewer than two pairs, or if all scores are equal), and how
            many pairs were skipped because a word is not in the vocabulary.

        Raises:
            ValueError: there are no pairs, a line has no score (the message names it), or an argument is not as above.

        >>> vectors = WordVectors.of(["cat", "dog", "car"], [[3, 1], [2, 1], [-1, 3]])
        >>> judged = [("cat", "dog", 9.0), ("dog", "car", 2.0), ("cat", "car", 1.0), ("cat", "ox", 5.0)]
        >>> vectors.evaluate_similarity(judged)
        SimilarityScore(Spearman 1.0000, Pearson 0.9998, 3 pairs, 1 skipped)
        """
        return evaluate_similarity(self, pairs, restrict_vocab, case_insensitive, delimiter, column)

    def plot(
        self,
        words: Any,
        method: str = "pca",
        path: str | os.PathLike[str] | None = None,
        title: str | None = None,
        perplexity: float | None = None,
        seed: int | None = 0,
    ) -> Any:
        """A map of words, by their unit vectors.

        Args:
            words: 3 to 1000 words, or a mapping from names of groups to words, which gives each group a colour.
            method: "pca" for the two directions in which they vary most, or "tsne" for a map that keeps neighbours
                together, see `dlrs.text.tsne`.
            path: a file to write, in any format of Matplotlib.
            title: stands above the map.
            perplexity: t-SNE's; by default 30, or a third of the other words if they are fewer than 90.
            seed: t-SNE's.

        Returns:
            Matplotlib's figure, which notebooks show.

        Raises:
            ImportError: Matplotlib is not installed (the `plot` extra).
            KeyError: a word is not in the vocabulary; the message names words spelt like it.
            ValueError: a word occurs twice, there are too few or too many, or an argument is not as above.

        >>> vectors = WordVectors.of(["man", "king", "queen", "apple"], [[1, 1, 0], [2, 1, 0], [2, -1, 0], [0, 0, 1]])
        >>> figure = vectors.plot({"people": ["man", "king", "queen"], "fruit": ["apple"]})
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['man', 'king', 'queen', 'apple']
        """
        from dlrs.text.word_map import plot

        return plot(self, words, method, path, title, perplexity, seed)

    def _question(self, question: Any) -> tuple[int, int, int]:
        if isinstance(question, str) or not isinstance(question, Iterable):
            raise TypeError(f"WordVectors.analogies: a question must be three words, got {question!r:.60}.")
        words = list(question)
        if len(words) != 3:
            raise ValueError(f"WordVectors.analogies: a question must be three words, got {words!r:.60}.")
        return self.row(words[0]), self.row(words[1]), self.row(words[2])

    def _products(self, units: Array, k: int, left_out: set[int], epsilon: float) -> list[tuple[str, float]]:
        """3CosMul of one question."""
        rows, scales = self._directions
        a, b, c = (units @ rows.T * scales + 1.0) / 2.0
        scores = b * c / (a + epsilon)
        scores[list(left_out)] = -np.inf
        least = np.partition(scores, len(scores) - k)[-k]
        among = np.flatnonzero(scores >= least)
        order = among[np.argsort(-scores[among], kind="stable")[:k]]
        return [(self.words[row], float(scores[row])) for row in order]

    def _direction(self, vector: Any) -> Array:
        wanted = "WordVectors.nearest: `word` must be a string or a vector"
        # Elements may be too small or large for float32; the direction is not.
        long = getattr(vector, "dtype", None) == np.longdouble
        query = _as_floats(wanted, vector, np.longdouble if long else np.float64)
        if query.shape != self.matrix.shape[1:] or not np.isfinite(query).all():
            shape = self.matrix.shape[1:]
            raise ValueError(f"WordVectors.nearest: a vector must be finite and have shape {shape}, got {query.shape}.")
        query = np.ldexp(query, -np.frexp(np.abs(query).max())[1]).astype(np.float64)
        norm = np.linalg.norm(query)
        return (query / norm if norm > 0 else query).astype(np.float32)  # type: ignore[no-any-return]

    def _check_k(self, method: str, k: Any, fewer: int) -> int:
        k = check_count(f"WordVectors.{method}", "k", k)
        if k > len(self.words) - fewer:
            left = len(self.words) - fewer
            raise ValueError(
                f"WordVectors.{method}: `k` is {k}, but only {left} of {len(self.words)} words may answer."
            )
        return k  # type: ignore[no-any-return]

    def _answers(self, method: str, queries: Array, k: Any, left_out: list[set[int]]) -> list[list[tuple[str, float]]]:
        """The `k` words nearest to unit vectors that are not left out."""
        most = max(map(len, left_out))
        k = self._check_k(method, k, most)
        numbers, cosines = _dlrs.nearest_vectors(*self._directions, np.ascontiguousarray(queries), k + most)
        found = []
        for rows, scores, excluded in zip(numbers.numpy().tolist(), cosines.numpy().tolist(), left_out, strict=True):
            pairs = zip(rows, scores, strict=True)
            found.append([(self.words[row], score) for row, score in pairs if row not in excluded][:k])
        return found

    def __repr__(self) -> str:
        return f"WordVectors({self.found} of {len(self.matrix)} tokens found, {self.matrix.shape[1]} dimensions)"


def _as_floats(wanted: str, value: Any, dtype: Any = np.float32) -> Array:
    """`value` as contiguous floats; a TypeError that says what was wanted if it holds no real numbers."""
    try:
        given = np.asarray(value)
        if given.dtype.kind in "cmMSU":  # NumPy would drop imaginary parts, count days and read strings
            raise TypeError(f"they are {given.dtype}")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(given, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{wanted}: {error}.") from None


def _check_method(function: str, method: Any, epsilon: Any) -> None:
    if not isinstance(method, str) or method not in ("add", "mul"):
        raise ValueError(f'WordVectors.{function}: `method` must be "add" or "mul", got {method!r:.60}.')
    # Beyond these float32 would over- or underflow, and words would be equal that are not.
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 1e-30 <= epsilon <= 1e30:
        raise ValueError(f"WordVectors.{function}: `epsilon` must be a number from 1e-30 to 1e30, got {epsilon!r:.60}.")


def _sequence(words: Any) -> Iterable[Any]:
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise TypeError(f"WordVectors: expected a sequence of words, got {words!r:.60}.")
    return words
