"""Brreg's test notices with their invented documents, and the same documents in another shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, load_test_notices
from konkurs_pipeline.domain.documents.map_proposal import ReceivedDocument
from konkurs_pipeline.domain.notices import Notice

Document = dict[str, Any]


def reshaped(document: Document) -> Document:
    """Return the document with other names, places and letter cases, partly in English."""
    debtor, address = document["debitor"], document["debitor"]["adresse"]
    return {
        "varsel": {"uuid": document["uuid"], "varselType": document["type"], "rulingDate": document["kjennelsesdato"]},
        "frister": {"fristDag": document["fristdag"], "fordringsFrist": document["fordringsfrist"]},
        "skyldner": {
            "orgnrEllerFnr": debtor["identifikator"],
            "fulltNavn": debtor["navn"],
            "adresse": {"adresseLinjer": address["adresselinjer"], "postNr": "0000", "Poststed": address["poststed"]},
        },
        "sak": {
            "grunnlag": document["konkursgrunnlag"],
            "aarsak": document["avviklingskode"],
            "avslutningsKode": document["avslutningskode"],
            "innstillingsDato": document["innstillingsdato"],
            "domstol": {"navn": document["tingrett"]["navn"]},
        },
        "bobestyrer": {"orgNr": document["bostyrer"]["organisasjonsnummer"], "navn": document["bostyrer"]["navn"]},
        "boet": {"orgnr": document["konkursbo"]["organisasjonsnummer"]},
        "enheter": [
            {"orgNr": unit["organisasjonsnummer"], "name": unit["navn"], "form": unit["organisasjonsform"]}
            for unit in document["tilknyttedeEnheter"]
        ],
    }


def as_notice(made: SimulatedNotice) -> Notice:
    return Notice(made.uuid, made.type, made.registered_at, made.registered_at_text, made.ruling_date, made.debtor_id)


def received(change: Callable[[Document], Document] = dict) -> list[ReceivedDocument]:
    """Return Brreg's notices, each with its document after `change`."""
    return [
        ReceivedDocument(as_notice(made), change(expanded_dataset(made, "https://example.invalid")))
        for made in load_test_notices()
    ]


def served() -> list[SimulatedNotice]:
    """Return Brreg's notices for a simulator that serves the reshaped documents."""
    return [
        replace(made, dataset=json.dumps(reshaped(expanded_dataset(made, "https://example.invalid"))))
        for made in load_test_notices()
    ]
