"""What holds for the repository as a whole: its shape, and what may stand in no file."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from topfive.build.tree import CONTRIBUTING, PACKAGE, head, with_tree

ROOT = Path(__file__).parent.parent
HOSTS = [("pypi", "org"), ("files", "pythonhosted", "org"), ("anaconda", "org"), ("registry", "npmjs", "org")]
HOSTS += [("download", "pytorch", "org"), ("deb", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org")]
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.)}\]*/])/(?:work|root)/",
    "the host of a package registry": r"(?i)\b(?:" + "|".join(r"\.".join(host) for host in HOSTS) + r")\b",
    "a git conflict marker": r"(?m)^(?:<{7}|={7}|>{7})(?: |$)",
}
UNSAFE = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


@cache
def texts() -> dict[str, str]:
    """Every text file that git tracks and that is there, by name."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    found = {}
    for name in filter(None, listed.stdout.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            found[name] = content.decode("utf-8")
    return found


@pytest.mark.parametrize("name", ["notebooks", "solutions", "data", "topfive", "tests", "benchmarks", "docs"])
def test_the_house_has_its_rooms(name: str):
    assert any(path.startswith(f"{name}/") for path in texts()), f"git tracks nothing in {name}/"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str):
    pattern = re.compile(FORBIDDEN[what])
    found = [f"{name}: {match[0]!r}" for name, text in texts().items() for match in pattern.finditer(text)]
    assert not found, f"{what} stands in {found[:10]}"


@pytest.mark.parametrize(
    ("what", "text", "caught"),
    [
        ("a path of one machine", "see " + "/".join(("", "work", "main")), True),
        ("a path of one machine", '"' + "/".join(("", "root", ".cache")), True),
        ("a path of one machine", "00-start-here/work/ledger.jsonl", False),
        ("a path of one machine", "{folder}/work/ledger.jsonl", False),
        ("the host of a package registry", "https://" + ".".join(HOSTS[0]) + "/simple", True),
        ("a git conflict marker", "<" * 7 + " HEAD", True),
        ("a git conflict marker", "Title\n" + "=" * 9, False),
    ],
)
def test_the_patterns_catch_what_they_should(what: str, text: str, caught: bool):
    assert bool(re.search(FORBIDDEN[what], text)) == caught


def test_nothing_is_unpickled():
    """Checkpoints are safetensors and JSON, which run no code when they are read."""
    found = [
        f"{name}:{line}: {what}"
        for name, text in texts().items()
        if name.startswith("topfive/") and name.endswith(".py")
        for line, what in unsafe_reads(ast.parse(text))
    ]
    assert not found


def unsafe_reads(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, name) of each import of a module that unpickles, and of each torch.load."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [(node.lineno, name) for name in names if name.split(".")[0] in UNSAFE]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
            found.append((node.lineno, "torch.load"))
    return found


def test_the_tree_in_contributing_is_the_package_as_it_is():
    text = CONTRIBUTING.read_text("utf-8")
    assert text == with_tree(text), "python -m topfive.build.tree"


def test_every_file_of_the_package_says_what_it_is():
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js") and "_data" not in path.parts]
    assert len(files) > 90
    assert not [str(path) for path in files if len(head(path)) < 15]
