"""Connectionist temporal classification (Graves et al. 2006)."""

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.backend.checks import check_count, check_flags
from dlrs.ops.binary import equal, where
from dlrs.ops.operation import op
from dlrs.ops.probabilities import log_softmax

__all__ = ["ctc_decode", "ctc_loss"]


@op
def ctc_loss(
    target: TensorLike,
    output: TensorLike,
    target_length: TensorLike,
    output_length: TensorLike,
    mask_index: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`-log` of the probability of a label sequence, summed over all its alignments with the steps of the output.

    An alignment gives each step a label or the blank; repeated labels, then blanks are dropped from it. The loss is
    infinite, without a slope, where the output has too few steps for the labels.

    Args:
        target: Integer labels, of shape (batch, labels).
        output: Logits, of shape (batch, steps, classes).
        target_length: How many labels of each sequence count, of shape (batch,).
        output_length: How many steps of each output count, of shape (batch,).
        mask_index: The class that is the blank.
        zero_infinity: Whether infinite losses become 0, as PyTorch's argument of that name says.

    Returns:
        The losses, of shape (batch,).

    Errors: ValueError if the shapes do not fit; IndexError, with the place, for a length beyond its array and a label
    that counts and is no class. A label that is the blank asks for a step that says blank, as in Keras.
    It has no second derivative.

    >>> round(ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2]).item(), 4)
    0.2877
    >>> ctc_loss([[1, 2]], [[[0.0, 0.0, 0.0]]], [2], [1], zero_infinity=True).item()  # two labels, one step
    0.0
    """
    _check_mask_index("ctc_loss", mask_index)
    check_flags("ctc_loss", zero_infinity=zero_infinity)
    loss = _dlrs.ctc_loss(target, output, target_length, output_length, int(mask_index))
    return where(equal(loss, float("inf")), 0.0, loss) if zero_infinity else loss


def _check_mask_index(function: str, mask_index: int) -> None:
    if not isinstance(mask_index, int | np.integer) or isinstance(mask_index, bool) or mask_index < 0:
        raise ValueError(f"{function}: `mask_index` must be one of the classes, got {mask_index!r}.")


@op
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: TensorLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The likeliest label sequences of an output trained with `ctc_loss`.

    "greedy" takes the likeliest class of each step, leaves out what repeats the step before, and the blanks.
    "beam_search" sums the probabilities of all alignments of the `beam_width` likeliest beginnings (prefix beam search,
    Hannun et al. 2014, arXiv 1408.2873, algorithm 1); of equally likely ones those with the smaller labels come first.

    Args:
        inputs: Logits, of shape (batch, steps, classes).
        sequence_lengths: How many steps of each example count, of shape (batch,).
        strategy: "greedy" or "beam_search".
        beam_width: How many beginnings are kept after each step.
        top_paths: How many sequences to return.
        merge_repeated: Whether the greedy strategy merges labels that repeat without a blank between them.
        mask_index: The class that is the blank.

    Returns:
        The labels, int32, -1 behind each sequence: of shape (1, batch, steps), or (top_paths, batch, steps) for a beam
        search. And scores: for "greedy" minus the sum of the largest logits, (batch, 1); for a beam search the
        logarithms of the sequences' probabilities, (batch, top_paths), -inf where there are fewer sequences.

    Errors: ValueError for another strategy, shapes that do not fit, `top_paths` above `beam_width` and logits of NaN;
    IndexError for a length beyond the steps.

    >>> labels, scores = ctc_decode([[[0.1, 0.9], [0.2, 0.7], [0.8, 0.1], [0.3, 0.5]]], [4])
    >>> labels.tolist(), round(scores.item(), 2)
    ([[[1, 1, -1, -1]]], -2.9)
    >>> labels, scores = ctc_decode([[[0.6, 0.4], [0.6, 0.4]]], [2], "beam_search", top_paths=2)
    >>> labels.tolist()
    [[[1, -1]], [[-1, -1]]]
    """
    _check_mask_index("ctc_decode", mask_index)
    check_flags("ctc_decode", merge_repeated=merge_repeated)
    inputs = as_tensor(inputs)
    inputs = _dlrs.cast(inputs, result_type(inputs.dtype, "float32"))
    if strategy == "greedy":
        return _dlrs.ctc_decode(inputs, sequence_lengths, None, 1, bool(merge_repeated), int(mask_index))
    if strategy != "beam_search":
        raise ValueError(
            f"ctc_decode: Invalid strategy {strategy!r:.60}. Supported values are 'greedy' and 'beam_search'."
        )
    check_count("ctc_decode", "beam_width", beam_width, 1)
    check_count("ctc_decode", "top_paths", top_paths, 1)
    return _dlrs.ctc_decode(
        log_softmax(inputs), sequence_lengths, int(beam_width), int(top_paths), False, int(mask_index)
    )
