"""slime's own code: its remote reward asks ``serve``, and its custom reward is our function.

slime is not installed by ``tests/run.sh``. Put a clone of it on the path: ``PYTHONPATH=slime bash tests/run.sh trainers``.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
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
from vincicoder.trainers import slime as ours

needs("slime", "slime is not installed, or is not on the path")
needs("fastapi", "the extra 'serve' is not installed")
rm_hub = needs("slime.rollout.rm_hub")
slime_data = needs("slime.utils.data")
slime_types = needs("slime.utils.types")

LABEL = {"target": base64.b64encode(target(3)).decode(), "language": "svg"}
PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Write SVG.<|im_end|>\n<|im_start|>assistant\n"
RESPONSES = [svg(9), "no code", svg(20), "```svg\n<svg <\n```", svg(3)]


def arguments(**given):
    known = {"rm_type": "remote_rm", "rm_url": None, "custom_rm_path": None, "reward_key": None, "group_rm": False}
    return types.SimpleNamespace(**{**known, "n_samples_per_prompt": 5, "rollout_max_response_len": 4096, **given})


def samples(**given):
    return [
        slime_types.Sample(**{"prompt": PROMPT, "response": f"{each}<|im_end|>", "response_length": 9, **given})
        for each in RESPONSES
    ]


def rewards():
    return [each[0] for each in expected([RewardRequest(each, target(3), language="svg") for each in RESPONSES])]


def ask(call):
    """Run slime's code, and close the session that it keeps for the life of its loop."""

    async def run():
        try:
            return await call()
        finally:
            module = importlib.import_module("slime.rollout.rm_hub")
            if module._shared_session is not None:
                await module._get_shared_session().close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def url():
    with served("--python", "/bin/false") as client:
        yield f"http://slime:{TOKEN}@127.0.0.1:{client.port}/slime"


def test_slimes_remote_reward_gets_the_local_rewards(url):
    args = arguments(rm_url=url, reward_key="overall")
    asked = samples(label=json.dumps(LABEL))
    for sample, reward in zip(asked, ask(lambda: rm_hub.batched_async_rm(args, asked)), strict=True):
        sample.reward = reward
    assert [sample.get_reward_value(args) for sample in asked] == rewards()


def test_slimes_remote_reward_gets_an_error_where_the_machine_failed(url):
    import aiohttp

    sample = slime_types.Sample(prompt=PROMPT, response="```python\nx\n```", label={**LABEL, "language": "python"})
    with pytest.raises(aiohttp.ClientResponseError, match="503"):
        ask(lambda: rm_hub.remote_rm(arguments(rm_url=url), sample, max_retries=1))


@pytest.fixture
def options(monkeypatch):
    ours._scorer.cache_clear()
    monkeypatch.setenv("VINCICODER_REWARD_ENCODER", "embedded")
    monkeypatch.setenv("VINCICODER_REWARD_WORKERS", "2")


@pytest.mark.parametrize("group_rm", [False, True])
def test_slimes_custom_reward_sees_the_images(options, group_rm):
    args = arguments(custom_rm_path="vincicoder.trainers.slime.reward", group_rm=group_rm)
    image = Image.open(io.BytesIO(target(3))).convert("RGB")
    asked = samples(multimodal_inputs={"images": [image], "videos": None}, group_index=7)

    async def call():
        if group_rm:
            return await rm_hub.batched_async_rm(args, asked)
        return await asyncio.gather(*(rm_hub.async_rm(args, each) for each in asked))

    assert ask(call) == rewards()


def test_slimes_custom_reward_gives_metrics_where_a_key_is_named(options):
    args = arguments(custom_rm_path="vincicoder.trainers.slime.reward", reward_key="visual")
    asked = samples(label=LABEL, metadata={"uid": "a"})
    for sample, reward in zip(asked, ask(lambda: rm_hub.batched_async_rm(args, asked)), strict=True):
        sample.reward = reward
    assert [sample.get_reward_value(args) for sample in asked] == [
        each[1] for each in expected([RewardRequest(each, target(3), language="svg") for each in RESPONSES])
    ]
    assert asked[3].reward["code_error"] == 1


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    from tiny_vlm import make_tiny_vlm
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(make_tiny_vlm(tmp_path_factory.mktemp("vlm")))


@pytest.mark.parametrize("in_files", [False, True], ids=["images in rows", "images in files"])
def test_slimes_data_set_reads_the_layout_and_its_rewards_see_the_target(url, options, processor, tmp_path, in_files):
    path = slime_rows(tmp_path, in_files)
    keys = {"prompt_key": "prompt", "label_key": "label", "multimodal_keys": {"image": "images"}}
    data = slime_data.Dataset(str(path), processor, processor, None, apply_chat_template=True, **keys)
    [sample] = data.samples
    assert sample.prompt == PROMPT
    assert sample.multimodal_inputs["images"][0].size[0] > 0
    sample.response = f"{svg(9)}<|im_end|>"
    asked = [arguments(custom_rm_path="vincicoder.trainers.slime.reward")]
    if not in_files:  # a server reads no files
        asked.append(arguments(rm_url=url, reward_key="overall"))
    for args in asked:
        sample.reward = ask(lambda args=args: rm_hub.async_rm(args, sample))
        assert sample.get_reward_value(args) == rewards()[0]


def slime_rows(directory, in_files):
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout = LAYOUTS.get("slime")
    image, path = directory / "a.png", directory / "train.parquet"
    image.write_bytes(target(3))
    record = Record("r1", "svg", "generate", "svg", "Write SVG.", "<svg/>", str(image) if in_files else target(3))
    pq.write_table(pa.Table.from_pylist([layout.write(record)], layout.schema(in_files)), path)
    return path
