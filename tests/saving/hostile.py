"""Files made by hand to break one rule each."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from dlrs.saving import safetensors

REQUIRED = ("metadata.json", "config.json", "state.json", "model.safetensors", "state.safetensors")


class Bad(NamedTuple):
    """A file, the rule it breaks, and its ending."""

    name: str
    rule: str
    data: bytes
    suffix: str


# A text file that is there, which no model has a reason to read; layers that have terms.
ELSEWHERE = "/etc/passwd"
LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")
GOOD = '"dtype":"F32","shape":[2],"data_offsets":[0,8]'


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as output:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            output.writestr(info, data)
    return buffer.getvalue()


def st(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(**changes: Any) -> bytes:
    fields = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}
    return st({"a": {key: value for key, value in fields.items() if value is not ...}}, bytes(8))


def raw(*names: str, fields: str = GOOD, size: int = 8) -> bytes:
    """A file with an entry of these fields, as text, for each of the names, as text."""
    return st("{" + ",".join(f'"{name}":{{{fields}}}' for name in names) + "}", bytes(size))


def bad_safetensors() -> Iterator[tuple[str, str, bytes]]:
    yield "empty file", "S1", b""
    yield "nine bytes", "S1", bytes(9)
    yield "header longer than the file", "S1", struct.pack("<Q", 1000) + b"{}"
    yield "header of 2^63 bytes", "S1", struct.pack("<Q", 2**63) + b"{}"
    yield "header of one byte", "S1", struct.pack("<Q", 1) + b"{}"
    yield "header not an object", "S2", st("[]")
    yield "space before the object", "S2", st(" {}")
    yield "text after the object", "S2", st("{}x")
    yield "newline after the object", "S2", st("{}\n")
    yield "two objects", "S2", st("{}{}")
    yield "not UTF-8", "S2", st(b'{"\xff":1}')
    yield "a pickle", "S1", b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94."
    yield "a lone surrogate", "S2", raw("\\ud800")
    yield "nesting in the header", "S3", st('{"a":' * 1000)
    yield "nesting in the metadata", "S7", st('{"__metadata__":{"a":' + "[" * 1000)
    yield "entry not an object", "S3", st({"a": [1]})
    yield "dtype missing", "S3", entry(dtype=...)
    yield "shape missing", "S3", entry(shape=...)
    yield "offsets missing", "S3", entry(data_offsets=...)
    yield "unknown key", "S3", entry(strides=[1])
    yield "dtype a number", "S3", entry(dtype=32)
    yield "negative size", "S4", entry(shape=[-2])
    yield "size a fraction", "S4", raw("a", fields=GOOD.replace("[2]", "[2.0]"))
    yield "size with exponent", "S4", raw("a", fields=GOOD.replace("[2]", "[2e0]"))
    yield "size a bool", "S4", entry(shape=[True])
    yield "shape a number", "S4", entry(shape=2)
    yield "three offsets", "S5", entry(data_offsets=[0, 8, 8])
    yield "offsets turned round", "S5", entry(data_offsets=[8, 0])
    yield "offsets too wide", "S5", entry(data_offsets=[0, 16])
    yield "shape too large", "S5", entry(shape=[3])
    yield "data too short", "G7", raw("a", size=4)
    yield "data too long", "S6", raw("a", size=12)
    yield "data without tensors", "S6", st("{}", b"x")
    yield "gap", "S6", st({"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, bytes(8))
    overlap = {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}
    yield "overlap", "S6", st({"a": overlap, "b": overlap}, bytes(8))
    yield "metadata a list", "S7", st({"__metadata__": []})
    yield "metadata of numbers", "S7", st({"__metadata__": {"a": 1}})
    yield "metadata too long", "S7", st({"__metadata__": {"a": "x" * (1 << 20)}})
    yield "dimension of 2^41", "G8", entry(shape=[2**41])
    yield "product overflows", "G8", entry(shape=[2**40, 2**40])
    yield "product overflows around a zero", "G8", entry(shape=[0, 2**40, 2**40], data_offsets=[0, 0])
    yield "size of 2^64", "G8", entry(shape=[2**64])
    yield "33 axes", "G8", entry(shape=[1] * 33)
    yield "empty name", "G10", raw("")
    yield "name with NUL", "G10", raw("a\\u0000b")
    yield "name of 1,025 bytes", "G10", raw("x" * 1025)
    yield "name twice", "G12", raw("a", "a")
    yield "name twice, escaped", "G12", raw("a", "\\u0061")
    yield "field twice", "G12", raw("a", fields=GOOD + ',"dtype":"F32"')
    yield "unknown dtype", "G14", entry(dtype="F8_E4M3")
    yield "object dtype", "G14", entry(dtype="O")
    yield "a bool of 2", "G14", st({"a": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}}, b"\x02")


def bad_json() -> Iterator[tuple[str, str, bytes]]:
    yield "empty text", "G11", b""
    yield "not an object", "G11", b"[1]"
    yield "cut short", "G11", b'{"a":'
    yield "single quotes", "G11", b"{'a':1}"
    yield "not UTF-8", "G11", b'{"a":"\xff"}'
    yield "a lone surrogate", "G11", b'{"a":"\\ud800"}'
    yield "a control character", "G11", b'{"a":"\x00"}'
    yield "65 levels", "G11", b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"
    yield "a million levels", "G11", b'{"a":' * 1_000_000
    yield "a number of 5,000 digits", "G11", b'{"a":' + b"1" * 5000 + b"}"
    yield "33 MiB", "G11", b'{"a":"' + b"x" * (33 << 20) + b'"}'
    yield "a key twice", "G12", b'{"a":1,"a":2}'
    yield "a key twice, deeper", "G12", b'{"b":[{"a":1,"\\u0061":2}]}'


def patched(data: bytes, find: bytes, change: Callable[[bytearray, int], None], last: bool = False) -> bytes:
    buffer = bytearray(data)
    change(buffer, buffer.rindex(find) if last else buffer.index(find))
    return bytes(buffer)


def put(at: int, code: str, *values: int) -> Callable[[bytearray, int], None]:
    return lambda buffer, start: struct.pack_into(code, buffer, start + at, *values)


LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def bad_archives(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    members = members_of(good)
    yield "empty archive file", "G7", b""
    yield "text", "K3", b"this is no archive, " * 5
    yield "an empty archive", "K1", archive({})
    for name in REQUIRED:
        yield f"without {name}", "K1", archive({key: data for key, data in members.items() if key != name})
    for name in ("../evil", "/etc/passwd", "a\\b", "assets/../../evil", "é", ".hidden", "con:aux"):
        yield f"member {name}", "K1", archive({**members, name: b""})
    yield "an asset", "K1", archive({**members, "assets/vocabulary.txt": b"a"})
    yield "code", "K1", archive({**members, "model.py": b"raise SystemExit"})
    yield "an unknown training part", "K1", archive({**members, "training/x.pkl": b""})
    yield "17 members", "K4", archive({**members, **{f"training/p{i}.json": b"{}" for i in range(12)}})
    yield "data before", "K3", b"#!/bin/sh\n" + good
    yield "data after", "K3", good + b"x"
    yield "two archives", "K3", good + good
    yield "a comment", "K3", patched(good, END, put(20, "<H", 1), last=True) + b"c"
    yield "encrypted", "K2", patched(patched(good, LOCAL, put(6, "<H", 1)), CENTRAL, put(8, "<H", 1))
    yield "sizes after the contents", "K2", patched(patched(good, LOCAL, put(6, "<H", 8)), CENTRAL, put(8, "<H", 8))
    yield "bzip2", "K2", archive(members, zipfile.ZIP_BZIP2)
    yield "lzma", "K2", archive(members, zipfile.ZIP_LZMA)
    yield "several disks", "K2", patched(good, END, put(4, "<H", 1), last=True)
    yield "a symbolic link", "K2", patched(good, CENTRAL, put(38, "<I", 0o120777 << 16))
    yield "names disagree", "K3", patched(good, LOCAL, put(30, "<B", ord("x")))
    yield "sizes disagree", "K3", patched(good, LOCAL, put(22, "<I", 1))
    yield "checksums disagree", "K3", patched(good, LOCAL, put(14, "<I", 1))
    yield "directory misplaced", "K3", patched(good, END, put(16, "<I", 0), last=True)
    yield "directory too short", "K3", patched(good, END, put(12, "<I", 46), last=True)
    yield "more members than entries", "G7", patched(good, END, put(8, "<HH", 7, 7), last=True)
    yield "overlapping members", "K3", patched(good, CENTRAL, put(42, "<I", 0), last=True)
    yield "member past the end", "K3", patched(good, CENTRAL, put(42, "<I", 2**31), last=True)
    yield "zip64 without record", "K3", patched(good, END, put(16, "<I", 2**32 - 1), last=True)
    yield "an extra field", "K3", _with_extra_field(members)
    yield "contents changed", "K5", patched(good, b'"format_version"', put(1, "<B", ord("F")))
    yield "weights changed", "K5", _flipped_weight(good, members)
    name = "config.json"
    yield "a member twice", "G12", _twice(members, name)
    bomb = archive({**members, "training/bomb.json": b" " * (8 << 20)}, zipfile.ZIP_DEFLATED)
    lies = _with_declared_size(bomb, b"training/bomb.json", 2**32 - 2)
    yield "a bomb by its sizes", "K4", lies
    yield "a bomb that hides its size", "K4", _with_declared_size(bomb, b"training/bomb.json", 1000)


def _with_extra_field(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as output:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HHI", 0xCAFE, 4, 0)
            output.writestr(info, data)
    return buffer.getvalue()


def _flipped_weight(good: bytes, members: dict[str, bytes]) -> bytes:
    buffer = bytearray(good)
    buffer[good.index(members["model.safetensors"]) + len(members["model.safetensors"]) - 1] ^= 1
    return bytes(buffer)


def _twice(members: dict[str, bytes], name: str) -> bytes:
    other = name[:-1] + "X"
    return archive({**members, other: members[name]}).replace(other.encode(), name.encode())


def _with_declared_size(data: bytes, name: bytes, size: int) -> bytes:
    buffer = bytearray(data)
    struct.pack_into("<I", buffer, data.index(name) - 30 + 22, size)
    struct.pack_into("<I", buffer, data.rindex(name) - 46 + 24, size)
    return bytes(buffer)


def bad_contents(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Archives in order whose parts do not describe a model."""
    members = members_of(good)

    def changed(part: str, change: Callable[[Any], Any]) -> bytes:
        content = json.loads(members[part])
        made = change(content)
        return archive({**members, part: json.dumps(content if made is None else made).encode()})

    def config(change: Callable[[Any], Any]) -> bytes:
        return changed("config.json", change)

    def layer(index: int, **entries: Any) -> bytes:
        return config(lambda c: c["config"]["layers"][index].update(entries))

    def tensors(part: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
        arrays = safetensors.loads(members[part])
        change(arrays)
        return archive({**members, part: safetensors.dumps(arrays)})

    function = {"class_name": "function", "module": "builtins", "registered_name": "function"}
    yield "version of the future", "K7", changed("metadata.json", lambda m: m.update(format_version=99))
    yield "version a text", "K7", changed("metadata.json", lambda m: m.update(format_version="2"))
    yield "no version", "K7", changed("metadata.json", lambda m: m.clear())
    yield "class of another module", "G2", layer(1, class_name="Popen", module="subprocess")
    yield "function of Python", "G2", layer(1, class_name="system", module="os", config={"command": "true"})
    yield "eval as activation", "G2", layer(1, config={"units": 8, "activation": {**function, "config": "eval"}})
    yield "a loader as class", "G2", layer(1, class_name="load_model", module="keras.models")
    yield "private module", "G2", layer(1, module="dlrs.layers.dense")
    yield "registered name of a built-in", "G2", layer(1, registered_name="os>system")
    yield "suffix of a registered name", "G2", layer(1, module=None, class_name="Known", registered_name="Known")
    yield (
        "a lambda",
        "G2",
        layer(1, config={"units": 8, "activation": {"class_name": "__lambda__", "config": {"value": "x"}}}),
    )
    for name in LOOKUPS:
        yield f"{name}: terms of another file", "G4", layer(1, class_name=name, config={"vocabulary": ELSEWHERE})
    yield "the model is a layer", "C1", config(lambda c: c["config"]["layers"][1])
    yield "the model is nothing", "C1", config(lambda c: {"a": 1})
    yield "configuration null", "C1", config(lambda c: c.update(config=None))
    yield "layers a number", "C1", config(lambda c: c["config"].update(layers=3))
    yield "unknown argument", "C1", layer(1, config={"units": 8, "evil": 1})
    yield "units a text", "C1", layer(1, config={"units": "8"})
    yield "units negative", "C1", layer(1, config={"units": -8})
    yield "a layer of 10^12 units", "G9", layer(1, config={"units": 10**12})
    yield "a layer of 2 GB", "G9", layer(1, config={"units": 10**8})
    yield "an input of 2^40", "G9", layer(0, config={"batch_shape": [None, 2**40]})
    yield "unknown optimizer", "G2", config(lambda c: c["compile_config"]["optimizer"].update(class_name="Evil"))
    yield (
        "loss of another module",
        "G2",
        config(lambda c: c["compile_config"].update(loss={**function, "config": "system", "module": "os"})),
    )
    yield "state without its parts", "C1", changed("state.json", lambda s: s.clear())
    yield "state with more", "C1", changed("state.json", lambda s: s.update(path="x"))
    yield "epochs negative", "C1", changed("state.json", lambda s: s.update(epochs_trained=-1))
    yield "flags of the wrong type", "C1", changed("state.json", lambda s: s.update(trainable=[1]))
    yield "too few flags", "G15", changed("state.json", lambda s: s.update(trainable=[]))
    yield "weight missing", "G15", tensors("model.safetensors", lambda a: a.pop("dense/bias"))
    yield "weight unexpected", "G15", tensors("model.safetensors", lambda a: a.update(x=np.zeros(1)))
    yield (
        "weight of another shape",
        "G15",
        tensors("model.safetensors", lambda a: a.update({"dense/bias": np.zeros(3, "f4")})),
    )
    yield (
        "weight of another type",
        "G15",
        tensors("model.safetensors", lambda a: a.update({"dense/bias": np.zeros(8, "f8")})),
    )
    yield "seed missing", "G15", tensors("state.safetensors", lambda a: a.clear())
    yield "slot missing", "G15", tensors("optimizer.safetensors", lambda a: a.pop("00002"))
    yield "slot of another shape", "G15", tensors("optimizer.safetensors", lambda a: a.update({"00002": np.zeros(1)}))


def corpus(good: bytes) -> list[Bad]:
    """Every bad file. `good` is a saved model whose parts are replaced one by one."""
    members = members_of(good)
    made = [Bad(f"file: {name}", rule, data, ".safetensors") for name, rule, data in bad_safetensors()]
    for part in ("model.safetensors", "optimizer.safetensors", "state.safetensors", "training/x.safetensors"):
        made += [
            Bad(f"{part}: {name}", rule, archive({**members, part: data}), ".dlrs")
            for name, rule, data in bad_safetensors()
        ]
    for part in ("config.json", "metadata.json", "state.json", "training/x.json"):
        made += [
            Bad(f"{part}: {name}", rule, archive({**members, part: data}), ".dlrs") for name, rule, data in bad_json()
        ]
    made += [Bad(f"archive: {name}", rule, data, ".dlrs") for name, rule, data in bad_archives(good)]
    made += [Bad(f"contents: {name}", rule, data, ".dlrs") for name, rule, data in bad_contents(good)]
    return made
