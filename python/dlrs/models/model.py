"""The base of models."""

import json
from collections.abc import Sequence
from typing import Any, Self

from dlrs.backend import KerasTensor, any_symbolic_tensors, tree
from dlrs.backend.registration import CUSTOM_NAMES
from dlrs.backend.serialization import serialize_keras_object
from dlrs.layers.layer import Layer
from dlrs.models.functional_config import is_graph_config
from dlrs.models.state_tree import StateTree
from dlrs.trainers.trainer import Trainer


class Model(StateTree, Trainer, Layer):
    """A layer with `compile`, `fit`, `evaluate`, `predict`, `summary` and `save`.

    Made in one of three ways: `Model(inputs, outputs)` from placeholders, a `Sequential` stack of layers, or a subclass
    that makes its layers in `__init__` and calls them in `call`. A subclass made with `inputs` and `outputs` is
    functional, too, and may override `train_step`.

    >>> from dlrs.layers import Dense, Input
    >>> x = Input((3,))
    >>> model = Model(x, Dense(2)(x))
    >>> model.count_params()
    8
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # A subclass may have two positional arguments of its own.
        is_graph = _is_functional(args, kwargs) and (cls is Model or any_symbolic_tensors(args, kwargs))
        made: Any = functional_class(cls) if is_graph else cls
        model: Self = super().__new__(made, *args, **kwargs)
        return model

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            # A subclass whose `__init__` made the placeholders itself.
            object.__setattr__(self, "__class__", functional_class(type(self)))
            self.__init_functional__(*args, **kwargs)  # type: ignore[attr-defined]
            return
        Layer.__init__(self, *args, **kwargs)
        self._init_trainer()

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; defined by a subclass."""
        raise NotImplementedError(f"Model {type(self).__name__} does not have a `call` method implemented.")

    def _maybe_build(self, arguments: dict[str, Any]) -> None:
        if arguments:
            # What `load_model` needs to make the weights anew.
            first = next(iter(arguments.values()))
            self._set_untracked("_input_specs", tree.map_structure(_without_batch_size, first))
        super()._maybe_build(arguments)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the model was built with; of a class without a `build` those of its first call."""
        config = super().get_build_config()
        specs = self.__dict__.get("_input_specs")
        if specs is None or config not in (None, {"input_shape": None}):
            return config
        return {"input_shape": tree.map_structure(lambda spec: tuple(spec.shape), specs)}

    @property
    def layers(self) -> list[Layer]:
        """The layers directly in this model."""
        return list(self._flatten_layers(include_self=False, recursive=False))

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name for your layers."
        )

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this position in `layers`."""
        if (name is None) == (index is None):
            raise ValueError("get_layer: give either `name` or `index`.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"get_layer: `index` {index} is out of range; the model has {len(layers)} layers.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"get_layer: no layer {name!r}; there are {[layer.name for layer in layers]}.")

    def explain(self, x: Any = None, y: Any = None, batch_size: int = 32, print_fn: Any = None) -> None:
        """Print what a step of the model runs: kernels, what was fused, algorithms, memory, and shares of the time.

        Args:
            x: a batch of inputs; zeros of the model's input shapes if None.
            y: targets. With them the training step of the compiled model is shown, else that of `predict`.
            batch_size: examples in a made-up batch.
            print_fn: takes the text; `print` if None.

        Each line is a kernel, which may compute several ops in one pass: its share of the time of all threads
        together (least of three runs; the model's state is restored), floating-point operations by the ops'
        definitions, megabytes of operands and results, tiles that threads share, ops, algorithm and result.

        Raises:
            ValueError: the shapes are not known, `y` comes without `x`, or the model cannot be compiled.

        >>> from dlrs import Input, Sequential, layers
        >>> model = Sequential([Input((28, 28, 1)), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D()])
        >>> lines = []
        >>> model.explain(batch_size=4, print_fn=lines.append)
        >>> "conv + add + relu" in lines[0] and "max_pool" in lines[0]
        True
        """
        from dlrs.utils.explain_utils import explain

        explain(self, x, y, batch_size, print_fn)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters."""
        from dlrs.utils.summary_utils import print_summary

        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def _repr_html_(self) -> str:
        from dlrs.utils.model_visualization import model_html

        return model_html(self)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture, and the arguments of `compile`, as JSON; `model_from_json` makes a model of it.

        Args:
            **kwargs: of `json.dumps`.
        """
        return json.dumps(serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model made from what `get_config` returned, with new weights."""
        if is_graph_config(config):
            return functional_class(cls).from_config(config, custom_objects=custom_objects)
        return super().from_config(config)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save architecture, weights, `compile` arguments and optimizer state to a `.dlrs` file; see `save_model`."""
        from dlrs.saving.saving_api import save_model

        save_model(self, filepath, overwrite=overwrite, **kwargs)

    def export(self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, **kwargs: Any) -> None:
        """Refuse: programs for the engines of others are not written.

        Save the model with `save("model.keras")` and call Keras's own `export` on what it loads from there.

        Raises:
            ValueError: a format that Keras does not know either.
            NotImplementedError: always, otherwise.
        """
        if format not in _EXPORTS:
            raise ValueError(
                f"Unrecognized format={format}. Keras's formats are {sorted(_EXPORTS)}; dlrs writes none of them: save "
                f'with `save("model.keras")` and export with Keras.'
            )
        why = f"`{_EXPORTS[format]}` only currently supports the tensorflow, jax and torch backends"
        instead = 'Save with `save("model.keras")`, load the file with Keras on one of them and export there'
        raise NotImplementedError(f"export: dlrs does not write format={format!r}. {why}. {instead}.")

    def quantize(self, mode: str | None = None, config: Any = None, filters: Any = None, **kwargs: Any) -> None:
        """Refuse: layers that compute with integers or 8-bit floats are not there yet.

        Args:
            mode: "int8", "int4", "float8", "gptq" or "awq", as Keras calls them.
            config: what Keras has for finer choices.
            filters: names of layers, in Keras.

        Raises:
            ValueError: neither `mode` nor `config` is given, or Keras does not know the mode either.
            NotImplementedError: always, otherwise.

        >>> from dlrs import Input, Sequential, layers
        >>> Sequential([Input((2,)), layers.Dense(1)]).quantize("int8")
        Traceback (most recent call last):
        ...
        NotImplementedError: quantize: dlrs does not compute with quantized weights yet, here mode='int8'. ...
        """
        if mode is None and config is None:
            raise ValueError("quantize: Both `mode` and `config` cannot be `None`.")
        if mode is not None and mode not in _QUANTIZATIONS:
            raise ValueError(f"quantize: `mode` must be one of {_QUANTIZATIONS}. Received: mode={mode!r}")
        instead = 'Save with `save("model.keras")`, load the file with Keras and quantize there'
        smaller = 'for weights of half the size, make the model under `dlrs.config.set_dtype_policy("float16")`'
        why = f"dlrs does not compute with quantized weights yet, here mode={mode!r}"
        raise NotImplementedError(f"quantize: {why}. {instead}; {smaller}.")

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save the weights to a `.safetensors` file; see `dlrs.saving.save_weights`."""
        from dlrs.saving.saving_api import save_weights

        save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, strict: bool = True, **kwargs: Any) -> Any:
        """Assign saved weights: all, or none if one does not fit; see `dlrs.saving.load_weights`."""
        from dlrs.saving.saving_api import load_weights

        return load_weights(self, filepath, strict=strict, **kwargs)


# Keras's formats of exported programs, and its functions that write them.
_EXPORTS = {
    "tf_saved_model": "export_saved_model",
    "onnx": "export_onnx",
    "openvino": "export_openvino",
    "litert": "export_litert",
    "torch": "export_torch",
}


_QUANTIZATIONS = ("int8", "int4", "float8", "gptq", "awq")


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that `Model.to_json` described, of dlrs or of Keras 3, with new weights.

    Raises:
        FormatError: the text is not JSON, repeats a key or nests deeper than 64 (rules G11, G12); a class is not known
            (G2); it describes no model (C1), or one larger than the memory that may be used (G9). It is a `ValueError`,
            and a `TypeError`, too, where an argument is not one of those allowed.
        TypeError: `json_string` is no string.

    >>> from dlrs.layers import Dense, Input
    >>> x = Input((3,))
    >>> model_from_json(Model(x, Dense(2)(x)).to_json()).output_shape
    (None, 2)
    """
    if not isinstance(json_string, str):
        raise TypeError(f"model_from_json: `json_string` must be a string, got {type(json_string).__name__}.")
    from dlrs.saving.keras_files import model_of_json

    return model_of_json(json_string, custom_objects)


def _without_batch_size(leaf: Any) -> Any:
    return KerasTensor((None, *leaf.shape[1:]), leaf.dtype) if hasattr(leaf, "shape") else leaf


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


_FUNCTIONAL_CLASSES: dict[Any, Any] = {}


def is_made_functional(cls: Any) -> bool:
    """Whether `functional_class` made the class."""
    return cls in _FUNCTIONAL_CLASSES.values()


def functional_class(cls: Any) -> Any:
    """`cls` itself if it is functional, `Functional` for `Model`, else `cls` with `Functional` behind it."""
    from dlrs.models.functional import Functional

    if issubclass(cls, Functional):
        return cls
    if cls is Model:
        return Functional
    if cls not in _FUNCTIONAL_CLASSES:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        _FUNCTIONAL_CLASSES[cls] = type(cls.__name__, (cls, Functional), names)
        if cls in CUSTOM_NAMES:
            CUSTOM_NAMES[_FUNCTIONAL_CLASSES[cls]] = CUSTOM_NAMES[cls]
    return _FUNCTIONAL_CLASSES[cls]
