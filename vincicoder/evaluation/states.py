"""How far a model has moved between two states, from the predictions of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vincicoder.errors import ConfigError
from vincicoder.evaluation.predictions import Prediction
from vincicoder.evaluation.sets import drift, length_drift


def drift_of(first: Sequence[Prediction], second: Sequence[Prediction]) -> dict[str, float]:
    """Compare the answers of two states to the same samples.

    Args:
        first: Predictions of the one state.
        second: Of the other. Where they have log-probabilities, these must be of the first state's responses.

    Returns:
        ``pairs``; ``length_mean``, ``length_ratio`` and ``length_longer`` in characters, the second against the first;
        and, over the ``scored`` pairs whose responses are the same and have log-probabilities in both, ``kl``,
        ``kl_k3`` and ``kl_response`` of the first state from the second.

    Raises:
        ConfigError: The two have no sample in common, or log-probabilities of different tokens.

    Example:
        >>> one, two = [Prediction("a", "1234", 0, "", (-1.0,))], [Prediction("a", "1234", 0, "", (-1.5,))]
        >>> drift_of(one, two)["kl"]
        0.5
    """
    theirs = {(each.id, each.number): each for each in second}
    pairs = [(each, theirs[each.id, each.number]) for each in first if (each.id, each.number) in theirs]
    if not pairs:
        raise ConfigError("the two files of predictions have no sample in common; give answers to the same benchmark")
    lengths = length_drift([len(one.response) for one, _ in pairs], [len(other.response) for _, other in pairs])
    found = {"pairs": float(len(pairs)), **{f"length_{name}": value for name, value in lengths.items()}}
    scored = [
        (one.logprobs, other.logprobs)
        for one, other in pairs
        if one.logprobs and other.logprobs and one.response == other.response
    ]
    if scored:
        try:
            moved = drift([one for one, _ in scored], [other for _, other in scored])
        except ValueError as error:
            raise ConfigError(f"the two files of predictions cannot be compared: {error}") from error
        found |= {"scored": float(len(scored)), **moved}
    return found


def table(found: Mapping[str, float]) -> str:
    """Return a drift as text."""
    lines = [
        f"{found['pairs']:,.0f} pairs; the second's answers have {found['length_mean']:+,.1f} characters in the mean "
        f"(ratio {found['length_ratio']:.3f}), {100 * found['length_longer']:.0f} % of them are longer"
    ]
    if "kl" in found:
        per_token = f"{found['kl']:.5f} per token (k3: {found['kl_k3']:.5f})"
        lines.append(f"divergence over {found['scored']:,.0f} responses: {per_token}, {found['kl_response']:.3f} each")
    return "\n".join(lines)
