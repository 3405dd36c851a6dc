"""A Slurm cluster for all tests of a session that ask for one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.slurm_cluster import cluster, why_not


@pytest.fixture(scope="session")
def _slurm_configuration() -> Iterator[Path]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(dir="/run", prefix="slurm-") as folder:
        Path(folder).chmod(0o755)
        with cluster(Path(folder)) as configuration:
            yield configuration


@pytest.fixture
def slurm_cluster(_slurm_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of a cluster that runs, which Slurm's commands find."""
    monkeypatch.setenv("SLURM_CONF", str(_slurm_configuration))
    return _slurm_configuration
