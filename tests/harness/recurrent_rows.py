"""Rows of recurrent layers, step by step in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import TRUTH, Array, Case, Domain, Row, refuses

Step = Callable[..., tuple[Array, ...]]

NEAR = Domain(-0.8, 0.8)
# Weights of many units: larger ones would make the recurrence chaotic, and rounding errors grow from step to step.
CALM = Domain(-0.15, 0.15)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def steps(step: Step, z: Array, states: tuple[Array, ...], mask: Array | None, reverse: bool) -> tuple[Array, ...]:
    """All steps: the first states of each, and the last states."""
    sequence = np.zeros((*z.shape[:2], states[0].shape[-1]), z.dtype)
    order = range(z.shape[1])
    for t in reversed(order) if reverse else order:
        new = step(z[:, t], *states)
        live = np.ones(len(z), bool) if mask is None else mask[:, t]
        states = tuple(np.where(live[:, None], n, old) for n, old in zip(new, states, strict=True))
        sequence[:, t] = states[0]
    return sequence, *states


def lstm(
    z: Array, h0: Array, c0: Array, kernel: Array, mask: Array | None = None, reverse: bool = False
) -> tuple[Array, ...]:
    """Gates i, f, g, o."""

    def step(x: Array, h: Array, c: Array) -> tuple[Array, ...]:
        i, f, g, o = np.split(x + h @ kernel, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    return steps(step, z, (h0, c0), mask, reverse)


def gru(
    z: Array,
    h0: Array,
    kernel: Array,
    recurrent_bias: Array | None = None,
    mask: Array | None = None,
    reverse: bool = False,
) -> tuple[Array, ...]:
    """Gates z, r, g."""
    units = h0.shape[-1]

    def step(x: Array, h: Array) -> tuple[Array, ...]:
        product = h @ kernel + (0 if recurrent_bias is None else recurrent_bias)
        update, reset = (
            sigmoid(x[:, g * units : (g + 1) * units] + product[:, g * units : (g + 1) * units]) for g in (0, 1)
        )
        last = (reset * h) @ kernel[:, 2 * units :] if recurrent_bias is None else reset * product[:, 2 * units :]
        return (update * h + (1 - update) * np.tanh(x[:, 2 * units :] + last),)

    return steps(step, z, (h0,), mask, reverse)


def simple_rnn(
    z: Array,
    h0: Array,
    kernel: Array,
    mask: Array | None = None,
    activation: str = "tanh",
    reverse: bool = False,
) -> tuple[Array, ...]:
    """tanh or relu of the sum."""

    def step(x: Array, h: Array) -> tuple[Array, ...]:
        total = x + h @ kernel
        return (np.tanh(total) if activation == "tanh" else np.maximum(total, 0),)

    return steps(step, z, (h0,), mask, reverse)


def shapes(batch: int, time: int, units: int, gates: int, states: int) -> tuple[tuple[int, ...], ...]:
    """z, first states, recurrent weights."""
    return ((batch, time, gates * units), *[(batch, units)] * states, (units, gates * units))


def cases(gates: int, states: int, bias: bool = False, **attributes: Any) -> list[Case]:
    """Both directions, with a mask and without, one step, no step, no row, several tiles."""

    attributes.update({"bias": True} if bias else {})

    def one(batch: int, time: int, units: int, masked: bool = False, **more: Any) -> Case:
        shapes = [(batch, time, gates * units), *[(batch, units)] * states, (units, gates * units)]
        shapes += [(gates * units,)] if bias else []
        domains = [NEAR] * len(shapes)
        if masked:
            shapes.append((batch, time))
            domains.append(TRUTH)
        large = more.pop("large", False)
        if large:
            domains[1 + states] = CALM
        smooth = attributes.get("activation") != "relu"
        return Case(tuple(shapes), {**attributes, **more}, tuple(domains), large, smooth)

    return [
        one(3, 4, 5),
        one(3, 4, 5, reverse=True),
        one(3, 4, 5, masked=True),
        one(3, 4, 5, masked=True, reverse=True),
        one(1, 1, 17),
        one(2, 0, 3),
        one(0, 2, 3),
        one(70, 30, 70, large=True),
        one(66, 30, 74, masked=True, large=True),
    ]


def with_or_without_bias(function: Callable[..., Any]) -> Callable[..., Any]:
    """gru with the recurrent bias, or without it but perhaps with the mask."""

    def call(z: Any, h0: Any, kernel: Any, *rest: Any, bias: bool = False, **attributes: Any) -> Any:
        return (
            function(z, h0, kernel, *rest, **attributes) if bias else function(z, h0, kernel, None, *rest, **attributes)
        )

    return call


ROUNDING: dict[str, Any] = {"ulp": 8.0, "floor": 8.0}

ROWS = [
    Row(
        "lstm",
        lstm,
        cases(4, 2),
        refusals=[
            refuses(
                ValueError,
                r"z has shape \(2, 3, 7\); expected \(batch, steps, 4 \* units\)",
                (2, 3, 7),
                (2, 2),
                (2, 2),
                (2, 8),
            ),
            refuses(ValueError, r"c0 has shape \(2, 3\); expected \(2, 2\)", (2, 3, 8), (2, 2), (2, 3), (2, 8)),
            refuses(ValueError, r"mask has shape \(2, 4\)", (2, 3, 8), (2, 2), (2, 2), (2, 8), np.ones((2, 4), bool)),
            refuses(TypeError, "mask has dtype float32; expected bool", (2, 3, 8), (2, 2), (2, 2), (2, 8), (2, 3)),
        ],
        **ROUNDING,
    ),
    Row(
        "gru",
        with_or_without_bias(gru),
        [*cases(3, 1, bias=True), *cases(3, 1)],
        call=with_or_without_bias(ops.gru),
        refusals=[
            refuses(ValueError, r"h0 has shape \(3, 2\); expected \(2, 2\)", (2, 3, 6), (3, 2), (2, 6)),
            refuses(
                ValueError,
                r"recurrent_bias has shape \(5,\); expected \(6,\)",
                (2, 3, 6),
                (2, 2),
                (2, 6),
                (5,),
                bias=True,
            ),
        ],
        **ROUNDING,
    ),
    Row(
        "simple_rnn",
        simple_rnn,
        [*cases(1, 1), *cases(1, 1, activation="relu")],
        refusals=[
            refuses(ValueError, r"recurrent_kernel has shape \(2, 3\); expected \(2, 2\)", (2, 3, 2), (2, 2), (2, 3)),
            refuses(ValueError, "activation is .elu.", (2, 3, 2), (2, 2), (2, 2), activation="elu"),
        ],
        **ROUNDING,
    ),
]
