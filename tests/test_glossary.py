"""docs/glossary.md: every Norwegian word that the code shows to people stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, ESTATE_FORM, KNOWN_CODES, LINKED_FORMS
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.onboarding.contract import LIST_FIELDS

PROJECT = Path(__file__).parents[1]
GLOSSARY = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
# The same word in both languages, or no word.
SAME_IN_ENGLISH = {"uuid", "type", "_links"}


def of_the_wire() -> set[str]:
    keys = {step for paths in ASSUMED_PATHS.values() for path in paths for step in path.split(".")}
    return {*keys, *LIST_FIELDS, *expanded_dataset(load_test_notices()[0], "")} - SAME_IN_ENGLISH


def of_the_code() -> set[str]:
    codes = {code for field, known in KNOWN_CODES.items() if field != "type" for code in known}
    kinds = {kind.value for kind in IdKind if kind is not IdKind.UNKNOWN}
    return {*(kind.value for kind in NoticeType), *codes, *kinds, *LINKED_FORMS, ESTATE_FORM}


@pytest.mark.parametrize("word", sorted(of_the_wire() | of_the_code()))
def test_a_norwegian_word_or_code_is_explained(word: str) -> None:
    assert re.search(rf"(?<![\wæøå]){re.escape(word)}(?![\wæøå])", GLOSSARY, flags=re.IGNORECASE)


def test_the_rows_are_sorted_and_none_stands_twice() -> None:
    first = [word.lower() for word in re.findall(r"(?m)^- \*\*(.+?)\*\*:", GLOSSARY)]
    assert len(first) > len(of_the_wire())
    assert first == sorted(
        set(first), key=lambda word: word.replace("æ", "zz1").replace("ø", "zz2").replace("å", "zz3")
    )
