# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What went wrong with an image, out of the words of whoever pulled or copied it.

All of them are Go programs (containerd, Docker, CRI-O, skopeo) and say it in the words of Go's libraries. Sources: Go's
net and crypto/x509; containerd, core/remotes/docker; containers/image, docker/errors.go; the OCI distribution
specification's error codes.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple


class Cause(NamedTuple):
    """A cause in a word, in words, and the way out."""

    name: str
    told: str
    remedy: str


_CAUSES: Tuple[Tuple[str, Cause], ...] = (
    (
        r"no such host|server misbehaving|temporary failure in name resolution|lookup \S+.*: i/o timeout",
        Cause("dns", "its name is not resolved", "Give the name an address in DNS or in /etc/hosts there"),
    ),
    (
        r"signed by unknown authority|unable to get local issuer|self.signed certificate",
        Cause(
            "authority",
            "the authority that signed its certificate is not trusted",
            "Set network_registry_ca_file to the certificate of that authority, and run registry.yml",
        ),
    ),
    (
        r"certificate has expired|not yet valid",
        Cause("expired", "its certificate has expired, or is not valid yet", "Renew it, and compare the clocks"),
    ),
    (
        r"certificate is valid for|not valid for any names|doesn't contain any IP SANs|cannot validate certificate for",
        Cause(
            "name",
            "its certificate is for another name",
            "Name the registry in network_registry as its certificate does, or have one made for this name",
        ),
    ),
    (
        r"server gave HTTP response to HTTPS client",
        Cause("plain", "it does not speak TLS", "Give the registry a certificate: without one no runtime trusts it"),
    ),
    (
        r"connection refused",
        Cause("refused", "nobody listens there", "Start the registry, or correct the port in network_registry"),
    ),
    (
        r"no route to host|network is unreachable|i/o timeout|TLS handshake timeout|deadline exceeded|"
        r"Client\.Timeout exceeded",
        Cause("route", "no answer comes from there", "Look at routes and firewalls on the way to the registry"),
    ),
    (
        r"toomanyrequests|429 Too Many Requests",
        Cause("limit", "it takes no more requests for now", "Run it again later, or with credentials"),
    ),
    (
        r"401 Unauthorized|authentication required|no basic auth credentials|unauthorized|authorization failed|"
        r"invalid username/password|incorrect username or password",
        Cause(
            "credentials",
            "it does not take these credentials, or wants some",
            "Correct network_registry_username and network_registry_password",
        ),
    ),
    (
        r"403 Forbidden|denied",
        Cause("forbidden", "this user may not do that", "Give the user of network_registry_username the right to it"),
    ),
    (
        r"manifest unknown|not found|404|name unknown|NAME_UNKNOWN|no such image|ImageInspectError",
        Cause("missing", "it has no such image", "Mirror the image with registry.yml, or correct its name"),
    ),
    (
        r"no space left on device",
        Cause("space", "there is no space left", "Make room where the images are kept"),
    ),
)
_LOGGED = re.compile(r'level=fatal msg="(.*)"\Z', re.DOTALL)
_UNKNOWN = Cause("unknown", "it cannot be had", "Read what was said")


def cause(said: str) -> Cause:
    """The cause that some words tell of."""
    return next((one for pattern, one in _CAUSES if re.search(pattern, said, re.IGNORECASE)), _UNKNOWN)


def explained(said: str) -> str:
    """The cause and the way out, with the words themselves last: they name the address and the attempt."""
    found = cause(said)
    # Of a log line of skopeo the message alone.
    message = _LOGGED.search(said.strip())
    words = " ".join((message.group(1).replace('\\"', '"') if message else said).split())
    return "{0}. {1}. Said was: {2}".format(found.told, found.remedy, words)
