"""Loops and branches: eagerly, compiled and differentiated."""

import numpy as np
import pytest

import dlrs
from dlrs import ops

X = np.arange(1, 6, dtype=np.float32)


def running(xs):
    return ops.scan(lambda c, x: (0.5 * c + x, {"twice": c * 2.0, "none": None}), ops.zeros(()), xs)


def expected_running() -> tuple[float, list[float]]:
    carry, twice = 0.0, []
    for x in X:
        twice.append(2 * carry)
        carry = 0.5 * carry + x
    return carry, twice


def test_scan() -> None:
    carry, twice = expected_running()
    for run in (running, dlrs.function(running)):
        last, ys = run(ops.array(X))
        assert last.item() == pytest.approx(carry)
        assert ys["none"] is None
        np.testing.assert_allclose(ys["twice"].numpy(), twice)


def test_scan_in_reverse() -> None:
    last, ys = ops.scan(lambda c, x: (c + x, c), ops.zeros(()), ops.array(X), reverse=True)
    assert last.item() == 15
    assert ys.tolist() == [14, 12, 9, 5, 0]


def test_scan_without_slices() -> None:
    last, ys = ops.scan(lambda c, _: (c * 2.0, c), ops.ones(()), length=4)
    assert last.item() == 16
    assert ys.tolist() == [1, 2, 4, 8]


def test_scan_has_gradients() -> None:
    """d(last)/d(x_t) = 0.5^(n - 1 - t), on a tape, traced, and against unrolled ops."""

    def last(x):
        return running(x)[0]

    expected = 0.5 ** np.arange(4, -1, -1)
    np.testing.assert_allclose(dlrs.grad(last)(ops.array(X)).numpy(), expected)
    np.testing.assert_allclose(dlrs.function(dlrs.grad(last))(ops.array(X)).numpy(), expected)


def test_scan_over_weights() -> None:
    """A recurrent cell scanned over time has the gradients of the unrolled one."""
    rng = np.random.default_rng(1)
    x = ops.array(rng.normal(size=(4, 2, 3)).astype(np.float32))
    w = ops.array(rng.normal(size=(3, 5)).astype(np.float32))
    u = ops.array(rng.normal(size=(5, 5)).astype(np.float32))

    def cell(h, xt, w, u):
        return ops.tanh(ops.matmul(xt, w) + ops.matmul(h, u))

    def scanned(w, u):
        return ops.sum(ops.square(ops.scan(lambda h, xt: (cell(h, xt, w, u), None), ops.zeros((2, 5)), x)[0]))

    def unrolled(w, u):
        h = ops.zeros((2, 5))
        for t in range(4):
            h = cell(h, x[t], w, u)
        return ops.sum(ops.square(h))

    a, da = dlrs.value_and_grad(scanned, argnums=(0, 1))(w, u)
    b, db = dlrs.value_and_grad(unrolled, argnums=(0, 1))(w, u)
    assert a.item() == pytest.approx(b.item(), rel=1e-5)
    for p, q in zip(da, db, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-5)


def test_map() -> None:
    np.testing.assert_array_equal(ops.map(lambda x: x * x, ops.array(X)).numpy(), X * X)


def test_cond() -> None:
    def clipped(x):
        return ops.cond(ops.sum(x) > 3.0, lambda: x * 2.0, lambda: x - 1.0)

    for run in (clipped, dlrs.function(clipped)):
        assert run(ops.array([1.0, 1.0])).tolist() == [0, 0]
        assert run(ops.array([2.0, 2.0])).tolist() == [4, 4]


def test_switch() -> None:
    def run(i):
        return ops.switch(i, [lambda: ops.array(1.0), lambda: ops.array(2.0), lambda: ops.array(3.0)])

    for f in (run, dlrs.function(run)):
        assert [f(np.int32(i)).item() for i in (-1, 0, 1, 2, 9)] == [1, 1, 2, 3, 3]


