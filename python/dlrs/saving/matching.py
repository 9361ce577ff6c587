"""Tensors of a file against the variables of a model, and their assignment: all of them, or none."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dlrs.backend import Variable
from dlrs.errors import FormatError, format_error
from dlrs.saving.safetensors import StoredTensor

_SHOWN = 20


class LoadReport(NamedTuple):
    """What `load_weights` did with each name, and which of the tensors loaded hold values that are not finite."""

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]
    non_finite: list[str]


class Assignment(NamedTuple):
    """Variables and what they are to become, known to fit."""

    pairs: list[tuple[Variable, StoredTensor]]

    def __add__(self, other: Any) -> "Assignment":
        return Assignment([*self.pairs, *other.pairs])

    def carry_out(self) -> None:
        """Assign all; if that is interrupted, nothing has changed."""
        before = [(variable, variable.value) for variable, _ in self.pairs]
        try:
            for variable, tensor in self.pairs:
                variable.assign(tensor.numpy())
        except BaseException:
            for variable, value in before:
                variable.assign(value)
            raise


def match(variables: Mapping[str, Variable], tensors: Mapping[str, StoredTensor], path: str, part: str) -> Assignment:
    """The assignment of `tensors` to `variables`.

    Raises:
        FormatError: names, shapes or types differ (G15); the first 20 differences are listed.
    """
    assignment, report = compare(variables, tensors)
    wrong = [("missing", report.missing), ("unexpected", report.unexpected), ("mismatched", report.mismatched)]
    if any(names for _, names in wrong):
        raise _mismatch(wrong, len(tensors), len(variables), path, part)
    return assignment


def compare(variables: Mapping[str, Variable], tensors: Mapping[str, StoredTensor]) -> tuple[Assignment, LoadReport]:
    """The assignment of those tensors that fit, and what became of each name."""
    report = LoadReport([], [name for name in variables if name not in tensors], [], [], [])
    pairs = []
    for name, tensor in tensors.items():
        variable = variables.get(name)
        if variable is None:
            report.unexpected.append(name)
        elif tuple(variable.shape) != tensor.shape or variable.dtype != tensor.dtype:
            own = f"{variable.dtype} {tuple(variable.shape)}"
            report.mismatched.append(f"{name} ({tensor.dtype} {tensor.shape} in the file, {own} in the model)")
        else:
            report.loaded.append(name)
            pairs.append((variable, tensor))
    return Assignment(pairs), report


def note_non_finite(report: LoadReport, tensors: Mapping[str, StoredTensor], check: str, path: str) -> None:
    """List those of the tensors loaded that hold NaN or infinities.

    Raises:
        FormatError: there is one and `check` is `"error"` (G17).
    """
    if check == "off":
        return
    report.non_finite.extend(name for name in report.loaded if not np.isfinite(tensors[name].numpy()).all())
    if report.non_finite and check == "error":
        shown = ", ".join(report.non_finite[:_SHOWN])
        message = f"{len(report.non_finite)} of its tensors hold NaN or infinities: {shown}"
        raise format_error(message, path=path, format="dlrs", field="weights", rule="G17")


def _mismatch(wrong: Any, in_file: int, in_model: int, path: str, part: str) -> FormatError:
    room = _SHOWN
    pieces = []
    for kind, names in wrong:
        if names:
            shown = names[:room]
            room -= len(shown)
            more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
            pieces.append(f"{len(names)} {kind}: {', '.join(shown)}{more}")
    message = f"the file has {in_file} tensors, the model has {in_model} and they do not match; {'; '.join(pieces)}"
    return format_error(message, path=path, format="dlrs", field=part, rule="G15")
