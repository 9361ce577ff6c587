"""The state of a model under the paths that Keras gives it in `.weights.h5`: `layers/dense/vars/0`.

A path leads through the attributes of layers, and through lists by the classes of what they hold: `layers/dense_1`.
Names of layers and variables have no part in it, since they differ between models that are built alike.
"""

import warnings
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dlrs.backend import Variable, to_snake_case
from dlrs.errors import format_error
from dlrs.layers.layer import Layer
from dlrs.metrics import Metric
from dlrs.optimizers import Optimizer
from dlrs.saving.matching import LoadReport
from dlrs.saving.safetensors import StoredTensor

_CONTAINERS = (list, tuple, dict)
_SHOWN = 20
# Paths of one object that are tried, and levels of a path.
_ALIASES, _DEPTH = 16, 64


def saved_objects(root: Any) -> Iterator[tuple[str, Any]]:
    """Layers and optimizers with their paths, parents first, each once."""
    seen: dict[int, Any] = {}  # with the objects, so that the ids stay theirs
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        path, node = stack.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        if isinstance(node, _CONTAINERS):
            children = _items(node)
        else:
            yield path, node
            children = _attributes(node)
        prefix = f"{path}/" if path else ""
        stack.extend(reversed([(prefix + name, child) for name, child in children]))


def _attributes(node: Any) -> list[tuple[str, Any]]:
    if isinstance(node, Optimizer):
        return [("inner_optimizer", vars(node)["inner_optimizer"])] if "inner_optimizer" in vars(node) else []
    if isinstance(node, Metric):
        return []
    graph = hasattr(type(node), "_layers_as_saved") and type(node)._layers_as_saved is not Layer._layers_as_saved
    first = [("layers", list(node.layers))] if graph or hasattr(node, "_stack") else []
    own = vars(node)
    names = list(node._tracker.names)
    names += ["optimizer"] if isinstance(own.get("optimizer"), Optimizer) else []
    children = [(_public(node, name), own[name]) for name in names if _has_state(own.get(name))]
    return [*first, *sorted(children, key=lambda child: _rank(child[0]))]


def other_paths(root: Any) -> dict[int, list[str]]:
    """By the ids of layers and optimizers, all paths under which they may stand in a file, the shortest first.

    Keras takes the first attribute by the alphabet: a model's list `layers` too, and properties of its class.
    """
    paths: dict[int, list[str]] = {}
    queue: deque[tuple[str, Any]] = deque([("", root)])
    while queue:
        path, node = queue.popleft()
        known = paths.setdefault(id(node), [])
        if path in known or len(known) == _ALIASES or path.count("/") > _DEPTH:
            continue
        known.append(path)
        children = _items(node) if isinstance(node, _CONTAINERS) else [*_attributes(node), *_aliases(node)]
        queue.extend((f"{path}/{name}" if path else name, child) for name, child in children)
    return paths


def _aliases(node: Any) -> list[tuple[str, Any]]:
    """Further attributes that show what a layer of one's own holds."""
    if not isinstance(node, Layer):
        return []
    found: list[tuple[str, Any]] = [("layers", getattr(node, "layers", None))]
    for cls in type(node).__mro__:
        if cls.__module__.split(".")[0] == "dlrs":
            break  # the user's own classes stand before
        for name, value in vars(cls).items():
            if isinstance(value, property) and not name.startswith("__"):
                with suppress(Exception):  # as Keras does: a property may need what is not there
                    found.append((name, value.__get__(node)))
    return [(name, value) for name, value in found if _has_state(value)]


def _public(node: Any, name: str) -> str:
    """The name of the property that shows a private attribute, if there is one: Keras comes upon that first."""
    return name[1:] if name.startswith("_") and isinstance(vars(type(node)).get(name[1:]), property) else name


def _rank(name: str) -> tuple[bool, str]:
    return name.startswith("_"), name


def _has_state(value: Any) -> bool:
    return isinstance(value, (Layer, Optimizer, Metric, *_CONTAINERS))


def _items(container: Any) -> list[tuple[str, Any]]:
    taken: Counter[str] = Counter()
    items = []
    for item in container.values() if isinstance(container, dict) else container:
        if not _has_state(item):
            continue
        name = "container" if isinstance(item, _CONTAINERS) else to_snake_case(type(item).__name__)
        items.append((f"{name}_{taken[name]}" if taken[name] else name, item))
        taken[name] += 1
    return items


def is_skipped(node: Any, skip: Any) -> bool:
    """Whether an object is among those to leave alone, itself or by its name."""
    return any(node is other or node.name == other for other in skip)


