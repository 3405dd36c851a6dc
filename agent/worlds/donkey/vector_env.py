"""Embedded worlds side by side as one environment: driven, judged and drawn in a few calls for all.

What happens in an episode is ``DonkeyEnv``'s and the reward wrappers' business; here is the same once more for arrays,
to the digit (tests/worlds/donkey/test_vector_env.py), because a call from Python for each world takes as long as drawing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.simulator.fleet import Fleet
from agent.simulator.lens import View
from agent.simulator.track_progress import ARC, BEST_AT_SEC, CLOCK_SEC, CTE, END_U, HIT, NET
from agent.simulator.vehicle import FORWARD, SIDE
from agent.simulator.world import CONTROL_HZ, UNITS_PER_METRE, World
from agent.worlds.donkey.demonstrations import rescaled
from agent.worlds.donkey.env import (
    CRASH_REWARD,
    HALF_TICK_SEC,
    STALL_LIMIT_SEC,
    TRUNCATIONS,
    DonkeyEnv,
    along_the_road,
)
from agent.worlds.donkey.experts.teacher import Teacher
from agent.worlds.donkey.observation import FAST_VIEW, GAP, ROWS
from agent.worlds.donkey.rewards import CRASH_M, Yardstick, race_pay

Array = NDArray[np.float64]
REWARDS = ("sim", "speed", "race", "yardstick")


class DonkeyVectorEnv:
    """Environments of ``make_driver_env`` over embedded worlds, without reward terms, in one.

    Observations are (n, frames, 40, 80) uint8, or camera frames (n, 120, 160, 3) where ``frames`` is 0. The info of a
    step is short (``cte`` u, ``speed`` m/s, ``progress`` laps, ``steering`` as commanded) until the last of an episode,
    which is ``DonkeyEnv``'s.

    :param drivers: action wrappers over ``DonkeyEnv``, all alike but for their tracks
    :param reward: one of ``REWARDS``
    :param teacher_grip: of a ``Teacher`` whose ``lessons`` are wanted
    :param gap: decisions from one of an observation's frames to the next
    :param repeat: control steps that a decision is held for, see ``envs.action_repeat``
    """

    def __init__(
        self,
        drivers: Sequence[gymnasium.Env],
        frames: int,
        reward: str,
        teacher_grip: float | None = None,
        gap: int = GAP,
        repeat: int = 1,
    ) -> None:
        self.drivers = list(drivers)
        self.envs = [cast(DonkeyEnv, driver.unwrapped) for driver in drivers]
        worlds = [cast(World, env.world) for env in self.envs]
        self.fleet = Fleet(worlds, FAST_VIEW if frames else View(), grey=frames > 0)
        self.reward, self.max_cte = reward, float(self.envs[0].conf["max_cte"])
        self.max_steps = int(self.envs[0].conf["max_episode_steps"])
        throttle = self.envs[0].conf["throttle_min"], self.envs[0].conf["throttle_max"]
        self.teacher = None if teacher_grip is None else Teacher(self.fleet, teacher_grip, throttle)
        view = self.fleet.view
        picture = (ROWS, view.width) if frames else (view.height, view.width, 3)
        self._stack: NDArray[np.uint8] = np.zeros(
            (len(worlds), frames or 1, *picture), dtype=np.uint8
        )
        n = len(worlds)
        self._commands = np.zeros((n, 2))
        self._repeat, self._held = (1, repeat) if reward == "yardstick" else (repeat, 1)
        self.gap = gap = gap * self._held
        # The last pictures before the newest, in turn; what the stack will show again is among them.
        self._past: NDArray[np.uint8] = np.zeros(
            (gap * (self._stack.shape[1] - 1), n, *picture), dtype=np.uint8
        )
        self._seen = 0  # how many went into it
        self._steps: NDArray[np.int64] = np.zeros(n, dtype=np.int64)
        self._earned, self._paid, self._net_m = np.zeros(n), np.zeros(n), np.zeros(n)
        self._length_u, self._end_u = np.zeros(n), np.zeros(n)
        shape = self._stack.shape[1:] if frames else picture
        self.observation_space = spaces.Box(0, 255, shape, dtype=np.uint8)
        self.action_space = drivers[0].action_space

    def reset(self, seeds: Sequence[int | None]) -> NDArray[np.uint8]:
        """Begin an episode in each; see ``DonkeyEnv.reset`` for the seeds. Returns observations."""
        for k, seed in enumerate(seeds):
            self._restart(k, seed)
        self._stack = np.empty_like(self._stack)
        self.fleet.render(self._stack)
        self._stack[:, :-1] = self._stack[:, -1:]
        self._past[:] = self._stack[:, -1]
        return self._observation()

    def _next_stack(self) -> NDArray[np.uint8]:
        """A stack whose older frames are in place."""
        stack = np.empty_like(self._stack)
        kept, older = len(self._past), stack.shape[1] - 1
        if older:
            self._past[self._seen % kept] = self._stack[:, -1]
            self._seen += 1
        for back in range(1, older + 1):
            stack[:, -1 - back] = self._past[(self._seen - back * self.gap) % kept]
        return stack

    def _restart(self, k: int, seed: int | None = None) -> None:
        self.envs[k].restart(seed)
        self.fleet.refresh(k)
        if self.teacher:
            self.teacher.refresh(k)
        track = self.fleet.worlds[k].track
        self._length_u[k] = track.length_u
        self._end_u[k] = np.inf if track.closed else track.length_u - END_U
        self._steps[k], self._earned[k], self._paid[k], self._net_m[k] = 0, 0.0, 0.0, 0.0

    def lessons(self) -> NDArray[np.float32]:
        """What the teacher says of this moment (n, 8): its action, and the bearings of the road ahead.

        Steering beyond the action space is a wish for more.
        """
        assert self.teacher is not None
        box = cast(spaces.Box, self.envs[0].action_space)
        actions = rescaled(
            self.teacher.commands(self.envs[0].throttle_cap).astype(np.float32), box.low, box.high
        )
        return np.concatenate([actions, self.teacher.bearings()], axis=1, dtype=np.float32)

    def _decide(self, actions: NDArray[Any]) -> None:
        """Make commands of the actions that count."""
        driver = self.drivers[0]
        if isinstance(self.action_space, spaces.Discrete):
            commands = driver.commands[actions]  # type: ignore[attr-defined]
        else:
            commands = driver.action(actions)  # type: ignore[attr-defined]
        box = cast(spaces.Box, self.envs[0].action_space)
        commands = np.clip(commands, box.low, box.high).astype(np.float64)
        commands[:, 1] = np.minimum(commands[:, 1], self.envs[0].throttle_cap)
        due = self._steps % self._held == 0
        self._commands = np.where(due[:, None], commands, self._commands)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Drive by one decision, and begin anew where an episode ended: observations, rewards, endings, infos.

        :param actions: (n, 2) or (n,) of the action space
        """
        self._decide(actions)
        rewards, over = np.zeros(len(self.envs)), np.zeros(len(self.envs), dtype=np.bool_)
        endings: dict[int, str] = {}
        for _ in range(self._repeat):
            endings |= self._advance(rewards, over)
        self._stack = stack = self._next_stack()
        self.fleet.render(stack)
        ways = self.fleet.progress_states
        state = ways[:, CTE], self._speed(), ways[:, NET] / self._length_u, self._commands[:, 0]
        infos: list[dict[str, Any]] = [
            {"cte": c, "speed": v, "progress": p, "steering": s, "TimeLimit.truncated": False}
            for c, v, p, s in zip(*(values.tolist() for values in state), strict=True)
        ]
        for k, reason in endings.items():
            infos[k] = self._last_info(k, reason)
            self._restart(k)
        if endings:
            self.fleet.render(stack, list(endings))
            for k in endings:
                stack[k, :-1] = stack[k, -1]
                self._past[:, k] = stack[k, -1]
        return self._observation(), rewards.astype(np.float32), over, infos

    def _advance(self, rewards: Array, over: NDArray[np.bool_]) -> dict[int, str]:
        """Drive a control step where no episode is ``over``, add to ``rewards``: what ended now, and why."""
        self.fleet.step(self._commands, over)
        self._steps += ~over
        cars, ways = self.fleet.car_states, self.fleet.progress_states
        cte = ways[:, CTE]
        ended = (np.abs(cte) > self.max_cte) | (ways[:, HIT] >= 0.0) | (ways[:, ARC] >= self._end_u)
        ended |= ways[:, CLOCK_SEC] - ways[:, BEST_AT_SEC] > STALL_LIMIT_SEC - HALF_TICK_SEC
        ended |= self._steps >= self.max_steps
        ended &= ~over
        endings = {k: self._ending(k) for k in np.flatnonzero(ended).tolist()}
        speed, progress = self._speed(), ways[:, NET] / self._length_u
        paid = self._rewards(cars[:, FORWARD] / UNITS_PER_METRE, speed, cte, progress, endings)
        rewards += np.where(over, 0.0, paid)
        over |= ended
        return endings

    def _speed(self) -> Array:
        """Metres a second over the ground (n,)."""
        return (
            np.hypot(self.fleet.car_states[:, FORWARD], self.fleet.car_states[:, SIDE])
            / UNITS_PER_METRE
        )

    def _ending(self, k: int) -> str:
        env = self.envs[k]
        env.steps, env.steering = int(self._steps[k]), float(self._commands[k, 0])
        reason = env.end_reason(env.world.telemetry())
        assert reason is not None
        return reason

    def _last_info(self, k: int, reason: str) -> dict[str, Any]:
        info = self.envs[k].info(self.envs[k].world.telemetry(), reason)
        info["TimeLimit.truncated"] = reason in TRUNCATIONS
        info["terminal_observation"] = self._observation()[k].copy()
        return info

    def _rewards(
        self, forward_vel: Array, speed: Array, cte: Array, progress: Array, endings: dict[int, str]
    ) -> Array:
        net_m = progress * self._length_u / UNITS_PER_METRE
        if self.reward == "speed":
            rewards = along_the_road(speed, cte, self.max_cte)
        elif self.reward == "race":
            rewards, self._net_m = race_pay(net_m - self._net_m, cte, self.max_cte), net_m
        else:
            rewards = np.where(
                forward_vel > 0.0, along_the_road(forward_vel, cte, self.max_cte), forward_vel
            )
        for k, reason in endings.items():
            if reason not in TRUNCATIONS:
                rewards[k] = -CRASH_M if self.reward == "race" else CRASH_REWARD
        if self.reward == "yardstick":
            self._earned += rewards
            due = np.minimum(self._earned, CONTROL_HZ * (net_m + Yardstick.ALLOWANCE_M))
            rewards, self._paid = due - self._paid, due
        return np.asarray(rewards)

    def _observation(self) -> NDArray[np.uint8]:
        return self._stack if self.fleet.grey else self._stack[:, 0]

    def close(self) -> None:
        """Close all of them."""
        for env in self.envs:
            env.close()
