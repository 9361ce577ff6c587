"""Cross-entropies between targets and predictions, one value for each sample."""

from dlrs import _dlrs, config
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.encodings import one_hot_mask
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
]  # fmt: skip


def _clipped(probabilities: Tensor) -> Tensor:
    """Away from 0 and 1, where the logarithm has no gradient."""
    epsilon = config.epsilon()
    return _dlrs.minimum(_dlrs.maximum(probabilities, epsilon), 1.0 - epsilon)


def _last(x: Tensor, axis: int) -> Tensor:
    """`x` with `axis` moved to the end."""
    if axis == x.ndim - 1:
        return x
    return _dlrs.transpose(x, [*(i for i in range(x.ndim) if i != axis), axis])


@op
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """`-sum(target * log(output))` along `axis`.

    Args:
        target: Probabilities of the classes, of the shape of `output`.
        output: Predicted probabilities, which are divided by their sum, or logits.
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes.

    Errors: ValueError if the shapes differ.

    >>> round(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    target, output = as_tensor(target), as_tensor(output)
    if target.shape != output.shape or output.ndim == 0:
        raise ValueError(
            f"categorical_crossentropy: `target` and `output` must have the same shape, with an axis of classes, got"
            f" {target.shape} and {output.shape}. For integer labels use `sparse_categorical_crossentropy`."
        )
    axis = normalize_axis("categorical_crossentropy", axis, output.ndim)
    if from_logits:
        return _dlrs.softmax_cross_entropy(_last(output, axis), _last(_dlrs.cast(target, output.dtype), axis))
    normalized = _dlrs.divide(output, _dlrs.sum(output, (axis,), True))
    return _dlrs.negative(_dlrs.sum(_dlrs.multiply(target, _dlrs.log(_clipped(normalized))), (axis,), False))


@op
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """`-log(output[target])`, with the classes along `axis`.

    Args:
        target: Integer labels, of the shape of `output` without `axis`, or with size 1 there.
        output: Predicted probabilities, which are divided by their sum, or logits.
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes.

    Errors: ValueError if the shapes do not fit.

    >>> round(sparse_categorical_crossentropy([1], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    target, output = as_tensor(target), as_tensor(output)
    if output.ndim == 0:
        raise ValueError("sparse_categorical_crossentropy: `output` must have an axis of classes, got a scalar.")
    axis = normalize_axis("sparse_categorical_crossentropy", axis, output.ndim)
    shape = output.shape[:axis] + output.shape[axis + 1 :]
    if target.shape not in (shape, (*output.shape[:axis], 1, *output.shape[axis + 1 :])):
        raise ValueError(
            f"sparse_categorical_crossentropy: `target` must have the shape {shape} of `output` without its axis of"
            f" classes, got {target.shape} for `output` of shape {output.shape}."
        )
    labels = _dlrs.reshape(target, shape)
    if from_logits:
        return _dlrs.sparse_softmax_cross_entropy(_last(output, axis), _dlrs.cast(labels, "int32"))
    mask = one_hot_mask(_dlrs.cast(labels, "int32"), output.shape[axis], axis)
    chosen = _dlrs.sum(_dlrs.where(mask, output, 0.0), (axis,), False)
    return _dlrs.negative(_dlrs.log(_clipped(_dlrs.divide(chosen, _dlrs.sum(output, (axis,), False)))))


@op
def binary_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False) -> Tensor:
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element.

    Args:
        target: Probabilities of the positive class, of the shape of `output`.
        output: Predicted probabilities or logits.
        from_logits: Whether `output` holds logits.

    Errors: ValueError if the shapes differ.

    >>> round(binary_crossentropy([1.0], [0.0], from_logits=True).item(), 4)
    0.6931
    """
    target, output = as_tensor(target), as_tensor(output)
    if target.shape != output.shape:
        raise ValueError(
            f"binary_crossentropy: `target` and `output` must have the same shape, got {target.shape}"
            f" and {output.shape}."
        )
    target = _dlrs.cast(target, output.dtype)
    if from_logits:
        # -z log(s) - (1 - z) log(1 - s) with s = sigmoid(x) is softplus(x) - z x, finite for every logit.
        return _dlrs.subtract(_dlrs.softplus(output), _dlrs.multiply(target, output))
    p = _clipped(output)
    positive = _dlrs.multiply(target, _dlrs.log(p))
    negative = _dlrs.multiply(_dlrs.subtract(1.0, target), _dlrs.log(_dlrs.subtract(1.0, p)))
    return _dlrs.negative(_dlrs.add(positive, negative))
