"""The drivers of the op table find faults."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from harness import Row, drivers
from harness.row import case, refuses

X = [case((3, 4))]
LARGE = [case((701, 907), large=True)]
calls = itertools.count()


def by_call(x: Any) -> Any:
    """Another value at every call."""
    return _dlrs.add(x, float(next(calls)))


FAULTS: list[tuple[Callable[..., None], tuple[Any, ...], Row]] = [
    (drivers.agrees_with_numpy, ("float32",), Row("exp", np.expm1, X)),
    (drivers.agrees_with_numpy, ("float32",), Row("negative", lambda x: np.nextafter(np.float32(-x), 9), X)),
    (drivers.agrees_with_numpy, ("float32",), Row("negative", lambda x: -x[None], X)),
    (drivers.agrees_with_numpy, ("float32",), Row("isnan", np.isnan, X)),
    (drivers.agrees_with_numpy, ("float32",), Row("negative", lambda x: [-x, -x], X)),
    (drivers.differentiates, (), Row("square", lambda x: x**2 * (1 + 1e-5), X)),
    (drivers.differentiates, (), Row("stop_gradient", lambda x: x, X)),
    (drivers.differentiates, (), Row("square", np.square, LARGE)),
    (drivers.differentiates_twice, (), Row("square", np.square, X, call=lambda x: x * _dlrs.stop_gradient(x))),
    (drivers.same_at_any_thread_count, (), Row("add", np.add, LARGE, call=by_call)),
    (drivers.is_shared_by_threads, (), Row("add", np.add, [case((7,), (7,), large=True)])),
    (drivers.same_in_every_mode, (), Row("add", np.add, X, call=by_call)),
    (drivers.refuses_wrong_arguments, (), Row("exp", np.exp, X, refusals=[refuses(ValueError, "", (2,))])),
    (drivers.refuses_wrong_arguments, (), Row("add", np.add, X, refusals=[refuses(ValueError, "axis", (2,), (3,))])),
    (drivers.refuses_wrong_arguments, (), Row("add", np.add, X, refusals=[refuses(TypeError, "", (2,), (3,))])),
]


@pytest.mark.parametrize(("driver", "arguments", "row"), FAULTS, ids=itertools.count())
def test_faults_are_found(driver: Callable[..., None], arguments: tuple[Any, ...], row: Row) -> None:
    with pytest.raises(AssertionError):
        driver(row, *arguments)
