"""Files in Keras's formats, made by hand to break one rule each."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from saving.hostile import ELSEWHERE, LOOKUPS, Bad, archive, bad_json, members_of

CANARY = "canary.h5"


def h5(write: Callable[[Any], Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        write(file)
    return buffer.getvalue()


def changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """An HDF5 file after `change`."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def _replace(path: str, make: Callable[[Any, str], Any]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        group, _, name = path.rpartition("/")
        del file[path]
        make(file[group] if group else file, name)

    return change


def _bomb(shape: tuple[int, ...]) -> Callable[[Any, str], Any]:
    return lambda g, n: g.create_dataset(n, shape, "f4", chunks=(1 << 10,) * len(shape), compression="gzip")


def _zeros(g: Any, n: str) -> None:
    g.create_dataset(n, data=np.zeros(1 << 24, "f4"), chunks=(1 << 22,), compression="gzip", compression_opts=9)


def _external(g: Any, n: str) -> None:
    g.create_dataset(n, (4, 8), "f4", external=[(CANARY, 0, 128)])


def _virtual(g: Any, n: str) -> None:
    layout = h5py.VirtualLayout((4, 8), "f4")
    layout[:] = h5py.VirtualSource(CANARY, "x", (4, 8))
    g.create_virtual_dataset(n, layout)


def _typed(kind: Any, shape: Any = (4, 8)) -> Callable[[Any, str], Any]:
    return lambda g, n: g.create_dataset(n, shape, kind)


def _filtered(**options: Any) -> Callable[[Any, str], Any]:
    return lambda g, n: g.create_dataset(n, data=np.zeros((4, 8), "f4"), chunks=(4, 8), **options)


def _set(path: str, value: Any) -> Callable[[Any, str], Any]:
    return lambda g, n: g.__setitem__(n, value)


def _deep(file: Any) -> None:
    group = file
    for _ in range(40):
        group = group.create_group("g")


def _twice(path: str) -> Callable[[Any], None]:
    return lambda file: file.__setitem__("again", file[path])


def bad_trees(dataset: str) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """What can be wrong in a file that has a data set `dataset` of shape (4, 8)."""
    group = dataset.rpartition("/")[0]
    for where, path in (("data set", dataset), ("group", group)):
        yield f"soft link for a {where}", "H1", _replace(path, _set(path, h5py.SoftLink("/elsewhere")))
        yield f"external link for a {where}", "H1", _replace(path, _set(path, h5py.ExternalLink(CANARY, "x")))
        yield f"link to a device for a {where}", "H1", _replace(path, _set(path, h5py.ExternalLink("/dev/zero", "x")))
    yield "one more soft link", "H1", lambda f: f.__setitem__("more", h5py.SoftLink("/"))
    yield "one more external link", "H1", lambda f: f.__setitem__("more", h5py.ExternalLink(CANARY, "/"))
    yield "elements in another file", "H2", _replace(dataset, _external)
    yield "a virtual data set", "H2", _replace(dataset, _virtual)
    yield "a named type", "H3", lambda f: f.__setitem__("kind", np.dtype("f4"))
    yield "no data space", "H3", _replace(dataset, lambda g, n: g.create_dataset(n, data=h5py.Empty("f4")))
    yield "filter LZF", "H4", _replace(dataset, _filtered(compression="lzf"))
    yield "filter scale-offset", "H4", _replace(dataset, _filtered(scaleoffset=3))
    yield "seven filters", "H4", _replace(dataset, _many_filters)
    yield "16 TiB declared", "H5", _replace(dataset, _bomb((1 << 40,)))
    yield (
        "2 GiB declared",
        "H5",
        _replace(dataset, lambda g, n: g.create_dataset(n, (1 << 29,), "f4", chunks=(1 << 20,))),
    )
    yield "2 MiB of nothing", "H5", _replace(dataset, lambda g, n: g.create_dataset(n, (1 << 19,), "f4"))
    yield "a chunk of zeros, many times", "H5", _replace(dataset, _sparse)
    yield (
        "a dimension of 2^50",
        "G8",
        _replace(dataset, lambda g, n: g.create_dataset(n, (1 << 50,), "f4", chunks=(4,))),
    )
    yield (
        "a product of 2^78",
        "G8",
        _replace(dataset, lambda g, n: g.create_dataset(n, (1 << 38, 1 << 38), "f4", chunks=(4, 4))),
    )
    yield "40 levels", "H6", _deep
    yield "an object twice", "H6", _twice(dataset)
    yield "a group in itself", "H6", lambda f: f[group].__setitem__("again", f[group])
    yield "the root in itself", "H6", lambda f: f.__setitem__("again", f["/"])
    yield "a name of 1,025 bytes", "G10", lambda f: f.create_group("x" * 1025)
    yield "a name with a newline", "G10", lambda f: f.create_group("a\nb")
    yield "a name that is not UTF-8", "G10", lambda f: f.create_group(b"\xff\xfe")
    for kind in ("S5", "c8", "c16", "V7"):
        yield f"elements of type {kind}", "G14", _replace(dataset, _typed(np.dtype(kind)))
    yield "texts", "G14", _replace(dataset, _typed(h5py.string_dtype()))
    yield "ragged numbers", "G14", _replace(dataset, _typed(h5py.vlen_dtype("f4")))
    yield "references", "G14", _replace(dataset, _typed(h5py.ref_dtype))
    yield "region references", "G14", _replace(dataset, _typed(h5py.regionref_dtype))
    yield "structures", "G14", _replace(dataset, _typed(np.dtype([("a", "f4")])))
    yield "another shape", "G15", _replace(dataset, lambda g, n: g.create_dataset(n, data=np.zeros((3, 8), "f4")))
    yield "a scalar", "G15", _replace(dataset, lambda g, n: g.create_dataset(n, data=np.float32(1)))


def _many_filters(g: Any, n: str) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4, 8))
    for _ in range(7):
        plan.set_shuffle()
    h5py.h5d.create(g.id, n.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 8)), plan)


def _sparse(g: Any, n: str) -> None:
    data = g.create_dataset(n, (1 << 28,), "f4", chunks=(1 << 10,))
    data[:4] = 1


def bad_bytes(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    yield "nothing", "H0", b""
    yield "text", "H0", b"this is no HDF5 " * 8
    yield "the signature alone", "H0", good[:8]
    yield "bytes before", "H0", bytes(512) + good
    yield "cut in half", "H0", good[: len(good) // 2]
    yield "cut after the superblock", "H0", good[:96]
    yield "a superblock of version 99", "H0", good[:8] + b"\x63" + good[9:]
    yield "offsets of 200 bytes", "H0", good[:13] + b"\xc8" + good[14:]
    yield "a root beyond the end", "H0", good[:64] + struct.pack("<Q", 1 << 40) + good[72:]
    yield "a pickle", "H0", b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94."
    yield "an archive", "H0", archive({"a": b"b"})


def weight_files(good: bytes, dataset: str) -> Iterator[tuple[str, str, bytes]]:
    yield from bad_bytes(good)
    for name, rule, change in bad_trees(dataset):
        yield name, rule, changed(good, change)


def keras_archives(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    """`.keras` files whose members, texts or configurations are wrong."""
    members = members_of(good)
    for name in members:
        yield f"without {name}", "K1", archive({k: v for k, v in members.items() if k != name})
    for name in ("assets/vocabulary.txt", "../evil", "/etc/passwd", "model.py", "model.weights.npz", "model.pkl"):
        yield f"member {name}", "K1", archive({**members, name: b""})
    terms = "assets/layers/{}/vocabulary.txt"
    for place in ("dense", "nowhere", "dense/_lookup_layer"):
        yield f"terms of {place}", "G15", archive({**members, terms.format(place): b"a\nb"})
    yield "terms that are not UTF-8", "C1", archive({**members, terms.format("dense"): b"\xff"})
    for place in ("..", "a/../b", ".hidden", "Dense", "a b", "/".join("a" * 40)):
        yield f"terms of {place}", "K1", archive({**members, terms.format(place): b"a"})
    yield "another asset", "K1", archive({**members, "assets/layers/dense/model.pkl": b"a"})
    yield "data before", "K3", b"#!/bin/sh\n" + good
    yield "data after", "K3", good + b"x"
    yield "bzip2", "K2", archive(members, zipfile.ZIP_BZIP2)
    yield "HDF5 instead", "K3", members["model.weights.h5"]
    for name, rule, text in bad_json():
        if len(text) < 1 << 20:
            yield f"configuration: {name}", rule, archive({**members, "config.json": text})
            yield f"metadata: {name}", rule, archive({**members, "metadata.json": text})
    for version in ("4.0.0", "2.15.0", 3, None, ""):
        text = json.dumps({"keras_version": version}).encode()
        yield f"version {version!r}", "K7", archive({**members, "metadata.json": text})
    for name, rule, config in bad_configs(json.loads(members["config.json"])):
        yield name, rule, archive({**members, "config.json": json.dumps(config).encode()})


def bad_configs(good: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Configurations that name what must not be made, or describe nothing."""

    def layer(**entries: Any) -> Any:
        config = json.loads(json.dumps(good))
        config["config"]["layers"][1].update(entries)
        return config

    def dense(**arguments: Any) -> Any:
        return layer(config={"units": 8, **arguments})

    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None, "closure": None}}
    function = {"class_name": "function", "module": "builtins", "registered_name": "function"}
    yield "a Lambda with code", "G2", layer(class_name="Lambda", config={"name": "x", "function": code})
    yield (
        "a Lambda of a Python function",
        "G2",
        layer(class_name="Lambda", config={"name": "x", "function": {**function, "config": "eval"}}),
    )
    yield "an activation of code", "G2", dense(activation=code)
    yield "a function of os", "G2", dense(activation={**function, "module": "os", "config": "system"})
    yield "a class of subprocess", "G2", layer(module="subprocess", class_name="Popen")
    yield "a class of a file", "G2", layer(module="evil", class_name="Evil", registered_name="Evil")
    yield "a loader", "G2", layer(module="keras.saving", class_name="load_model", config={"filepath": CANARY})
    yield "a download", "G2", layer(module="keras.utils", class_name="get_file", config={"origin": "http://x"})
    yield "a SavedModel", "G2", layer(class_name="TFSMLayer", config={"filepath": "saved_model"})
    yield "a module of PyTorch", "G2", layer(class_name="TorchModuleWrapper", config={"module": "x"})
    yield "the switch of safety", "G2", layer(module="keras.config", class_name="enable_unsafe_deserialization")
    yield "a private module", "G2", layer(module="keras.src.layers.core.dense")
    yield "a registered name for a built-in", "G2", layer(registered_name="os>system")
    for name in LOOKUPS:
        yield f"{name}: terms of another file", "G4", layer(class_name=name, config={"vocabulary": ELSEWHERE})
    inner = {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": ELSEWHERE}}
    yield "terms of another file, deeper", "G4", layer(class_name="TimeDistributed", config={"layer": inner})
    yield "an unknown argument", "C1", dense(evil=1)
    yield "a negative size", "C1", dense(units=-8)
    yield "a layer of 10^9 units", "G9", layer(config={"units": 10**9}, build_config={"input_shape": [None, 4]})
    yield "layers a number", "C1", {**good, "config": {**good["config"], "layers": 3}}
    yield "no configuration", "C1", {**good, "config": None}
    yield "a layer for a model", "C1", good["config"]["layers"][1]
    yield "nothing", "C1", {"a": 1}


def legacy_files(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Files of whole models in the older format."""
    with h5py.File(io.BytesIO(good)) as file:
        config = json.loads(file.attrs["model_config"])

    def attribute(name: str, value: Any, group: str = "/") -> bytes:
        return changed(good, lambda f: f[group].attrs.__setitem__(name, value))

    yield "no configuration", "C1", changed(good, lambda f: f.attrs.__delitem__("model_config"))
    yield "configuration a number", "H7", attribute("model_config", 3)
    yield "configuration a list", "H7", attribute("model_config", np.asarray([b"a", b"b"]))
    yield "configuration not UTF-8", "H7", attribute("model_config", np.bytes_(b"\xff\xfe"))
    for name, rule, text in bad_json():
        if b"\0" not in text and b"\xff" not in text and 0 < len(text) < 1 << 15:
            yield f"configuration: {name}", rule, attribute("model_config", text.decode())
            yield f"training: {name}", rule, attribute("training_config", text.decode())
    for name, rule, bad in bad_configs(config):
        yield name, rule, attribute("model_config", json.dumps(bad))
    yield "version 4", "K7", changed(good, lambda f: _versions(f, "4.0"))
    yield "version of letters", "K7", changed(good, lambda f: _versions(f, "x"))
    names = "layer_names"
    yield "names of layers a number", "H7", attribute(names, 3, "model_weights")
    yield "no names of layers", "C1", changed(good, lambda f: f["model_weights"].attrs.__delitem__(names))
    yield "a layer that is not there", "C1", attribute(names, np.asarray([b"nowhere"]), "model_weights")
    yield "a layer above", "C1", attribute(names, np.asarray([b"../x"]), "model_weights")
    yield "a layer twice", "G12", attribute(names, np.asarray([b"dense", b"dense"]), "model_weights")
    yield "a weight that is not there", "C1", attribute("weight_names", np.asarray([b"x"]), "model_weights/dense")
    yield "a weight elsewhere", "C1", attribute("weight_names", np.asarray([b"/etc/passwd"]), "model_weights/dense")
    yield "no weights", "G15", attribute("weight_names", np.asarray([], "S1"), "model_weights/dense")


def _versions(file: Any, version: str) -> None:
    file.attrs["keras_version"] = version
    file["model_weights"].attrs["keras_version"] = version


def corpus(keras: bytes, legacy: bytes, weights: bytes) -> list[Bad]:
    """Every bad file, made of good ones of the three formats."""
    dataset = "layers/dense/vars/0"
    with h5py.File(io.BytesIO(legacy)) as file:
        of_legacy = f"model_weights/dense/{file['model_weights/dense'].attrs['weight_names'][0].decode()}"
    members = members_of(keras)
    made = [Bad(f"weights: {name}", rule, data, ".weights.h5") for name, rule, data in weight_files(weights, dataset)]
    for name, rule, data in weight_files(members["model.weights.h5"], dataset):
        made.append(Bad(f"keras, weights: {name}", rule, archive({**members, "model.weights.h5": data}), ".keras"))
    made += [Bad(f"keras: {name}", rule, data, ".keras") for name, rule, data in keras_archives(keras)]
    made += [Bad(f"legacy, weights: {name}", rule, data, ".h5") for name, rule, data in weight_files(legacy, of_legacy)]
    return made + [Bad(f"legacy: {name}", rule, data, ".h5") for name, rule, data in legacy_files(legacy)]
