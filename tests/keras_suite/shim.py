"""pytest plugin: `import keras` means dlrs, so that Keras's own test files judge it.

The test files and `keras.src.testing` are loaded unmodified from the pinned wheel. Every other module under `keras` is
a view of the dlrs module that corresponds to it; a name that dlrs does not have fails the test that uses it.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import pathlib
import sys
import types
import unittest.mock
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import event_files
import ml_dtypes  # noqa: F401  # teaches NumPy the name "bfloat16", as every back end of Keras does
import pytest

TARGET = "dlrs"
KERAS_VERSION = "3.15.1"

# Names that pytest, unittest and import machinery probe on any module: absent means absent, not failing.
_PROBED = ("__", "pytest", "_pytest", "setUp", "tearDown", "setup", "teardown", "load_tests")


def keras_source() -> pathlib.Path:
    """The folder `keras` of the installed wheel, which is never imported itself."""
    distribution = importlib.metadata.distribution("keras")
    if distribution.version != KERAS_VERSION:
        raise RuntimeError(f"The suite is pinned to keras {KERAS_VERSION}; {distribution.version} is installed.")
    return pathlib.Path(str(distribution.locate_file("keras")))


# The modules that every back end of Keras brings, and where dlrs, which is all one, has what they hold.
_BACKEND_MODULES = {
    "random": "random", "numpy": "ops.numpy", "nn": "ops.nn", "math": "ops.math", "linalg": "ops.linalg",
    "core": "ops.core", "image": "ops.image", "config": "config",
}  # fmt: skip

# Parts of dlrs that stand elsewhere than in Keras's tree.
_PLACES = {
    "layers.preprocessing.feature_space": "utils.feature_space",
    "layers.preprocessing.image_preprocessing.bounding_boxes": "utils.bounding_boxes",
    "trainers.data_adapters": "data",
}

# Arithmetic by which Keras's tests compute the values they expect; it is not what they test, and comes from the wheel.
_REFERENCES = {
    "keras.src.backend.common.backend_utils": (
        "compute_conv_transpose_output_shape",
        "compute_conv_transpose_padding_args_for_jax",
    )
}


# The trainer that the back end called NumPy brings, in whose place dlrs's is tested (`pytest_make_collect_report`).
_TRAINERS = {"keras.src.backend.numpy.trainer": "NumpyTrainer"}


# Conversions out of graphs of TensorFlow, which return anything else as it came.
_CONVERSIONS = {"keras.src.utils.backend_utils": ("convert_tf_tensor",)}

# What writes older files there, for tests that read them.
_WRITERS = {"keras.src.legacy.saving.legacy_h5_format": {"save_model_to_hdf5": "write_legacy"}}


# String functions of Keras's test helpers.
_STRINGS = {"keras.src.utils": {"removesuffix": str.removesuffix}}


def _reference(module: str, name: str) -> Any:
    """A function of the wheel's own file, which imports nothing of Keras."""
    file = keras_source().parent.joinpath(*module.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"reference.{module}", file)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)


def _missing(full_name: str) -> Any:
    """What stands for a name that dlrs lacks: a class for CapWords, so that it can be subclassed, else a function."""
    last = full_name.rsplit(".", 1)[-1]

    def fail(*args: Any, **kwargs: Any) -> Any:
        pytest.fail(f"{full_name} is not in {TARGET}")

    fail.__name__ = last
    return type(last, (), {"__init__": fail}) if last[:1].isupper() else fail


class View(types.ModuleType):
    """A module of Keras's tree that shows the names of dlrs's counterpart."""

    __path__: Sequence[str] = ()

    def __init__(self, name: str, counterpart: types.ModuleType) -> None:
        super().__init__(name)
        self.__dict__["__counterpart__"] = counterpart
        self.__dict__["__patched__"] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        # A test that patches a constant means the counterpart's. What the import machinery sets is the view's own.
        own = self.__dict__["__counterpart__"]
        if name.startswith("__") or name not in vars(own) or isinstance(value, types.ModuleType):
            super().__setattr__(name, value)
            return
        self.__dict__["__patched__"].setdefault(name, vars(own)[name])
        setattr(own, name, value)

    def __delattr__(self, name: str) -> None:
        # `unittest.mock` deletes what was not in the view before.
        patched = self.__dict__["__patched__"]
        if name in patched:
            setattr(self.__dict__["__counterpart__"], name, patched.pop(name))
        else:
            super().__delattr__(name)

    def __getattr__(self, name: str) -> Any:
        if name in _REFERENCES.get(self.__name__, ()):
            return _reference(self.__name__, name)
        if name in _CONVERSIONS.get(self.__name__, ()):
            return lambda outputs, dtype=None: outputs
        if name in _STRINGS.get(self.__name__, ()):
            return _STRINGS[self.__name__][name]
        if name in _WRITERS.get(self.__name__, {}):
            return getattr(importlib.import_module(f"{TARGET}.saving.legacy_h5"), _WRITERS[self.__name__][name])
        if _TRAINERS.get(self.__name__) == name:
            return importlib.import_module(f"{TARGET}.trainers").Trainer
        try:
            value = getattr(self.__dict__["__counterpart__"], name)
            if not isinstance(value, types.ModuleType):
                return value
            # A module is shown as a view of its own, in which a missing name fails the tests that use it only.
        except AttributeError:
            if name.startswith(_PROBED):
                raise
            value = None
        if self.__name__ == "keras.src.backend" and name in _BACKEND_MODULES:
            return View(f"{self.__name__}.{name}", counterpart(f"{self.__name__}.{name}"))
        if (self.__name__, name) == ("keras.src.ops", "random"):  # Keras's ops import it from the back end
            return View("keras.src.backend.random", counterpart("keras.src.backend.random"))
        try:
            return importlib.import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            return _missing(f"{self.__name__}.{name}") if value is None else value


