"""Sequences of token ids as examples of what comes next."""

from typing import Any

import numpy as np

from dlrs.data import Dataset
from dlrs.text.checks import check_count, check_ids

Array = np.ndarray[Any, Any]


def language_model_windows(ids: Any, length: int, stride: int | None = None) -> tuple[Array, Array]:
    """Windows of a text and, as their targets, the same windows one token later.

    Args:
        ids: token ids of the text, along one axis.
        length: tokens of a window.
        stride: how far apart windows begin; `length` by default, so that every token is a target once.

    Returns:
        Inputs and targets, both int32 of shape (windows, length); views of one array, which take no memory of their
        own however small the stride. What is left over at the end and does not fill a window is not in them.

    Raises:
        ValueError: the text is shorter than `length + 1`, or an argument is not as above.

    >>> inputs, targets = language_model_windows([1, 2, 3, 4, 5, 6], length=3, stride=2)
    >>> inputs.tolist(), targets.tolist()
    ([[1, 2, 3], [3, 4, 5]], [[2, 3, 4], [4, 5, 6]])
    """
    name = "language_model_windows"
    text = check_ids(name, "ids", ids)
    length = check_count(name, "length", length)
    stride = length if stride is None else check_count(name, "stride", stride)
    if len(text) <= length:
        raise ValueError(
            f"{name}: `ids` has {len(text)} tokens; windows of length {length} need at least {length + 1}."
        )
    windows = np.lib.stride_tricks.sliding_window_view(text, length + 1)[::stride]
    return windows[:, :-1], windows[:, 1:]


def language_model_dataset(
    ids: Any, length: int, batch_size: int, stride: int | None = None, seed: int | None = None
) -> Dataset:
    """The windows of `language_model_windows` as batches, in an order drawn anew for every epoch.

    Args:
        ids: token ids of the text, along one axis.
        length: tokens of a window.
        batch_size: windows of a batch.
        stride: how far apart windows begin; `length` by default.
        seed: of the order; drawn by default.

    >>> for inputs, targets in language_model_dataset(range(7), length=3, batch_size=2, seed=0):
    ...     print(inputs.shape, bool((targets == inputs + 1).all()))
    (2, 3) True
    """
    windows = language_model_windows(ids, length, stride)
    size = check_count("language_model_dataset", "batch_size", batch_size)
    return Dataset.from_tensor_slices(windows).shuffle(len(windows[0]), seed=seed).batch(size)


def contiguous_windows(ids: Any, length: int, batch_size: int) -> tuple[Array, Array]:
    """Windows for stateful layers: row `i` of each batch goes on where row `i` of the batch before it ended.

    The text is cut into `batch_size` pieces of equal length, and each batch takes the next `length` tokens of every
    piece. Train with `fit(inputs, targets, batch_size=batch_size, shuffle=False)`.

    Args:
        ids: token ids of the text, along one axis.
        length: tokens of a window.
        batch_size: windows of a batch.

    Returns:
        Inputs and targets one token later, both int32 of shape (batches · batch_size, length). What is left over at
        the end of the text is not in them.

    Raises:
        ValueError: the text is shorter than `batch_size · length + 1`, or an argument is not as above.

    >>> inputs, _ = contiguous_windows(range(13), length=3, batch_size=2)
    >>> inputs.tolist()
    [[0, 1, 2], [6, 7, 8], [3, 4, 5], [9, 10, 11]]
    """
    name = "contiguous_windows"
    text = check_ids(name, "ids", ids)
    length, size = check_count(name, "length", length), check_count(name, "batch_size", batch_size)
    batches = (len(text) - 1) // (size * length) if len(text) else 0
    if batches == 0:
        raise ValueError(
            f"{name}: `ids` has {len(text)} tokens; {size} windows of length {length} need at least "
            f"{size * length + 1}."
        )
    used = size * batches * length

    def ordered(tokens: Array) -> Array:
        return tokens.reshape(size, batches, length).swapaxes(0, 1).reshape(-1, length)

    return ordered(text[:used]), ordered(text[1 : used + 1])


def context_windows(ids: Any, before: int = 4, after: int = 0) -> tuple[Array, Array]:
    """Every token of a text with the tokens around it: examples for a model that guesses it.

    Contexts of the course: the last 4 words (`before=4`), 4 words on the left and right (`before=4, after=4`), the
    last 1 word (`before=1`); for one nearby word see `nearby_words`.

    Args:
        ids: token ids of the text, along one axis.
        before: how many tokens before it.
        after: how many tokens after it.

    Returns:
        Contexts, int32 of shape (examples, before + after), and the tokens, int32 of shape (examples,). Tokens too
        near to an end to have a whole context are not among them.

    Source: Bengio et al. 2003, "A neural probabilistic language model"; on both sides, Mikolov et al. 2013
    (arXiv 1301.3781).

    Raises:
        ValueError: the text is shorter than `before + 1 + after`, or there is no context.

    >>> contexts, targets = context_windows([1, 2, 3, 4, 5], before=2, after=1)
    >>> contexts.tolist(), targets.tolist()
    ([[1, 2, 4], [2, 3, 5]], [3, 4])
    """
    name = "context_windows"
    text = check_ids(name, "ids", ids)
    before, after = check_count(name, "before", before, 0), check_count(name, "after", after, 0)
    length = before + 1 + after
    if length == 1:
        raise ValueError(f"{name}: `before` and `after` are both 0; there is no context.")
    if len(text) < length:
        raise ValueError(f"{name}: `ids` has {len(text)} tokens; a context and its token need {length}.")
    windows = np.lib.stride_tricks.sliding_window_view(text, length)
    contexts = windows[:, :-1] if after == 0 else np.delete(windows, before, axis=1)
    return contexts, windows[:, before]


def nearby_words(ids: Any, distance: int = 5) -> tuple[Array, Array]:
    """Every token of a text with every token near it, one at a time: the pairs of a skip-gram.

    Args:
        ids: token ids of the text, along one axis.
        distance: how far away a token may be.

    Returns:
        Contexts, int32 of shape (pairs, 1), and the tokens to guess, int32 of shape (pairs,).

    Source: Mikolov et al. 2013, "Efficient estimation of word representations in vector space" (arXiv 1301.3781).

    Raises:
        ValueError: the text has fewer than 2 tokens, or an argument is not as above.

    >>> contexts, targets = nearby_words([1, 2, 3], distance=1)
    >>> contexts[:, 0].tolist(), targets.tolist()
    ([1, 2, 2, 3], [2, 1, 3, 2])
    """
    name = "nearby_words"
    text = check_ids(name, "ids", ids)
    distance = check_count(name, "distance", distance)
    if len(text) < 2:
        raise ValueError(f"{name}: `ids` has {len(text)} tokens; a pair needs 2.")
    distance = min(distance, len(text) - 1)
    steps = np.concatenate([np.arange(-distance, 0), np.arange(1, distance + 1)])
    beside = np.arange(len(text))[:, None] + steps
    within = (beside >= 0) & (beside < len(text))
    contexts, _ = np.nonzero(within)
    return text[contexts][:, None], text[beside[within]]
