"""environment.yml, constraints.txt and pyproject.toml name the same packages, in versions that fit together."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
# those that conda-forge calls otherwise
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base", "jupyter-client": "jupyter_client"}


def declared(*extras: str) -> dict[str, Requirement]:
    """The direct dependencies in pyproject.toml, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonicalize_name(found.name): found for found in map(Requirement, lines)}


def conda() -> tuple[dict[str, Requirement], list[str]]:
    """The dependencies in environment.yml, by name, and those that pip installs after them."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    found = [Requirement(line) for line in lines if isinstance(line, str)]
    [pip] = [line["pip"] for line in lines if isinstance(line, dict)]
    return {requirement.name: requirement for requirement in found}, pip


def pins() -> dict[str, str]:
    """The exact versions in constraints.txt, by name."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").split()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_conda_installs_what_pyproject_declares():
    wanted = {CONDA_NAMES.get(name, name): found.specifier for name, found in declared("grade").items()}
    found, _ = conda()
    assert {name: found[name].specifier for name in found if name not in ("python", "pip")} == wanted


def test_conda_takes_the_same_python_and_leaves_only_the_course_to_pip():
    found, pip = conda()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert str(found["python"].specifier) == project["requires-python"]
    assert pip == ["-e ."]


@pytest.mark.parametrize("name", sorted(declared("grade", "hub", "dev")))
def test_every_direct_dependency_is_pinned_to_a_version_that_fits(name: str):
    requirement = declared("grade", "hub", "dev")[name]
    assert name in pins(), f"constraints.txt has no pin for {name}"
    assert requirement.specifier.contains(pins()[name], prereleases=True), f"{name} {pins()[name]}: not {requirement}"
