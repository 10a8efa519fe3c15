"""A whole service with one notice, for servers whose certificates the simulator does not make."""

from __future__ import annotations

import socket

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from tests.brreg.hostile_server import Handler, sends_json


def answers_for(notice: SimulatedNotice) -> Handler:
    """Return a handler that is a whole service with one notice."""
    entry = {
        "uuid": notice.uuid,
        "type": notice.type,
        "registreringstidspunkt": notice.registered_at_text,
        "kjennelsesdato": notice.ruling_date.isoformat() if notice.ruling_date else None,
        "debitor": notice.debtor_id,
    }
    listed = {"_embedded": {"konkursvarsler": [entry]}, "_links": {}}
    document = expanded_dataset(notice, f"/konkursvarsler/{notice.uuid}")

    def handler(connection: socket.socket, path: str) -> None:
        body = document if path.endswith(notice.uuid) else listed
        sends_json(body)(connection, path)

    return handler
