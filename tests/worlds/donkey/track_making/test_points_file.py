"""Points of a circuit from text files: columns, headers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.worlds.donkey.track_making.points_file import read_points

SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "0,0\n10,0\n10,10\n0,10\n",
        "x,y\n0,0\n10,0\n10,10\n0,10",
        "# x_m;y_m\n# of a garage\n0;0\n10;0\n\n10;10\n0;10\n# the end",
        "0 0\r\n1e1\t0\r\n 10  10 \r\n0 10\r\n",
        "\ufeffy,name_less,x\n0,5,0\n0,5,10\n10,5,10\n10,5,0\n",
        '"x","y",\n0,0,\n10,0,\n10,10,\n0,10,\n',
        "x,y,z\n0,7,0\n10,7,0\n10,7,10\n0,7,10\n",  # of Unity, where y is a height
    ],
)
def test_columns_are_told_by_their_names_or_number(tmp_path: Path, text: str) -> None:
    line = read_points(written(tmp_path, text))
    assert line.points.tolist() == [list(point) for point in SQUARE]
    assert line.widths is None and line.is_loop


def test_widths_of_a_public_set(tmp_path: Path) -> None:
    rows = "".join(f"{x},{y},5.5,{6 + x / 10}\n" for x, y in SQUARE)
    head = "# x_m,y_m,w_tr_right_m,w_tr_left_m\n"
    for text in (head + rows, rows):
        line = read_points(written(tmp_path, text))
        assert line.points.tolist() == [list(point) for point in SQUARE]
        assert line.widths is not None
        np.testing.assert_array_equal(line.widths, [[5.5, 6], [5.5, 7], [5.5, 7], [5.5, 6]])
    assert line.labels[0] == "line 1" and line.labels[-1] == "line 4"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x,y\n1,2\n3,four\n5,6\n", "line 3 has 'four' among its numbers; give x,y or"),
        ("1,2\nx,y\n3,4\n", "line 2 has 'x' among its numbers"),
        ("1,2\n3,nan\n", "line 2 has 'nan', which is not finite; drop the line"),
        ("1,2\n3,-inf\n", "line 2 has '-inf', which is not finite"),
        ("1,2\n3\n", "line 2 has 1 columns, the lines before have 2; give all the same"),
        ("1,2\n3,4\n5,6\n", "has 3 points; give at least 4 all round"),
        ("", "has 0 points; give at least 4"),
        ("a holiday\nin words\n", "has 0 points; give at least 4"),
        ("1,2,3\n" * 5, "has 3 columns and no names x and y above them"),
        ("x,y,w_tr_right_m,w_tr_left_m\n" + "1,2,3,-4\n" * 5, "line 2 has a width of -4; give"),
        (b"\xff\xfe1", "is no text in UTF-8; save it as such"),
    ],
)
def test_what_is_no_circuit_is_one_line(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_points(path)
    assert str(caught.value).startswith(str(path)) and complaint in str(caught.value)


def test_a_folder_or_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_points(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        read_points(tmp_path / "none.csv")
