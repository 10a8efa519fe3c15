"""`konkurs doctor` for a bank that is being set up: each thing that is missing is named with its place and its cure."""

from __future__ import annotations

from tests.cli.conftest import CommandLine


def test_a_register_that_is_not_there_is_said_with_the_folder_that_was_looked_in(konkurs: CommandLine) -> None:
    said = konkurs("doctor")
    assert said.code == 1
    assert f"KONKURS_CUSTOMERS is {konkurs.data / 'register' / 'customers.csv'}" in said.out


def test_a_file_in_a_folders_place_is_a_problem_and_will_not_be_created(konkurs: CommandLine) -> None:
    konkurs.data.write_text("")
    said = konkurs("doctor")
    assert f"{konkurs.data} is a file where a folder is needed" in said.out
    assert "will be created" not in said.out


def test_without_a_certificate_the_same_problem_is_not_told_twice(konkurs: CommandLine) -> None:
    wrong = {
        "KONKURS_API_URL": "https://127.0.0.1:1",
        "KONKURS_CLIENT_P12": "none.p12",
        "KONKURS_CLIENT_P12_PASSWORD": "x",
    }
    said = konkurs("doctor", **wrong)
    assert said.out.count("there is no such file") == 1
    assert "not asked" in said.out
