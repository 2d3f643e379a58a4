# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that keep a node's network, and what they say of themselves."""

from __future__ import annotations

import typing as t

MESH = "node-to-node mesh"
"""The kind of the sessions that Calico configures between all nodes, in the words of calicoctl."""


class Agent(t.NamedTuple):
    """A running program of the network or of Kubernetes, with the options that say what it was told."""

    name: str
    pid: int = 0
    args: t.Tuple[str, ...] = ()


class Runtime(t.NamedTuple):
    """The container runtime, and where it looks for CNI configuration and plugins."""

    name: t.Optional[str] = None
    socket: t.Optional[str] = None
    cni_conf_dir: t.Optional[str] = None
    cni_bin_dir: t.Optional[str] = None


class Running(t.NamedTuple):
    """The plugin and backend that a node really runs, and the signs by which they were told."""

    plugin: str
    type: str
    direct_routing: bool
    signs: t.Tuple[str, ...] = ()


class BgpSession(t.NamedTuple):
    """A BGP protocol of BIRD: ``state`` is BIRD's own word (up, start, down), ``info`` what it says besides."""

    name: str
    peer: str
    state: str
    info: str = ""
    since: str = ""
    kind: t.Optional[str] = None
    peer_as: t.Optional[int] = None
    local_as: t.Optional[int] = None

    @property
    def established(self) -> bool:
        """Whether routes can be exchanged (RFC 4271, section 8.2.2)."""
        return self.state == "up" and self.info.startswith("Established")


class Bird(t.NamedTuple):
    """A BIRD that answered on its control socket."""

    socket: str
    version: str = ""
    router_id: str = ""
    sessions: t.Tuple[BgpSession, ...] = ()


class WireguardPeer(t.NamedTuple):
    """A peer of a WireGuard device; ``handshake`` is in seconds since the epoch, 0 = never."""

    public_key: str
    endpoint: t.Optional[str] = None
    allowed_ips: t.Tuple[str, ...] = ()
    handshake: int = 0


class Wireguard(t.NamedTuple):
    """A WireGuard device."""

    dev: str
    public_key: str = ""
    listen_port: int = 0
    peers: t.Tuple[WireguardPeer, ...] = ()


def parse_agent(item: t.Mapping[str, t.Any]) -> Agent:
    """A program from the module's result."""
    return Agent(item["name"], int(item.get("pid") or 0), tuple(item.get("args") or ()))


def parse_running(item: t.Mapping[str, t.Any]) -> Running:
    """What the node says it runs."""
    return Running(item["plugin"], item["backend"], bool(item.get("direct_routing")), tuple(item.get("signs") or ()))


def parse_runtime(item: t.Mapping[str, t.Any]) -> Runtime:
    """The container runtime from the module's result."""
    return Runtime(item.get("name"), item.get("socket"), item.get("cni_conf_dir"), item.get("cni_bin_dir"))


def parse_bird(item: t.Mapping[str, t.Any]) -> Bird:
    """A BIRD from the module's result."""
    return Bird(
        socket=item.get("socket") or "",
        version=item.get("version") or "",
        router_id=item.get("router_id") or "",
        sessions=tuple(_parse_session(entry) for entry in item.get("protocols") or ()),
    )


def _parse_session(item: t.Mapping[str, t.Any]) -> BgpSession:
    return BgpSession(
        name=item["name"],
        peer=item.get("peer") or "",
        state=item.get("state") or "",
        info=item.get("info") or "",
        since=item.get("since") or "",
        kind=item.get("kind"),
        peer_as=item.get("peer_as"),
        local_as=item.get("local_as"),
    )


def parse_wireguard(dev: str, item: t.Mapping[str, t.Any]) -> Wireguard:
    """A WireGuard device from the module's result."""
    return Wireguard(
        dev=dev,
        public_key=item.get("public_key") or "",
        listen_port=int(item.get("listen_port") or 0),
        peers=tuple(
            WireguardPeer(
                public_key=peer["public_key"],
                endpoint=peer.get("endpoint"),
                allowed_ips=tuple(peer.get("allowed_ips") or ()),
                handshake=int(peer.get("latest_handshake") or 0),
            )
            for peer in item.get("peers") or ()
        ),
    )
