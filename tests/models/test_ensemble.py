"""Ensembles: what they return, by NumPy; and that they are models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import Input, Sequential, layers, models
from dlrs.models import Ensemble

X = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")


def members(activation: str | None = None, classes: int = 3) -> list[Any]:
    return [Sequential([Input((4,)), layers.Dense(classes, activation=activation)]) for _ in range(3)]


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("weights", [None, [1, 2, 3]])
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_combinations(weights: Any, activation: str | None) -> None:
    ensemble = {
        combination: Ensemble(members_, combination, weights, from_logits=activation is None)
        for members_ in [members(activation)]
        for combination in ("probabilities", "logits", "vote")
    }
    outputs = [np.asarray(model(X), "float64") for model in ensemble["vote"].models]
    logits = outputs if activation is None else [np.log(p) for p in outputs]
    shares = np.ones(3) / 3 if weights is None else np.asarray(weights) / 6
    expected = {
        "probabilities": sum(s * softmax(z) for s, z in zip(shares, logits, strict=True)),
        "logits": softmax(sum(s * z for s, z in zip(shares, logits, strict=True))),
        "vote": sum(s * np.eye(3)[z.argmax(-1)] for s, z in zip(shares, logits, strict=True)),
    }
    for combination, model in ensemble.items():
        for answer in (model(X), model.predict(X, verbose=0)):
            np.testing.assert_allclose(answer, expected[combination], rtol=1e-5, atol=1e-6, err_msg=combination)


def test_positional_arguments_make_no_graph() -> None:
    ensemble = Ensemble(members("softmax"), "vote", None)
    assert type(ensemble) is Ensemble
    assert len(ensemble._flatten_layers()) >= 3


def test_an_ensemble_beats_its_members_on_average() -> None:
    """Jensen: the cross-entropy of mean probabilities is at most the mean of the members' cross-entropies."""
    y = np.array([0, 1, 2, 0, 1, 2])
    loss = "sparse_categorical_crossentropy"
    each = members("softmax")
    for model in (*each, ensemble := Ensemble(each)):
        model.compile("sgd", loss)
    losses = [model.evaluate(X, y, verbose=0) for model in each]
    assert ensemble.evaluate(X, y, verbose=0) <= np.mean(losses)


def test_an_ensemble_is_trained_saved_and_used_symbolically(tmp_path: Path) -> None:
    ensemble = Ensemble(members("softmax"), weights=[1, 1, 2])
    before = ensemble.get_weights()
    ensemble.compile("adam", "sparse_categorical_crossentropy")
    ensemble.fit(X, np.zeros(6, int), verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, ensemble.get_weights(), strict=True))
    ensemble.save(tmp_path / "e.dlrs")
    loaded = models.load_model(tmp_path / "e.dlrs")
    np.testing.assert_array_equal(loaded(X), ensemble(X))
    assert loaded.member_weights == [0.25, 0.25, 0.5]
    assert ensemble(Input((4,))).shape == (None, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "at least one model"),
        ({"models": [layers.Dense(3)]}, "at least one model"),
        ({"combination": "median"}, "`combination`"),
        ({"weights": [1.0]}, "3 numbers"),
        ({"weights": [1.0, -1.0, 1.0]}, "none negative"),
        ({"weights": [0.0, 0.0, 0.0]}, "not all zero"),
        ({"weights": [1.0, 1.0, float("nan")]}, "3 numbers"),
        ({"weights": "abc"}, "3 numbers"),
        ({"from_logits": 1}, "True or False"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ensemble(**{"models": members(), **arguments})


def test_members_with_different_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        Ensemble([*members(), *members(classes=2)])(X)
