"""The action wrapper of the DonkeyCar world, at the path that the specification fixes."""

from __future__ import annotations

from agent.worlds.donkey.actions import DiscretizedActionWrapper

__all__ = ["DiscretizedActionWrapper"]
