"""Rows of random draws, optimizer updates, loops and creation."""

import math
from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from harness.row import NUMBERS, POSITIVE, REAL, Array, Case, Domain, Row, Shape, case, ints, refuses

Words = list[Array]


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Philox4x32-10 of arrays of counters (Salmon, Moraes, Dror and Shaw, SC 2011)."""
    low = np.uint64(0xFFFFFFFF)
    c = [np.asarray(word, np.uint64) for word in counter]
    k = [np.uint64(key[0]), np.uint64(key[1])]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        shift = np.uint64(32)
        c = [(b >> shift) ^ c[1] ^ k[0], b & low, (a >> shift) ^ c[3] ^ k[1], a & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return c


def words(seed: Array, index: Array) -> Words:
    """The four words of counters `index` of the draw that `seed` (seed, counter) names."""
    first, second = (int(s) % 2**64 for s in seed)
    zero = np.zeros_like(index)
    counter = [index % 2**32, index >> 32, zero + second % 2**32, zero + (second >> 32)]
    return philox(counter, (first % 2**32, first >> 32))


def uniform_pairs(seed: Array, size: int, dtype: str) -> tuple[Array, Array, float]:
    """For each pair of elements the whole numbers from which both are made, and their range.

    In single precision element e is word (e mod 64) / 16 of counter 16 * (e / 64) + e mod 16, and words 0 and 1, 2 and
    3 are pairs; in double precision the halves of counter e / 2 are elements e and e + 1.
    """
    e = np.arange(size)
    if dtype == "float32":
        block = np.stack(words(seed, 16 * (e // 64) + e % 16))
        word = e % 64 // 16
        pick = [np.take_along_axis(block, (word & ~1 | half)[None], 0)[0] >> np.uint64(8) for half in (0, 1)]
        return pick[0], pick[1], 2.0**24
    w = words(seed, e // 2)
    return (w[0] << np.uint64(32) | w[1]) >> np.uint64(11), (w[2] << np.uint64(32) | w[3]) >> np.uint64(11), 2.0**53


def is_second(size: int, dtype: str) -> Any:
    """Which elements are the second of their pair."""
    e = np.arange(size)
    return (e % 64 // 16 if dtype == "float32" else e) % 2 == 1


def random_uniform(seed: Array, shape: Shape, dtype: str) -> Any:
    """Multiples of the type's spacing below 1."""
    size = int(np.prod(shape))
    first, second, scale = uniform_pairs(seed, size, dtype)
    return (np.where(is_second(size, dtype), second, first) / scale).reshape(shape)


def random_normal(seed: Array, shape: Shape, dtype: str) -> Any:
    """Box and Muller's polar form of pairs of uniform numbers."""
    size = int(np.prod(shape))
    first, second, scale = uniform_pairs(seed, size, dtype)
    radius, angle = np.sqrt(-2 * np.log((first + np.uint64(1)) / scale)), 2 * np.pi * (second / scale)
    return (radius * np.where(is_second(size, dtype), np.sin(angle), np.cos(angle))).reshape(shape)


SEED = Domain(values=(2**40 + 3, 5), dtype="int64")
DRAWS: dict[str, Any] = {
    "cases": [
        *(case((2,), shape=shape) for shape in ((), (0,), (1,), (63,), (5, 7, 9))),
        case((2,), shape=(300, 1001), large=True),
    ],
    "domains": (SEED,),
    "typed": True,
    "gradient": (),
}  # fmt: skip
BAD_DRAWS = [
    refuses(ValueError, r"seed.*\(3,\)", ints(1, 2, 3), shape=(2,), dtype="float32"),
    refuses(ValueError, "shape.*-1", ints(1, 2), shape=(-1,), dtype="float32"),
    refuses(TypeError, "dtype.*int32", ints(1, 2), shape=(2,), dtype="int32"),
]

RANDOM = [
    Row("random_uniform", random_uniform, **DRAWS, refusals=BAD_DRAWS,
        call=lambda seed, shape, dtype: _dlrs.random_uniform(shape, seed, dtype)),
    Row("random_normal", random_normal, **DRAWS, refusals=BAD_DRAWS, ulp=8, floor=1,
        call=lambda seed, shape, dtype: _dlrs.random_normal(shape, seed, dtype)),
]  # fmt: skip


