"""What the cells of recurrent layers share: arguments, weights, dropout that stays for all steps of a sequence."""

from typing import Any

from dlrs import activations, constraints, initializers, ops, random, regularizers
from dlrs.backend.checks import positive_size
from dlrs.layers.call_arguments import TENSORS
from dlrs.layers.layer import Layer
from dlrs.layers.noise import check_rate
from dlrs.random import SeedGenerator

Shape = tuple[int | None, ...]


class DropoutRNNCell:
    """Masks of dropout that a cell draws once for a sequence, and keeps for all its steps (Gal and Ghahramani 2016).

    arXiv 1512.05287. A cell that has it sets `dropout`, `recurrent_dropout` and `seed_generator`; with
    `dropout_mask_count` the masks are as many, one for each gate.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: SeedGenerator
    dropout_mask_count: int | None = None
    _dropout_mask: Any = None
    _recurrent_dropout_mask: Any = None

    def _drawn(self, like: Any, rate: float) -> Any:
        ones = ops.ones_like(like)
        if self.dropout_mask_count is None:
            return random.dropout(ones, rate, seed=self.seed_generator)
        return [random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.dropout_mask_count)]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the inputs of a step, drawn if there is none yet; None without dropout."""
        if self._dropout_mask is None and self.dropout > 0:
            object.__setattr__(self, "_dropout_mask", self._drawn(step_input, self.dropout))
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the state, drawn if there is none yet; None without dropout of the state."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            object.__setattr__(self, "_recurrent_dropout_mask", self._drawn(step_input, self.recurrent_dropout))
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the inputs: the sequence is over."""
        object.__setattr__(self, "_dropout_mask", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the state."""
        object.__setattr__(self, "_recurrent_dropout_mask", None)


class GatedCell(Layer, DropoutRNNCell):
    """A cell with a kernel, a recurrent kernel and a bias for each of its gates, side by side.

    A subclass says how many gates it has, and computes a step from their products.
    """

    _gates: int = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        units = positive_size("units", units)
        self.implementation = kwargs.pop("implementation", 2)
        if self.implementation not in (0, 1, 2):
            raise ValueError(f"{type(self).__name__}: `implementation` must be 0, 1 or 2, got {self.implementation!r}.")
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = check_rate(dropout)
        self.recurrent_dropout = check_rate(recurrent_dropout)
        if self._gates > 1 and (recurrent_dropout or self.implementation == 1):
            self.dropout_mask_count = self._gates
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size: Any = units
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"Layer {self.name!r}: the features of its inputs must be known, got shape {input_shape}.")
        self.kernel = self.add_weight(
            (features, self._gates * self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, self._gates * self.units),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias: Any = None
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(),
                self._initial_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def _initial_bias(self) -> Any:
        return self.bias_initializer

    def _parts_of(self, states: Any, inputs: Any) -> list[Any]:
        """The parts of the state before a step; ValueError if they, or the step's inputs, have another shape.

        Without this check a tensor in place of a list would be taken apart by its rows, and a state of one row would
        be that of all.
        """
        shape = tuple(inputs.shape)
        if len(shape) != 2:
            raise ValueError(
                f"Layer {self.name!r}: the inputs of one step have the shape (batch, features), got {shape}. "
                f"`RNN({type(self).__name__}(...))` runs over (batch, time, features)."
            )
        parts = list(states) if isinstance(states, list | tuple) else [states]
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        if len(parts) == len(sizes) and all(
            isinstance(part, TENSORS) and same_sizes(tuple(part.shape), (shape[0], size))
            for part, size in zip(parts, sizes, strict=True)
        ):
            return parts
        found = [tuple(part.shape) if isinstance(part, TENSORS) else type(part).__name__ for part in parts]
        raise ValueError(
            f"Layer {self.name!r}: the state before a step must be a list of tensors of the shapes "
            f"{[(shape[0], size) for size in sizes]}, got {found}. `get_initial_state(batch_size)` gives the first."
        )

    def _of_inputs(self, inputs: Any, training: bool) -> Any:
        """What the inputs add to each gate, without bias: (..., gates · units)."""
        mask = self.get_dropout_mask(inputs) if training and self.dropout > 0 else None
        return self._product(inputs, mask, self.kernel)

    def _masked_state(self, state: Any, training: bool) -> Any:
        """The state as the gates see it: one tensor, or one for each gate."""
        mask = self.get_recurrent_dropout_mask(state) if training and self.recurrent_dropout > 0 else None
        if mask is None:
            return state
        return [ops.multiply(state, one) for one in mask] if isinstance(mask, list) else ops.multiply(state, mask)

    def _product(self, x: Any, mask: Any, kernel: Any) -> Any:
        """`x · kernel`, where each gate has a mask of its own if there are several."""
        if mask is None:
            return ops.matmul(x, kernel)
        if not isinstance(mask, list):
            return ops.matmul(ops.multiply(x, mask), kernel)
        return _by_gate([ops.multiply(x, one) for one in mask], kernel)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros: a list of a tensor for each part of the state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **cell_config(self)}


def cell_config(cell: Any) -> dict[str, Any]:
    """The arguments that cells, and layers of one cell, have in common."""
    return {
        "units": cell.units,
        "activation": activations.serialize(cell.activation),
        "use_bias": cell.use_bias,
        "kernel_initializer": initializers.serialize(cell.kernel_initializer),
        "recurrent_initializer": initializers.serialize(cell.recurrent_initializer),
        "bias_initializer": initializers.serialize(cell.bias_initializer),
        "kernel_regularizer": regularizers.serialize(cell.kernel_regularizer),
        "recurrent_regularizer": regularizers.serialize(cell.recurrent_regularizer),
        "bias_regularizer": regularizers.serialize(cell.bias_regularizer),
        "kernel_constraint": constraints.serialize(cell.kernel_constraint),
        "recurrent_constraint": constraints.serialize(cell.recurrent_constraint),
        "bias_constraint": constraints.serialize(cell.bias_constraint),
        "dropout": cell.dropout,
        "recurrent_dropout": cell.recurrent_dropout,
        "seed": cell.seed,
    }


def _by_gate(xs: list[Any], kernel: Any) -> Any:
    """The products of each gate's operand with its columns of the kernel, side by side."""
    columns = ops.split(kernel, len(xs), axis=-1)
    return ops.concatenate([ops.matmul(x, w) for x, w in zip(xs, columns, strict=True)], axis=-1)


def recurrent_product(state: Any, kernel: Any) -> Any:
    """`state · kernel`, where a list holds the state as each gate sees it."""
    return _by_gate(state, kernel) if isinstance(state, list) else ops.matmul(state, kernel)


def same_sizes(shape: Shape, expected: Shape) -> bool:
    """Whether two shapes are the same, as far as their sizes are known."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
