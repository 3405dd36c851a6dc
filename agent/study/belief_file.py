"""``belief.json``: what the search expects now, for who watches; nothing reads it back to search.

It is written after every fit, whole or not at all, and holds how the search came to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.config.atomic import write_bytes
from agent.config.plain import read_object
from agent.search.belief import Belief
from agent.search.proposer import Proposal
from agent.search.space import Space
from agent.search.stopping import Convergence

MOST_ASSESSMENTS = 2000  # kept, oldest dropped first


class BeliefFile:
    """The belief of one study.

    :param path: of the file
    :param space: that is searched
    :param kappa: weight of the uncertainty in the upper confidence bound
    """

    def __init__(self, path: Path, space: Space, kappa: float) -> None:
        self.path = path
        self._document: dict[str, Any] = {
            "kappa": kappa,
            "space": list(space.names),
            "context": dict(space.context),
            "assessments": [],
        }
        with suppress(OSError, ValueError):
            before = read_object(path)
            if before.get("space") == list(space.names):
                self._document = before | {"kappa": kappa, "context": dict(space.context)}

    def note_next(
        self, trial: int, source: str, params: Mapping[str, Any], proposal: Proposal | None = None
    ) -> None:
        """Writes down which trial is next, and why; before the first fit it only takes note.

        A start that is refused leaves no file behind.

        :param trial: its number
        :param source: ``gp``, ``random``, ``default`` or ``replicate``
        :param params: of it
        :param proposal: of the search, ``None`` if it was not asked
        """
        found: dict[str, Any] = {"trial": trial, "source": source, "params": dict(params)}
        if proposal is not None:
            found["observations"] = proposal.n_observations
            found["top"] = [candidate._asdict() for candidate in proposal.top]
        self._document["next"] = found
        if self.path.exists():
            self._write()

    def note_fit(self, trial: int, belief: Belief, convergence: Convergence) -> None:
        """Writes down what is expected after a trial.

        :param trial: number of the one that was recorded last
        :param belief: of the surrogate
        :param convergence: of the search
        """
        assessment = asdict(convergence) | {"trial": trial}
        recommended = assessment.pop("recommended")
        earlier = self._document.get("assessments")
        if not isinstance(earlier, list):
            earlier = []
        self._write(
            trial=trial,
            recommended=recommended,
            assessments=[*earlier, assessment][-MOST_ASSESSMENTS:],
            **asdict(belief),
        )

    def _write(self, **parts: Any) -> None:
        """Replaces parts of the file; a search goes on where it cannot be written."""
        self._document |= parts
        with suppress(OSError, ValueError):
            write_bytes(self.path, json.dumps(self._document, allow_nan=False).encode() + b"\n")
