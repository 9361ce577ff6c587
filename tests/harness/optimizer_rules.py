"""The rules of the optimizers in plain NumPy, double precision: `w = rule(w, g, state, t)` at step t = 1, 2, ..."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs import optimizers

Array = np.ndarray[Any, Any]
State = dict[str, Any]

LR = 0.125


def sgd(w: Array, g: Array, s: State, t: int, m: float = 0.0, nesterov: bool = False, dampening: float = 0.0) -> Array:
    g = (1 - dampening) * g
    v = s["v"] = m * s.get("v", 0) - LR * g
    return w + (m * v - LR * g if nesterov else v)


def rmsprop(w: Array, g: Array, s: State, t: int, m: float = 0.0, centered: bool = False) -> Array:
    s["s"] = 0.75 * s.get("s", 0) + 0.25 * g * g
    s["a"] = 0.75 * s.get("a", 0) + 0.25 * g
    s["m"] = m * s.get("m", 0) + LR * g / np.sqrt(s["s"] - (s["a"] ** 2 if centered else 0) + 1e-3)
    return w - s["m"]


def averages(g: Array, s: State, t: int) -> tuple[Array, Array, Array, Array]:
    """Means of gradients and squares, and both without their bias."""
    m = s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    v = s["v"] = 0.99 * s.get("v", 0) + 0.01 * g * g
    return m, v, m / (1 - 0.9**t), v / (1 - 0.99**t)


def adam(w: Array, g: Array, s: State, t: int, amsgrad: bool = False, decay: float = 0.0) -> Array:
    w = w - decay * LR * w
    m, v, _, _ = averages(g, s, t)
    if amsgrad:
        v = s["h"] = np.maximum(s.get("h", 0), v)
    return w - LR * np.sqrt(1 - 0.99**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-3)


def adamax(w: Array, g: Array, s: State, t: int) -> Array:
    m = averages(g, s, t)[2]
    s["u"] = np.maximum(0.99 * s.get("u", 0), np.abs(g))
    return w - LR * m / (s["u"] + 1e-3)


def nadam(w: Array, g: Array, s: State, t: int) -> Array:
    m, _, _, v_hat = averages(g, s, t)
    now, following = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    product = s["p"] = s.get("p", 1) * now
    m_hat = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
    return w - LR * m_hat / (np.sqrt(v_hat) + 1e-3)


def lamb(w: Array, g: Array, s: State, t: int) -> Array:
    _, _, m_hat, v_hat = averages(g, s, t)
    r = m_hat / (np.sqrt(v_hat) + 1e-3)
    return w - LR * np.linalg.norm(w) / np.linalg.norm(r) * r


def lion(w: Array, g: Array, s: State, t: int) -> Array:
    m = s.get("m", 0)
    s["m"] = 0.99 * m + 0.01 * g
    return w - LR * np.sign(0.9 * m + 0.1 * g)


def adagrad(w: Array, g: Array, s: State, t: int) -> Array:
    s["s"] = s.get("s", 0.25) + g * g
    return w - LR * g / np.sqrt(s["s"] + 1e-3)


def adadelta(w: Array, g: Array, s: State, t: int) -> Array:
    s["s"] = 0.75 * s.get("s", 0) + 0.25 * g * g
    d = np.sqrt(s.get("u", 0) + 1e-3) / np.sqrt(s["s"] + 1e-3) * g
    s["u"] = 0.75 * s.get("u", 0) + 0.25 * d * d
    return w - LR * d


def adafactor(w: Array, g: Array, s: State, t: int, relative: bool = True) -> Array:
    def rms(x: Array) -> Any:
        return np.sqrt(np.mean(x * x))

    beta, square = 1 - t**-0.8, g * g + 1e-30
    if g.ndim > 1:
        s["r"] = beta * s.get("r", 0) + (1 - beta) * square.mean(-1)
        s["c"] = beta * s.get("c", 0) + (1 - beta) * square.mean(-2)
        v = s["r"][..., None] * s["c"][..., None, :] / s["r"].mean(-1)[..., None, None]
    else:
        v = s["v"] = beta * s.get("v", 0) + (1 - beta) * square
    u = g / np.sqrt(v)
    return w - max(1e-3, rms(w)) * min(LR, t**-0.5) * u / max(1, rms(u) / 0.5)


def ftrl(w: Array, g: Array, s: State, t: int) -> Array:
    n = s.get("n", 0.25)
    new = s["n"] = n + g * g
    s["z"] = s.get("z", 0) + g + 2 * 0.03 * w - (np.sqrt(new) - np.sqrt(n)) / LR * w
    z = s["z"]
    return (np.clip(z, -0.2, 0.2) - z) / (np.sqrt(new) / LR + 2 * (0.1 + 0.05 / (2 * LR)))


def muon(w: Array, g: Array, s: State, t: int) -> Array:
    if w.ndim != 2:
        return adam(w, g, s, t, decay=0.02)
    w = w - 0.01 * LR * w
    m = s["m"] = 0.75 * s.get("m", 0) + g
    x = g + 0.75 * m
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x
    return w - LR * 0.2 * np.sqrt(max(w.shape)) * (x.T if tall else x)


def schedule_free(w: Array, g: Array, s: State, t: int) -> Array:
    z, x = s.get("z", w), s.get("x", w)
    v_hat = averages(g, s, t)[3]
    z = s["z"] = z - LR * min(t / 4, 1) * g / (np.sqrt(v_hat) + 1e-3)
    x = s["x"] = (1 - 1 / t) * x + z / t
    return 0.1 * z + 0.9 * x


@dataclass(frozen=True)
class RuleRow:
    """An optimizer's class, arguments and rule."""

    cls: Callable[..., Any]
    arguments: dict[str, Any]
    rule: Callable[..., Array]
    options: dict[str, Any]

    def make(self, **more: Any) -> Any:
        """The optimizer, with further arguments."""
        return self.cls(LR, **{**self.arguments, **more})


