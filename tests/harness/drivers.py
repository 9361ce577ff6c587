"""What is checked of every row. Each driver takes a row and raises AssertionError with the case at fault."""

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import dlrs
from dlrs import _dlrs
from harness.compare import assert_same_bytes, assert_within
from harness.layouts import LAYOUTS
from harness.row import FLOATS, Array, Case, Row, leaves

THREADS = (1, 2, 3, 5)


def describe(row: Row, case: Case, dtype: str) -> str:
    """A case in a message."""
    attributes = ", ".join(f"{name}={value!r}" for name, value in case.attributes.items())
    return f"{row.name}({', '.join(map(str, case.shapes))}; {attributes}) in {dtype}"


def arrays(results: Any) -> list[Array]:
    """The results as NumPy arrays."""
    return [tensor.numpy() for tensor in leaves(results)]


def agrees_with_numpy(row: Row, dtype: str) -> None:
    """Values, shapes and dtypes are NumPy's, whatever the memory layout of the operands."""
    for case in row.cases_in(dtype):
        what = describe(row, case, dtype)
        operands, attributes = row.operands(case, dtype), row.attributes(case, dtype)
        results = arrays(row.op(*operands, **attributes))
        expected = row.expected(case, operands, dtype)
        assert len(results) == len(expected), f"{what}: {len(results)} results, NumPy has {len(expected)}"
        for result, reference in zip(results, expected, strict=True):
            assert result.dtype == row.result_dtype(dtype, reference), f"{what}: dtype {result.dtype}"
            assert_within(result, reference, *row.bounds(operands, dtype), what)
        if case.large:
            continue
        for layout in LAYOUTS:
            again = arrays(row.op(*(layout(x) for x in operands), **attributes))
            assert_same_bytes(again, results, f"{what}, operands {layout.__name__}")


def gradient_of(row: Row, case: Case, dtype: str, operands: Sequence[Any]) -> list[Any]:
    """Results and then gradients of their weighted sum, by the tape; operands may be arrays or symbolic tensors."""
    tensors = [_dlrs.tensor(x) for x in operands]
    sources = [tensors[i] for i in row.sources(row.operands(case, dtype), dtype)]
    with dlrs.GradientTape() as tape:
        tape.watch(sources)
        results = leaves(row.op(*tensors, **row.attributes(case, dtype)))
    targets = [result for result in results if result.dtype in FLOATS]
    if not targets:
        return results
    weights = [_dlrs.tensor(w) for w in output_weights(targets, dtype)]
    return [*results, *tape.gradient(targets, sources, weights, unconnected_gradients="zero")]


def output_weights(results: Sequence[Any], dtype: str) -> list[Array]:
    """Weights of the elements of results, none of them 0."""
    rng = np.random.default_rng(7)
    return [np.asarray(rng.uniform(0.5, 1.5, result.shape)).astype(dtype) for result in results]


def differentiates(row: Row) -> None:
    """Gradients are those of central differences of the reference, in float64."""
    checked = 0
    for case in smooth_cases(row):
        operands = row.operands(case, "float64")
        sources = row.sources(operands, "float64")
        expected = row.expected(case, operands, "float64")
        weights = output_weights([e for e in map(np.asarray, expected) if e.dtype.kind == "f"], "float64")
        gradients = gradient_of(row, case, "float64", operands)[len(expected) :]

        def total(values: Sequence[Array], case: Case = case, weights: list[Array] = weights) -> float:
            results = [r for r in map(np.asarray, row.expected(case, values, "float64")) if r.dtype.kind == "f"]
            return sum(float(np.sum(r * w)) for r, w in zip(results, weights, strict=True))

        for source, gradient in zip(sources, gradients, strict=True):
            difference = central_difference(total, operands, source)
            what = f"gradient {source} of {describe(row, case, 'float64')}"
            assert gradient.dtype == "float64", what
            np.testing.assert_allclose(gradient.numpy(), difference, rtol=1e-6, atol=1e-9, err_msg=what)
            checked += 1
    assert checked, f"{row.name}: no case was differentiated"


def smooth_cases(row: Row) -> list[Case]:
    """The cases with gradients, but for the large ones."""
    return [case for case in row.cases_in("float64") if case.smooth and not case.large]


def central_difference(f: Callable[[Sequence[Array]], float], operands: Sequence[Array], source: int) -> Array:
    """Derivatives of `f` by the elements of one operand, with an error of h⁴ (Abramowitz and Stegun 25.3.6)."""
    h = 1e-3
    moved = [x.copy() for x in operands]
    x = moved[source]
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        center = x[place]
        values = []
        for k in (-2, -1, 1, 2):
            x[place] = center + k * h
            values.append(f(moved))
        x[place] = center
        result[place] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return result


