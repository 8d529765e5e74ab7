"""A model is asked over a real server of the protocol, which fails in every way that servers do."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vincicoder import endpoint as module
from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import ConfigError, EndpointError, FaultyAnswer, MachineFault

PNG = b"\x89PNG\r\n"
KEY = "sk-very-secret-0123"


def answered(*contents) -> bytes:
    return json.dumps({"choices": [{"message": {"content": each}} for each in contents]}).encode()


class Server:
    """A server that answers each request with the next of its replies, and the last one from then on.

    A reply is a function of the handler, or what is sent: status, body and headers.
    """

    def __init__(self, *replies) -> None:
        self.replies, self.requests, self.busy, self.most = list(replies), [], 0, 0
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server.lock:
                    server.requests.append((self.path, dict(self.headers), body, time.monotonic()))
                    server.busy += 1
                    server.most = max(server.most, server.busy)
                    reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
                try:
                    reply(self) if callable(reply) else send(self, *reply)
                finally:
                    with server.lock:
                        server.busy -= 1

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


def send(handler, status: int, body: bytes, headers=()) -> None:
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def hang_up(handler) -> None:
    handler.connection.close()


def cut_off(handler) -> None:
    send(handler, 200, answered("half")[:20], [("Content-Length", "500")])


def drip(handler) -> None:
    """Send a byte now and then, so that no single wait is long."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


