"""How a poll must fail, and what must hold after it."""

from __future__ import annotations

from dataclasses import dataclass

from konkurs_pipeline.errors import AnswerError, KonkursError, ServiceUnreachableError
from tests.pipeline.kit import MONDAY, TUESDAY, Bank
from tests.service.conftest import ATTEMPTS, BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON, DEBTOR


@dataclass(frozen=True)
class Fails:
    """The class of the error, words of its text, and the number of requests before it."""

    kind: type[KonkursError]
    says: str
    requests: int = 1


def wrong_answer(says: str) -> Fails:
    """Return the failure after a wrong answer, which is requested once."""
    return Fails(AnswerError, says)


def may_pass(says: str) -> Fails:
    """Return the failure after a passing fault, which is retried until the attempts are used up."""
    return Fails(ServiceUnreachableError, says, ATTEMPTS)


def expect_failure(bank: Bank, fails: Fails) -> None:
    """Poll Monday, which must fail in this way. It stores only its row in `polls` and hands nothing over."""
    shown = set(bank.settings.outbox_dir.iterdir())
    failed = bank.try_poll(MONDAY)
    assert isinstance(failed, fails.kind), repr(failed)
    assert fails.says in str(failed), str(failed)
    row = bank.published("polls").sort("started_at").to_dicts()[-1]
    assert (row["outcome"], row["notices_seen"]) == ("failed", None)
    assert fails.says in row["detail"]
    for text in (str(failed), row["detail"]):
        assert DEBTOR not in text
    assert bank.published("raw_notices").is_empty()
    assert bank.published("actions").is_empty()
    assert set(bank.settings.outbox_dir.iterdir()) == shown


def expect_all_made_good(bank: Bank) -> None:
    """Poll Tuesday, which writes every BLOCK that Monday should have written."""
    polled = bank.poll(TUESDAY)
    assert polled.outcome == "new"
    assert sorted(polled.decided()) == [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]
