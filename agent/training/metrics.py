"""Numbers of a training run in TensorBoard, under the same names for every algorithm.

The off-policy algorithms log ``losses/*``, ``debug/*`` and ``entropy_coef`` at their gradient
steps. Here PPO's numbers get the same names, and every algorithm's training episodes are added:
``return_train``, ``episode_length_train`` and the share of each reason for which they ended.
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

from agent.training.callbacks import TrainingCallback

UNSHAPED = "unshaped_reward"
RECENT_EPISODES = 20  # over which training's returns are averaged; chosen
PPO_NAMES = {
    "train/policy_gradient_loss": "losses/loss_actor",
    "train/value_loss": "losses/loss_critic",
    "eval/mean_reward": "return_test",
    "eval/episode_length": "episode_length_test",
}


class Metrics(TrainingCallback):
    """Logs the training episodes and translates names, once a rollout.

    ``recent`` holds the returns of the latest episodes, in the unscaled reward of training. Where
    infos have an ``unshaped_reward``, it is that one's: what a world takes off while it teaches
    may change as training goes on, and is no sign of a collapse.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recent: deque[float] = deque(maxlen=RECENT_EPISODES)
        self.lengths: deque[int] = deque(maxlen=RECENT_EPISODES)
        self.endings: deque[str] = deque(maxlen=RECENT_EPISODES)

    def _on_training_start(self) -> None:
        n_envs = self.training_env.num_envs
        self.returns = np.zeros(n_envs)
        self.steps = np.zeros(n_envs, int)

    def _on_step(self) -> bool:
        self.returns += self._rewards()
        self.steps += 1
        for i in np.flatnonzero(self.locals["dones"]):
            self.recent.append(float(self.returns[i]))
            self.lengths.append(int(self.steps[i]))
            self.endings.append(str(self.locals["infos"][i].get("end_reason")))
            self.returns[i] = 0.0
            self.steps[i] = 0
        return True

    def _rewards(self) -> NDArray[np.float64]:
        """Rewards of the last step, unscaled and unshaped (n,)."""
        infos = self.locals["infos"]
        if UNSHAPED not in infos[0]:
            return self.rewards
        return np.array([info[UNSHAPED] for info in infos])

    def _on_rollout_start(self) -> None:
        logger = self.model.logger
        for name, common in PPO_NAMES.items():
            if name in logger.name_to_value:
                logger.record(common, logger.name_to_value[name])
        if "train/entropy_loss" in logger.name_to_value:
            logger.record("debug/entropy", -logger.name_to_value["train/entropy_loss"])
        if self.recent:
            logger.record("return_train", float(np.mean(self.recent)))
            logger.record("episode_length_train", float(np.mean(self.lengths)))
            for reason, count in Counter(self.endings).items():
                logger.record(f"ended/{reason}", count / len(self.endings))
