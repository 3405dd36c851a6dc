"""The page's server, asked over HTTP."""

from __future__ import annotations

import gzip
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.refusals import snapshot
from tests.watched import read_snapshot
from tests.watching.pretend_cameras import cameras
from tests.watching.pretend_night import append, make_night, write_champion
from tests.watching.serving import LIMIT_SEC, Page, serving

SECURED = {
    "content-security-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
}


def pictures(body: bytes) -> dict[str, tuple[str, bytes]]:
    """Stamp and snapshot of each picture of an answer."""
    line, _, rest = body.partition(b"\n")
    found = {}
    for key, stamp, size in json.loads(line):
        found[key] = (stamp, rest[:size])
        rest = rest[size:]
    assert rest == b""
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("night")
    make_night(home, 12, running=2)
    return home


@pytest.fixture(scope="module")
def page(home: Path) -> Iterator[Page]:
    with serving("--results-dir", home / "results") as page:
        yield page


def test_the_state_has_every_trial_and_what_runs(page: Page) -> None:
    state = page.ask("/api/state").json
    (night,) = state["nights"]
    assert [row[1] for row in night["rows"]] == list(range(1, 13))
    assert [each["trial"] for each in night["running"]] == [13, 14]
    assert night["running"][0]["progress"]
    assert night["controller"]["process"]


@pytest.mark.parametrize(
    "path", ["/", "/main.js", "/watch.css", "/api/state", "/api/nights/0/trial/1"]
)
def test_every_answer_is_guarded(page: Page, path: str) -> None:
    answer = page.ask(path)
    assert answer.status == 200
    assert {name.lower() for name in answer.headers} >= SECURED
    assert "'unsafe" not in answer.headers["content-security-policy"]


def test_what_a_browser_has_already_is_not_sent_again(page: Page) -> None:
    first = page.ask("/uPlot.iife.min.js", Accept_Encoding="gzip")
    assert len(first.body) < 30_000
    assert b"uPlot" in gzip.decompress(first.body)
    again = page.ask("/uPlot.iife.min.js", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "",
        "192.168.1.7",
    ],
)
def test_another_host_is_refused(page: Page, host: str) -> None:
    answer = page.ask("/api/state", Host=host)
    assert answer.status == 400
    assert b"trial" not in answer.body


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_names_of_this_machine_are_served(page: Page, host: str) -> None:
    assert page.ask("/api/state", Host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_get_is_answered(page: Page, method: str) -> None:
    assert page.ask("/api/state", method).status == 405


def test_other_sites_may_not_embed_or_fetch(page: Page) -> None:
    cross = {"Sec_Fetch_Site": "cross-site"}
    assert page.ask("/api/state", Sec_Fetch_Mode="no-cors", **cross).status == 403
    assert page.ask("/", Sec_Fetch_Mode="navigate", **cross).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/page/../server.py",
        "/api/nights/0/trial/999",
        "/api/nights/1/trial/1",
        "/api/nights/0/champion/1",
        "/api/nights/0/..%2fchampion/1",
        "/api/nights/0/trial/1%2f..%2f2",
        "/api/nights/0/trial/-1",
        "/uPlot.LICENSE/../../guard.py",
    ],
)
def test_a_path_of_the_address_leads_to_no_file(page: Page, path: str) -> None:
    assert page.ask(path).status == 404


def test_a_trial_s_page_has_its_record_and_its_log(page: Page) -> None:
    done = page.ask("/api/nights/0/trial/3").json
    assert done["record"]["trial"] == 3
    at_work = page.ask("/api/nights/0/trial/13").json
    assert at_work["record"] is None
    assert at_work["log"].startswith("training 10 %")
    assert at_work["params"]["agent"]


