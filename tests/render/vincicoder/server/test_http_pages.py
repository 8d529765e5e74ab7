"""What a web page that is open on the machine of ``vincicoder serve`` can do to it."""

from __future__ import annotations

import json

import pytest
from served import SAMPLE, served

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'serve' is not installed")

BODY = {"requests": [SAMPLE]}


@pytest.fixture(scope="module")
def client():
    with served("--max-body-mb", "1", token=None) as client:
        yield client


@pytest.fixture(scope="module")
def with_token():
    with served("--max-body-mb", "1") as client:
        yield client


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_page_may_post_unasked_is_refused(client, kind):
    for path in ("/v1/score", "/v1/render"):
        status, text = client.ask("POST", path, BODY, token=None, **{"Content-Type": kind})
        assert status == 415
        assert "expected application/json" in text


def test_json_with_a_character_set_is_json(client):
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.ask("POST", "/v1/score", BODY, token=None, **kind)[0] == 200


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:{port}", "127.0.0.1.attacker.example", ""])
@pytest.mark.parametrize("path", ["/v1/score", "/v1/render", "/v1/options", "/metrics"])
def test_without_a_token_a_name_that_was_made_to_lead_here_is_refused(client, path, host):
    method = "POST" if path in ("/v1/score", "/v1/render") else "GET"
    status, text = client.ask(method, path, BODY, token=None, Host=host.format(port=client.port))
    assert status == 403
    assert "Host" in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}"])
def test_the_names_of_this_machine_are_answered(client, host):
    host = host.format(port=client.port)
    assert client.ask("GET", "/v1/options", token=None, Host=host)[0] == 200
    assert client.ask("GET", "/v1/options", token=None, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://localhost:1", ""])
def test_a_page_of_another_site_is_refused_with_a_token_and_without(client, with_token, origin):
    for each, token in ((client, None), (with_token, "a-token")):
        status, text = each.ask("POST", "/v1/score", BODY, token=token, Origin=origin)
        assert status == 403
        assert "may not call this service" in text


def test_with_a_token_any_name_leads_here(with_token):
    status, text = with_token.ask("POST", "/v1/score", BODY, Host="reward.example")
    assert status == 200
    assert json.loads(text)["results"][0]["status"] == "ok"