def state_to_save(
    model: Any, with_optimizer: bool = True, skip: Any = ()
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Arrays by path, and the attributes of their groups; without those of the objects to `skip`."""
    arrays: dict[str, Any] = {}
    attributes: dict[str, dict[str, str]] = {}
    for path, node in saved_objects(model):
        if (not with_optimizer and isinstance(node, Optimizer)) or is_skipped(node, skip):
            continue
        group = f"{path}/vars" if path else "vars"
        store: dict[str, Any] = {}
        node.save_own_variables(store)
        arrays.update((f"{group}/{name}", value) for name, value in store.items())
        attributes[group] = {"name": str(node.name)}
    return arrays, attributes


class KerasState:
    """Tensors of a file under Keras's paths, to be given to a model: all of them, or none.

    Args:
        tensors: by path.
        path, format, part: what the errors name.
    """

    def __init__(self, tensors: Mapping[str, StoredTensor], path: str, format: str, part: str) -> None:
        self.path, self.format, self.part = path, format, part
        self.groups: dict[str, dict[str, StoredTensor]] = {}
        for name, tensor in tensors.items():
            group, _, own = name.rpartition("/")
            self.groups.setdefault(group, {})[own] = tensor

    def load(self, model: Any, with_optimizer: bool = True, strict: bool = True, skip: Any = ()) -> LoadReport:
        """Assign the tensors.

        Args:
            model: whose weights exist.
            with_optimizer: whether the optimizer is to have its state, too.
            strict: whether everything must fit. If not, layers that do not fit stay as they are, with a warning.
            skip: layers, or names of layers, to leave alone.

        Raises:
            FormatError: something does not fit (G15); nothing has changed then.
        """
        report = LoadReport([], [], [], [], [])
        nodes = [
            (path, node) for path, node in saved_objects(model) if with_optimizer or not isinstance(node, Optimizer)
        ]
        nodes = self._found(model, nodes)
        before = [(variable, variable.value) for _, node in nodes for variable in _variables(node)]
        known = {_group(path) for path, _ in nodes}
        try:
            for path, node in nodes:
                if not is_skipped(node, skip):
                    self._load_one(path, node, report)
            foreign = [group for group in self.groups if group not in known and not _of_other_state(group)]
            report.unexpected.extend(f"{group}/{name}" for group in foreign for name in self.groups[group])
            wrong = [*report.mismatched, *report.missing, *report.unexpected]
            if strict and wrong:
                raise self._mismatch(wrong)
        except BaseException:
            for variable, value in before:
                variable.assign(value)
            raise
        if report.mismatched:
            shown = "; ".join(report.mismatched[:_SHOWN])
            warnings.warn(f"{self.path}: {len(report.mismatched)} objects could not be loaded: {shown}", stacklevel=4)
        return report

    def _found(self, model: Any, nodes: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The objects with the paths that the file has for them."""
        taken = {path for path, _ in nodes if _group(path) in self.groups}
        lost = {id(node) for path, node in nodes if path not in taken and _has_variables(node)}
        if not lost:
            return nodes
        others = other_paths(model)
        found = []
        for path, node in nodes:
            if id(node) in lost:
                places = [p for p in others.get(id(node), ()) if p not in taken and _group(p) in self.groups]
                path = places[0] if places else path
                taken.add(path)
            found.append((path, node))
        return found

    def _load_one(self, path: str, node: Any, report: LoadReport) -> None:
        group = _group(path)
        store = {name: tensor.numpy() for name, tensor in self.groups.get(group, {}).items()}
        if not store and not _variables(node) and type(node).load_own_variables is Layer.load_own_variables:
            return
        if isinstance(node, Optimizer) and not store:
            return
        try:
            if isinstance(node, Optimizer):
                _check_optimizer(node, store)
            node.load_own_variables(store)
        except Exception as error:
            (report.mismatched if store else report.missing).append(f"{group}: {node.name}: {error}")
            return
        report.loaded.extend(f"{group}/{name}" for name in store)

    def _mismatch(self, wrong: list[str]) -> Exception:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        message = (
            f"A total of {len(wrong)} objects could not be loaded, since file and model do not match: "
            f"{'; '.join(text[:300] for text in wrong[:_SHOWN])}{more}"
        )
        return format_error(message, path=self.path, format=self.format, field=self.part, rule="G15")


def _group(path: str) -> str:
    return f"{path}/vars" if path else "vars"


def _has_variables(node: Any) -> bool:
    return bool(_variables(node)) or (isinstance(node, Layer) and type(node).load_own_variables is not _NO_VARIABLES)


_NO_VARIABLES = Layer.load_own_variables


def _check_optimizer(optimizer: Any, store: Mapping[str, Any]) -> None:
    shapes = {str(number): tuple(variable.shape) for number, variable in enumerate(optimizer.variables)}
    if {name: array.shape for name, array in store.items()} != shapes:
        raise ValueError(f"the optimizer has {len(shapes)} variables, the file {len(store)}, or of other shapes")


def _of_other_state(group: str) -> bool:
    """Seeds of random draws mean nothing to another library; metrics and optimizers may be left behind."""
    pieces = group.split("/")
    return "seed_generator" in pieces or pieces[0] in ("optimizer", "_metrics", "_compile_metrics", "_loss_tracker")


def _variables(node: Any) -> list[Variable]:
    if isinstance(node, Layer):
        return node._own_weights()
    return list(node.variables)
