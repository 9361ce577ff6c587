"""What the blocks of encoder and decoder share."""

from collections.abc import Callable
from typing import Any

from dlrs import activations, initializers, ops
from dlrs.layers.attention.projected_attention import copy_of
from dlrs.layers.dense import Dense
from dlrs.layers.layer import Layer
from dlrs.layers.layer_normalization import LayerNormalization
from dlrs.layers.noise import Dropout, check_rate
from dlrs.layers.transformer.positions import check_sequence

Shape = tuple[int | None, ...]


class TransformerBlock(Layer):
    """Parts with residual connections, each normalized after the sum, or before the part. A subclass adds attention.

    The arguments are those of `TransformerEncoder` and `TransformerDecoder`.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0,
        activation: Any = "relu",
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        normalize_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, size in (("intermediate_dim", intermediate_dim), ("num_heads", num_heads)):
            if isinstance(size, bool) or not hasattr(size, "__index__") or not 0 < size < 2**31:
                raise ValueError(f"`{name}` must be a positive integer, got {size!r}.")
        self.intermediate_dim = int(intermediate_dim)
        self.num_heads = int(num_heads)
        self.dropout = check_rate(dropout)
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.normalize_first = normalize_first
        self.supports_masking = True

    _feedforward_intermediate: Dense
    _feedforward_output: Dense
    _feedforward_norm: LayerNormalization
    _feedforward_dropout: Dropout

    def _check_features(self, what: str, shape: Any) -> int:
        """The features of a head; ValueError if the heads do not divide those of the inputs."""
        check_sequence(self, what, shape)
        features = shape[-1]
        if features is None or features == 0 or features % self.num_heads:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}): the features of `{what}` must be a multiple of "
                f"`num_heads`, got {features} features and num_heads={self.num_heads}."
            )
        return int(features) // self.num_heads

    def _attention(self, cls: type, name: str, shapes: tuple[Shape, Shape], head_size: int) -> Any:
        """A built layer of attention."""
        layer = cls(
            self.num_heads,
            head_size,
            dropout=self.dropout,
            kernel_initializer=copy_of(self.kernel_initializer),
            bias_initializer=copy_of(self.bias_initializer),
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(*shapes)
        return layer

    def _norm_and_dropout(self, name: str, shape: Shape) -> tuple[LayerNormalization, Dropout]:
        norm = LayerNormalization(epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=f"{name}_layer_norm")
        norm.build(shape)
        return norm, Dropout(self.dropout, dtype=self.dtype_policy, name=f"{name}_dropout")

    def _dense(self, name: str, shape: Shape, units: int, activation: Any = None) -> Dense:
        dense = Dense(
            units,
            activation,
            kernel_initializer=copy_of(self.kernel_initializer),
            bias_initializer=copy_of(self.bias_initializer),
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build(shape)
        return dense

    def _build_feedforward(self, shape: Shape) -> None:
        """max(0, x·W₁ + b₁)·W₂ + b₂, at each step alone (section 3.3)."""
        features = shape[-1]
        assert features is not None
        wide = (*shape[:-1], self.intermediate_dim)
        self._feedforward_intermediate = self._dense(
            "feedforward_intermediate", shape, self.intermediate_dim, self.activation
        )
        self._feedforward_output = self._dense("feedforward_output", wide, features)
        self._feedforward_norm, self._feedforward_dropout = self._norm_and_dropout("feedforward", shape)

    def _feedforward(self, x: Any) -> Any:
        def compute(x: Any) -> Any:
            return self._feedforward_output(self._feedforward_intermediate(x))

        return self._with_residual(x, compute, self._feedforward_norm, self._feedforward_dropout)

    def _with_residual(self, x: Any, compute: Callable[[Any], Any], norm: Any, dropout: Any) -> Any:
        """norm(x + dropout(compute(x))), or x + dropout(compute(norm(x))) with `normalize_first`."""
        if self.normalize_first:
            return ops.add(x, dropout(compute(norm(x))))
        return norm(ops.add(x, dropout(compute(x))))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }
