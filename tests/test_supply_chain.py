"""What is installed and imported: what the lock names with a hash, and nobody is asked for anything (X20)."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURSELVES = PROJECT["name"]
REGISTRY = "https://pypi.org/simple"
# Parts that come with a package by its own demand, and are made to be imported from.
CORES = {
    "pydantic-core": "pydantic",
    "markupsafe": "jinja2",
    "multidict": "aiohttp",
    "yarl": "aiohttp",
}
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
# Imports every module of ours, and notes whatever of it would reach out of the process.
IMPORTS_ALL = """
import json, sys
reached, before = [], set(sys.modules)
WATCHED = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname",
           "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "urllib.Request")
sys.addaudithook(lambda event, args: reached.append(event) if event in WATCHED else None)
import importlib, pkgutil
import escalator
for module in pkgutil.walk_packages(escalator.__path__, "escalator."):
    if module.name != "escalator.__main__":
        importlib.import_module(module.name)
loaded = {name.partition(".")[0] for name, module in sys.modules.items()
          if name not in before and getattr(module, "__file__", None)}
print(json.dumps({"reached": reached, "loaded": sorted(loaded)}))
"""


def normal(name):
    """The name of a distribution as the lock spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


LOCKED = {package["name"] for package in LOCK["package"]}


@pytest.fixture(scope="module")
def imported():
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", IMPORTS_ALL],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("package", LOCK["package"], ids=lambda package: package["name"])
def test_every_package_of_the_lock_comes_from_the_registry_and_each_file_has_a_hash(package):
    """(X20) Whoever puts another file in its place is found out at install."""
    if package["name"] == OURSELVES:
        assert package["source"] == {"editable": "."}
        return
    assert package["source"] == {"registry": REGISTRY}
    files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
    assert files
    assert all(SHA256.fullmatch(file["hash"]) for file in files)
    assert all(file["url"].startswith("https://") for file in files)


def test_the_install_that_the_makefile_falls_back_to_demands_the_hashes():
    """(X20)"""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert "--require-hashes" in makefile
    assert "sync --frozen" in makefile


def test_our_code_imports_only_what_the_project_names():
    """(X20) Not what happens to be installed because something else needs it."""
    wanted = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        wanted += extra
    named = {normal(re.match(r"[A-Za-z0-9._-]+", one)[0]) for one in wanted}
    homes = packages_distributions()
    for path in (ROOT / "escalator").rglob("*.py"):
        for name in imports_of(path) - set(sys.stdlib_module_names) - {"escalator"}:
            found = {normal(home) for home in homes.get(name, [name])}
            assert named & {CORES.get(home, home) for home in found}, f"{path}: {name}"


def imports_of(path):
    """The top-level names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_what_that_brings_along_is_in_the_lock_too(imported):
    """(X20)"""
    homes = packages_distributions()
    foreign = set(imported["loaded"]) - set(sys.stdlib_module_names) - {"escalator", "__main__"}
    for name in foreign:
        if name in homes:
            assert {normal(home) for home in homes[name]} & LOCKED, name
    assert "aiohttp" in foreign


def test_nothing_is_asked_and_nothing_started_at_import(imported):
    """(X20) No name is looked up, no connection made, no program run before the daemon is told to."""
    assert imported["reached"] == []
