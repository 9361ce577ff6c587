"""Arrays of Python's lists and numbers in the stream format of `pickle`, read without `pickle`.

The files of IMDB, Reuters and CIFAR hold such streams. A stream is a program for a machine with a stack; Python's
module `pickletools` says what each instruction does. The machine here knows numbers, strings, lists, tuples, dicts and
the arrays of NumPy; names of anything else are refused, nothing is imported and nothing is called.
"""

import struct
from typing import Any

import numpy as np

from dlrs.errors import format_error

Array = np.ndarray[Any, Any]

_NAMES = {
    f"{module} {name}": name
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
    for name in ("_reconstruct", "ndarray", "dtype")
} | {"_codecs encode": "encode"}


class _Name:
    """What a stream calls a function or class."""

    def __init__(self, name: str) -> None:
        self.name = name


class _DType:
    """A type of numbers, while its byte order is not yet known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.order = "|"

    def build(self, state: Any) -> None:
        self.order = _text(state[1])

    def made(self) -> np.dtype[Any]:
        if self.text[:1] not in "biufO?":
            raise ValueError(f"values of the type {self.text!r} are not read")
        kind = np.dtype(self.text)
        return kind.newbyteorder(">") if self.order == ">" else kind


class _Shell:
    """An array before its content is known."""

    value: Any = None

    def build(self, state: Any) -> None:
        _, shape, dtype, is_fortran, content = state
        kind = dtype.made()
        count = 1
        for size in shape:
            count *= int(size)
        if kind.kind == "O":
            if not isinstance(content, list) or len(content) != count:
                raise ValueError(f"an array of the shape {shape} has other than {count} entries")
            self.value = np.empty(count, object)
            for place, item in enumerate(content):
                self.value[place] = item.value if isinstance(item, _Shell) else item
        else:
            data = content.encode("latin-1") if isinstance(content, str) else content
            if len(data) != count * kind.itemsize:
                raise ValueError(f"an array of the shape {shape} has {len(data)} bytes")
            self.value = np.frombuffer(data, kind)
        self.value = self.value.reshape(shape, order="F" if is_fortran else "C")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _reduced(function: Any, arguments: Any) -> Any:
    """What a call that the stream asks for stands for."""
    name = function.name if isinstance(function, _Name) else None
    if name == "_reconstruct":
        return _Shell()
    if name == "dtype":
        return _DType(_text(arguments[0]))
    if name == "encode" and isinstance(arguments[0], str) and _text(arguments[1]) == "latin1":
        return arguments[0].encode("latin-1")
    raise ValueError(f"it asks for a call of {name or type(function).__name__}")


def read_objects(data: bytes, path: str) -> Any:
    """The value in a stream: an array, or a dict, list or number that may hold arrays.

    Args:
        data: the stream.
        path: names its file in messages.

    Raises:
        FormatError: it names something else than arrays, is cut off, or is no such stream.

    >>> import pickle
    >>> read_objects(pickle.dumps({b"labels": [1, 2], b"data": np.arange(3)}), "file")
    {b'labels': [1, 2], b'data': array([0, 1, 2])}
    """
    try:
        return _plain(_Machine(data).run())
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, struct.error, OverflowError) as error:
        raise format_error(
            f"it is no array of lists and numbers ({error or type(error).__name__})",
            path=path, format="object array", field="stream", rule="O1",
        ) from None  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, _Name | _DType):
        raise ValueError("it holds a name")
    return value.value if isinstance(value, _Shell) else value


class _Machine:
    """Runs a stream.

    Args:
        data: its bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        data = self._data
        while True:
            at = self._at
            op = data[at]
            # Nearly all of a stream are small numbers: they are not worth a call each.
            if op == 0x4B:  # BININT1
                self._stack.append(data[at + 1])
                self._at = at + 2
            elif op == 0x4D:  # BININT2
                self._stack.append(data[at + 1] | data[at + 2] << 8)
                self._at = at + 3
            elif op == 0x2E:  # STOP
                return self._stack.pop()
            else:
                self._at = at + 1
                if not self._read_value(op) and not self._change(op):
                    raise ValueError(f"instruction 0x{op:02x} at byte {at} is not known")

    def _take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if count < 0 or len(part) != count:
            raise ValueError("it ends too early")
        self._at += count
        return part

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _line(self) -> str:
        end = self._data.index(b"\n", self._at)
        return self._take(end + 1 - self._at)[:-1].decode("ascii")

    def _read_value(self, op: int) -> bool:
        """Puts a value of its own on the stack; False if the instruction is another."""
        code = bytes([op])
        if code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code]())
        elif code == b"J":
            self._stack.append(self._number("<i"))
        elif code in b"IL":
            line = self._line()
            self._stack.append(line == "01" if line in ("00", "01") else int(line.rstrip("L")))
        elif code == b"\x8a":
            self._stack.append(int.from_bytes(self._take(self._number("B")), "little", signed=True))
        elif code == b"G":
            self._stack.append(struct.unpack(">d", self._take(8))[0])
        elif code in _BYTES:
            self._stack.append(self._take(self._number(_BYTES[code])))
        elif code in _TEXTS:
            self._stack.append(self._take(self._number(_TEXTS[code])).decode("utf-8", "surrogatepass"))
        else:
            return False
        return True

    def _change(self, op: int) -> bool:
        """Changes what is on the stack; False if the instruction is not known."""
        code = bytes([op])
        stack = self._stack
        if code in _PUTS:
            self._memo[len(self._memo) if code == b"\x94" else self._index(_PUTS[code])] = stack[-1]
        elif code in _GETS:
            stack.append(self._memo[self._index(_GETS[code])])
        elif code == b"(":
            self._below.append(stack)
            self._stack = []
        elif code in _OF_MARKED:
            self._stack = self._below.pop()
            _OF_MARKED[code](self._stack, stack)
        elif code in _OF_TOP:
            _OF_TOP[code](stack)
        elif code == b"c":
            stack.append(self._named(f"{self._line()} {self._line()}"))
        elif code == b"\x93":
            name, module = stack.pop(), stack.pop()
            stack.append(self._named(f"{module} {name}"))
        elif code in _SKIPPED:
            self._take(_SKIPPED[code])
        else:
            return False
        return True

    def _index(self, form: str) -> int:
        return self._number(form) if form else int(self._line())

    @staticmethod
    def _named(name: str) -> _Name:
        if name not in _NAMES:
            raise ValueError(f"it names {name.replace(' ', '.')!r}, which no array needs")
        return _Name(_NAMES[name])