def test_news_come_soon_and_are_resumed(tmp_path: Path) -> None:
    results, _ = make_night(tmp_path, 3)
    with serving("--results-dir", results) as page:
        cursor = page.ask("/api/state").json["cursor"]
        with page.events(cursor) as events:
            assert next(events)[0] == "standing"
            began = time.monotonic()
            append(results, 4)
            name, first, data = next(events)
            assert name == "trials"
            assert [row[1] for row in data["rows"]] == [4]
            assert time.monotonic() - began < 2.0
        append(results, 5)
        append(results, 6)
        port = page.port
    with (
        serving("--results-dir", results, port=port) as page,
        page.events(cursor, Last_Event_ID=first) as events,
    ):
        assert [row[1] for row in next(events)[2]["rows"]] == [5, 6]


@pytest.mark.parametrize(
    "cursor", ["", "x", "deadbeef:2,-:0", "-:1,-:0", "-:0", "-:0,-:0;-:0,-:0", ":,:", "-:-1,-:0"]
)
def test_a_page_of_another_ledger_asks_anew(page: Page, cursor: str) -> None:
    with page.events(cursor) as events:
        assert next(events)[0] == "reset"


def test_looking_changes_no_file(tmp_path: Path) -> None:
    results, _ = make_night(tmp_path, 4, running=1)
    before = snapshot(tmp_path)
    with serving("--results-dir", results) as page:
        page.ask("/")
        page.ask("/api/state")
        page.ask("/api/nights/0/trial/5")
        with page.events("") as events:
            next(events)
    assert snapshot(tmp_path) == before


