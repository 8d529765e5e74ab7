"""The contract between a renderer and the sandbox that runs it.

A renderer is one file with one class. The pool reads the class in the trainer's process, the fork server makes one
object of it, and confined children call it. Importing such a file must need nothing but the standard library.

Example:
    The smallest renderer; ``CONTRIBUTING.md`` has one that is whole::

        class SquareRenderer:
            jobs_per_child = 1

            def policy(self):
                return Policy()

            def preload(self):
                import PIL.Image

                return {}

            def render(self, code, workspace, options):
                from PIL import Image

                return Image.new("RGB", (int(code), int(code)))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar

from vincicoder.rendering.facts import Facts
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

PREPARED = "prepared"
"""The directory of what is prepared, in that of the fork server."""

_WORKING_DIRECTORY = "work"
_Item = TypeVar("_Item")


class RenderError(Exception):
    """The end of a render without an image.

    Args:
        status: Why there is no image. ``Status.INFRASTRUCTURE`` is believed only where the code runs in another
            program, that is where ``Policy.processes`` is set.
        message: The reason for people, in one or a few lines.

    Example:
        >>> raise RenderError(Status.SYNTAX_ERROR, "line 3: the bracket is never closed")
        Traceback (most recent call last):
        ...
        vincicoder.rendering.renderer.RenderError: line 3: the bracket is never closed
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Prefix:
    """What more of the code adds to the image.

    A prefix's image has the size of the whole's. It is the image of the prefix before, of the first a white one, with a
    part replaced, so that little is handed over of many prefixes.

    Attributes:
        end: Where the prefix ends, in characters of the code.
        part: What is replaced, RGB, or None where nothing changes.
        left: Where the part lies in the image, in pixels.
        top: Likewise.

    Example:
        >>> Prefix(120, None).left
        0
    """

    end: int
    part: Image.Image | None
    left: int = 0
    top: int = 0

    @classmethod
    def between(cls, end: int, before: Image.Image, image: Image.Image) -> Prefix:
        """Return a prefix whose image is known.

        Args:
            end: Where the prefix ends.
            before: The image of the prefix before, RGB.
            image: Its own image, RGB, of the same size.
        """
        from PIL import ImageChops

        box = ImageChops.difference(before, image).getbbox()
        return cls(end, None) if box is None else cls(end, image.crop(box), box[0], box[1])


@dataclass(frozen=True)
class Rendered:
    """An image with what the renderer knows of it.

    Attributes:
        image: The image.
        facts: What the renderer knows of the image beyond its pixels, or None. The trainer's process checks them and
            drops those that break the schema or a limit; the image stands.
        embedded_bytes: Bytes of raster images that the code brought along and the renderer decoded, counted where it
            decodes them, so that no spelling hides one. `vincicoder.guards` judges them.
        prefixes: The code's prefixes, by growing end: at most as many as ``Workspace.prefixes`` asks for.

    Example:
        >>> from vincicoder.rendering.facts import Facts, Span
        >>> def rendered(image):
        ...     return Rendered(image, Facts((Span("Sales", (10, 20, 60, 32), (0, 0, 0)),)))
    """

    image: Image.Image
    facts: Facts | None = None
    embedded_bytes: int = 0
    prefixes: Sequence[Prefix] = ()


@dataclass(frozen=True)
class Redirect:
    """Code that another renderer must render in place of an image, such as a plotly figure's page.

    A page whose script finds that the code is not valid says so in ``document.documentElement.dataset.syntaxError``:
    the message makes the response's status ``syntax_error``, where the image would be a white page.

    Attributes:
        language: The other renderer's language, one of ``redirects_to``.
        code: What it renders.
        width: Width of the page in CSS pixels, where that renderer lays out pages.
        height: Height, likewise.
        scale: Device pixels per CSS pixel.

    Example:
        >>> Redirect("html", "<p>Hello", width=700, height=500).scale
        1.0
    """

    language: str
    code: str
    width: int = 0
    height: int = 0
    scale: float = 1.0


@dataclass(frozen=True)
class Workspace:
    """The private directory of one confined child, and what one job may use.

    Attributes:
        directory: The directory; only this child can see it.
        pixels: Largest image that may come out, in pixels.
        wall_seconds: Time after which the server has ended a job for certain, for a renderer that must name one.
        facts: Whether somebody asks for the image's facts; else a renderer should not spend time on them.
        prefixes: How many images of prefixes somebody asks for; 0 for none, and always 0 where the renderer's class
            does not say ``draws_prefixes``.

    Example:
        >>> Workspace(Path("/run/job"), pixels=16_000_000, wall_seconds=30).cwd
        PosixPath('/run/job/work')
    """

    directory: Path
    pixels: int
    wall_seconds: float
    facts: bool = False
    prefixes: int = 0

    @property
    def cwd(self) -> Path:
        """The current directory of the code."""
        return self.directory / _WORKING_DIRECTORY


