"""What the house rules forbid: each rule reads a module's source and yields the lines that break it.

`test_house_rules` holds the program and the tests to them.
"""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterator

MODULE_LINES_MAX = 350
FUNCTION_LINES_MAX = 60
POSITIONAL_MAX = 5
NESTING_MAX = 3
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common"}
# What the rules of escalation may know of the standard library: values and nothing that waits, reads or draws.
PURE = {
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "itertools",
    "math",
    "re",
    "string",
    "typing",
    "unicodedata",
    "zoneinfo",
}
# What follows `noqa` or `type: ignore`: the codes, then the reason.
WAIVER = re.compile(r"(: [A-Z]+\d+(, [A-Z]+\d+)*|\[[a-z, -]+\]) +(#|-) \S+ .*")
SKIP = re.compile(r"pytest\.(skip|importorskip|xfail)|(pytest\.)?mark\.(skip|skipif|xfail)")
HTTPX_MODULE = "escalator/phone/twilio.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Violations = Iterator[tuple[int, str]]
Rule = Callable[[str], Violations]


# ---- the rules: from a module's source to (line, what is wrong)


def is_too_long(source: str) -> Violations:
    lines = len(source.splitlines())
    if lines > MODULE_LINES_MAX:
        yield lines, f"the module has {lines} lines, more than {MODULE_LINES_MAX}"


def has_no_docstring(source: str) -> Violations:
    if not ast.get_docstring(ast.parse(source)):
        yield 1, "the module does not say what it decides or guards: no docstring"


def has_long_functions(source: str) -> Violations:
    for function in functions(source):
        lines = function.end_lineno - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines, more than {FUNCTION_LINES_MAX}",
            )


def has_many_parameters(source: str) -> Violations:
    for function in functions(source):
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        if count > POSITIONAL_MAX:
            yield function.lineno, f"{function.name} takes {count} positional parameters"


def has_deep_nesting(source: str) -> Violations:
    for function in functions(source):
        depth = max((depth_of(child) for child in function.body), default=0)
        if depth > NESTING_MAX:
            yield function.lineno, f"{function.name} nests {depth} deep"


def has_vague_class_names(source: str) -> Violations:
    for node in nodes_of(source):
        if isinstance(node, ast.ClassDef) and VAGUE_NAMES & set(words_of(node.name)):
            yield node.lineno, f"class {node.name} does not say what it is"


def has_unfinished_business(source: str) -> Violations:
    for token in tokens(source):
        is_text = token.type in (tokenize.COMMENT, tokenize.STRING)
        if is_text and re.search(r"\b([T]ODO|[F]IXME)\b", token.string):
            yield token.start[0], "unfinished business belongs in an issue"


def has_bare_waivers(source: str) -> Violations:
    for token in tokens(source):
        found = re.match(r"#\s*(noqa|type:\s*ignore)\b(.*)", token.string)
        is_bare = found and not WAIVER.fullmatch(found[2])
        if token.type == tokenize.COMMENT and is_bare:
            yield token.start[0], f"'{found[1]}' needs a code and a reason: '# noqa: X123 - why'"


def replaces_code(source: str) -> Violations:
    """Real neighbours instead of mocks: what a test wants otherwise is an argument, not a patch."""
    for node in nodes_of(source):
        names = imported_names(node)
        if any("mock" in name.split(".") or name.startswith("pytest_mock") for name in names):
            yield node.lineno, "imports a mock"
        if isinstance(node, ast.arg) and node.arg in ("mocker", "patch"):
            yield node.lineno, f"asks for {node.arg}"
        if isinstance(node, ast.Attribute) and dotted(node) in (
            "monkeypatch.setattr",
            "monkeypatch.delattr",
            "monkeypatch.setitem",
        ):
            yield node.lineno, f"{dotted(node)}: give the code an argument instead"


def skips(source: str) -> Violations:
    """A test is skipped for a missing program alone, and by `require_tool`, which CI turns into a failure."""
    nodes = [node for node in nodes_of(source) if isinstance(node, ast.Attribute)]
    excepted = {node.value for node in nodes if node.attr == "Exception"}
    for node in nodes:
        if node not in excepted and SKIP.fullmatch(dotted(node)):
            yield node.lineno, f"{dotted(node)}: use require_tool of tests/tools.py"


def imports_impurity(source: str) -> Violations:
    for node in nodes_of(source):
        for name in imported_modules(node):
            if name not in PURE and not name.startswith("escalator.escalation"):
                yield node.lineno, f"imports {name}, which is not on the list of pure modules"


def imports_httpx(source: str) -> Violations:
    for node in nodes_of(source):
        if any(name.split(".")[0] == "httpx" for name in imported_modules(node)):
            yield node.lineno, f"imports httpx, which only {HTTPX_MODULE} may"


# ---- reading source


@functools.cache
def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


@functools.cache
def tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def functions(source: str) -> Iterator[Function]:
    for node in nodes_of(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def depth_of(node: ast.AST) -> int:
    """How many blocks stand inside each other here. An `elif` is no deeper than its `if`; a function begins anew."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return max(1 + deepest(node.body), depth_of(node.orelse[0]))
    is_block = isinstance(
        node,
        ast.If
        | ast.For
        | ast.AsyncFor
        | ast.While
        | ast.With
        | ast.AsyncWith
        | ast.Try
        | ast.Match,
    )
    return is_block + deepest(ast.iter_child_nodes(node))


def deepest(nodes) -> int:
    return max(map(depth_of, nodes), default=0)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for an attribute of plain names, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def imported_names(node: ast.AST) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
    return [*imported_modules(node), *names]


def words_of(name: str) -> list[str]:
    """`RouteManager_v2` as route, manager, v2."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
