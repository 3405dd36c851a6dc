"""Notices a policy that falls apart while it trains, and stops early: the best checkpoint is on disk already.

The alarms are those of the seeds' TrackMania report, whose critics drifted from +10 to -15.6, whose loss passed 15 and
whose entropy weight rose from 0.015 to 0.22 before the driver was lost. Rewards are scaled so that discounted returns
have variance 1, so an honest worth stays within a few units whatever the reward.
"""

from __future__ import annotations

import math

from agent.training.callbacks import TrainingCallback
from agent.training.metrics import RECENT_EPISODES, Metrics

DRIFT = 15.0  # of the worth, away from where it was when it first settled
EXPLOSION = 15.0  # a loss
ENTROPY_RISE = 10.0  # times the lowest weight so far, and above what it began with
COLLAPSE = 0.25  # of the best return of training
SMOOTHING = 0.9  # of every number but the returns, which are means already
PATIENCE = 0.1  # of training for which an alarm must last, and before which none is heard
LEAST_CHECKS = 5


class CollapseGuard(TrainingCallback):
    """Ends training when one alarm has lasted for ``PATIENCE`` of it; ``reason`` says which, None while all is well.

    :param timesteps: of the whole training
    :param metrics: stands before this callback
    """

    def __init__(self, timesteps: int, metrics: Metrics) -> None:
        super().__init__()
        self.patience, self.metrics = timesteps * PATIENCE, metrics
        self.reason: str | None = None
        self.smooth: dict[str, float] = {}
        self.first: dict[str, float] = {}
        self.lowest: dict[str, float] = {}
        self.best_return = -math.inf
        self.since: dict[str, tuple[int, int]] = {}

    def _on_step(self) -> bool:
        return self.reason is None

    def _on_rollout_start(self) -> None:
        if self.num_timesteps < self.patience:
            return
        for alarm, text in self.alarms().items():
            self.model.logger.record(f"alarms/{alarm}", float(text is not None))
            if text is None:
                self.since.pop(alarm, None)
                continue
            began, checks = self.since.get(alarm, (self.num_timesteps, 0))
            self.since[alarm] = began, checks + 1
            if (
                self.num_timesteps - began >= self.patience
                and checks >= LEAST_CHECKS
                and self.reason is None
            ):
                self.reason = f"training stopped at step {self.num_timesteps}, it collapsed: {text}"
                print(self.reason, flush=True)

    def alarms(self) -> dict[str, str | None]:
        """Every alarm with what it has to say, None while it is silent."""
        worth = self._follow("debug/q_a1")
        entropy = self._follow("entropy_coef")
        losses = {name: self._follow(name) for name in ("losses/loss_actor", "losses/loss_critic")}
        now = (
            sum(self.metrics.recent) / len(self.metrics.recent) if self.metrics.recent else math.nan
        )
        if len(self.metrics.recent) == RECENT_EPISODES:
            self.best_return = max(self.best_return, now)
        loud = {name: loss for name, loss in losses.items() if abs(loss) > EXPLOSION}
        first, lowest = (
            self.first.get("debug/q_a1", worth),
            self.lowest.get("entropy_coef", entropy),
        )
        rise = max(ENTROPY_RISE * lowest, self.first.get("entropy_coef", math.inf))
        return {
            "q_drift": f"the worth of actions drifted from {first:.3g} to {worth:.3g}"
            if abs(worth - first) > DRIFT
            else None,
            "loss_explosion": ", ".join(f"{name} is {loss:.3g}" for name, loss in loud.items())
            or None,
            "entropy_rise": f"the entropy's weight rose from {lowest:.3g} to {entropy:.3g}"
            if entropy > rise
            else None,
            "return": f"return {now:.3g} after {self.best_return:.3g}"
            if self.best_return > 0.0 and now < COLLAPSE * self.best_return
            else None,
        }

    def _follow(self, name: str) -> float:
        """The smoothed value of a logged number, NaN before it was logged."""
        value = self.model.logger.name_to_value.get(name)
        if value is not None:
            before = self.smooth.get(name, float(value))
            self.smooth[name] = SMOOTHING * before + (1.0 - SMOOTHING) * float(value)
            self.first.setdefault(name, float(value))
            self.lowest[name] = min(self.lowest.get(name, math.inf), self.smooth[name])
        return self.smooth.get(name, math.nan)
