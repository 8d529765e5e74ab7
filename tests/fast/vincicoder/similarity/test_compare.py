from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from vincicoder.errors import ConfigError
from vincicoder.similarity import TILE, Comparison, Similarity, blank_page, compare, load_encoder


class Thumbs:
    """A cheap encoder: each tile becomes its 16x16 thumbnail. Keeps count of what it is asked."""

    name = "thumbs"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.calls.append(len(tiles))
        cells = tiles.reshape(len(tiles), 16, TILE // 16, 16, TILE // 16, 3)
        return cells.mean(axis=(2, 4), dtype=np.float32).reshape(len(tiles), -1)

    @property
    def tiles(self) -> int:
        return sum(self.calls)


@pytest.fixture
def encoder() -> Thumbs:
    return Thumbs()


@pytest.fixture
def similarity(encoder: Thumbs) -> Similarity:
    return Similarity(encoder)


def drawing(size: tuple[int, int] = (640, 480), colour: str = "navy", seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = rng.uniform(0, 0.7, 2) * size
        w, h = rng.uniform(0.05, 0.3, 2) * size
        draw.rectangle([x, y, x + w, y + h], fill=colour)
    return image


def compare_one(similarity: Similarity, target: Image.Image, render: Image.Image, key: str = "t") -> Comparison:
    [comparison] = similarity.compare([similarity.prepare(target, render, key)])
    return comparison


@pytest.mark.parametrize("size", [(1, 1), (448, 448), (640, 480), (4000, 300), (300, 4000)])
@pytest.mark.parametrize("name", ["thumbs", "embedded"])
def test_a_image_is_entirely_like_itself(size: tuple[int, int], name: str) -> None:
    similarity = Similarity(Thumbs() if name == "thumbs" else load_encoder(name))
    result = compare_one(similarity, drawing(size), drawing(size))
    assert result.coarse == result.fine == result.visual() == 1.0
    assert set(result.tiles) == {1.0}


def test_fine_is_the_mean_of_the_tiles_and_the_thumbnail_counts_as_one_more(similarity: Similarity) -> None:
    result = compare_one(similarity, drawing(), drawing(seed=1))
    assert result.grid == (4, 3)
    assert len(result.tiles) == 12
    assert result.fine == pytest.approx(sum(result.tiles) / 12)
    assert result.visual() == pytest.approx((sum(result.tiles) + result.coarse) / 13)
    assert result.visual(0.25) == pytest.approx(0.25 * result.coarse + 0.75 * result.fine)
    assert result.visual(0) == result.fine
    assert result.visual(1) == result.coarse


def test_with_one_tile_coarse_and_fine_are_the_same(similarity: Similarity) -> None:
    result = compare_one(similarity, drawing((300, 300)), drawing((300, 300), seed=1))
    assert result.grid == (1, 1)
    assert result.coarse == result.fine == result.tiles[0] == result.visual() == result.visual(0.3)


def test_the_tile_that_differs_is_the_one_marked(similarity: Similarity) -> None:
    target = Image.new("RGB", (1200, 400), "white")
    render = target.copy()
    render.paste("black", (450, 50, 750, 350))
    result = compare_one(similarity, target, render)
    assert result.grid == (3, 1)
    assert result.tiles[0] == result.tiles[2] == 1.0
    assert result.tiles[1] < 0.99


def test_a_render_is_stretched_to_the_target_before_it_is_cut(similarity: Similarity) -> None:
    target, render = drawing((900, 300)), drawing((350, 500), seed=1)
    stretched = render.resize((900, 300), Image.Resampling.BICUBIC)
    result = compare_one(similarity, target, render)
    assert result.grid == (3, 1)
    assert result == compare_one(similarity, target, stretched)


def test_a_palette_render_is_stretched_smoothly(similarity: Similarity) -> None:
    render = drawing((100, 100)).convert("P")
    prepared = similarity.prepare(drawing(), render, "t")
    assert np.array_equal(prepared.render, similarity.prepare(drawing(), render.convert("RGB"), "t").render)


@pytest.mark.parametrize("name", ["thumbs", "embedded"])
@pytest.mark.parametrize("colours", [("black", "white"), ("white", "black"), ("black", "black")])
def test_empty_images_give_numbers(name: str, colours: tuple[str, str]) -> None:
    target, render = (Image.new("RGB", (640, 480), colour) for colour in colours)
    similarity = Similarity(Thumbs() if name == "thumbs" else load_encoder(name))
    visual = compare_one(similarity, target, render).visual()
    if colours[0] == colours[1]:
        assert visual == 1.0
    else:
        assert 0 <= visual <= 0.8


def test_an_embedding_of_zeros_is_like_another_one_and_half_like_the_rest(similarity: Similarity) -> None:
    black, white = Image.new("RGB", (9, 9), "black"), Image.new("RGB", (9, 9), "white")
    assert compare_one(similarity, black, black, "black").visual() == 1.0
    assert compare_one(similarity, black, white, "black").visual() == 0.5
    assert compare_one(similarity, white, black, "white").visual() == 0.5


def test_a_target_is_embedded_once_per_group(similarity: Similarity, encoder: Thumbs) -> None:
    target = drawing()
    prepared = [similarity.prepare(target, drawing(seed=seed), "t") for seed in range(8)]
    similarity.compare(prepared)
    assert encoder.tiles == 9 * 13
    assert (similarity.misses, similarity.hits) == (1, 7)
    similarity.compare(prepared)
    assert encoder.tiles == 17 * 13
    assert (similarity.misses, similarity.hits) == (1, 15)


def test_a_target_is_tiled_once_per_group_and_not_at_all_when_its_embedding_is_known(
    similarity: Similarity,
) -> None:
    first = similarity.prepare(drawing(), drawing(seed=1), "t")
    second = similarity.prepare(drawing(), drawing(seed=2), "t")
    assert first.target is not None
    assert first.target is second.target
    similarity.compare([first])
    third = similarity.prepare(drawing(), drawing(seed=3), "t")
    assert third.target is None
    assert third.embedding is not None
    similarity.compare([second, third])
    assert (similarity.misses, similarity.hits) == (1, 2)


def test_tiles_of_a_target_are_dropped_with_the_last_prepared_that_holds_them(similarity: Similarity) -> None:
    prepared = similarity.prepare(drawing(), drawing(seed=1), "t")
    assert len(similarity._tiled) == 1
    del prepared
    assert len(similarity._tiled) == 0


def test_the_target_used_longest_ago_is_forgotten_first(encoder: Thumbs) -> None:
    similarity = Similarity(encoder, cache_targets=2)
    image = drawing((100, 100))
    for key, embedded in [("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("b", 4)]:
        compare_one(similarity, image, image, key)
        assert similarity.misses == embedded, key
    assert len(similarity._embeddings) == 2


def test_a_target_forgotten_between_prepare_and_compare_costs_nothing(encoder: Thumbs) -> None:
    similarity = Similarity(encoder, cache_targets=1)
    image = drawing((100, 100))
    compare_one(similarity, image, image, "a")
    prepared = similarity.prepare(image, image, "a")
    compare_one(similarity, image, image, "b")
    [comparison] = similarity.compare([prepared])
    assert comparison.visual() == 1.0
    assert similarity.misses == 2


def test_without_a_cache_a_target_is_still_embedded_once_per_call(encoder: Thumbs) -> None:
    similarity = Similarity(encoder, cache_targets=0)
    prepared = [similarity.prepare(drawing((100, 100)), drawing(seed=seed), "t") for seed in range(3)]
    similarity.compare(prepared)
    similarity.compare(prepared)
    assert encoder.tiles == 2 * 4
    assert (similarity.misses, similarity.hits) == (2, 4)


def test_a_negative_cache_is_refused() -> None:
    with pytest.raises(ConfigError, match="cache_targets=-1"):
        Similarity(Thumbs(), cache_targets=-1)


def test_cached_embeddings_do_not_keep_the_batch_alive(similarity: Similarity) -> None:
    similarity.compare([similarity.prepare(drawing(seed=s), drawing(seed=s + 9), str(s)) for s in range(3)])
    assert all(embedding.base is None for embedding in similarity._embeddings.values())


def test_many_images_reach_the_encoder_in_groups_of_bounded_size(
    similarity: Similarity, encoder: Thumbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "_GROUP_TILES", 100)
    prepared = [similarity.prepare(drawing(), drawing(seed=seed), "t") for seed in range(20)]
    results = similarity.compare(prepared)
    assert encoder.calls == [7 * 13] * 3
    alone = Similarity(Thumbs())
    assert results[17] == compare_one(alone, drawing(), drawing(seed=17))


def test_results_come_in_the_order_of_the_requests(similarity: Similarity) -> None:
    keys = [0, 1, 2, 1, 0, 2]
    prepared = [similarity.prepare(drawing(seed=key), drawing(seed=1), str(key)) for key in keys]
    visuals = [result.visual() for result in similarity.compare(prepared)]
    assert visuals[1] == visuals[3] == 1.0
    assert visuals[0] == visuals[4] < 1
    assert visuals[2] == visuals[5] < 1


def test_nothing_to_compare_is_no_work(similarity: Similarity, encoder: Thumbs) -> None:
    assert similarity.compare([]) == []
    assert encoder.calls == []


def test_what_is_prepared_may_be_sent_to_another_process(similarity: Similarity) -> None:
    prepared = similarity.prepare(drawing(), drawing(seed=1), "t")
    sent = pickle.loads(pickle.dumps(prepared))
    assert Similarity(Thumbs()).compare([sent]) == similarity.compare([prepared])


def test_threads_get_what_one_thread_gets_and_embed_each_target_once(encoder: Thumbs) -> None:
    targets = {str(seed): drawing((300 + 40 * seed, 300), seed=seed) for seed in range(6)}
    jobs = [(key, seed) for seed in range(4) for key in targets]
    alone = Similarity(Thumbs())
    expected = [compare_one(alone, targets[key], drawing(seed=seed), key) for key, seed in jobs]

    shared = Similarity(encoder)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda job: compare_one(shared, targets[job[0]], drawing(seed=job[1]), job[0]), jobs))
    assert results == expected
    assert shared.misses == len(targets)
    assert shared.hits == len(jobs) - len(targets)


def test_a_call_under_way_holds_up_only_those_that_need_its_target() -> None:
    entered, free = threading.Event(), threading.Event()

    class Waits(Thumbs):
        def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            if not entered.is_set():
                entered.set()
                assert free.wait(30)
            return super().encode(tiles)

    similarity = Similarity(Waits())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(compare_one, similarity, drawing(), drawing(seed=1), "held")
        assert entered.wait(30)
        assert compare_one(similarity, drawing(seed=2), drawing(seed=3), "other").visual() < 1
        same = pool.submit(compare_one, similarity, drawing(), drawing(seed=1), "held")
        time.sleep(0.2)
        assert not same.done()
        free.set()
        assert same.result() == first.result()
    assert similarity.misses == 2


def test_calls_that_wait_for_a_target_hear_of_the_encoders_failure() -> None:
    entered, free = threading.Event(), threading.Event()

    class Fails(Thumbs):
        def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            if not entered.is_set():
                entered.set()
                assert free.wait(30)
                raise RuntimeError("out of memory")
            return super().encode(tiles)

    encoder = Fails()
    similarity = Similarity(encoder)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(compare_one, similarity, drawing(), drawing(seed=1), "held")
        assert entered.wait(30)
        second = pool.submit(compare_one, similarity, drawing(), drawing(seed=1), "held")
        while not encoder.calls:  # it embeds its own render before it waits for the target
            time.sleep(0.01)
        free.set()
        for each in (first, second):
            with pytest.raises(RuntimeError, match="out of memory"):
                each.result()
    assert compare_one(similarity, drawing(), drawing(), "held").visual() == 1.0


def test_an_encoder_that_fails_leaves_the_comparison_usable(similarity: Similarity, encoder: Thumbs) -> None:
    prepared = similarity.prepare(drawing(), drawing(), "t")

    def fail(tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        raise RuntimeError("out of memory")

    encoder.encode, works = fail, encoder.encode  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of memory"):
        similarity.compare([prepared])
    encoder.encode = works  # type: ignore[method-assign]
    assert similarity.compare([prepared])[0].visual() == 1.0
    assert (similarity.misses, similarity.hits) == (1, 0)


@pytest.mark.parametrize("name", ["embedded", "strokes"])
def test_one_tile_stands_for_a_blank_page(name: str) -> None:
    similarity = Similarity(load_encoder(name))
    target = drawing().resize((1300, 900))
    pages = [similarity.prepare(target, blank_page(target), "t"), similarity.prepare_blank(target, "t")]
    whole, one = similarity.compare(pages)
    assert whole == one and len(one.tiles) > 1
