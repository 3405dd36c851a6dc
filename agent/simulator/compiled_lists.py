"""Compiled lists: what compiled code reads again and again, handed over once.

A call with a tuple of many arrays unpacks them all; a call with a list of such tuples does not.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.typed import List


@njit(cache=True)
def typed_list(first: Any) -> Any:  # pragma: no cover - compiled
    """Returns a compiled list of one item."""
    items = List()
    items.append(first)
    return items


@njit(cache=True)
def set_item(items: Any, k: int, item: Any) -> None:  # pragma: no cover - compiled
    """Put an item into a compiled list.

    :param items: the list
    :param k: index of the item, or the length of the list to append it
    :param item: the item
    """
    if k == len(items):
        items.append(item)
    else:
        items[k] = item
