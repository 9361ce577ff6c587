"""Exceptions that have no built-in type of their own, and the wording shared by error messages."""

import difflib
from collections.abc import Iterable

from dlrs._dlrs import ConcurrentUseError, FormatError, InternalError, TracingError

__all__ = [
    "ConcurrentUseError",
    "ConfigError",
    "FormatError",
    "InternalError",
    "NonFiniteError",
    "TracingError",
    "format_error",
    "unknown_name",
]


class NonFiniteError(ArithmeticError):
    """A loss or an activation became NaN or infinite while `check_numerics=True`.

    >>> from dlrs import Sequential, layers
    >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
    >>> model.compile("sgd", "mse", check_numerics=True)
    >>> try:
    ...     _ = model.fit([[1.0]], [[float("inf")]], verbose=0)
    ... except NonFiniteError:
    ...     print("stopped")
    stopped
    """


class ConfigError(FormatError, TypeError):
    """A configuration in a file that nothing can be made of: a `FormatError`, and, as in Keras, a `TypeError`.

    >>> error = format_error("Dense takes no `unit`", path="m.keras", format="keras", field="config.json", rule="C1")
    >>> isinstance(ConfigError(error), TypeError), ConfigError(error).rule
    (True, 'C1')
    """

    def __init__(self, error: FormatError) -> None:
        super().__init__(*error.args)
        self.path, self.format, self.field = error.path, error.format, error.field
        self.offset, self.rule = error.offset, error.rule


def format_error(message: str, *, path: str, format: str, field: str, rule: str, offset: int = 0) -> FormatError:
    """A `FormatError` with its attributes.

    >>> str(format_error("it is missing", path="m.dlrs", format="dlrs", field="config.json", rule="K1"))
    'm.dlrs: dlrs, config.json: it is missing (rule K1, at byte 0)'
    """
    error = FormatError(f"{path}: {format}, {field}: {message} (rule {rule}, at byte {offset})")
    error.path, error.format, error.field, error.offset, error.rule = path, format, field, offset, rule
    return error


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """At most three of the names known that `name` may be a misspelling of, the nearest first.

    >>> near_names("learningrate", ["momentum", "learning_rate"])
    ['learning_rate']
    """
    spellings = _spellings(known)
    matches = difflib.get_close_matches(name.replace("_", "").lower(), spellings, n=3)
    return [spellings[match] for match in matches]


def _spellings(known: Iterable[str]) -> dict[str, str]:
    """Names by what is left of them without case and underscores; of those alike the one in snake case."""
    # Such as a class and its function.
    spellings: dict[str, str] = {}
    for candidate in sorted(known, key=lambda text: (not text.islower(), -text.count("_"), text)):
        spellings.setdefault(candidate.replace("_", "").lower(), candidate)
    return spellings


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """Message for an identifier that names nothing, with the nearest known names.

    >>> unknown_name("loss", "mse_", ["mse", "mae", "poisson"])
    "Unknown loss 'mse_'. Did you mean 'mse' or 'mae'? Known: mae, mse, poisson."
    """
    known = [name for name in known if isinstance(name, str)]
    near = near_names(str(name), known)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"Unknown {kind} {name!r}.{hint} Known: {', '.join(sorted(_spellings(known).values()))}."
