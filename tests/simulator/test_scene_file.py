"""Scene files: every key is read, and every wrong value of every key is one line."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import donkey_sim
from agent.simulator.scene_file import read_scene_file
from agent.simulator.tracks import SCENES_DIR, Scene, load_scene, scene_names
from agent.worlds.donkey.conf_checks import checked
from agent.worlds.donkey.env import DonkeyEnv

# A scene with every key.
FULL: dict[str, Any] = json.loads((Path(__file__).parent / "full_scene.json").read_text())
PATHS: list[dict[str, Any]] = [
    {"kind": "turtle", "start": [0, 0, 0], "span_u": 2.0, "script": "S 11, DY 15.5, R 9, L 2"},
    {"kind": "random", "start": [0, 0, 0], "span_u": 2.0, "spans": 100, "turn_deg": 1.0},
    {"kind": "loop", "start": [0, 0, 0], "length_u": [70.0, 900], "half_width_u": [2.0, 5]},
]

Place = tuple[str | int, ...]


def key_of(place: Place) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).removeprefix(".")


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every key and item below a value."""
    items = enumerate(value) if isinstance(value, list) else value.items()
    for name, item in items:
        yield (*place, name), item
        if isinstance(item, (dict, list)):
            yield from places(item, (*place, name))


def changed(data: Any, place: Place, value: Any) -> Any:
    other = copy.deepcopy(data)
    inner = other
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return other


def write(folder: Path, data: Any) -> Path:
    path = folder / "my.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def complaint_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValueError, match=r"; |add it") as refused:
        act()
    return str(refused.value)


def refusal(folder: Path, data: Any) -> str:
    path = write(folder, data)
    line = complaint_of(lambda: read_scene_file(path))
    assert len(line.splitlines()) == 1 and len(line) < 400
    assert line.startswith(f"scene {path}: ")
    return line.removeprefix(f"scene {path}: ")


def wrong_values(value: Any) -> list[Any]:
    others: list[Any] = [{"nonsense": 1}, [[[]]]]
    if isinstance(value, bool):
        return [*others, None, 1, "true"]
    if isinstance(value, (int, float)):
        return [*others, True, "1", math.nan, math.inf, -1e9, 1e9, 10**400, None]
    if isinstance(value, str):
        return [*others, 1, "", True]
    return ["many", True, {"nonsense": 1}]


NULLABLE = {"start_line", "ground_texture", "light", "ceiling", "fog", "random_look"}


@pytest.mark.parametrize("part", [*FULL, *(path["kind"] for path in PATHS)])
def test_every_wrong_value_of_every_key_is_one_line_with_the_key(part: str, tmp_path: Path) -> None:
    data = FULL
    for path in PATHS:
        if part == path["kind"]:
            data = {**FULL, "path": path}
            part = "path"
    read_scene_file(write(tmp_path, data))
    for place, value in places({part: data[part]}):
        wrongs = wrong_values(value)
        if isinstance(value, (dict, list)) and place[-1] not in NULLABLE:
            wrongs.append(None)
        for wrong in wrongs:
            line = refusal(tmp_path, changed(data, place, wrong))
            assert line.startswith(key_of(place)), (place, wrong, line)
            assert "; " in line or line.endswith("add it"), line


def test_every_key_is_known_and_no_other() -> None:
    names = set(Scene.__dataclass_fields__) - {"mirrored", "backwards"}
    assert names == set(FULL)


