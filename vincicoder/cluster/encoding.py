"""The encoder as an actor that merges tiles from all nodes, and the encoder of each node, which asks it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import ray
from ray.exceptions import RayActorError

from vincicoder.cluster.metrics import EncoderMetrics, count_start
from vincicoder.errors import ClusterUnavailable, VinciCoderError
from vincicoder.similarity.config import EncoderConfig
from vincicoder.similarity.encoders import Encoder, load_encoder
from vincicoder.similarity.packed import Packed

if TYPE_CHECKING:
    import numpy.typing as npt

_RETRY_SECONDS = 1.0
_MOST_LANES = 32
_CUTTERS = 16  # threads that resize images, which takes about 25 ms each
_BATCHES_UNDER_WAY = 8  # of a node, for each encoder that it asks: one may have a whole node's GPUs


class TileEncoder:
    """A Ray actor around an encoder. Calls that wait at the same time are embedded together.

    Args:
        config: Which encoder, and how it runs.
        threads: CPU threads for torch; 0 leaves that to torch.
    """

    def __init__(self, config: EncoderConfig, threads: int) -> None:
        if threads:
            os.environ["OMP_NUM_THREADS"] = str(threads)
        self._config = config
        self._encoder: Encoder | None = None
        self._most = config.batch_tiles
        self._waiting: list[tuple[npt.NDArray[np.uint8], asyncio.Future[npt.NDArray[np.float32]]]] = []
        self._lanes = 1  # batches at a time; more when the encoder is loaded on several devices
        self._workers: set[asyncio.Task[None] | None] = set()
        self._threads = ThreadPoolExecutor(_MOST_LANES)
        self._cutters = ThreadPoolExecutor(_CUTTERS)
        self._loading = threading.Lock()
        self._tiles = 0
        self._calls = 0
        self._metrics = EncoderMetrics()
        count_start("encoder")

    async def load(self) -> str:
        """Load the weights, unless they are loaded, and return the encoder's name.

        Raises:
            VinciCoderError: They cannot be loaded.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._loaded().name)

    async def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see ``Encoder.encode``."""
        future: asyncio.Future[npt.NDArray[np.float32]] = asyncio.get_running_loop().create_future()
        self._waiting.append((tiles, future))
        if len(self._workers) < self._lanes:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)  # kept: the loop itself holds only a weak reference
        return await future

    async def encode_images(self, images: Sequence[Packed]) -> list[npt.NDArray[np.float32]]:
        """Cut images into tiles, each in a thread of its own, and embed these; see `Packed`."""
        loop = asyncio.get_running_loop()
        cut = await asyncio.gather(*(loop.run_in_executor(self._cutters, image.tiles) for image in images))
        embeddings = await self.encode(np.concatenate(cut))
        ends = np.cumsum([len(tiles) for tiles in cut])
        return np.split(embeddings, ends[:-1])

    async def stats(self) -> dict[str, Any]:
        """Return the tiles embedded and the batches that took, since this actor started; its process and its node."""
        node = ray.get_runtime_context().get_node_id()
        return {"tiles": self._tiles, "batches": self._calls, "pid": os.getpid(), "node": node}

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._take()
            self._metrics.waiting(len(self._waiting))
            tiles = np.concatenate([each for each, _ in batch])
            try:
                embeddings = await loop.run_in_executor(self._threads, self._embed, tiles)
            except Exception as error:  # noqa: BLE001 - those who wait must hear of it
                for _, future in batch:
                    future.set_exception(error)
                continue
            start = 0
            for each, future in batch:
                future.set_result(embeddings[start : start + len(each)])
                start += len(each)
        self._workers -= {asyncio.current_task()}  # at once, so that what comes next starts another

    def _take(self) -> list[tuple[npt.NDArray[np.uint8], asyncio.Future[npt.NDArray[np.float32]]]]:
        """Return the tiles that wait, up to one batch of tiles but at least one image."""
        total, count = 0, 0
        for tiles, _ in self._waiting:
            if count and total + len(tiles) > self._most:
                break
            total, count = total + len(tiles), count + 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _embed(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        embeddings = self._loaded().encode(tiles)
        self._tiles += len(tiles)
        self._calls += 1
        self._metrics.encoded(len(tiles))
        return embeddings

    def _loaded(self) -> Encoder:
        with self._loading:
            if self._encoder is None:
                config = self._config
                self._encoder = load_encoder(
                    config.name, config.device, config.dtype, config.batch_tiles, config.compiled
                )
                self._lanes = min(getattr(self._encoder, "batches_under_way", 1), _MOST_LANES)
            return self._encoder


class RemoteEncoder:
    """An ``Encoder`` that asks the encoder actors in turn, and waits for those that Ray restarts.

    Attributes:
        name: The encoder's name.
        batches_under_way: Calls at a time that are worth while.

    Args:
        name: The encoder's name.
        actors: Names of `TileEncoder` actors, which Ray restarts when they die. No handles: Ray keeps those in the
            object store, where they may be lost before an actor that was made with them is started anew.
        patience: Seconds to wait for an actor that does not come back.
    """

    def __init__(self, name: str, actors: Sequence[str], patience: float) -> None:
        self.name = name
        self.batches_under_way = _BATCHES_UNDER_WAY * len(actors)
        self._actors = actors
        self._handles: dict[str, Any] = {}
        self._turn = 0
        self._patience = patience

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed tiles; see ``Encoder.encode``.

        Raises:
            ClusterUnavailable: No actor answered for longer than the patience.
            VinciCoderError: An actor raised it.
        """
        embeddings: npt.NDArray[np.float32] = self._ask("encode", tiles)
        return embeddings

    def encode_images(self, images: Sequence[Packed]) -> list[npt.NDArray[np.float32]]:
        """Embed the tiles of images, which travel compressed.

        Raises:
            ClusterUnavailable: No actor answered for longer than the patience.
            VinciCoderError: An actor raised it.
        """
        embeddings: list[npt.NDArray[np.float32]] = self._ask("encode_images", images)
        return embeddings

    def _ask(self, method: str, argument: Any) -> Any:
        deadline = time.monotonic() + self._patience
        reference = ray.put(argument)
        while True:
            self._turn += 1
            try:
                actor = self._actor(self._actors[self._turn % len(self._actors)])
                return ray.get(getattr(actor, method).remote(reference), timeout=max(1.0, deadline - time.monotonic()))
            except ray.exceptions.RayTaskError as error:
                raise plain_cause(error) from None
            except (RayActorError, ray.exceptions.GetTimeoutError, ValueError) as error:
                if time.monotonic() > deadline:
                    raise ClusterUnavailable(f"no encoder answered for {self._patience:g} s: {error}") from error
                time.sleep(_RETRY_SECONDS)

    def _actor(self, name: str) -> Any:
        if name not in self._handles:
            self._handles[name] = ray.get_actor(name)
        return self._handles[name]


def plain_cause(error: ray.exceptions.RayTaskError) -> Exception:
    """Return the error that a remote call raised if it is one of ours, else Ray's error around it."""
    return error.cause if isinstance(error.cause, VinciCoderError) else error