def counterpart(name: str) -> types.ModuleType:
    """The dlrs module for `name` of Keras's tree: the deepest that exists, `src` and `common` being left out."""
    parts = [part for part in name.split(".")[1:] if part not in ("src", "common")]
    if parts[:1] == ["backend"] and len(parts) == 2 and parts[1] in _BACKEND_MODULES:
        parts = _BACKEND_MODULES[parts[1]].split(".")
    path = ".".join(parts)
    for place, own in _PLACES.items():
        if path == place or path.startswith(place + "."):
            parts = (own + path.removeprefix(place)).split(".")
    for depth in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join([TARGET, *parts[:depth]]))
        except ModuleNotFoundError:
            continue
    return importlib.import_module(TARGET)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads `keras.*` as views, and Keras's tests and test helpers from its wheel."""

    def __init__(self, source: pathlib.Path) -> None:
        self.source = source

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "keras" and not name.startswith("keras."):
            return None
        file = self.source.parent.joinpath(*name.split("."))
        if name.endswith("_test") or name.startswith("keras.src.testing"):
            if file.is_dir():
                return importlib.util.spec_from_file_location(
                    name, file / "__init__.py", submodule_search_locations=[str(file)]
                )
            return importlib.util.spec_from_file_location(name, file.with_suffix(".py"))
        if not file.is_dir() and not file.with_suffix(".py").exists():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return View(spec.name, counterpart(spec.name))

    def exec_module(self, module: types.ModuleType) -> None:
        """Views need no code."""


def _skip_if_backend(backend: str, reason: str) -> Callable[[Any], Any]:
    """The helper of Keras's root `conftest.py`, which its wheel does not ship."""
    return pytest.mark.skipif(backend == TARGET, reason=f"{backend}: {reason}")


def _install() -> None:
    sys.meta_path.insert(0, Finder(keras_source()))
    conftest = types.ModuleType("conftest")
    conftest.skip_if_backend = _skip_if_backend  # type: ignore[attr-defined]
    sys.modules["conftest"] = conftest


_install()

# Modules of TensorFlow that test files of Keras import at their top.
_TENSORFLOW_MODULES = (
    "tensorflow.compat", "tensorflow.compat.v1", "tensorflow.core", "tensorflow.core.util", "tensorflow.python",
    "tensorflow.python.eager", "tensorflow.python.lib", "tensorflow.python.lib.io", "tensorflow.summary",
)  # fmt: skip


class _Absent(types.ModuleType):
    """Stands, while tests are collected, for a framework that a test file imports at its top: the tests that do not use
    it can be run. Those that do are out of scope (`scope.py`)."""

    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name[:1].isupper():  # a class, of which a test file makes its own
            return type(name, (), {})
        return _Absent(f"{self.__name__}.{name}")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """`trainer_test.py` picks the trainer to test by the name of the back end, and knows those of Keras only: while it
    is imported, dlrs goes by the name of one that is neither TensorFlow, JAX nor PyTorch."""
    if collector.path.name != "trainer_test.py" or not isinstance(collector, pytest.Module):
        return (yield)
    with unittest.mock.patch.object(importlib.import_module(f"{TARGET}.backend"), "backend", lambda: "numpy"):
        return (yield)


def pytest_collection() -> None:
    """Before the test files are imported."""
    for name in ("grain", "tensorflow", "torch"):
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = _Absent(name)
    if isinstance(sys.modules.get("tensorflow"), _Absent):
        sys.modules.update((name, _Absent(name)) for name in _TENSORFLOW_MODULES)
        # What reads event files; the tests judge what was written, not by what it is read.
        sys.modules["tensorflow.core.util"].event_pb2 = event_files  # type: ignore[attr-defined]
        sys.modules["tensorflow.python.lib.io"].tf_record = event_files  # type: ignore[attr-defined]
    if isinstance(sys.modules.get("torch"), _Absent):
        sys.modules.update((name, _Absent(name)) for name in ("torch.utils", "torch.utils.data"))


def pytest_collection_finish() -> None:
    """After they were imported."""
    for name in [name for name, module in sys.modules.items() if isinstance(module, _Absent)]:
        del sys.modules[name]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of Keras's tests, and import the packages that pytest would else load from the wheel."""
    for mark in ("requires_trainable_backend", "multi_device"):
        config.addinivalue_line("markers", f"{mark}: a mark of Keras's tests")
    source = keras_source()
    for folder in [source / "src", *sorted((source / "src").rglob("*"))]:
        if folder.is_dir() and (folder / "__init__.py").exists():
            importlib.import_module("keras." + ".".join(folder.relative_to(source).parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The mark `multi_device` means what it means in Keras: left out on a machine with one device."""
    for item in items:
        if item.get_closest_marker("multi_device"):
            item.add_marker(pytest.mark.skip(reason="needs several devices"))
