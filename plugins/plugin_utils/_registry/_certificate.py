# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's certificate authority, judged before it goes anywhere: is it one, is it valid, has it signed?

Sources: RFC 5280, section 4.2.1.9 (basic constraints); OpenSSL, X509_verify_cert_error_string(3) for the codes.
"""

from __future__ import annotations

import datetime
import socket
import ssl
import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._problems import Problem

try:
    from cryptography import x509
except ImportError:  # ansible-core brings it along; sanity tests import without it
    x509 = None  # type: ignore[assignment]

CA_FILE, REGISTRY = "network_registry_ca_file", "network_registry"
_TIMEOUT = 10.0
"""Seconds for a connection and its handshake."""
_EXPIRED, _EARLY, _NAMES = (10,), (9,), (62, 64)


def authority_problems(path: str, text: str, now: datetime.datetime) -> list[Problem]:
    """What is wrong with the authority itself; ``now`` is UTC."""
    if "PRIVATE KEY" in text:
        remedy = "Name the file with the certificate alone: the key stays where certificates are signed"
        return [Problem(CA_FILE, path, "holds a private key, which no node must have", remedy)]
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return [Problem(CA_FILE, path, "holds no certificate in PEM", "Write one: openssl x509 -in FILE -out FILE.pem")]
    return [problem for one in certificates for problem in _judged(path, one, now)]


def _judged(path: str, one: x509.Certificate, now: datetime.datetime) -> t.Iterator[Problem]:
    subject = one.subject.rfc4514_string()
    try:
        is_authority = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        yield Problem(
            CA_FILE,
            path,
            f"{subject} is no certificate authority (its basic constraints do not say CA:TRUE)",
            "Name the certificate that has signed the registry's, or have the registry's signed by an authority",
        )
    first, last = _validity(one)
    if now > last:
        yield Problem(CA_FILE, path, f"{subject} has expired on {last:%Y-%m-%d}", "Renew the authority")
    if now < first:
        yield Problem(CA_FILE, path, f"{subject} is not valid before {first:%Y-%m-%d}", "Compare the clocks")


def _validity(one: x509.Certificate) -> tuple[datetime.datetime, datetime.datetime]:
    # cryptography before 42 has only the names without a time zone.
    first = getattr(one, "not_valid_before_utc", None) or one.not_valid_before
    last = getattr(one, "not_valid_after_utc", None) or one.not_valid_after
    return first.replace(tzinfo=None), last.replace(tzinfo=None)


def handshake(host: str, port: int, authority: str) -> None:
    """Connect to the registry as a node would. Raises OSError, of which ssl.SSLError is one."""
    context = ssl.create_default_context(cadata=authority or None)
    with (
        socket.create_connection((host, port), timeout=_TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host),
    ):
        return


def handshake_problem(registry: str, path: str, error: OSError) -> Problem:
    """What a failed connection to the registry means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(registry, path, error)
    if isinstance(error, ssl.SSLError):
        remedy = "Give the registry a certificate: without one no runtime trusts it"
        return Problem(REGISTRY, registry, f"does not speak TLS as it should: {error.reason or error}", remedy)
    if isinstance(error, socket.gaierror):
        remedy = "Give the name an address in DNS or in /etc/hosts, here and on the nodes"
        return Problem(REGISTRY, registry, "its name is not resolved", remedy)
    if isinstance(error, ConnectionRefusedError):
        return Problem(REGISTRY, registry, "nobody listens there", "Start the registry, or correct the port")
    told = error.strerror or str(error) or "no answer"
    return Problem(REGISTRY, registry, f"cannot be reached: {told}", "Look at routes and firewalls on the way to it")


def _unverified(registry: str, path: str, error: ssl.SSLCertVerificationError) -> Problem:
    if error.verify_code in _EXPIRED + _EARLY:
        word = "has expired" if error.verify_code in _EXPIRED else "is not valid yet"
        return Problem(REGISTRY, registry, f"its certificate {word}", "Renew it, or compare the clocks")
    if error.verify_code in _NAMES:
        remedy = "Name the registry as its certificate does, or have one made for this name"
        return Problem(REGISTRY, registry, "its certificate is for another name", remedy)
    if path:
        reason = f"has not signed the certificate of {registry}: {error.verify_message}"
        return Problem(CA_FILE, path, reason, "Name the certificate of the authority that did")
    reason = f"its certificate is signed by an authority that nobody trusts here: {error.verify_message}"
    return Problem(REGISTRY, registry, reason, f"Set {CA_FILE} to the certificate of that authority")
