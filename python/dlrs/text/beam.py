"""Beam search: the likeliest sentence, looked for among the best few beginnings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlrs import _dlrs, layers, ops
from dlrs.backend import tree
from dlrs.text.checks import check_count, check_ids
from dlrs.text.generation import decoder_of, prompts_of, states_kept
from dlrs.text.vocabulary import Vocabulary

Array = np.ndarray[Any, Any]
Scores = Literal["logits", "log_probabilities", "probabilities"]
# Last tokens (rows,) and state to scores of the next token (rows, vocabulary) and state.
Step = Callable[[Array, Any], tuple[Any, Any]]

_SCORES = ("logits", "log_probabilities", "probabilities")
_WIDEST = 1 << 16
_LONGEST = (1 << 31) - 1
_STEEPEST = 10  # powers of the greatest length are far from infinite


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A sentence that was found or scored; `float()` of it is its score.

    Attributes:
        tokens: what follows the start, int32, EOS included.
        score: the log-probability divided by the number of tokens to the power of `length_penalty`.
        log_probability: the sum of the tokens' log-probabilities.
        complete: whether it ends in EOS.

    >>> float(Hypothesis(np.array([3, 1]), score=-0.5, log_probability=-1.0, complete=True))
    -0.5
    """

    tokens: Array
    score: float
    log_probability: float
    complete: bool

    def __float__(self) -> float:
        return self.score


def beam_search(
    step: Any,
    start: Any,
    *,
    state: Any = None,
    width: int = 10,
    eos: int | None = None,
    max_length: int = 100,
    min_length: int = 1,
    length_penalty: float = 0.7,
    n_best: int = 1,
    scores: Scores = "logits",
    vocabulary: Vocabulary | None = None,
    window: int | None = None,
) -> Any:
    """Look for the likeliest sentence among the `width` best beginnings of each length.

    In every step each hypothesis is continued by every token, and of all these the best are kept, by their sums of
    log-probabilities. One that ends in EOS is complete; it keeps its place, so that others have one place less (as in
    Bahdanau et al. 2015): `width=1` is greedy search. At the end the best by score is taken, where the sum is divided
    by T^α, T its number of tokens, lest short sentences win (Wu et al. 2016, arXiv 1609.08144). Of equal sums the one
    with the better beginning goes first, then the smaller token.

    Args:
        step: a language model as `generate` takes it; or a function of the last tokens, int32 of shape (rows,), and a
            state, to the scores of the next token, shape (rows, tokens), and the new state.
        start: for a model, a prompt or a list of several, as in `generate`. For a function, the token that begins the
            sentence, or a vector of one for each of a batch.
        state: what the function is given first: arrays or tensors in any nesting, or None. Their first axis is that of
            the sentences, and then of the rows, `width` for each sentence; rows are reordered as hypotheses are.
        width: B, the number of hypotheses.
        eos: the token that completes a sentence; the vocabulary's by default if there is one.
        max_length: tokens that a hypothesis has at most; it is then given as it is, not complete.
        min_length: tokens that it has at least, EOS included.
        length_penalty: α, from 0 to 10; at 0 the score is the log-probability.
        n_best: how many hypotheses are wanted, at most `width`. There may be fewer, if the tokens or the length allow
            no more.
        scores: whether `step` gives "logits", "log_probabilities" or "probabilities". -inf, or the probability 0, rules
            a token out.
        vocabulary: encodes a model's prompts.
        window: see `generate`.

    Returns:
        A list of `Hypothesis`, the best first; for a batch a list of such lists.

    Raises:
        TypeError: `step` gives something other than scores and a state.
        ValueError: scores have another shape, or are NaN or infinite; all tokens are ruled out; states have another
            first axis; an argument is out of range.

    >>> table = np.log([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
    >>> found = beam_search(lambda tokens, state: (table[tokens], state), 0, eos=0, width=2, max_length=5, n_best=2)
    >>> [(h.tokens.tolist(), round(h.log_probability, 3)) for h in found]
    [([2, 0], -1.022), ([1, 2, 0], -1.715)]
    """
    widest = check_count("beam_search", "width", width)
    longest = check_count("beam_search", "max_length", max_length)
    for name, value, most in (("width", widest, _WIDEST), ("max_length", longest, _LONGEST)):
        if value > most:
            raise ValueError(f"beam_search: `{name}` must be at most {most}, got {value}.")
    least = check_count("beam_search", "min_length", min_length)
    wanted = check_count("beam_search", "n_best", n_best)
    if least > longest:
        raise ValueError(f"beam_search: `min_length` is {least}, more than `max_length`, {longest}.")
    if wanted > widest:
        raise ValueError(f"beam_search: `n_best` is {wanted}, more than `width`, {widest}.")
    _check("beam_search", length_penalty, scores)
    eos = _eos("beam_search", eos, vocabulary)

    def search(source: "_Model | _Function", batch: int) -> list[list[Hypothesis]]:
        logits = scores == "logits"
        beams = _dlrs.BeamSearch(batch, widest, eos, least, longest, float(length_penalty), wanted, logits)
        on = True
        while on:
            given = source.scores()
            if eos is not None and eos >= given.shape[1]:
                raise ValueError(f"beam_search: `eos` is {eos}; scores are of {given.shape[1]} tokens.")
            on, tokens, parents = beams.advance(_log(given) if scores == "probabilities" else given)
            if on:
                source.follow(np.asarray(tokens), None if parents is None else np.asarray(parents))
        return [_hypotheses(beams.hypotheses(sentence), sentence) for sentence in range(batch)]

    if isinstance(step, layers.Layer):
        if state is not None:
            raise ValueError("beam_search: a model carries its own states; `state` is a function's.")
        prompts, single = prompts_of("beam_search", start, vocabulary)
        found: list[Any] = [None] * len(prompts)
        # Prompts of one length are one batch.
        for length in sorted(set(map(len, prompts))):
            places = [place for place, prompt in enumerate(prompts) if len(prompt) == length]
            with states_kept(step):
                source = _Model("beam_search", step, [prompts[place] for place in places], widest, longest, window)
                for place, hypotheses in zip(places, search(source, len(places)), strict=True):
                    found[place] = hypotheses
    else:
        first, single = _starts("beam_search", step, start)
        found = search(_Function("beam_search", step, first, state, widest), len(first))
    return found[0] if single else found


