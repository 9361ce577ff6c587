"""Random draws: their distributions, their seeds, eagerly and compiled."""

import math

import numpy as np
import pytest

import dlrs
from dlrs import ops, random
from dlrs.backend import clear_session

N = 200_000


def test_uniform() -> None:
    x = random.uniform((N,), -2.0, 3.0, seed=1).numpy()
    assert x.dtype == np.float32
    assert x.min() >= -2
    assert x.max() <= 3
    assert x.mean() == pytest.approx(0.5, abs=0.02)
    assert x.var() == pytest.approx(25 / 12, rel=0.02)
    assert np.abs(np.histogram(x, 20)[0] / N - 0.05).max() < 0.003


def test_normal() -> None:
    x = random.normal((N,), 1.0, 2.0, seed=2).numpy()
    assert x.mean() == pytest.approx(1, abs=0.03)
    assert x.std() == pytest.approx(2, rel=0.01)
    inside = [np.mean(np.abs(x - 1) < 2 * k) for k in (1, 2, 3)]
    assert inside == pytest.approx([math.erf(k / math.sqrt(2)) for k in (1, 2, 3)], abs=0.004)


def test_truncated_normal() -> None:
    x = random.truncated_normal((N,), 1.0, 2.0, seed=3).numpy()
    assert np.abs(x - 1).max() <= 4
    assert x.mean() == pytest.approx(1, abs=0.03)
    assert x.std() == pytest.approx(2 * 0.87962566103423978, rel=0.01)
    share = math.erf(1 / math.sqrt(2)) / math.erf(math.sqrt(2))
    assert np.mean(np.abs(x - 1) < 2) == pytest.approx(share, abs=0.004)


def test_randint() -> None:
    x = random.randint((N,), -3, 4, seed=4)
    assert x.dtype == "int32"
    counts = np.bincount(x.numpy() + 3, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts / N - 1 / 7).max() < 0.003
    with pytest.raises(ValueError, match="minval"):
        random.randint((3,), 4, 4)


def test_categorical() -> None:
    p = np.float32([0.1, 0.2, 0.7])
    x = random.categorical(np.log(p)[None], N, seed=5).numpy()
    assert np.bincount(x[0], minlength=3) / N == pytest.approx(p, abs=0.005)


def test_dropout() -> None:
    x = random.dropout(ops.ones((N,)), 0.3, seed=6).numpy()
    assert set(np.unique(x)) == {np.float32(0), np.float32(1 / 0.7)}
    assert np.mean(x == 0) == pytest.approx(0.3, abs=0.005)
    rows = random.dropout(ops.ones((100, 50)), 0.5, noise_shape=(None, 1), seed=6).numpy()
    assert set(rows.std(1)) == {0.0}
    assert random.dropout(ops.ones((3,)), 1.0).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="rate"):
        random.dropout(ops.ones((3,)), 1.5)


def test_the_gradient_of_dropout_is_its_mask() -> None:
    x = ops.ones((1000,))
    dropped = random.dropout(x, 0.4, seed=3)
    gradient = dlrs.grad(lambda x: ops.sum(random.dropout(x, 0.4, seed=3)))(x)
    np.testing.assert_array_equal(gradient.numpy(), dropped.numpy())