def differentiates_twice(row: Row) -> None:
    """Gradients of gradients are central differences of the gradient, in float64."""
    checked = 0
    for case in smooth_cases(row):
        operands = row.operands(case, "float64")
        sources = row.sources(operands, "float64")
        count = len(row.expected(case, operands, "float64"))

        def first(tensors: Sequence[Any], case: Case = case, count: int = count) -> Any:
            gradients = gradient_of(row, case, "float64", tensors)[count:]
            # Weighted, so that the second derivatives of different elements do not cancel.
            weights = output_weights(gradients, "float64")
            sums = [_dlrs.sum(g * _dlrs.tensor(w)) for g, w in zip(gradients, weights, strict=True)]
            return sum(sums[1:], sums[0])

        tensors = [_dlrs.tensor(x) for x in operands]
        watched = [tensors[i] for i in sources]
        with dlrs.GradientTape() as tape:
            tape.watch(watched)
            slope = first(tensors)
        for source, gradient in zip(sources, tape.gradient(slope, watched, unconnected_gradients="zero"), strict=True):
            difference = central_difference(lambda values: first(values).item(), operands, source)
            what = f"second gradient {source} of {describe(row, case, 'float64')}"
            np.testing.assert_allclose(gradient.numpy(), difference, rtol=1e-6, atol=1e-8, err_msg=what)
            checked += 1
    assert checked, f"{row.name}: no case was differentiated"


def same_at_any_thread_count(row: Row) -> None:
    """Results and gradients of large cases have the same bits on 1, 2, 3 and 5 threads."""
    before, dtype = _dlrs.num_threads(), row.main_dtype
    for case in row.cases:
        if not case.large:
            continue
        operands = row.operands(case, dtype)
        results = []
        try:
            for threads in THREADS:
                _dlrs.set_num_threads(threads)
                assert _dlrs.num_threads() == threads
                results.append(arrays(everything(row, case, dtype)(*operands)))
        finally:
            _dlrs.set_num_threads(before)
        for threads, result in zip(THREADS[1:], results[1:], strict=True):
            assert_same_bytes(result, results[0], f"{describe(row, case, dtype)} on {threads} threads against 1")


def everything(row: Row, case: Case, dtype: str) -> Callable[..., list[Any]]:
    """A function of the operands: results, and gradients where there are some."""
    if dtype in FLOATS and row.sources(row.operands(case, dtype), dtype):
        return lambda *operands: gradient_of(row, case, dtype, operands)
    return lambda *operands: leaves(row.op(*operands, **row.attributes(case, dtype)))


def is_shared_by_threads(row: Row) -> None:
    """The large cases are cut into several tiles, and estimated long enough for more threads than one."""
    dtype = row.main_dtype
    for case in row.cases:
        if not case.large:
            continue
        program, estimate = planned(row, case, dtype)
        what = f"{describe(row, case, dtype)}: {program}"
        assert estimate >= 50, what
        assert any(int(tiles) > 1 for tiles in re.findall(r"(\d+) tiles", program)), what


def planned(row: Row, case: Case, dtype: str) -> tuple[str, float]:
    """The plan of an op as text, and its estimated time on one thread in µs."""
    trace = _dlrs.Trace()
    with trace:
        operands = [trace.input(x.shape, str(x.dtype)) for x in row.operands(case, dtype)]
        results = leaves(row.op(*operands, **row.attributes(case, dtype)))
    text = trace.finish(results).explain()
    return text, float(text.split("estimated ")[1].split(" µs")[0])


def same_in_every_mode(row: Row) -> None:
    """Eager, recorded and compiled give the same bits, alone and between other ops, and so do their gradients."""
    for dtype in row.dtypes:
        for case in row.cases_in(dtype):
            what = describe(row, case, dtype)
            operands = [_dlrs.tensor(x) for x in row.operands(case, dtype)]

            def call(*operands: Any, case: Case = case, dtype: str = dtype) -> list[Any]:
                return leaves(row.op(*operands, **row.attributes(case, dtype)))

            eager = arrays(call(*operands))
            with dlrs.GradientTape() as tape:
                tape.watch([x for x in operands if x.dtype in FLOATS])
                recorded = arrays(call(*operands))
            assert_same_bytes(recorded, eager, f"{what}: recorded against eager")
            assert_same_bytes(arrays(compiled(call, operands)), eager, f"{what}: compiled against eager")
            for function, name in ((everything(row, case, dtype), "gradients"), (amid(call), "amid other ops")):
                direct = arrays(function(*operands))
                assert_same_bytes(arrays(compiled(function, operands)), direct, f"{what}: compiled {name}")


def compiled(function: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """The results of the function as a program."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return dlrs.function(function)(*operands)


def amid(call: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """The op between elementwise ops, with which a plan may fuse it."""

    def function(*operands: Any) -> list[Any]:
        moved = [_dlrs.negative(_dlrs.subtract(0.0, x)) if x.dtype in FLOATS else x for x in operands]
        results = call(*moved)
        return [_dlrs.add(_dlrs.multiply(r, 0.75), 0.5) if r.dtype in FLOATS else r for r in results]

    return function


def refuses_wrong_arguments(row: Row) -> None:
    """Each refusal has its type and names the op; while tracing it is the same error with the same text."""
    for refusal in row.refusals:
        what = f"{row.name}({refusal.arguments}, {dict(refusal.attributes)})"
        messages = []
        operands = refusal.operands()
        for call in (row.op, dlrs.function(row.op)):
            try:
                call(*operands, **refusal.attributes)
            except refusal.error as error:
                messages.append(str(error))
            except Exception as error:
                raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
            else:
                raise AssertionError(f"{what} was not refused")
        assert (row.says or row.name) in messages[0], f"{what} does not name the op: {messages[0]}"
        assert re.search(refusal.pattern, messages[0]), f"{what}: {messages[0]!r} does not match {refusal.pattern!r}"
        assert messages[0] == messages[1], f"{what}: traced, the message is {messages[1]!r}, else {messages[0]!r}"
