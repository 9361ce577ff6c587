"""What an eager op costs."""

import timeit

from dlrs import ops


def test_eager_add_of_two_small_tensors() -> None:
    """The figure is 2 µs on the reference machine; a slower one, or one with other work, is measured against Python."""
    a, b = ops.array([1.0, 2.0, 3.0]), ops.array([4.0, 5.0, 6.0])

    def nothing(x, y):
        return x

    def best(call) -> float:
        return min(timeit.repeat(call, number=1000, repeat=60)) / 1000

    call = best(lambda: nothing(a, b))
    # A Python call that does nothing takes 0.05 to 0.1 µs on the reference machine.
    assert best(lambda: ops.add(a, b)) < max(2e-6, 40 * call)