def test_integer_seeds_repeat_and_differ() -> None:
    a, b, c = (random.normal((50,), seed=s).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.any(a == c)


def test_generators_advance() -> None:
    generator = random.SeedGenerator(7)
    draws = [random.uniform((20,), seed=generator).numpy() for _ in range(3)]
    assert len({x.tobytes() for x in draws}) == 3
    again = random.SeedGenerator.from_config(generator.get_config())
    for x in draws:
        np.testing.assert_array_equal(random.uniform((20,), seed=again).numpy(), x)
    assert generator.state.numpy().tolist() == [7, 3]


def test_compiled_draws_are_the_eager_ones() -> None:
    eager, compiled = random.SeedGenerator(11), random.SeedGenerator(11)

    def draw(generator):
        return random.normal((33,), seed=generator), random.uniform((5,), seed=generator)

    step = dlrs.function(lambda: draw(compiled))
    for _ in range(3):
        for x, y in zip(draw(eager), step(), strict=True):
            np.testing.assert_array_equal(x.numpy(), y.numpy())
    assert eager.state.numpy().tolist() == compiled.state.numpy().tolist() == [11, 6]


def test_the_global_generator_follows_the_seed() -> None:
    def draws() -> list[bytes]:
        dlrs.utils.set_random_seed(42)
        return [random.uniform((9,)).numpy().tobytes() for _ in range(2)]

    first = draws()
    assert first == draws()
    assert first[0] != first[1]
    clear_session()


def test_permutation_and_shuffle() -> None:
    p = random.permutation(1000, seed=1)
    assert p.dtype == np.int64
    assert sorted(p.tolist()) == list(range(1000))
    assert p.tolist() != list(range(1000))
    assert p.tolist() == random.permutation(1000, seed=1).tolist()
    x = np.arange(12).reshape(3, 4)
    columns = random.shuffle(x, axis=1, seed=2).numpy()
    assert sorted(columns.T.tolist()) == x.T.tolist()


def test_draws_do_not_depend_on_threads() -> None:
    from dlrs import _dlrs

    before = _dlrs.num_threads()
    try:
        drawn = []
        for threads in (1, 2, 3):
            _dlrs.set_num_threads(threads)
            drawn.append(random.normal((100_003,), seed=9).numpy().tobytes())
    finally:
        _dlrs.set_num_threads(before)
    assert len(set(drawn)) == 1


@pytest.mark.parametrize("seed", ["a", 1.5, True])
def test_bad_seeds(seed) -> None:
    with pytest.raises(ValueError, match="seed"):
        random.uniform((2,), seed=seed)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_draws_by_rejection_have_their_moments(dtype: str) -> None:
    for draw, mean, variance in (
        (random.gamma((20_000,), 3.0, dtype, seed=1), 3.0, 3.0),
        (random.beta((20_000,), 2.0, 3.0, dtype, seed=1), 0.4, 0.04),
        (random.binomial((20_000,), 100, 0.25, dtype, seed=1), 25.0, 18.75),
    ):
        assert draw.dtype == dtype
        x = draw.numpy().astype(np.float64)
        assert abs(x.mean() - mean) < 5 * np.sqrt(variance / x.size) + 4e-3 * mean
        assert x.var() == pytest.approx(variance, rel=0.1)


def test_parameters_are_broadcast() -> None:
    x = random.gamma((1000, 2), [1.0, 100.0], seed=1).numpy()
    assert x[:, 0].mean() < 2 < 90 < x[:, 1].mean()
    with pytest.raises(ValueError, match=r"\(3,\)"):
        random.gamma((1000, 2), [1.0, 2.0, 3.0], seed=1)


def test_parameters_out_of_range_give_nan() -> None:
    assert np.isnan(random.gamma((2,), [-1.0, 0.0], seed=1).numpy()).all()
    assert np.isnan(random.binomial((2,), 3, [-0.1, 1.1], seed=1).numpy()).all()


def test_draws_have_no_gradient_by_their_parameters() -> None:
    with pytest.raises(ValueError, match="random_gamma has no gradient"):
        dlrs.grad(lambda a: ops.sum(random.gamma((3,), a, seed=1)))(ops.array(2.0))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_uniform_draws_are_below_one(dtype: str) -> None:
    x = random.uniform((100_000,), dtype=dtype, seed=1).numpy().astype(np.float32)
    assert x.min() >= 0
    assert x.max() < 1


def test_shuffling_is_the_same_in_a_program() -> None:
    x = np.arange(24).reshape(2, 12)
    generator = random.SeedGenerator(5)

    def shuffled():
        return random.shuffle(x, axis=-1, seed=generator)

    run = dlrs.function(shuffled)
    first = [shuffled().numpy() for _ in range(2)]
    generator.state.assign(np.array([5, 0], np.int64))
    second = [run().numpy() for _ in range(2)]
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(np.sort(first[0], axis=1), x)
    np.testing.assert_array_equal(first[0][1] - first[0][0], 12)
