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


def test_googlenet_trains_with_its_auxiliary_heads() -> None:
    """At 64 pixels module 4a leaves 4×4, too little for the heads; 80 is the least that serves."""
    model = applications.GoogLeNet(classes=3, auxiliary=True, input_shape=(80, 80, 3))
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizers.Adam(1e-4), [loss, loss, loss], loss_weights=[1.0, 0.3, 0.3])
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 2, 0])
    x = rng.standard_normal((4, 80, 80, 3)).astype("float32")
    before = [w.copy() for w in model.get_weights()]
    history = model.fit(x, [y, y, y], batch_size=4, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert np.mean(changed) > 0.9
