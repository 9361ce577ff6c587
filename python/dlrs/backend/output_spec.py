"""Shapes and types of a function's results, found by tracing it on stand-ins."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import tree
from dlrs.backend.keras_tensor import KerasTensor

# Open sizes are replaced by two numbers, one after the other: a size that depends on one differs between the two
# traces. Primes first, large enough not to meet a size written in a model by chance; then numbers with many divisors,
# for functions that cut an axis into equal parts.
_STAND_INS = ((83, 89), (720, 840))

# A small size, for functions that take the smaller of an open size and another. Where it is too small, it says nothing.
_SMALL = 2

# At most so many traces look for the sizes that make the arguments fit together.
_MOST_TRIALS = 64


class _Local(threading.local):
    depth = 0


_LOCAL = _Local()


class SymbolicScope:
    """The block in which a function runs on stand-ins, only to find shapes and types; entered by `compute_output_spec`.

    >>> seen = []
    >>> spec = compute_output_spec(lambda x: seen.append(in_symbolic_scope()) or x, KerasTensor((2,)))
    >>> seen, in_symbolic_scope()
    ([True], False)
    """

    def __enter__(self) -> "SymbolicScope":
        _LOCAL.depth += 1
        return self

    def __exit__(self, *exception: Any) -> None:
        _LOCAL.depth -= 1


def in_symbolic_scope() -> bool:
    """Whether the code that asks runs only so that shapes and types are found.

    >>> in_symbolic_scope()
    False
    """
    return _LOCAL.depth > 0


def without_stand_ins(shapes: dict[str, Any]) -> dict[str, Any]:
    """The shapes that code sees, with None for numbers of examples that only stand in for an open one.

    >>> without_stand_ins({"input_shape": (83, 8)})  # outside a `SymbolicScope` a number is a number
    {'input_shape': (83, 8)}
    """
    if not in_symbolic_scope():
        return shapes
    sizes = {size for pair in _STAND_INS for size in pair}

    def opened(shapes: Any) -> Any:
        if isinstance(shapes, dict):
            return {name: opened(shape) for name, shape in shapes.items()}
        if not isinstance(shapes, list | tuple) or not shapes:
            return shapes
        if tree.is_shape_tuple(shapes):
            return (None, *shapes[1:]) if shapes[0] in sizes else shapes
        return [opened(shape) for shape in shapes]

    return {name: opened(shape) for name, shape in shapes.items()}


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `fn(*args, **kwargs)` returns, with placeholders in the place of tensors.

    Args:
        fn: A function of tensors, written in `dlrs.ops`.
        *args: Its arguments; placeholders (`KerasTensor`) may appear at any depth.
        **kwargs: Its keyword arguments, likewise.

    Nothing is computed and no variable changes: `fn` is traced with every open size replaced by one of a few numbers,
    and the sizes that come out different are open in the result. Open sizes that must be those of other arguments for
    the function to be defined are taken to be so.

    >>> spec = compute_output_spec(lambda x: x @ x.T, KerasTensor((None, 3)))
    >>> spec.shape, spec.dtype
    ((None, None), 'float32')
    >>> compute_output_spec(lambda x, y: x + y, KerasTensor((None, 3)), KerasTensor((2, None))).shape
    (2, 3)
    """
    leaves = [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]
    count = sum(leaf.shape.count(None) for leaf in leaves)
    if count == 0:
        only = _trace(fn, args, kwargs, ())
        return _merged([only])
    refusal: Exception | None = None
    for pair in _STAND_INS:
        try:
            first, second = (_trace(fn, args, kwargs, (size,) * count) for size in pair)
            return _merged([first, second, *_small_trace(fn, args, kwargs, count)])
        except _dlrs.TracingError as error:
            _name_open_sizes(error, pair)
            raise
        except (TypeError, ValueError) as error:
            _name_open_sizes(error, pair)
            refusal = refusal or error
    found = _with_sizes_of_others(fn, args, kwargs, leaves, count)
    if found is None and refusal is not None:
        raise refusal
    return found


