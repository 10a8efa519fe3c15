from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator import notices as listed
from konkurs_pipeline.brreg.simulator.datasets import (
    PERSON_WITH_TVAM,
    enk_of,
    estate_of,
    expanded_dataset,
    trustee_of,
    tvam_of,
)
from konkurs_pipeline.brreg.simulator.notices import (
    SimulatedNotice,
    load_test_notices,
    simulated_notice,
)
from konkurs_pipeline.domain.identifiers import IdKind, identify, identify_all
from konkurs_pipeline.domain.instants import instant_text

NOTICES = load_test_notices()
BY_UUID = {notice.uuid: notice for notice in NOTICES}
KEYS_OF_THE_ASSUMED_SHAPE = [
    "uuid",
    "type",
    "registreringstidspunkt",
    "kjennelsesdato",
    "debitor",
    "konkursgrunnlag",
    "avviklingskode",
    "avslutningskode",
    "innstillingsdato",
    "fristdag",
    "fordringsfrist",
    "tingrett",
    "bostyrer",
    "konkursbo",
    "tilknyttedeEnheter",
    "_links",
]
PERSON, COMPANY = "08086001471", "910375237"


def document(notice: SimulatedNotice) -> dict[str, Any]:
    return expanded_dataset(notice, f"https://simulator.example/konkursvarsler/{notice.uuid}")


def of_debtor(debtor_id: str) -> SimulatedNotice:
    return next(notice for notice in NOTICES if notice.debtor_id == debtor_id)


def test_brregs_list_has_its_fifteen_notices_of_all_four_types_in_order() -> None:
    assert Counter(notice.type for notice in NOTICES) == {
        "aapning": 10,
        "sletting": 2,
        "oppheving": 2,
        "avslutning": 1,
    }
    assert sorted(NOTICES, key=lambda notice: notice.order) == NOTICES


def test_the_list_is_found_in_the_checkout_or_the_package() -> None:
    assert listed.path_of_test_notices().name == "brreg_test_notices.csv"


def test_the_text_of_a_time_is_kept_as_published() -> None:
    notice = of_debtor(PERSON)

    assert notice.registered_at_text == "2018-06-08T11:34:23.310Z"
    assert notice.registered_at == dt.datetime(2018, 6, 8, 11, 34, 23, 310_000, tzinfo=dt.UTC)
    assert notice.visible_from == notice.registered_at


def test_a_made_up_ruling_date_is_the_oslo_date_not_the_utc_date() -> None:
    evening = dt.datetime(2018, 6, 8, 22, 30, tzinfo=dt.UTC)

    assert listed.oslo_date(evening) == dt.date(2018, 6, 9)


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    oslo_summer = dt.timezone(dt.timedelta(hours=2))

    assert instant_text(dt.datetime(2018, 6, 8, 13, 34, 23, tzinfo=oslo_summer)) == "2018-06-08T11:34:23.000Z"


def test_a_notice_is_visible_from_and_including_one_instant_until_before_another() -> None:
    start = dt.datetime(2018, 6, 8, 12, tzinfo=dt.UTC)
    tick = dt.timedelta(milliseconds=1)
    notice = simulated_notice(
        uuid="u", type="aapning", registered_at=start, debtor_id=COMPANY, visible_until=start + 2 * tick
    )

    seen = [notice.is_visible(start + n * tick) for n in (-1, 0, 1, 2)]
    assert seen == [False, True, True, False]


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.uuid[:8])
def test_every_dataset_has_the_assumed_shape_and_agrees_with_its_notice(notice: SimulatedNotice) -> None:
    dataset = json.loads(json.dumps(document(notice)))

    assert list(dataset) == KEYS_OF_THE_ASSUMED_SHAPE
    assert (dataset["uuid"], dataset["type"]) == (notice.uuid, notice.type)
    assert dataset["registreringstidspunkt"] == notice.registered_at_text
    assert dataset["kjennelsesdato"] == str(notice.ruling_date)
    assert dataset["debitor"]["identifikator"] == notice.debtor_id


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.uuid[:8])
def test_every_number_in_a_dataset_is_valid_and_no_two_units_share_one(notice: SimulatedNotice) -> None:
    dataset = document(notice)
    units = [dataset["bostyrer"], dataset["konkursbo"], *dataset["tilknyttedeEnheter"]]
    numbers = [unit["organisasjonsnummer"] for unit in units]

    assert set(identify_all(numbers, synthetic_allowed=False)) == {IdKind.ORGNR}
    assert len({notice.debtor_id, *numbers}) == len(numbers) + 1


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.uuid[:8])
def test_a_person_has_a_sole_proprietorship_and_a_company_has_no_linked_units(
    notice: SimulatedNotice,
) -> None:
    is_person = identify(notice.debtor_id, synthetic_allowed=False).is_person
    units = {unit["organisasjonsform"] for unit in document(notice)["tilknyttedeEnheter"]}

    assert ("ENK" in units) == is_person
    assert ("TVAM" in units) == (notice.debtor_id == PERSON_WITH_TVAM)


