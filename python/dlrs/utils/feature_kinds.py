"""What a feature of a table is, and how it is prepared."""

from typing import Any

from dlrs.backend import auto_name
from dlrs.layers import (
    Discretization,
    Hashing,
    Identity,
    IntegerLookup,
    Layer,
    Normalization,
    Rescaling,
    StringLookup,
)
from dlrs.saving import deserialize_keras_object, serialize_keras_object


class Feature:
    """A feature: the type of its values, the layer that prepares them, and what that gives.

    Args:
        dtype: "float32", "int32" or "string".
        preprocessor: a layer, or its serialized configuration.
        output_mode: "float", or of integers "int" (as they are) or "one_hot".

    >>> Feature("int32", IntegerLookup(vocabulary=[1, 2]), "one_hot").output_mode
    'one_hot'
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        _check_mode(output_mode, ("int", "one_hot", "float"))
        preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor
        if not isinstance(preprocessor, Layer):
            raise ValueError(f"FeatureSpace.feature: `preprocessor` must be a layer, got {preprocessor!r}.")
        self.dtype, self.preprocessor, self.output_mode = dtype, preprocessor, output_mode

    def get_config(self) -> dict[str, Any]:
        """The arguments, the layer serialized."""
        layer = serialize_keras_object(self.preprocessor)
        return {"dtype": self.dtype, "preprocessor": layer, "output_mode": self.output_mode}


class Cross:
    """What several features are together, as a category of its own.

    Args:
        feature_names: names of the features, whose layers give integers or strings.
        crossing_dim: number of categories, to which the combinations are hashed.
        output_mode: "int" or "one_hot".

    >>> Cross(("city", "street"), 32).name
    'city_X_street'
    """

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> None:
        _check_mode(output_mode, ("int", "one_hot"))
        if isinstance(feature_names, str) or not all(isinstance(name, str) for name in feature_names):
            raise ValueError(f"FeatureSpace.cross: `feature_names` must be a list of names, got {feature_names!r}.")
        self.feature_names = tuple(feature_names)
        self.crossing_dim, self.output_mode = crossing_dim, output_mode

    @property
    def name(self) -> str:
        """The names of the features, joined."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "feature_names": list(self.feature_names),
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }


def _check_mode(mode: Any, known: tuple[str, ...]) -> None:
    if not isinstance(mode, str) or mode not in known:
        raise ValueError(
            f"Invalid value for argument `output_mode`. Expected one of {known}. Received: output_mode={mode!r}"
        )


def configured(value: Any) -> Any:
    """The configuration in `value`, which may be wrapped as files of Keras have it."""
    return value["config"] if "class_name" in value and "config" in value else value


class Kinds:
    """The makers of features, which `FeatureSpace` has as class methods."""

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """What several features are together."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A feature that a layer of one's own prepares."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", Identity(dtype="float32", name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """`x * scale + offset`."""
        return Feature("float32", Rescaling(scale, offset, name=_layer_name(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers less their mean, over their standard deviation."""
        return Feature("float32", Normalization(axis=-1, name=_layer_name(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Which of `num_bins` ranges with about as many numbers each, or of those between `bin_boundaries`."""
        layer_name = _layer_name(name, "float_discretized")
        layer = Discretization(num_bins=num_bins, bin_boundaries=bin_boundaries, name=layer_name)
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Integers that are names, numbered by `IntegerLookup`."""
        layer_name = _layer_name(name, "integer_categorical")
        return Feature("int32", IntegerLookup(max_tokens, num_oov_indices, name=layer_name), output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Strings, numbered by `StringLookup`."""
        layer_name = _layer_name(name, "string_categorical")
        return Feature("string", StringLookup(max_tokens, num_oov_indices, name=layer_name), output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Strings, numbered by `Hashing`."""
        return Feature("string", Hashing(num_bins, name=_layer_name(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Integers, numbered by `Hashing`."""
        return Feature("int32", Hashing(num_bins, name=_layer_name(name, "integer_hashed")), output_mode)


def _layer_name(name: str | None, kind: str) -> str:
    return f"{name or auto_name(kind)}_preprocessor"
