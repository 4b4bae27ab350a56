"""Which code a step runs: its script, and the modules of this package behind it with their C.

A digest of their content, given to a job as a parameter, makes a job run again when its code
has changed, and only then: not when a file is merely touched, copied or cloned.
"""

import ast
import functools
import hashlib
import importlib.util
import re
from pathlib import Path

PACKAGE = Path(__file__).parent


def digest(script: str | Path, *modules: str) -> str:
    """Return the SHA-256 of a script, of modules, and of this package's modules they import.

    Imports are found in the syntax, also inside of functions, and followed through the
    package, the C beside a module and its headers included; what lies outside of it counts only
    where it is named in `modules`, and then with the whole of its package if that is not an
    installed one.

    Parameters
    ----------
    script : path
    *modules : str
        Further modules by import path, which the script imports by name from a config.
    """
    named = [file for module in modules for file in _find(module)]
    files = source_files(script, *named)
    # By name and content, since the folder may be another elsewhere.
    parts = sorted(path.name.encode() + b"\0" + path.read_bytes() for path in files)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def source_files(*paths: str | Path) -> set[Path]:
    """Return the files at these paths and those of this package that they need, as a set."""
    found, waiting = set(), [Path(path) for path in paths]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path) if path.suffix == ".py" else _includes(path)
    return found


@functools.cache
def _includes(path: Path) -> list[Path]:
    """Return the headers of this package that a C file includes."""
    names = re.findall(r'^#include "(.+)"', path.read_text(), re.MULTILINE)
    places = [folder / name for name in names for folder in (path.parent, PACKAGE)]
    return [place for place in places if place.is_file()]


@functools.cache
def _imports(path: Path) -> list[Path]:
    """Return the files of this package that a module needs; of each module looked up once."""
    compiled = path.with_suffix(".c")
    files = [compiled] if PACKAGE in path.parents and compiled.is_file() else []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            if base is None:
                continue
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        files += [file for name in names for file in _package_files(name)]
    return files


def _absolute(path: Path, node: ast.ImportFrom) -> str | None:
    """Return the dotted module that a `from ... import` names; None outside of this package."""
    if node.level == 0:
        return node.module
    if PACKAGE not in path.parents:
        return None
    folder = path.parents[node.level - 1]
    parts = [PACKAGE.name, *folder.relative_to(PACKAGE).parts]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _package_files(name: str) -> list[Path]:
    """Return the file of a module of this package and of the packages around it."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return []
    files = []
    for end in range(1, len(parts) + 1):
        base = PACKAGE.joinpath(*parts[1:end])
        files += [
            file for file in (base / "__init__.py", base.with_suffix(".py")) if file.is_file()
        ]
    return files


def _find(module: str) -> list[Path]:
    """Return the files behind a module that a config names.

    Of a package of one's own these are all of its modules, of an installed one only that which
    is named.
    """
    if module.split(".")[0] == PACKAGE.name:
        return _package_files(module)
    top = importlib.util.find_spec(module.split(".")[0])
    if top and top.submodule_search_locations and "site-packages" not in str(top.origin):
        return sorted(
            file for folder in top.submodule_search_locations for file in Path(folder).rglob("*.py")
        )
    found = importlib.util.find_spec(module)
    if found is None:
        raise ModuleNotFoundError(f"there is no module {module}")
    return [Path(found.origin)] if found.origin and found.origin.endswith(".py") else []
