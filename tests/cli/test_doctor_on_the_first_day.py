"""`konkurs doctor` for a new bank: it names each missing file or folder with its place and its cure."""

from __future__ import annotations

from tests.cli.conftest import CommandLine


def test_a_missing_register_is_reported_with_the_folder_that_was_searched(konkurs: CommandLine) -> None:
    result = konkurs("doctor")
    assert result.code == 1
    assert f"KONKURS_CUSTOMERS is {konkurs.data / 'register' / 'customers.csv'}" in result.out


def test_a_file_in_the_place_of_a_folder_is_a_problem(konkurs: CommandLine) -> None:
    konkurs.data.write_text("")
    result = konkurs("doctor")
    assert f"{konkurs.data} is a file where a folder is needed" in result.out
    assert "will be created" not in result.out


def test_a_missing_certificate_is_reported_once(konkurs: CommandLine) -> None:
    wrong = {
        "KONKURS_API_URL": "https://127.0.0.1:1",
        "KONKURS_CLIENT_P12": "none.p12",
        "KONKURS_CLIENT_P12_PASSWORD": "x",
    }
    result = konkurs("doctor", **wrong)
    assert result.out.count("there is no such file") == 1
    assert "not asked" in result.out
