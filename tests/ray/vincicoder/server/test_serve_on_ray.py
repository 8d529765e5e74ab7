"""``vincicoder serve --ray``: real processes that take requests, in front of a real Ray cluster of this machine."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from scored_groups import expected, target, wait_until
from served import SAMPLE, served

from vincicoder import RewardRequest

for package in ("ray", "fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'ray' is not installed")

SLEEP = "import threading, matplotlib.pyplot as plt\nthreading.Event().wait(2)\nplt.plot([1, 2])"


def test_replicas_share_the_reward_of_a_cluster_and_answer_what_is_under_way():
    names = ("overall", "visual", "coarse", "fine", "alignment", "execution", "status")
    with served("--ray", "local", "--replicas", "2", "--keep-renders", "all") as client:
        request = RewardRequest(SAMPLE["response"], target(3), language="svg")
        # As long as a process still starts, the other one answers.
        results = [client.score(SAMPLE)[0] for _ in range(20)]
        assert {tuple(result[name] for name in names) for result in results} == {expected([request])[0][:7]}
        assert all(result["render"] for result in results)
        assert json.loads(client.ask("GET", "/healthz")[1])["nodes"] == 1
        text = client.ask("GET", "/metrics")[1]
        assert 'vincicoder_requests_total{status="ok"} 20.0' in text, "all processes count together"
        status, text = client.ask(
            "POST", "/v1/render", {"code": "<svg xmlns='http://www.w3.org/2000/svg'/>", "language": "svg"}
        )
        assert (status, json.loads(text)["status"]) == (200, "ok")

        client.score(SAMPLE | {"response": "```python\npass\n```", "language": "python"})  # starts what renders Python
        sleeper = SAMPLE | {"response": f"```python\n{SLEEP}\n```", "language": "python"}
        answers: list[Any] = []
        asking = [threading.Thread(target=lambda: answers.extend(client.score(sleeper))) for _ in range(4)]
        for thread in asking:
            thread.start()
        in_flight = 'vincicoder_requests_total{status="ok"} 20.0'
        assert in_flight in client.ask("GET", "/metrics")[1], "all four are still under way"
        client.server.terminate()
        for thread in asking:
            thread.join(60)
        assert [answer["status"] for answer in answers] == ["ok"] * 4
        assert wait_until(lambda: client.server.poll() is not None, 60)
