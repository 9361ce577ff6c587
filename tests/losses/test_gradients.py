"""Gradients of every loss against central differences in float64."""

import numpy as np
import pytest

import dlrs
from dlrs import losses, ops

RNG = np.random.default_rng(1)
Y = RNG.normal(size=(4, 3))
P = Y + RNG.uniform(0.2, 1.3, (4, 3)) * np.sign(RNG.normal(size=(4, 3)))
LABELS = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[LABELS]
BITS = (Y > 0).astype(float)
SIGNS = 2 * BITS - 1
UNIT = RNG.uniform(0.1, 0.9, (4, 3))
SOFT = UNIT / UNIT.sum(-1, keepdims=True)
DIRECTIONS = P / np.linalg.norm(P, axis=-1, keepdims=True)
SPHERE = np.array([[0.6, 0.8], [0.8, 0.6], [-0.28, 0.96], [0.96, -0.28]])

# Every loss, by class name: (targets, predictions, arguments).
ROWS = {
    "BinaryCrossentropy": [
        (BITS, UNIT, {}),
        (BITS, P, {"from_logits": True, "label_smoothing": 0.2}),
        (UNIT, UNIT.T.reshape(4, 3), {"axis": 0}),
    ],
    "BinaryFocalCrossentropy": [
        (BITS, UNIT, {}),
        (BITS, P, {"from_logits": True, "gamma": 1.5, "apply_class_balancing": True}),
    ],
    "CTC": [
        (np.array([[1, 2], [1, 1], [2, 0], [0, 0]]), RNG.normal(size=(4, 5, 3)), {}),
        (np.array([[1, 2, 2, 1]]), RNG.normal(size=(1, 5, 3)), {}),
    ],
    "CategoricalCrossentropy": [
        (ONE_HOT, SOFT, {}),
        (ONE_HOT, P, {"from_logits": True, "label_smoothing": 0.1}),
        (UNIT, P, {"from_logits": True, "axis": 0}),
    ],
    "CategoricalFocalCrossentropy": [(ONE_HOT, SOFT, {}), (ONE_HOT, P, {"from_logits": True, "gamma": 1.5})],
    "CategoricalGeneralizedCrossEntropy": [(LABELS, SOFT, {}), (LABELS[:, None], UNIT, {"q": 0.9})],
    "CategoricalHinge": [(ONE_HOT, UNIT, {})],
    "Circle": [
        (LABELS, DIRECTIONS, {"gamma": 2.0}),
        (np.array([0, 0, 1, 1]), SPHERE, {"gamma": 8.0, "margin": 0.25}),
        (np.array([0, 0, 1, 1]), 0.9 * SPHERE[::-1], {"gamma": 1.0, "remove_diagonal": False}),
    ],
    "CosineSimilarity": [(Y, P, {}), (Y, P, {"axis": 0})],
    "Dice": [(BITS, UNIT, {}), (BITS, UNIT, {"axis": (1,)})],
    "Hinge": [(SIGNS, 0.7 * UNIT, {}), (BITS, P, {})],
    "Huber": [(Y, P, {}), (Y, P, {"delta": 0.5})],
    "KLDivergence": [(SOFT[::-1], SOFT, {})],
    "LogCosh": [(Y, P, {})],
    "MeanAbsoluteError": [(Y, P, {})],
    "MeanAbsolutePercentageError": [(Y, P, {})],
    "MeanSquaredError": [(Y, P, {})],
    "MeanSquaredLogarithmicError": [(np.abs(Y), np.abs(P), {})],
    "Poisson": [(BITS, UNIT, {})],
    "SparseCategoricalCrossentropy": [
        (LABELS, SOFT, {}),
        (LABELS[:, None], P, {"from_logits": True}),
        (LABELS, P, {"from_logits": True, "ignore_class": 2}),
        (np.array([0, 3, 1]), SOFT, {"axis": 0}),
    ],
    "SquaredHinge": [(SIGNS, 0.7 * UNIT, {}), (BITS, P, {})],
    "Tversky": [(BITS, UNIT, {"alpha": 0.3, "beta": 0.6}), (BITS, UNIT, {"axis": 1})],
}
CLASSES = [
    name
    for name in losses.__all__
    if isinstance(getattr(losses, name), type) and name not in ("Loss", "LossFunctionWrapper")
]


def test_every_loss_has_rows() -> None:
    assert sorted(ROWS) == sorted(CLASSES)


def numeric_gradient(f, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Central differences of the scalar function `f`, of fourth order."""
    slopes = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        values = []
        for factor in (-2, -1, 1, 2):
            moved = x.copy()
            moved[i] += factor * step
            values.append(f(moved))
        slopes[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return slopes


@pytest.mark.parametrize(("name", "i"), [(name, i) for name, rows in ROWS.items() for i in range(len(rows))])
def test_gradients_of_predictions(name: str, i: int) -> None:
    y_true, y_pred, arguments = ROWS[name][i]
    loss = getattr(losses, name)(**arguments, dtype="float64")
    for reduction in ("sum_over_batch_size", "sum"):
        loss.reduction = reduction
        value, slope = dlrs.value_and_grad(lambda x: loss(y_true, x))(ops.array(y_pred))
        assert value.dtype == slope.dtype == "float64"
        expected = numeric_gradient(lambda x: loss(y_true, x).item(), y_pred)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_eager_recorded_and_compiled_agree(name: str) -> None:
    y_true, y_pred, arguments = ROWS[name][0]
    loss = getattr(losses, name)(**arguments)
    x = ops.array(np.float32(y_pred))
    eager = loss(y_true, x).numpy()
    value, slope = dlrs.value_and_grad(lambda x: loss(y_true, x))(x)
    compiled_value, compiled_slope = dlrs.function(dlrs.value_and_grad(lambda x: loss(y_true, x)))(x)
    assert eager.tobytes() == value.numpy().tobytes() == compiled_value.numpy().tobytes()
    np.testing.assert_allclose(compiled_slope.numpy(), slope.numpy(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_targets_of_another_shape_are_refused(name: str) -> None:
    y_true, y_pred, arguments = ROWS[name][0]
    loss = getattr(losses, name)(**arguments)
    for bad in (y_true[:1], y_true[:3], np.stack([y_true, y_true])):
        with pytest.raises(ValueError, match="shape"):
            loss(bad, y_pred)


def test_a_probability_that_vanished_has_a_finite_slope() -> None:
    loss = losses.CategoricalGeneralizedCrossEntropy()
    value, slope = dlrs.value_and_grad(lambda x: loss([0], x))(ops.array([[0.0, 1.0]]))
    assert value.item() == pytest.approx(2.0)
    assert np.isfinite(slope.numpy()).all()


def test_circle_without_pairs_is_zero() -> None:
    """Neither a lone class nor a single class is compared with anything; slopes stay finite."""
    for labels in ([0, 1, 1], [1, 1, 1]):
        x = ops.array(DIRECTIONS[:3], "float32")
        value, slope = dlrs.value_and_grad(lambda x, labels=labels: losses.Circle()(labels, x))(x)
        assert np.isfinite(value.item())
        assert np.isfinite(slope.numpy()).all()
