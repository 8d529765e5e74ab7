"""A language for tests whose renderer answers with a page: the page's script reads the code, a list of widths."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from vincicoder.languages import Language
from vincicoder.rendering.renderer import Policy, Redirect, Result, Workspace

_PAGE = """<!DOCTYPE html><body style="margin: 0"><script>
const code = CODE;
try {
  for (const width of JSON.parse(code)) {
    const bar = document.body.appendChild(document.createElement("div"));
    bar.style.cssText = `width: ${Number(width)}px; height: 10px; margin: 5px; background: navy`;
  }
} catch (error) {
  document.documentElement.dataset.syntaxError = `the list is not valid: ${error.message}`;
}
</script>"""


class BarsRenderer:
    jobs_per_child: ClassVar[int] = 1
    redirects_to: ClassVar[tuple[str, ...]] = ("html",)

    def policy(self) -> Policy:
        return Policy()

    def preload(self) -> dict[str, Any]:
        return {}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Result:
        return Redirect("html", _PAGE.replace("CODE", json.dumps(code).replace("<", "\\u003c")), 120, 60)


LANGUAGE = Language(name="bars", renderer=BarsRenderer, sample="[50, 100]", suffixes=(".bars",))
