"""The command with verbs: each runs its own command, and loads no other."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent import autoresearch

ROOT = Path(__file__).parents[1]


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    try:
        code = autoresearch.main(argv)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        autoresearch.main(argv)
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_verb_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--help")
    for name, verb in autoresearch.VERBS.items():
        assert re.search(rf"^    {name}\s", text, re.MULTILINE)
        assert verb.help in text


@pytest.mark.parametrize("verb", autoresearch.VERBS)
def test_a_verb_has_the_help_of_its_command(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, verb, "--help").startswith(f"usage: autoresearch {verb} ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--env", "warren"], "autoresearch: error: the following arguments are required: VERB"),
        (["fly"], "autoresearch: error: argument VERB: invalid choice: 'fly' (choose from"),
        (["train", "--wings", "2"], "autoresearch train: error: unrecognized arguments: --wings 2"),
        (["train"], "autoresearch train: error: no folder is named; give --save-dir DIR"),
        (["search", "--trials", "0"], "autoresearch search: error: argument --trials: 0 is too"),
        (["race", "--episodes", "2"], "episodes 2 are not for a race"),
        (["evaluate", "--laps", "2"], "laps 2 are for a race"),
    ],
)
def test_a_mistake_is_one_line_of_the_verb(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, *argv)


def test_without_a_verb_it_says_what_to_do_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert autoresearch.main([]) == 0
    text = capsys.readouterr().out
    steps = [line.split()[1:] for line in text.splitlines() if line.startswith("  autoresearch ")]
    assert [step[0] for step in steps] == ["race", "race", "train", "race", "search"]
    for verb, *options in steps:
        module = importlib.import_module(autoresearch.VERBS[verb].module)
        typed = [word for word in options if word.startswith("--")]
        known = module.build_parser().format_help()
        assert typed and all(option in known for option in typed)


def test_only_the_chosen_command_is_loaded() -> None:
    code = (
        "import sys; from agent import autoresearch\n"
        "try: autoresearch.main(['report', '--help'])\n"
        "except SystemExit: pass\n"
        "commands = {verb.module for verb in autoresearch.VERBS.values()}\n"
        "print(sorted(commands & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.split()[0] == "['agent.report']"


def test_the_package_installs_it() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["autoresearch"] == "agent.autoresearch:main"
