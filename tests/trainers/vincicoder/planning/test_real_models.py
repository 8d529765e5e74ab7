"""The formulas of a plan against torch and transformers: tiny models of the real classes, measured on the CPU."""

from __future__ import annotations

import dataclasses

import pytest
from live_tensors import LiveTensors
from saved_tensors import SavedTensors
from tiny_vlm import make_tiny_vlm

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from vincicoder.planning.activations import activations  # noqa: E402
from vincicoder.planning.memory import (  # noqa: E402
    ENCODER_BATCH,
    ENCODER_PARAMETERS,
    ENCODER_SIDE,
    LOGIT_BYTES,
    Precision,
    encoder_bytes,
    lora_parameters,
    state_bytes,
)
from vincicoder.planning.models import MODELS, read_shape  # noqa: E402
from vincicoder.planning.timing import forward_flops  # noqa: E402

CLASSES = {"qwen3_vl": "Qwen3VLForConditionalGeneration", "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration"}
FLOAT32 = 4
LONG_IMAGE = (256, 256)  # tokens of the image, and of the text after it


@pytest.fixture(scope="module", params=CLASSES)
def tiny(request, tmp_path_factory):
    """A model, and the shape that its directory describes."""
    directory = make_tiny_vlm(tmp_path_factory.mktemp("tiny"), request.param)
    model = getattr(transformers, CLASSES[request.param]).from_pretrained(directory, dtype=torch.float32)
    return model.train(), read_shape(directory)


def inputs_of(model, image_tokens, text_tokens):
    config, generator = model.config, torch.Generator().manual_seed(0)
    text = torch.randint(0, 300, (text_tokens,), generator=generator)
    ids = torch.cat([torch.full((image_tokens,), config.image_token_id), text])[None]
    given = {"input_ids": ids, "labels": ids, "use_cache": False}
    if image_tokens:
        side = int((4 * image_tokens) ** 0.5)
        pixels = torch.randn(side * side, 3 * 2 * config.vision_config.patch_size**2, generator=generator)
        given |= {"pixel_values": pixels, "image_grid_thw": torch.tensor([[1, side, side]])}
        given["mm_token_type_ids"] = (ids == config.image_token_id).int()
    return given


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_a_tiny_model_has_exactly_the_parameters_that_its_configuration_says(tiny):
    model, shape = tiny
    assert shape.parameters == count(model)
    assert shape.vision_parameters == count(model.model.visual)
    assert shape.layer_parameters == count(model.model.language_model.layers[0])
    assert shape.block_parameters == count(model.model.visual.blocks[0])


@pytest.mark.parametrize("name", MODELS)
def test_a_known_model_has_exactly_the_parameters_of_the_real_class(name):
    shape = MODELS[name]
    with torch.device("meta"):  # no memory is taken
        model = getattr(transformers, CLASSES[shape.family])(configuration_of(shape))
    assert shape.parameters == count(model)


def configuration_of(shape):
    text = {"num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "hidden_size": shape.hidden}
    text |= {"intermediate_size": shape.intermediate, "num_key_value_heads": shape.kv_heads}
    text |= {"head_dim": shape.head_size, "vocab_size": shape.vocabulary, "tie_word_embeddings": shape.tied}
    theirs = {"hidden": "hidden_size", "intermediate": "intermediate_size", "heads": "num_heads", "patch": "patch_size"}
    vision = {theirs.get(name, name): value for name, value in dataclasses.asdict(shape.vision).items()}
    vision = {name: vision[name] for name in ("depth", "out_hidden", *theirs.values())}
    vision["out_hidden_size"] = vision.pop("out_hidden")
    if shape.vision.positions:
        vision |= {"deepstack_visual_indexes": [5, 11, 17], "num_position_embeddings": shape.vision.positions}
    name = CLASSES[shape.family].replace("ForConditionalGeneration", "Config")
    return getattr(transformers, name)(text_config=text, vision_config=vision, tie_word_embeddings=shape.tied)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_gradients_and_adamw_take_what_the_formula_says(tiny, dtype):
    model, shape = tiny
    model = type(model)(model.config).to(getattr(torch, dtype))
    optimizer = torch.optim.AdamW(model.parameters())
    model(**with_type(inputs_of(model, 16, 48), model)).loss.backward()
    optimizer.step()
    kept = [tensor for each in model.parameters() for tensor in (each, each.grad)]
    kept += [tensor for state in optimizer.state.values() for tensor in state.values()]
    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept if tensor is not None)
    itemsize = model.lm_head.weight.element_size()
    assert state_bytes(shape.parameters, Precision(itemsize, itemsize, 2 * itemsize)) == pytest.approx(
        measured, rel=0.01
    )


