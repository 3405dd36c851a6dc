"""The track maker's command line: tracks of every kind of input, and mistakes."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path

import pytest

from agent import make_track
from agent.config.errors import EXIT_INTERRUPTED
from agent.make_track import main
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.track_making import made_scene, rounding
from tests.refusals import exit_code, refusal

SVG = '<svg xmlns="http://www.w3.org/2000/svg">'


def points_csv(folder: Path, waist: float = 0.0) -> Path:
    path = folder / "circuit.csv"
    rows = []
    for k in range(40):
        turn = 2.0 * math.pi * k / 40
        radius = 1.0 + waist * math.cos(2.0 * turn)
        rows.append(f"{12 * radius * math.cos(turn):.3f},{9 * radius * math.sin(turn):.3f}")
    path.write_text("x_m,y_m\n" + "\n".join(rows) + "\n")
    return path


def test_defaults_are_those_of_the_modules_that_are_loaded_late() -> None:
    assert make_track.MOST_MOVED_U == rounding.MOST_MOVED_U
    assert made_scene.PATTERNS == make_track.PATTERNS


def test_points_become_a_track_that_can_be_driven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.json"
    options = ["--like", "warren", "--width", "8", "--lines", "both"]
    assert main([str(points_csv(tmp_path)), str(out), *options]) == 0
    shown = capsys.readouterr().out
    assert f"{out}: 530 u round (66 m), road 8.0 u wide, tightest bend 5" in shown
    assert f"--env {out}" in shown
    assert json.loads(out.read_text())["name"] == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "circuit.csv",
        "mine.json",
        "mine.png",
    ]
    env = make_env(str(out))
    try:
        env.reset(seed=0)
        info = env.step(env.action_space.sample())[4]
        assert abs(info["cte"]) < 1.0
    finally:
        env.close()


def test_a_drawing_with_corners_is_rounded_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = tmp_path / "box.svg"
    drawing.write_text(f'{SVG}<path id="a" d="M0 0H300V150H0z"/><path d="M9 9h9"/></svg>')
    out = tmp_path / "box.json"
    line = refusal(main, [str(drawing), str(out), "--as-it-is"], tmp_path, capsys)
    assert "box.svg has a bend of 1.4 u radius at x " in line
    assert "and 3 more such places; give --smooth 6 or a larger --scale" in line
    assert main([str(drawing), str(out)]) == 0
    shown = capsys.readouterr().out
    assert "took the longest of 2 lines" in shown
    assert "rounded bends that were too tight; the line moved by up to 2.9 u" in shown
    start = json.loads(out.read_text())["start"]
    assert min(abs(abs(start["x"]) - 150.0), abs(abs(start["z"]) - 75.0)) < 0.5
    assert max(abs(start["x"]), abs(start["z"])) < 150.5 and start["yaw_deg"] % 90 in (0.0,)


@pytest.mark.parametrize(
    ("name", "text", "options", "complaint"),
    [
        ("a.csv", "x,y\n1,2\n3,four\n", "", "a.csv line 3 has 'four' among its numbers"),
        ("a.csv", "1,2\n3,nan\n", "", "line 2 has 'nan', which is not finite"),
        ("a.csv", "1,2\n3,4\n", "", "has 2 points; give at least 4"),
        ("a.svg", f"{SVG}<text>no</text></svg>", "", "has no path; draw the middle of the road"),
        ("a.svg", f'{SVG}<path d="M0 0H200V200"/></svg>', "", "is open: 282.8 u from its last"),
        ("a.doc", "hello", "", "is of no known kind; give a .csv, an .svg, a tub's folder or an"),
        (None, "", "", "does not exist; give points"),
        ("", "", "", "is no tub, it has no catalog_0.catalog"),
        ("ok.csv", "", "--width 1", "argument --width: 1 is beyond its limits; give 2 to 40"),
        ("ok.csv", "", "--smooth -1", "argument --smooth: -1 is beyond its limits"),
        ("ok.csv", "", "--like waren", "--like 'waren' is unknown; did you mean warren?"),
        ("ok.csv", "", "--lines dots", "argument --lines: invalid choice: 'dots'"),
        ("ok.csv", "", "--scale 0.01", "the car's smallest circle 35 u; give --scale"),
        ("ok.csv", "", "--start 9999", "--start 9999 is beyond the circuit of 530 u; give less"),
        ("waist.csv", "", "--width 30", "two legs 19.9 u apart"),
        ("ok.csv", "", "--out", "unrecognized arguments: --out"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    name: str | None,
    text: str,
    options: str,
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = tmp_path / (name or "nothing.csv")
    if name == "ok.csv":
        given = points_csv(tmp_path)
    elif name == "waist.csv":
        given = points_csv(tmp_path, 0.88)
    elif name == "":
        given = tmp_path
    elif name is not None:
        given.write_text(text)
    out = tmp_path / "out.json"
    line = refusal(main, [str(given), str(out), *options.split()], tmp_path, capsys)
    assert complaint in line


def test_an_interruption_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = points_csv(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("agent.worlds.donkey.track_making.picture._plan", interrupt)
    try:
        assert main([str(given), str(tmp_path / "mine.json")]) == EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.iterdir()) == [given]
    assert capsys.readouterr().err == "interrupted; no track was made\n"


def test_what_is_there_is_not_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = str(points_csv(tmp_path))
    (tmp_path / "mine.png").write_text("a holiday")
    out = tmp_path / "mine.json"
    assert "mine.png is there already; choose another name or --overwrite" in refusal(
        main, [given, str(out)], tmp_path, capsys
    )
    assert main([given, str(out), "--overwrite"]) == 0
    capsys.readouterr()
    assert "mine.json is there already" in refusal(main, [given, str(out)], tmp_path, capsys)
    (tmp_path / "folder.json").mkdir()
    for name, complaint in (
        ("folder.json", "is a folder"),
        ("nowhere/mine.json", "has no folder"),
        ("mine.csv", "is no name of a scene file; end it in .json"),
        ("mine.csv/mine.json", "has no folder"),
    ):
        line = refusal(main, [given, str(tmp_path / name), "--overwrite"], tmp_path, capsys)
        assert complaint in line
    assert exit_code(main, [given]) == 2