class Sequence:
    """The uniform numbers of one element of a draw by rejection: two from each counter (element, attempt)."""

    def __init__(self, seed: Array, element: int) -> None:
        w = words(seed, element + (np.arange(64, dtype=np.int64) << 48))
        pairs = [(w[0] << np.uint64(32) | w[1]), (w[2] << np.uint64(32) | w[3])]
        self.numbers = iter(np.stack([((p >> np.uint64(11)) + 0.5) / 2.0**53 for p in pairs], 1).ravel().tolist())

    def uniform(self) -> float:
        """The next number."""
        return next(self.numbers)

    def log_gamma(self, alpha: float) -> float:
        """Logarithm of a gamma number (Marsaglia and Tsang 2000)."""
        if alpha < 1:
            u = self.uniform()
            return self.log_gamma(alpha + 1) + math.log(u) / alpha
        d = alpha - 1 / 3
        while True:
            x = math.sqrt(-2 * math.log(self.uniform())) * math.cos(2 * math.pi * self.uniform())
            v = (1 + x / math.sqrt(9 * d)) ** 3
            if v > 0 and math.log(self.uniform()) < x * x / 2 + d - d * v + d * math.log(v):
                return math.log(d) + math.log(v)

    def binomial(self, n: float, p: float) -> float:
        """A binomial number with a small mean, by inversion."""
        n = math.floor(n)
        u, k, probability = self.uniform(), 0, (1 - p) ** n
        while u > probability and k < n:
            u, k = u - probability, k + 1
            probability *= p / (1 - p) * (n - k + 1) / k
        return k


def by_rejection(draw: Any) -> Any:
    """A draw element by element."""

    def reference(seed: Array, *parameters: Array, shape: Shape, dtype: str) -> Any:
        columns = [np.broadcast_to(p, shape).ravel() for p in parameters]
        rows = enumerate(zip(*columns, strict=True))
        return np.array([draw(Sequence(seed, e), *row) for e, row in rows], np.float64).reshape(shape)

    return reference


def beta(s: Sequence, a: float, b: float) -> float:
    """x / (x + y) of gamma numbers."""
    x, y = s.log_gamma(a), s.log_gamma(b)
    return 1 / (1 + math.exp(y - x))


def rejection_cases(parameters: int) -> list[Case]:
    """One parameter for all, or one for each element."""
    shapes: tuple[Shape, ...] = ((), (0,), (5,), (2, 7))
    cases = [case((2,), *[p] * parameters, shape=s) for s in shapes for p in {(), s}]
    return [*cases, case((2,), *[()] * parameters, shape=(50, 101), large=True)]


REJECTION: dict[str, Any] = {"typed": True, "gradient": (), "ulp": 64, "ulp64": 4096}
SHAPE = Domain(0.3, 9.0, dtype="float64")
RANDOM += [
    Row("random_gamma", by_rejection(lambda s, a: math.exp(s.log_gamma(a))), rejection_cases(1), (SEED, SHAPE),
        call=lambda seed, a, shape, dtype: _dlrs.random_gamma(shape, a, seed, dtype), **REJECTION, refusals=[
            refuses(ValueError, r"seed.*\(3,\)", ints(1, 2, 3), 1.0, shape=(2,), dtype="float32"),
            refuses(TypeError, "dtype.*int32", ints(1, 2), 1.0, shape=(2,), dtype="int32"),
        ]),
    Row("random_beta", by_rejection(beta), rejection_cases(2), (SEED, SHAPE),
        call=lambda seed, a, b, shape, dtype: _dlrs.random_beta(shape, a, b, seed, dtype), **REJECTION),
    Row("random_binomial", by_rejection(Sequence.binomial), rejection_cases(2),
        (SEED, Domain(20.0, 20.001, dtype="float64"), Domain(0.05, 0.4, dtype="float64")),
        call=lambda seed, n, p, shape, dtype: _dlrs.random_binomial(shape, n, p, seed, dtype), **REJECTION),
]  # fmt: skip


