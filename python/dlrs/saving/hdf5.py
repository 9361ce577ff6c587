"""HDF5 files as Keras writes them, read through h5py with every object checked before its bytes are.

The rules are those of docs/files.md (H0 to H7). Links are never followed by name: a file may hold hard links to groups
and data sets of its own, and nothing else. h5py (https://docs.h5py.org) is an optional dependency: the extra `h5`.
"""

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dlrs import _dlrs
from dlrs.errors import FormatError, format_error
from dlrs.saving.limits import check_memory
from dlrs.saving.safetensors import StoredTensor, stored

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DEPTH = 32
_OBJECTS = 1 << 20
_RATIO = 1100  # deflate's ceiling is about 1,032
_FILL = 1 << 20
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_TYPES = {"bool", "float16", "float32", "float64", *_INTEGERS}
_TEXTS = ("model_config", "training_config", "keras_version", "backend", "name", "dtype")
_LISTS = ("layer_names", "weight_names")
_TEXT_BYTES = 32 << 20


class Tree(NamedTuple):
    """An HDF5 file: data sets by path ("layers/dense/vars/0"), groups, and the texts that Keras puts on them.

    `attributes` holds, by path ("" is the root), texts and lists of texts under their names.
    """

    tensors: dict[str, StoredTensor]
    groups: list[str]
    attributes: dict[str, dict[str, Any]]

    def under(self, path: str) -> dict[str, StoredTensor]:
        """The data sets that lie directly in the group `path`, by their own names."""
        prefix = f"{path}/" if path else ""
        inner = ((name[len(prefix) :], tensor) for name, tensor in self.tensors.items() if name.startswith(prefix))
        return {name: tensor for name, tensor in inner if "/" not in name}


