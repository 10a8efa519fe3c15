"""The modules, files, pages and headings that documents and docstrings name exist. And the documents stay short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[1]
PACKAGE: Final = PROJECT / "konkurs_pipeline"
PAGES: Final = sorted(
    path.relative_to(PROJECT)
    for folder in ("", "docs", "docs/decisions", "deploy", "bench")
    for path in (PROJECT / folder).glob("*.md")
)
# A decision record describes its day, so the names in it may have changed since.
OF_TODAY: Final = [page for page in PAGES if page.parent.name != "decisions"]
SOURCES: Final = sorted(
    path.relative_to(PROJECT) for folder in ("konkurs_pipeline", "bench") for path in (PROJECT / folder).rglob("*.py")
)
ROOMS: Final = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").is_file())
# `steps/poll.py`, storage/readers, domain.workdays: a path below a room of the package, in prose.
_PLACE: Final = re.compile(
    rf"(?<![\w/.<>-])(?:konkurs_pipeline[/.])?({'|'.join(ROOMS)})([/.][A-Za-z_]+)+(\.py)?(?![\w/(-])"
)
_PROJECT_FILE: Final = re.compile(r"(?<![\w/.-])((?:docs|tests|bench|deploy|data)/[\w./-]*\w)")
# The pages for readers: all but the decision records, the generated dictionary and the notes of measurements.
READ: Final = [
    page for page in OF_TODAY if page.parent.name in ("", "docs", "deploy") and page.name != "data_dictionary.md"
]
# The folder where the program writes, and the name of a deployment for `kubectl`.
_NOT_OURS: Final = ("data/", "deploy/dagster-")
# Files and a host whose names begin like a room.
_NO_MODULES: Final = (".md", ".json", ".no")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


def prose_of(source: Path) -> Iterator[str]:
    """Yield the docstrings and comments of a module."""
    text = (PROJECT / source).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    yield from re.findall(r"(?m)^\s*#(.*)$", text)


def missing_places(text: str) -> list[str]:
    found = (match[0] for match in _PLACE.finditer(text))
    return [name for name in found if not name.endswith(_NO_MODULES) and not is_place(name)]


def is_place(name: str) -> bool:
    """Whether a path names a module, a folder, or something that a module defines."""
    parts = name.removeprefix("konkurs_pipeline").removesuffix(".py").strip("/.").replace("/", ".").split(".")
    for length in range(len(parts), 0, -1):
        path = PACKAGE.joinpath(*parts[:length])
        if path.is_dir() and length == len(parts):
            return True
        if path.with_suffix(".py").is_file():
            source = path.with_suffix(".py").read_text(encoding="utf-8")
            return length == len(parts) or re.search(rf"\b{parts[length]}\b", source) is not None
    return PACKAGE.joinpath(*parts[:-1], "__init__.py").is_file() and PACKAGE.joinpath(*parts[:-1], parts[-1]).exists()


def missing_files(text: str) -> list[str]:
    """Return the names that are no file and no beginning of a file's name (`docs/decisions/0002`)."""
    return [name for name in _PROJECT_FILE.findall(text) if not any(PROJECT.glob(f"{name}*"))]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and others make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_place_in_a_docstring_or_comment_exists(source: Path) -> None:
    text = "\n".join(prose_of(source))
    assert missing_places(text) == []
    assert [name for name in missing_files(text) if not name.startswith("data/")] == []


@pytest.mark.parametrize("page", OF_TODAY, ids=str)
def test_every_place_in_a_page_exists(page: Path) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    assert missing_places(text) == []
    assert [name for name in missing_files(text) if not name.startswith(_NOT_OURS)] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in _LINK.findall((PROJECT / page).read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (PROJECT / page.parent / file).resolve() if file else PROJECT / page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("source", [*SOURCES, *OF_TODAY], ids=str)
def test_a_reference_names_a_page_of_this_project(source: Path) -> None:
    """The contract that the project was built from is not part of it."""
    assert not re.search(r"(INTERFACES|DOMAIN|DESIGN|STYLE) § ?\d", (PROJECT / source).read_text(encoding="utf-8"))


def test_the_documents_are_short() -> None:
    """If a page grows, shorten another: say a fact once, and link."""
    words = {str(page): len((PROJECT / page).read_text(encoding="utf-8").split()) for page in READ}
    assert words["README.md"] <= 700
    assert sum(words.values()) <= 12_000, words


def test_a_missing_place_is_noticed() -> None:
    assert missing_places("see storage/handoff/outbox.py and `domain.workdays.Calendar`") == []
    assert missing_places("see storage/outbox_keeper and domain.workdays.Kalender") == [
        "storage/outbox_keeper",
        "domain.workdays.Kalender",
    ]
    assert missing_files("docs/nowhere.md, docs/domain.md") == ["docs/nowhere.md"]
