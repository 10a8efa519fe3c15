from __future__ import annotations

from tests.pipeline.conftest import _one_attempt_each, new_bank

__all__ = ["_one_attempt_each", "new_bank"]
