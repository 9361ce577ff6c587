"""Functions of single elements or small tensors, applied to whole ones."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import as_tensor, tree
from dlrs.backend.checks import check_type
from dlrs.ops.core import map as map_slices

__all__ = ["vectorize"]

_AXES = r"\((?:\w+(?:,\w+)*)?\)"
_SIGNATURE = re.compile(rf"^{_AXES}(?:,{_AXES})*->{_AXES}(?:,{_AXES})*$")


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Iterable[int] | None = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function that applies `pyfunc` along the leading axes of its arguments, which are broadcast.

    Args:
        pyfunc: Function of tensors, written in `dlrs.ops`. It is traced, as by `map`.
        excluded: Positions of arguments that are passed as they are.
        signature: The axes that `pyfunc` itself takes and gives, as `"(m,n),(n)->(m)"`; none if None.

    >>> vectorize(lambda a, b: a * b)([1.0, 2.0], 3.0).tolist()
    [3.0, 6.0]
    """
    kept = frozenset(excluded or ())
    cores: list[list[str]] | None = None
    check_type("vectorize", "signature", signature, str, "a string", optional=True)
    if signature is not None:
        plain = signature.replace(" ", "")
        if not _SIGNATURE.match(plain):
            raise ValueError(f"vectorize: `signature` must look like '(m,n),(n)->(m)', got {signature!r}.")
        cores = [core.split(",") if core else [] for core in re.findall(r"\((.*?)\)", plain.split("->")[0])]

    def vectorized(*args: Any) -> Any:
        places = [i for i in range(len(args)) if i not in kept]
        tensors = [as_tensor(args[i]) for i in places]
        ranks = [0] * len(tensors) if cores is None else [len(core) for core in cores]
        if len(ranks) != len(tensors):
            raise ValueError(f"vectorize: the signature names {len(ranks)} arguments, got {len(tensors)}.")
        rows, loop = _rows(tensors, ranks)

        def one(slices: list[Tensor]) -> Any:
            values = list(args)
            for place, value in zip(places, slices, strict=True):
                values[place] = value
            return pyfunc(*values)

        if not loop:
            return one([_dlrs.reshape(row, row.shape[1:]) for row in rows])
        results = map_slices(one, rows)
        return tree.map_structure(lambda x: _dlrs.reshape(x, [*loop, *x.shape[1:]]), results)

    return vectorized


def _rows(tensors: list[Tensor], ranks: list[int]) -> tuple[list[Tensor], tuple[int, ...]]:
    """The tensors with their leading axes broadcast and made one, and the sizes of these axes."""
    for x, rank in zip(tensors, ranks, strict=True):
        if x.ndim < rank:
            raise ValueError(f"vectorize: the signature asks for {rank} axes, got shape {x.shape}.")
    leading = [x.shape[: x.ndim - rank] for x, rank in zip(tensors, ranks, strict=True)]
    loop = np.broadcast_shapes(*leading)
    rows = []
    for x, rank in zip(tensors, ranks, strict=True):
        core = x.shape[x.ndim - rank :]
        rows.append(_dlrs.reshape(_dlrs.broadcast_to(x, [*loop, *core]), [int(np.prod(loop)), *core]))
    return rows, loop
