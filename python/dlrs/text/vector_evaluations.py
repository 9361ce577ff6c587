"""How well word vectors answer what people were asked: analogies, and how similar two words are."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import _dlrs
from dlrs.text.checks import check_count
from dlrs.text.correlations import pearson, spearman

if TYPE_CHECKING:
    from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]
Question = tuple[str, str, str, str]

_QUESTIONS = 4096  # asked together by 3CosAdd
_CHUNK, _BLOCK = 256, 512  # questions and words whose products stand in cache together, by 3CosMul


@dataclass(frozen=True)
class AnalogySection:
    """Questions of one kind, and how many were answered rightly.

    Attributes:
        name: what the file calls them.
        correct: questions whose answer was the expected word.
        mistakes: the others, as (a, b, c, expected, answer).
        skipped: questions with a word that is not in the vocabulary.

    >>> AnalogySection("family", 3, (("man", "king", "woman", "queen", "princess"),), 1)
    AnalogySection(family: 75.0 %, 3 of 4, 1 skipped)
    """

    name: str
    correct: int
    mistakes: tuple[tuple[str, str, str, str, str], ...] = ()
    skipped: int = 0

    @property
    def asked(self) -> int:
        """Questions that were asked: all but those skipped."""
        return self.correct + len(self.mistakes)

    @property
    def accuracy(self) -> float:
        """Share of the questions asked whose answer was right; NaN if none was asked."""
        return self.correct / self.asked if self.asked else math.nan

    @property
    def accuracy_of_all(self) -> float:
        """The same with skipped questions counted as answered wrongly."""
        return self.correct / (self.asked + self.skipped) if self.asked + self.skipped else math.nan

    def __repr__(self) -> str:
        return f"AnalogySection({self._line()})"

    def _line(self) -> str:
        return f"{self.name}: {100 * self.accuracy:.1f} %, {self.correct} of {self.asked}, {self.skipped} skipped"


@dataclass(frozen=True)
class AnalogyScore:
    """What `WordVectors.evaluate_analogies` found.

    Attributes:
        sections: the file's sections, in its order.

    >>> score = AnalogyScore((AnalogySection("family", 3, (), 1), AnalogySection("gram8-plural", 1)))
    >>> print(score)
    family: 100.0 %, 3 of 3, 1 skipped
    gram8-plural: 100.0 %, 1 of 1, 0 skipped
    semantic: 100.0 %, 3 of 3, 1 skipped
    syntactic: 100.0 %, 1 of 1, 0 skipped
    total: 100.0 %, 4 of 4, 1 skipped
    """

    sections: tuple[AnalogySection, ...]

    @property
    def total(self) -> AnalogySection:
        """All sections together."""
        return _sum("total", self.sections)

    @property
    def semantic(self) -> AnalogySection:
        """Sections about the world, such as capitals: those whose name does not begin with "gram"."""
        return _sum("semantic", [part for part in self.sections if not part.name.startswith("gram")])

    @property
    def syntactic(self) -> AnalogySection:
        """Sections about grammar: those whose name begins with "gram", as in the Google file."""
        return _sum("syntactic", [part for part in self.sections if part.name.startswith("gram")])

    @property
    def accuracy(self) -> float:
        """That of the total."""
        return self.total.accuracy

    def __str__(self) -> str:
        lines = [*self.sections, self.semantic, self.syntactic, self.total]
        return "\n".join(line._line() for line in lines)

    def __repr__(self) -> str:
        return f"AnalogyScore({self.total._line()})"


@dataclass(frozen=True)
class SimilarityScore:
    """What `WordVectors.evaluate_similarity` found.

    Attributes:
        spearman: correlation of ranks between people's scores and cosines, equal ones with the mean of their ranks.
        pearson: correlation of the scores themselves.
        pairs: pairs that were compared.
        skipped: pairs with a word that is not in the vocabulary.

    >>> SimilarityScore(0.7, 0.65, 300, 53)
    SimilarityScore(Spearman 0.7000, Pearson 0.6500, 300 pairs, 53 skipped)
    """

    spearman: float
    pearson: float
    pairs: int
    skipped: int = 0

    @property
    def unknown(self) -> float:
        """Share of the pairs that were skipped."""
        return self.skipped / (self.pairs + self.skipped)

    def __repr__(self) -> str:
        scores = f"Spearman {self.spearman:.4f}, Pearson {self.pearson:.4f}"
        return f"SimilarityScore({scores}, {self.pairs} pairs, {self.skipped} skipped)"


def _sum(name: str, parts: Iterable[AnalogySection]) -> AnalogySection:
    parts = list(parts)
    mistakes = tuple(mistake for part in parts for mistake in part.mistakes)
    return AnalogySection(name, sum(part.correct for part in parts), mistakes, sum(part.skipped for part in parts))


# Analogies


def evaluate_analogies(
    vectors: "WordVectors",
    questions: Any,
    restrict_vocab: int | None,
    case_insensitive: bool,
    method: str,
    epsilon: float,
) -> AnalogyScore:
    """What `WordVectors.evaluate_analogies` does."""
    own = "WordVectors.evaluate_analogies"
    sections = read_questions(own, questions)
    known = _Known(own, vectors, restrict_vocab, case_insensitive)
    asked: list[tuple[int, Question]] = []
    skipped = [0] * len(sections)
    for place, (_, quadruples) in enumerate(sections):
        for quadruple in quadruples:
            if all(known.fold(word) in known.rows for word in quadruple):
                asked.append((place, quadruple))
            else:
                skipped[place] += 1
    answers = _answers(vectors, known, [question for _, question in asked], method, epsilon) if asked else []
    correct = [0] * len(sections)
    mistakes: list[list[tuple[str, str, str, str, str]]] = [[] for _ in sections]
    for (place, question), answer in zip(asked, answers, strict=True):
        if known.fold(answer) == known.fold(question[3]):
            correct[place] += 1
        else:
            mistakes[place].append((*question, answer))
    return AnalogyScore(
        tuple(
            AnalogySection(name, right, tuple(wrong), left_out)
            for (name, _), right, wrong, left_out in zip(sections, correct, mistakes, skipped, strict=True)
        )
    )


class _Known:
    """The words that may be asked for and answer, by the form in which they are compared."""

    def __init__(self, own: str, vectors: "WordVectors", restrict: int | None, fold: bool) -> None:
        if not vectors.words:
            raise ValueError(f"{own}: these vectors have no `words`.")
        if not isinstance(fold, bool | np.bool_):
            raise TypeError(f"{own}: `case_insensitive` must be True or False, got {fold!r:.60}.")
        count = len(vectors.words)
        self.count = count if restrict is None else min(count, check_count(own, "restrict_vocab", restrict))
        self.folds = bool(fold)
        self.forms = [self.fold(word) for word in vectors.words[: self.count]]
        # Of words that are equal but for their case the first, which in the usual order is the most frequent.
        self.rows = dict(zip(reversed(self.forms), range(self.count - 1, -1, -1), strict=True))

    def fold(self, word: str) -> str:
        # To capitals, as word2vec's compute-accuracy does.
        return word.upper() if self.folds else word

    def variants(self, wanted: set[str]) -> dict[str, list[int]]:
        """All rows of each of some forms."""
        found: dict[str, list[int]] = {form: [] for form in wanted}
        for row, form in enumerate(self.forms):
            if form in found:
                found[form].append(row)
        return found


def _answers(
    vectors: "WordVectors", known: _Known, questions: list[Question], method: str, epsilon: float
) -> list[str]:
    """The best word for each question; no form of the three words asked with is one."""
    forms = [[known.fold(word) for word in question[:3]] for question in questions]
    rows = np.array([[known.rows[form] for form in three] for three in forms], np.int64)
    variants = known.variants({form for three in forms for form in three})
    left_out = [{row for form in three for row in variants[form]} for three in forms]
    matrix, scales = (each[: known.count] for each in vectors._directions)
    if method == "add":
        best = _by_sums(matrix, scales, rows, left_out)
    else:
        best = _by_products(matrix, scales, rows, left_out, epsilon)
    # Where every word is left out there is no answer.
    return [vectors.words[row] if row >= 0 else "" for row in best]


def _by_sums(matrix: Array, scales: Array, rows: Array, left_out: list[set[int]]) -> list[int]:
    """3CosAdd: the row nearest to b − a + c."""
    most = min(1 + max(map(len, left_out)), len(matrix))
    best = []
    for start in range(0, len(rows), _QUESTIONS):
        part = rows[start : start + _QUESTIONS]
        units = matrix[part] * scales[part][..., None]
        queries = units[:, 1] - units[:, 0] + units[:, 2]
        norms = np.linalg.norm(queries, axis=1, keepdims=True)
        queries = np.divide(queries, norms, out=np.zeros_like(queries), where=norms > 0)
        nearest = _dlrs.nearest_vectors(matrix, scales, queries, most)[0].numpy().tolist()
        for candidates, excluded in zip(nearest, left_out[start:], strict=False):
            best.append(next((row for row in candidates if row not in excluded), -1))
    return best


def _by_products(matrix: Array, scales: Array, rows: Array, left_out: list[set[int]], epsilon: float) -> list[int]:
    """3CosMul: the row with the largest cos(d, b) cos(d, c) / (cos(d, a) + ε), cosines moved to [0, 1].

    Questions share words, so that a cosine with every word of a block of the vocabulary is computed once.
    """
    words, places = np.unique(rows, return_inverse=True)
    a, b, c = places.reshape(rows.shape).T
    units = matrix[words] * scales[words][:, None]
    count = len(rows)
    pairs = np.array([(row // _BLOCK * count + i, row % _BLOCK) for i, out in enumerate(left_out) for row in out])
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    best, scores = np.full(count, -1, np.int64), np.full(count, -np.inf, np.float32)
    for first in range(0, len(matrix), _BLOCK):
        block = slice(first, first + _BLOCK)
        cosines = (units @ matrix[block].T * scales[block] + 1) / 2
        inverses = 1 / (cosines + np.float32(epsilon))
        for start in range(0, count, _CHUNK):
            part = slice(start, min(start + _CHUNK, count))
            products = cosines.take(b[part], 0)
            products *= cosines.take(c[part], 0)
            products *= inverses.take(a[part], 0)
            key = first // _BLOCK * count
            low, high = np.searchsorted(pairs[:, 0], (key + part.start, key + part.stop))
            products[pairs[low:high, 0] - key - part.start, pairs[low:high, 1]] = -np.inf
            columns = products.argmax(1)
            top = products[np.arange(len(columns)), columns]
            # Of equal ones the first stays, as in `analogy`.
            better = top > scores[part]
            best[part][better], scores[part][better] = first + columns[better], top[better]
    return best.tolist()


def read_questions(own: str, questions: Any) -> list[tuple[str, list[Question]]]:
    """Sections of quadruples: from a file, a mapping of sections, or a sequence of quadruples."""
    if isinstance(questions, str | os.PathLike):
        sections = _question_file(own, os.fspath(questions))
    elif isinstance(questions, Mapping):
        sections = [(str(name), _quadruples(own, part)) for name, part in questions.items()]
    else:
        sections = [("", _quadruples(own, questions))]
    if not any(part for _, part in sections):
        raise ValueError(f"{own}: there are no questions.")
    return sections


def _quadruples(own: str, questions: Any) -> list[Question]:
    if isinstance(questions, str | bytes) or not isinstance(questions, Iterable):
        raise TypeError(f"{own}: questions must be a path, a mapping or a sequence, got {questions!r:.60}.")
    found = []
    for place, question in enumerate(questions):
        words = () if isinstance(question, str) or not isinstance(question, Iterable) else tuple(question)
        if not all(isinstance(word, str) for word in words) or len(words) != 4:
            raise ValueError(f"{own}: question {place} must be four words, got {question!r:.60}.")
        found.append(words)
    return found


def _question_file(own: str, path: str) -> list[tuple[str, list[Question]]]:
    sections: list[tuple[str, list[Question]]] = []
    for number, line in enumerate(_lines(own, path), 1):
        words = tuple(line.split())
        if words and words[0].startswith(":"):
            sections.append((line.strip().lstrip(": "), []))
        elif len(words) == 4:
            if not sections:
                sections.append(("", []))
            sections[-1][1].append(words)
        elif words:
            raise ValueError(f"{own}: line {number} of {path} must hold four words, got {line.strip()!r:.60}.")
    return sections


def _lines(own: str, path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read().split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{own}: {path} is not UTF-8: {error}") from None


# Similarity


def evaluate_similarity(
    vectors: "WordVectors",
    pairs: Any,
    restrict_vocab: int | None,
    case_insensitive: bool,
    delimiter: str,
    column: int | str,
) -> SimilarityScore:
    """What `WordVectors.evaluate_similarity` does."""
    own = "WordVectors.evaluate_similarity"
    if isinstance(pairs, str | os.PathLike):
        judged = _pair_file(own, os.fspath(pairs), delimiter, column)
    else:
        judged = [_pair(own, place, pair) for place, pair in enumerate(_given_pairs(own, pairs))]
    if not judged:
        raise ValueError(f"{own}: there are no pairs.")
    known = _Known(own, vectors, restrict_vocab, case_insensitive)
    rows = [(known.rows.get(known.fold(first)), known.rows.get(known.fold(second))) for first, second, _ in judged]
    compared = [i for i, (first, second) in enumerate(rows) if first is not None and second is not None]
    people = np.array([judged[i][2] for i in compared])
    a, b = np.array([rows[i] for i in compared], np.int64).reshape(-1, 2).T
    first, second = (vectors.matrix[side].astype(np.float64) for side in (a, b))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("ij,ij->i", first, second)
    cosines = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    scores = (spearman(people, cosines), pearson(people, cosines))
    return SimilarityScore(*scores, len(compared), len(judged) - len(compared))


def _given_pairs(own: str, pairs: Any) -> list[Any]:
    if not isinstance(pairs, Iterable):
        raise TypeError(f"{own}: `pairs` must be a path or a sequence of (word, word, score), got {pairs!r:.60}.")
    return list(pairs)


def _pair(own: str, place: int, pair: Any) -> tuple[str, str, float]:
    values = () if isinstance(pair, str) or not isinstance(pair, Iterable) else tuple(pair)
    try:
        first, second, score = values
        finite = not np.iscomplexobj(score) and math.isfinite(float(score))
    except (TypeError, ValueError, OverflowError):
        finite, first, second, score = False, None, None, None
    if not (finite and isinstance(first, str) and isinstance(second, str)):
        raise ValueError(f"{own}: pair {place} must be two words and a finite score, got {pair!r:.60}.")
    return first, second, float(score)


def _pair_file(own: str, path: str, delimiter: str, column: int | str) -> list[tuple[str, str, float]]:
    if not isinstance(delimiter, str) or not delimiter:
        raise ValueError(f"{own}: `delimiter` must be a string, got {delimiter!r:.60}.")
    place = None if isinstance(column, str) else check_count(own, "column", column, 2)
    judged = []
    first = True
    for number, line in enumerate(_lines(own, path), 1):
        fields = [field.strip() for field in line.strip().split(delimiter)]
        if not line.strip() or line.startswith("#"):
            continue
        if place is None:
            if column not in fields:
                raise ValueError(f"{own}: {path} has no column {column!r:.60}; there are {', '.join(fields):.200}.")
            place, first = fields.index(str(column)), False
            continue
        try:
            score = float(fields[place])
        except (IndexError, ValueError):
            score = math.nan
        if math.isfinite(score):
            judged.append((fields[0], fields[1], score))
        elif not first or len(fields) <= place:
            got = f"only {len(fields)} columns" if len(fields) <= place else repr(fields[place])[:60]
            raise ValueError(f"{own}: line {number} of {path} must have a finite score in column {place}, got {got}.")
        first = False  # a first line without a score is that of the columns' names
    return judged
