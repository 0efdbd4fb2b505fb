"""What a cell with the magic becomes before Python reads it.

IPython has no magics that can be awaited, so a call at the top level of a cell is turned into an
``await``: the kernel stays awake meanwhile, and an interrupt ends the waiting as it does for
``await nb.generate(…)``. The history and the notebook keep what was typed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

MAGIC = "music"
HELPER = "get_ipython().magics_manager.registry['MusicMagics'].awaited"
_CALLS = {"run_cell_magic": 3, "run_line_magic": 2}
_ABOVE = re.compile(r"\s*(#.*)?")


def without_lines_above(lines: list[str]) -> list[str]:
    """Drop comments and blank lines above ``%%music``, which IPython wants in the first line."""
    for number, line in enumerate(lines):
        if not _ABOVE.fullmatch(line.rstrip("\r\n")):
            return lines[number:] if re.match(rf"%%{MAGIC}(\s|$)", line) else lines
    return lines


def awaiting(lines: list[str], shell: Any) -> list[str]:
    """Turn calls of the magic into ``await`` where a cell can await.

    In functions, in other magics and where IPython does not await, they stay as they are and wait
    by themselves.
    """
    text = "".join(lines)
    if MAGIC not in text or not any(name in text for name in _CALLS) or not _can_await(shell):
        return lines
    try:
        calls = list(_calls(ast.parse(text).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return lines  # IPython says what is wrong with the cell
    data = text.encode()  # columns of a syntax tree count bytes
    starts = [0, *(mark.end() for mark in re.finditer(rb"\r\n|\r|\n", data))]
    for call, is_kept in reversed(calls):
        start = starts[call.lineno - 1] + call.col_offset
        end = starts[(call.end_lineno or 0) - 1] + (call.end_col_offset or 0)
        data = data[:start] + _awaited(call, is_kept).encode() + data[end:]
    return data.decode().splitlines(keepends=True)


def _can_await(shell: Any) -> bool:
    runner, _ = shell.loop_runner_map.get("asyncio", (None, False))
    return shell.autoawait and shell.loop_runner is runner and not _is_inside_a_cell()


def _is_inside_a_cell() -> bool:
    """Tell whether another magic (``%%time``, ``%%capture``) asks on behalf of a running cell.

    Such a magic compiles or runs the rest of the cell as plain code, where ``await`` is an error.
    """
    frame = sys._getframe()
    while (above := frame.f_back) is not None:
        frame = above
        module = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name == "run_code" and module.startswith("IPython."):
            return True
    return False


def _calls(body: list[ast.stmt]) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the calls of the magic that may be awaited, and whether their value is kept."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Call) and _is_call(value):
            yield value, not isinstance(statement, ast.Expr)
        for block in ast.iter_child_nodes(statement):
            if isinstance(block, ast.stmt):
                yield from _calls([block])
            elif isinstance(block, (ast.ExceptHandler, ast.match_case)):
                yield from _calls(block.body)


def _is_call(call: ast.Call) -> bool:
    """Tell whether this is what IPython makes of ``%music`` and ``%%music``."""
    function, texts = call.func, [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return (
        isinstance(function, ast.Attribute)
        and len(texts) == len(call.args) == _CALLS.get(function.attr)
        and not call.keywords
        and texts[0] == MAGIC
        and all(isinstance(text, str) for text in texts)
        and ast.unparse(function.value) == "get_ipython()"
    )


def _awaited(call: ast.Call, is_kept: bool) -> str:
    _, *texts = (ast.unparse(arg) for arg in call.args)
    kept = ", is_kept=True" if is_kept else ""
    return f"await {HELPER}({', '.join(texts)}{kept})"
