"""Sphinx extension: pages of the commands from their parsers, and of the code from its docstrings.

They are written to ``docs/reference`` before anything is read. The table of contents is hung below
README, and links to code lead to its page here, so the documents stay as they are.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.autoresearch import PROG, VERBS, Verb, build_parser
from agent.config.command_line import HELP_ALL

REFERENCE = "docs/reference"
CONTENTS = {
    "Using it": (
        "operations",
        "more-machines",
        "scale",
        "training",
        "search",
        "evaluation",
        "report",
        "watch",
        "tools",
    ),
    "The DonkeyCar": ("donkeycar", "simulator", "scenes", "wire"),
    "The project": ("architecture", "extending"),
}
CODE_LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)*(?:agent|tests)/[^)#]*)\)")
RECORDS = ("PROJECT-SPEC", "DECISIONS", "IMPLEMENTATION_PLAN")


def setup(app: Any) -> dict[str, Any]:
    """Hangs the extension into Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", lead_to_pages)
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Any) -> None:
    """Writes the generated pages anew."""
    folder = Path(app.srcdir) / REFERENCE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in {**dict(command_pages()), **dict(room_pages(Path(app.srcdir)))}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def lead_to_pages(app: Any, document: str, source: list[str]) -> None:
    """Has links to code lead to its page; what has none, such as tests, stays as text."""
    root = Path(app.srcdir)

    def link(match: re.Match[str]) -> str:
        text, target = match.groups()
        path = (root / document).parent.joinpath(target).resolve()
        room = path if path.is_dir() else path.parent
        name = ".".join(room.relative_to(root).parts)
        if not path.exists() or not (root / REFERENCE / f"{page_name(name)}.md").exists():
            return text
        module = name if path.is_dir() else f"{name}.{path.stem}"
        anchor = "" if path.is_dir() else f"#{module.replace('.', '')}"
        return f"[{text}](/{REFERENCE}/{page_name(name)}.md{anchor})"

    source[0] = CODE_LINK.sub(link, source[0])


def page_name(room: str) -> str:
    """Name of the page of a package; the commands lie in the outermost."""
    if room == "agent":
        return "agent.commands"
    return room


def add_contents(app: Any, document: str, source: list[str]) -> None:
    """Adds the table of contents to the first page."""
    if document != app.config.root_doc:
        return
    documents = Path(app.srcdir, "docs")
    named = [name for names in CONTENTS.values() for name in names]
    more = [path.stem for path in sorted(documents.glob("*.md")) if path.stem not in named]
    for title, names in CONTENTS.items():
        if title == "Using it":
            names = (*names, *more)
        source[0] += contents(title, [f"docs/{name}" for name in names])
    results = sorted(path.stem for path in (documents / "results").glob("*.md"))
    source[0] += contents("Results", [f"docs/results/{name}" for name in results])
    pages = sorted(path.stem for path in (documents / "reference").glob("*.md"))
    for title, prefix in (("Commands", PROG), ("Code", "agent.")):
        names = tuple(name for name in pages if name.startswith(prefix))
        source[0] += contents(title, [f"{REFERENCE}/{name}" for name in names])
    source[0] += contents("Records", RECORDS)


def contents(title: str, documents: Any) -> str:
    """A hidden table of contents of some documents."""
    lines = "\n".join(documents)
    return f"\n\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{lines}\n```\n"


def command_pages() -> Iterator[tuple[str, str]]:
    """Name and text of a page for each verb."""
    for name, verb in VERBS.items():
        parser = parser_of(verb, f"{PROG} {name}")
        yield f"{PROG}-{name}", "\n".join(lines_of(parser, verb))
    listed = [f"- [{PROG} {name}]({PROG}-{name}.md): {verb.help}" for name, verb in VERBS.items()]
    text = [f"# {PROG}", "", str(build_parser().description), "", *listed]
    yield PROG, "\n".join(text)


def parser_of(verb: Verb, prog: str) -> argparse.ArgumentParser:
    """The parser of a verb, with the help of every option."""
    make = importlib.import_module(verb.module).build_parser
    options: dict[str, Any] = {"prog": prog}
    if "argv" in inspect.signature(make).parameters:
        options["argv"] = [HELP_ALL]
    parser: argparse.ArgumentParser = make(**options)
    return parser


def lines_of(parser: argparse.ArgumentParser, verb: Verb) -> Iterator[str]:
    """The page of a command: its usage, and its options in their groups."""
    yield from (f"# {parser.prog}", "", verb.help[:1].upper() + verb.help[1:] + ".", "")
    yield from (str(parser.description or ""), "")
    yield from ("```text", parser.format_usage().strip(), "```", "")
    for group in parser._action_groups:
        actions = [each for each in group._group_actions if each.help != argparse.SUPPRESS]
        if actions:
            yield from (f"## {str(group.title).capitalize()}", "")
        for action in actions:
            yield from (f"`{spelled(action)}`", f": {help_of(parser, action)}", "")


def spelled(action: argparse.Action) -> str:
    """An option as it is typed, or an argument's name."""
    value = ""
    if action.nargs != 0:
        choices = ",".join(map(str, action.choices or ()))
        value = str(action.metavar or (f"{{{choices}}}" if choices else action.dest.upper()))
    if not action.option_strings:
        return value
    return ", ".join(f"{option} {value}".strip() for option in action.option_strings)


def help_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The help of an option as Markdown that shows it as it is."""
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    for sign in "\\`*_<[|":
        text = text.replace(sign, f"\\{sign}")
    return text


def room_pages(root: Path) -> Iterator[tuple[str, str]]:
    """Name and text of a page for each room, with all of its modules."""
    agent = root / "agent"
    rooms = [path.parent for path in sorted(agent.rglob("__init__.py"))]
    for room in rooms:
        name = ".".join(room.relative_to(root).parts)
        modules = [path for path in sorted(room.glob("*.py")) if not path.stem.startswith("_")]
        lines = [f"# {page_name(name)}", ""]
        for path in modules:
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            lines += [f"## {module}", "", "```{eval-rst}", f".. automodule:: {module}"]
            lines += ["   :members:", "   :show-inheritance:", "```", ""]
        if modules:
            yield page_name(name), "\n".join(lines)
