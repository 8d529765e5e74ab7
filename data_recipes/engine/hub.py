"""Putting data sets on the Hugging Face hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vincicoder.data import DataError
from vincicoder.registry import install_command


def push(root: Path, repository: str, patterns: Sequence[str], public: bool = False) -> str:
    """Upload files of a directory as one commit, and return the address of the data set.

    The hub is the one of ``HF_ENDPOINT``, and the caller is who ``hf auth login`` or ``HF_TOKEN`` says. A repository
    that is not there is made.

    Args:
        root: The directory.
        repository: ``user/name``.
        patterns: Of the paths to upload, within the directory.
        public: Whether a new repository can be seen by everybody.

    Raises:
        DataError: The hub cannot be reached, or refuses.

    Example:
        >>> push(Path("sets"), "me/charts", ["README.md", "rl/*.parquet"])  # doctest: +SKIP
        'https://huggingface.co/datasets/me/charts'
    """
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise DataError(f"--push needs huggingface-hub ({error}); run: {install_command('data')}") from error
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        hub.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        hub.upload_folder(
            folder_path=root,
            repo_id=repository,
            repo_type="dataset",
            allow_patterns=list(patterns),
            commit_message="Data set written by vincicoder",
        )
    except Exception as error:
        why = " ".join(str(error).split())[:300] or type(error).__name__
        raise DataError(
            f"{repository} cannot be pushed to {hub.endpoint}: {why}. Log in with `hf auth login` or set HF_TOKEN; the "
            "files are in place, so the same command pushes again"
        ) from error
    return f"{hub.endpoint}/datasets/{repository}"