def h5py_module() -> Any:
    """h5py, imported when a file needs it.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise ImportError("Files in HDF5 (.keras, .weights.h5, .h5) need h5py: install the extra 'dlrs[h5]'.") from None
    return h5py


def read_hdf5(path: str) -> Tree:
    """The checked contents of the HDF5 file `path`."""
    return parse_hdf5(_dlrs.read_file(path), path)


def parse_hdf5(data: bytes, path: str, part: str = "") -> Tree:
    """The checked contents of an HDF5 file in memory, called `path` and `part` in messages.

    Raises:
        FormatError: a rule is broken.
        ImportError: h5py is not installed.
    """
    h5py = h5py_module()
    reader = _Reader(h5py, path, part, len(data))
    if not data.startswith(_SIGNATURE):
        raise reader.error("it is not HDF5: the signature is missing at the start", "H0")
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return reader.read(file)
    except (FormatError, MemoryError):
        raise
    except Exception as error:  # h5py has no exception of its own: what libhdf5 finds wrong comes as any of Python's
        raise reader.error(f"libhdf5 cannot read it: {type(error).__name__}: {str(error)[:300]}", "H0") from None


class _Reader:
    """Walks a file: first every object is checked, then the data sets are read."""

    def __init__(self, h5py: Any, path: str, part: str, size: int) -> None:
        self._h5py = h5py
        self._path = path
        self._part = part
        self._size = size
        self._stored = 0
        self._declared = 0

    def error(self, message: str, rule: str, where: str = "") -> FormatError:
        field = "/".join(piece for piece in (self._part, where) if piece) or "file"
        return format_error(message, path=self._path, format="hdf5", field=field, rule=rule)

    def read(self, file: Any) -> Tree:
        tree = Tree({}, [], {})
        datasets: dict[str, Any] = {}
        seen: set[int] = set()
        stack = [("", file, 0)]
        while stack:
            path, node, depth = stack.pop()
            self._visit(path, node, depth, seen)
            self._read_attributes(path, node, tree)
            if isinstance(node, self._h5py.Dataset):
                self._check_dataset(path, node)
                datasets[path] = node
                continue
            tree.groups.append(path)
            for name in node:
                if not isinstance(name, str):
                    raise self.error(f"the name {name[:200]!r} is not UTF-8", "G10", path)
                inner = f"{path}/{name}" if path else name
                self._check_link(name, inner, node)
                stack.append((inner, node[name], depth + 1))
        if self._stored > self._size:
            raise self.error(f"its data sets have {self._stored} stored bytes, the file {self._size}", "G7")
        check_memory(self._declared, path=self._path, format="hdf5", field=self._part or "file")
        tree.tensors.update((path, self._values(path, node)) for path, node in datasets.items())
        return tree

    def _visit(self, path: str, node: Any, depth: int, seen: set[int]) -> None:
        if not isinstance(node, self._h5py.Dataset | self._h5py.Group):
            raise self.error(f"a {type(node).__name__}, where a group or data set is allowed", "H3", path)
        if depth > _DEPTH:
            raise self.error(f"groups are nested more than {_DEPTH} deep", "H6", path)
        address = self._h5py.h5o.get_info(node.id).addr
        if address in seen:
            raise self.error("an object has several names, or contains itself", "H6", path)
        seen.add(address)
        if len(seen) > _OBJECTS:
            raise self.error(f"it has more than {_OBJECTS} objects", "G10", path)

    def _check_link(self, name: str, path: str, group: Any) -> None:
        encoded = name.encode("utf-8", "surrogateescape")
        if not 1 <= len(encoded) <= 1024 or any(byte < 32 or byte == 127 for byte in encoded):
            raise self.error("names have 1 to 1,024 bytes without control characters", "G10", path[:200])
        link = group.get(name, getlink=True)
        if not isinstance(link, self._h5py.HardLink):
            raise self.error(f"a {type(link).__name__} where hard links alone are allowed", "H1", path)

    def _check_dataset(self, path: str, node: Any) -> None:
        plan = node.id.get_create_plist()
        layout = plan.get_layout()
        if layout not in (self._h5py.h5d.COMPACT, self._h5py.h5d.CONTIGUOUS, self._h5py.h5d.CHUNKED):
            raise self.error("a virtual data set, whose elements stand elsewhere", "H2", path)
        if plan.get_external_count():
            raise self.error("its elements stand in other files", "H2", path)
        kind = node.dtype
        if _is_bfloat16(node):
            kind = np.dtype("uint16")
        if kind.kind not in "biuf" or kind.name not in _TYPES:
            raise self.error(f"elements of type {kind} are not read", "G14", path)
        if node.shape is None:
            raise self.error("a data set without a data space", "H3", path)
        filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        unknown = [number for number in filters if number not in _FILTERS]
        if unknown:
            raise self.error(f"filter {unknown[0]}; allowed are {', '.join(_FILTERS.values())}", "H4", path)
        if len(filters) > len(_FILTERS):
            raise self.error(f"{len(filters)} filters", "H4", path)
        self._check_size(path, node, kind.itemsize, chunked=layout == self._h5py.h5d.CHUNKED)

    def _check_size(self, path: str, node: Any, itemsize: int, chunked: bool) -> None:
        shape, stored = node.shape, node.id.get_storage_size()
        declared = itemsize
        for length in shape:
            declared *= length
        if len(shape) > 32 or any(length > 1 << 40 for length in shape) or declared >= 1 << 63:
            raise self.error(f"shape {shape} is too large", "G8", path)
        self._declared += declared
        self._stored += stored
        if stored == 0 and declared > _FILL:
            raise self.error(f"{declared} bytes are declared, none is stored", "H5", path)
        if stored and declared > stored * (_RATIO if chunked else 1):
            raise self.error(f"{declared} bytes are declared, {stored} are stored", "H5", path)
        if chunked and max(node.chunks) > 1 << 40:
            raise self.error(f"chunks of shape {node.chunks}", "G8", path)
        if chunked and int(np.prod(node.chunks, dtype=object)) * itemsize > max(declared, 1) * 64 + _FILL:
            raise self.error(f"chunks of shape {node.chunks} for a data set of shape {shape}", "H5", path)
        if self._declared > _RATIO * self._size:
            raise self.error(f"its data sets declare {self._declared} bytes, the file has {self._size}", "H5", path)

    def _values(self, path: str, node: Any) -> StoredTensor:
        if _is_bfloat16(node):
            return StoredTensor("bfloat16", np.asarray(node[()]).view("uint16").reshape(node.shape))
        array = np.empty(node.shape, node.dtype.newbyteorder("="))
        if array.dtype.kind == "b":
            return StoredTensor("bool", np.asarray(node[()], "bool"))
        if array.size:
            node.read_direct(array)
        return StoredTensor(array.dtype.name, array)

    def _read_attributes(self, path: str, node: Any, tree: Tree) -> None:
        """The texts that Keras names; other attributes are not looked at."""
        found: dict[str, Any] = {}
        for number in range(self._h5py.h5a.get_num_attrs(node.id)):
            attribute = self._h5py.h5a.open(node.id, index=number)
            name = attribute.name.decode("utf-8", "replace")
            stem = name.rstrip("0123456789")
            if name in _TEXTS or stem in _LISTS:
                found[name] = self._text(f"{path}@{name}", attribute, node.attrs, name)
        for stem in _LISTS:
            pieces = [f"{stem}{number}" for number in range(len(found)) if f"{stem}{number}" in found]
            if stem not in found and pieces:  # long lists stand in several attributes
                found[stem] = [item for piece in pieces for item in found[piece]]
        if found:
            tree.attributes[path] = found

    def _text(self, where: str, attribute: Any, attributes: Any, name: str) -> Any:
        kind, shape = attribute.get_type(), attribute.shape
        count = int(np.prod(shape, dtype=object)) if shape else 1
        if shape and 0 in shape:
            return []
        texts = isinstance(kind, self._h5py.h5t.TypeStringID)
        if not texts or len(shape) > 1 or (name in _TEXTS) != (shape == ()) or count > 1 << 16:
            raise self.error("it must be a text, or a list of texts", "H7", where)
        if attribute.get_storage_size() > _TEXT_BYTES:
            raise self.error(f"a text of {attribute.get_storage_size()} bytes", "H7", where)
        value = attributes[name]
        items = [_decoded(item) for item in ([value] if shape == () else value)]
        if any(item is None for item in items):
            raise self.error("a text is not UTF-8", "H7", where)
        if sum(map(len, items)) > _TEXT_BYTES:
            raise self.error(f"texts of more than {_TEXT_BYTES} bytes", "H7", where)
        return items[0] if shape == () else items


def _is_bfloat16(node: Any) -> bool:
    """Whether elements are of the type that HDF5 lacks: Keras writes two bytes without meaning, and says so."""
    if node.dtype.kind != "V" or node.dtype.itemsize != 2 or node.dtype.fields is not None or "dtype" not in node.attrs:
        return False
    return bool(_decoded(node.attrs["dtype"]) == "bfloat16")


def _decoded(item: Any) -> Any:
    if not isinstance(item, bytes):
        item = str(item).encode("utf-8", "surrogateescape")
    try:
        return item.decode("utf-8")
    except UnicodeDecodeError:
        return None


def format_hdf5(tensors: Mapping[str, Any], attributes: Mapping[str, Mapping[str, Any]], groups: Any = ()) -> bytes:
    """An HDF5 file in memory: arrays by path, texts and lists of texts by the path they belong to, empty groups.

    >>> tree = parse_hdf5(format_hdf5({"a/b": np.arange(3)}, {"a": {"name": "x"}}), "memory")
    >>> tree.tensors["a/b"].array.tolist(), tree.attributes
    ([0, 1, 2], {'a': {'name': 'x'}})
    """
    h5py = h5py_module()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path in groups:
            file.require_group(path)
        for path, array in tensors.items():
            tensor = stored(array)
            if tensor.dtype == "bfloat16":
                file.create_dataset(path, data=tensor.array.view("V2")).attrs["dtype"] = "bfloat16"
            else:
                file.create_dataset(path, data=tensor.array)
        for path, texts in attributes.items():
            node = file.require_group(path) if path else file
            for name, value in texts.items():
                _write_attribute(node, name, value)
    return buffer.getvalue()


def _write_attribute(node: Any, name: str, value: Any) -> None:
    if isinstance(value, str):
        node.attrs[name] = value
        return
    encoded = np.asarray([text.encode() for text in value])
    pieces = -(-encoded.nbytes // 60_000)  # an attribute has room for 64 KiB
    if pieces <= 1:
        node.attrs[name] = encoded
        return
    for number, piece in enumerate(np.array_split(encoded, pieces)):
        node.attrs[f"{name}{number}"] = piece
