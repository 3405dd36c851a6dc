"""When a study pushes its results, and what of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.config.errors import UserError
from agent.trials.loop import TrialLoop
from agent.trials.publish import CannotPublishError, Publisher, open_publisher


@dataclass
class Pushing:
    """Pushes after so many trials; whatever goes wrong is one line in the log.

    :param loop: its ledger, log and champions are pushed
    :param beside: more files, such as another ledger
    :param every: trials from one push to the next
    :param publisher: pushes; ``None`` pushes nothing
    """

    loop: TrialLoop
    beside: list[Path]
    every: int
    publisher: Publisher | None = None
    _waiting: int = 0  # trials recorded since the last push

    def start(self, name: str | None) -> None:
        """Says in the log what will be pushed and where, or why nothing can be.

        :param name: of the experiment; ``None`` to name it after its results folder
        """
        if not self.every:
            return
        try:
            self.publisher = open_publisher(self.loop.ledger.path.parent, name)
        except CannotPublishError as error:
            self.loop.log.say(f"pushing nothing: {error}")
            return
        self.loop.log.say(self.publisher.promise(self.every))

    def note_trial(self) -> None:
        """Counts a trial that has been recorded, and pushes when it is time to."""
        self._waiting += 1
        if self._waiting == self.every:
            self.finish()

    def finish(self) -> None:
        """Pushes what was recorded since the last time."""
        if self.publisher is None or self._waiting == 0:
            return
        self._waiting = 0
        trial = max(record.trial for record in self.loop.records)
        line = self.publisher.publish(self._paths(), f"Results up to trial {trial}")
        if line:
            self.loop.log.say(line)

    def _paths(self) -> list[Path]:
        paths = [self.loop.ledger.path, self.loop.log.path, *self.beside]
        try:
            return paths + self.loop.folders.titles.folders()
        except UserError as error:
            self.loop.log.say(f"pushing no champion: {error}")
            return paths
