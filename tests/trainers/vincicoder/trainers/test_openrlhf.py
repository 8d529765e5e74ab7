"""OpenRLHF's own code asks ``serve`` for rewards, with a VLM's tokenizer.

OpenRLHF is not installed by ``tests/run.sh``. Put a clone of it on the path:
``PYTHONPATH=OpenRLHF bash tests/run.sh trainers``.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import types

import pytest
from needed import needs
from PIL import Image
from scored_groups import expected, svg, target
from served import TOKEN, served

from vincicoder import RewardRequest
from vincicoder.data import Record
from vincicoder.data.layouts import LAYOUTS

needs("openrlhf", "OpenRLHF is not installed, or is not on the path")
needs("fastapi", "the extra 'serve' is not installed")
agent = needs("openrlhf.utils.agent")
datasets = needs("openrlhf.datasets.prompts_dataset")

IMAGE = base64.b64encode(target(3)).decode()
ROW = {"prompt": "<image>Write SVG:\n```svg\n<svg/>\n```", "label": json.dumps({"target": IMAGE, "language": "svg"})}
RESPONSES = [svg(9), "no code", svg(20), "```svg\n<svg <\n```", svg(3)]


@pytest.fixture(scope="module")
def url():
    with served("--python", "/bin/false") as client:
        yield f"http://openrlhf:{TOKEN}@127.0.0.1:{client.port}/openrlhf"


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    from tiny_vlm import make_tiny_vlm
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(make_tiny_vlm(tmp_path_factory.mktemp("vlm")))


class Engine:
    """What OpenRLHF asks of vLLM: the tokens of a response."""

    def __init__(self, processor, response):
        self.tokens = processor.tokenizer(f"{response}<|im_end|>", add_special_tokens=False)["input_ids"]

    async def generate(self, prompt_ids, sampling_params, multi_modal_data):
        assert multi_modal_data["image"][0].size == (64, 64)
        output = types.SimpleNamespace(token_ids=self.tokens, finish_reason="stop", logprobs=None)
        return types.SimpleNamespace(outputs=[output])


def generated(url, processor, response, label=ROW["label"]):
    """Return what OpenRLHF makes of one response, from the data set's row to the reward."""
    prompt, label = datasets.preprocess_data(
        {**ROW, "label": label}, None, "prompt", "label", processor.apply_chat_template
    )
    sampling = types.SimpleNamespace(max_tokens=4096, logprobs=None)
    images = [Image.open(io.BytesIO(target(3)))]
    executor = agent.SingleTurnAgentExecutor(url)
    engine = Engine(processor, response)
    return asyncio.run(executor.execute(prompt, label, sampling, 8192, processor, engine, images=images))


def test_openrlhf_gets_the_local_rewards_through_a_processors_tokens(url, processor):
    rewards = [each[0] for each in expected([RewardRequest(each, target(3), language="svg") for each in RESPONSES])]
    outputs = [generated(url, processor, response) for response in RESPONSES]
    assert [(output["reward"], output["scores"]) for output in outputs] == [([each], [each]) for each in rewards]
    assert [output["extra_logs"]["code_error"] for output in outputs] == [[0], [0], [0], [1], [0]]


def test_openrlhfs_batches_come_back_in_order_from_several_servers(url):
    prompt = "<|im_start|>assistant\n"
    queries = [f"{prompt}{each}" for each in RESPONSES]
    executor = agent.SingleTurnAgentExecutor([url] * 3)
    labels = [ROW["label"]] * len(queries)
    answers = asyncio.run(executor._fetch_rewards_via_http(queries, [prompt] * len(queries), labels))
    rewards = [each[0] for each in expected([RewardRequest(each, target(3), language="svg") for each in RESPONSES])]
    assert [reward for answer in answers for reward in answer["rewards"]] == rewards


def test_openrlhf_gets_no_reward_where_the_machine_failed(url, processor):
    label = json.dumps({"target": IMAGE, "language": "python"})
    output = generated(url, processor, "```python\nx\n```", label)
    assert (output["reward"], output["scores"], output["extra_logs"]) == (None, None, {})


def test_openrlhfs_data_set_reads_the_layout(url, processor, tmp_path):
    import datasets as hub
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout = LAYOUTS.get("slime")
    record = Record("r1", "svg", "generate", "svg", "Write SVG.", "<svg/>", target(3))
    pq.write_table(pa.Table.from_pylist([layout.write(record)], layout.schema()), tmp_path / "train.parquet")
    keys = types.SimpleNamespace(input_key="prompt", label_key="label", apply_chat_template=True, image_key="images")
    strategy = types.SimpleNamespace(args=types.SimpleNamespace(data=keys), is_rank_0=lambda: False)
    rows = hub.load_dataset(str(tmp_path), split="train")
    [(_, prompt, label, images)] = datasets.PromptDataset(rows, processor, strategy)
    executor = agent.SingleTurnAgentExecutor(url)
    sampling = types.SimpleNamespace(max_tokens=4096, logprobs=None)
    call = executor.execute(prompt, label, sampling, 8192, processor, Engine(processor, svg(9)), images=images)
    [reward] = asyncio.run(call)["reward"]
    assert reward == expected([RewardRequest(svg(9), target(3), language="svg")])[0][0]
