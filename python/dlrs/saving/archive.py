"""`.dlrs` files: a ZIP archive of JSON texts and safetensors, each checked before any is used."""

import json
import re
from collections.abc import Mapping
from typing import Any

from dlrs import _dlrs
from dlrs.errors import format_error
from dlrs.saving.safetensors import StoredTensor, decode, encode

_CHUNK = 1 << 23
REQUIRED = ("metadata.json", "config.json", "state.json", "model.safetensors", "state.safetensors")
OPTIONAL = ("optimizer.safetensors",)
# Parts that callers add, such as the state of a training that is to be resumed.
_EXTRA = re.compile(r"training/[a-z0-9_]{1,64}\.(json|safetensors)")

Parts = dict[str, Any]


def write_archive(path: str, parts: Mapping[str, Any]) -> None:
    """Write an archive: parts ending in `.json` are plain data, those in `.safetensors` are tensors by name.

    The file is written beside `path`, brought to the disk and put in place at once; if anything fails, `path` is as it
    was and nothing is left beside it.

    Raises:
        OSError: the disk is full, the directory does not exist, ...
        TypeError: a part ending in `.json` is not plain data.
        FormatError: a part could not be read again.
    """
    contents = {name: _encoded(name, part, path) for name, part in parts.items()}
    file = _dlrs.ArchiveFile(path)
    try:
        for name, pieces in contents.items():
            file.begin(name, sum(memoryview(piece).nbytes for piece in pieces))
            for piece in pieces:
                _write(file, piece)
            file.end()
        file.commit()
    finally:
        file.discard()


def write_file(path: str, pieces: list[Any]) -> None:
    """Write a file likewise from pieces."""
    file = _dlrs.AtomicFile(path)
    try:
        for piece in pieces:
            _write(file, piece)
        file.commit()
    finally:
        file.discard()


def _write(file: Any, piece: Any) -> None:
    # In chunks, between which signals are handled and other threads have their turn.
    view = memoryview(piece).cast("B")
    for start in range(0, len(view), _CHUNK):
        file.write(view[start : start + _CHUNK])


def _encoded(name: str, part: Any, path: str) -> list[Any]:
    if name not in REQUIRED and name not in OPTIONAL and not _EXTRA.fullmatch(name):
        raise ValueError(f"A part of a saved model is called 'training/<name>.json' or '.safetensors', got {name!r}.")
    if name.endswith(".safetensors"):
        return encode(part, path, name)
    try:
        text = json.dumps(part, indent=1).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{path}: {name} is not plain data: {error}") from None
    _dlrs.check_json(text, path, name)
    return [text]


def read_archive(path: str) -> Parts:
    """The parts of an archive that `write_archive` wrote: plain data and `StoredTensor`s by name.

    Raises:
        FormatError: a rule is broken, a part is missing or does not belong there.
        OSError: the file cannot be read.
    """
    members = dict(_dlrs.read_archive(path))
    missing = [name for name in REQUIRED if name not in members]
    if missing:
        raise format_error(f"it lacks {', '.join(missing)}", path=path, format="dlrs", field="members", rule="K1")
    for name in members:
        if name not in REQUIRED and name not in OPTIONAL and not _EXTRA.fullmatch(name):
            message = "it is not a part of a saved model"
            raise format_error(message, path=path, format="dlrs", field=name, rule="K1")
    return {name: _decoded(name, data, path) for name, data in members.items()}


def _decoded(name: str, data: bytes, path: str) -> dict[str, StoredTensor] | Any:
    if name.endswith(".safetensors"):
        return decode(data, path, name)
    _dlrs.check_json(data, path, name)
    return json.loads(data)
