"""Reading scene files: every key and value is checked, and a wrong one is one line.

The keys and their kinds are in ``scene_keys``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.simulator.scene_keys import check_scene
from agent.simulator.scene_values import wrong


def read_scene_file(path: Path) -> dict[str, Any]:
    """Returns what a scene file says.

    :raises ValueError: a file that cannot be read, or one with an unknown key, an unknown kind or
        an impossible value; one line with the file, the key and the remedy
    """
    try:
        data = json.loads(_text_of(path), object_pairs_hook=_once)
        check_scene(data)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"scene {path}: is no JSON, {error.msg} at {place}; mend it") from None
    except RecursionError:
        raise ValueError(f"scene {path}: is nested too deeply; give a scene") from None
    except ValueError as error:
        raise ValueError(f"scene {path}: {error}") from None
    return dict(data)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); give a file that can") from None
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8; save it as such") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the pairs as a dictionary; a key that is there twice is a mistake."""
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise wrong(name, value, "is there twice in one object; drop one")
        read[name] = value
    return read
