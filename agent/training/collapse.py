"""Alarms for a policy that falls apart while it trains; training then stops early.

The alarms are those of the report that docs/training.md cites. There the critics drifted from +10
to -15.6, the loss passed 15 and the entropy weight rose from 0.015 to 0.22 before the policy was
lost. Rewards are scaled so that discounted returns have variance 1, so an honest value stays within
a few units under any reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.training.callbacks import TrainingCallback
from agent.training.metrics import RECENT_EPISODES, Metrics

# Thresholds: the report's numbers, rounded.
DRIFT = 15.0  # of the value, away from the first that was logged
EXPLOSION = 15.0  # a loss
ENTROPY_RISE = 10.0  # times the lowest weight so far, and above what it began with
COLLAPSE = 0.25  # of the best return of training
# Chosen:
SMOOTHING = 0.9  # of every number but the returns, which are means already
PATIENCE = 0.1  # of training for which an alarm must last, and before which none is heard
LEAST_CHECKS = 5  # rollouts

VALUE = "debug/q_a1"
ENTROPY = "entropy_coef"
LOSSES = ("losses/loss_actor", "losses/loss_critic")


@dataclass
class Course:
    """Course of a logged number: its first value, its smoothed value, and the lowest of those."""

    first: float = math.nan
    smooth: float = math.nan
    lowest: float = math.inf

    def note(self, value: float) -> None:
        """Takes a newly logged value in."""
        if math.isnan(self.smooth):
            self.first = value
            self.smooth = value
        self.smooth = SMOOTHING * self.smooth + (1.0 - SMOOTHING) * value
        self.lowest = min(self.lowest, self.smooth)


class CollapseGuard(TrainingCallback):
    """Ends training when one alarm has lasted for ``PATIENCE`` of it.

    ``reason`` says which, None while all is well.

    :param timesteps: of the whole training
    :param metrics: stands before this callback
    """

    def __init__(self, timesteps: int, metrics: Metrics) -> None:
        super().__init__()
        self.patience = timesteps * PATIENCE
        self.metrics = metrics
        self.reason: str | None = None
        self.courses = {name: Course() for name in (VALUE, ENTROPY, *LOSSES)}
        self.best_return = -math.inf
        self.began: dict[str, int] = {}  # step at which each alarm that rings began
        self.checks: dict[str, int] = {}  # rollouts that it has lasted for

    def _on_step(self) -> bool:
        return self.reason is None

    def _on_rollout_start(self) -> None:
        if self.num_timesteps < self.patience:
            return
        for alarm, text in self.alarms().items():
            self.model.logger.record(f"alarms/{alarm}", float(text is not None))
            if text is None:
                self.began.pop(alarm, None)
                self.checks.pop(alarm, None)
            elif self._lasts(alarm) and self.reason is None:
                self.reason = f"training stopped at step {self.num_timesteps}, it collapsed: {text}"
                print(self.reason, flush=True)

    def _lasts(self, alarm: str) -> bool:
        """True if an alarm, which rings now, has rung for long enough."""
        began = self.began.setdefault(alarm, self.num_timesteps)
        before = self.checks.get(alarm, 0)
        self.checks[alarm] = before + 1
        return self.num_timesteps - began >= self.patience and before >= LEAST_CHECKS

    def alarms(self) -> dict[str, str | None]:
        """Every alarm with its text, None while it is silent."""
        for name, course in self.courses.items():
            value = self.model.logger.name_to_value.get(name)
            if value is not None:
                course.note(float(value))
        return {
            "q_drift": self._q_drift(),
            "loss_explosion": self._loss_explosion(),
            "entropy_rise": self._entropy_rise(),
            "return": self._return_collapse(),
        }

    def _q_drift(self) -> str | None:
        value = self.courses[VALUE]
        if abs(value.smooth - value.first) > DRIFT:
            return f"the worth of actions drifted from {value.first:.3g} to {value.smooth:.3g}"
        return None

    def _loss_explosion(self) -> str | None:
        losses = {name: self.courses[name].smooth for name in LOSSES}
        loud = [f"{name} is {loss:.3g}" for name, loss in losses.items() if abs(loss) > EXPLOSION]
        return ", ".join(loud) or None

    def _entropy_rise(self) -> str | None:
        weight = self.courses[ENTROPY]
        if weight.smooth > ENTROPY_RISE * weight.lowest and weight.smooth > weight.first:
            return f"the entropy's weight rose from {weight.lowest:.3g} to {weight.smooth:.3g}"
        return None

    def _return_collapse(self) -> str | None:
        recent = self.metrics.recent
        if not recent:
            return None
        now = sum(recent) / len(recent)
        if len(recent) == RECENT_EPISODES:
            self.best_return = max(self.best_return, now)
        if self.best_return > 0.0 and now < COLLAPSE * self.best_return:
            return f"return {now:.3g} after {self.best_return:.3g}"
        return None
