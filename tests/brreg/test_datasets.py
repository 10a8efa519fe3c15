from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from konkurs_pipeline.brreg.client import Document
from konkurs_pipeline.brreg.fan_out import fetch_each
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.errors import AccessRefusedError, AnswerError, NotFoundError, ServiceUnreachableError
from tests.brreg.hostile_server import HostileServer, hangs_up, sends, sends_json
from tests.brreg.test_client import client, keep_nothing


class TestDatasets:
    uuids = tuple(f"00000000-0000-4000-8000-{number:012x}" for number in range(40))

    def test_a_dataset_is_asked_for_by_its_uuid(self) -> None:
        with HostileServer(sends_json({"uuid": "x"})) as server, client(server) as konkursvarsel:
            assert konkursvarsel.fetch_dataset(self.uuids[0], keep=keep_nothing).content == {"uuid": "x"}
        assert server.paths == [f"/konkursvarsler/{self.uuids[0]}"]

    @pytest.mark.parametrize("uuid", ["../konkursvarsler", "08086001471", "", "http://evil.example/"])
    def test_only_a_uuid_is_put_in_a_url(self, uuid: str) -> None:
        with HostileServer(sends_json({})) as server, client(server) as konkursvarsel:
            with pytest.raises(ValueError, match="uuid") as caught:
                konkursvarsel.fetch_dataset(uuid, keep=keep_nothing)
            with pytest.raises(ValueError, match="uuid"):
                konkursvarsel.fetch_datasets([self.uuids[0], uuid], keep=keep_nothing)
        assert "08086001471" not in str(caught.value)
        assert server.requests == []

    def test_a_dataset_that_is_not_an_object_is_a_failure(self) -> None:
        with (
            HostileServer(sends_json([])) as server,
            client(server) as konkursvarsel,
            pytest.raises(AnswerError, match="no JSON object"),
        ):
            konkursvarsel.fetch_dataset(self.uuids[0], keep=keep_nothing)

    def test_a_dataset_larger_than_its_own_limit_is_a_failure(self) -> None:
        with (
            HostileServer(sends_json({"a": "x" * 2000})) as server,
            client(server, max_bytes_dataset=1000) as konkursvarsel,
            pytest.raises(AnswerError, match="larger than 1000 bytes"),
        ):
            konkursvarsel.fetch_dataset(self.uuids[0], keep=keep_nothing)

    def test_datasets_come_in_the_order_asked_for_each_with_its_own_error(self) -> None:
        def answer(connection: Any, path: str) -> None:  # noqa: ANN401  # a socket
            number = int(path[-2:], 16)
            handler = sends(b"", 404) if number % 5 == 3 else sends_json({"number": number})
            handler(connection, path)

        kept: list[Answer] = []
        with HostileServer(answer) as server, client(server) as konkursvarsel:
            results = list(konkursvarsel.fetch_datasets(self.uuids, keep=kept.append))
        assert [uuid for uuid, _ in results] == list(self.uuids)
        for number, (_, result) in enumerate(results):
            if number % 5 == 3:
                assert isinstance(result, NotFoundError)
            else:
                assert isinstance(result, Document)
                assert result.content == {"number": number}
                assert result.answer.resource.endswith(self.uuids[number])
        assert len(kept) == 32

    def test_keeping_one_dataset_does_not_wait_for_another(self) -> None:
        """Each answer waits for its own sync only."""
        together = threading.Barrier(2, timeout=20)

        def keep(_answer: Answer) -> None:
            together.wait()

        with HostileServer(sends_json({})) as server, client(server) as konkursvarsel:
            found = list(konkursvarsel.fetch_datasets(self.uuids[:2], keep=keep))
        assert [document.content for _, document in found if isinstance(document, Document)] == [{}, {}]

    def test_after_five_unreachable_datasets_in_a_row_the_rest_is_not_tried(self) -> None:
        with HostileServer(hangs_up) as server, client(server, attempts=1) as konkursvarsel:
            results = list(konkursvarsel.fetch_datasets(self.uuids, keep=keep_nothing, concurrency=1))
        assert len(server.requests) == 5
        assert all(isinstance(result, ServiceUnreachableError) for _, result in results)
        assert ["not tried" in str(result) for _, result in results] == [False] * 5 + [True] * 35

    def test_an_answer_in_between_resets_the_count_of_failures(self) -> None:
        def answer(connection: Any, path: str) -> None:  # noqa: ANN401  # a socket
            (sends_json({}) if int(path[-2:], 16) % 5 == 4 else hangs_up)(connection, path)

        with HostileServer(answer) as server, client(server, attempts=1) as konkursvarsel:
            list(konkursvarsel.fetch_datasets(self.uuids, keep=keep_nothing, concurrency=1))
        assert len(server.requests) == 40

    def test_after_a_refusal_nothing_more_is_requested(self) -> None:
        with HostileServer(sends(b"", 403)) as server, client(server) as konkursvarsel:
            results = list(konkursvarsel.fetch_datasets(self.uuids, keep=keep_nothing, concurrency=1))
        assert len(server.requests) == 1
        assert isinstance(results[0][1], AccessRefusedError)
        assert "the service refused us" in str(results[1][1])

    def test_a_failing_store_ends_the_fetching(self) -> None:
        def keep(_answer: Answer) -> None:
            message = "no space left"
            raise OSError(message)

        with (
            HostileServer(sends_json({})) as server,
            client(server) as konkursvarsel,
            pytest.raises(OSError, match="no space left"),
        ):
            list(konkursvarsel.fetch_datasets(self.uuids, keep=keep, concurrency=1))
        assert len(server.requests) < 40


def test_after_an_error_of_our_own_no_fetch_is_started() -> None:
    started: list[str] = []

    def fetch(name: str) -> None:
        started.append(name)
        if name == "0":
            message = "no space left"
            raise OSError(message)
        time.sleep(0.1)

    with pytest.raises(OSError, match="no space left"):
        list(fetch_each([str(number) for number in range(40)], fetch, concurrency=2))
    assert "3" not in started
