"""Records in the layouts that trainers read, and back: one file a layout.

=========== ========================================================================= ==============================
layout      columns                                                                   read by
=========== ========================================================================= ==============================
``records`` those of :mod:`vincicoder.data.record`                                    recipes, ``vincicoder-records``
``sft``     ``user_content``, ``assistant_content``, ``image``                        ``vincicoder-sft``
``rl``      ``problem``, ``answer``, ``images``                                       EasyR1, ``vincicoder-rl``
``easyr1``  the same, ``answer`` a JSON text with ``language``, ``code``, ``target``  stock EasyR1
``verl``    ``data_source``, ``prompt``, ``images``, ``reward_model``, ``extra_info`` verl
``swift``   ``messages``, ``images``, ``solution``, ``language``                      ms-swift
``trl``     ``prompt``, ``completion``, ``images``, ``solution``, ``language``        TRL
``slime``   ``prompt``, ``images``, ``label``                                         slime, OpenRLHF
=========== ========================================================================= ==============================

``llamafactory`` has the columns of ``swift``, and an entry in ``dataset_info.json`` beside the set.

Besides its columns every layout but ``records`` has one more, ``record``: JSON text of what the columns cannot say (id,
domain, source, licence, checks, the code as it is). Trainers leave it alone. With it, reading gives back the record
that was written, bit for bit; a column that was changed since wins over it. Without it the rules for public rows apply.
"""

from __future__ import annotations

from collections.abc import Collection

from vincicoder.data.layouts._layout import PLACEHOLDER, Layout
from vincicoder.registry import Registry

LAYOUTS: Registry[Layout] = Registry("layout", "vincicoder.data.layouts", "LAYOUT")
"""The layouts by name.

Example:
    >>> row = LAYOUTS.get("verl").write(record)
    >>> LAYOUTS.get("verl").read(row) == record
    True
"""

_BY_THEIR_COLUMNS = ("verl", "trl", "swift", "sft", "rl", "slime", "records")
"""Layouts in the order in which columns decide; ``easyr1`` has the columns of ``rl`` and ``llamafactory`` those of
``swift``; they are read as these are."""

__all__ = ["LAYOUTS", "PLACEHOLDER", "Layout", "layout_of"]


def layout_of(columns: Collection[str]) -> str | None:
    """Return the name of the layout that a table's columns belong to, or None if they belong to none.

    Example:
        >>> layout_of(["problem", "answer", "images", "difficulty"])
        'rl'
    """
    return next((name for name in _BY_THEIR_COLUMNS if set(LAYOUTS.get(name).columns) <= set(columns)), None)
