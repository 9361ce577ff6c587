"""The networks train."""

from typing import Any

import numpy as np
import pytest

from dlrs import applications, optimizers

TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("LeNet5", {"classes": 3}),
    ("LeNet5", {"classes": 3, "activation": "tanh", "subsampling": "average"}),
    ("ResNetCIFAR", {"depth": 8, "classes": 3, "input_shape": (16, 16, 1)}),
    ("ResNetCIFAR", {"depth": 8, "classes": 3, "input_shape": (16, 16, 1), "shortcut": "B"}),
    ("ResNetCIFAR", {"depth": 8, "classes": 3, "input_shape": (16, 16, 1), "residual": False}),
    ("MobileNetV2", {"classes": 3, "alpha": 0.35, "input_shape": (32, 32, 1)}),
]


@pytest.mark.parametrize(("network", "arguments"), TRAINED)
def test_loss_falls_on_one_batch(network: str, arguments: dict[str, Any]) -> None:
    model = getattr(applications, network)(**arguments)
    model.compile(optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 12)
    x = (rng.standard_normal((12, *model.input_shape[1:])) * 0.1 + y[:, None, None, None]).astype("float32")
    losses = [float(model.train_on_batch(x, y)) for _ in range(15)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.7 * losses[0]
