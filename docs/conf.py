"""Sphinx's settings: Markdown by MyST, the theme furo, and reference pages written from the code before Sphinx reads them."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # generate.py and described.py lie beside this file

project = "sslbench"
author = "The sslbench authors"
release = version = version_of("sslbench")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "reference/generated", "results/*/tables"]
"""Pieces that other pages include, and tables, which LaTeX and other documents take."""
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"sslbench {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False

highlight_language = "none"  # of fences that name no language: printed tables
default_role = "code"  # docstrings have one backtick where reStructuredText has two
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80


def fences_as_blocks(*told: Any) -> None:  # noqa: ANN401 - what autodoc knows of an object, its docstring's lines last
    """Make reStructuredText of the fenced code in a docstring, in place."""
    lines = told[-1]
    text = re.sub(r"^```\w*\n(.*?)^```$", _block, "\n".join(lines), flags=re.DOTALL | re.MULTILINE)
    lines[:] = text.split("\n")


def _block(fence: re.Match[str]) -> str:
    code = "".join(f"    {line}\n" for line in fence[1].splitlines())
    return f".. code-block:: python\n\n{code}"


def write_reference(app: Sphinx) -> None:
    """Write the generated pieces of the reference, which the pages beside them include."""
    from generate import write_pieces

    write_pieces(Path(app.srcdir) / "reference" / "generated")


def as_page_by_itself(app: Sphinx, name: str, source: list[str]) -> None:  # noqa: ARG001 - as Sphinx calls it
    """A report of a run stands in no list of pages; the results link to it."""
    if name.startswith("results/") and name.endswith("/report"):
        source[0] = f"---\norphan: true\n---\n{source[0]}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_reference)
    app.connect("source-read", as_page_by_itself)
    app.connect("autodoc-process-docstring", fences_as_blocks, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
