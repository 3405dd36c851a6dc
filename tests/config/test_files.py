"""Names of files, writes that are whole or absent, and where the code came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent.config import files
from agent.config.atomic import replacing, write_bytes
from agent.config.provenance import Provenance, git_commit, installed_versions


def test_paths_below_the_repository_are_relative() -> None:
    inside = files.REPO_ROOT / "agent" / "models" / "x.zip"
    assert files.shown_path(inside) == "agent/models/x.zip"
    assert files.shown_path(Path("/nowhere/x.zip")) == "/nowhere/x.zip"


def test_no_name_stands_for_two_files() -> None:
    names = [value for name, value in vars(files).items() if name.isupper()]
    texts = [name for name in names if isinstance(name, str)]
    assert len(set(texts)) == len(texts) >= 15


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_leaves_the_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(b"before")

    def write_half() -> None:
        with replacing(path) as scratch:
            scratch.write_bytes(b"half")
            assert scratch.suffix == ".zip"
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_commit_is_gits_or_none() -> None:
    command = ["git", "-C", str(files.REPO_ROOT), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert git_commit() == (answer.stdout.strip() if answer.returncode == 0 else None)


def test_provenance_names_the_host_and_what_decides_a_score() -> None:
    here = Provenance.here()
    assert here.host
    assert {"python", "numpy", "torch"} <= here.versions.keys()
    assert here.versions == installed_versions()
