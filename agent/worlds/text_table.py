"""A table on the console."""

from __future__ import annotations

from collections.abc import Sequence


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with columns as wide as their widest cell, the last one as it comes."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        print("  ".join((row[0].ljust(widths[0]), *cells, row[-1])))
