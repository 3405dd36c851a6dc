"""The rule by which a recorded trial changes the champion.

Without ``--confirm-seeds`` the best score ever is champion. With it, a study selects a
configuration that has been confirmed on fresh seeds, and the best model of its replicates is
promoted. Until there is one, the best score is champion provisionally.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.trials import champion
from agent.trials.folders import Folders
from agent.trials.progress import best_choosing_score
from agent.trials.record import Record, config_id
from agent.trials.task import of_task

# From the records of one task to the scored replicates of the configuration that is confirmed.
SelectChampion = Callable[[list[Record]], list[Record]]


@dataclass(frozen=True)
class Promotion:
    """Changes the champions of ``folders``.

    :param folders: of the trials and the champion
    :param select_champion: gives the replicates of the confirmed configuration, empty while there
        is none; ``None`` for the best score ever
    :param confirm_seeds: its number of fresh seeds, for manifests and records
    """

    folders: Folders
    select_champion: SelectChampion | None = None
    confirm_seeds: int = 0

    def consider(self, record: Record, earlier: list[Record]) -> bool:
        """Promotes the trial that is due now that ``record`` is known.

        :param record: the newest
        :param earlier: all before it
        :returns: True if another trial is champion now, or if this one is
        :raises UserError: an unreadable manifest
        :raises OSError: the disk took no more
        """
        titles = self.folders.titles
        with titles.locked():
            folder = titles.folder_of(record.params)
            if record.scored:
                folder = titles.make_room(record.params)
            changed = self._promote(record, earlier, folder)
            return changed or champion.is_champion(record, folder)

    def _promote(self, record: Record, earlier: list[Record], folder: Path) -> bool:
        rule: dict[str, Any] = {"rule": f"--confirm-seeds {self.confirm_seeds}"}
        if self.select_champion is not None:
            known = of_task([*earlier, record], record.params)
            replicates = self.select_champion(known)
            if _stays(champion.read_manifest(folder), replicates, known):
                return False
            if replicates:
                changed = self._promote_confirmed(replicates, folder, rule)
                if changed is not None:
                    return changed
            rule |= {
                "standing": "provisional: best score so far, not confirmed",
                "trials": [],
                "seeds": [],
                "scores": [],
            }
        model = self.folders.model_of(record)
        return champion.promote_if_better(record, model, folder, rule, self.folders.ledger_name)

    def _promote_confirmed(
        self, replicates: list[Record], folder: Path, rule: dict[str, Any]
    ) -> bool | None:
        """Promotes the best model of a configuration that is confirmed.

        :param replicates: its trials on fresh seeds
        :param folder: of the champion of their task
        :param rule: for the manifest
        :returns: whether another trial is champion now; ``None`` when there is neither a champion
            nor a model of these trials, as when the models' folder was deleted
        """
        scores = [record.mean_reward or 0.0 for record in replicates]
        mean = _mean_score(replicates)
        confirmation = rule | {
            "standing": f"confirmed: mean {mean:.2f} on {len(scores)} fresh seeds",
            "trials": [record.trial for record in replicates],
            "seeds": [record.seed for record in replicates],
            "scores": scores,
        }
        current = champion.read_manifest(folder)
        candidates = [each for each in replicates if self.folders.model_of(each).is_file()]
        if current is None and not candidates:
            return None
        if current is not None and current.get("confirmation") == confirmation:
            return False
        if not candidates:
            return False
        # Chosen on the episodes that chose its checkpoint, so that the reported score, of other
        # episodes, does not flatter.
        best = max(candidates, key=lambda each: best_choosing_score(self.folders.of(each.trial)))
        is_same = champion.is_champion(best, folder)
        model = self.folders.model_of(best)
        champion.promote(best, model, folder, confirmation, self.folders.ledger_name)
        return not is_same


def _stays(manifest: dict[str, Any] | None, replicates: list[Record], known: list[Record]) -> bool:
    """Tells whether a confirmed champion whose records are gone keeps its title.

    It does until a configuration is confirmed with a better mean.

    :param manifest: of the champion
    :param replicates: of the configuration that is confirmed by the records
    :param known: records of the champion's task
    """
    scores = ((manifest or {}).get("confirmation") or {}).get("scores")
    if not manifest or not scores or any(_is_of(manifest, record) for record in known):
        return False
    return not replicates or _mean_score(replicates) <= sum(scores) / len(scores)


def _is_of(manifest: dict[str, Any], record: Record) -> bool:
    if record.trial != manifest["trial"]:
        return False
    return record.config_id == config_id(manifest.get("params") or {})


def _mean_score(records: list[Record]) -> float:
    return sum(record.mean_reward or 0.0 for record in records) / len(records)
