"""The VinciCoder reward for verl 0.9 and later, named by ``reward.custom_reward_function.path``.

verl calls :func:`compute_score` once per sample, from several reward workers, while rollouts go on. Calls
that wait at the same time in one process are scored together, and each returns as soon as its own sample is
done. verl passes no images to a reward function, so the data must carry the target in ``extra_info``
(``target``, ``language``) or in ``reward_model.ground_truth`` (JSON text or a struct with the same names). Nor does it
pass the ``uid`` of a prompt, so groups are told apart by target and prompt: the manager in ``vincicoder_manager.py``
knows more.

Options come from ``+reward.custom_reward_function.reward_kwargs.NAME=VALUE``: ``image_dir``, ``benchmarks``,
``batch_size``, ``window_ms``, every option of ``vincicoder.VisualReward`` and those of
``vincicoder.cluster.Placement``. All of verl's ``reward.num_workers`` processes share one service, which renders on all
nodes of the job; with ``cluster=false`` each has a reward of its own.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers

_TARGET_HINT = (
    "Under verl give the image as extra_info['target'], or as 'target' in reward_model.ground_truth "
    '(a struct, or JSON text such as {"target": "chart.png", "language": "python"}); relative paths need '
    "+reward.custom_reward_function.reward_kwargs.image_dir."
)


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    reward_router_address: str | None = None,
    reward_model_tokenizer: object = None,
    **options: Any,
) -> dict[str, Any]:
    """Score one response.

    Args:
        data_source: Name of the data set; becomes metadata.
        solution_str: The response.
        ground_truth: A mapping, or JSON text of one, with any of ``target``, ``language`` and ``code``; or
            only the target; or only the reference code.
        extra_info: Any of ``target``, ``language``, ``prompt`` and ``reference``; goes before ``ground_truth``. Other
            small plain values become metadata.
        reward_router_address: Not used; verl passes it when a reward model runs too.
        reward_model_tokenizer: Not used; as above.
        options: Those of ``vincicoder.trainers.sample_scorer``.

    Returns:
        ``score``, which is ``overall``, and the keys of ``vincicoder.trainers.metrics_of``, the same for every
        sample; None for a benchmark's metric that is none of the sample's.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work, or no row so far says its language.
        TargetError: None of the first rows has a target that can be read.
        ScoringUnavailable: This machine, not the model, failed too often; see ``vincicoder.trainers.TrainerReward``.

    Example:
        >>> row = {"target": "icon.png", "language": "svg"}
        >>> import asyncio
        >>> call = compute_score("icons", "no idea", "<svg/>", row, encoder="embedded")  # doctest: +SKIP
        >>> asyncio.run(call)["score"]  # doctest: +SKIP
        0.0
    """
    sources = (extra_info or {}, trainers.answer_fields(ground_truth), {"data_source": data_source})
    metrics = await trainers.sample_scorer(_TARGET_HINT, **options)(solution_str, sources)
    return {"score": metrics["overall"], **metrics}
