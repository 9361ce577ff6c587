"""Nested lists, tuples and dicts of values.

Everything else, None included, is a leaf. Dicts are visited in the order of their sorted keys, so that two dicts with
the same keys flatten alike.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

_TOO_DEEP = "A structure is nested too deeply, or contains itself."


def _children(structure: Any) -> list[Any] | None:
    if isinstance(structure, dict):
        return [structure[key] for key in sorted(structure)]
    if isinstance(structure, list | tuple):
        return list(structure)
    return None


def _rebuild(structure: Any, children: list[Any]) -> Any:
    if isinstance(structure, dict):
        values = dict(zip(sorted(structure), children, strict=True))
        return type(structure)((key, values[key]) for key in structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict rather than a leaf.

    >>> is_nested([1]), is_nested({}), is_nested(1)
    (True, True, False)
    """
    return isinstance(structure, list | tuple | dict)


def flatten(structure: Any) -> list[Any]:
    """The leaves of `structure`, depth first.

    >>> flatten({"b": 1, "a": (2, [3])})
    [2, 3, 1]
    """
    try:
        children = _children(structure)
        if children is None:
            return [structure]
        return [leaf for child in children for leaf in flatten(child)]
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def pack_sequence_as(structure: Any, leaves: Sequence[Any]) -> Any:
    """`structure` with its leaves replaced, in order, by `leaves`.

    >>> pack_sequence_as({"b": 1, "a": (2, [3])}, "xyz")
    {'b': 'z', 'a': ('x', ['y'])}
    """
    remaining = iter(leaves)

    def pack(part: Any) -> Any:
        children = _children(part)
        if children is None:
            return next(remaining)
        return _rebuild(part, [pack(child) for child in children])

    try:
        packed = pack(structure)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except StopIteration:
        raise ValueError(f"pack_sequence_as: {len(leaves)} leaves are too few for {structure!r}.") from None
    if next(remaining, leaves) is not leaves:
        raise ValueError(f"pack_sequence_as: {len(leaves)} leaves are too many for {structure!r}.")
    return packed


def map_structure(fn: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """`structure` with `fn` applied to its leaves, together with the leaves at the same places of `others`.

    >>> map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    if not is_nested(structure):
        return fn(structure, *others)
    for other in others:
        assert_same_structure(structure, other)
    columns = zip(flatten(structure), *(flatten(other) for other in others), strict=True)
    return pack_sequence_as(structure, [fn(*column) for column in columns])


def structure_key(structure: Any) -> Any:
    """A hashable description of the nesting: two structures with equal keys flatten to leaves of the same meaning."""
    if isinstance(structure, dict):
        return (dict, tuple((key, structure_key(structure[key])) for key in sorted(structure)))
    if isinstance(structure, list | tuple):
        return (type(structure), tuple(structure_key(child) for child in structure))
    return None


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise ValueError unless `a` and `b` are nested alike.

    >>> assert_same_structure([1, {'a': 2}], [3, {'a': 4}])
    """
    try:
        same = structure_key(a) == structure_key(b)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not same:
        raise ValueError(f"The structures differ: expected a {type(a).__name__} like {a!r}, got {b!r}.")


def is_shape_tuple(structure: Any) -> bool:
    """Whether `structure` is a shape: a list or tuple of numbers and Nones."""
    return isinstance(structure, list | tuple) and all(isinstance(size, int | None) for size in structure)


def map_shape_structure(fn: Callable[[Any], Any], structure: Any) -> Any:
    """`structure` with `fn` applied to the shapes in it, which count as leaves.

    >>> map_shape_structure(len, [(2, None), {"a": ()}])
    [2, {'a': 0}]
    """
    if is_shape_tuple(structure):
        return fn(tuple(structure))
    children = _children(structure)
    if children is None:
        raise ValueError(f"map_shape_structure: {structure!r} is neither a shape nor nested.")
    try:
        return _rebuild(structure, [map_shape_structure(fn, child) for child in children])
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def map_structure_up_to(shallow: Any, fn: Callable[..., Any], *structures: Any) -> Any:
    """`shallow` with its leaves replaced by `fn` of what stands there in `structures`, be it nested further or not.

    >>> map_structure_up_to([0, 0], len, [(1, 2), (3,)])
    [2, 1]
    """
    children = _children(shallow)
    if children is None:
        return fn(*structures)
    below = [_children(structure) or [] for structure in structures]
    if any(len(parts) != len(children) for parts in below):
        raise ValueError(f"map_structure_up_to: {structures!r} are not nested at least like {shallow!r}.")
    columns = zip(*below, strict=True)
    return _rebuild(
        shallow, [map_structure_up_to(child, fn, *column) for child, column in zip(children, columns, strict=True)]
    )


def traverse(fn: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """`structure` with every part, leaf or not, replaced by `fn` of it where that is not None.

    >>> traverse(lambda part: tuple(part) if isinstance(part, list) else None, [1, [2]], top_down=False)
    (1, (2,))
    """
    if top_down and (replaced := fn(structure)) is not None:
        return replaced
    children = _children(structure)
    if children is not None:
        try:
            structure = _rebuild(structure, [traverse(fn, child, top_down) for child in children])
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None
    if not top_down and (replaced := fn(structure)) is not None:
        return replaced
    return structure


def lists_to_tuples(structure: Any) -> Any:
    """`structure` with tuples for its lists.

    >>> lists_to_tuples({"a": [1, [2]]})
    {'a': (1, (2,))}
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of `structure`, each with the keys and positions that lead to it.

    >>> flatten_with_path({"a": [5, 6]})
    [(('a', 0), 5), (('a', 1), 6)]
    """
    children = _children(structure)
    if children is None:
        return [((), structure)]
    keys = sorted(structure) if isinstance(structure, dict) else range(len(children))
    try:
        return [
            ((key, *path), leaf)
            for key, child in zip(keys, children, strict=True)
            for path, leaf in flatten_with_path(child)
        ]
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def any_leaf(predicate: Callable[[Any], bool], structure: Any) -> bool:
    """Whether `predicate` holds for some leaf."""
    try:
        return any(predicate(leaf) for leaf in _leaves(structure))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _leaves(structure: Any) -> Iterator[Any]:
    children = _children(structure)
    if children is None:
        yield structure
    else:
        for child in children:
            yield from _leaves(child)
