"""Reading of messages that are almost JSON, as the Unity simulator's own reader takes them.

Unity's reader (JSONObject) looks for names, colons and commas, and makes nothing of what stands
wrong between them: a comma after the last field is nothing, a value that is none is null and takes
no other with it, an escape that it does not know stays as it was written.
"""

from __future__ import annotations

import json
import re

# Every character belongs to one token, so a text is read in one pass whatever is in it.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[,:\[\]{}]|[^",:\[\]{}]+', re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


def read_fields(text: str) -> dict[str, object]:
    """Returns the named values of an object without objects in it; a bad value is None.

    Of two fields with the same name the first counts.
    """
    fields: dict[str, object] = {}
    name: str | None = None
    value: list[str] | None = None
    depth = 0
    for token in TOKEN.findall(text.strip().removeprefix("{")):
        depth += DEPTH.get(token, 0)
        if depth < 0 or (depth == 0 and token == ","):
            if name is not None and value is not None:
                fields.setdefault(name, _value("".join(value)))
            if depth < 0:
                break
            name = value = None
        elif token == ":" and depth == 0:
            value = []
        elif value is not None:
            value.append(token)
        elif token.startswith('"'):
            name = token[1:-1]
    return fields


def _value(written: str) -> object:
    written = written.strip()
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        pass
    if STRING.fullmatch(written):
        return written[1:-1]
    try:
        return float(written)
    except ValueError:
        return None
