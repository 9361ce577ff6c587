"""Networks that Keras has, too: names of layers, weights and, with copied weights, outputs."""

from typing import Any

import numpy as np
import pytest

from dlrs import applications
from dlrs.backend import clear_session
from harness.keras_on_jax import assert_close, draws, keras

CASES: list[tuple[str, dict[str, Any]]] = [
    ("MobileNet", {"alpha": 0.25, "input_shape": (64, 64, 3)}),
    ("MobileNetV2", {"alpha": 0.35, "input_shape": (64, 64, 3)}),
    ("ResNet50", {"input_shape": (64, 64, 3)}),
    ("InceptionV3", {"input_shape": (75, 75, 3)}),
    ("VGG16", {"input_shape": (32, 32, 3), "include_top": False, "pooling": "max"}),
    ("MobileNetV3Small", {"alpha": 0.5, "input_shape": (64, 64, 3)}),
    ("Xception", {"input_shape": (71, 71, 3)}),
    ("EfficientNetB0", {"input_shape": (64, 64, 3)}),
    ("ConvNeXtTiny", {"input_shape": (32, 32, 3), "include_top": False, "pooling": "avg"}),
]


@pytest.mark.parametrize(("network", "arguments"), CASES, ids=[name for name, _ in CASES])
def test_layers_weights_and_outputs_are_those_of_keras(network: str, arguments: dict[str, Any]) -> None:
    clear_session()
    keras.utils.clear_session()
    arguments = {"classes": 10, "classifier_activation": None, **arguments}
    ours = getattr(applications, network)(**arguments)
    theirs = getattr(keras.applications, network)(weights=None, **arguments)
    assert [(w.path, tuple(w.shape)) for w in ours.weights] == [(w.path, tuple(w.shape)) for w in theirs.weights]
    kinds = [[(type(layer).__name__, layer.name) for layer in model.layers] for model in (ours, theirs)]
    assert kinds[0] == kinds[1]
    rng = draws(network)
    values = []
    for weight in theirs.weights:
        value = np.asarray(weight)
        # Statistics and scales as a training leaves them, so that no layer's part is lost.
        if "moving_variance" in weight.path or "gamma" in weight.path:
            value = rng.uniform(0.5, 1.5, value.shape).astype("float32")
        elif value.ndim == 1 and not weight.path.startswith("normalization"):
            value = rng.normal(0, 0.2, value.shape).astype("float32")
        values.append(value)
    theirs.set_weights(values)
    ours.set_weights(values)
    x = rng.standard_normal((2, *arguments["input_shape"])).astype("float32")
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 1e-4, network)
