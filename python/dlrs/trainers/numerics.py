"""Where values stopped being finite."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import Variable, tree
from dlrs.data import unpack_x_y_sample_weight
from dlrs.errors import NonFiniteError
from dlrs.layers.call_context import LOCAL

if TYPE_CHECKING:
    from dlrs.trainers.trainer import Trainer


def snapshot(model: "Trainer") -> Callable[[], None]:
    """A function that gives all variables of the model and its optimizer the values they have now."""
    variables: list[Variable] = [*model.variables, *(model.optimizer.variables if model.optimizer else ())]
    variables += [variable for metric in model.metrics for variable in metric.variables]
    values = [variable.numpy() for variable in variables]

    def restore() -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return restore


def non_finite_error(model: "Trainer", batch: Any, epoch: int | None, step: int) -> NonFiniteError:
    """The error for a step whose loss is not finite: replays the batch layer by layer to say where that began."""
    when = f"step {step}" if epoch is None else f"epoch {epoch + 1}, step {step}"
    return NonFiniteError(
        f"The loss is not finite in {when}: {_first_non_finite(model, batch)} The step was discarded; the weights are "
        f"those after the step before it."
    )


def _first_non_finite(model: "Trainer", batch: Any) -> str:
    for name, part in zip(("x", "y", "sample_weight"), unpack_x_y_sample_weight(batch), strict=True):
        if part is not None and not all(map(_is_finite, tree.flatten(part))):
            return f"argument `{name}` holds non-finite values."
    for variable in model.weights:
        if not _is_finite(variable.numpy()):
            return f"the weight {variable.path!r} holds non-finite values."
    found: list[str] = []

    def observe(layer: Any, outputs: Any) -> None:
        if not found and not all(_is_finite(leaf.numpy()) for leaf in tree.flatten(outputs)):
            found.append(
                f"the first non-finite values are in the output of layer {layer.name!r} ({type(layer).__name__})."
            )

    restore = snapshot(model)
    LOCAL.observer = observe
    try:
        x, _, _ = unpack_x_y_sample_weight(tree.map_structure(_dlrs.tensor, batch))
        model(x, training=True)
    finally:
        LOCAL.observer = None
        restore()
    return found[0] if found else "all layers' outputs are finite; the loss computed from them is not."


def _is_finite(value: Any) -> bool:
    array = np.asarray(value)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
