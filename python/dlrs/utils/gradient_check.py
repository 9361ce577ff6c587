"""Gradients of a model's loss against two-sided differences."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlrs import _dlrs, config
from dlrs.backend import DTypePolicy, GradientTape, Variable, function, is_float_dtype, tree
from dlrs.backend.checks import check_count
from dlrs.data import ArrayData, unpack_x_y_sample_weight
from dlrs.errors import TracingError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GradientCheck:
    """What `gradient_check` found. True in a condition if the gradients agree.

    Attributes:
        relative_error: the largest of `errors`.
        tolerance: up to which the gradients count as equal.
        worst: path of the variable with the largest error.
        index: its element whose gradients differ most.
        analytic, numeric: the gradient there, by the chain rule and by differences.
        errors: relative error of each variable, by path.

    >>> errors = {"dense/kernel": 0.2}
    >>> check = GradientCheck(0.2, 1e-6, "dense/kernel", (0, 1), analytic=1.5, numeric=1.0, errors=errors)
    >>> bool(check)
    False
    >>> print(check)
    Gradients differ: relative error 0.2 (tolerance 1e-06), worst in dense/kernel[0, 1]: analytic 1.5, numeric 1.
    """

    relative_error: float
    tolerance: float
    worst: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    errors: dict[str, float] = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether the gradients agree."""
        return self.relative_error <= self.tolerance

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        place = f"{self.worst}[{', '.join(map(str, self.index))}]" if self.index else self.worst
        return (
            f"{'Gradients agree' if self.passed else 'Gradients differ'}: relative error {self.relative_error:.3g} "
            f"(tolerance {self.tolerance:.3g}), worst in {place}: analytic {self.analytic:.9g}, numeric "
            f"{self.numeric:.9g}."
        )


