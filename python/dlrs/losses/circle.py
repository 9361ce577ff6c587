"""Circle loss: embeddings of one class close together, those of different classes apart."""

from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses.functions import label_tensor
from dlrs.losses.loss import LabelLoss


def build_pos_neg_masks(query_labels: Any, key_labels: Any, remove_diagonal: bool = True) -> tuple[Tensor, Tensor]:
    """Which pairs of a query and a key have the same label, and which have not: two (queries, keys) tensors of bool.

    With `remove_diagonal`, a query and the key at the same place are no pair of the first kind.

    >>> [mask.tolist() for mask in build_pos_neg_masks([1, 2], [1, 1])]
    [[[False, True], [False, False]], [[False, False], [True, True]]]
    """
    queries = ops.reshape(query_labels, (-1, 1))
    keys = ops.reshape(key_labels, (1, -1))
    positive = ops.equal(queries, keys)
    negative = ops.logical_not(positive)
    if remove_diagonal:
        positive = ops.logical_and(
            positive, ops.logical_not(ops.eye(positive.shape[0], positive.shape[1], dtype="bool"))
        )
    return positive, negative


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """`softplus(logsumexp(gamma a_n (s_n - margin)) + logsumexp(-gamma a_p (s_p - 1 + margin)))` for each sample.

    `s` are the cosines between its embedding and those with the same label (p) and another one (n);
    `a_p = max(1 + margin - s_p, 0)`, `a_n = max(s_n + margin, 0)` (Sun et al. 2020, arXiv 2002.10857). Samples without
    a pair of either kind have the loss 0, and the mask that the losses carry excludes them from means.

    Args:
        y_true: Labels, of shape (batch,) or (batch, 1).
        y_pred: Embeddings of length 1, of shape (batch, size).
        ref_labels: Labels of the embeddings to compare with; `y_true` if None.
        ref_embeddings: Those embeddings; `y_pred` if None.
        remove_diagonal: Whether a sample and the reference at the same place are no pair, as when they are the same.
        gamma: Scale of the similarities.
        margin: How far from 1 and 0 the similarities may stay.

    >>> circle([1, 1], [[1.0, 0.0], [1.0, 0.0]]).tolist()
    [0.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    if y_pred.ndim != 2:
        raise ValueError(f"circle: `y_pred` must have the shape (batch, size), got {y_pred.shape}.")
    labels = label_tensor("circle", y_true, y_pred.shape[:1])
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings, y_pred.dtype)
    keys = labels if ref_labels is None else label_tensor("circle", ref_labels, references.shape[:1])
    positive, negative = build_pos_neg_masks(labels, keys, remove_diagonal)
    # 1 - cosine; rounding must not make it negative.
    distance = ops.relu(ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(references))))
    pull = ops.multiply(ops.relu(ops.add(distance, margin)), ops.subtract(distance, margin))
    push = ops.multiply(ops.relu(ops.subtract(1 + margin, distance)), ops.subtract(1 - margin, distance))
    same = ops.logsumexp(ops.where(positive, ops.multiply(pull, gamma), -float("inf")), axis=1)
    other = ops.logsumexp(ops.where(negative, ops.multiply(push, gamma), -float("inf")), axis=1)
    losses = ops.softplus(ops.add(same, other))
    backend.set_keras_mask(losses, ops.greater(losses, 0))
    return losses


class Circle(LabelLoss):
    """Circle loss of integer labels and embeddings of length 1 (Sun et al. 2020, arXiv 2002.10857).

    Args:
        gamma: Scale of the similarities.
        margin: How far from 1 and 0 the similarities may stay.
        remove_diagonal: Whether a sample is no pair with itself.

    >>> round(Circle(gamma=1.0)([1, 1, 2], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).item(), 4)
    0.5459
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