def test_the_numbers_in_a_dataset_follow_from_the_debtor() -> None:
    dataset = document(of_debtor(PERSON_WITH_TVAM))

    linked = {unit["organisasjonsform"]: unit["organisasjonsnummer"] for unit in dataset["tilknyttedeEnheter"]}
    assert linked == {"ENK": enk_of(PERSON_WITH_TVAM), "TVAM": tvam_of(PERSON_WITH_TVAM)}
    assert dataset["konkursbo"]["organisasjonsnummer"] == estate_of(PERSON_WITH_TVAM)
    assert dataset["bostyrer"]["organisasjonsnummer"] == trustee_of(PERSON_WITH_TVAM)


def test_the_numbers_are_the_same_in_every_process() -> None:
    # Fixed values: the demo's register in git refers to them.
    assert (enk_of(PERSON_WITH_TVAM), tvam_of(PERSON_WITH_TVAM)) == ("256562030", "552269306")


def test_no_unit_of_one_kind_can_be_a_unit_of_another() -> None:
    debtors = {notice.debtor_id for notice in NOTICES}
    leading = [{number_of(each)[0] for each in debtors} for number_of in (enk_of, tvam_of, estate_of, trustee_of)]

    assert leading == [{"2"}, {"5"}, {"7"}, {"1"}]


def test_debtors_have_estates_and_sole_proprietorships_of_their_own() -> None:
    debtors = {notice.debtor_id for notice in NOTICES}

    assert len({estate_of(each) for each in debtors}) == len(debtors)
    assert len({enk_of(each) for each in debtors}) == len(debtors)


def test_all_notices_of_a_debtor_name_the_same_estate_and_trustee() -> None:
    opening, deletion = (notice for notice in NOTICES if notice.debtor_id == "910425463")

    assert document(opening)["konkursbo"] == document(deletion)["konkursbo"]
    assert document(opening)["bostyrer"] == document(deletion)["bostyrer"]


def test_codes_are_published_ones_in_their_own_fields() -> None:
    start = dt.datetime(2024, 1, 2, 9, tzinfo=dt.UTC)
    grounds: set[tuple[str, bool]] = set()
    for number, kind in enumerate(["aapning", "avslutning"] * 200):
        debtor_id = f"{number:0{11 if number % 4 < 2 else 9}}"
        dataset = document(simulated_notice(uuid=f"{number}", type=kind, registered_at=start, debtor_id=debtor_id))
        ground, winding_up = dataset["konkursgrunnlag"], dataset["avviklingskode"]
        assert winding_up in {None, "TVDL", "TVRE", "TVRR", "TVST", "TVBA", "TVOV"}
        assert (ground == "T") == (winding_up is not None)
        assert (dataset["avslutningskode"] in {"M", "U", "T", "A"}) == (kind == "avslutning")
        assert (dataset["innstillingsdato"] is not None) == (kind == "avslutning")
        grounds.add((ground, len(debtor_id) == 11))

    assert grounds == {("B", True), ("O", True), ("B", False), ("O", False), ("T", False)}
