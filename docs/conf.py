"""How Sphinx builds the site of the installed dlrs: `make docs`."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import dlrs

HERE = Path(__file__).parent

project = "dlrs"
author = "the authors of dlrs"
version = release = dlrs.__version__
html_title = "dlrs"
html_theme = "furo"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "campaign"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
copybutton_prompt_text = ">>> "

default_role = "code"  # docstrings write code in single backticks, as Markdown does
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "groupwise"}
autodoc_inherit_docstrings = False
autodoc_typehints = "none"  # signatures would be longer than what they say
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style")]
python_use_unqualified_type_names = True

PUBLIC = [info.name for info in pkgutil.iter_modules(dlrs.__path__) if not info.name.startswith("_")]
PUBLIC.insert(PUBLIC.index("text") + 1, "text.debias")
PUBLIC.insert(PUBLIC.index("utils") + 1, "utils.bounding_boxes")
PUBLIC.insert(PUBLIC.index("vision") + 1, "vision.boxes")


def elsewhere(module: ModuleType, name: str) -> str:
    """The public module that describes what `module` also calls `name`; empty if that is `module` itself.

    It is the one whose folder defines it, or else the first that exports it.
    """
    value = getattr(module, name)
    package, _, rest = (getattr(value, "__module__", None) or "").partition(".")
    if package != "dlrs":
        return ""
    home = rest.partition(".")[0]
    for other in sorted(PUBLIC, key=lambda public: public != home):
        exporting = importlib.import_module(f"dlrs.{other}")
        if any(getattr(exporting, exported) is value for exported in getattr(exporting, "__all__", ())):
            return "" if exporting is module else other
    return ""


def write_api_pages() -> None:
    """A page for each public module, and the list of them."""
    (HERE / "api").mkdir(exist_ok=True)
    lines = ["# API reference", "", "| module | |", "| --- | --- |"]
    for name in PUBLIC:
        module = importlib.import_module(f"dlrs.{name}")
        lines.append(f"| [dlrs.{name}]({name}.md) | {(module.__doc__ or '').partition(chr(10))[0]} |")
        others = {member: elsewhere(module, member) for member in getattr(module, "__all__", ())}
        hidden = [member for member, other in others.items() if other]
        page = [f"# dlrs.{name}", "", "```{eval-rst}", f".. automodule:: dlrs.{name}"]
        page += [f"   :exclude-members: {', '.join(hidden)}"] * bool(hidden)
        page += ["```", ""]
        if hidden:
            page += ["Also here, and described there: " + ", ".join(f"`{others[m]}.{m}`" for m in hidden) + ".", ""]
        write(HERE / "api" / f"{name}.md", "\n".join(page))
    lines += ["", "```{toctree}", ":hidden:", "", *PUBLIC, "```", ""]
    write(HERE / "api" / "index.md", "\n".join(lines))


def write(path: Path, text: str) -> None:
    """Write `text` if the file says something else: an unchanged page is not built again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def escape(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Let `*` and `|` outside of code mean themselves: the docstrings' formulas use them, and their prose no markup."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            pieces = re.split(r"(`[^`]*`)", line)
            pieces[::2] = [re.sub(r"([*|])", r"\\\1", piece) for piece in pieces[::2]]
            lines[i] = "".join(pieces)


def arguments(_app: Any, what: str, _name: str, value: Any, *_: Any) -> tuple[str, None] | None:
    """What the constructor of a class takes, without types; Sphinx would show `__new__`."""
    if what != "class":
        return None
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # the compiled module's classes do not say
        return None
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(parameters)), None


def foreign(_app: Any, _what: str, _name: str, value: Any, skip: bool, _options: Any) -> bool:
    """Leave out what scikit-learn puts into classes of wrappers: its texts link to pages of its own."""
    return skip or (getattr(value, "__module__", None) or "").partition(".")[0] == "sklearn"


def setup(app: Any) -> None:
    """Connect `escape`, before napoleon reads the docstring, `arguments` and `foreign`."""
    app.connect("autodoc-skip-member", foreign)
    app.connect("autodoc-process-docstring", escape, priority=400)
    app.connect("autodoc-process-signature", arguments)


write_api_pages()
