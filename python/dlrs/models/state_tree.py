"""The variables of a model as nested dicts by path."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from dlrs.backend import Variable

if TYPE_CHECKING:
    from dlrs.trainers.trainer import Trainer as Base
else:
    Base = object


class StateTree(Base):
    """What lets a model give and take its whole state as plain nested dicts."""

    def get_state_tree(
        self, value_format: Literal["backend_tensor", "numpy_array"] = "backend_tensor"
    ) -> dict[str, Any]:
        """The values of all variables: trained ones, others, of the optimizer, of the metrics, each nested by path.

        Args:
            value_format: "backend_tensor" for tensors, "numpy_array" for copies as arrays.

        Raises:
            ValueError: two variables have the same path.
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise ValueError(
                f"get_state_tree: `value_format` must be 'backend_tensor' or 'numpy_array', got {value_format!r}."
            )
        as_array = value_format == "numpy_array"
        return {name: _nested(variables, as_array) for name, variables in self._state_groups().items()}

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign what `get_state_tree` returned, or a part of it.

        Raises:
            ValueError: a group or a path that the model does not have; nothing has changed then.
        """
        groups = self._state_groups()
        pairs: list[tuple[Variable, Any]] = []
        for name, values in state_tree.items():
            if name not in groups:
                raise ValueError(f"set_state_tree: there is no group {name!r}; the groups are {sorted(groups)}.")
            known = {variable.path: variable for variable in groups[name]}
            for path, value in _flat(values):
                if path not in known:
                    raise ValueError(f"set_state_tree: {name} has no variable {path!r}; it has {sorted(known)}.")
                pairs.append((known[path], value))
        for variable, value in pairs:
            variable.assign(value)

    def _get_variable_map(self) -> dict[str, Variable]:
        """All variables by path.

        Raises:
            ValueError: two variables have the same path.
        """
        found: dict[str, Variable] = {}
        for variable in (v for group in self._state_groups().values() for v in group):
            if found.setdefault(variable.path, variable) is not variable:
                raise ValueError(
                    f"The model contains two variables of the path {variable.path!r}. Give the layers unique names."
                )
        return found

    def _state_groups(self) -> dict[str, list[Variable]]:
        optimizer = self.__dict__.get("optimizer")
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [] if optimizer is None else list(optimizer.variables),
            "metrics_variables": self.metrics_variables,
        }


def _nested(variables: Iterable[Variable], as_array: bool) -> dict[str, Any]:
    nest: dict[str, Any] = {}
    for variable in variables:
        *parents, name = variable.path.split("/")
        inner = nest
        for parent in parents:
            inner = inner.setdefault(parent, {})
        if name in inner:
            raise ValueError(
                f"The following variable path is found twice in the model: {variable.path!r}. Give the layers unique "
                f"names."
            )
        inner[name] = variable.numpy() if as_array else variable.value
    return nest


def _flat(nest: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(nest, dict):
        return [(prefix, nest)]
    return [leaf for key, value in nest.items() for leaf in _flat(value, f"{prefix}/{key}" if prefix else str(key))]
