# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP: does every node's BIRD have a session with every peer it needs?

Sources: RFC 4271 (session states), confd's bird.cfg.template in Calico v3.32 (names of protocols: Mesh_, Node_,
Global_), BIRD's own words for its protocols ("show protocols all").
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._model import BgpSession, Bird
from ansible_collections.switchyard.cni.plugins.module_utils._model._agents import MESH
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._case import Case
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._finding import ERROR, WARNING, Check, Findings
from ansible_collections.switchyard.cni.plugins.plugin_utils._verify._scene import Scene

TOPIC = "BGP"
_BIRD = ("bird",)

SILENT = Check("bird-silent", ERROR, "BIRD answers on its control socket", _BIRD)
DOWN = Check("bgp-session-down", ERROR, "Every BGP session is Established", _BIRD)
NO_PEER = Check("bgp-peer-missing", ERROR, "BIRD has a session for every node of the mesh", _BIRD)
UNKNOWN = Check("bgp-peer-unknown", WARNING, "BIRD has no session for a node that is gone", _BIRD)
NOBODY = Check("bgp-no-way", ERROR, "Without the mesh every node has a peer to learn routes from")
ONE_REFLECTOR = Check("bgp-reflector-single", WARNING, "Two route reflectors at least serve the nodes")
AS_NUMBER = Check("bgp-wrong-as", ERROR, "Sessions use the declared AS number", _BIRD)

CHECKS = (SILENT, DOWN, NOBODY, NO_PEER, UNKNOWN, ONE_REFLECTOR, AS_NUMBER)


def survey(scene: Scene) -> Findings:
    """Who the nodes learn routes from where the mesh is switched off."""
    calico = scene.cluster.calico
    if calico is None or calico.mesh or not scene.backend.speaks_bgp or len(scene.cluster.members) < 2:
        return
    reflectors = [name for name, one in scene.announced.items() if one.reflector]
    if not reflectors and not calico.peers:
        hint = "Switch the mesh on in the BGPConfiguration default, or name reflectors in calico_route_reflectors"
        yield NOBODY.found("", "nodeToNodeMeshEnabled: false", "route reflectors or peers", "none of them", hint)
    if len(reflectors) == 1:
        hint = "Name a second node in calico_route_reflectors: while this one restarts, no node learns of a change"
        yield ONE_REFLECTOR.found("", "route reflectors", "two or more", reflectors[0], hint)


def examine(case: Case) -> Findings:
    """The BGP sessions of one node."""
    calico = case.scene.cluster.calico
    if calico is None or not case.view.told("bird"):
        return
    served = {version for bird in case.facts.birds for version in _families(bird)}
    if calico.backend == "bird" or (calico.backend is None and case.backend.speaks_bgp):
        for version in set(case.intent.versions) - served:
            hint = f"Look at calico-node's log on {case.name}: BIRD runs inside it"
            yield SILENT.found(case.name, f"BIRD for IPv{version}", "an answer", "no control socket that answers", hint)
    sessions = {session.peer: session for bird in case.facts.birds for session in bird.sessions}
    for session in sessions.values():
        yield from _session(case, session)
    if calico.mesh and not case.view.announced.reflector:
        yield from _mesh(case, sessions, served)


def _families(bird: Bird) -> tuple[int, ...]:
    """The IP versions a BIRD serves: from 2.0 on one daemon serves both, before that bird6 is another program."""
    if "bird6" in bird.socket:
        return (6,)
    # Calico's fork calls itself v0.3.3+birdv1.6.8.
    major = re.search(r"(?:^|birdv)(\d+)\.", bird.version)
    return (4, 6) if major and int(major[1]) >= 2 else (4,)


def _session(case: Case, session: BgpSession) -> Findings:
    subject = f"{session.peer} ({session.kind or session.name})"
    calico = case.scene.cluster.calico
    if not session.established:
        actual = " ".join(word for word in (session.state, session.info) if word)
        yield DOWN.found(case.name, subject, "up Established", actual, _cure(session))
    if calico is not None and session.kind == MESH:
        own, peer = (_declared(case, name) for name in (case.name, case.scene.mesh.get(session.peer, "")))
        for expected, actual in _as_numbers(session, own, peer):
            hint = "Correct asNumber in the BGPConfiguration default or on the Node, and restart calico-node there"
            yield AS_NUMBER.found(case.name, subject, expected, actual, hint)


def _declared(case: Case, node: str) -> int | None:
    """The AS number of a node: its own, else the cluster's."""
    announced, calico = case.scene.announced.get(node), case.scene.cluster.calico
    if announced is not None and announced.as_number is not None:
        return announced.as_number
    return calico.as_number if calico is not None else None


def _as_numbers(session: BgpSession, own: int | None, peer: int | None) -> t.Iterator[tuple[str, str]]:
    """What should be and is not. BIRD 1.6 does not print its own number; that it is wrong shows when a peer refuses it.

    Refusing is "Bad Peer AS" (RFC 4271, section 6.2); BIRD says whether it has sent the error or received it.
    """
    for whose, declared, number in (("own", own, session.local_as), ("peer's", peer, session.peer_as)):
        if number is not None and number != declared:
            yield f"{whose} AS {declared}", f"{whose} AS {number}"
    if "bad peer as" in session.info.lower():
        if "received" in session.info.lower():
            yield f"own AS {own}", "another one: the peer refuses it"
        else:
            yield f"peer's AS {peer}", "another one: it is refused"


def _cure(session: BgpSession) -> str:
    info = session.info.lower()
    # The same error in the words of the C libraries of Calico's image and of others.
    if "unreachable" in info or "no route to host" in info:
        return f"Bring {session.peer} up, or delete its Node: no host answers at this address"
    if "refused" in info:
        return f"Start calico-node on {session.peer}: the host answers, BIRD does not"
    if "timed out" in info or "connect" in info:
        return f"Let TCP port 179 pass between the nodes, and see whether BIRD runs on {session.peer}"
    return f"Look at BIRD's log on both nodes; TCP port 179 must pass between them and {session.peer}"


def _mesh(case: Case, sessions: t.Mapping[str, BgpSession], served: t.Collection[int]) -> Findings:
    peers = case.scene.mesh
    for address in peers.keys() - sessions.keys():
        if peers[address] != case.name and (6 if ":" in address else 4) in served:
            hint = f"Look at calico-node's log on {case.name}: confd writes a session for every Node"
            yield NO_PEER.found(case.name, f"{address} ({peers[address]})", "a session of the mesh", "none", hint)
    for address in sessions.keys() - peers.keys():
        if sessions[address].kind == MESH:
            hint = "Delete the Node's leftovers in Calico, or restart calico-node here"
            found = f"{sessions[address].name}, for no Node"
            yield UNKNOWN.found(case.name, address, "sessions of the mesh for Nodes only", found, hint)