def sentence_score(
    step: Any,
    start: Any,
    tokens: Any,
    *,
    state: Any = None,
    eos: int | None = None,
    length_penalty: float = 0.7,
    scores: Scores = "logits",
    vocabulary: Vocabulary | None = None,
    window: int | None = None,
) -> Any:
    """The score of a given sentence, as `beam_search` would score it under the same model.

    Args:
        step, start, state, eos, length_penalty, scores, vocabulary, window: see `beam_search`; a function's rows are
            the sentences.
        tokens: ids that follow the start, or a list of such sequences, of any lengths, one for each start.

    Returns:
        A `Hypothesis`, or a list of them. The score of a sentence that has a token that is ruled out is -inf.

    Source: as of `beam_search`.

    Raises:
        TypeError: `step` gives something other than scores and a state.
        ValueError: a sentence is empty or has an id out of range; numbers of sentences and starts differ; scores have
            another shape, or are NaN or infinite.

    >>> table = np.log([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
    >>> round(sentence_score(lambda tokens, state: (table[tokens], state), 0, [1, 2, 0], eos=0).log_probability, 3)
    -1.715
    """
    _check("sentence_score", length_penalty, scores)
    eos = _eos("sentence_score", eos, vocabulary)
    is_model = isinstance(step, layers.Layer)
    starts: Any
    if is_model:
        starts, single = prompts_of("sentence_score", start, vocabulary)
    else:
        starts, single = _starts("sentence_score", step, start)
    sentences = [check_ids("sentence_score", "tokens", one) for one in ([tokens] if single else tokens)]
    if len(sentences) != len(starts) or not all(map(len, sentences)):
        raise ValueError(
            f"sentence_score: `tokens` must be one sentence of at least a token for each of {len(starts)} starts, got "
            f"lengths {[len(one) for one in sentences]}."
        )
    totals = np.zeros(len(sentences))
    if is_model:
        for place, (prompt, sentence) in enumerate(zip(starts, sentences, strict=True)):
            with states_kept(step):
                source = _Model("sentence_score", step, [prompt], 1, len(sentence), window)
                totals[place] = _total(source, [sentence], scores)[0]
    else:
        totals = _total(_Function("sentence_score", step, starts, state, 1), sentences, scores)
    found = [
        Hypothesis(sentence, float(total) / float(len(sentence)) ** length_penalty, float(total), sentence[-1] == eos)
        for sentence, total in zip(sentences, totals, strict=True)
    ]
    return found[0] if single else found


