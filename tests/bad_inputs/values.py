"""The catalogue of bad values: by name, how to make each anew, as some are used up or changed by use."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlrs import KerasTensor, ops


class OwnError(Exception):
    """What values raise by themselves: a caller's error, which passes through as it is."""


class _Raises:
    """Raises `OwnError` when a special method is used."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _raise(*args: Any, **kwargs: Any) -> Any:
    raise OwnError


def raising(*methods: str) -> Any:
    """An object whose methods raise `OwnError`."""
    return type(
        "Raising" + "".join(m.strip("_").title() for m in methods), (_Raises,), dict.fromkeys(methods, _raise)
    )()


def answering(**methods: Any) -> Any:
    """An object whose special methods (`len` for `__len__`) give these answers, which are of the wrong type or size."""
    body = {f"__{name}__": lambda self, *args, answer=answer, **kwargs: answer for name, answer in methods.items()}
    return type("Answering" + "".join(name.title() for name in methods), (_Raises,), body)()


class StringSubclass(str):
    """A string that is not equal to itself."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


def self_containing_list() -> list[Any]:
    x: list[Any] = [1.0]
    x.append(x)
    return x


def self_containing_dict() -> dict[str, Any]:
    x: dict[str, Any] = {"a": 1}
    x["config"] = x
    return x


def deep_list(depth: int = 200) -> list[Any]:
    """Deeper than arrays have axes; not so deep that Python itself cannot print it."""
    x: list[Any] = []
    for _ in range(depth):
        x = [x]
    return x


