"""What the folders promise a reader: imports point one way, and nothing runs at import."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1] / "konkurs_pipeline"
MODULES: Final = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
# Which part may import which. A part may always import itself.
MAY_IMPORT: Final = {
    "errors": set[str](),
    "clock": set[str](),
    "progress": set[str](),
    "redaction": set[str](),
    "json_strict": set[str](),
    "domain": {"errors"},
    "contracts": {"domain", "errors", "json_strict"},
    "receiver": {"contracts", "domain", "errors", "json_strict"},
    "settings": {"domain", "errors", "redaction"},
    "schemas": {"domain", "errors"},
    "brreg": {"clock", "domain", "errors", "json_strict", "redaction", "settings"},
    "storage": {"contracts", "domain", "errors", "json_strict", "redaction", "schemas", "settings"},
    "register": {"contracts", "domain", "errors", "progress", "redaction", "schemas", "settings", "storage"},
    "steps": {
        "contracts",
        "clock",
        "brreg",
        "domain",
        "errors",
        "json_strict",
        "progress",
        "redaction",
        "register",
        "schemas",
        "settings",
        "storage",
    },
    "alerting": {"brreg", "contracts", "domain", "errors", "redaction", "settings"},
    "enquiries": {
        "brreg",
        "contracts",
        "domain",
        "errors",
        "json_strict",
        "redaction",
        "register",
        "schemas",
        "settings",
        "storage",
    },
    "orchestration": {
        "clock",
        "alerting",
        "brreg",
        "domain",
        "enquiries",
        "errors",
        "progress",
        "redaction",
        "schemas",
        "settings",
        "steps",
        "storage",
    },
    "definitions": {"orchestration"},
    "onboarding": {
        "brreg",
        "domain",
        "errors",
        "json_strict",
        "redaction",
        "register",
        "schemas",
        "settings",
        "storage",
    },
    "cli": {
        "contracts",
        "clock",
        "brreg",
        "domain",
        "enquiries",
        "errors",
        "onboarding",
        "orchestration",
        "progress",
        "receiver",
        "redaction",
        "settings",
        "steps",
        "storage",
    },
}
# Libraries that only these parts import, so that they can be replaced there.
ONLY_IN: Final = {
    "dagster": {"orchestration"},
    "httpx": {"brreg", "alerting"},
    "httpcore": {"brreg"},
    "stamina": {"brreg"},
    "starlette": {"brreg", "orchestration"},
    "uvicorn": {"brreg", "orchestration"},
    "cryptography": {"brreg"},
    "duckdb": {"storage"},
    "pandera": {"schemas"},
    "dateutil": {"domain"},
    "pydantic": {"contracts", "receiver", "settings", "brreg", "storage"},
    "dotenv": {"settings"},
    "typer": {"cli"},
    "rich": {"cli"},
    "jinja2": {"enquiries"},
    "pygal": {"enquiries"},
    "prometheus_client": {"enquiries"},
}
# Why these declared libraries are needed although nothing imports them.
NEVER_IMPORTED: Final = {
    "dagster-webserver": "a program that `make dev` and deploy/ start",
    "pytz": "DuckDB hands TIMESTAMP WITH TIME ZONE values to Python through it",
}
DOMAIN_LIBRARIES: Final = {"polars", "dateutil"}
# Modules that would make the rules depend on more than their input.
NOT_PURE: Final = {"os", "pathlib", "time", "random", "socket", "subprocess", "logging", "io", "shutil", "tempfile"}
NAMES_THAT_SAY_NOTHING: Final = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MOST_LINES: Final = 300
MOST_LINES_OF_A_FUNCTION: Final = 40
MOST_MODULES_OF_A_FOLDER: Final = 12
# pandera reads the options of a table from an inner class with this name.
NAMES_THAT_A_LIBRARY_ASKS_FOR: Final = {"Config"}

Import = tuple[str, str]


def tree_of(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def part_of(module: str) -> str:
    """Return the first folder, or the name of a top-level module."""
    return module.removesuffix(".py").split("/")[0]


def imports_of(module: str) -> Iterator[Import]:
    """Yield (top-level package, second name) of every import, also within functions."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from konkurs_pipeline import settings` names the module last.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((name.split(".")[0], name.split(".")[1] if "." in name else "") for name in names)


def own_imports(module: str) -> set[str]:
    return {second for top, second in imports_of(module) if top == "konkurs_pipeline"} - {part_of(module)}


def libraries(module: str) -> set[str]:
    return {top for top, _ in imports_of(module) if top not in sys.stdlib_module_names} - {"konkurs_pipeline"}


