"""A layer applied to every time step."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.wrapper import Wrapper

Shape = tuple[int | None, ...]


class TimeDistributed(Wrapper):
    """Applies a layer, with the same weights, to each time step: to (batch · time, ...) at once.

    Args:
        layer: the layer.
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs` (batch, time, ...); `training`; `mask` (batch, time, ...), of which the layer gets each
    step's. A layer that looks over the batch, such as batch normalization, looks over all steps together.

    Raises:
        ValueError: inputs or a mask without a time axis, or with different ones.

    >>> import numpy as np
    >>> from dlrs.layers import Dense
    >>> TimeDistributed(Dense(2))(np.ones((3, 5, 4), "float32")).shape
    (3, 5, 2)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> Shape:
        if not isinstance(input_shape, tuple | list) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: "
                f"{input_shape}"
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any = None) -> None:
        super().build(self._step_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        batch, time = inputs.shape[:2]
        options: dict[str, Any] = {}
        if mask is not None:
            mask = mask if hasattr(mask, "shape") else np.asarray(mask, bool)
            self._check_mask(mask, inputs)
            if self.layer._signature.takes_mask:
                options["mask"] = ops.reshape(mask, (batch * time, *mask.shape[2:]))
        outputs = self.layer(ops.reshape(inputs, (batch * time, *inputs.shape[2:])), **options)
        return ops.cast(ops.reshape(outputs, (batch, time, *outputs.shape[1:])), self.compute_dtype)

    def _check_mask(self, mask: Any, inputs: Any) -> None:
        if len(mask.shape) < 2:
            raise ValueError(
                "The `mask` passed to the `TimeDistributed` layer must be at least 2D (e.g., `(batch_size, "
                f"timesteps)`), but it has {len(mask.shape)} dimension(s) with shape {tuple(mask.shape)}."
            )
        if tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
            raise ValueError(
                f"The `mask` passed to the `TimeDistributed` layer has a shape {tuple(mask.shape)} that is "
                f"incompatible with the input shape {tuple(inputs.shape)}. The first two dimensions of the mask (batch "
                "size and timesteps) must match the input's first two dimensions. Expected mask shape prefix: "
                f"({inputs.shape[0]}, {inputs.shape[1]})."
            )

    def compute_output_shape(self, input_shape: Any) -> Shape:
        step_shape = self._step_shape(input_shape)
        if isinstance(self.layer.input_spec, InputSpec) and (problem := self.layer.input_spec.problem_with(step_shape)):
            raise ValueError(
                f"Layer {self.layer.name!r} does not take the steps of {tuple(input_shape)}, of shape {step_shape}, "
                f"which are incompatible with the layer: {problem}."
            )
        shape = self.layer.compute_output_shape(step_shape)
        return (shape[0], input_shape[1], *shape[1:])