def sgd(w: Array, g: Array, lr: Array) -> Any:
    """w - lr g."""
    return w - lr * g


def momentum(w: Array, v: Array, g: Array, lr: Array, momentum: float, nesterov: bool) -> list[Array]:
    """v = momentum v - lr g; w + v, or w + momentum v - lr g."""
    v = momentum * v - lr * g
    return [w + momentum * v - lr * g if nesterov else w + v, v]


def rmsprop(w: Array, s: Array, g: Array, lr: Array, rho: float, epsilon: float) -> list[Array]:
    """s = rho s + (1 - rho) g²; w - lr g / sqrt(s + epsilon)."""
    s = rho * s + (1 - rho) * g**2
    return [w - lr * g / np.sqrt(s + epsilon), s]


def rmsprop_momentum(
    w: Array, s: Array, m: Array, g: Array, lr: Array, rho: float, momentum: float, epsilon: float
) -> list[Array]:
    """s = rho s + (1 - rho) g²; m = momentum m + lr g / sqrt(s + epsilon); w - m."""
    s = rho * s + (1 - rho) * g**2
    m = momentum * m + lr * g / np.sqrt(s + epsilon)
    return [w - m, s, m]


def adam(
    w: Array, m: Array, v: Array, g: Array, alpha: Array, beta_1: float, beta_2: float, epsilon: float
) -> list[Array]:
    """m = m + (1 - beta_1)(g - m); v = v + (1 - beta_2)(g² - v); w - alpha m / (sqrt(v) + epsilon)."""
    m, v = m + (1 - beta_1) * (g - m), v + (1 - beta_2) * (g**2 - v)
    return [w - alpha * m / (np.sqrt(v) + epsilon), m, v]


def updates(states: int, **attributes: Any) -> list[Case]:
    """Vectors and matrices of every small size, no weights, many weights."""
    shapes: tuple[Shape, ...] = ((), (0,), (1,), (37,), (5, 7))
    return [
        *(case(*[s] * states, s, (), **attributes) for s in shapes),
        case(*[(1201, 907)] * states, (1201, 907), (), large=True, **attributes),
    ]


UPDATE: dict[str, Any] = {"ulp": 4, "floor": 0.5}
MOMENTUM = {"momentum": 0.9, "nesterov": False}
RMSPROP = {"rho": 0.9, "epsilon": 1e-7}
ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

UPDATES = [
    Row("sgd_update", sgd, updates(1), **UPDATE,
        refusals=[refuses(ValueError, r"gradient.*\(3,\).*\(2,\)", (2,), (3,), 0.1)]),
    Row("momentum_update", momentum, updates(2, **MOMENTUM) + updates(2, **{**MOMENTUM, "nesterov": True}), **UPDATE,
        refusals=[refuses(ValueError, r"slot.*\(3,\).*\(2,\)", (2,), (3,), (2,), 0.1, **MOMENTUM)]),
    Row("rmsprop_update", rmsprop, updates(2, **RMSPROP), (REAL, POSITIVE, REAL), **UPDATE,
        refusals=[refuses(ValueError, r"gradient.*\(3,\).*\(2,\)", (2,), (2,), (3,), 0.1, **RMSPROP)]),
    Row("rmsprop_momentum_update", rmsprop_momentum, updates(3, momentum=0.5, **RMSPROP), (REAL, POSITIVE, REAL, REAL),
        **UPDATE,
        refusals=[refuses(ValueError, r"slot.*\(3,\).*\(2,\)", (2,), (2,), (3,), (2,), 0.1, momentum=0.5, **RMSPROP)]),
    Row("adam_update", adam, updates(3, **ADAM), (REAL, REAL, POSITIVE, REAL), **UPDATE,
        refusals=[refuses(ValueError, r"step.*\(2,\)", (2,), (2,), (2,), (2,), (2,), **ADAM)]),
]  # fmt: skip


