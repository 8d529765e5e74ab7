"""Responses among the special tokens of a chat template."""

from __future__ import annotations

import time

import pytest

from vincicoder import align
from vincicoder.trainers.special_tokens import response_in, without_end_tokens

ANSWER = "Here it is:\n```svg\n<svg></svg>\n```"
PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Fix:\n```svg\n<svg/>\n```<|im_end|>\n<|im_start|>assistant\n"
EXPANDED = PROMPT.replace("<|image_pad|>", "<|image_pad|>" * 300)


@pytest.mark.parametrize(
    "end",
    [
        "",
        "<|im_end|>",
        "<|im_end|>\n<|endoftext|>",
        "</s>",
        " </s>",
        "<eos>",
        "<end_of_turn>\n",
        "<｜end▁of▁sentence｜>",
    ],
)
def test_tokens_behind_a_fence_do_not_make_it_an_answer_that_was_cut_off(end):
    assert without_end_tokens(ANSWER + end).rstrip() == ANSWER
    assert align(without_end_tokens(ANSWER + end), "svg").status == "ok"
    assert end in ("", " </s>") or align(ANSWER + end, "svg").status == "truncated" or end.strip() != end


@pytest.mark.parametrize(
    "text", ["", " ", "no code\n", "a <b> c", "x < y | z >", "<svg></svg>", "the token <|im_end|> ends"]
)
def test_a_text_without_them_stays_as_it_is(text):
    assert without_end_tokens(text) == text


def test_a_response_of_nothing_but_tokens_is_empty():
    assert without_end_tokens("<|im_end|>" * 3) == ""


@pytest.mark.parametrize(
    "text", ["<|im_end|>" * 200_000, " " * 2_000_000, "<|" * 500_000, ("</s>" + " " * 50) * 40_000]
)
def test_a_hostile_end_takes_no_time(text):
    started = time.process_time()
    without_end_tokens("x" + text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("query", [PROMPT, EXPANDED, EXPANDED[100:]], ids=["as it was", "expanded", "cut"])
def test_the_response_begins_where_the_prompt_ends(query):
    assert response_in(f"{query}{ANSWER}<|im_end|>", PROMPT) == ANSWER
    assert response_in(f"{query}no code<|im_end|>", PROMPT) == "no code", "the code of the prompt is no answer"
    assert response_in(query, PROMPT) == ""


def test_a_response_that_repeats_the_prompt_hides_nothing():
    assert response_in(EXPANDED + ANSWER + PROMPT, PROMPT) == ANSWER + PROMPT
    assert response_in(EXPANDED + PROMPT + ANSWER, PROMPT) == PROMPT + ANSWER


def test_several_images_and_turns_are_no_hindrance():
    turns = f"{PROMPT}```svg\n<svg/>\n```<|im_end|>\n{PROMPT}"
    query = turns.replace("<|image_pad|>", "<|image_pad|>" * 9)
    assert response_in(query + ANSWER, turns) == ANSWER


def test_a_query_of_another_prompt_has_no_response():
    assert response_in("something else", PROMPT) is None
    assert response_in("", PROMPT) is None


def test_without_a_prompt_everything_is_the_response():
    assert response_in(ANSWER, "") == ANSWER
    assert response_in("ab", "a") == "b"
