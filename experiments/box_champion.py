"""Put a trial's driver into the box: agent/models/champion, small, with a manifest that says that it holds no title.

    python experiments/box_champion.py DIR

The optimiser's memory and the last pictures stay behind; the driver drives as it did.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.evaluate_champion import CHAMPION, load_model, read_config
from agent.training.algorithms.ppo import falling
from agent.training.checkpoints import BEST_MODEL, RESULT, save_model, write_json
from agent.trials.champion import MANIFEST_NAME, sha256
from agent.trials.record import git_commit, shown_path


def main(argv: list[str]) -> int:
    if len(argv) != 1 or not (Path(argv[0]) / RESULT).is_file():
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(argv[0])
    config, result = read_config(folder / BEST_MODEL), json.loads((folder / RESULT).read_text())
    model = load_model(folder / BEST_MODEL, config, "cpu")
    model.policy.optimizer.state.clear()
    model.learning_rate = falling(config.settings.learning_rate, config.settings.lr_end)
    model._setup_lr_schedule()
    model._last_obs = model._last_original_obs = model._last_episode_starts = None
    CHAMPION.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, CHAMPION)
    params = config.to_params() | {"warm_start": ""}  # a path of the machine that it was trained on
    manifest = {
        "trial": 0,
        "kind": "search",
        "boxed": True,
        "timestamp": "",
        "params": params,
        "mean_reward": result["mean_reward"],
        "model_path": shown_path(CHAMPION),
        "sha256": sha256(CHAMPION),
        "confirmation": None,
        "simulator": result["simulator"],
        "git_commit": git_commit(),
    }
    write_json(CHAMPION.with_name(MANIFEST_NAME), manifest)
    print(f"{shown_path(CHAMPION)}: {CHAMPION.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