@pytest.mark.parametrize(
    "place", [place for place, value in places({"": FULL}) if isinstance(value, dict)]
)
def test_an_unknown_key_anywhere_is_named_with_the_nearest(place: Place, tmp_path: Path) -> None:
    place = place[1:]
    if place == ("textures",):
        return  # its keys are the file's own names
    line = refusal(tmp_path, changed({"": FULL}, ("", *place, "hieght_u"), 1.0)[""])
    assert line.startswith(key_of((*place, "hieght_u")) + " is an unknown key;")
    assert "choose from " in line


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("obstacles.3.height_u", -1.0, "-1.0 is negative; give"),
        ("obstacles.0.kind", "conne", "'conne' is unknown; did you mean cone?"),
        ("barriers.0.kind", "hedge", "'hedge' is unknown; choose from wall"),
        ("path.kind", "splines", "'splines' is unknown; did you mean spline?"),
        ("path.points", [[0, 0, 0]] * 3, "[[0, 0, 0], [0, 0, 0], [0, 0, 0]] has 3 items; give"),
        ("path.points.1", [0, 60, 1], "[0, 60, 1] has a cross-slope, or none, unlike the first"),
        ("path.points.1", [0, 0, 0, 0], "[0, 0, 0, 0] is where the one before is; drop one"),
        ("path.spacing_u", 0.0, "0.0 is beyond its limits; give"),
        ("cross_section.0.to_u", -4, "-4 is not above from_u, -4; raise it"),
        ("cross_section.0.texture", "moss", "'moss' is not among the textures; add"),
        ("ground_texture", "moss", "'moss' is not among the textures"),
        ("textures.carpet.stripes.levels", None, "None is no number; give"),
        ("obstacles.2.patches.rgb", [], "[] has 0 items; give at least 1"),
        ("sky.1.0", 0, "0 is not below the row before; sort the rows"),
        ("skyline.0.high_deg", -2, "-2 is not above low_deg, -1; raise it"),
        ("random_look.light.sun_deg", [90, 45], "[90, 45] has its most before its least;"),
    ],
)
def test_what_is_wrong_and_the_remedy_are_said(
    key: str, value: Any, complaint: str, tmp_path: Path
) -> None:
    place = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    line = refusal(tmp_path, changed(FULL, place, value))
    assert line.startswith(f"{key_of(place)} {complaint}")


NEEDED = ["path", "start", "sky", "obstacles.0.rgb", "textures.carpet.stripes.levels"]


@pytest.mark.parametrize("key", [*NEEDED, "obstacles.2.patches.rgb", "barriers.0.right_u"])
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    place = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    data = json.loads(json.dumps(FULL))
    inner = data
    for part in place[:-1]:
        inner = inner[part]
    del inner[place[-1]]
    assert refusal(tmp_path, data) == f"{key_of(place)} is missing; add it"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[1]", "the file [1] is no object"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"name": "a", "name": "b"}', "name 'b' is there twice"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_is_no_scene_is_one_line(text: Any, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "my.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    line = complaint_of(lambda: read_scene_file(path))
    assert line.startswith(f"scene {path}: {complaint}")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("name", scene_names())
def test_our_own_scenes_pass(name: str) -> None:
    assert (
        load_scene(name).name
        == name
        == json.loads((SCENES_DIR / f"{name}.json").read_text())["name"]
    )


def test_the_simulator_refuses_a_wrong_scene_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, changed(FULL, ("ground_rgb",), [300, 0, 0]))
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(donkey_sim.main(["--scene", str(path), "--port", "0"]))
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"--scene {path}: ground_rgb[0] 300 is beyond its limits; give" in said.err
    assert len(said.err.splitlines()) == 1


def test_an_environment_drives_in_a_persons_own_scene(tmp_path: Path) -> None:
    data = json.loads((SCENES_DIR / "waveshare.json").read_text())
    path = write(tmp_path, {**data, "ground_rgb": [0, 255, 0]})
    env = DonkeyEnv("warren", {"scene": str(path)})
    plain = DonkeyEnv("waveshare")
    own, _ = env.reset(seed=1)
    known, _ = plain.reset(seed=1)
    assert env.world.scene.name == str(path)
    assert own[..., 1].mean() > known[..., 1].mean() + 5.0


@pytest.mark.parametrize(
    ("conf", "complaint"),
    [
        ({"scene": "warren"}, "conf scene 'warren' is no scene file; give"),
        ({"scene": 3}, "conf scene 3 is no text"),
        ({"scene": "nowhere.json"}, "conf scene nowhere.json: cannot be read"),
        ({"scene": "a.json", "port": 9091}, "conf scene "),
        ({"random_look": 1}, "conf random_look 1 is neither True nor False"),
        ({"random_look": False, "port": 9091}, "conf random_look False changes the embedded world"),
    ],
)
def test_conf_keys_of_the_scene_are_checked(conf: dict[str, Any], complaint: str) -> None:
    assert complaint_of(lambda: checked(conf)).startswith(complaint)