def gradient_check(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    epsilon: float = 1e-5,
    tolerance: float = 1e-6,
    samples: int | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradients of a model's loss with two-sided differences, in float64.

    The loss is the whole one that training minimizes: that of `compile` with its weights, the regularizers and what
    layers add. The model itself stays as it is: a copy in float64 is checked. For every trained variable with gradient
    g and differences d, d_i = (J(w + e_i h) - J(w - e_i h)) / 2h with h = epsilon max(1, |w_i|), the error is
    ||g - d|| / (||g|| + ||d||), the denominator not falling below 1e-3 max(1, |J|), since a difference of losses is not
    more exact than the losses.

    Args:
        model: a compiled model.
        x: inputs, as for `fit`; a few examples will do.
        y: targets.
        sample_weight: factors of the losses.
        epsilon: the step of the differences, relative to weights above 1.
        tolerance: the largest error that counts as agreement.
        samples: how many elements of each variable to look at, drawn at random; all by default.
        seed: of that draw.

    Raises:
        ValueError: the model is not compiled or has nothing to train; a layer of it is random (Dropout and its like),
            so that its loss is not a function of its weights; unfit data; `epsilon` or `samples` not positive.

    Where a kink (ReLU, max pooling, absolute value) lies within a step of a weight, the two differ rightly: other data
    or another `epsilon` tells.

    >>> from dlrs import Sequential, layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(4, "tanh", kernel_regularizer="l2"), layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> bool(gradient_check(model, np.ones((2, 3)), np.zeros((2, 1))))
    True
    """
    if not hasattr(model, "compiled"):
        raise TypeError(f"gradient_check: `model` must be a model, got {type(model).__name__}.")
    if not model.compiled:
        raise ValueError(f"gradient_check: call `compile()` on model {model.name!r} first.")
    for name, value in (("epsilon", epsilon), ("tolerance", tolerance), ("samples", 1 if samples is None else samples)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
            raise ValueError(f"gradient_check: `{name}` must be a positive number, got {value!r}.")
    check_count("gradient_check", "seed", seed, 0)
    _refuse_random_layers(model)
    with _float64():
        parts = unpack_x_y_sample_weight(ArrayData(x, y, sample_weight).structure)
        data = tree.map_structure(lambda leaf: None if leaf is None else _dlrs.tensor(leaf), parts)
        if not model.built:
            model(data[0], training=False)
        twin = _copy_in_float64(model)
        if not twin.trainable_variables:
            raise ValueError(f"gradient_check: the model {model.name!r} has nothing to train.")
        return _compare(twin, data, epsilon, tolerance, samples, np.random.default_rng(seed))


def _refuse_random_layers(model: Any) -> None:
    for layer in model._flatten_layers():
        if layer._seed_generators:
            raise ValueError(
                f"gradient_check: layer {layer.name!r} ({type(layer).__name__}) is random, so the loss is not a "
                f"function of the weights alone. Set its rate to 0, or check the model without it."
            )


@contextmanager
def _float64() -> Iterator[None]:
    before = config.floatx()
    config.set_floatx("float64")
    try:
        yield
    finally:
        config.set_floatx(before)


def _copy_in_float64(model: Any) -> Any:
    """A copy whose variables, layers and losses are in float64."""
    twins = {
        id(variable): _twin(variable)
        for variable in model.variables
        if variable.dtype in ("float16", "bfloat16", "float32")
    }
    twin = copy.deepcopy(model, dict(twins))
    policy = DTypePolicy("float64")
    for layer in twin._flatten_layers():
        if is_float_dtype(layer.compute_dtype):
            layer.dtype_policy = policy
        for placeholder in getattr(layer, "inputs", ()) if _has_graph(layer) else ():
            if is_float_dtype(placeholder.dtype):
                placeholder._dtype = "float64"
    compiled = twin._compile_loss
    # What was compiled, and what a first step made of names.
    for loss in [*tree.flatten(compiled.loss), *(entry.loss for entry in compiled.entries)] if compiled else ():
        if hasattr(loss, "_dtype_policy"):
            loss._dtype_policy = policy
    return twin


def _has_graph(layer: Any) -> bool:
    return layer.__dict__.get("_function") is not None


def _twin(variable: Variable) -> Variable:
    twin = Variable(variable.numpy().astype("float64"), dtype="float64", name=variable.name)
    twin.__dict__.update(variable.__dict__)
    return twin


def _compare(
    model: Any, data: Any, epsilon: float, tolerance: float, samples: int | None, generator: np.random.Generator
) -> GradientCheck:
    x, y, weight = data

    def loss_of() -> Any:
        return model.compute_loss(x=x, y=y, y_pred=model(x, training=True), sample_weight=weight, training=True)

    variables = model.trainable_variables
    with GradientTape() as tape:
        loss = loss_of()
    gradients = tape.gradient(loss, variables)
    evaluate = _evaluator(loss_of)
    floor = 1e-3 * max(1.0, abs(float(loss)))
    found: list[GradientCheck] = []
    for variable, gradient in zip(variables, gradients, strict=True):
        places = np.arange(variable.value.size)
        if samples is not None and samples < places.size:
            places = np.sort(generator.choice(places, int(samples), replace=False))
        analytic = np.zeros(variable.shape) if gradient is None else np.asarray(gradient)
        analytic = analytic.reshape(-1)[places]
        numeric = _differences(variable, places, evaluate, epsilon)
        error = _norm(analytic - numeric) / max(_norm(analytic) + _norm(numeric), floor)
        # NaN is no agreement.
        error = error if np.isfinite(error) else np.inf
        worst = int(np.argmax(np.where(np.isnan(analytic - numeric), np.inf, np.abs(analytic - numeric))))
        index = tuple(int(i) for i in np.unravel_index(places[worst], variable.shape or (1,)))
        found.append(
            GradientCheck(
                error, tolerance, variable.path, index if variable.shape else (), analytic[worst], numeric[worst], {}
            )
        )
    errors = {check.worst: check.relative_error for check in found}
    worst_check = max(found, key=lambda check: check.relative_error)
    return GradientCheck(**{**worst_check.__dict__, "errors": errors})


def _evaluator(loss_of: Callable[[], Any]) -> Callable[[], float]:
    """The loss as a number, compiled where that is possible."""
    compiled = function(loss_of)
    try:
        compiled()
    except TracingError:
        return lambda: float(loss_of())
    return lambda: float(compiled())


def _differences(variable: Variable, places: Array, evaluate: Callable[[], float], epsilon: float) -> Array:
    """The two-sided differences of the loss by the elements of a variable at `places`, which has its values after."""
    before = variable.numpy()
    numeric = np.empty(len(places))
    for number, place in enumerate(places):
        step = epsilon * max(1.0, abs(float(before.reshape(-1)[place])))
        values = []
        for sign in (1.0, -1.0):
            moved = before.copy()
            moved.reshape(-1)[place] += sign * step
            variable.assign(moved)
            values.append(evaluate())
        numeric[number] = (values[0] - values[1]) / (2.0 * step)
    variable.assign(before)
    return numeric


def _norm(values: Array) -> float:
    return float(np.sqrt(np.sum(np.square(values))))