def row(
    cls: Callable[..., Any], rule: Callable[..., Array], options: dict[str, Any] | None = None, **arguments: Any
) -> RuleRow:
    """A row; `arguments` are those of the class, `options` those of the rule."""
    return RuleRow(cls, arguments, rule, options or {})


BETAS = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}

RULES = {
    "sgd": row(optimizers.SGD, sgd),
    "momentum": row(optimizers.SGD, sgd, {"m": 0.75}, momentum=0.75),
    "nesterov": row(optimizers.SGD, sgd, {"m": 0.75, "nesterov": True}, momentum=0.75, nesterov=True),
    "dampening": row(optimizers.SGD, sgd, {"m": 0.75, "dampening": 0.75}, momentum=0.75, dampening=0.75),
    "dampened_nesterov": row(
        optimizers.SGD,
        sgd,
        {"m": 0.75, "nesterov": True, "dampening": 0.5},
        momentum=0.75,
        nesterov=True,
        dampening=0.5,
    ),
    "rmsprop": row(optimizers.RMSprop, rmsprop, rho=0.75, epsilon=1e-3),
    "rmsprop_momentum": row(optimizers.RMSprop, rmsprop, {"m": 0.5}, rho=0.75, epsilon=1e-3, momentum=0.5),
    "rmsprop_centered": row(
        optimizers.RMSprop, rmsprop, {"m": 0.5, "centered": True}, rho=0.75, epsilon=1e-3, momentum=0.5, centered=True
    ),
    "adam": row(optimizers.Adam, adam, **BETAS),
    "amsgrad": row(optimizers.Adam, adam, {"amsgrad": True}, amsgrad=True, **BETAS),
    "adamw": row(optimizers.AdamW, adam, {"decay": 0.05}, weight_decay=0.05, **BETAS),
    "adamax": row(optimizers.Adamax, adamax, **BETAS),
    "nadam": row(optimizers.Nadam, nadam, **BETAS),
    "lamb": row(optimizers.Lamb, lamb, **BETAS),
    "lion": row(optimizers.Lion, lion),
    "adagrad": row(optimizers.Adagrad, adagrad, initial_accumulator_value=0.25, epsilon=1e-3),
    "adadelta": row(optimizers.Adadelta, adadelta, rho=0.75, epsilon=1e-3),
    "adafactor": row(optimizers.Adafactor, adafactor, clip_threshold=0.5),
    "ftrl": row(
        optimizers.Ftrl,
        ftrl,
        initial_accumulator_value=0.25,
        l1_regularization_strength=0.2,
        l2_regularization_strength=0.1,
        l2_shrinkage_regularization_strength=0.03,
        beta=0.05,
    ),
    "muon": row(
        optimizers.Muon,
        muon,
        momentum=0.75,
        weight_decay=0.01,
        adam_weight_decay=0.02,
        adam_beta_2=0.99,
        epsilon=1e-3,
    ),
    "schedule_free": row(optimizers.ScheduleFreeAdamW, schedule_free, warmup_steps=4, **BETAS),
    "loss_scale": row(lambda lr, **arguments: optimizers.LossScaleOptimizer(optimizers.SGD(lr, **arguments), 1.0), sgd),
    "multi": row(
        lambda lr, **arguments: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(lr, **arguments))), sgd
    ),
}


def optimizer_classes() -> set[type]:
    """Every optimizer that users may name."""
    return {
        cls
        for name in optimizers.__all__
        if inspect.isclass(cls := getattr(optimizers, name)) and issubclass(cls, optimizers.Optimizer)
    } - {optimizers.Optimizer}
