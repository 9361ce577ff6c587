"""Drawing the next token."""

from typing import Any

import numpy as np

from dlrs.backend.checks import check_flags
from dlrs.text.checks import check_count

Array = np.ndarray[Any, Any]


def sample(
    scores: Any,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    from_logits: bool = True,
    seed: Any = None,
) -> Array:
    """Draw a token from each row of scores.

    Probabilities are `softmax(logits / temperature)`. Of these, `top_k` keeps the largest `top_k`, then `top_p` the
    smallest set of largest ones whose sum reaches `top_p` (the nucleus: Holtzman et al. 2020, arXiv 1904.09751).

    Args:
        scores: logits, or probabilities with `from_logits=False`, shape (..., tokens).
        temperature: below 1 favours likely tokens; 0 takes the most likely one, the first of equals.
        top_k: how many tokens to draw from at most.
        top_p: the share of the probability to draw from, in (0, 1].
        from_logits: whether `scores` are logits.
        seed: an integer or a `numpy.random.Generator`; drawn from the system by default.

    Returns:
        Token ids, int64 of shape (...).

    Raises:
        ValueError: an argument is out of range, or a row has NaN or nothing to draw from.

    >>> int(sample([0.1, 3.0, 0.2], temperature=0))
    1
    >>> sample(np.zeros((2, 50)), top_k=1, seed=0).tolist()
    [0, 0]
    """
    check_flags("sample", from_logits=from_logits)
    logits = as_logits(scores, from_logits)
    check_sampling("sample", temperature, top_k, top_p)
    generator = generator_of("sample", seed)
    return draw(logits, generator.random(logits.shape[:-1]), temperature, top_k, top_p)


def generator_of(function: str, seed: Any) -> np.random.Generator:
    """The generator itself, or a new one with this seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(None if seed is None else check_count(function, "seed", seed, 0))


def check_sampling(function: str, temperature: Any, top_k: Any, top_p: Any) -> None:
    """Raises ValueError unless the arguments of `sample` with these names are in range."""
    if isinstance(temperature, bool) or not isinstance(temperature, int | float | np.number):
        raise ValueError(f"{function}: `temperature` must be a number >= 0, got {temperature!r:.60}.")
    if not 0 <= temperature <= float(np.finfo(np.float64).max):
        raise ValueError(f"{function}: `temperature` must be a number >= 0, got {temperature!r:.60}.")
    if top_k is not None:
        check_count(function, "top_k", top_k)
    if top_p is not None and (not isinstance(top_p, int | float | np.number) or not 0 < top_p <= 1):
        raise ValueError(f"{function}: `top_p` must be a number in (0, 1], got {top_p!r:.60}.")


def as_logits(scores: Any, from_logits: bool = True) -> Array:
    """Scores as float64 logits of shape (..., tokens), checked."""
    array = np.asarray(scores)
    if array.ndim == 0 or array.shape[-1] == 0 or array.dtype.kind not in "fiu":
        raise ValueError(
            f"sample: `scores` must be numbers of shape (..., tokens), got shape {array.shape} and dtype {array.dtype}."
        )
    logits: Array = array.astype(np.float64)
    if not from_logits:
        if not (logits >= 0).all():
            raise ValueError("sample: `scores` are probabilities with `from_logits=False`; some are negative or NaN.")
        with np.errstate(divide="ignore"):
            logits = np.log(logits)
    # NaN and +inf do not pass, nor rows of -inf alone.
    if not np.isfinite(logits.max(axis=-1)).all():
        raise ValueError("sample: `scores` must have a finite largest score in every row; check the model for NaN.")
    return logits


def draw(logits: Array, uniform: Array, temperature: float, top_k: int | None, top_p: float | None) -> Array:
    """The tokens at the quantiles `uniform`, shape (...), of what `sample` draws from."""
    if temperature == 0:
        likeliest: Array = logits.argmax(-1)
        return likeliest
    # Divided after the largest is taken off, so that what overflows, at a tiny temperature, has no weight.
    weights: Array = logits - logits.max(-1, keepdims=True)
    if temperature != 1:
        with np.errstate(over="ignore"):
            weights /= temperature
    np.exp(weights, out=weights)
    if top_k is None and top_p is None:
        return _at(weights, uniform)
    order = np.argsort(-weights, axis=-1, kind="stable")[..., : top_k or None]
    kept = np.take_along_axis(weights, order, -1)
    if top_p is not None:
        before = np.cumsum(kept, -1) - kept
        kept[before >= top_p * kept.sum(-1, keepdims=True)] = 0
    drawn: Array = np.take_along_axis(order, _at(kept, uniform)[..., None], -1)[..., 0]
    return drawn


def _at(weights: Array, uniform: Array) -> Array:
    """The first place whose cumulative weight is above the share `uniform`, in [0, 1), of the whole."""
    cumulative = np.cumsum(weights, -1)
    # So far below 1 that the product does not round to the whole, which would be a place without weight.
    target = np.asarray(uniform)[..., None] * ((1 - 2**-52) * cumulative[..., -1:])
    places: Array = (cumulative[..., :-1] <= target).sum(-1)
    return places
