"""The record: one picture, the code that draws it, and what is known about them.

Recipes write records, the plugins read them. A table of records has these columns; only ``target`` and ``code`` have
to be there, since the rest can be told from them:

=================  ==============================================================================================
``target``         the picture: ``{"bytes", "path"}``, bytes or a path; in JSON, ``bytes`` are base64 text
``code``           the code that draws it, without a fence
``defective_code`` the code to be mended, in a refinement; None otherwise
``language``       ``python``, ``html``, ``svg``, ``latex`` or an alias; default: by the domain, else by the code
``domain``         one of ``DOMAINS``; default: by language and code
``task``           ``generate`` or ``refine``; default: ``refine`` if there is defective code
``prompt``         what the model is asked, defective code included, the placeholder of the picture not; default: a
                   wording of :mod:`vincicoder.data.prompts`
``answer``         the whole answer, where it says more than the code in a fence; None otherwise
``id``             text or a whole number; default: a digest of picture, code and defective code
``source``         where the row comes from
``licence``        under which terms
``checks``         what was measured, by name, such as ``{"similarity": 0.99}``
=================  ==============================================================================================
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from vincicoder.data.errors import BadRow, Reason
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language, root_element

DOMAINS = ("chart", "web", "svg", "latex", "chemistry", "others")
"""What pictures show. ``others`` is what none of the first five holds."""

TASKS = ("generate", "refine")

Task = Literal["generate", "refine"]

LANGUAGE_OF = {"chart": "python", "web": "html", "svg": "svg", "latex": "latex", "chemistry": "python"}
"""The language that a domain is drawn in."""


@dataclass(frozen=True)
class Record:
    """One row of any data set; the fields are those of this module's documentation.

    Attributes:
        target: Content of the picture file, or its path as text.
        checks: Values are what JSON can hold.
    """

    id: str
    domain: str
    task: Task
    language: str
    prompt: str
    code: str
    target: bytes | str = field(repr=False)
    defective_code: str | None = None
    answer: str | None = None
    source: str = ""
    licence: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def response(self) -> str:
        """What the model is to answer."""
        return fenced(self.code, self.language) if self.answer is None else self.answer

    def to_dict(self) -> dict[str, Any]:
        """Return a row for Parquet: ``target`` as ``{"bytes", "path"}``, ``checks`` as JSON text."""
        row = {each.name: getattr(self, each.name) for each in fields(self)}
        row["target"] = picture_cell(self.target)
        row["checks"] = json.dumps(dict(self.checks), ensure_ascii=False)
        return row

    def to_json(self) -> str:
        """Return a line for JSONL: as :meth:`to_dict`, with the picture in base64 and ``checks`` as an object."""
        row = self.to_dict() | {"checks": dict(self.checks)}
        if isinstance(self.target, bytes):
            row["target"]["bytes"] = base64.b64encode(self.target).decode()
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any], folder: Path | None = None) -> Record:
        """Read a row of a table of records; columns that it does not know are left alone.

        Args:
            row: The columns of this module's documentation.
            folder: Put before relative paths of pictures, if given.

        Raises:
            BadRow: A value is missing or wrong.
        """
        code = optional_text(row, "code")
        if code is None:
            raise BadRow(Reason.MISSING_VALUE, "code is missing")
        target = picture_of(row.get("target"), folder)
        defective = optional_text(row, "defective_code")
        task = optional_text(row, "task") or ("refine" if defective else "generate")
        prompt = optional_text(row, "prompt") or ""
        if task not in TASKS:
            raise BadRow(Reason.WRONG_TYPE, f"task {task!r} is not one of: {', '.join(TASKS)}")
        if task == "refine" and not (defective or prompt):
            raise BadRow(Reason.MISSING_VALUE, "defective_code is missing, and so is a prompt that holds it")
        domain = optional_text(row, "domain")
        language = known_language(optional_text(row, "language") or LANGUAGE_OF.get(domain or "") or language_of(code))
        domain = domain or domain_of(language, code)
        if domain not in DOMAINS:
            raise BadRow(Reason.WRONG_TYPE, f"domain {domain!r} is not one of: {', '.join(DOMAINS)}")
        record = cls(
            id=_id(row) or identify(target, code, defective),
            domain=domain,
            task="refine" if task == "refine" else "generate",
            language=language,
            prompt=prompt,
            code=code,
            target=target,
            defective_code=defective,
            answer=optional_text(row, "answer"),
            source=optional_text(row, "source") or "",
            licence=optional_text(row, "licence") or "",
            checks=_checks(row.get("checks")),
        )
        if prompt:
            return record
        from vincicoder.data.prompts import word

        return replace(record, prompt=word(domain, language, defective, key=record.id))


def identify(target: bytes | str, code: str, defective_code: str | None = None) -> str:
    """Return the id of a record that has none: 16 hexadecimal digits, equal for equal content."""
    digest = hashlib.blake2b(target if isinstance(target, bytes) else target.encode(), digest_size=8)
    for text in (code, defective_code or ""):
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()


def fenced(code: str, language: str) -> str:
    """Return code in a fence with its language's tag, long enough for any fence inside the code."""
    inner = re.findall(r"^[ \t]*(`{3,})", code, re.MULTILINE) if "```" in code else []
    fence = "`" * max([3, *(len(run) + 1 for run in inner)])
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def language_of(code: str) -> str:
    """Tell the language of code without a fence by how it begins."""
    if "\\documentclass" in code or "\\begin{" in code:
        return "latex"
    root = root_element(code)
    if root:
        return "svg" if root == "svg" else "html"
    return "python"


