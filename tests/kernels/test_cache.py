"""Compiled kernels are kept where they can be, and never where somebody else could put one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from agent.kernels import cache as kernel_cache

AGENT = Path(kernel_cache.__file__).parents[1]
HOMELESS = "/dev/null"  # where root cannot make a folder either
NAME = f"donkeycar-kernels-{os.geteuid()}"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a user without a home."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("HOME", HOMELESS)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return folder


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kernel that cannot be written, by root neither."""
    folder = tmp_path / "kernels-0"
    folder.mkdir()
    (folder / "kernel.nbi").write_text("compiled")
    could = kernel_cache._writable
    monkeypatch.setattr(kernel_cache, "_writable", lambda asked: asked != folder and could(asked))
    return folder


def test_beside_the_sources_where_that_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__" / "kernels-0"
    assert kernel_cache.find_folder(folder) == folder


def test_else_in_the_users_cache(
    read_only: Path, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kernel_cache.find_folder(read_only) == tmp_path / ".cache" / NAME / "kernels-0"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert kernel_cache.find_folder(read_only) == tmp_path / "xdg" / NAME / "kernels-0"
    assert not list(temporary.iterdir())


def test_else_in_a_temporary_folder_of_the_users_alone(read_only: Path, temporary: Path) -> None:
    folder = kernel_cache.find_folder(read_only)
    assert folder == temporary / NAME / "kernels-0"
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == ["kernel.nbi"]
    assert [path.name for path in folder.parent.iterdir()] == ["kernels-0"]
    assert kernel_cache.find_folder(read_only) == folder


@pytest.mark.parametrize("planted", ["of another", "open", "a link", "a file", "replaceable"])
def test_never_in_a_planted_one(
    planted: str, read_only: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = temporary / NAME
    if planted == "of another":
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    elif planted == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif planted == "a link":
        folder.symlink_to(read_only.parent)
    elif planted == "a file":
        folder.touch()
    else:
        temporary.chmod(0o777)
    assert kernel_cache.find_folder(read_only) is None


def test_nor_where_nothing_can_be_written(
    read_only: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert kernel_cache.find_folder(read_only) is None


@pytest.mark.parametrize(
    ("variable", "planted", "said"),
    [
        (None, False, ""),
        (f"{HOMELESS}/kernels", False, f"NUMBA_CACHE_DIR {HOMELESS}/kernels cannot be written;"),
        (None, True, "no folder can keep compiled kernels; give one in NUMBA_CACHE_DIR"),
    ],
    ids=["kept", "a variable in vain", "not kept"],
)
def test_a_read_only_package_without_a_home_is_imported(
    variable: str | None, planted: bool, said: str, tmp_path: Path
) -> None:
    package = tmp_path / "agent"
    shutil.copytree(
        AGENT / "simulator", package / "simulator", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(AGENT / "__init__.py", package)
    shutil.copytree(
        AGENT / "kernels", package / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "kernels" / "__pycache__").touch()  # a file in the way stops root too
    if planted:
        (tmp_path / NAME).touch()
    environment = {"HOME": HOMELESS, "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    if variable:
        environment["NUMBA_CACHE_DIR"] = variable
    done = subprocess.run(
        [sys.executable, "-c", "import agent.simulator.fleet as it; print(it.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(package / "simulator" / "fleet.py")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == bool(said)
    assert (tmp_path / NAME).is_dir() == (not planted)
