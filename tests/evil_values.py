"""Values that a file of JSON may hold where another one belongs, as JSON text."""

from __future__ import annotations

EVIL = (
    *("null", "true", "false", "0", "-1", "5", "7.5", "1e299", "-1e299", "1e308", "1e-320"),
    *("1e400", "9" * 400, "12345678901234567890", "NaN", "Infinity"),
    *(
        '""',
        '"x"',
        '"3"',
        '"two\\nlines"',
        '"\\u0000"',
        '"\\ud800"',
        '"\\u001b[31m"',
        '"$\\\\frac{$"',
    ),
    '"' + "y" * 30_000 + '"',
    *('"0001-01-01T00:00:00"', '"9999-12-31T23:59:59"', '"2026-05-01T00:00:00+05:00"'),
    *("[]", "[1]", '["a"]', "[null]", '[5, "x"]', "{}", '{"a": 1}', '{"a": null}', '{"a": "x"}'),
    '{"laps": "x", "progress": {}, "best_lap_sec": [1], "episodes": "x"}',
    *("[" * 15 + "]" * 15, "[" * 500 + "]" * 500, "[" * 100_000),
)
