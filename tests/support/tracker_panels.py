"""Shows a gallery in a tracker, reads it back with the tracker's own reader, and prints the panels that it has.

A program of ``test_panels.py``: ``tracker_panels.py trackio|swanlab GALLERY``, in a directory of its own. It needs the
tracker, Pillow and this package.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from vincicoder.reporting.gallery import KINDS, Gallery
from vincicoder.trainers.panels import TAG, Trackers


def trackio(gallery: Gallery) -> Iterator[str]:
    """Yield the tags of trackio's run whose images can be opened."""
    os.environ["TRACKIO_DIR"] = str(Path.cwd())
    import trackio
    from trackio.media import get_project_media_path
    from trackio.sqlite_storage import SQLiteStorage

    trackio.init(project="p", name="r", embed=False)
    trackers = Trackers()
    trackers.enter()
    trackio.log({"loss": 1.0}, step=3)
    assert trackers.show(gallery, 3) == ["trackio"]
    trackio.finish()
    for log in SQLiteStorage.get_logs("p", "r"):
        for name, value in log.items():
            if name.startswith(TAG):
                assert log["step"] == 3
                with Image.open(get_project_media_path("p", "r", 3) / Path(value["file_path"]).name) as image:
                    image.load()
                yield name


def swanlab(gallery: Gallery) -> Iterator[str]:
    """Yield the tags in the file of swanlab's run, having opened its images."""
    import swanlab

    swanlab.init(project="p", mode="offline", log_dir="swanlog")
    swanlab.log({"loss": 1.0}, step=3)
    assert Trackers().show(gallery, 3) == ["swanlab"]
    swanlab.finish()
    images = list(Path("swanlog").glob("*/media/image/*.png"))
    assert len(images) >= 3, "one of a content each"
    for path in images:
        with Image.open(path) as image:
            image.load()
    [run] = Path("swanlog").glob("*/*.swanlab")
    yield from (tag for kind in KINDS if (tag := f"{TAG}{kind}").encode() in run.read_bytes())


if __name__ == "__main__":
    found = {"trackio": trackio, "swanlab": swanlab}[sys.argv[1]](Gallery(sys.argv[2], 1))
    print(json.dumps(sorted(set(found))))
