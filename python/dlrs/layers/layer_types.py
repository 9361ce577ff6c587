"""What a layer computes in."""

from typing import Any

from dlrs.backend import DTypePolicy, get_policy
from dlrs.backend.structure import bump_structure
from dlrs.layers.tracking import Trackable


class LayerTypes(Trackable):
    """The types of a layer's inputs and weights, by its policy."""

    @property
    def dtype_policy(self) -> DTypePolicy:
        """What the layer computes in and keeps its weights in; may be set to a policy or the name of one."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._set_untracked("_dtype_policy", get_policy(value))
        bump_structure()

    _dtype_policy: DTypePolicy

    @property
    def compute_dtype(self) -> str:
        """The type that floating inputs are cast to."""
        return self._dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of weights."""
        return self._dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The type of weights."""
        return self.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The type that floating inputs are cast to."""
        return self.compute_dtype
