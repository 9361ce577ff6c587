"""Measures of overlap against a scalar twin, their gradients against central differences, and their losses."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlrs
from dlrs import Input, Sequential, layers, ops
from dlrs.saving import deserialize_keras_object, serialize_keras_object
from dlrs.vision import boxes

RNG = np.random.default_rng(0)
NAMES = ("iou", "giou", "diou", "ciou")


def twin(name: str, a: Any, b: Any) -> float:
    """The measure of two boxes, from the papers."""
    (l1, t1, r1, b1), (l2, t2, r2, b2) = ([x0, y0, max(x0, x1), max(y0, y1)] for x0, y0, x1, y1 in (a, b))
    shared = max(min(r1, r2) - max(l1, l2), 0) * max(min(b1, b2) - max(t1, t2), 0)
    covered = (r1 - l1) * (b1 - t1) + (r2 - l2) * (b2 - t2) - shared
    iou = shared / covered if covered > 0 else 0.0
    width, height = max(r1, r2) - min(l1, l2), max(b1, b2) - min(t1, t2)
    if name == "iou":
        return iou
    if name == "giou":
        return iou - (width * height - covered) / (width * height) if width * height > 0 else iou
    squared = ((l1 + r1 - l2 - r2) ** 2 + (t1 + b1 - t2 - b2) ** 2) / 4
    diou = iou - squared / (width**2 + height**2) if width**2 + height**2 > 0 else iou
    if name == "diou":
        return diou
    v = 4 / math.pi**2 * (math.atan2(r2 - l2, b2 - t2) - math.atan2(r1 - l1, b1 - t1)) ** 2
    return diou - v * v / (1 - iou + v) if v > 0 else diou


def random_boxes(n: int, dtype: str = "float64") -> Any:
    corner = RNG.uniform(0, 10, (n, 2))
    return np.concatenate([corner, corner + RNG.uniform(0.5, 6, (n, 2))], axis=1).astype(dtype)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
def test_partners_and_pairs(name: str, dtype: str, tolerance: float) -> None:
    first, second = random_boxes(40, dtype), random_boxes(40, dtype)
    wanted = [twin(name, *pair) for pair in zip(first.tolist(), second.tolist(), strict=True)]
    got = getattr(boxes, name)(first, second)
    assert got.dtype == dtype and got.shape == (40,)
    np.testing.assert_allclose(got.numpy(), wanted, atol=tolerance)
    pairs = getattr(boxes, f"pairwise_{name}")(first, ops.convert_to_tensor(second[:7]))
    assert pairs.dtype == dtype
    table = [[twin(name, a, b) for b in second[:7].tolist()] for a in first.tolist()]
    np.testing.assert_allclose(pairs.numpy(), table, atol=tolerance)
    batched = getattr(boxes, f"pairwise_{name}")(first.reshape(4, 10, 4), second[:7]).numpy()
    np.testing.assert_array_equal(batched.reshape(40, 7), pairs.numpy())


@pytest.mark.parametrize("width", [1e-44, 1e-30, 1e-12, 1.0, 1e12, 1e30, 1e38])
@pytest.mark.parametrize("height", [1e-44, 1e-30, 1.0, 1e30, 1e38])
def test_singles_of_any_size(width: float, height: float) -> None:
    """Areas of 1e60 and 1e-60, and squares of diagonals, are no numbers of float32."""
    first, second = ((random_boxes(20) / 10 * [width, height, width, height]).astype("float32") for _ in range(2))
    first[0], second[1, 2:] = second[0], second[1, :2]
    for name in NAMES:
        wanted = [twin(name, *pair) for pair in zip(first.tolist(), second.tolist(), strict=True)]
        got = getattr(boxes, name)(first, second)
        assert got.dtype == "float32"
        np.testing.assert_allclose(got.numpy(), wanted, atol=1e-6, err_msg=name)
        pairs = getattr(boxes, f"pairwise_{name}")(first, second).numpy()
        np.testing.assert_array_equal(np.diag(pairs), got.numpy())
        compiled = dlrs.function(getattr(boxes, name))(ops.convert_to_tensor(first), ops.convert_to_tensor(second))
        np.testing.assert_array_equal(compiled.numpy(), got.numpy())
        if 1e-30 <= width <= 1e30 and 1e-30 <= height <= 1e30:
            loss = getattr(boxes, f"{name}_loss")
            slopes = dlrs.grad(lambda x: ops.sum(loss(first, x)))(ops.convert_to_tensor(second))  # noqa: B023
            assert slopes.dtype == "float32" and np.isfinite(slopes.numpy()).all()


def test_doubles_of_any_size_and_far_apart() -> None:
    first, second = random_boxes(20), random_boxes(20)
    for name in NAMES:
        wanted = getattr(boxes, name)(first, second).numpy()
        for power in (-1000, -400, 400, 1000):
            scaled = (first * 2.0**power, second * 2.0**power)
            np.testing.assert_allclose(getattr(boxes, name)(*scaled).numpy(), wanted, rtol=1e-13, err_msg=name)
    tiny, far = np.array([[0, 0, 1e-30, 1e-30]], "float32"), np.array([[1e30, 1e30, 2e30, 2e30]], "float32")
    for name, wanted in (("iou", 0), ("giou", -0.75), ("diou", -2 * 1.5**2 / 8), ("ciou", -2 * 1.5**2 / 8)):
        assert float(getattr(boxes, name)(tiny, far)[0]) == pytest.approx(wanted, abs=1e-6)


numbers = st.integers(-3, 3).map(float)


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[numbers] * 4), st.tuples(*[numbers] * 4))
def test_boxes_without_area_and_inverted_ones(first: Any, second: Any) -> None:
    for name in NAMES:
        got = float(getattr(boxes, name)(np.array(first), np.array(second)))
        assert abs(got - twin(name, first, second)) < 1e-12
        assert -1.5 < got <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_center_xywh"])
def test_formats(name: str, form: str) -> None:
    first, second = random_boxes(9), random_boxes(9)
    given = [boxes.convert(x, "xyxy", form, 20, 30) for x in (first, second)]
    assert all(x.dtype == "float64" for x in given)
    measure = getattr(boxes, name)
    shape = (20, 30, 3)
    np.testing.assert_allclose(measure(*given, form, shape).numpy(), measure(first, second).numpy(), atol=1e-12)
    np.testing.assert_allclose(boxes.convert(given[0], form, "xyxy", 20, 30).numpy(), first, atol=1e-12)


def differences(function: Any, x: Any, step: float = 1e-6) -> Any:
    slopes = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(float(function(moved)))
        slopes[place] = (ends[0] - ends[1]) / (2 * step)
    return slopes


@pytest.mark.parametrize("name", ["iou", "giou", "diou"])
def test_gradients(name: str) -> None:
    first, second = random_boxes(6), random_boxes(6)
    loss = getattr(boxes, f"{name}_loss")
    got = dlrs.grad(lambda x: ops.sum(loss(first, x)))(ops.convert_to_tensor(second))
    np.testing.assert_allclose(got.numpy(), differences(lambda x: ops.sum(loss(first, x)), second), atol=1e-6)


def test_gradient_of_ciou_holds_its_weight() -> None:
    first, second = random_boxes(6), random_boxes(6)
    gaps = [boxes.diou(first, second).numpy() - boxes.ciou(first, second).numpy(), 1 - boxes.iou(first, second).numpy()]
    # αv = v² / (1 - iou + v), solved for v.
    v = (gaps[0] + np.sqrt(gaps[0] ** 2 + 4 * gaps[0] * gaps[1])) / 2
    weight = v / (gaps[1] + v)

    def held(x: Any) -> Any:
        sizes = [(b[:, 2:] - b[:, :2]) for b in (first, x)]
        angles = [np.arctan(size[:, 0] / size[:, 1]) for size in sizes]
        return (1 - boxes.diou(first, x).numpy() + weight * 4 / np.pi**2 * (angles[1] - angles[0]) ** 2).sum()

    got = dlrs.grad(lambda x: ops.sum(boxes.ciou_loss(first, x)))(ops.convert_to_tensor(second))
    np.testing.assert_allclose(got.numpy(), differences(held, second), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_degenerate_boxes_are_finite(name: str) -> None:
    odd = np.array([[1, 1, 1, 1], [1, 1, 4, 1], [1, 1, 1, 5], [3, 3, 1, 1], [0, 0, 2, 2]], dtype="float32")
    for other in (odd, np.array([[0, 0, 2, 2]], "float32")):
        gradient = dlrs.grad(lambda x, y=other: ops.sum(getattr(boxes, name)(y, x)))(ops.convert_to_tensor(odd))
        assert np.isfinite(gradient.numpy()).all()


@pytest.mark.parametrize("name", ["IoULoss", "GIoULoss", "DIoULoss", "CIoULoss"])
def test_a_model_learns_boxes(name: str) -> None:
    loss = getattr(boxes, name)(bounding_box_format="center_xywh")
    copy = deserialize_keras_object(serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config() and type(copy) is type(loss)
    x = RNG.uniform(1, 2, (64, 4)).astype("float32")
    y = x @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.2], [0, 0, 0.2, 1]], "float32")
    dlrs.utils.set_random_seed(0)
    model = Sequential([Input((4,)), layers.Dense(4, kernel_initializer="identity")])
    model.compile(dlrs.optimizers.Adam(0.01), loss)
    history = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.3 * history[0]
    np.testing.assert_allclose(float(loss(y, y)), 0, atol=1e-6)
    np.testing.assert_allclose(float(loss(y[:, None], x[:, None])), float(loss(y, x)), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_placeholders(name: str) -> None:
    a, b = Input((5, 4)), Input((5, 4))
    assert getattr(boxes, name)(a, b).shape == (None, 5)
    assert getattr(boxes, f"pairwise_{name}")(a, b).shape == (None, 5, 5)


def test_nan_stays() -> None:
    first = np.array([[0, 0, np.nan, 1.0]])
    assert np.isnan(boxes.giou(first, first).numpy()).all()


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("iou", (np.ones((2, 4)), np.ones((3, 4))), "boxes1"),
        ("iou", (np.ones((2, 3)), np.ones((2, 4))), "boxes1"),
        ("giou", (np.ones((2, 4)), np.ones((2, 4)), "xy"), "format"),
        ("diou", (np.ones((2, 4)), np.ones((2, 4)), "rel_xyxy"), "image_shape"),
        ("pairwise_iou", (np.ones(4), np.ones((2, 4))), r"\(n, 4\)"),
        ("pairwise_ciou", (np.ones((2, 3, 4)), np.ones((3, 3, 4))), "boxes1"),
        ("convert", (np.ones((2, 4)), "xyxy", "rel_xyxy"), "height"),
    ],
)
def test_bad_arguments(function: str, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(boxes, function)(*arguments)


def test_losses_refuse_to_broadcast() -> None:
    with pytest.raises(ValueError, match="same shape"):
        boxes.GIoULoss()(np.ones((2, 4)), np.ones((1, 4)))
