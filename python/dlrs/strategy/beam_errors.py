"""Whether the search or the model is to blame for bad translations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class BeamErrors:
    """Whose fault errors are.

    Attributes:
        search: the share of sentences where the search missed a sentence that the model thinks better.
        model: the share where the model thinks the worse sentence better, or as good.
        search_at_fault: of each sentence, whether it is the search, bool, shape (sentences,).

    >>> errors = beam_errors([-1.0], [-2.0])
    >>> errors.search, errors.model
    (1.0, 0.0)
    """

    search: float
    model: float
    search_at_fault: np.ndarray[Any, np.dtype[np.bool_]]

    def __str__(self) -> str:
        return f"search {self.search:.0%}, model {self.model:.0%} of {len(self.search_at_fault)} sentences: " + (
            "a wider beam helps most." if self.search > self.model else "a better model helps most."
        )


def beam_errors(human: Sequence[Any] | Any, found: Sequence[Any] | Any) -> BeamErrors:
    """Error analysis of beam search on sentences that it got wrong.

    Where the model gives what people say, y*, a higher probability than what was found, ŷ, the search is at fault: the
    model would have chosen better. Otherwise the model is. If the search normalises for length, normalised scores are
    to be compared, as those of `text.Hypothesis` are.

    Args:
        human: for each sentence, what `text.sentence_score` gives for y*: a `text.Hypothesis`, or its score, a
            log-probability.
        found: for each sentence, the `text.Hypothesis` ŷ of `text.beam_search`, or its score, by the same model and
            `length_penalty`.

    Returns:
        Shares of the errors, and whose fault each is.

    Source: Ng, "Sequence Models" (Deep Learning Specialization), week 3, "Error analysis in beam search".

    Raises:
        ValueError: there is no sentence, there are not as many of each, or a score is NaN or no number.

    >>> errors = beam_errors(human=[-4.0, -9.0, -3.0, -6.0], found=[-5.0, -2.0, -3.0, -8.0])
    >>> errors.search_at_fault.tolist()
    [True, False, False, True]
    >>> print(errors)
    search 50%, model 50% of 4 sentences: a better model helps most.
    """
    scores = []
    for argument, value in (("human", human), ("found", found)):
        try:
            array = np.array([float(one) for one in value])
        except (TypeError, ValueError) as error:
            raise ValueError(f"beam_errors: `{argument}` must be a list of scores: {error}") from error
        if len(array) == 0 or np.isnan(array).any():
            raise ValueError(f"beam_errors: `{argument}` must have at least one score and none that is NaN.")
        scores.append(array)
    if len(scores[0]) != len(scores[1]):
        raise ValueError(f"beam_errors: there are {len(scores[0])} scores of people and {len(scores[1])} found.")
    search_at_fault = scores[0] > scores[1]
    share = float(search_at_fault.mean())
    return BeamErrors(share, 1 - share, search_at_fault)
