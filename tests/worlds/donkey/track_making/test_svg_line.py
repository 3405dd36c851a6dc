"""Lines of SVG drawings, against figures by hand and, where it is installed, another reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.worlds.donkey.track_making.svg_line import path_lines, read_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200">'
WAVES = "M20,60C20,10 80,10 90,40S140,80 160,40s40,60-10,80A30 20 15 0 1 90 110Q60,90 40,110T20,60z"


def drawn(folder: Path, inside: str, head: str = HEAD) -> Path:
    path = folder / "line.svg"
    path.write_text(f"{head}{inside}</svg>")
    return path


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_svg(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "places"),
    [
        ("M1 2L3 4", [1 + 2j, 3 + 4j]),
        ("m1,2 2,2 1-1", [1 + 2j, 3 + 4j, 4 + 3j]),
        ("M0 0H5V5h-5z", [0, 5, 5 + 5j, 5j, 0]),
        ("M.5.5l1e1-.5", [0.5 + 0.5j, 10.5]),
    ],
)
def test_straight_lines(data: str, places: list[complex]) -> None:
    assert path_lines(data)[0] == places


def test_curves_go_through_their_ends_and_middles() -> None:
    (cubic,) = path_lines("M0 0C0 4 4 4 4 0")
    assert cubic[0] == 0 and cubic[-1] == 4
    assert np.isclose(cubic[12], 2 + 3j), "the middle of a cubic: (p0 + 3 p1 + 3 p2 + p3) / 8"
    (quadratic,) = path_lines("M0 0q2 4 4 0t4 0")
    assert np.isclose(quadratic[12], 2 + 2j) and np.isclose(quadratic[-1], 8)
    assert np.isclose(quadratic[36], 6 - 2j), "the smooth one is the other's mirror image"
    for flags, middle in (("0 1", 5 - 5j), ("0 0", 5 + 5j), ("1 1", 5 - 5j)):
        (arc,) = path_lines(f"M0 0A5 5 0 {flags} 10 0")
        np.testing.assert_allclose(np.abs(np.array(arc) - 5), 5.0)
        assert np.isclose(arc[12], middle)
    (small,) = path_lines("M0 0a1 1 0 0110 0")  # too small, and flags without spaces
    assert np.isclose(small[12], 5 - 5j)


def test_the_longest_line_counts_with_its_transforms(tmp_path: Path) -> None:
    inside = (
        '<defs><path d="M0 0H9999"/></defs><rect width="5" height="5"/>'
        '<g transform="translate(10,20) scale(2)"><g transform="rotate(90)">'
        '<polygon points="0,0 40,0 40,30"/></g></g>'
    )
    line = read_svg(drawn(tmp_path, inside))
    assert line.is_loop and line.note == "the longest of 2 lines"
    # (x, y) -> (-y, x) by the turn, twice as large, shifted, and y is up in the end.
    for corner in ([10, -20], [10, -100], [-50, -100]):
        assert np.hypot(*(line.points - corner).T).min() < 1e-9
    steps = np.hypot(*np.diff(line.points, axis=0).T)
    assert steps.sum() == pytest.approx(80 + 60 + 100) and steps.max() < 0.7, "sides are followed"


@pytest.mark.parametrize(
    ("shape", "length"),
    [
        ('<circle cx="5" cy="5" r="50"/>', 100 * np.pi),
        ('<ellipse rx="50" ry="50"/>', 100 * np.pi),
        ('<rect x="1" y="1" width="40" height="20"/>', 120.0),
        ('<polyline points="0,0 30,0 30,40 0,0"/>', 120.0),
        (f'<path d="{WAVES}" transform="matrix(1 0 0 1 5 5)"/>', 519.46),
    ],
)
def test_shapes_are_lines(tmp_path: Path, shape: str, length: float) -> None:
    line = read_svg(drawn(tmp_path, shape))
    assert line.is_loop
    assert np.hypot(*np.diff(line.points, axis=0).T).sum() == pytest.approx(length, rel=2e-3)


def test_an_open_line_is_read_as_open(tmp_path: Path) -> None:
    assert not read_svg(drawn(tmp_path, '<path d="M0 0H100V50H0"/>')).is_loop


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ("<text>a track</text>", "has no path; draw the middle of the road as one line"),
        ('<path d=""/>', "has no path"),
        ('<path d="M5 5"/>', "has no path"),
        ('<path d="L5 5"/>', "a path begins with L, not with M; save the drawing anew"),
        ('<path d="M0 0C1 2 3"/>', "a path's C has 3 numbers, not 6 a step"),
        ('<path d="M0 0A5 5 0 7 0 9 9"/>', "a path's arc has '7 0 9 9' for a number"),
        ('<path d="here and there"/>', "path"),
        ('<path d="M0 0H9V9z" transform="spin(3)"/>', "transform spin(3) cannot be followed"),
        ('<path d="M0 0H9V9z" transform="rotate()"/>', "transform rotate() cannot be followed"),
        ("<path", "is no SVG ("),
    ],
)
def test_what_is_no_drawing_is_one_line(tmp_path: Path, inside: str, complaint: str) -> None:
    text = refused(drawn(tmp_path, inside))
    assert complaint in text and "\n" not in text


def test_entities_are_not_expanded_without_end(tmp_path: Path) -> None:
    entities = "".join(
        f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "x" * 100}">' for k in range(9)
    )
    head = f"<!DOCTYPE svg [{entities}]>{HEAD}"
    assert "is no SVG (" in refused(drawn(tmp_path, "<text>&e8;</text>", head))


def test_another_reader_finds_the_same_places() -> None:
    svgelements = pytest.importorskip("svgelements", reason="another reader of SVG paths")
    path = svgelements.Path(WAVES)
    theirs = np.array([complex(*path.point(t)) for t in np.linspace(0.0, 1.0, 400)])
    ours = np.array(path_lines(WAVES)[0])
    away = np.abs(ours[:, None] - theirs).min(axis=1)
    assert away.max() < 1.5, "two points of theirs are 1.1 apart"
