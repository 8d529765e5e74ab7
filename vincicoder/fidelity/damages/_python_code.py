"""Where in a program the things are that can be damaged."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator

from vincicoder.fidelity.damages._edits import Span

_OUTPUTS = frozenset(
    ("savefig", "show", "write_image", "write_html", "save", "MolToFile", "WriteDrawingText", "FinishDrawing", "open")
)
_SETTERS = frozenset(  # calls that draw nothing, or without which nothing works
    (
        "figure", "subplots", "use", "seed", "append", "extend", "update", "tight_layout", "subplots_adjust", "setp",
        "set_theme", "Compute2DCoords", "SetPreferCoordGen", "GenerateDepictionMatching2DStructure",
    )
)  # fmt: skip
_TEXT_CALLS = frozenset(
    (
        "title", "set_title", "suptitle", "xlabel", "ylabel", "zlabel", "set_xlabel", "set_ylabel", "set_zlabel",
        "text", "annotate", "figtext", "set_xticklabels", "set_yticklabels", "add_annotation",
    )
)  # fmt: skip
_TEXT_KEYWORDS = frozenset(
    (
        "label=", "title=", "text=", "name=", "labels=", "legend=", "legends=", "xlabel=", "ylabel=", "xaxis_title=",
        "yaxis_title=", "title_text=", "legend_title_text=", "annotation_text=", "s=", "x=", "y=",
    )
)  # fmt: skip
_SIZED = frozenset(
    (
        "figsize=", "size=", "subImgSize=", "xlim=", "ylim=", "xlim", "ylim", "set_xlim", "set_ylim",
        "bbox_to_anchor=", "range=", "bins=", "levels=",
    )
)  # fmt: skip
_SMILES = re.compile(r"[A-Za-z\[][A-Za-z0-9@+\-\[\]()=#/\\.%>]{3,}")
_NOT_SHOWN = re.compile(r"#[0-9a-fA-F]+|tab:\w+|.*\.\w{2,4}")
_LETTERS = re.compile(r"[^\W\d_]{2}")


class Program:
    """A program whose parts can be found; ``tree`` is None where it is no Python.

    Attributes:
        code: The code.
        tree: Its syntax tree.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.tree: ast.Module | None = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        self._lines = [line.encode() for line in code.split("\n")]
        self._starts = [0]
        for line in code.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Return where a node stands in the code, in characters."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start, end = self._place(node.lineno, node.col_offset), self._place(node.end_lineno, node.end_col_offset)
        return start, end

    def drawing_statements(self) -> list[Span]:
        """Return the statements that draw one thing each and that nothing else needs."""
        return [self.span(node) for node in self._body() if _name_of_call(node) not in (_OUTPUTS | _SETTERS | {""})]

    def output(self) -> tuple[int, str]:
        """Return where the image is shown or stored, and the name of what is: ``plt``, ``fig`` …; at least the end."""
        for node in self._body():
            if _name_of_call(node) in _OUTPUTS and isinstance(node, ast.Expr):
                return self.span(node)[0], _root(node.value)
            if isinstance(node, ast.With) and "open" in ast.dump(node):
                return self.span(node)[0], ""
        return len(self.code), ""

    def colours(self) -> list[Span]:
        """Return the contents of strings that name a colour."""
        colour = re.compile(r"#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}|tab:[a-z]+|(?!white$)[a-z]{3,}")
        found = []
        for node, value, around in self._strings():
            named = any("color" in each or each == "c=" for each in around)
            if colour.fullmatch(value) and (named or value.startswith(("#", "tab:"))):
                found.append(self._content(node))
        return [span for span in found if span is not None]

    def texts(self) -> list[Span]:
        """Return the contents of strings that are shown: titles, labels, names of categories."""
        times = Counter(value for _, value, _ in self._strings())
        found = []
        for node, value, around in self._strings():
            shown = around[-1:] == ("[listed]",) or (around[-1:] and around[-1] in _TEXT_CALLS | _TEXT_KEYWORDS)
            plain = _LETTERS.search(value) and not _NOT_SHOWN.fullmatch(value)
            coloured = any("color" in each for each in around)
            if shown and plain and times[value] == 1 and not coloured and not self._is_smiles(value):
                found.append(self._content(node))
        return [span for span in found if span is not None]

    def smiles(self) -> list[Span]:
        """Return the contents of strings that are molecules."""
        return [span for node, value, _ in self._strings() if self._is_smiles(value) and (span := self._content(node))]

    def data(self) -> list[Span]:
        """Return the numbers of lists of three and more, those left out that only rise; else those of distributions."""
        found: list[Span] = []
        for node, around in self._walk():
            if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) < 3 or {*around} & _SIZED:
                continue
            values = [each for each in node.elts if isinstance(each, ast.Constant) and _is_number(each)]
            numbers = [each.value for each in values]
            if len(values) >= 3 and numbers != sorted(numbers):  # type: ignore[type-var]
                found += [self.span(each) for each in values]
        if not found:
            drawn = re.compile(r"\.(?:normal|uniform|gamma|exponential|poisson|randint)\(\s*(\d+(?:\.\d+)?)")
            found = [match.span(1) for match in drawn.finditer(self.code)]
        return found

    def _body(self) -> list[ast.stmt]:
        return [] if self.tree is None else self.tree.body

    def _place(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())

    def _walk(self) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
        """Yield every node with the calls and keywords (``name=``) that it is an argument of, outermost first."""
        waiting: list[tuple[ast.AST, tuple[str, ...]]] = [(node, ()) for node in self._body()]
        while waiting:
            node, around = waiting.pop()
            yield node, around
            inner = around
            if isinstance(node, ast.Call):
                inner = (*around, _called(node))
            elif isinstance(node, ast.keyword) and node.arg:
                inner = (*around, f"{node.arg}=")
            elif isinstance(node, ast.List | ast.Tuple | ast.Dict):
                inner = (*around, "[listed]")
            elif isinstance(node, ast.Subscript | ast.Compare | ast.JoinedStr | ast.FunctionDef):
                continue  # what is looked up, compared or computed has to stay
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                continue  # a setting, such as one of rcParams
            waiting += [(child, inner) for child in ast.iter_child_nodes(node)]

    def _strings(self) -> list[tuple[ast.Constant, str, tuple[str, ...]]]:
        """Return every string with its value and what it is an argument of, in the order of the code."""
        found = [
            (node, node.value, around)
            for node, around in self._walk()
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        return sorted(found, key=lambda each: self.span(each[0]))

    def _content(self, node: ast.Constant) -> Span | None:
        """Return what stands between the quotes, or None where that is not the string as it is."""
        start, end = self.span(node)
        text = self.code[start:end]
        found = re.fullmatch(r"(r?['\"])(.*)['\"]", text)
        if found is None or found[2] != node.value:
            return None
        return start + len(found[1]), end - 1

    def _is_smiles(self, text: str) -> bool:
        marked = re.search(r"[=()\[\]#]|c1|C1|cc|CC", text)
        return "rdkit" in self.code and bool(_SMILES.fullmatch(text)) and marked is not None


def _is_number(node: ast.Constant) -> bool:
    return isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _name_of_call(node: ast.stmt) -> str:
    return _called(node.value) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
