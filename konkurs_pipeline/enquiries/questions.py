"""The ready questions (docs/questions/*.sql). A file is a comment (the question, what to know of it) and one query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.storage.project_files import project_file


@dataclass(frozen=True)
class Question:
    """One ready question. `file`: its name in docs/questions, which begins with its number."""

    number: int
    title: str
    note: str
    sql: str
    file: str


def questions() -> list[Question]:
    """Return the ready questions in order."""
    return sorted(
        (_read(path) for path in project_file("questions", folder="docs").glob("*.sql")),
        key=lambda question: question.number,
    )


def question(number: int) -> Question:
    """Return the question with this number. Raises `UsageError` that lists all questions if there is none."""
    known = {each.number: each for each in questions()}
    if number not in known:
        listed = "; ".join(f"{each.number} {each.title}" for each in known.values())
        message = f"there is no question {number}; expected one of these: {listed}"
        raise UsageError(message)
    return known[number]


def _read(path: Path) -> Question:
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return Question(int(path.name.partition("_")[0]), comment[0], " ".join(comment[1:]), sql, path.name)