def _total(source: "_Model | _Function", sentences: list[Array], scores: str) -> Array:
    """Sums of the log-probabilities of the sentences' tokens, a row each."""
    totals, rows = np.zeros(len(sentences)), np.arange(len(sentences))
    for time in range(max(map(len, sentences))):
        given = source.scores().astype(np.float64)
        if scores == "probabilities":
            given = _log(given)
        tokens = np.array([sentence[min(time, len(sentence) - 1)] for sentence in sentences], np.int32)
        goes_on = np.array([time < len(sentence) for sentence in sentences])
        if (tokens >= given.shape[1]).any():
            raise ValueError(f"sentence_score: token id {tokens.max()} is not in [0, {given.shape[1]}).")
        largest = given[goes_on].max(-1, initial=-np.inf)
        if np.isnan(largest).any() or (largest == np.inf).any():
            raise ValueError("sentence_score: scores are NaN or infinite; check the model.")
        chosen = given[rows, tokens]
        if scores == "logits":
            with np.errstate(invalid="ignore", divide="ignore"):
                top = np.where(np.isfinite(given.max(-1)), given.max(-1), 0)
                norm = top + np.log(np.exp(given - top[:, None]).sum(-1))
            chosen = np.where(chosen == -np.inf, -np.inf, chosen - norm)
        totals[goes_on] += chosen[goes_on]
        source.follow(tokens, None)
    return totals


class _Function:
    """Scores by a function, whose states are reordered."""

    def __init__(self, caller: str, step: Step, start: Array, state: Any, width: int) -> None:
        self.caller, self.step, self.rows = caller, step, len(start) * width
        for leaf in tree.flatten(state):
            self._check_leaf(leaf, len(start))
        self.tokens = np.repeat(start, width)
        rows = np.repeat(np.arange(len(start)), width)
        self.state = state if width == 1 else tree.map_structure(lambda leaf: _take(leaf, rows), state)

    def scores(self) -> Array:
        """The scores of each row's next token."""
        result = self.step(self.tokens, self.state)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"{self.caller}: `step` must give scores and a state, got {type(result).__name__}.")
        scores, self.state = result
        return _checked(self.caller, scores, self.rows)

    def follow(self, tokens: Array, parents: Array | None) -> None:
        """Go on with `tokens` after the rows `parents`, or each after its own."""
        self.tokens = tokens
        if parents is not None and self.state is not None:
            for leaf in tree.flatten(self.state):
                self._check_leaf(leaf, self.rows)
            self.state = tree.map_structure(lambda leaf: _take(leaf, parents), self.state)

    def _check_leaf(self, leaf: Any, rows: int) -> None:
        shape = getattr(leaf, "shape", None)
        if leaf is not None and (not isinstance(shape, tuple) or not shape or shape[0] != rows):
            raise ValueError(
                f"{self.caller}: states must be arrays whose first axis is that of the {rows} rows, got "
                f"{type(leaf).__name__} of shape {shape}."
            )


