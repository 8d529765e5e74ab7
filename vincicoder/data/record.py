"""The record: one image, the code that renders it, and what is known about them.

Recipes write records, the plugins read them. A table of records has these columns; only ``target`` and ``code`` have
to be there, since the rest can be told from them:

=================  ==============================================================================================
``target``         the image: ``{"bytes", "path"}``, bytes or a path; in JSON, ``bytes`` are base64 text
``code``           the code that renders it, without a fence
``defective_code`` the code to fix, in a refinement; None otherwise
``language``       ``python``, ``html``, ``svg``, ``latex`` or an alias; default: by the domain, else by the code
``domain``         one of ``DOMAINS``; default: by language and code
``task``           ``generate`` or ``refine``; default: ``refine`` if there is defective code
``prompt``         what the model is asked, defective code included, the image's placeholder not; default: a
                   wording of :mod:`vincicoder.data.prompts`
``answer``         the whole answer, where it says more than the code in a fence; None otherwise
``id``             text or a whole number; default: a digest of image, code and defective code
``source``         where the row comes from
``licence``        under which terms
``checks``         what was measured, by name, such as ``{"similarity": 0.99}``
=================  ==============================================================================================
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from vincicoder.data.answers import fenced
from vincicoder.data.cells import image_cell, optional_text, read_image
from vincicoder.data.domains import DOMAINS, LANGUAGE_OF, TASKS, Task, domain_of, known_language, language_of
from vincicoder.data.errors import BadRow, Reason
from vincicoder.data.prompts import write_prompt
from vincicoder.errors import ConfigError


@dataclass(frozen=True)
class Record:
    r"""One row of any data set; the fields are those of this module's documentation.

    Attributes:
        target: Content of the image file, or its path as text.
        checks: Values are what JSON can hold.

    Example:
        >>> record = Record.from_dict({"target": "icon.png", "code": "<svg></svg>"})
        >>> record.domain, record.task, record.response
        ('svg', 'generate', '```svg\n<svg></svg>\n```')
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
        """The whole answer that a model should give."""
        return fenced(self.code, self.language) if self.answer is None else self.answer

    def to_dict(self) -> dict[str, Any]:
        """Return a row for Parquet: ``target`` as ``{"bytes", "path"}``, ``checks`` as JSON text."""
        row = {each.name: getattr(self, each.name) for each in fields(self)}
        row["target"] = image_cell(self.target)
        row["checks"] = json.dumps(dict(self.checks), ensure_ascii=False)
        return row

    def to_json(self) -> str:
        """Return a line for JSONL: as :meth:`to_dict`, with the image in base64 and ``checks`` as an object."""
        row = self.to_dict() | {"checks": dict(self.checks)}
        if isinstance(self.target, bytes):
            row["target"]["bytes"] = base64.b64encode(self.target).decode()
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any], directory: Path | None = None) -> Record:
        """Read a row of a table of records; columns that it does not know are left alone.

        Args:
            row: The columns of this module's documentation.
            directory: Put before relative paths of images, if given.

        Raises:
            BadRow: A value is missing or wrong.

        Example:
            >>> Record.from_dict({"target": "a.png", "code": "plt.plot([1])", "defective_code": "plt.plt([1])"}).task
            'refine'
        """
        code = optional_text(row, "code")
        if code is None:
            raise BadRow(Reason.MISSING_VALUE, "code is missing")
        target = read_image(row.get("target"), directory)
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
        return record if prompt else replace(record, prompt=write_prompt(domain, language, defective, key=record.id))


def identify(target: bytes | str, code: str, defective_code: str | None = None) -> str:
    """Return the id of a record that has none: 16 hexadecimal digits, equal for equal content.

    Example:
        >>> identify("icon.png", "<svg></svg>")
        '087f052e6533e2c3'
    """
    digest = hashlib.blake2b(target if isinstance(target, bytes) else target.encode(), digest_size=8)
    for text in (code, defective_code or ""):
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()


def records_from(
    triples: Iterable[tuple[bytes | str, str, str | None]],
    domain: str,
    *,
    language: str | None = None,
    seed: int = 0,
    source: str = "",
    licence: str = "",
) -> Iterator[Record]:
    """Yield a record for each bare triple of image, code and defective code.

    Args:
        triples: The image's content or path; the code that renders it; the code to fix, or None.
        domain: One of ``DOMAINS``.
        language: What the code is written in; None: the domain's language.
        seed: Another seed chooses other wordings.
        source: Where the rows come from.
        licence: The terms that they may be used under.

    Raises:
        ConfigError: The domain is not known, or has no language of its own and none is given.

    Example:
        >>> [record] = records_from([("icon.png", "<svg/>", None)], "svg")
        >>> record.language, record.task, record.code
        ('svg', 'generate', '<svg/>')
    """
    if domain not in DOMAINS or (language is None and domain not in LANGUAGE_OF):
        raise ConfigError(
            f"domain {domain!r} has no language of its own; give language, or one of: {', '.join(LANGUAGE_OF)}"
        )
    language = known_language(language or LANGUAGE_OF[domain])
    for target, code, defective in triples:
        name = identify(target, code, defective)
        yield Record(
            id=name,
            domain=domain,
            task="generate" if defective is None else "refine",
            language=language,
            prompt=write_prompt(domain, language, defective, key=name, seed=seed),
            code=code,
            target=target,
            defective_code=defective,
            source=source,
            licence=licence,
        )


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
