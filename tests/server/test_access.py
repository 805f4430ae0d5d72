"""Who may talk to the server: tickets, cookies, bearer, Host, Origin."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmesh.flow.server.access import Tickets
from cloudmesh.flow.server.app import create_app

TOKEN = "s" * 40
BASE = "http://127.0.0.1:8080"


@pytest.fixture
def tickets() -> Tickets:
    return Tickets()


@pytest.fixture
def client(store: Any, tickets: Tickets) -> TestClient:
    app = create_app(store, token=TOKEN, tickets=tickets, allow_hosts=["lab.example"])
    return TestClient(app, base_url=BASE, follow_redirects=False)


def test_everything_but_health_needs_a_token(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"
    for path in ("/", "/api/runs", "/openapi.json", "/docs", "/static/main.js", "/nowhere"):
        assert client.get(path).status_code == 401, path
    problem = client.get("/api/runs")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers["www-authenticate"] == "Bearer"
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/runs", headers=good).status_code == 200
    for bad in (f"Bearer {TOKEN}x", "Bearer ", TOKEN, f"Basic {TOKEN}", "Bearer ä"):
        answer = client.get("/api/runs", headers={"Authorization": bad.encode()})
        assert answer.status_code == 401, bad


def test_a_ticket_is_good_for_one_get(client: TestClient, tickets: Tickets) -> None:
    ticket = tickets.new()
    answer = client.get(f"/runs/k7q2m9xd?token={ticket}&node=a%5B3%5D")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/runs/k7q2m9xd?node=a%5B3%5D"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/runs").status_code == 200  # the client keeps the cookie
    client.cookies.clear()
    again = client.get(f"/?token={ticket}")
    assert again.status_code == 401
    assert "This link has been used" in again.text
    assert client.get("/api/runs").status_code == 401


def test_a_ticket_that_leads_elsewhere_stays_here(client: TestClient, tickets: Tickets) -> None:
    answer = client.get(f"//evil.example/?token={tickets.new()}")
    assert answer.headers.get("location", "/").startswith("/")
    assert not answer.headers.get("location", "/").startswith("//")


def test_a_forged_cookie_is_refused(client: TestClient, tickets: Tickets) -> None:
    answer = client.get(f"/?token={tickets.new()}")
    name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
    client.cookies.clear()
    nonce, _, signature = value.partition(".")
    for forged in (f"x.{signature}", f"{nonce}.{'0' * 64}", nonce, ""):
        headers = {"Cookie": f"{name}={forged}"}
        assert client.get("/api/runs", headers=headers).status_code == 401, forged
    assert client.get("/api/runs", headers={"Cookie": f"{name}={value}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": host}
    assert client.get("/api/runs", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "lab.example"])
def test_own_and_allowed_hosts(client: TestClient, host: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": host}
    assert client.get("/api/runs", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9090", "http://127.0.0.1.evil"]
)
def test_a_foreign_origin_is_refused(client: TestClient, origin: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": origin}
    assert client.post("/api/runs/x/cancel", headers=headers).status_code == 403
    assert client.get("/api/runs", headers=headers).status_code == 403
    own = {**headers, "Origin": BASE}
    assert client.post("/api/runs/x/cancel", headers=own).status_code == 404


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in ("/health", "/", "/api/runs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_only_the_last_hundred_tickets_are_good() -> None:
    tickets = Tickets()
    first = tickets.new()
    others = [tickets.new() for _ in range(100)]
    assert not tickets.use(first)
    assert tickets.use(others[0])
    assert not tickets.use(others[0])


GOOD = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "host",
    ["evil.example@127.0.0.1", "127.0.0.1:80/evil", "127.0.0.1:port", "::1", "a b", "localhost\\x"],
)
def test_what_is_no_host_at_all_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={**GOOD, "Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["http://[", "file://127.0.0.1:8080", f"{BASE}/x", "", "HTTP"])
def test_what_is_no_origin_of_a_page_here_is_refused(client: TestClient, origin: str) -> None:
    answer = client.get("/api/runs", headers={**GOOD, "Origin": origin})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


def test_each_of_two_origins_must_be_own(client: TestClient) -> None:
    headers = [*GOOD.items(), ("Origin", BASE), ("Origin", "http://evil.example")]
    assert client.get("/api/runs", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("LOCALHOST:8080", "http://localhost:8080"),
        ("lab.example", "https://lab.example"),
        ("lab.example:443", "https://lab.example"),
        ("localhost", "http://localhost:80"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_own_origin_in_other_words(client: TestClient, host: str, origin: str) -> None:
    headers = {**GOOD, "Host": host, "Origin": origin}
    assert client.get("/api/runs", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/%5Cevil.example/", "/%5Cevil.example/"),
        ("/%0d%0aSet-Cookie:%20a=b", "/%0D%0ASet-Cookie%3A%20a%3Db"),
        ("/runs/%C3%A9%3Fa", "/runs/%C3%A9%3Fa"),
    ],
)
def test_a_ticket_leads_to_the_very_path_it_came_with(
    client: TestClient, tickets: Tickets, path: str, location: str
) -> None:
    answer = client.get(f"{path}?token={tickets.new()}")
    assert answer.status_code == 303
    assert answer.headers["location"] == location


def test_a_used_ticket_is_told_to_programs_as_a_problem(client: TestClient) -> None:
    answer = client.get("/?token=used")
    assert answer.headers["content-type"] == "application/problem+json"
    page = client.get("/?token=used", headers={"Accept": "text/html,*/*"})
    assert page.status_code == answer.status_code == 401
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("other", ['j={"a":"b,c"}', 'foo="bar', "bad name=1", "a{b}=1", "lonely"])
def test_cookies_of_others_on_this_name_change_nothing(
    client: TestClient, tickets: Tickets, other: str
) -> None:
    own = client.get(f"/?token={tickets.new()}").headers["set-cookie"].split(";")[0]
    client.cookies.clear()
    assert client.get("/api/runs", headers={"Cookie": f"{other}; {own}"}).status_code == 200


def test_head_says_what_get_would_and_uses_no_ticket(
    client: TestClient, tickets: Tickets, hand: Any
) -> None:
    run = hand({"a": []})
    ticket = tickets.new()
    assert client.head(f"/?token={ticket}").status_code == 401
    assert client.get(f"/?token={ticket}").status_code == 303
    paths = ["/", "/health", "/api/runs", f"/api/runs/{run.id}", "/docs", "/static/main.js"]
    for path in [*paths, f"/api/runs/{run.id}/nodes"]:
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["content-length"] == get.headers["content-length"]
    events = client.head(f"/api/runs/{run.id}/events")  # of a run that goes on: it would not end
    assert (events.status_code, events.content) == (200, b"")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert client.head("/api/runs/nothing0/events").status_code == 404
    assert client.head(f"/api/runs/{run.id}/cancel").status_code == 405
    assert client.delete("/api/runs").headers["allow"] == "GET, HEAD"
