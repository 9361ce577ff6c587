"""Weights in several files: `name.weights.json` says in which of the `name_00000.weights.h5` each object's are.

The map is Keras's: `{"metadata": {"total_size": bytes}, "weight_map": {"/layers/dense/vars": file or files}}`.
"""

import json
import os
import re
from typing import Any

from dlrs import _dlrs
from dlrs.errors import FormatError, format_error
from dlrs.saving.archive import write_file
from dlrs.saving.hdf5 import format_hdf5, read_hdf5
from dlrs.saving.keras_state import KerasState, state_to_save
from dlrs.saving.limits import check_memory, refuse_link
from dlrs.saving.safetensors import stored

_GIGABYTE = 1 << 30
# A shard stands beside its map: a plain name, never a path.
_SHARD = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}\.weights\.h5")
_MOST_SHARDS = 1 << 16


def write_sharded(model: Any, path: str, max_shard_size: float, skip: Any = ()) -> None:
    """Write the weights of a model to files of at most `max_shard_size` gigabytes, and their map to `path`.

    Raises:
        ValueError: the size is no positive number, or a single weight is larger.
    """
    if isinstance(max_shard_size, bool) or not isinstance(max_shard_size, int | float) or not max_shard_size > 0:
        raise ValueError(f"save_weights: `max_shard_size` must be a positive number, got {max_shard_size!r}.")
    most = max_shard_size * _GIGABYTE
    base = os.path.basename(path).removesuffix(".json").replace(".weights", "")
    shards: list[dict[str, Any]] = [{}]
    weight_map: dict[str, Any] = {}
    total = held = 0
    for name, value in state_to_save(model, skip=skip)[0].items():
        size = stored(value).array.nbytes
        if size > most:
            raise ValueError(
                f"save_weights: {name} has {size} bytes, more than `max_shard_size`={max_shard_size} gigabytes."
            )
        if held + size > most:
            shards.append({})
            held = 0
        held, total = held + size, total + size
        shards[-1][name] = value
        files = weight_map.setdefault(f"/{name.rpartition('/')[0]}", [])
        if _shard_name(base, len(shards) - 1) not in files:
            files.append(_shard_name(base, len(shards) - 1))
    for index, arrays in enumerate(shards):
        write_file(os.path.join(os.path.dirname(path), _shard_name(base, index)), [format_hdf5(arrays, {})])
    one_or_all = {group: files[0] if len(files) == 1 else files for group, files in weight_map.items()}
    content = json.dumps({"metadata": {"total_size": total}, "weight_map": one_or_all}, indent=4)
    write_file(path, [content.encode()])  # last: a map names files that are there


def _shard_name(base: str, index: int) -> str:
    return f"{base}_{index:05d}.weights.h5"


def read_sharded(path: str) -> KerasState:
    """The weights in the files that the map `path` names.

    Raises:
        FormatError: the map is damaged (C1), names what is no file beside it (K1, G4), or says of an object that it is
            in a file which lacks it, or the other way round (K1); two files hold one weight (G12); they are too large
            (G9).
    """
    content = _dlrs.read_file(path)
    _dlrs.check_json(content, path, "weight_map")
    groups = _groups_by_file(path, json.loads(content).get("weight_map"))
    places = {name: os.path.join(os.path.dirname(path), name) for name in groups}
    size = 0
    for name, place in places.items():
        refuse_link(place, "hdf5")
        if not os.path.lexists(place):
            raise _error(path, f"it names {name[:100]!r}, which is not there", "K1")
        size += os.path.getsize(place)
    check_memory(size, path=path, format="hdf5", field="weight_map")
    tensors: dict[str, Any] = {}
    size = 0
    for name, place in places.items():
        found = read_hdf5(place).tensors
        twice = found.keys() & tensors.keys()
        if twice:
            raise _error(path, f"{min(twice)[:100]!r} stands in two files", "G12")
        held = {tensor.rpartition("/")[0] for tensor in found}
        if held != groups[name]:
            wrong = min(held ^ groups[name])
            message = f"it says of {wrong[:100]!r} that {name[:100]!r} holds it, which does not"
            if wrong in held:
                message = f"it does not say of {wrong[:100]!r} that {name[:100]!r} holds it, which does"
            raise _error(path, message, "K1")
        tensors.update(found)
        size += sum(tensor.array.nbytes for tensor in found.values())
        check_memory(size, path=path, format="hdf5", field="weight_map")
    return KerasState(tensors, path, "hdf5", "weight_map")


def _groups_by_file(path: str, weight_map: Any) -> dict[str, set[str]]:
    """The groups that each file is said to hold, without the slash before them."""
    if not isinstance(weight_map, dict):
        raise _error(path, "it has no weight_map", "C1")
    groups: dict[str, set[str]] = {}
    for group, files in weight_map.items():
        if not group.startswith("/"):
            raise _error(path, f"{group[:100]!r} is not the path of an object's weights", "C1")
        for name in files if isinstance(files, list) else [files]:
            if not isinstance(name, str) or not _SHARD.fullmatch(name):
                raise _error(path, f"{str(name)[:100]!r} is not the name of a .weights.h5 file beside it", "K1")
            groups.setdefault(name, set()).add(group[1:])
    if len(groups) > _MOST_SHARDS:
        raise _error(path, f"it names more than {_MOST_SHARDS} files", "G10")
    return groups


def _error(path: str, message: str, rule: str) -> FormatError:
    return format_error(message, path=path, format="hdf5", field="weight_map", rule=rule)
