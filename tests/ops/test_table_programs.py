"""Random programs: compiled as eager, on any number of threads, values and gradients, to the bit."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dlrs
from dlrs import _dlrs
from harness import drivers, programs
from harness.compare import assert_same_bytes

NUMBER = st.integers(0, 63)
STEPS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=24)
SIZES = st.tuples(st.integers(0, 40), st.integers(1, 40))


def values_and_gradients(steps: list[programs.Step]) -> Callable[..., list[Any]]:
    """A function of the inputs: the last values of the program, and gradients of the sum of them all by the inputs."""

    def function(*inputs: Any) -> list[Any]:
        with dlrs.GradientTape() as tape:
            tape.watch(inputs)
            results = programs.run(steps, inputs)[-3:]
            total = sum((_dlrs.sum(result) for result in results), start=_dlrs.tensor(0.0, results[0].dtype))
        return [*results, *tape.gradient(total, list(inputs), unconnected_gradients="zero")]

    return function


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(steps=STEPS, sizes=SIZES)
def test_compiled_as_eager(dtype: str, steps: list[programs.Step], sizes: tuple[int, int]) -> None:
    inputs = [_dlrs.tensor(x) for x in programs.inputs(*sizes, dtype)]
    assume(programs.run(steps, inputs))
    function = values_and_gradients(steps)
    eager = drivers.arrays(function(*inputs))
    assert_same_bytes(drivers.arrays(drivers.compiled(function, inputs)), eager, f"{steps} on {sizes}")


@given(steps=STEPS)
def test_same_bits_at_any_thread_count(steps: list[programs.Step]) -> None:
    inputs = [_dlrs.tensor(x) for x in programs.inputs(301, 203, "float32")]
    assume(programs.run(steps, inputs))
    program = dlrs.function(values_and_gradients(steps))
    before, results = _dlrs.num_threads(), []
    try:
        for threads in (1, 2, 3):
            _dlrs.set_num_threads(threads)
            results.append(drivers.arrays(program(*inputs)))
    finally:
        _dlrs.set_num_threads(before)
    for result in results[1:]:
        assert_same_bytes(result, results[0], str(steps))
