"""Losses against their formulae in NumPy, their reductions, and what bad arguments get."""

import numpy as np
import pytest

import dlrs
from dlrs import losses, ops

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(4, 3)).astype(np.float32)
P = RNG.normal(size=(4, 3)).astype(np.float32)
LABELS = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
SOFT = np.exp(P) / np.exp(P).sum(-1, keepdims=True)
BITS = (Y > 0).astype(np.float32)
S = 1 / (1 + np.exp(-P))
SIGNS = 2 * BITS - 1
PER_SAMPLE = [
    (losses.MeanSquaredError(), Y, P, ((Y - P) ** 2).mean(-1)),
    (losses.MeanAbsoluteError(), Y, P, np.abs(Y - P).mean(-1)),
    (losses.MeanAbsolutePercentageError(), Y, P, 100 * np.abs((Y - P) / Y).mean(-1)),
    (losses.MeanSquaredLogarithmicError(), Y, P,
     ((np.log1p(np.maximum(Y, 1e-7)) - np.log1p(np.maximum(P, 1e-7))) ** 2).mean(-1)),
    (losses.CosineSimilarity(), Y, P,
     -(Y * P).sum(-1) / np.linalg.norm(Y, axis=-1) / np.linalg.norm(P, axis=-1)),
    (losses.Huber(0.7), Y, P,
     np.where(np.abs(Y - P) <= 0.7, (Y - P) ** 2 / 2, 0.7 * np.abs(Y - P) - 0.7**2 / 2).mean(-1)),
    (losses.LogCosh(), Y, P, np.log(np.cosh(P - Y)).mean(-1)),
    (losses.Hinge(), SIGNS, P, np.maximum(1 - SIGNS * P, 0).mean(-1)),
    (losses.Hinge(), BITS, P, np.maximum(1 - SIGNS * P, 0).mean(-1)),
    (losses.SquaredHinge(), BITS, P, (np.maximum(1 - SIGNS * P, 0) ** 2).mean(-1)),
    (losses.CategoricalHinge(), ONE_HOT, P,
     np.maximum(((1 - ONE_HOT) * P).max(-1) - (ONE_HOT * P).sum(-1) + 1, 0)),
    (losses.KLDivergence(), SOFT[::-1], SOFT, (SOFT[::-1] * np.log(SOFT[::-1] / SOFT)).sum(-1)),
    (losses.Poisson(), BITS, SOFT, (SOFT - BITS * np.log(SOFT + 1e-7)).mean(-1)),
    (losses.BinaryCrossentropy(), BITS, S, -(BITS * np.log(S) + (1 - BITS) * np.log(1 - S)).mean(-1)),
    (losses.BinaryCrossentropy(from_logits=True), BITS, P, -(BITS * np.log(S) + (1 - BITS) * np.log(1 - S)).mean(-1)),
    (losses.BinaryCrossentropy(label_smoothing=0.2), BITS, S,
     -((0.8 * BITS + 0.1) * np.log(S) + (0.9 - 0.8 * BITS) * np.log(1 - S)).mean(-1)),
    (losses.BinaryFocalCrossentropy(apply_class_balancing=True), BITS, S,
     -np.where(BITS == 1, 0.25 * (1 - S) ** 2 * np.log(S), 0.75 * S**2 * np.log(1 - S)).mean(-1)),
    (losses.CategoricalCrossentropy(), ONE_HOT, SOFT, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.CategoricalCrossentropy(), ONE_HOT, 3 * SOFT, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.CategoricalCrossentropy(from_logits=True), ONE_HOT, P, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3), ONE_HOT, P,
     -((0.7 * ONE_HOT + 0.1) * np.log(SOFT)).sum(-1)),
    (losses.CategoricalFocalCrossentropy(), ONE_HOT, SOFT,
     -(0.25 * (1 - SOFT) ** 2 * ONE_HOT * np.log(SOFT)).sum(-1)),
    (losses.SparseCategoricalCrossentropy(), LABELS, SOFT, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS, P, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS[:, None], P, -np.log(SOFT[np.arange(4), LABELS])),
    (losses.SparseCategoricalCrossentropy(), LABELS.astype(np.float32), SOFT, -np.log(SOFT[np.arange(4), LABELS])),
]  # fmt: skip
IDS = [f"{i}-{case[0].name}" for i, case in enumerate(PER_SAMPLE)]


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "expected"), PER_SAMPLE, ids=IDS)
def test_values(loss: losses.Loss, y_true, y_pred, expected) -> None:
    assert loss(y_true, y_pred).item() == pytest.approx(expected.mean(), rel=2e-5)
    weights = np.float32([1, 0, 2, 0.5])
    assert loss(y_true, y_pred, weights).item() == pytest.approx((expected * weights).mean(), rel=2e-5)
    assert loss(y_true, y_pred, weights[:, None]).item() == pytest.approx((expected * weights).mean(), rel=2e-5)
    for reduction, figure in (
        ("sum", expected.sum()),
        ("mean", expected.mean()),
        ("none", expected),
        (None, expected),
    ):
        loss.reduction = reduction
        np.testing.assert_allclose(loss(y_true, y_pred).numpy(), figure, rtol=2e-5, atol=1e-6)
    loss.reduction = "mean_with_sample_weight"
    assert loss(y_true, y_pred, weights).item() == pytest.approx((expected * weights).sum() / 3.5, rel=2e-5)
    loss.reduction = "sum_over_batch_size"


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "expected"), PER_SAMPLE, ids=IDS)
def test_eager_recorded_and_compiled_agree(loss: losses.Loss, y_true, y_pred, expected) -> None:
    x = ops.array(y_pred)
    eager = loss(y_true, x).numpy()
    value, slope = dlrs.value_and_grad(lambda x: loss(y_true, x))(x)
    compiled_value, compiled_slope = dlrs.function(dlrs.value_and_grad(lambda x: loss(y_true, x)))(x)
    assert eager.tobytes() == value.numpy().tobytes() == compiled_value.numpy().tobytes()
    np.testing.assert_allclose(compiled_slope.numpy(), slope.numpy(), rtol=1e-6, atol=1e-8)