def recurrence(w: Any, h: Any, x: Any) -> Any:
    """One step of a plain recurrent layer, in NumPy and in ops alike."""
    tanh = np.tanh if isinstance(h, np.ndarray) else ops.tanh
    return tanh(h @ w + x)


def scanned(w: Array, h: Array, xs: Array, reverse: bool = False) -> list[Array]:
    """The last state and all states, in the order of `xs`."""
    states = np.zeros((xs.shape[0], *h.shape))
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        h = states[t] = recurrence(w, h, xs[t])
    return [h, states]


def scan(w: Any, h: Any, xs: Any, reverse: bool = False) -> Any:
    """`scanned` by the op; the body reaches the weights from outside."""

    def body(carry: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        state = recurrence(w, carry[0], slices[0])
        return [state], [state]

    return _dlrs.scan(body, [h], [xs], xs.shape[0], reverse)


CONTROL = [
    Row("scan", scanned, [case((3, 3), (2, 3), (4, 2, 3)), case((3, 3), (2, 3), (4, 2, 3), reverse=True),
                          case((2, 2), (1, 2), (1, 1, 2)), case((2, 2), (1, 2), (0, 1, 2)),
                          case((7, 7), (20, 7), (5, 20, 7))], (Domain(-0.2, 0.2), REAL),
        call=scan, ulp=8, floor=4),
]  # fmt: skip


def chosen(index: Array, x: Array, w: Array) -> Any:
    """Either of two functions."""
    return x @ w if index <= 0 else np.sin(x) @ np.ones(w.shape)


def switch(index: Any, x: Any, w: Any) -> Any:
    """`chosen` by the op; the branches reach their operands from outside."""
    branches = [lambda _: [ops.matmul(x, w)], lambda _: [ops.matmul(ops.sin(x), np.ones(w.shape, w.dtype))]]
    return _dlrs.switch(index, branches)[0]


def halved(x: Array, limit: Array) -> list[Array]:
    """Half until no element is larger than the limit, and how often."""
    n = np.int32(0)
    while x.size and x.max() > limit:
        x, n = x / 2, np.int32(n + 1)
    return [x, np.asarray(n)]


def while_loop(x: Any, limit: Any) -> Any:
    """`halved` by the op."""
    x = _dlrs.tensor(x)
    start = _dlrs.full((), -1, x.dtype)
    largest = lambda x: _dlrs.max(_dlrs.concatenate([_dlrs.reshape(x, (-1,)), _dlrs.reshape(start, (1,))]))  # noqa: E731
    test = lambda state: [_dlrs.greater(largest(state[0]), limit)]  # noqa: E731
    return _dlrs.while_loop(test, lambda state: [state[0] * 0.5, state[1] + 1], [x, 0])


def with_gradient(x: Any, y: Any) -> Any:
    """x y² with its gradient given in full."""
    x, y = _dlrs.tensor(x), _dlrs.tensor(y)
    return _dlrs.custom_gradient([x * y * y], [x, y], lambda d: [d[0] * y * y, d[0] * x * y * 2.0])[0]


CONTROL += [
    Row("switch", chosen, [Case(((), (2, 3), (3, 4)), domains=(Domain(values=i, dtype="int32"), REAL))
                           for i in (0, 1, 5)], call=switch, ulp=8, floor=4, second=True),
    Row("while_loop", halved, [case((3,), ()), case((2, 3), ()), case((0,), ())], (Domain(-40.0, 40.0), POSITIVE),
        call=while_loop, result="places", gradient=()),
    Row("custom_gradient", lambda x, y: x * y * y, [case((2, 3), (2, 3)), case((), ()), case((0,), (0,))],
        call=with_gradient, ulp=2, second=True),
]  # fmt: skip

CREATION = [
    Row("full", lambda shape, value, dtype: np.full(shape, value, dtype),
        [case(shape=shape, value=3) for shape in ((), (0, 2), (2, 3))],
        dtypes=(*NUMBERS, "uint8"), typed=True, gradient=(),
        refusals=[refuses(ValueError, "shape.*-1", shape=(-1,), value=1, dtype="float32")]),
]  # fmt: skip

ROWS = [*RANDOM, *UPDATES, *CONTROL, *CREATION]