def with_type(given, model):
    if "pixel_values" in given:
        given["pixel_values"] = given["pixel_values"].to(model.dtype)
    return given


def step(model, image_tokens, text_tokens):
    """Return the bytes of activations that one training step kept at the most."""
    saved = SavedTensors(model.parameters())
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
        model(**inputs_of(model, image_tokens, text_tokens)).loss.backward()
    model.zero_grad()
    assert saved.bytes == 0, "everything was let go"
    return saved.peak


@pytest.mark.parametrize("image_tokens, text_tokens", [(0, 512), (64, 448), LONG_IMAGE])
def test_activations_without_checkpointing_are_within_2_percent(tiny, image_tokens, text_tokens):
    model, shape = tiny
    model.gradient_checkpointing_disable()
    planned = activations(
        shape, image_tokens + text_tokens, image_tokens, itemsize=FLOAT32, logit_bytes=4, checkpointing=False
    )
    assert planned.peak == pytest.approx(step(model, image_tokens, text_tokens), rel=0.02)


@pytest.mark.parametrize("image_tokens, text_tokens", [(0, 512), (64, 448), LONG_IMAGE])
def test_activations_with_checkpointing_are_at_most_10_percent_too_much(tiny, image_tokens, text_tokens):
    model, shape = tiny
    # With reentrant checkpoints, what is computed again passes through the same hooks, so that the peak is seen.
    model.gradient_checkpointing_enable({"use_reentrant": True})
    planned = activations(shape, image_tokens + text_tokens, image_tokens, itemsize=FLOAT32, logit_bytes=4)
    measured = step(model, image_tokens, text_tokens)
    assert measured <= planned.peak <= 1.1 * measured


def test_a_wrong_formula_would_be_noticed(tiny):
    model, shape = tiny
    model.gradient_checkpointing_disable()
    measured = step(model, *LONG_IMAGE)
    for wrong in (dataclasses.replace(shape, layers=3), dataclasses.replace(shape, intermediate=128)):
        planned = activations(wrong, 512, 256, itemsize=FLOAT32, logit_bytes=4, checkpointing=False)
        assert planned.peak != pytest.approx(measured, rel=0.02)
    assert min(LOGIT_BYTES.values()) >= 4


@pytest.mark.parametrize("image_tokens, text_tokens", [(0, 512), LONG_IMAGE])
def test_operations_are_those_that_torch_counts(tiny, image_tokens, text_tokens):
    from torch.utils.flop_counter import FlopCounterMode

    model, shape = tiny
    tokens = image_tokens + text_tokens
    model = type(model)(model.config)
    model.set_attn_implementation("eager")  # the fused kernel of CPUs is not counted
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(**inputs_of(model, image_tokens, text_tokens))
    # This counts attention to later tokens as well, which a causal kernel leaves out.
    causal = 2.0 * shape.layers * shape.queries * tokens**2
    assert forward_flops(shape, tokens, image_tokens) + causal == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_lora_adds_the_parameters_that_peft_adds(tiny):
    peft = pytest.importorskip("peft")
    model, shape = tiny
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    pattern = rf".*language_model.*\.({'|'.join(names)})"
    adapted = peft.get_peft_model(type(model)(model.config), peft.LoraConfig(r=4, target_modules=pattern))
    trained = sum(each.numel() for each in adapted.parameters() if each.requires_grad)
    assert lora_parameters(shape, 4) == trained


def test_the_encoder_takes_what_its_tensors_take(monkeypatch):
    # CUDA's kernels keep no table of attention, which the plain way on the device meta would.
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda query, *_, **__: query * 1)
    size = {"hidden_size": 1024, "num_hidden_layers": 3, "num_attention_heads": 16, "image_size": 518, "patch_size": 14}
    with torch.no_grad(), torch.device("meta"):
        model = transformers.Dinov2Model(transformers.Dinov2Config(**size)).half().eval()
        with LiveTensors() as live:
            tiles = torch.empty((ENCODER_BATCH, ENCODER_SIDE, ENCODER_SIDE, 3), dtype=torch.uint8)
            pixels = (tiles.permute(0, 3, 1, 2).float() / 255).half()
            model(pixel_values=pixels)
    formula = encoder_bytes() - 2 * ENCODER_PARAMETERS + 2 * count(model)
    # transformers 5.10 takes what the formula says; 5.24 takes 13 % less.
    assert 0.85 * formula < live.peak < 1.03 * formula
