"""What a locked test cell wants to know, read from its hidden text; no line of it is run where points are decided.

A cell of this course imports one function of `topfive.checks.locked` and calls it. Any other test cell (an instructor's
own) is none of these, and runs in the kernel as it stands.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call of a function in `topfive.checks.locked`. A function of the student's is a `Name` in it."""

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class Name:
    """What stands behind `lambda:`, a name of the student's notebook."""

    id: str

    def __repr__(self) -> str:
        return f"lambda: {self.id}"


def call_in(source: str) -> Call | None:
    """The call of a test cell's text; None if it does anything else."""
    try:
        match ast.parse(source).body:
            case [
                ast.ImportFrom(module="topfive.checks.locked", level=0, names=[ast.alias(name=name, asname=known)]),
                ast.Expr(ast.Call(func=ast.Name(id=called), args=args, keywords=keywords)),
            ] if called == (known or name):
                return Call(
                    name,
                    tuple(map(_value, args)),
                    {str(one.arg): _value(one.value) for one in keywords},
                )
    except (SyntaxError, ValueError):
        pass
    return None


def _value(node: ast.expr) -> Any:
    """A literal, with names behind `lambda:` in it. Raises ValueError for anything else."""
    match node:
        case ast.Lambda(body=ast.Name(id=name)):
            return Name(name)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {ast.literal_eval(key): _value(value) for key, value in zip(keys, values, strict=True) if key}
        case _:
            return ast.literal_eval(node)


def question(call: Call) -> str:
    """What is run in the kernel in the place of the cell; empty if all that counts lies in the folder."""
    match call:
        case Call("grade", (number, function), {"seeds": seeds}):
            return _asking("answered", f"{number!r}, {function!r}, seeds={seeds!r}")
        case Call("grade_reward", (losses,), {"seeds": seeds}):
            return _asking("each_answered", f"{losses!r}, seeds={seeds!r}")
        case Call("grade_replay", (functions,), {"seeds": seeds}):
            return _asking("replayed", f"{functions!r}, seeds={seeds!r}")
        case Call("grade_instructions"):
            return _asking("kept", repr("instructions.md"))
    return ""


def _asking(what: str, arguments: str) -> str:
    return f"from topfive.checks.asked import {what} as _asked\n\n_asked({arguments})"
