"""The rules of the house, as tests: which room may import what, and how the command lines start."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
AGENT = ROOT / "agent"
CLIS = (
    "autoresearch_controller",
    "donkeycar_sb3_runner",
    "donkeycar_outer_loop",
    "evaluate_champion",
    "donkey_sim",
    "record_drive",
    "report",
)
HEAVY = ("torch", "stable_baselines3", "sb3_contrib", "numba", "gymnasium", "tensorboard", "cv2")

# room -> the modules of this project that it may import, besides itself
MAY_IMPORT = {
    "simulator": (),
    "envs": ("agent.simulator", "agent.worlds.donkey.actions", "agent.worlds.donkey.reward_terms"),
    "training": ("agent.worlds.donkey.tasks", "agent.worlds.donkey.actions", "agent.config.trial"),
    "judging": (
        "agent.training",
        "agent.worlds.donkey.tasks",
        "agent.simulator",
        "agent.config.trial",
    ),
    "search": (),
    "trials": ("agent.worlds.donkey.reward_terms",),
    "night": ("agent.search", "agent.trials"),
    "reporting": ("agent.search", "agent.trials", "agent.study"),
}


def imported_modules(path: Path) -> Iterator[str]:
    """Absolute names of the modules that the file imports, wherever in it, relative imports resolved."""
    package = (path.parent.relative_to(ROOT)).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of_room(room: str) -> list[tuple[str, str]]:
    found = [
        (str(path.relative_to(ROOT)), module)
        for path in sorted((AGENT / room).rglob("*.py"))
        for module in imported_modules(path)
    ]
    assert found, f"agent/{room} imports nothing at all; is it still there?"
    return found


def within(module: str, *parents: str) -> bool:
    return any(module == parent or module.startswith(parent + ".") for parent in parents)


@pytest.mark.parametrize(("room", "allowed"), MAY_IMPORT.items())
def test_arrows_run_one_way(room: str, allowed: tuple[str, ...]) -> None:
    wrong = [
        (path, module)
        for path, module in imports_of_room(room)
        if within(module, "agent") and not within(module, f"agent.{room}", *allowed)
    ]
    assert wrong == []


def test_search_knows_only_numpy() -> None:
    allowed = ("numpy", "agent.search", *sys.stdlib_module_names)
    assert [
        (path, module) for path, module in imports_of_room("search") if not within(module, *allowed)
    ] == []


def test_reporting_needs_no_more_than_matplotlib_jinja2_and_tensorboard() -> None:
    allowed = ("numpy", "matplotlib", "jinja2", "tensorboard", "agent", *sys.stdlib_module_names)
    assert [
        (path, module)
        for path, module in imports_of_room("reporting")
        if not within(module, *allowed)
    ] == []


def test_trials_import_nothing_heavy() -> None:
    assert [
        (path, module) for path, module in imports_of_room("trials") if within(module, *HEAVY)
    ] == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_room_knows_a_command_line(room: str) -> None:
    files = [f"agent.{cli}" for cli in CLIS]
    assert [
        (path, module) for path, module in imports_of_room(room) if within(module, *files)
    ] == []


def test_the_import_reader_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "agent" / "envs" / "sample.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import a.b\nfrom c import d\nfrom . import e\nfrom ..trials import f\ndef g():\n    import h\n"
    )
    assert sorted(imported_modules(path)) == [
        "a.b",
        "agent.worlds.donkey.tasks.e",
        "agent.trials.f",
        "c.d",
        "h",
    ]


def test_the_controller_loads_nothing_heavy() -> None:
    probe = f"import sys, agent.autoresearch_controller; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_command_line_starts_from_the_root_and_from_inside_agent() -> None:
    calls = [(ROOT, f"agent/{cli}.py") for cli in CLIS] + [(AGENT, f"{cli}.py") for cli in CLIS]

    def call_help(call: tuple[Path, str]) -> tuple[str, int, bool]:
        done = subprocess.run(
            [sys.executable, call[1], "--help"],
            cwd=call[0],
            capture_output=True,
            text=True,
            timeout=100,
        )
        return call[1], done.returncode, done.stdout.startswith("usage:")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call_help, calls)) == [(script, 0, True) for _, script in calls]


def proofs_of_done_rows() -> list[str]:
    """What the rows of PROJECT-SPEC.md that say done name as their proof: files, folders and tests."""
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in (ROOT / "PROJECT-SPEC.md").read_text(encoding="utf-8").splitlines()
        if "| done |" in line
    ]
    named = [
        name for row in rows for name in re.findall(r"`([^` ]+)[^`]*`", row[row.index("done") + 1])
    ]
    return sorted({name for name in named if re.search(r"\.py|\.jsonl|/$", name)})


@pytest.mark.parametrize("proof", proofs_of_done_rows())
def test_what_the_specification_calls_done_has_its_proof(proof: str) -> None:
    file, _, test = proof.partition("::")
    path = next((base / file for base in (ROOT / "tests", ROOT) if (base / file).exists()), None)
    assert path is not None, f"PROJECT-SPEC.md names {proof}, which does not exist"
    if path.is_dir():
        assert list(path.glob("test_*.py")), f"PROJECT-SPEC.md names {proof}, which holds no test"
    assert not test or f"def {test}(" in path.read_text(encoding="utf-8"), (
        f"PROJECT-SPEC.md names {proof}"
    )
