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
from tests.watching.pretend_night import append, make_night
from tests.watching.serving import LIMIT_SEC, Page, serving

SECURED = {
    "content-security-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
}


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


def test_a_night_without_any_trial_is_shown(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "autoresearch_log.txt").write_text("")
    with serving("--results-dir", results) as page:
        (night,) = page.ask("/api/state").json["nights"]
        assert night["rows"] == []
        assert json.loads(page.ask("/api/nights/0/champions").body) == []
        assert page.process.poll() is None, LIMIT_SEC
