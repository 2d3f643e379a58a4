# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the registry do to it: its images, certificates and service. It is Debian's docker-registry."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from testing import lab, runs

HOST, ADDRESS = "k8s-harbor1", "192.168.7.103"
REGISTRY = f"{ADDRESS}:5000"
USER, PASSWORD = "lab", "switchyard-lab-registry"
PKI, FILES = runs.ROOT / ".lab/pki", runs.ROOT / ".lab/nodes" / HOST
NAMES = ("flannel", "flannel-cni-plugin")
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_NOW = datetime.datetime.now(datetime.UTC)
_DAY = datetime.timedelta(days=1)


def on_registry(*words: str) -> str:
    """Run a command on the registry's host."""
    return lab.on_node(HOST, *words)


def ask(path: str, method: str = "GET", data: bytes | None = None, kind: str = "") -> tuple[bytes, str]:
    """Ask the registry as the lab's user, or give it data of a media type; the answer's content and its digest."""
    context = ssl.create_default_context(cafile=str(PKI / "registry-ca.crt"))
    wanted = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {
        "Authorization": f"Basic {pair}",
        "Accept": f"{wanted}, {LIST}",
        **({"Content-Type": kind} if kind else {}),
    }
    request = urllib.request.Request(f"https://{REGISTRY}/v2/{path}", data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return answer.read(), answer.headers.get("Docker-Content-Digest", "")


def digests() -> dict[str, str]:
    """The digest of each mirrored image, as the registry itself tells it."""
    found = {}
    for name in NAMES:
        for tag in json.loads(ask(f"baseimages/{name}/tags/list")[0])["tags"]:
            found[f"{REGISTRY}/baseimages/{name}:{tag}"] = ask(f"baseimages/{name}/manifests/{tag}")[1]
    return found


def make_list(name: str, tag: str, instances: dict[str, str]) -> str:
    """Make a list of images that the repository has under other tags, by architecture; its digest."""
    rows = []
    for architecture, own in instances.items():
        raw, digest = ask(f"{name}/manifests/{own}")
        kind, platform = json.loads(raw)["mediaType"], {"architecture": architecture, "os": "linux"}
        rows.append({"mediaType": kind, "size": len(raw), "digest": digest, "platform": platform})
    data = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": rows}).encode()
    return ask(f"{name}/manifests/{tag}", "PUT", data, LIST)[1]


def forget_images() -> None:
    """Leave the registry without any image."""
    on_registry("systemctl", "stop", "docker-registry")
    on_registry("rm", "-rf", "/var/lib/docker/registry/docker")
    start()


def start() -> None:
    """Let the registry run, and wait until it answers."""
    on_registry("systemctl", "restart", "docker-registry")
    lab.eventually(_answers, 20, "the registry answers")


def _answers() -> bool:
    try:
        ask("")
    except OSError:
        return False
    return True


# ---- certificates


@dataclass(frozen=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def secret(self) -> str:
        """The key as text."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def lab_authority() -> Signed:
    """The authority that has signed the registry's certificate."""
    key = serialization.load_pem_private_key((PKI / "registry-ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Signed(x509.load_pem_x509_certificate((PKI / "registry-ca.crt").read_bytes()), key)


def signed(name: str, by: Signed | None = None, addresses: Iterable[str] = (), days: int = 30) -> Signed:
    """A certificate: an authority's where nobody signs it, else one for these addresses; ``days`` may be over."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = by.certificate.subject if by else subject
    first, last = sorted((_NOW - _DAY, _NOW + days * _DAY))
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), first, last)
    builder = builder.add_extension(x509.BasicConstraints(by is None, None), critical=True)
    if addresses:
        names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)


@contextmanager
def serving(certificate: Signed) -> Iterator[None]:
    """The registry shows another certificate meanwhile."""
    kept = {name: (FILES / name).read_text() for name in ("registry.crt", "registry.key")}
    try:
        _serve(certificate.pem, certificate.secret)
        on_registry("systemctl", "restart", "docker-registry")
        lab.eventually(lambda: "active" in on_registry("systemctl", "is-active", "docker-registry"), 20, "it runs")
        yield
    finally:
        _serve(kept["registry.crt"], kept["registry.key"])
        start()


def _serve(certificate: str, key: str) -> None:
    for name, text in (("registry.crt", certificate), ("registry.key", key)):
        (FILES / name).write_text(text)


def written(folder: Path, *certificates: Signed) -> str:
    """The path of a file with these certificates."""
    path = folder / "authority.crt"
    path.write_text("".join(one.pem for one in certificates))
    return str(path)
