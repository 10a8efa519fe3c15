"""Brreg's addresses, and the rules for a URL that somebody configures."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

SIMULATOR_URL: Final = "https://127.0.0.1:8443"
BRREG_URLS: Final = {
    "demo": SIMULATOR_URL,
    "test": "https://konkursvarsel.ppe-vcert.brreg.no",
    "prod": "https://konkursvarsel.vcert.brreg.no",
}
ENHETSREGISTERET_URL: Final = "https://data.brreg.no/enhetsregisteret/api"
# The path of Enhetsregisteret below the simulator's address.
SIMULATED_ENHETSREGISTERET: Final = "/enhetsregisteret/api"
_TEST_HOST: Final = re.compile(r"(^|[.-])(ppe|test|tt02|simulator)([.-]|$)", re.IGNORECASE)
# A name and password, or a token, in a URL: never shown, not even when the URL is refused because of them.
_CREDENTIALS: Final = re.compile(r"(?<=//).*(?=@)|(?<=[?#]).+")


def base_url(text: str) -> SplitResult | None:
    """Return the parts of a base URL without credentials; null if `text` is no base URL."""
    try:
        url = urlsplit(text)
        is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_usable and not (url.query or url.fragment or "@" in url.netloc) else None


def is_safe(url: SplitResult) -> bool:
    """Whether nobody on the way can read or change what is sent: https, or plain http on this machine."""
    return url.scheme == "https" or is_loopback(url.hostname or "")


def is_test_host(url: SplitResult) -> bool:
    """Whether the host's name says that it is a test service."""
    return _TEST_HOST.search(url.hostname or "") is not None


def without_credentials(text: str) -> str:
    """Return `text` with a URL's name, password and query replaced by an ellipsis."""
    return _CREDENTIALS.sub("…", text)


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
