"""Everything public says what it does, with an example; `python -m pytest --doctest-modules` runs the examples."""

import importlib
import inspect
import pkgutil

import dlrs


def public() -> dict[str, str]:
    """Docstrings of the exported classes and functions, each under the first of its names."""
    found: dict[int, tuple[str, str]] = {}
    for info in pkgutil.iter_modules(dlrs.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"dlrs.{info.name}")
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isclass(value) or callable(value):
                doc = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
                found.setdefault(id(value), (f"{info.name}.{name}", doc or ""))
    return dict(found.values())


def test_everything_is_described() -> None:
    docs = public()
    assert len(docs) > 800
    assert [name for name, doc in docs.items() if not doc] == []


def test_everything_has_an_example() -> None:
    assert [name for name, doc in public().items() if ">>>" not in doc] == []