def imported_names(path: Path) -> Iterator[str]:
    """Yield the full name of every import, also within functions and by `import_module`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (ast.literal_eval(argument) for argument in node.args[:1] if isinstance(argument, ast.Constant))


def is_private(name: str) -> bool:
    """Return whether a library's name is private. Tests may import a `_name` of the project."""
    library, *parts = name.split(".")
    return library not in {"konkurs_pipeline", "tests", "bench", "__future__"} and any(
        part.startswith("_") for part in (library, *parts)
    )


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run at import: all except the bodies of functions."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def test_the_table_names_every_part_and_no_other() -> None:
    assert {part_of(module) for module in MODULES} - {"__init__"} == set(MAY_IMPORT)


def test_the_table_itself_points_one_way_only() -> None:
    """A circle raises `CycleError`."""
    assert set(TopologicalSorter(MAY_IMPORT).static_order()) == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way_only(module: str) -> None:
    allowed = MAY_IMPORT.get(part_of(module), set())

    assert own_imports(module) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_imported_by_its_own_parts_only(module: str) -> None:
    elsewhere = {name for name, parts in ONLY_IN.items() if part_of(module) not in parts}

    assert not libraries(module) & elsewhere


@pytest.mark.parametrize("folder", ["konkurs_pipeline", "tests", "bench"])
def test_no_private_name_of_a_library_is_imported(folder: str) -> None:
    """Then an upgrade of a library is a change of one number."""
    files = (ROOT.parent / folder).rglob("*.py")
    private = [(path.name, name) for path in files for name in imported_names(path) if is_private(name)]

    assert private == []


def test_a_private_import_is_recognised() -> None:
    assert [is_private(name) for name in ("dagster._core.events", "dagster._serdes", "polars._typing.X", "_ssl")] == [
        True
    ] * 4
    assert [
        is_private(name) for name in ("dagster.Definitions", "konkurs_pipeline.x._y", "__future__.annotations")
    ] == [False] * 3


@pytest.mark.parametrize("module", [module for module in MODULES if part_of(module) == "domain"])
def test_the_domain_is_pure(module: str) -> None:
    """No I/O, no clock, no dagster: the rules can be read and tested alone."""
    standard = {top for top, _ in imports_of(module) if top in sys.stdlib_module_names}
    asks_the_clock = [
        node.attr
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow", "uuid4", "uuid1"}
    ]
    opens = [
        node.func.id
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}
    ]

    assert libraries(module) <= DOMAIN_LIBRARIES
    assert not standard & NOT_PURE
    assert not asks_the_clock
    assert not opens


@pytest.mark.parametrize("module", MODULES)
def test_no_setting_is_read_at_import(module: str) -> None:
    read = {"load_settings", "getenv", "environ", "build_defs", "dotenv_values", "load_dotenv"}
    named = {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in at_import(tree_of(module))
        if isinstance(node, ast.Name | ast.Attribute)
    }

    assert not named & read


def test_every_module_can_be_imported_where_every_setting_is_wrong(tmp_path: Path) -> None:
    """An import writes nothing either: the working directory stays empty."""
    names = [f"konkurs_pipeline.{module.removesuffix('.py').replace('/', '.')}" for module in MODULES]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name.removesuffix('.__init__'))"
    wrong = {"KONKURS_ENVIRONMENT": "nowhere", "KONKURS_NO_SUCH_SETTING": "x", "PYTHONPATH": str(ROOT.parent)}

    done = subprocess.run(  # noqa: S603 -- this interpreter, with the names of our own modules
        [sys.executable, "-c", program, *names],
        cwd=tmp_path,
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_docstring_that_says_what_it_is(module: str) -> None:
    docstring = ast.get_docstring(tree_of(module))

    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":", "?"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_at_most_300_lines(module: str) -> None:
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", MODULES)
def test_a_function_has_at_most_40_lines(module: str) -> None:
    long = {
        node.name: lines
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }

    assert long == {}


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    folders = Counter(str(Path(module).parent) for module in MODULES if not module.endswith("__init__.py"))

    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES_OF_A_FOLDER} == {}


def test_a_class_name_stands_for_one_thing() -> None:
    """An underscore makes no other name: `_Notice` and `Notice` would be two things with one name."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(module)

    assert {
        name: found for name, found in places.items() if len(found) > 1 and name not in NAMES_THAT_A_LIBRARY_ASKS_FOR
    } == {}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_has_a_name_that_says_nothing(module: str) -> None:
    assert not set(module.removesuffix(".py").split("/")) & NAMES_THAT_SAY_NOTHING


def test_pyproject_names_every_package_that_the_code_imports_and_no_other() -> None:
    owners = packages_distributions()
    imported = {canonicalize_name(owners[top][0]) for module in MODULES for top in libraries(module)}
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}

    assert imported - declared == set(), "add these to [project] dependencies, then `make lock`"
    assert declared - imported == set(NEVER_IMPORTED), (
        "nothing imports these: remove them, or say why in NEVER_IMPORTED"
    )
