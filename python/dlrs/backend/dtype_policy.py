"""Which types a layer computes in and keeps its variables in."""

from typing import Any

from dlrs import config
from dlrs.backend.dtypes import ALLOWED_DTYPES, is_float_dtype, standardize_dtype
from dlrs.errors import unknown_name

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """The types of one layer.

    Args:
        name: a type, which is then both the compute and the variable type; or `"mixed_float16"`, `"mixed_bfloat16"`,
            which compute in the narrow type and keep variables in float32 (Micikevicius et al., arXiv 1710.03740).
            The global policy if None.

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is neither a type nor a mixed policy.

    >>> DTypePolicy("float64").compute_dtype
    'float64'
    >>> DTypePolicy("mixed_bfloat16").variable_dtype
    'float32'
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"'name' must be a string, such as 'mixed_float16' or 'float32', got {name!r}.")
        self._name = name
        if name in _MIXED:
            self._compute_dtype, self._variable_dtype = _MIXED[name], "float32"
        else:
            self._compute_dtype = self._variable_dtype = _type_named(name)

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The type that inputs are cast to."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of weights."""
        return self._variable_dtype

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


def _type_named(name: str) -> str:
    try:
        return standardize_dtype(name)
    except ValueError:
        known = [*ALLOWED_DTYPES, *_MIXED]
        raise ValueError(
            f"Cannot convert {name!r} to a dtype policy. {unknown_name('dtype policy', name, known)}"
        ) from None


_default: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that were given none.

    >>> dtype_policy().name
    'float32'
    """
    return _default if _default is not None else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are given none.

    >>> before = get_policy(None)
    >>> set_dtype_policy("float64")
    >>> get_policy(None).compute_dtype
    'float64'
    >>> set_dtype_policy(before)
    """
    global _default
    made = get_policy(policy)
    if not is_float_dtype(made.compute_dtype):
        raise ValueError(f"set_dtype_policy: `policy` must compute in a float type, got {made!r}.")
    _default = made


def get_policy(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` means: a policy, a type, a configuration, or None for the default one.

    >>> get_policy("mixed_float16").compute_dtype
    'float16'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    if isinstance(identifier, dict):
        return DTypePolicy.from_config(identifier.get("config", identifier))
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ValueError):
        raise ValueError(f"`dtype` must be a string, a type or a DTypePolicy, got {identifier!r}.") from None