def read_only(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    x.flags.writeable = False
    return x


def numbers() -> Iterator[int]:
    yield from (1, 2, 3)


def zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.zeros(shape, dtype)


def endless_view() -> np.ndarray[Any, Any]:
    """An array of 4 TB that takes 4 bytes: strides of 0."""
    return np.lib.stride_tricks.as_strided(zeros(1), shape=(4, 250 * 10**9), strides=(0, 0))


def sequence_of_length(length: int) -> Any:
    """A sequence of four numbers that says it has another length."""

    def item(self: Any, index: Any) -> float:
        if not isinstance(index, int) or index >= 4:
            raise IndexError(index)
        return 1.0

    return type("LyingSequence", (_Raises,), {"__len__": lambda self: length, "__getitem__": item})()


VALUES: dict[str, Callable[[], Any]] = {
    # Nothing and numbers
    "None": lambda: None,
    "Ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "True": lambda: True,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "0": lambda: 0,
    "-1": lambda: -1,
    "-2**31": lambda: -(2**31),
    "-2**63": lambda: -(2**63),
    "2**31": lambda: 2**31,
    "2**32": lambda: 2**32,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "10**15": lambda: 10**15,
    "10**400": lambda: 10**400,
    "0.5": lambda: 0.5,
    "-0.0": lambda: -0.0,
    "1e308": lambda: 1e308,
    "5e-324": lambda: 5e-324,
    "complex": lambda: 1 + 2j,
    "np.int8(-128)": lambda: np.int8(-128),
    "np.uint64(2**64-1)": lambda: np.uint64(2**64 - 1),
    "np.float64(nan)": lambda: np.float64("nan"),
    # Text and bytes
    "''": lambda: "",
    "'abc'": lambda: "abc",
    "long text": lambda: "a" * 100_000,
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"\1\2\3\4"),
    "lone surrogate": lambda: "\ud800",
    "NUL in text": lambda: "a\0b",
    "format text": lambda: "{0.__class__} %s %n",
    "text unequal to itself": lambda: StringSubclass("relu"),
    "a directory": tempfile.gettempdir,
    "missing path": lambda: "/no/such/place/file.dlrs",
    # Containers
    "[]": list,
    "()": lambda: (),
    "{}": dict,
    "set": lambda: {1, 2, 3},
    "generator": numbers,
    "range": lambda: range(3),
    "dict": lambda: {"a": 1},
    "dict of config": lambda: {"module": "dlrs.layers", "class_name": "Nothing", "config": {}, "registered_name": None},
    "dict with odd keys": lambda: {1: None, (2,): [], None: 3},
    "ragged list": lambda: [[1.0, 2.0], [3.0]],
    "list of None": lambda: [None, None],
    "list of text": lambda: ["a", "b"],
    "mixed list": lambda: [1, "a", None],
    "nested empties": lambda: [[], []],
    "self-containing list": self_containing_list,
    "self-containing dict": self_containing_dict,
    "deep list": deep_list,
    # Shapes and axes
    "(10**12,)": lambda: (10**12,),
    "(2**32, 2**32)": lambda: (2**32, 2**32),
    "(-1,)": lambda: (-1,),
    "(-5, 3)": lambda: (-5, 3),
    "(0, 0)": lambda: (0, 0),
    "(1,) * 33": lambda: (1,) * 33,
    "(None, None)": lambda: (None, None),
    "(1.5, 2)": lambda: (1.5, 2),
    "(0, 0, 0, 0)": lambda: (0, 0, 0, 0),
    "axis 99": lambda: 99,
    "axis -99": lambda: -99,
    # Arrays
    "0-d": lambda: np.float32(1.0).reshape(()),
    "empty array": lambda: zeros(0),
    "(0, 4) array": lambda: zeros(0, 4),
    "32-d": lambda: zeros(*(1,) * 32),
    "vector": lambda: np.arange(5, dtype=np.float32),
    "cube": lambda: zeros(2, 3, 4),
    "array of nan": lambda: np.full((3, 4), np.nan, np.float32),
    "array of inf": lambda: np.full((3, 4), np.inf),
    "huge integers": lambda: np.full((3, 4), 2**62),
    "negative integers": lambda: np.full((3,), -7, np.int32),
    "bool array": lambda: zeros(3, 4, dtype=bool),
    "uint8 array": lambda: np.full((3, 4), 255, np.uint8),
    "float16 array": lambda: np.full((3, 4), 6e4, np.float16),
    "longdouble array": lambda: zeros(3, 4, dtype=np.longdouble),
    "complex array": lambda: zeros(3, 4, dtype=np.complex64),
    "object array": lambda: np.array([None, "a", object()], dtype=object),
    "array of text": lambda: np.array(["a", "b"]),
    "array of bytes": lambda: np.array([b"a", b"b"]),
    "dates": lambda: np.array(["2020-01-01"], "datetime64[D]"),
    "structured array": lambda: np.zeros(3, [("a", "f4"), ("b", "i4")]),
    "big-endian array": lambda: np.ones((3, 4), ">f4"),
    "read-only array": lambda: read_only(np.ones((3, 4), np.float32)),
    "negative strides": lambda: np.arange(12, dtype=np.float32).reshape(3, 4)[::-1, ::-1],
    "non-contiguous": lambda: np.arange(48, dtype=np.float32).reshape(6, 8)[::2, ::2],
    "stride 0": endless_view,
    "masked array": lambda: np.ma.masked_array(np.ones((3, 4)), mask=np.eye(3, 4)),
    "matrix": lambda: np.asmatrix(np.eye(3)),
    "record array": lambda: np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "tensor": lambda: ops.ones((2, 2)),
    "integer tensor": lambda: ops.cast(ops.ones((7,)), "int64"),
    "placeholder": lambda: KerasTensor((None, 3)),
    # Objects that answer wrongly or raise
    "object()": object,
    "class": lambda: int,
    "exception": lambda: ValueError("a value"),
    "lambda": lambda: lambda: None,
    "lambda of anything": lambda: lambda *args, **kwargs: None,
    "raising function": lambda: _raise,
    "module": lambda: np,
    "slice": lambda: slice(None, None, 0),
    "raising __array__": lambda: raising("__array__"),
    "__array__ of text": lambda: answering(array="text"),
    "raising __len__": lambda: raising("__len__", "__getitem__"),
    "__len__ of 2**62": lambda: sequence_of_length(2**62),
    "__len__ of -1": lambda: sequence_of_length(-1),
    "raising __index__": lambda: raising("__index__"),
    "__index__ of text": lambda: answering(index="text"),
    "raising __eq__": lambda: raising("__eq__", "__hash__"),
    "raising __bool__": lambda: raising("__bool__"),
    "raising __iter__": lambda: raising("__iter__"),
    "raising __float__": lambda: raising("__float__", "__int__"),
    "raising __str__": lambda: raising("__str__", "__repr__"),
    "raising __call__": lambda: raising("__call__"),
    "raising __fspath__": lambda: raising("__fspath__"),
    "raising __getattr__": lambda: raising("__getattr__"),
    "raising get_config": lambda: raising("get_config"),
}
