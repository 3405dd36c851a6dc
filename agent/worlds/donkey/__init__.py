"""DonkeyCar: the embedded simulator, or one on a TCP port."""

from __future__ import annotations

from agent.worlds.donkey.old_models import install

install()
