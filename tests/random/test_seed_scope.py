"""Draws within a seed scope: functions of its key, whatever thread makes them and in whatever order."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import dlrs
from dlrs import layers, random


def test_draws_do_not_depend_on_order_or_threads() -> None:
    layer = layers.GaussianNoise(1.0, seed=5)
    x = np.zeros((4, 3), "float32")

    def draw(index: int) -> bytes:
        with random.seed_scope(11, 2, index):
            return layer(x, training=True).numpy().tobytes() + layer(x, training=True).numpy().tobytes()

    want = [draw(i) for i in range(32)]
    assert len(set(want)) == 32
    assert [draw(i) for i in reversed(range(32))] == want[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(32))) == want


def test_state_stays_and_generators_differ() -> None:
    a, b = random.SeedGenerator(1), random.SeedGenerator(2)
    with random.seed_scope(0, 0):
        first = [random.uniform((3,), seed=g).tolist() for g in (a, a, b, None, None)]
    assert len({tuple(x) for x in first}) == 5
    assert a.state.numpy().tolist() == [1, 0]
    with random.seed_scope(0, 0):
        assert random.uniform((3,), seed=a).tolist() == first[0]
    assert random.uniform((3,), seed=a).tolist() != first[0]
    assert a.state.numpy().tolist() == [1, 1]


def test_nested_scopes_and_integers() -> None:
    generator = random.SeedGenerator(1)
    fixed = random.normal((2,), seed=3).tolist()
    with random.seed_scope(1):
        outer = random.uniform((2,), seed=generator).tolist()
        with random.seed_scope(2):
            assert random.uniform((2,), seed=generator).tolist() != outer
            assert random.normal((2,), seed=3).tolist() == fixed
        second = random.uniform((2,), seed=generator).tolist()
    with random.seed_scope(1):
        assert random.uniform((2,), seed=generator).tolist() == outer
        assert random.uniform((2,), seed=generator).tolist() == second
    assert random.current_seed_scope() is None


def test_a_program_draws_anew() -> None:
    generator = random.SeedGenerator(1)

    @dlrs.function
    def draw(x: dlrs.Tensor) -> dlrs.Tensor:
        return x + random.uniform((2,), seed=generator)

    with random.seed_scope(1):
        zero = dlrs.ops.zeros((2,))
        assert draw(zero).tolist() != draw(zero).tolist()


@pytest.mark.parametrize("numbers", [(1.0,), ("a",), (1, None), (True,), (2**63,), (0, -(2**63) - 1)])
def test_bad_numbers(numbers: tuple) -> None:
    with pytest.raises(ValueError, match="seed_scope"):
        random.seed_scope(*numbers)
