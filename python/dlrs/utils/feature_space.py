"""Tables of numbers and categories as vectors for a model."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlrs import ops, saving
from dlrs.backend import KerasTensor, is_int_dtype, tree
from dlrs.backend.checks import check_count
from dlrs.backend.serialization import register_builtins
from dlrs.data import Dataset
from dlrs.layers import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    Input,
    IntegerLookup,
    Layer,
    Normalization,
    StringLookup,
    TextVectorization,
)
from dlrs.utils.feature_kinds import Cross, Feature, Kinds, configured

_KINDS = (
    "float", "float_normalized", "float_rescaled", "float_discretized", "integer_categorical", "string_categorical",
    "integer_hashed", "string_hashed",
)  # fmt: skip


class FeatureSpace(Kinds, Layer):
    """Prepares the columns of a table, each as befits it, and joins them to one vector for each row.

    Args:
        features: by the names of columns, the kind of each: "float", "float_normalized", "float_rescaled",
            "float_discretized", "integer_categorical", "string_categorical", "integer_hashed", "string_hashed"; or
            what the methods of these names give, which take arguments, or `feature`, which takes a layer.
        output_mode: "concat" for one vector, features and then crosses in the order of their names; "dict" for a dict.
        crosses: tuples of names of features, which are categories together, or what `cross` gives.
        crossing_dim: how many categories a cross is hashed to.
        hashing_dim: how many categories hashed features have.
        num_discretization_bins: how many ranges discretized features have.
        name: name of the layer.

    Call `adapt` with data, then the layer with a dict of columns (batch,) or (batch, 1), or of the values of a row. The
    layers of categories run on the host: prepare the data of a `Dataset` by `map`, and train on what comes of it.

    Raises:
        ValueError: an argument is none of these; a call before `adapt`; a feature that is no vector to be joined.

    >>> space = FeatureSpace({"size": "float_normalized", "colour": "string_categorical"})
    >>> table = {"size": [1.0, 2.0, 3.0], "colour": ["red", "blue", "red"]}
    >>> space.adapt(table)
    >>> space(table).numpy().round(2).tolist()
    [[0.0, 1.0, 0.0, -1.22...], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.22...]]
    """

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Any = None,
        crossing_dim: int | None = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not features:
            raise ValueError("FeatureSpace: The `features` argument cannot be None or empty.")
        if not isinstance(features, dict) or not all(isinstance(key, str) for key in features):
            raise ValueError(f"FeatureSpace: `features` must be a dict with names as keys, got {features!r:.60}.")
        if not isinstance(output_mode, str) or output_mode not in ("concat", "dict"):
            raise ValueError(
                "Invalid value for argument `output_mode`. Expected one of {'dict', 'concat'}. "
                f"Received: output_mode={output_mode!r:.60}"
            )
        check_count("FeatureSpace", "hashing_dim", hashing_dim, 1)
        check_count("FeatureSpace", "num_discretization_bins", num_discretization_bins, 1)
        self.output_mode = output_mode
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._cross(value) for value in crosses or ()]
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self.inputs = {key: Input((1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()}
        self.encoders: dict[str, Any] = {}
        self._encoded: Any = None
        self._learning = [key for key, layer in self.preprocessors.items() if _learns(layer)]
        self._adapted = not self._learning

    def _feature(self, name: str, value: Any) -> Feature:
        if isinstance(value, Feature):
            return value
        if isinstance(value, dict):
            return Feature(**configured(value))
        if not isinstance(value, str) or value not in _KINDS:
            raise ValueError(f"FeatureSpace: Invalid feature type of {name!r}: {value!r}. Known: {', '.join(_KINDS)}.")
        size = {"float_discretized": self.num_discretization_bins}.get(value, self.hashing_dim)
        sized = (size,) if value in ("float_discretized", "integer_hashed", "string_hashed") else ()
        made: Feature = getattr(self, value)(*sized, name=name)
        return made

    def _cross(self, value: Any) -> Cross:
        if isinstance(value, dict):
            value = Cross(**configured(value))
        if not isinstance(value, Cross):
            if not self.crossing_dim:
                raise ValueError(
                    "FeatureSpace: When specifying `crosses`, the argument `crossing_dim` (dimensionality of the "
                    "crossing space) should be specified as well."
                )
            value = Cross(value, self.crossing_dim)
        cross: Cross = value
        if not set(cross.feature_names) <= set(self.features):
            raise ValueError(
                "FeatureSpace: All features referenced in the `crosses` argument should be present in the `features` "
                f"dict. Received unknown features: {cross.feature_names}"
            )
        return cross

    # Learning

    def adapt(self, dataset: Any) -> None:
        """Learn from data what the layers of the features must know: means, ranges, vocabularies.

        Args:
            dataset: a dict of columns, or a `data.Dataset` of dicts of rows or of batches. It is read once for each
                feature that learns.
        """
        if isinstance(dataset, dict):
            dataset = Dataset.from_tensor_slices({key: np.asarray(column) for key, column in dataset.items()})
        if not isinstance(dataset, Dataset):
            raise ValueError(
                "FeatureSpace: `adapt()` can only be called on a data.Dataset or a dict of arrays/lists. "
                f"Received instead: {dataset!r:.60} (of type {type(dataset).__name__})"
            )
        for name in self._learning:
            layer: Any = self.preprocessors[name]
            layer.adapt(_Columns(dataset, name))
        self._adapted, self._encoded = True, None
        self.get_encoded_features()

    def get_inputs(self) -> dict[str, KerasTensor]:
        """Placeholders for the columns, (None, 1)."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """Placeholders for what a call gives: what a model is made from that is trained on it."""
        if not self._adapted:
            raise ValueError(
                f"FeatureSpace {self.name!r}: You need to call `.adapt(dataset)` on the FeatureSpace before you can "
                "start using it."
            )
        if self._encoded is None:
            prepared = self._prepared(self.inputs)
            self.encoders = {key: self._encoder(key, x) for key, x in prepared.items() if self._is_one_hot(key)}
            self._encoded = self._joined(prepared)
            self.built = True
        return self._encoded

    # Calls

    def __call__(self, data: Any) -> Any:
        """The features of a row, or of a batch of them."""
        self.get_encoded_features()
        if not isinstance(data, dict) or set(data) != set(self.features):
            got = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
            raise ValueError(
                f"FeatureSpace {self.name!r}: A FeatureSpace can only be called with a dict of its features "
                f"{list(self.features)}. Received: {got}"
            )
        if all(isinstance(x, KerasTensor) for x in data.values()):
            return self._joined(self._prepared(data))
        columns = {key: x if isinstance(x, KerasTensor) else _array(key, x) for key, x in data.items()}
        single = any(x.ndim == 0 for x in columns.values())
        result = self._joined(self._prepared({key: _column(x) for key, x in columns.items()}))
        return tree.map_structure(lambda x: ops.squeeze(x, 0), result) if single else result

    def _prepared(self, columns: dict[str, Any]) -> dict[str, Any]:
        """What the layers make of the columns, and of crosses, each in the order of their names."""
        prepared = {key: self.preprocessors[key](columns[key]) for key in sorted(self.features)}
        crossed = {
            cross.name: self.crossers[cross.name]([prepared[key] for key in cross.feature_names])
            for cross in sorted(self.crosses, key=lambda cross: cross.name)
        }
        return {**prepared, **crossed}

    def _is_one_hot(self, key: str) -> bool:
        kind: Any = self.features.get(key) or next(cross for cross in self.crosses if cross.name == key)
        return bool(kind.output_mode == "one_hot")

    def _encoder(self, key: str, x: Any) -> CategoryEncoding:
        if not is_int_dtype(x.dtype):
            raise ValueError(
                f"FeatureSpace: Feature '{key}' has `output_mode='one_hot'`. Thus its preprocessor should return an "
                f"integer dtype. Instead it returns a {x.dtype} dtype."
            )
        layer = self.preprocessors.get(key) or self.crossers[key]
        return CategoryEncoding(_cardinality(key, layer), output_mode="multi_hot")

    def _joined(self, prepared: dict[str, Any]) -> Any:
        encoded = {key: self.encoders[key](x) if key in self.encoders else x for key, x in prepared.items()}
        if self.output_mode == "dict":
            return encoded
        for key, x in encoded.items():
            if is_int_dtype(x.dtype):
                raise ValueError(
                    f"FeatureSpace: Cannot concatenate features because feature '{key}' has not been encoded (it has "
                    f"dtype {x.dtype}). Consider using `output_mode='dict'`."
                )
        return ops.concatenate([ops.cast(x, self.compute_dtype) for x in encoded.values()], axis=-1)

    # Files and configuration

    # `load_model` gives it, though it is no model.
    _is_saved_alone = True

    def save(self, filepath: Any) -> None:
        """Save what it is and has learned to a `.keras` file, from which `load_model` makes it again.

        Args:
            filepath: the file, or an open binary stream. An older file is replaced at once.

        Raises:
            ValueError: the path does not end in `.keras`.
            OSError: the disk is full or the like; an older file is as it was.

        >>> import tempfile
        >>> from dlrs.models import load_model
        >>> space = FeatureSpace({"size": "float_normalized"})
        >>> space.adapt({"size": [1.0, 3.0]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     space.save(folder + "/space.keras")
        ...     load_model(folder + "/space.keras")({"size": [1.0, 3.0]}).tolist()
        [[-1.0], [1.0]]
        """
        if not hasattr(filepath, "write") and not str(filepath).endswith(".keras"):
            raise ValueError(f"FeatureSpace.save: `filepath` must end in `.keras`. Received: {filepath!r}")
        saving.save_model(self, filepath)

    def get_config(self) -> dict[str, Any]:
        return {
            "features": {key: feature.get_config() for key, feature in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [cross.get_config() for cross in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
            "name": self.name,
            # Vocabularies and ranges are in the configurations of the layers.
            "learned": {key: [w.tolist() for w in layer.get_weights()] for key, layer in self.preprocessors.items()}
            if self._adapted
            else None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        learned = config.pop("learned", None)
        space = cls(**config)
        if learned is not None:
            for key, values in learned.items():
                if values:
                    if not space.preprocessors[key].built:
                        space.preprocessors[key].build((None, 1))
                    space.preprocessors[key].set_weights([np.asarray(value) for value in values])
            space._adapted = True
        return space


register_builtins((FeatureSpace,))


def _learns(layer: Layer) -> bool:
    """Whether a layer must learn from data what it was not given."""
    if isinstance(layer, Normalization):
        return layer.input_mean is None
    if isinstance(layer, Discretization):
        return layer.num_bins is not None
    if isinstance(layer, TextVectorization | StringLookup | IntegerLookup):
        lookup = layer.lookup if isinstance(layer, TextVectorization) else layer
        return not lookup._terms
    return hasattr(layer, "adapt")


def _cardinality(key: str, layer: Any) -> int:
    if isinstance(layer, StringLookup | IntegerLookup):
        return int(layer.vocabulary_size())
    if isinstance(layer, Discretization):
        return int(layer.num_bins or len(layer.bin_boundaries or ()) + 1)
    if isinstance(layer, Hashing | HashedCrossing):
        return layer.num_bins
    if isinstance(layer, CategoryEncoding):
        return layer.num_tokens
    raise ValueError(
        f"FeatureSpace: Feature '{key}' has `output_mode='one_hot'`. However it isn't a standard feature and the "
        "dimensionality of its output space is not known, thus it cannot be one-hot encoded. Try using "
        "`output_mode='int'`."
    )


class _Columns:
    """The batches of a feature in a dataset of dicts, (batch, 1)."""

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._dataset, self._name = dataset, name

    def __iter__(self) -> Iterator[Any]:
        waiting: list[Any] = []
        for element in self._dataset:
            if not isinstance(element, dict) or self._name not in element:
                raise ValueError(f"FeatureSpace: the elements of the dataset must be dicts with {self._name!r}.")
            column = _array(self._name, element[self._name])
            if column.ndim:
                yield _column(column)
                continue
            waiting.append(column)
            if len(waiting) == 1024:
                yield np.stack(waiting)[:, None]
                waiting = []
        if waiting:
            yield np.stack(waiting)[:, None]


def _array(name: str, values: Any) -> Any:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"FeatureSpace: the column {name!r} must be an array: {error}") from error


def _column(x: Any) -> Any:
    if x.ndim == 0:
        return x.reshape(1, 1)
    return x[:, None] if x.ndim == 1 else x