def test_float64() -> None:
    loss = losses.MeanSquaredError(dtype="float64")
    assert loss([1.0], [2.0]).dtype == "float64"
    assert loss.dtype == "float64"


def test_ignored_class() -> None:
    labels = np.array([0, -1, 1, -1])
    for from_logits, pred in ((True, P), (False, SOFT)):
        loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=-1)
        expected = -np.log(SOFT[[0, 2], [0, 1]]).mean()
        assert loss(labels, pred).item() == pytest.approx(expected, rel=1e-5)
    none = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=7)(np.full(4, 7), P)
    assert none.item() == 0


def test_targets_and_predictions_that_differ_by_a_last_axis_of_one() -> None:
    """(n,) against (n, 1) is compared element by element, never broadcast to (n, n)."""
    a, b = np.float32([1, 2, 3]), np.float32([2, 2, 5])
    for loss in (losses.MeanSquaredError(), losses.MeanAbsoluteError()):
        flat = loss(a, b).item()
        assert loss(a[:, None], b).item() == loss(a, b[:, None]).item() == loss(a[:, None], b[:, None]).item()
        assert loss(a[:, None], b).item() == pytest.approx(flat)


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.mean_squared_error(np.zeros((3, 2)), np.zeros((3, 4))),
        lambda: losses.MeanSquaredError()(np.zeros((3, 1)), np.zeros((3, 4))),
        lambda: losses.binary_crossentropy(np.zeros((4,)), np.zeros((3,))),
        lambda: losses.categorical_crossentropy(LABELS, SOFT),
        lambda: losses.categorical_crossentropy(np.zeros((4, 1)), np.zeros((4, 1))),
        lambda: losses.sparse_categorical_crossentropy(ONE_HOT, SOFT),
        lambda: losses.MeanSquaredError()(Y, P, np.ones(3)),
        lambda: losses.BinaryCrossentropy(label_smoothing=2.0)(BITS, S),
        lambda: losses.MeanSquaredError(reduction="average"),
        lambda: losses.get("men_squared_error"),
        lambda: losses.get(3),
        lambda: losses.Huber(name=3),
    ],
)
def test_bad_arguments(call) -> None:
    with pytest.raises(ValueError):
        call()


def test_messages_show_shapes_and_near_names() -> None:
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(3, 4\)"):
        losses.mean_squared_error(np.zeros((3, 2)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="'mean_squared_error'"):
        losses.get("men_squared_error")


@pytest.mark.parametrize("name", [n for n in losses.__all__ if n[0].isupper() and not n.startswith("Loss")])
def test_configurations_round_trip(name: str) -> None:
    first = losses.get(name)
    data = losses.serialize(first)
    assert data["class_name"] == name
    assert losses.serialize(losses.deserialize(data)) == data


def test_identifiers() -> None:
    assert losses.get("mse") is losses.get("MSE") is losses.mean_squared_error
    assert losses.get(None) is None
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.serialize(losses.mean_squared_error) == "mean_squared_error"


def test_own_loss() -> None:
    class Cubed(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)

    loss = Cubed(reduction="sum")
    assert loss(Y, P).item() == pytest.approx((np.abs(Y - P) ** 3).mean(-1).sum(), rel=1e-5)
    assert loss.get_config() == {"name": "cubed", "reduction": "sum"} or loss.name.startswith("cubed")


def test_extreme_logits_are_finite() -> None:
    logits = np.float32([[1e4, -1e4], [-1e4, 1e4]])
    for loss, target in (
        (losses.BinaryCrossentropy(from_logits=True), np.float32([[0, 1], [1, 0]])),
        (losses.CategoricalCrossentropy(from_logits=True), np.float32([[0, 1], [1, 0]])),
        (losses.SparseCategoricalCrossentropy(from_logits=True), np.array([1, 0])),
    ):
        value, slope = dlrs.value_and_grad(lambda x, loss=loss, target=target: loss(target, x))(ops.array(logits))
        assert np.isfinite(value.item())
        assert value.item() > 1e3
        assert np.isfinite(slope.numpy()).all()


def test_own_functions_are_not_broadcast() -> None:
    def squared(y_true, y_pred):
        return (y_true - y_pred) ** 2

    loss = losses.LossFunctionWrapper(squared)
    assert loss(np.zeros(3), np.zeros((3, 1))).item() == 0
    loss.reduction = None
    assert loss(np.zeros(3), np.ones((3, 1))).shape == (3, 1)


def test_wrapped_functions_round_trip() -> None:
    loss = losses.LossFunctionWrapper(losses.huber, delta=0.5, name="half", dtype="float64")
    again = losses.deserialize(losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert again(Y, P).dtype == "float64"
    assert again(Y, P).item() == loss(Y, P).item()
    assert losses.Huber(0.5, dtype="float64").get_config()["dtype"] == "float64"


def test_placeholders() -> None:
    """Losses describe functional models too; sizes that are open stay open."""
    target, output = dlrs.KerasTensor((None, 3)), dlrs.KerasTensor((None, 3))
    for name in ("mean_squared_error", "binary_crossentropy", "kl_divergence", "log_cosh", "cosine_similarity"):
        assert getattr(losses, name)(target, output).shape == (None,), name
    with pytest.raises(ValueError, match="same shape"):
        losses.mean_squared_error(target, dlrs.KerasTensor((None, 4)))
