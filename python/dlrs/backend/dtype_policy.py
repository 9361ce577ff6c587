"""Which types a layer computes in and keeps its variables in."""

from typing import Any

from dlrs import config
from dlrs.backend.dtypes import FLOAT_TYPES, standardize_dtype
from dlrs.errors import unknown_name


class DTypePolicy:
    """The types of one layer.

    Args:
        name: A float type, which is then both the compute and the variable type; `config.floatx()` if None.

    >>> DTypePolicy("float64").compute_dtype
    'float64'
    """

    def __init__(self, name: str | None = None) -> None:
        name = standardize_dtype(name)
        if name not in FLOAT_TYPES:
            raise ValueError(unknown_name("dtype policy", name, FLOAT_TYPES))
        self._name = name

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The type that inputs are cast to."""
        return self._name

    @property
    def variable_dtype(self) -> str:
        """The type of weights."""
        return self._name

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DTypePolicy":
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


_default: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that were given none.

    >>> dtype_policy().name
    'float32'
    """
    return _default if _default is not None else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are given none."""
    global _default
    _default = get_policy(policy)


def get_policy(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` means: a policy, a type, a configuration, or None for the default one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy.from_config(identifier.get("config", identifier))
    return DTypePolicy(standardize_dtype(identifier))
