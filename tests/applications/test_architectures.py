"""Parameter counts are the papers' or Keras's to the unit; names, shapes and order of weights are Keras's."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dlrs import Model, applications
from dlrs.backend import clear_session

PAGE = Path(__file__).parents[2] / "docs" / "applications.md"
RECORDED = json.loads((Path(__file__).parent / "keras_architectures.json").read_text())

# Trainable parameters, where a paper or its reference implementation states or implies them.
TRAINABLE: list[tuple[str, dict[str, Any], int]] = [
    ("LeNet5", {}, 61_706),
    ("AlexNet", {}, 60_965_224),
    ("GoogLeNet", {}, 6_998_552),
    ("GoogLeNet", {"auxiliary": True}, 13_378_280),
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


def test_the_page_counts_as_the_tests_do() -> None:
    """Every network stands on the page; where Keras has it, with its total less the moving statistics."""
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE)
    page = {name: int(count.replace(",", "")) for name, count in rows}
    networks = {name for name in applications.__all__ if callable(getattr(applications, name))}
    assert set(page) == networks - {"ResNetCIFAR"}
    stated = {name: count for name, arguments, count in TRAINABLE if not arguments}
    assert {name: page[name] for name in stated} == stated
    totals = {case["network"]: case["model"]["count"] for case in RECORDED if not case["arguments"]}
    assert set(page) == set(stated) | set(totals)
    for name in ("ResNet50", "InceptionV3", "MobileNet", "MobileNetV2", "EfficientNetB0", "NASNetMobile", "Xception"):
        model = getattr(applications, name)()
        assert page[name] == totals[name] - sum(w.numpy().size for w in model.non_trainable_weights)


def test_depth_counts_weighted_layers() -> None:
    """6n + 2 for CIFAR; the projections of option B do not count."""
    for depth in (20, 32):
        model = applications.ResNetCIFAR(depth, residual=False)
        assert sum(type(layer).__name__ in ("Conv2D", "Dense") for layer in model.layers) == depth


def test_alexnet_convolves_in_two_groups_as_published() -> None:
    model = applications.AlexNet()
    groups = {layer.name: layer.groups for layer in model.layers if layer.name.startswith("conv")}
    assert groups == {"conv1": 1, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert shapes["conv1"] == (55, 55, 96)
    assert shapes["pool5"] == (6, 6, 256)


def test_googlenet_has_the_sizes_of_its_table() -> None:
    model = applications.GoogLeNet(auxiliary=True)
    assert [tuple(x.shape) for x in model.outputs] == [(None, 1000)] * 3
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert shapes["inception_3a_output"] == (28, 28, 256)
    assert shapes["inception_4e_output"] == (14, 14, 832)
    assert shapes["inception_5b_output"] == (7, 7, 1024)
    assert shapes["loss1_ave_pool"] == (4, 4, 512)
    main = Model(model.input, model.outputs[0])
    assert main.count_params() == 6_998_552