def test_while_loop() -> None:
    def collatz(n):
        return ops.while_loop(
            lambda n, steps: n > 1,
            lambda n, steps: (ops.where(n % 2 == 0, n // 2, 3 * n + 1), steps + 1),
            (n, ops.array(0)),
            maximum_iterations=200,
        )[1]

    assert collatz(ops.array(27)).item() == 111
    assert dlrs.function(collatz)(ops.array(27)).item() == 111


def test_unbounded_while_loop_in_a_program() -> None:
    def run(x, step):
        def body(x, n):
            return ops.minimum(x + step, 100.0), n + 1

        return ops.while_loop(lambda x, n: ops.max(x) < 3.0, body, (x, ops.array(0)))

    for f in (run, dlrs.function(run)):
        for start, steps in ((0.0, 6), (2.9, 1), (7.0, 0)):
            x, n = f(ops.array([start, -1.0]), ops.array(0.5))
            assert n.item() == steps
            np.testing.assert_allclose(x.numpy(), np.array([start, -1.0]) + 0.5 * steps, rtol=1e-6)


def test_an_unbounded_loop_has_no_gradient() -> None:
    @dlrs.function
    @dlrs.grad
    def run(x):
        return ops.while_loop(lambda x: x < 3.0, lambda x: (x + 1.0,), (x,))[0]

    with pytest.raises(ValueError, match=r"while_loop has no gradient.*maximum_iterations"):
        run(ops.array(0.0))


def test_a_loop_keeps_its_types() -> None:
    @dlrs.function
    def run(n):
        return ops.while_loop(lambda n: n < 3, lambda n: (n + 0.5,), (n,))[0]

    with pytest.raises(TypeError, match=r"while_loop: value 0 begins as int32\(\)"):
        run(ops.array(0))


def test_one_branch_runs() -> None:
    """The other one would refuse its index, and its gradient would be NaN."""

    def run(x, i):
        return ops.cond(i < 3, lambda: ops.take(x, i), lambda: ops.sqrt(x[0] - 5.0) + x[1])

    compiled = dlrs.function(dlrs.value_and_grad(run))
    x = ops.array([5.0, 2.0, 1.0])
    for i, value, gradient in ((2, 1.0, [0, 0, 1]), (7, 2.0, [np.inf, 1, 0])):
        for f in (dlrs.value_and_grad(run), compiled):
            have, d = f(x, ops.array(i))
            assert have.item() == value
            assert d.tolist() == gradient


def test_branches_may_hold_nothing_and_numbers() -> None:
    @dlrs.function
    def run(p, x):
        y, n = ops.cond(p, lambda: ({"a": x}, None), lambda: ({"a": 3}, None))
        assert n is None
        return y["a"]

    assert [run(ops.array(p), ops.array(1.5)).item() for p in (True, False)] == [1.5, 3.0]


def test_branches_assign_no_variables() -> None:
    v = dlrs.Variable(1.0)

    @dlrs.function
    def run(p):
        return ops.cond(p, lambda: v.assign(v + 1.0), lambda: v.value)

    with pytest.raises(dlrs.errors.TracingError, match="carry it as a value"):
        run(ops.array(False))
    assert v.numpy() == 1.0


@ops.custom_gradient
def clipped(x, limit):
    """The identity, whose gradient is limited."""
    return x * 1.0, lambda d: (ops.minimum(d, limit), None)


def test_custom_gradient_counts_in_every_mode() -> None:
    def f(x):
        return ops.sum(clipped(x, 2.5) * ops.array([1.0, 3.0]))

    for run in (dlrs.grad(f), dlrs.function(dlrs.grad(f))):
        assert run(ops.array([4.0, 5.0])).tolist() == [1.0, 2.5]


def test_custom_gradient_of_several_values_and_variables() -> None:
    v = dlrs.Variable([2.0, 3.0])

    @ops.custom_gradient
    def swapped(a, b):
        return {"x": a * 2.0, "y": b * 3.0}, lambda dx, dy: [dy * v, dx]

    def f(a, b):
        y = swapped(a, b)
        return ops.sum(y["x"] * 5.0 + y["y"] * 7.0)

    for run in (dlrs.grad(f, (0, 1)), dlrs.function(dlrs.grad(f, (0, 1)))):
        da, db = run(ops.array([1.0, 1.0]), ops.array([1.0, 1.0]))
        assert (da.tolist(), db.tolist()) == ([14, 21], [5, 5])


def test_custom_gradients_have_gradients() -> None:
    @ops.custom_gradient
    def cube(x):
        return x * x * x, lambda d: d * 3.0 * x * x

    second = dlrs.grad(dlrs.grad(lambda x: cube(x)))
    assert second(ops.array(2.0)).item() == dlrs.function(second)(ops.array(2.0)).item() == 12


def test_custom_gradient_names_a_wrong_number() -> None:
    @ops.custom_gradient
    def wrong(x, y):
        return x * y, lambda d: d

    with pytest.raises(ValueError, match="1 gradients were returned for the 2 arguments of wrong"):
        wrong(ops.array(1.0), ops.array(2.0))


def test_fori_loop() -> None:
    def run(x):
        return ops.fori_loop(0, 5, lambda i, total: total + ops.cast(i, "float32") * x, ops.zeros(()))

    assert run(ops.array(2.0)).item() == dlrs.function(run)(ops.array(2.0)).item() == 20


def test_symbolic_truth_value() -> None:
    @dlrs.function
    def run(x):
        return x if x > 0 else -x

    with pytest.raises(dlrs.errors.TracingError, match="where"):
        run(ops.array(1.0))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 8, 13])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_is_the_running_combination(length: int, reverse: bool) -> None:
    """Of affine maps, whose order matters, along every axis."""
    rng = np.random.default_rng(length)
    a, b = rng.normal(size=(2, length, 3)), rng.normal(size=(2, length, 3))

    def compose(first, second):
        return {"a": second["a"] * first["a"], "b": second["a"] * first["b"] + second["b"]}

    result = ops.associative_scan(compose, {"a": ops.array(a), "b": ops.array(b)}, reverse, axis=1)
    state = np.zeros((2, 3))
    for t in reversed(range(length)) if reverse else range(length):
        state = a[:, t] * state + b[:, t]
        np.testing.assert_allclose(result["b"].numpy()[:, t], state, rtol=1e-12)


