"""Process credit: IR4RL's sum of discounted gains, from characters to tokens, and what is refused."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder import CompletionReward, RewardRequest, VisualReward, trainers
from vincicoder.errors import ConfigError
from vincicoder.trainers.credit import NO_PREFIXES, PREFIXES, Credit, in_characters, in_tokens

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">\n<rect width="40" height="40"/>\n<circle r="9"/></svg>'
RESPONSE = f"Ein Bild für dich:\n```svg\n{SVG}\n```\nFertig ☺."


class Tokens:
    """A tokenizer of characters and pairs of them, as far as `in_tokens` asks; a policy may sample what it would not."""

    is_fast = True
    all_special_ids = (0,)

    def __call__(self, text, add_special_tokens, return_offsets_mapping):
        assert not add_special_tokens and return_offsets_mapping
        pieces = [text[place : place + 2] for place in range(0, len(text), 2)]
        offsets = [(2 * place, 2 * place + len(piece)) for place, piece in enumerate(pieces)]
        return {"input_ids": [self.token(piece) for piece in pieces], "offset_mapping": offsets}

    def decode(self, tokens, skip_special_tokens):
        assert skip_special_tokens
        return "".join(self.piece(token) for token in tokens if token)

    def token(self, piece):
        return sum(ord(letter) << 21 * place for place, letter in enumerate(piece))

    def piece(self, token):
        return chr(token & 0x1FFFFF) + (chr(token >> 21) if token >> 21 else "")


def by_the_formula(points, length, weight, discount):
    """Return the sum of the paper, term by term."""
    gains = [(token, after - before) for (_, before), (token, after) in itertools.pairwise(points)]
    return [weight * sum(discount ** (end - t) * gain for end, gain in gains if end >= t) for t in range(length)]


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 1.0])
def test_credit_is_the_sum_of_the_paper(discount):
    samples = [[[2, 0.1], [5, 0.7], [9, 0.4], [9, 0.5], [14, 0.9]], [], [[0, 0.3]], [[0, 0.0], [19, 1.0]]]
    found = Credit(7.5, discount).advantages([json.dumps(each) for each in samples], 20)
    assert found.shape == (4, 20)
    for row, points in zip(found, samples, strict=True):
        assert row == pytest.approx(by_the_formula(points, 20, 7.5, discount))
    assert not found[1].any() and not found[2].any()
    assert found[0][6:10].min() < found[0][10] or discount == 0, "the third prefix made it worse"


def test_a_prefix_behind_the_last_token_counts_at_the_last():
    assert Credit(1.0, 0.0).advantages(["[[0, 0.5], [30, 0.75]]"], 4).tolist() == [[0, 0, 0, 0.25]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"process_weight": -1}, "process_weight is -1; expected a number of at least 0"),
        ({"process_weight": float("nan")}, "process_weight is nan"),
        ({"process_weight": "10"}, "process_weight is '10'"),
        ({"process_discount": 1.1}, "process_discount is 1.1; expected a number from 0 to 1"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Credit.of(options)


@pytest.mark.parametrize("sampled", ["as it encodes", "otherwise"])
def test_a_prefix_belongs_to_the_token_that_holds_its_last_character(sampled):
    tokenizer = Tokens()
    tokens = tokenizer(RESPONSE, False, True)["input_ids"]
    if sampled == "otherwise":
        tokens = [tokenizer.token(letter) for letter in RESPONSE]
    tokens = [0, *tokens, 0]
    assert tokenizer.decode(tokens, True) == RESPONSE
    ends = [RESPONSE.index("\n<rect"), RESPONSE.index("\n<circle"), RESPONSE.index("</svg>") + 6]
    points = [[end, place / 10] for place, end in enumerate(ends)]
    found = json.loads(in_tokens(json.dumps(points), RESPONSE, tokens, tokenizer))
    assert [score for _, score in found] == [0, 0.1, 0.2]
    for (place, _), end in zip(found, ends, strict=True):
        before, after = (len(tokenizer.decode(tokens[:count], True)) for count in (place, place + 1))
        assert before < end <= after
    assert in_tokens(NO_PREFIXES, RESPONSE, tokens, tokenizer) == NO_PREFIXES


@pytest.fixture(scope="module")
def target():
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 39, 39), "black")
    return image


def test_ends_are_characters_of_the_response(target):
    request = RewardRequest(RESPONSE, target, language="svg")
    with VisualReward("embedded", workers=1, prefixes=20) as reward:
        [result] = reward.score([request])
    points = json.loads(in_characters(request, result))
    assert [RESPONSE[:end].rpartition("<")[2] for end, _ in points[1:]] == [
        'rect width="40" height="40"/>',
        'circle r="9"/>',
        "/svg>",
    ]
    assert [score for _, score in points] == [each.overall for each in result.prefixes]
    indented = RewardRequest("  " + RESPONSE[19:].replace("\n", "\n  "), target, language="svg")
    assert in_characters(indented, result) == NO_PREFIXES


def test_every_sample_has_the_text_also_where_nothing_was_scored(target):
    rows = {"image": [target] * 3, "language": ["svg"] * 3}
    reward = CompletionReward(encoder="embedded", workers=1, prefixes=20)
    assert reward.scores_prefixes
    scores = reward([RESPONSE, "```svg\n<svg\n```", "nothing"], **rows)
    first, *others = reward.prefixes
    assert json.loads(first)[-1][1] == scores[0]
    assert others == [NO_PREFIXES] * 2
    samples = [{PREFIXES: first, **dict.fromkeys(trainers.FLAGS, 0.0), "overall": 0.5}]
    assert PREFIXES not in trainers.means(trainers.sums_of(samples))
    assert not CompletionReward(encoder="embedded", workers=1).scores_prefixes


def test_who_cannot_hand_prefixes_on_refuses_them():
    with pytest.raises(ConfigError, match="nothing here learns from what prefixes score"):
        trainers.sample_scorer("hint", encoder="embedded", prefixes=20)
    assert np.isfinite(Credit().weight)
