"""Names of a model's state that depend on its structure alone: two models built alike have the same names."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dlrs.backend import Variable, to_snake_case


def named_weights(model: Any) -> dict[str, Variable]:
    """The weights by the classes of the layers that lead to them: `dense_1/kernel`. A shared layer is named once.

    >>> from dlrs import Input, Sequential, layers
    >>> list(named_weights(Sequential([Input((2,)), layers.Dense(1), layers.Dense(1, use_bias=False)])))
    ['dense/kernel', 'dense/bias', 'dense_1/kernel']
    """
    seen: set[int] = set()
    found: dict[str, Variable] = {}
    for prefix, layer in _layers(model):
        fresh = [variable for variable in layer._own_weights() if id(variable) not in seen]
        seen.update(id(variable) for variable in fresh)
        names = _distinct([variable.name for variable in fresh])
        found.update((f"{prefix}{name}", variable) for name, variable in zip(names, fresh, strict=True))
    return found


def named_states(model: Any) -> dict[str, Variable]:
    """The states of the seed generators and of stateful layers, named likewise."""
    seen: set[int] = set()
    found: dict[str, Variable] = {}
    for prefix, layer in _layers(model):
        fresh = [variable for variable in layer._own_passing_states() if id(variable) not in seen]
        seen.update(id(variable) for variable in fresh)
        seeds = {id(seed.state) for seed in layer._seed_generators}
        names = _distinct(["seed" if id(variable) in seeds else variable.name for variable in fresh])
        found.update((f"{prefix}{name}", variable) for name, variable in zip(names, fresh, strict=True))
    return found


def numbered(variables: Sequence[Variable]) -> dict[str, Variable]:
    """Variables by position and kind: the slots of an optimizer, whose own names hold those of layers."""
    return {f"{index:05d}": variable for index, variable in enumerate(variables)}


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers, parents first, each once, with the path to it."""
    seen = {id(model)}
    stack: list[tuple[str, Any]] = [("", model)]
    while stack:
        prefix, layer = stack.pop()
        yield prefix, layer
        # An input has no state, and models with and without one are otherwise alike.
        children = [child for child in layer._layers_as_saved() if type(child).__name__ != "InputLayer"]
        names = _distinct([to_snake_case(type(child).__name__) for child in children])
        fresh = []
        for name, child in zip(names, children, strict=True):
            if id(child) not in seen:
                seen.add(id(child))
                fresh.append((f"{prefix}{name}/", child))
        stack.extend(reversed(fresh))


def _distinct(names: list[str]) -> list[str]:
    """The names, with `_1`, `_2`, ... after those that come again."""
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    distinct = []
    for name in names:
        candidate = name
        while candidate in taken:
            counts[name] += 1
            candidate = f"{name}_{counts[name]}"
        taken.add(candidate)
        distinct.append(candidate)
    return distinct
