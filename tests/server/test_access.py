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
