"""Sphinx: the documents as they are, and pages from the code. ``make docs`` builds them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

project = "donkeycar-rl-autoresearch"
author = "its contributors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "reference_pages"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/results/*.md", "docs/reference/*.md"]
exclude_patterns = ["AGENT.md", ".*", "build", "agent", "tests", "experiments", "*.egg-info"]

smartquotes = False  # "--option" stays as it is typed
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
# A page may begin its sections at any depth; a docstring names a class without its module.
suppress_warnings = ["myst.header", "ref.python"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Libraries of other extras, which the site does without.
autodoc_mock_imports = ["ai_edge_litert", "flatbuffers", "onnx", "onnxruntime"]
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # those of gymnasium and SB3 are not ours

html_theme = "furo"
html_title = project
html_extra_path = ["root"]  # index.html, which leads to README.html
html_copy_source = False
