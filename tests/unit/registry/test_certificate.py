# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority of a registry: what is wrong is said before it goes anywhere, each wrong case in its own words."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
from ansible_collections.switchyard.cni.plugins.plugin_utils._registry import _certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
DAY = datetime.timedelta(days=1)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def made(name, signer=None, authority=False, names=(), first=NOW - DAY, last=NOW + DAY):
    """A certificate and its key, signed by itself or by another one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuers_key = (subject, key) if signer is None else (signer[0].subject, signer[1])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), first, last)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signers = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key())
    builder = builder.add_extension(identity, critical=False).add_extension(signers, critical=False)
    if authority:
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        rest = {"digital_signature": True, "key_cert_sign": True, "crl_sign": True, "encipher_only": False}
        builder = builder.add_extension(x509.KeyUsage(**usage, **rest, decipher_only=False), critical=True)
    return builder.sign(issuers_key, hashes.SHA256()), key


AUTHORITY = made("an authority", authority=True)
LOCAL = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]


def reasons(text):
    return [one.reason for one in _certificate.authority_problems("ca.crt", text, NOW)]


def test_a_sound_authority_has_no_problem_and_so_have_two():
    assert reasons(pem(AUTHORITY[0])) == []
    assert reasons(pem(AUTHORITY[0]) + pem(made("next", authority=True)[0])) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "holds no certificate in PEM"),
        ("-----BEGIN PRIVATE KEY-----\n", "holds a private key"),
        (pem(made("harbor", names=LOCAL)[0]), "CN=harbor is no certificate authority"),
        (pem(made("old", authority=True, first=NOW - 9 * DAY, last=NOW - DAY)[0]), "CN=old has expired on"),
        (pem(made("new", authority=True, first=NOW + DAY, last=NOW + 9 * DAY)[0]), "CN=new is not valid before"),
    ],
    ids=["no PEM", "a key", "no authority", "expired", "too early"],
)
def test_each_wrong_authority_has_its_own_words(text, reason):
    (told,) = reasons(text)
    assert told.startswith(reason)


def test_of_a_bundle_each_certificate_is_judged():
    assert len(reasons(pem(AUTHORITY[0]) + pem(made("harbor")[0]))) == 1


# ---- a real connection


@contextlib.contextmanager
def server(tmp_path, certificate, key):
    """A TLS server that accepts and hangs up."""
    place = tmp_path / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    place.write_text(pem(certificate) + secret.decode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                plain, dummy = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def problem(host, port, authority, path="ca.crt"):
    try:
        _certificate.handshake(host, port, authority)
    except OSError as error:
        return _certificate.handshake_problem(f"{host}:{port}", path, error)
    return None


def test_a_registry_that_the_authority_has_signed_is_trusted(tmp_path):
    with server(tmp_path, *made("registry", AUTHORITY, names=LOCAL)) as port:
        assert problem("127.0.0.1", port, pem(AUTHORITY[0])) is None
        both = pem(made("next", authority=True)[0]) + pem(AUTHORITY[0])
        assert problem("127.0.0.1", port, both) is None


def test_another_authority_is_named_with_its_file(tmp_path):
    with server(tmp_path, *made("registry", AUTHORITY, names=LOCAL)) as port:
        told = problem("127.0.0.1", port, pem(made("another", authority=True)[0]))
    assert (told.variable, told.value) == ("network_registry_ca_file", "ca.crt")
    assert "has not signed the certificate of 127.0.0.1" in told.reason


def test_without_a_file_it_is_said_which_variable_is_missing(tmp_path):
    with server(tmp_path, *made("registry", AUTHORITY, names=LOCAL)) as port:
        told = problem("127.0.0.1", port, "", "")
    assert told.variable == "network_registry"
    assert "network_registry_ca_file" in told.remedy


def test_an_expired_certificate_and_another_name_are_told_apart(tmp_path):
    old = made("registry", AUTHORITY, names=LOCAL, first=NOW - 9 * DAY, last=NOW - DAY)
    with server(tmp_path, *old) as port:
        assert problem("127.0.0.1", port, pem(AUTHORITY[0])).reason == "its certificate has expired"
    for name in ("harbor.example", "other"):
        other = made("registry", AUTHORITY, names=[x509.DNSName(name)])
        with server(tmp_path, *other) as port:
            assert problem("127.0.0.1", port, pem(AUTHORITY[0])).reason == "its certificate is for another name"
            assert problem("localhost", port, pem(AUTHORITY[0])).reason == "its certificate is for another name"


def test_a_registry_that_does_not_answer_is_told_by_how_it_does_not():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert problem("127.0.0.1", port, "").reason == "nobody listens there"
    assert problem("registry.invalid", 443, "").reason == "its name is not resolved"


def test_a_registry_without_tls_says_so():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        plain, dummy = listener.accept()
        with contextlib.suppress(OSError), plain:
            plain.recv(1000)
            plain.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    told = problem("127.0.0.1", listener.getsockname()[1], "")
    thread.join(5)
    listener.close()
    assert told.reason.startswith("does not speak TLS as it should")
