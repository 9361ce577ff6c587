"""Parameter counts are the papers' or Keras's to the unit; names, shapes and order of weights are Keras's."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from dlrs import applications
from dlrs.backend import clear_session

RECORDED = json.loads((Path(__file__).parent / "keras_architectures.json").read_text())

# Trainable parameters, where a paper or its reference implementation states or implies them.
TRAINABLE: list[tuple[str, dict[str, Any], int]] = [
    ("LeNet5", {}, 61_706),
    ("ResNet18", {}, 11_689_512),
    ("ResNet34", {}, 21_797_672),
    ("ResNet20", {}, 269_722),
    ("ResNet32", {}, 464_154),
    ("ResNet44", {}, 658_586),
    ("ResNet56", {}, 853_018),
    ("ResNet110", {}, 1_727_962),
    ("ResNet20", {"shortcut": "B"}, 272_474),
    ("ResNet20", {"residual": False}, 269_722),
]


def described(model: Any) -> dict[str, Any]:
    """What is recorded of Keras's model."""
    weights = [[w.path, list(w.shape)] for w in model.weights]
    digest = hashlib.sha256(json.dumps(weights).encode()).hexdigest()
    return {"name": model.name, "weights": digest, "count": model.count_params(), "layers": len(model.layers)}


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['network']}-{case['arguments']}")
def test_weights_are_those_of_keras(case: dict[str, Any]) -> None:
    clear_session()
    model = getattr(applications, case["network"])(**case["arguments"])
    assert described(model) == case["model"]


@pytest.mark.parametrize(("network", "arguments", "count"), TRAINABLE)
def test_trainable_parameters_are_those_of_the_papers(network: str, arguments: dict[str, Any], count: int) -> None:
    model = getattr(applications, network)(**arguments)
    assert sum(w.numpy().size for w in model.trainable_variables) == count


def test_depth_counts_weighted_layers() -> None:
    """6n + 2 for CIFAR; the projections of option B do not count."""
    for depth in (20, 32):
        model = applications.ResNetCIFAR(depth, residual=False)
        assert sum(type(layer).__name__ in ("Conv2D", "Dense") for layer in model.layers) == depth
