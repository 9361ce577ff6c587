"""What may stand in the sources: where `unsafe` is permitted, no unfinished work, nothing of one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).relative_to(ROOT)


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def rust_code(path: Path) -> str:
    """A Rust file without its comments and string literals; lines keep their numbers."""
    literal = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"'
    return re.sub(literal, lambda m: "\n" * m.group().count("\n"), path.read_text(), flags=re.DOTALL)


def test_unsafe_stays_in_its_places() -> None:
    files = tracked("rust/*.rs")
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if not path.is_relative_to(ROOT / "rust/dlrs-kernels") and path != ROOT / "rust/dlrs-python/src/exchange.rs"
        for number, line in enumerate(rust_code(path).splitlines(), 1)
        if re.search(r"\bunsafe\b", line)
    ]
    assert not wrong, f"`unsafe` is permitted in dlrs-kernels and exchange.rs only: {wrong}"


@pytest.mark.parametrize("crate", ["dlrs-core", "dlrs-io"])
def test_unsafe_is_forbidden(crate: str) -> None:
    assert "#![forbid(unsafe_code)]" in (ROOT / "rust" / crate / "src/lib.rs").read_text()


def test_arrows_between_crates_point_down() -> None:
    depends = {
        crate: set(re.findall(r"^(dlrs-\w+)", (ROOT / "rust" / crate / "Cargo.toml").read_text(), re.MULTILINE))
        for crate in ("dlrs-kernels", "dlrs-core", "dlrs-io", "dlrs-python")
    }
    assert depends == {
        "dlrs-kernels": set(),
        "dlrs-core": {"dlrs-kernels"},
        "dlrs-io": set(),
        "dlrs-python": {"dlrs-kernels", "dlrs-core", "dlrs-io"},
    }


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(TODO|FIXME|XXX|HACK)\b",
        r"\b(todo|unimplemented)!\(",
        r"raise NotImplementedError\(?\)?$",
        r"(?<![\w.])/(home|root|work|tmp)/\w",
    ],
)
def test_nothing_unfinished_and_no_path_of_one_machine(pattern: str) -> None:
    binary = ROOT / "rust/dlrs-io/fuzz/corpus"
    files = [p for p in tracked() if p.suffix not in (".lock", ".png", ".svg") and not p.is_relative_to(binary)]
    files = [p for p in files if p.relative_to(ROOT) != HERE]
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not wrong, "\n".join(wrong)


def test_lock_file_names_no_mirror() -> None:
    sources = set(re.findall(r'^source = "(.*)"$', (ROOT / "Cargo.lock").read_text(), re.MULTILINE))
    assert sources
    assert all(source.startswith("registry+https://github.com/rust-lang/") for source in sources)
