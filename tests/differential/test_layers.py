"""Every layer agrees with Keras on JAX: outputs, losses, updates of its state, gradients by inputs and weights.

Weights are the same, sizes of axes drawn. Values agree to 1e-5 of the largest of a tensor, in float32.
"""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np
import pytest

from dlrs import layers, ops
from dlrs.backend import GradientTape, Variable, clear_session
from harness.keras_on_jax import TRIALS, assert_close, draws, jax, keras
from harness.layer_cases import CASES, Case

# Bases, and what Keras does not have.
NO_CASE = {
    *("Input", "InputLayer", "InputSpec", "Layer", "Wrapper"),
    # Of text, or of boxes; Keras's own tests run on them.
    *("HashedCrossing", "Hashing", "IntegerLookup", "MaxNumBoundingBoxes", "StringLookup", "TextVectorization"),
    *("PositionEmbedding", "SinePositionEncoding", "TokenAndPositionEmbedding"),  # of KerasHub
    *("CachedMultiHeadAttention", "TransformerDecoder", "TransformerEncoder"),  # likewise
    *("LocalResponseNormalization", "MFCC", "PeepholeLSTMCell", "RandomPCAColor", "SimpleGRUCell"),
}
PARAMETERS = [
    pytest.param(name, case, training, id=f"{name}-{i}-{'training' if training else 'inference'}")
    for name, cases in CASES.items()
    for i, case in enumerate(cases)
    for training in case.training
]


def test_every_layer_has_a_case() -> None:
    exported = {cls.__name__ for cls in map(vars(layers).get, layers.__all__) if isinstance(cls, type)}
    assert exported - NO_CASE == set(CASES)


def drawn_weights(layer: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Values for the weights of `layer`: positive for those not trained, which may be variances."""
    trained = {id(v) for v in layer.trainable_weights}
    drawn = []
    for variable in layer.weights:
        value = rng.normal(0, 0.5, variable.shape) if id(variable) in trained else rng.uniform(0.5, 1.5, variable.shape)
        kind = str(variable.dtype)
        drawn.append(value.astype(kind) if kind.startswith("float") else np.asarray(variable))
    return drawn


def key_of(variable: Any, variables: Sequence[Any]) -> str:
    """What the same variable of both libraries is called: its name, with as much of its path as tells it apart."""
    parts = variable.path.split("/")
    ends = ["/".join(parts[-n:]) for n in range(1, len(parts) + 1)]
    return next(end for end in ends if sum(f"/{v.path}".endswith(f"/{end}") for v in variables) == 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case", "training"), PARAMETERS)
def test_layers(name: str, case: Case, training: bool) -> None:
    for trial in range(TRIALS):
        rng = draws(name, training, trial)
        compare(case, training, case.inputs(rng), rng)


def compare(case: Case, training: bool, inputs: list[np.ndarray], rng: np.random.Generator) -> None:
    clear_session()  # the names of cells end in a count, which tests before this one have moved
    keras.utils.clear_session()
    ours, theirs = case.make(layers), case.make(keras.layers)
    kwargs: dict[str, Any] = {"training": training} if "training" in signature(theirs.call).parameters else {}
    kwargs |= case.options
    if case.mask is not None:
        shape = inputs[0].shape[: inputs[0].ndim - case.mask]
        kwargs["mask"] = rng.random(shape) < 0.7
        kwargs["mask"].reshape(-1)[0] = True
    given = case.arguments(inputs)
    if case.adapt:
        case.adapt(ours, inputs[0])
        case.adapt(theirs, inputs[0])
    ours(*given, **kwargs)
    theirs(*given, **kwargs)
    others = {key_of(v, theirs.weights): v for v in theirs.weights}
    assert sorted(key_of(v, ours.weights) for v in ours.weights) == sorted(others)
    before = ours.get_weights() if case.adapt else drawn_weights(ours, rng)

    def put_back() -> None:
        ours.set_weights(before)
        for variable, value in zip(ours.weights, before, strict=True):
            others[key_of(variable, ours.weights)].assign(value)

    if case.adapt:
        for variable in ours.weights:
            assert_close(variable.numpy(), others[key_of(variable, ours.weights)].value, case.tolerance, variable.path)
    put_back()

    output, expected = ours(*given, **kwargs), np.asarray(theirs(*given, **kwargs))
    assert_close(output, expected, case.tolerance, "output")
    assert_close(np.float32(sum(map(float, ours.losses))), np.float32(sum(map(float, theirs.losses))), what="losses")
    for variable in ours.weights:
        assert_close(variable.numpy(), others[key_of(variable, ours.weights)].value, case.tolerance, variable.path)
    put_back()
    if case.gradients and expected.dtype.kind == "f":
        compare_gradients(case, ours, theirs, inputs, kwargs, rng.normal(size=expected.shape).astype("float32"))


def compare_gradients(
    case: Case, ours: Any, theirs: Any, inputs: list[np.ndarray], kwargs: dict[str, Any], slope: np.ndarray
) -> None:
    """Compare the gradients of the sum of the outputs times `slope`."""
    sources = [*ours.trainable_weights]
    places: list[Any] = list(inputs)
    if not case.ids:
        places = [Variable(x) for x in inputs]
        sources += places
    with GradientTape() as tape:
        output = ours(*case.arguments(places), **kwargs)
        loss = ops.sum(output * slope)
    gradients = tape.gradient(loss, sources) if sources else []

    def value(trained: list[Any], xs: list[Any]) -> Any:
        state = [v.value for v in theirs.non_trainable_variables]
        outputs, _ = theirs.stateless_call(trained, state, *case.arguments(xs), **kwargs)
        return (outputs * slope).sum()

    trained = [v.value for v in theirs.trainable_variables]
    expected = jax.grad(value, argnums=(0,) if case.ids else (0, 1))(trained, inputs)
    by_name = dict(zip((key_of(v, theirs.weights) for v in theirs.trainable_variables), expected[0], strict=True))
    flat = [by_name[key_of(v, ours.weights)] for v in ours.trainable_weights] + ([] if case.ids else expected[1])
    largest = max((np.abs(np.asarray(wanted)).max(initial=0) for wanted in flat), default=0)
    for source, gradient, wanted in zip(sources, gradients, flat, strict=True):
        if source.path.endswith(case.without_effect):
            assert np.abs(np.asarray(gradient)).max() <= case.tolerance * largest
            continue
        found = np.zeros(source.shape, "float32") if gradient is None else np.asarray(gradient)
        assert_close(found, wanted, case.tolerance, f"gradient by {source.name} {source.shape}")