def _pop_tuple(count: int) -> Any:
    def make(stack: list[Any]) -> None:
        items = tuple(stack[-count:])
        if len(items) != count:
            raise ValueError("its stack is empty")
        stack[-count:] = [items]

    return make


def _append(stack: list[Any]) -> None:
    item = stack.pop()
    _list(stack).append(item)


def _list(stack: list[Any]) -> list[Any]:
    if not isinstance(stack[-1], list):
        raise ValueError("it appends to something else than a list")
    found: list[Any] = stack[-1]
    return found


def _set_items(stack: list[Any], items: list[Any]) -> None:
    if not isinstance(stack[-1], dict):
        raise ValueError("it sets items of something else than a dict")
    stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _pushed(stack: list[Any], item: Any) -> list[Any]:
    stack.append(item)
    return stack


def _set_item(stack: list[Any]) -> None:
    value, key = stack.pop(), stack.pop()
    _set_items(stack, [key, value])


def _reduce(stack: list[Any]) -> None:
    arguments = stack.pop()
    stack[-1] = _reduced(stack[-1], arguments)


def _build(stack: list[Any]) -> None:
    state = stack.pop()
    if not isinstance(stack[-1], _Shell | _DType):
        raise ValueError("it fills something else than an array")
    stack[-1].build(state)


_CONSTANTS: dict[bytes, Any] = {
    b"]": list, b")": tuple, b"}": dict, b"N": lambda: None, b"\x88": lambda: True, b"\x89": lambda: False,
}  # fmt: skip
_BYTES = {b"U": "B", b"T": "<i", b"C": "B", b"B": "<I", b"\x8e": "<Q"}
_TEXTS = {b"X": "<I", b"\x8c": "B", b"\x8d": "<Q"}
_PUTS = {b"q": "B", b"r": "<I", b"p": "", b"\x94": ""}
_GETS = {b"h": "B", b"j": "<I", b"g": ""}
_SKIPPED = {b"\x80": 1, b"\x95": 8}  # the version, and the length of a part
_OF_MARKED: dict[bytes, Any] = {
    b"e": lambda stack, items: _list(stack).extend(items),
    b"l": lambda stack, items: stack.append(items),
    b"t": lambda stack, items: stack.append(tuple(items)),
    b"d": lambda stack, items: _set_items(_pushed(stack, {}), items),
    b"u": _set_items,
}
_OF_TOP: dict[bytes, Any] = {
    b"a": _append, b"s": _set_item, b"R": _reduce, b"b": _build, b"0": lambda stack: stack.pop(),
    b"\x85": _pop_tuple(1), b"\x86": _pop_tuple(2), b"\x87": _pop_tuple(3),
}  # fmt: skip
