"""Whether a request comes from this machine: what may do everything while there is no account.

All of four must hold. The peer is a loopback address; a container's bridge or another host is not.
The Host is a local name; a page of another site that made its own name lead here (DNS rebinding)
sends that name. No header says that somebody passed the request on: behind a proxy on this
machine every request comes from a loopback address. And it is not HTTP/1.0, which browsers left long
ago and nginx speaks to what is behind it, by default with a local Host and without any header.
"""

from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Request, current_app

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PROTOCOL: Final = "SERVER_PROTOCOL"
# What proxies add, as the environment of WSGI names it: all that begin so, and these.
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
    """Say whether the request was made on this machine, for this machine, and passed on by nobody."""
    if current_app.config["TRUSTED_PROXIES"]:
        return False  # somebody put a proxy in front, so whatever arrives was passed on
    return (
        _is_loopback(request.remote_addr or "")
        and _is_local_host(request.host)
        and not _was_forwarded(request)
        and request.environ.get(_PROTOCOL) != "HTTP/1.0"
    )


def _is_loopback(address: str) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:  # a Unix socket has none
        return False
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return peer.is_loopback


def _is_local_host(host: str) -> bool:
    return urlsplit(f"//{host}").hostname in LOCAL_HOSTS


def _was_forwarded(request: Request) -> bool:
    names = request.environ.keys()
    return any(name in FORWARDING_HEADERS or name.startswith(FORWARDING_PREFIXES) for name in names)