@pytest.fixture
def serve(monkeypatch):
    """A function that starts a server; no proxy and no key of this machine's is used."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    servers = []

    def start(*replies) -> Server:
        servers.append(Server(*replies))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def client(server: Server, **options) -> Endpoint:
    return Endpoint(server.url, "tiny", **({"backoff": 0.0, "timeout": 10.0} | options))


def test_a_question_with_an_image_is_asked_as_the_protocol_wants_it_and_all_answers_come(serve):
    server = serve((200, answered("one", [{"type": "text", "text": "t"}, {"type": "refusal"}], None)))
    assert client(server).complete([user_message("Draw.", PNG)], n=3, seed=7, temperature=0.5) == ["one", "t", ""]
    [(path, headers, body, _)] = server.requests
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers
    image, text = body.pop("messages")[0]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,iVBORw0K"
    assert text == {"type": "text", "text": "Draw."}
    assert body == {"model": "tiny", "n": 3, "seed": 7, "temperature": 0.5}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param((429, b"slow down"), id="busy"),
        pytest.param((500, b"oops"), id="failing"),
        pytest.param((503, b""), id="starting"),
        pytest.param((200, b"<html>"), id="no JSON"),
        pytest.param((200, b"[" * 100_000), id="JSON too deep"),
        pytest.param(hang_up, id="hangs up"),
        pytest.param(cut_off, id="answer cut off"),
    ],
)
def test_what_passes_is_tried_again_and_what_stays_is_an_error_that_names_it(fault, serve):
    server = serve(fault, fault, (200, answered("fine")))
    assert client(server).complete([]) == ["fine"]
    assert len(server.requests) == 3
    server = serve(fault)
    with pytest.raises(EndpointError, match=r"/v1 does not answer \(.+\); is it running.* serve 'tiny'\?"):
        client(server, tries=2).complete([])
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 422, 501])
def test_a_refusal_is_not_tried_again_and_its_words_are_told(status, serve):
    server = serve((status, json.dumps({"error": {"message": "the model 'tiny' is unknown"}}).encode()))
    with pytest.raises(EndpointError, match=rf"\({status} .*: the model 'tiny' is unknown\)"):
        client(server).complete([])
    assert len(server.requests) == 1


def test_an_endpoint_that_is_not_there_is_one_sentence():
    with pytest.raises(MachineFault, match=r"http://127\.0\.0\.1:9/v1 does not answer \(.*refused.*\)"):
        Endpoint("http://127.0.0.1:9/v1", "tiny", tries=2, backoff=0).complete([])


@pytest.mark.parametrize("reply", [drip, lambda handler: time.sleep(2)], ids=["drop by drop", "silence"])
def test_an_answer_that_takes_too_long_ends_with_its_try(reply, serve):
    started = time.monotonic()
    with pytest.raises(EndpointError, match=r"timed out|takes too long"):
        client(serve(reply), timeout=0.5, tries=1).complete([])
    assert time.monotonic() - started < 1.9


def test_an_answer_without_end_is_not_kept_in_memory(serve, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST_ANSWER", 1000)
    with pytest.raises(EndpointError, match="more than 1,000 bytes"):
        client(serve((200, answered("x" * 2000))), tries=1).complete([])


@pytest.mark.parametrize("answer", [{}, {"choices": 3}, {"choices": [{}]}, {"choices": [{"message": None}]}, []])
def test_an_answer_of_another_protocol_is_told(answer, serve):
    with pytest.raises(EndpointError, match="does not answer as an OpenAI-compatible endpoint does") as error:
        client(serve((200, json.dumps(answer).encode()))).complete([])
    assert not isinstance(error.value, FaultyAnswer)


@pytest.mark.parametrize("contents", [[], [7], [["a"]], [[{"type": "text"}]], [[{"type": "text", "text": 7}]]])
def test_an_answer_without_text_is_faulty_and_not_asked_for_again(contents, serve):
    server = serve((200, answered(*contents)))
    with pytest.raises(FaultyAnswer):
        client(server).complete([])
    assert len(server.requests) == 1


def test_retries_wait_longer_each_time_and_as_long_as_the_endpoint_asks(serve, monkeypatch):
    waits = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    asked = [("Retry-After", "7")], [("Retry-After", formatdate(time.time() + 30))], [("Retry-After", "9999")]
    for headers in asked:
        client(serve((429, b"", headers), (200, answered("x"))), backoff=2).complete([])
    with pytest.raises(EndpointError):
        client(serve((500, b"", [("Retry-After", "soon")])), backoff=2).complete([])
    assert waits[0] == 7
    assert 25 < waits[1] <= 30
    assert waits[2] == 60
    assert all(low <= wait <= 2 * low for wait, low in zip(waits[3:], (1, 2, 4), strict=True))


def test_no_more_requests_are_in_flight_than_allowed_however_they_are_sent(serve):
    def slow(handler):
        time.sleep(0.1)
        send(handler, 200, answered("x"))

    server = serve(slow)
    asking = client(server, concurrency=3)
    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(lambda _: asking.complete([]), range(12))) == [["x"]] * 12
    assert server.most == 3

    async def all_at_once():
        return await asyncio.gather(*(asking.complete_async([], seed=seed) for seed in range(12)))

    server.most = 0
    assert asyncio.run(all_at_once()) == [["x"]] * 12
    assert server.most == 3
    assert {body.get("seed") for _, _, body, _ in server.requests} == {None, *range(12)}


def test_a_request_that_waits_for_its_retry_lets_others_through(serve):
    server = serve((503, b""), (200, answered("x")))
    asking = client(server, concurrency=1, backoff=2)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(asking.complete, [])
        while not server.requests:
            time.sleep(0.01)
        assert asking.complete([]) == ["x"]
        assert not first.done()
        assert first.result() == ["x"]


def test_the_key_comes_from_the_environment_and_is_in_nothing_but_the_request(serve, monkeypatch):
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    told = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode()
    server = serve((401, told))
    asking = client(server, key_variable="MY_KEY")
    with pytest.raises(EndpointError, match=r"Incorrect API key provided: \*\*\*") as error:
        asking.complete([])
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(error.value)
    assert KEY not in repr(vars(asking))
    assert KEY.encode() not in pickle.dumps(asking)
    monkeypatch.setenv("MY_KEY", f"{KEY}\nX-Other: 1")
    with pytest.raises(ConfigError, match="the key in MY_KEY has characters") as error:
        asking.complete([])
    assert KEY not in str(error.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_so_that_the_key_goes_nowhere_else(status, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    other = serve((200, answered("stolen")))
    server = serve((status, b"", [("Location", f"{other.url}/chat/completions")]))
    with pytest.raises(EndpointError, match=str(status)):
        client(server).complete([])
    assert not other.requests


def test_a_copy_in_another_process_works_as_the_original(serve):
    server = serve((200, answered("x")))
    original = client(server, concurrency=2)
    copied = pickle.loads(pickle.dumps(original))
    assert (copied.url, copied.model, copied.concurrency) == (server.url, "tiny", 2)
    assert copied.complete([]) == ["x"]


def test_an_address_that_is_none_is_told_before_anything_is_asked():
    for url in ("nonsense", "ftp://host/v1", "http://", "http://host:port/v1", "http://[host/v1"):
        with pytest.raises(ConfigError, match="is not the address of an endpoint; give one such as http://host:8000"):
            Endpoint(url, "tiny")
    with pytest.raises(ConfigError, match="put the key into OPENAI_API_KEY") as error:
        Endpoint(f"http://me:{KEY}@host/v1", "tiny")
    assert KEY not in str(error.value)


@pytest.mark.parametrize("option", [{"concurrency": 0}, {"tries": 0}, {"timeout": 0}, {"backoff": -1}])
def test_an_option_out_of_range_is_named(option):
    [(name, value)] = option.items()
    with pytest.raises(ConfigError, match=f"{name}={value}"):
        Endpoint("http://host/v1", "tiny", **option)