def _take(leaf: Any, rows: Array) -> Any:
    if leaf is None:
        return None
    return leaf[rows] if isinstance(leaf, np.ndarray) else ops.take(leaf, rows, axis=0)


class _Model:
    """Scores by a language model."""

    def __init__(
        self, caller: str, model: Any, prompts: list[list[int]], width: int, count: int, window: int | None
    ) -> None:
        self.caller = caller
        self.texts = [list(prompt) for prompt in prompts for _ in range(width)]
        self.time = len(prompts[0]) - 1
        window = None if window is None else check_count(caller, "window", window)
        self.decoder = decoder_of(caller, model, len(self.texts), self.time + count, window, "max_length")
        for time in range(self.decoder.first(self.texts), self.time):
            self.decoder.scores(self.texts, time)

    def scores(self) -> Array:
        """The scores of each row's next token."""
        return _checked(self.caller, self.decoder.scores(self.texts, self.time), len(self.texts))

    def follow(self, tokens: Array, parents: Array | None) -> None:
        """Go on with `tokens` after the rows `parents`, or each after its own."""
        self.time += 1
        if parents is not None:
            self.texts = [list(self.texts[row]) for row in parents]
            self.decoder.follow(parents)
        for text, token in zip(self.texts, tokens.tolist(), strict=True):
            text.append(token)


def _checked(caller: str, scores: Any, rows: int) -> Array:
    """Scores as an array in one piece of float32 or float64."""
    array = np.asarray(scores)
    if (
        array.ndim == 2
        and len(array) == rows
        and array.shape[1]
        and array.dtype.char in "fd"
        and array.flags.c_contiguous
    ):
        return array
    is_number = array.dtype.kind in "fiu" or array.dtype.name == "bfloat16"
    if array.ndim != 2 or array.shape[0] != rows or array.shape[1] == 0 or not is_number:
        raise ValueError(
            f"{caller}: scores must be numbers of shape ({rows}, tokens), got shape {array.shape} and dtype "
            f"{array.dtype}."
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32)
    return np.ascontiguousarray(array)


def _log(probabilities: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Array = np.log(probabilities)
    return logs


def _hypotheses(found: list[tuple[Any, float, float, bool]], sentence: int) -> list[Hypothesis]:
    if not found:
        raise ValueError(f"beam_search: every token is ruled out in every hypothesis of sentence {sentence}.")
    return [Hypothesis(np.asarray(tokens), score, total, complete) for tokens, total, score, complete in found]


def _check(caller: str, length_penalty: Any, scores: Any) -> None:
    number = isinstance(length_penalty, int | float | np.number) and not isinstance(length_penalty, bool)
    if not number or not 0 <= length_penalty <= _STEEPEST:
        raise ValueError(
            f"{caller}: `length_penalty` must be a number from 0 to {_STEEPEST}, got {length_penalty!r:.60}."
        )
    if not isinstance(scores, str) or scores not in _SCORES:
        raise ValueError(f"{caller}: `scores` must be one of {_SCORES}, got {scores!r:.60}.")


def _eos(caller: str, eos: Any, vocabulary: Any) -> int | None:
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"{caller}: `vocabulary` must be a `text.Vocabulary`, got {type(vocabulary).__name__}.")
    if eos is None:
        return None if vocabulary is None else vocabulary.eos_id
    number = check_count(caller, "eos", eos, 0)
    if number > np.iinfo(np.int32).max:
        raise ValueError(f"{caller}: `eos` is out of range, {number}.")
    return number


def _starts(caller: str, step: Any, start: Any) -> tuple[Array, bool]:
    if not callable(step):
        raise TypeError(f"{caller}: `step` must be a model or a function, got {type(step).__name__}.")
    try:
        single = np.ndim(start) == 0
    except ValueError as error:
        raise ValueError(f"{caller}: `start` must be a token id or a vector of them: {error}") from error
    ids = check_ids(caller, "start", [start] if single else start)
    if len(ids) == 0:
        raise ValueError(f"{caller}: `start` has no token.")
    return ids, single
