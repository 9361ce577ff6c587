"""What an installed wheel holds."""

from importlib.metadata import metadata, requires
from importlib.util import find_spec
from pathlib import Path


def test_numpy_is_the_only_hard_dependency() -> None:
    hard = [r for r in requires("dlrs") or [] if "extra ==" not in r]
    assert len(hard) == 1
    assert hard[0].startswith("numpy")


def test_wheel_is_typed_and_licensed() -> None:
    spec = find_spec("dlrs")
    assert spec is not None and spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    assert (root / "py.typed").exists()
    assert (root / "_dlrs.pyi").exists()
    assert metadata("dlrs")["License-Expression"] == "Apache-2.0"