def _with_sizes_of_others(
    fn: Callable[..., Any], args: Any, kwargs: Any, leaves: Sequence[KerasTensor], count: int
) -> Any:
    """The specification under the fewest open sizes that must be closed, None if there is none."""
    known = sorted(_known_sizes(leaves, (args, kwargs)), reverse=True)
    trials = itertools.islice(_assignments(count, known), _MOST_TRIALS)
    for _, group in itertools.groupby(trials, lambda sizes: sum(size is not None for size in sizes)):
        results = []
        for sizes in group:
            for stand_in in _STAND_INS[0] if None in sizes else (0,):
                try:
                    filled = [stand_in if size is None else size for size in sizes]
                    results.append(_trace(fn, args, kwargs, filled))
                except (TypeError, ValueError):
                    break
        if results:
            return _merged(results)
    return None


def _known_sizes(leaves: Sequence[KerasTensor], arguments: Any) -> set[int]:
    """Sizes that stand in the arguments: those of tensors, and numbers that may be sizes. To be 1 is never needed."""
    sizes = {size for leaf in leaves for size in leaf.shape if size is not None}
    for leaf in tree.flatten(arguments):
        if isinstance(leaf, int):
            sizes.add(leaf)
        elif not isinstance(leaf, KerasTensor):
            sizes.update(getattr(leaf, "shape", ()))
    return {size for size in sizes if size > 1}


def _small_trace(fn: Callable[..., Any], args: Any, kwargs: Any, count: int) -> list[Any]:
    """The result with small sizes, if there is one."""
    try:
        return [_trace(fn, args, kwargs, (_SMALL,) * count)]
    except (TypeError, ValueError, IndexError):
        return []


def _assignments(count: int, known: Sequence[int]) -> Iterator[tuple[int | None, ...]]:
    """Sizes for `count` open ones; None where a size stays open. Those that close few come first."""
    for closed in range(1, count + 1):
        for places in itertools.combinations(range(count), closed):
            for sizes in itertools.product(known, repeat=closed):
                chosen: list[int | None] = [None] * count
                for place, size in zip(places, sizes, strict=True):
                    chosen[place] = size
                yield tuple(chosen)


def _merged(results: Sequence[Any]) -> Any:
    """Placeholders for traced results: sizes in which the results differ are open."""

    def merge(*leaves: Any) -> Any:
        if not isinstance(leaves[0], Tensor | _dlrs.Variable):
            return leaves[0]
        sizes = [set(column) for column in zip(*(leaf.shape for leaf in leaves), strict=True)]
        return KerasTensor([size.pop() if len(size) == 1 else None for size in sizes], leaves[0].dtype)

    return tree.map_structure(merge, results[0], *results[1:])


def _trace(fn: Callable[..., Any], args: Any, kwargs: Any, sizes: Sequence[int]) -> Any:
    """What `fn` returns while it is traced, its open sizes being `sizes`, in the order of the leaves."""
    trace = _dlrs.Trace()
    remaining = iter(sizes)

    def replace(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        return trace.input([next(remaining) if dim is None else dim for dim in leaf.shape], leaf.dtype)

    with trace, SymbolicScope():
        traced_args, traced_kwargs = tree.map_structure(replace, (args, kwargs))
        return fn(*traced_args, **traced_kwargs)


def _name_open_sizes(error: Exception, stand_ins: Sequence[int]) -> None:
    """Write None, as placeholders do, for the stand-ins of a message."""
    number = re.compile(rf"(?<![\w.])({'|'.join(map(str, stand_ins))})(?![\w.])")
    if error.args and isinstance(error.args[0], str):
        error.args = (number.sub("None", error.args[0]), *error.args[1:])
    notes = getattr(error, "__notes__", None)
    if notes:
        notes[:] = [number.sub("None", note) for note in notes]
