"""Messages between processes: what goes in comes out, and what is none is an error."""

import json

import numpy as np
import pytest
from PIL import Image

from vincicoder import RewardRequest
from vincicoder.reward import RewardResult
from vincicoder.reward.codec import (
    Attachments,
    pack,
    request_fields,
    request_from_header,
    request_to_header,
    result_fields,
    result_from_fields,
    unpack,
)
from vincicoder.status import Status


def sent(*requests):
    """Return the requests as another process gets them, and how many attachments went along."""
    attachments = Attachments()
    headers = [request_to_header(each, attachments) for each in requests]
    header, attached = unpack(pack({"requests": headers}, attachments.contents))
    return [request_from_header(each, attached) for each in header["requests"]], len(attached)


def test_a_request_arrives_as_it_was():
    request = RewardRequest("answer \ud800", "a.png", "prompt", "svg", "7", "<svg/>", {"uid": "a", "step": 3})
    assert sent(request) == ([request], 0)


def test_a_target_that_requests_share_goes_once():
    content = b"\x89PNG a file"
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    requests = [RewardRequest("a", target) for target in (content, {"bytes": content}, image, image)]
    found, attached = sent(*requests)
    assert attached == 2
    assert [each.target for each in found[:2]] == [content] * 2
    assert found[2].target.tobytes() == found[3].target.tobytes() == image.tobytes()


def test_a_result_arrives_to_the_last_digit():
    scores = {"coarse": 0.1 + 0.2, "fine": None, "alignment": 1.0, "execution": 1.0}
    result = RewardResult.failed(RewardRequest("a", b""), Status.TIMEOUT, "why", scores, tiles=(1 / 3,), grid=(1, 2))
    header, [render] = unpack(pack(result_fields(result), [b"image"]))
    found = result_from_fields(header, render)
    assert found.render_bytes == b"image"
    assert result_from_fields(header, None) == result
    assert found.tiles == (1 / 3,)


def test_metadata_of_any_kind_become_what_json_knows():
    metadata = {"number": np.float32(0.5), "array": np.arange(3), "object": Status, 4: {"a": (1, 2)}}
    found = request_fields(RewardRequest("a", b"", metadata=metadata))["metadata"]
    assert found == {"number": 0.5, "array": [0, 1, 2], "object": str(Status), "4": {"a": [1, 2]}}
    json.dumps(found)


def deep():
    inner = []
    for _ in range(100_000):
        inner = [inner]
    return inner


def endless():
    inner = {}
    inner["inner"] = inner
    return inner


@pytest.mark.parametrize("value", [deep(), endless(), {(1, 2): 3}], ids=["deep", "endless", "key"])
def test_what_json_cannot_hold_is_one_kind_of_error(value):
    with pytest.raises(ValueError, match="JSON cannot hold it"):
        request_fields(RewardRequest("a", b"", metadata={"it": value}))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\2{}",
        b"\0\0\0\2[]",
        b"\xff\xff\xff\xff{}",
        b"\x80\x04\x95 a pickle",
        pack({})[:-1],
        pack({}, [b"image"])[:-1],
        pack({}, [b"image"]) + b"more",
        b"\0\1\0\0" + b"[" * 65_536,
    ],
)
def test_what_is_no_message_is_an_error(message):
    with pytest.raises(ValueError, match="these bytes are no message"):
        unpack(message)
