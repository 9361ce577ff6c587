"""What debiasing changed."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs.text.debias.measures import direct_bias, indirect_bias, projections
from dlrs.text.debias.subspace import check_vectors
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_BEFORE, _AFTER = "#d97706", "#1e4e8c"
_MOST_DRAWN = 200


@dataclass(frozen=True, eq=False)
class BiasReport:
    """A bias before and after, measured along the same direction.

    Attributes:
        words: the words that were measured.
        before, after: their projections, float64 (words,); see `projections`.
        direct_before, direct_after: DirectBias_c of the words.
        analogies: for each question (a, b, c) the best answer before and after.
        indirect: for each pair of words β before and after; see `indirect_bias`.

    >>> BiasReport(("nurse", "captain"), np.array([0.6, -0.4]), np.array([0.0, 0.0]), 0.5, 0.0,
    ...            ((("man", "doctor", "woman"), "nurse", "physician"),), ((("nurse", "maid"), 0.3, 0.0),))
    BiasReport: direct bias 0.500 before, 0.000 after
      word     before   after
      nurse    +0.600  +0.000
      captain  -0.400  +0.000
      indirect bias of nurse and maid: +0.300, after +0.000
      man : doctor = woman : nurse, after physician
    """

    words: tuple[str, ...]
    before: Array
    after: Array
    direct_before: float
    direct_after: float
    analogies: tuple[tuple[tuple[str, str, str], str, str], ...] = ()
    indirect: tuple[tuple[tuple[str, str], float, float], ...] = ()

    def __repr__(self) -> str:
        shown = [f"{word:.30}" for word in self.words]
        wide = max([4, *map(len, shown)])
        lines = [f"BiasReport: direct bias {self.direct_before:.3f} before, {self.direct_after:.3f} after"]
        lines.append(f"  {'word':{wide}}  before   after")
        for word, before, after in zip(shown, self.before, self.after, strict=True):
            # Rounded first, so that there is no -0.000.
            lines.append(f"  {word:{wide}}  {_rounded(before):+.3f}  {_rounded(after):+.3f}")
        for (first, second), before, after in self.indirect:
            change = f"{_rounded(before):+.3f}, after {_rounded(after):+.3f}"
            lines.append(f"  indirect bias of {first:.30} and {second:.30}: {change}")
        for (a, b, c), before, after in self.analogies:
            lines.append(f"  {a} : {b} = {c} : {before}, after {after}")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str] | None = None, title: str | None = None) -> Any:
        """Projections before and after, a line for each word, the most biased ones at the ends.

        Args:
            path: a file to write, in any format of Matplotlib.
            title: stands above.

        Returns:
            Matplotlib's figure, which notebooks show.

        Raises:
            ImportError: Matplotlib is not installed (the `plot` extra).
            ValueError: there are more than 200 words.
        """
        if len(self.words) > _MOST_DRAWN:
            raise ValueError(
                f"BiasReport.plot: {len(self.words)} words are more than can be read; at most {_MOST_DRAWN}."
            )
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("Reports are drawn by Matplotlib (`pip install dlrs[plot]`).") from error
        order = np.argsort(self.before, kind="stable")
        at = np.arange(len(order))
        figure = Figure(figsize=(5.6, 1.2 + 0.24 * len(order)), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0, color="#999999", linewidth=0.8)
        axes.hlines(at, self.before[order], self.after[order], color="#cccccc", linewidth=1.5, zorder=1)
        axes.scatter(self.before[order], at, color=_BEFORE, s=22, label="before", zorder=2)
        axes.scatter(self.after[order], at, color=_AFTER, s=22, label="after", zorder=2)
        axes.set_yticks(at, [self.words[row] for row in order])
        axes.set_xlabel("cosine with the direction of the bias")
        axes.tick_params(axis="y", length=0)
        axes.margins(y=0.5 / max(len(order), 1))
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        figure.legend(loc="outside upper right", ncols=2, frameon=False)
        if title is not None:
            axes.set_title(title, loc="left")
        if path is not None:
            figure.savefig(os.fspath(path), dpi=150)
        return figure


def bias_report(
    before: WordVectors,
    after: WordVectors,
    direction: Any,
    words: Iterable[str],
    questions: Iterable[Sequence[str]] = (),
    pairs: Iterable[Sequence[str]] = (),
    c: float = 1.0,
) -> BiasReport:
    """Compares vectors before and after debiasing.

    Args:
        before, after: vectors of the same dimensions that both have the words.
        direction: of the bias, as it was before; see `bias_direction`.
        words: the words to measure, such as names of professions.
        questions: (a, b, c) of analogies that both are asked.
        pairs: pairs of words whose indirect bias is measured.
        c: how strict the direct bias is; see `direct_bias`.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), sections 5 and 8.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: there are no words, the vectors have other dimensions than `direction`, or an indirect bias is not
            defined.

    >>> from dlrs.text.debias import neutralize
    >>> vectors = WordVectors.of(["she", "he", "nurse"], [[3, 4, 0], [-3, 4, 0], [3, 0, 4]])
    >>> bias_report(vectors, neutralize(vectors, [1, 0, 0], ["nurse"]), [1, 0, 0], ["she", "nurse"])
    BiasReport: direct bias 0.600 before, 0.300 after
      word   before   after
      she    +0.600  +0.600
      nurse  +0.600  +0.000
    """
    check_vectors("bias_report", "before", before)
    check_vectors("bias_report", "after", after)
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise TypeError(f"bias_report: `words` must be a sequence of words, got {words!r:.60}.")
    words = list(words)
    cosines = [projections(vectors, direction, words) for vectors in (before, after)]
    direct = [direct_bias(vectors, direction, words, c) for vectors in (before, after)]
    if isinstance(questions, str) or not isinstance(questions, Iterable):
        raise TypeError(f"bias_report: `questions` must be a sequence of (a, b, c), got {questions!r:.60}.")
    asked: list[Any] = [tuple(q) if isinstance(q, Iterable) and not isinstance(q, str) else q for q in questions]
    first, second = (vectors.analogies(asked, k=1) for vectors in (before, after))
    answers = tuple((q, x[0][0], y[0][0]) for q, x, y in zip(asked, first, second, strict=True))
    indirect = tuple((pair, *(indirect_bias(v, direction, *pair) for v in (before, after))) for pair in _pairs(pairs))
    return BiasReport(tuple(words), cosines[0], cosines[1], direct[0], direct[1], answers, indirect)


def _pairs(pairs: Any) -> list[Any]:
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise TypeError(f"bias_report: `pairs` must be a sequence of pairs of words, got {pairs!r:.60}.")
    found = [tuple(p) if isinstance(p, Iterable) and not isinstance(p, str) else (p,) for p in pairs]
    for pair in found:
        if len(pair) != 2:
            raise ValueError(f"bias_report: a member of `pairs` must be two words, got {pair!r:.60}.")
    return found


def _rounded(value: float) -> float:
    return round(float(value), 3) + 0.0
