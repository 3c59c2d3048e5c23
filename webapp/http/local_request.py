"""Recognises requests from this machine, which may do everything while there is no account.

All four conditions must hold:

- The peer has a loopback address; a container's bridge or another host has not.
- The Host is a local name. A page of another site whose name resolves to this machine (DNS rebinding) sends
  its own name.
- No header of a proxy is present, because every request of a proxy on this machine has a loopback address.
- The protocol is not HTTP/1.0. Browsers do not use it, but nginx does by default, with a local Host and
  without a forwarding header.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Request, current_app

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PROTOCOL: Final = "SERVER_PROTOCOL"
# Headers that proxies add, as WSGI names them: by prefix, and by name.
FORWARDING_PREFIXES: Final = (
    "HTTP_X_FORWARDED",
    "HTTP_X_ORIGINAL_",
    "HTTP_X_ENVOY_",
    "HTTP_X_AMZN_",
    "HTTP_X_AZURE_",
    "HTTP_CF_",
    "HTTP_FASTLY_",
    "HTTP_TAILSCALE_",
)
FORWARDING_HEADERS: Final = frozenset(
    {
        "HTTP_FORWARDED",
        "HTTP_VIA",
        "HTTP_CDN_LOOP",
        "HTTP_CLIENT_IP",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_X_CLIENT_IP",
        "HTTP_X_CLUSTER_CLIENT_IP",
        "HTTP_X_REAL_IP",
        "HTTP_X_SCHEME",
    }
)


def is_local(request: Request) -> bool:
    """Return whether the request comes directly from this machine."""
    if current_app.config["TRUSTED_PROXIES"]:
        return False  # behind a proxy, every request is forwarded
    return (
        _is_loopback(request.remote_addr or "")
        and _is_local_host(request.host)
        and not _was_forwarded(request)
        and request.environ.get(_PROTOCOL) != "HTTP/1.0"
    )


@lru_cache(maxsize=256)
def _is_loopback(address: str) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return False
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return peer.is_loopback


def _is_local_host(host: str) -> bool:
    return urlsplit(f"//{host}").hostname in LOCAL_HOSTS


def _was_forwarded(request: Request) -> bool:
    names = request.environ.keys()
    return not FORWARDING_HEADERS.isdisjoint(names) or any(
        name.startswith(FORWARDING_PREFIXES) for name in names
    )
