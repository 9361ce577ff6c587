"""The class of policies, and the policy of layers that are given none."""

from dlrs.backend import DTypePolicy, dtype_policy, set_dtype_policy

__all__ = ["DTypePolicy", "dtype_policy", "set_dtype_policy"]