def domain_of(language: str, code: str) -> str:
    """Tell what code draws by its language, and molecules by the library."""
    if language == "python":
        return "chemistry" if re.search(r"^\s*(?:import|from)\s+(?:rdkit|indigo)\b", code, re.MULTILINE) else "chart"
    return {"html": "web", "svg": "svg", "latex": "latex"}.get(language, "others")


def known_language(name: str) -> str:
    """Return the name of the language that ``name`` means; raise BadRow if there is none."""
    try:
        return get_language(name).name
    except ConfigError as error:
        raise BadRow(Reason.WRONG_LANGUAGE, str(error)) from error


# Reading values. A cell that could not be decoded holds the error instead of a value.


def require_text(row: Mapping[str, Any], name: str, if_empty: Reason) -> str:
    """Return the text under ``name``, line ends normalised; raise BadRow where there is none."""
    text = optional_text(row, name)
    if text is None:
        raise BadRow(Reason.MISSING_VALUE, f"{name} is missing")
    if not text.strip():
        raise BadRow(if_empty, f"{name} is empty")
    return text


def optional_text(row: Mapping[str, Any], name: str) -> str | None:
    """Return the text under ``name``, line ends normalised, or None; raise BadRow if it is no text."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, UnicodeError):
        raise BadRow(Reason.INVALID_UTF8, f"{name} is not valid UTF-8")
    if not isinstance(value, str):
        raise BadRow(Reason.WRONG_TYPE, f"{name} is {type(value).__name__}; expected text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
            raise BadRow(Reason.INVALID_UTF8, f"{name} holds characters that UTF-8 cannot") from error
    return value.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def picture_of(value: Any, folder: Path | None = None) -> bytes | str:
    """Return a picture's bytes as they are, or its path.

    Args:
        value: Bytes, a path, ``{"bytes", "path"}`` (``bytes`` may be base64 text), or a list of one of these.
        folder: Put before relative paths, if given.

    Raises:
        BadRow: It is none of them.
    """
    if isinstance(value, UnicodeError):
        raise BadRow(Reason.INVALID_UTF8, "the picture's path is not valid UTF-8")
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        value = _content(value.get("bytes")) or value.get("path")
    if value is None or value in (b"", ""):
        raise BadRow(Reason.MISSING_VALUE, "the picture is missing")
    if isinstance(value, str):
        return str(folder / value) if folder else value
    if isinstance(value, bytes):
        return value
    raise BadRow(Reason.WRONG_TYPE, f"the picture is {type(value).__name__}; expected bytes or a path")


def picture_cell(target: bytes | str) -> dict[str, Any]:
    """Return a picture as tables and hosts hold it, its bytes as they are."""
    return {"bytes": target, "path": None} if isinstance(target, bytes) else {"bytes": None, "path": target}


def _content(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRow(Reason.BROKEN_PICTURE, "the picture's bytes are text, but not base64") from error


def _id(row: Mapping[str, Any]) -> str | None:
    value = row.get("id")
    return str(value) if isinstance(value, int) else optional_text(row, "id")


def _checks(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadRow(Reason.INVALID_JSON, "checks is text, but not JSON") from error
    if value is not None and not isinstance(value, Mapping):
        raise BadRow(Reason.WRONG_TYPE, f"checks is {type(value).__name__}; expected a mapping")
    return value or {}
