"""The documentation site's own pages; ``make docs`` builds all of it with warnings as errors."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from agent.autoresearch import PROG, VERBS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    path = ROOT / "docs" / "site" / "reference_pages.py"
    spec = importlib.util.spec_from_file_location("reference_pages", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_verb_has_a_page_with_every_option(pages: ModuleType) -> None:
    texts = dict(pages.command_pages())
    assert set(texts) == {PROG, *(f"{PROG}-{name}" for name in VERBS)}
    for name, verb in VERBS.items():
        parser = pages.parser_of(verb, f"{PROG} {name}")
        shown = [each for each in parser._actions if each.help != argparse.SUPPRESS]
        options = [option for action in shown for option in action.option_strings]
        assert options
        assert [each for each in options if each not in texts[f"{PROG}-{name}"]] == [], name


def test_every_module_is_on_a_page(pages: ModuleType) -> None:
    text = "\n".join(dict(pages.room_pages(ROOT)).values())
    for path in (ROOT / "agent").rglob("*.py"):
        if path.stem != "__init__":
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            assert f".. automodule:: {module}\n" in text


def test_links_to_code_lead_to_its_page(pages: ModuleType, tmp_path: Path) -> None:
    for name in ("agent/search/gp.py", "agent/autoresearch.py", "tests/line_world.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    for name in ("agent.search", "agent.commands"):
        (tmp_path / "docs" / "reference" / f"{name}.md").write_text("")
    source = [
        "[a](../agent/search/gp.py) [b](../agent/search) [c](../agent/autoresearch.py)"
        " [d](../tests/line_world.py) [e](other.md#agent)"
    ]
    pages.lead_to_pages(SimpleNamespace(srcdir=str(tmp_path)), "docs/search", source)
    assert source == [
        "[a](/docs/reference/agent.search.md#agentsearchgp) [b](/docs/reference/agent.search.md)"
        " [c](/docs/reference/agent.commands.md#agentautoresearch) d [e](other.md#agent)"
    ]
