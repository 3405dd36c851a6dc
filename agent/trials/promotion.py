"""The rule by which a recorded trial changes the champion.

Without ``--confirm-seeds`` the best score ever is champion. With it, a study selects a
configuration that has been confirmed on fresh seeds, and the best model of its replicates is
promoted. Until there is one, the best score is champion provisionally.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.trials import champion
from agent.trials.folders import Folders
from agent.trials.progress import best_choosing_score
from agent.trials.record import Record
from agent.trials.task import of_task

# From the records of one task to the scored replicates of the configuration that is confirmed.
SelectChampion = Callable[[list[Record]], list[Record]]


@dataclass(frozen=True)
class Promotion:
    """Changes the champion of ``folders``.

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
        changed = self._promote(record, earlier)
        return changed or champion.is_champion(record, self.folders.champion_dir)

    def _promote(self, record: Record, earlier: list[Record]) -> bool:
        rule: dict[str, Any] = {"rule": f"--confirm-seeds {self.confirm_seeds}"}
        if self.select_champion is not None:
            known = of_task([*earlier, record], record.params)
            replicates = self.select_champion(known)
            if replicates:
                changed = self._promote_confirmed(replicates, rule)
                if changed is not None:
                    return changed
            rule |= {
                "standing": "provisional: best score so far, not confirmed",
                "trials": [],
                "seeds": [],
                "scores": [],
            }
        model = self.folders.model_of(record)
        return champion.promote_if_better(record, model, self.folders.champion_dir, rule)

    def _promote_confirmed(self, replicates: list[Record], rule: dict[str, Any]) -> bool | None:
        """Promotes the best model of a configuration that is confirmed.

        :param replicates: its trials on fresh seeds
        :param rule: for the manifest
        :returns: whether another trial is champion now; ``None`` when there is neither a champion
            nor a model of these trials, as when the models' folder was deleted
        """
        scores = [record.mean_reward or 0.0 for record in replicates]
        mean = sum(scores) / len(scores)
        confirmation = rule | {
            "standing": f"confirmed: mean {mean:.2f} on {len(scores)} fresh seeds",
            "trials": [record.trial for record in replicates],
            "seeds": [record.seed for record in replicates],
            "scores": scores,
        }
        folder = self.folders.champion_dir
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
        champion.promote(best, self.folders.model_of(best), folder, confirmation)
        return not is_same
