"""How the outputs of a model are nested, and how targets, weights and metrics are matched to them."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend import tree

Path = tuple[Any, ...]


class OutputStructure:
    """The nesting of a model's outputs, with a name for each.

    Args:
        y_pred: the outputs, of which only the nesting counts.
        names: the model's own names of them; the keys of a dict go before these.

    >>> outputs = OutputStructure({"b": 1, "a": 2}, [])
    >>> outputs.names, outputs.paths
    (['a', 'b'], [('a',), ('b',)])
    """

    def __init__(self, y_pred: Any, names: Sequence[str]) -> None:
        self.nest = tree.map_structure(lambda leaf: None, y_pred)
        self.paths: list[Path] = leaf_paths(self.nest)
        self.is_flat = all(len(path) == 1 for path in self.paths)
        self.given_names = list(names) if len(names) == len(self.paths) else []
        self.names: list[str | None] = list(self.given_names) or [None] * len(self.paths)
        if self.is_flat and isinstance(self.nest, dict):
            self.names = [str(path[0]) for path in self.paths]
            if set(self.given_names) == set(self.names):
                # The keys are the model's names: then its order is that of the logs, too.
                order = sorted(range(len(self.paths)), key=lambda place: names.index(self.names[place]))
                self.paths = [self.paths[place] for place in order]
                self.names = [self.names[place] for place in order]

    def __len__(self) -> int:
        return len(self.paths)

    def leaves(self, value: Any) -> list[Any]:
        """The leaves of what is nested like the outputs, in the order of `names`."""
        return [at_path(value, path) for path in self.paths]

    def label(self, place: int) -> str:
        """What messages call an output."""
        name = self.names[place]
        return name if name is not None else "/".join(map(str, self.paths[place]))

    def targets(self, y: Any, has_loss: Sequence[bool] = ()) -> Any:
        """The targets `y`, nested like the outputs.

        They may be given by the names of the outputs, in other containers of the same nesting, in a flat list, or for
        those outputs only that have a loss.

        Raises:
            ValueError: `y` is nested otherwise.
        """
        arranged = self._arranged(y)
        if arranged is not _UNFIT:
            return arranged
        if isinstance(y, dict) and self.is_flat and len(self) > 1 and None not in self.names:
            return self._targets_by_name(y, has_loss)
        leaves = tree.flatten(y)
        if has_loss and len(has_loss) == len(self) and sum(has_loss) == len(leaves):
            remaining = iter(leaves)
            return self.packed([next(remaining) if has else None for has in has_loss])
        raise ValueError(
            f"y_true and y_pred have different structures. The targets `y` are nested as {_shown(y)}, the outputs as "
            f"{_shown(self.nest)}."
        )

    def _targets_by_name(self, y: dict[Any, Any], has_loss: Sequence[bool]) -> Any:
        needed = [name for name, has in zip(self.names, has_loss or [True] * len(self), strict=True) if has]
        unknown, missing = sorted(set(y) - set(self.names)), [name for name in needed if name not in y]
        if unknown or missing:
            raise ValueError(
                f"y_true and y_pred have different structures. The targets `y` are named {sorted(y)}; the model's "
                f"outputs are {self.names}, of which {needed} have a loss."
            )
        return self.packed([y.get(name) for name in self.names])

    def weights(self, sample_weight: Any) -> Any:
        """The sample weights, nested like the outputs; an array alone is for all of them, None for none.

        Raises:
            ValueError: they are nested otherwise, or name an output that there is not.
        """
        if not tree.is_nested(sample_weight):
            return self.packed([sample_weight] * len(self))
        if isinstance(sample_weight, dict) and self.is_flat:
            unknown = sorted(set(sample_weight) - set(self.names))
            if unknown:
                raise ValueError(f"`sample_weight` names the outputs {unknown}; the model's outputs are {self.names}.")
            return self.packed([sample_weight.get(name) for name in self.names])
        arranged = self._arranged(sample_weight)
        if arranged is _UNFIT:
            raise ValueError(
                f"`sample_weight` is nested as {_shown(sample_weight)}, the outputs as {_shown(self.nest)}."
            )
        return arranged

    def packed(self, leaves: Sequence[Any]) -> Any:
        """Leaves in the order of `names`, nested like the outputs."""
        by_path = dict(zip(self.paths, leaves, strict=True))
        return tree.pack_sequence_as(self.nest, [by_path[path] for path in leaf_paths(self.nest)])

    def _arranged(self, value: Any) -> Any:
        if tree.structure_key(tree.map_structure(lambda leaf: None, value)) == tree.structure_key(self.nest):
            return value
        if isinstance(value, dict) and not isinstance(self.nest, dict):
            if set(value) == set(self.names):
                return self.packed([value[name] for name in self.names])
            return _UNFIT
        if isinstance(value, dict) and self.is_flat and set(value) != set(self.names):
            return _UNFIT
        leaves = tree.flatten(value)
        if len(leaves) != len(self):
            return _UNFIT
        flat = not tree.is_nested(value) or not any(map(tree.is_nested, _children(value)))
        same_paths = [tuple(path) for path in leaf_paths(value)] == leaf_paths(self.nest)
        if not flat and not same_paths:
            return _UNFIT
        return tree.pack_sequence_as(self.nest, leaves)


_UNFIT = object()


def at_path(value: Any, path: Path) -> Any:
    """The part of a nest that `path`, keys and positions, leads to."""
    for key in path:
        value = value[key]
    return value


def leaf_paths(value: Any) -> list[Path]:
    """The paths of the leaves of a nest, in the order of `tree.flatten`.

    >>> leaf_paths({"b": [1, 2], "a": 3})
    [('a',), ('b', 0), ('b', 1)]
    """
    if isinstance(value, dict):
        return [(key, *rest) for key in sorted(value) for rest in leaf_paths(value[key])]
    if isinstance(value, list | tuple):
        return [(place, *rest) for place, item in enumerate(value) for rest in leaf_paths(item)]
    return [()]


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _shown(value: Any) -> str:
    return str(tree.map_structure(lambda leaf: _Star(), value))


class _Star:
    def __repr__(self) -> str:
        return "*"