def test_nights_are_shown_side_by_side(tmp_path: Path) -> None:
    one, _ = make_night(tmp_path / "one", 3)
    two, _ = make_night(tmp_path / "two", 5, seed=1)
    with serving("--results-dir", one, "--results-dir", two) as page:
        state = page.ask("/api/state").json
        assert [night["name"] for night in state["nights"]] == ["one", "two"]
        assert [len(night["rows"]) for night in state["nights"]] == [3, 5]
        with page.events(state["cursor"]) as events:
            assert [next(events)[0] for _ in range(2)] == ["standing", "standing"]
            append(two, 6)
            assert next(events)[2]["night"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_though_pages_are_open(home: Path, number: signal.Signals) -> None:
    with serving("--results-dir", home / "results") as page, page.events("") as events:
        next(events)
        page.process.send_signal(number)
        assert page.process.wait(5.0) == 0
        assert page.process.stderr is not None
        assert page.process.stderr.read() == ""


def test_others_need_the_token(home: Path) -> None:
    with serving("--results-dir", home / "results", "--token", "new", host="0.0.0.0") as page:
        assert len(page.token) >= 16
        for path in ("/", "/api/state", "/main.js", "/?token=wrong", f"/?token={page.token[:-1]}"):
            assert page.ask(path).status == 401
        let_in = page.ask(f"/?token={page.token}&x=1")
        assert (let_in.status, let_in.headers["location"]) == (303, "/?x=1")
        cookie = let_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert page.ask("/api/state", Cookie=cookie.partition(";")[0]).status == 200
        assert page.ask("/api/state", Authorization=f"Bearer {page.token}").status == 200
        assert page.ask("/api/state", Cookie="autoresearch_watch=x; ;;=").status == 401
        # a name could be turned to this machine, an address could not
        bearer = {"Authorization": f"Bearer {page.token}"}
        assert page.ask("/api/state", Host="evil.example", **bearer).status == 400
        assert page.ask("/api/state", Host=f"192.168.1.7:{page.port}", **bearer).status == 200


def test_pictures_come_while_somebody_looks(tmp_path: Path) -> None:
    results, models = make_night(tmp_path, 3, running=2)
    with (
        serving("--results-dir", results) as page,
        cameras([models / "trial-004", models / "trial-005"]),
    ):
        page.ask("/api/state")
        assert not list(models.glob("*/watch"))
        stamps = {"0/trial/4": "", "0/trial/5": ""}
        for _ in range(5):
            query = "&".join(f"of={key}@{stamp}" for key, stamp in stamps.items())
            found = pictures(page.ask(f"/api/cameras?{query}").body)
            assert set(found) <= set(stamps)
            for key, (stamp, snapshot) in found.items():
                assert stamp != stamps[key]
                stamps[key] = stamp
                facts, files = read_snapshot(snapshot)
                assert abs(time.time() - facts["time"]) < LIMIT_SEC
                assert all(data.startswith(b"\xff\xd8") for data in files.values())
        assert all(stamps.values())


@pytest.mark.parametrize(
    "of",
    ["", "@", "0/trial/1", "0/trial/../4", "7/trial/4", "0/trial", "0/simulator/..", "0/x/4@5"],
)
def test_only_what_is_at_work_has_pictures(tmp_path: Path, of: str) -> None:
    results, _ = make_night(tmp_path, 3, running=1)
    before = snapshot(tmp_path)
    with serving("--results-dir", results) as page:
        page.ask("/api/state")
        assert page.ask(f"/api/cameras?of={of}").body == b"[]\n"
    assert snapshot(tmp_path) == before


def test_a_folder_that_may_not_be_written_has_no_picture(tmp_path: Path) -> None:
    results, models = make_night(tmp_path, 3, running=1)
    (models / "trial-004" / "watch").symlink_to(tmp_path / "elsewhere")
    with serving("--results-dir", results) as page:
        page.ask("/api/state")
        assert page.ask("/api/cameras?of=0/trial/4@").body == b"[]\n"
    assert not (tmp_path / "elsewhere").exists()


def test_the_belief_and_the_champion_are_told(tmp_path: Path) -> None:
    results, models = make_night(tmp_path, 30)
    with serving("--results-dir", results) as page:
        assert page.ask("/api/nights/0/belief").status == 404
        cursor = page.ask("/api/state").json["cursor"]
        with page.events(cursor) as events:
            before = next(events)[2]
            assert (before["belief"], before["champions"]) == (0, 0)
            (results / "belief.json").write_text('{"space": ["gamma"]}')
            write_champion(results, models, 30)
            seen = [next(events)[2]]
            if not seen[-1]["champions"]:
                seen.append(next(events)[2])
            assert seen[-1]["belief"] and seen[-1]["champions"]
        assert page.ask("/api/nights/0/belief").json == {"space": ["gamma"]}
        assert [each["trial"] for each in page.ask("/api/nights/0/champions").json] == [30]


def test_films_are_found_by_the_lines_that_name_them(tmp_path: Path) -> None:
    results, _ = make_night(tmp_path, 2)
    films = tmp_path / "films"
    films.mkdir()
    (films / "lap.gif").write_bytes(b"GIF89a of a lap")
    (films / "lap.mp4").write_bytes(b"0123456789")
    (films / "notes.txt").write_text("a secret")
    line = {"model": "agent/models/trial-002/model.zip", "sha256": "ab", "films": str(films)}
    (results / "races.jsonl").write_text(json.dumps(line) + "\nnonsense\n[]\n")
    with serving("--results-dir", results) as page:
        (film,) = page.ask("/api/nights/0/films").json
        assert film == {
            "film": 0,
            "name": "lap.mp4",
            "kind": "video/mp4",
            "trial": "trial/2",
            "sha256": "ab",
            "task": "",
        }
        part = page.ask("/api/nights/0/films/0", Range="bytes=2-4")
        assert (part.status, part.body) == (206, b"234")
        assert page.ask("/api/nights/0/films/1").status == 404


def test_a_night_without_any_trial_is_shown(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "autoresearch_log.txt").write_text("")
    with serving("--results-dir", results) as page:
        (night,) = page.ask("/api/state").json["nights"]
        assert night["rows"] == []
        assert json.loads(page.ask("/api/nights/0/champions").body) == []
        assert page.process.poll() is None, LIMIT_SEC