def test_associative_scan_has_gradients() -> None:
    x = np.random.default_rng(1).normal(size=7)

    def by_scan(x):
        return ops.sum(ops.square(ops.associative_scan(lambda a, b: a * b, x)))

    def by_product(x):
        return ops.sum(ops.square(ops.cumprod(x)))

    expected = dlrs.grad(by_product)(ops.array(x)).numpy()
    np.testing.assert_allclose(dlrs.grad(by_scan)(ops.array(x)).numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(dlrs.function(dlrs.grad(by_scan))(ops.array(x)).numpy(), expected, rtol=1e-10)


def test_associative_scan_refuses_different_lengths() -> None:
    with pytest.raises(ValueError, match="same size along axis 0"):
        ops.associative_scan(lambda a, b: a, (np.ones(2), np.ones(3)))


def test_branches_must_fit_while_tracing() -> None:
    @dlrs.function
    def run(p):
        return ops.cond(p, lambda: ops.ones((3,)), lambda: ops.ones((1,)))

    with pytest.raises(ValueError, match=r"cond.*\(3,\) and \(1,\)"):
        run(ops.array(True))


def test_loops_and_choices_stand_in_functional_models() -> None:
    x = dlrs.layers.Input((3,))
    doubled = ops.map(lambda row: row * 2.0, x)
    powers = ops.fori_loop(0, 3, lambda i, y: y * 2.0, doubled)
    ended = ops.while_loop(lambda y: ops.max(y) < 1e3, lambda y: y * 2.0, powers, maximum_iterations=4)
    model = dlrs.Model(x, ended)
    assert model(np.ones((2, 3), np.float32)).numpy().tolist() == [[256.0] * 3] * 2


def test_blocks_begin_where_the_program_says() -> None:
    x = np.arange(12.0).reshape(3, 4)
    read = dlrs.function(lambda start: ops.slice(x, start, (2, 3)))
    write = dlrs.function(lambda start: ops.slice_update(x, start, -np.ones((2, 3))))
    for start in ([0, 0], [1, 1], [0, 1]):
        block = (slice(start[0], start[0] + 2), slice(start[1], start[1] + 3))
        np.testing.assert_array_equal(read(ops.array(start)).numpy(), x[block])
        expected = x.copy()
        expected[block] = -1
        np.testing.assert_array_equal(write(ops.array(start)).numpy(), expected)
    for start in ([2, 0], [0, -1]):
        for run in (read, write):
            with pytest.raises(IndexError):
                run(ops.array(start))


def test_a_block_may_begin_at_loop_variables() -> None:
    x = np.arange(10.0)
    body = lambda i, total: (i + 1, total + ops.slice(x, [i], [1]))  # noqa: E731
    total = lambda: ops.while_loop(lambda i, _: i < 10, body, (0, np.zeros(1)), maximum_iterations=10)[1]  # noqa: E731
    assert total().tolist() == dlrs.function(total)().tolist() == [45]


def test_tensors_index_any_axis() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    t, one, two = ops.array(x), ops.array(1), ops.array([2, 0])
    np.testing.assert_array_equal(t[-2, one].numpy(), x[-2, 1])
    np.testing.assert_array_equal(t[one, 2, None].numpy(), x[1, 2, None])
    np.testing.assert_array_equal(t[:, two, 1:].numpy(), x[:, [2, 0], 1:])
    np.testing.assert_array_equal(t[one, :, one].numpy(), x[1, :, 1])
    with pytest.raises(IndexError, match=r"ops\.take"):
        t[0, :, two]


def test_a_scan_carries_up_to_64_tensors():
    start = [np.float32(i) for i in range(64)]
    last, _ = ops.scan(lambda carry, _: ([c + 1.0 for c in carry], None), start, length=3)
    assert [c.item() for c in last] == [i + 3.0 for i in range(64)]
    with pytest.raises(ValueError, match="65 tensors"):
        ops.scan(lambda carry, _: (carry, None), [*start, np.float32(0)], length=3)