@dataclass(frozen=True)
class Policy:
    """What a renderer's confined process may touch besides its own directory.

    Attributes:
        read: Further files and directories to read and execute, such as a TeX tree.
        processes: May start programs (a browser, TeX).
        local_sockets: May use Unix and netlink sockets.
        shared_memory: May use anonymous shared files, as a browser's processes do between themselves.
        address_space: Whether the memory limit is enforced on address space. A browser reserves terabytes without
            using them; its resident memory is watched instead.

    Example:
        >>> Policy(read=("/usr/share/graphviz",), processes=True).local_sockets
        False
    """

    read: tuple[str, ...] = ()
    processes: bool = False
    local_sockets: bool = False
    shared_memory: bool = False
    address_space: bool = True


@dataclass(frozen=True)
class Prepared:
    """What a renderer has made of a beginning; see ``Renderer``.

    Attributes:
        path: The file, in the child's directory.

    Example:
        >>> Prepared(Path("figure.fmt")).path.name
        'figure.fmt'
    """

    path: Path


Result: TypeAlias = "Image.Image | Rendered | Redirect"
"""What a renderer may return for a code."""


class Renderer(Protocol):
    """What the fork server and its children call, in this order.

    The rest is optional. A renderer that keeps something between jobs, such as a browser, has a method
    ``open(workspace)``, which starts it: in the child, confined, before the first job. One that returns ``Redirect``
    names the languages that it may ask for in the class attribute ``redirects_to``, a tuple. One that can draw the
    prefixes of a document in the same job has the class attribute ``draws_prefixes``, True. One whose code mostly
    needs few of the libraries that it loads has a static method ``is_plain(code)``, which tells such code, and a method
    ``preload_plain()``, which loads what that needs and is called before ``preload``.

    One that can prepare what many codes begin with has a static method ``beginnings_of(code)``, which returns such
    texts, the longest first; it runs outside the sandbox, on hostile code. When a beginning has come often, the
    renderer is given it alone, with the option ``prepare``, and returns ``Prepared``. Codes that begin the same are
    given with two options: ``prepared``, the path of a copy, in the directory ``PREPARED`` of the fork server, which
    the policy must allow to read, and ``begins``, the length of that beginning after white space. The image must be the
    same as without, also where that file is broken or gone.

    Attributes:
        jobs_per_child: Jobs before a child is replaced; 1 gives every response a fresh process.
    """

    jobs_per_child: ClassVar[int]

    def preload(self) -> dict[str, Any]:
        """Import and warm what children inherit: once, in the fork server, unconfined, before any code arrives.

        Returns:
            What ``doctor`` shows, JSON-ready.

        Raises:
            Exception: If something is missing; the message reaches the user. No thread may be left running.
        """

    def policy(self) -> Policy:
        """Return what the child may touch; asked once, after ``preload``."""

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Result | Prepared:
        """Render one piece of code, in the child, confined.

        Args:
            code: The code, in this renderer's language.
            workspace: The child's directory, and the limits that the renderer has to respect itself.
            options: What a ``Redirect`` asks for, ``prepare`` or ``prepared``; else empty.

        Returns:
            The image, in any mode; the image with facts; code for another renderer; or what was to be prepared.

        Raises:
            RenderError: If the code makes no image.
        """


def check_pixels(width: float, height: float, limit: int) -> None:
    """Refuse an image of this size if it is over the limit.

    Args:
        width: In pixels.
        height: In pixels.
        limit: Most pixels that an image may have.

    Raises:
        RenderError: With ``Status.TOO_LARGE``.

    Example:
        >>> check_pixels(1280, 720, limit=16_000_000)
    """
    if width * height > limit:
        raise RenderError(Status.TOO_LARGE, f"the image is {width:.0f}x{height:.0f}, over the limit of {limit} pixels")


def room_for_prefixes(width: int, height: int, workspace: Workspace) -> int:
    """Return how many images of prefixes a renderer may return: all together are no larger than one image may be.

    Args:
        width: Of the image in pixels.
        height: Likewise.
        workspace: Says how many are asked for.

    Example:
        >>> room_for_prefixes(2000, 2000, Workspace(Path("/run/job"), pixels=16_000_000, wall_seconds=30, prefixes=20))
        3
    """
    return max(0, min(workspace.prefixes, workspace.pixels // (width * height) - 1))


def thinned(items: Sequence[_Item], most: int) -> list[_Item]:
    """Return at most so many items, evenly spread, with the first and the last among them.

    Args:
        items: Any.
        most: How many; of 1 the first is left.

    Example:
        >>> thinned([0, 1, 2, 3, 4, 5, 6], 3)
        [0, 3, 6]
    """
    if len(items) <= most:
        return list(items)
    if most < 2:
        return list(items[:most])
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
