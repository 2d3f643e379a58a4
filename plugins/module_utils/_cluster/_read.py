# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a cluster: few requests, page by page, and a named gap for whatever is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._cluster import _journal_module, _trim
from ansible_collections.switchyard.cni.plugins.module_utils._cluster._api import (
    ApiError,
    ApiMissing,
    ApiRefused,
    ApiServer,
)

PAGE = 500
"""Objects a request; kubectl's own chunk size."""

CALICO = "/apis/crd.projectcalico.org/v1"
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
DAEMONSETS = "/apis/apps/v1/daemonsets"
RECORD_NAMESPACE, RECORD = "kube-system", "switchyard-cni-images"
"""The ConfigMap in which registry.yml writes down the digests that it has mirrored."""
MIRRORED = "/api/v1/namespaces/{0}/configmaps/{1}".format(RECORD_NAMESPACE, RECORD)
OPERATOR = "/apis/operator.tigera.io/v1/installations"
FLANNEL_CONFIG, CALICO_CONFIG, TYPHA = "kube-flannel-cfg", "calico-config", "calico-typha"
# Services that every cluster has, to connect to: the API server's own, and DNS.
SERVICES = ("default/kubernetes", "kube-system/kube-dns", "kube-system/coredns")

Cluster = Dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What to read. services are ``namespace/name``."""

    sections: Tuple[str, ...]
    services: Tuple[str, ...] = SERVICES


def read(api: ApiServer, request: Request) -> Cluster:
    """Read a cluster. Raises ApiError only when the server's version cannot be read: then it does not answer."""
    found: Cluster = {"version": api.get("/version").get("gitVersion"), "gaps": []}
    reader = _Reader(api, request, found["gaps"])
    for name in request.sections:
        found[name] = _SECTIONS[name](reader)
    return found


def items(api: ApiServer, path: str, **query: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a collection, page by page."""
    following = ""
    while True:
        page = api.get(path, **dict(query, **{"limit": PAGE, "continue": following}))
        yield from page.get("items") or []
        following = (page.get("metadata") or {}).get("continue") or ""
        if not following:
            return


class _Reader:
    def __init__(self, api: ApiServer, request: Request, gaps: List[Dict[str, str]]) -> None:
        self._api, self._request, self._gaps = api, request, gaps

    @cached_property
    def _now(self) -> datetime:
        """The server's time, asked for when something has an age."""
        return self._api.now()

    def nodes(self) -> List[Cluster]:
        return self._list("/api/v1/nodes", _trim.node)

    def namespaces(self) -> List[str]:
        return self._list("/api/v1/namespaces", lambda item: item["metadata"]["name"])

    def agents(self) -> List[Cluster]:
        return self._list(DAEMONSETS, _trim.agent)

    def flannel(self) -> List[Cluster]:
        return self._named(FLANNEL_CONFIG, _trim.flannel_config)

    def calico(self) -> Any:
        try:
            self._api.get(CALICO)
        except ApiMissing:
            return None  # no Calico: a fact, not a gap
        except ApiError as error:
            self._gap(CALICO, error)
            return None
        configurations = self._list(CALICO + "/bgpconfigurations", _default(_trim.bgp_configuration))
        return {
            "pools": self._list(CALICO + "/ippools", _trim.pool),
            "blocks": self._list(CALICO + "/blockaffinities", _trim.block),
            "bgp": configurations[0] if configurations else _trim.bgp_configuration({}),
            "peers": self._list(CALICO + "/bgppeers", _trim.bgp_peer),
            "felix": self._list(CALICO + "/felixconfigurations", _trim.felix_configuration),
            "operator": bool(self._list(OPERATOR, lambda item: item["metadata"]["name"])),
            "typhas": self._list(
                "/apis/apps/v1/deployments",
                lambda item: item["metadata"]["namespace"],
                fieldSelector="metadata.name=" + TYPHA,
            ),
            "config": (self._named(CALICO_CONFIG, _trim.calico_config) or [None])[0],
        }

    def services(self) -> List[Cluster]:
        found = []
        for name in self._request.services:
            namespace, dummy, service = name.partition("/")
            path = "/api/v1/namespaces/{0}/services/{1}".format(namespace, service)
            try:
                trimmed = _trim.service(self._api.get(path))
            except ApiMissing as error:
                if name not in SERVICES:
                    self._gap(path, error)
                continue
            except ApiError as error:
                self._gap(path, error)
                continue
            if trimmed is not None:
                found.append(trimmed)
        return found

    def service_cidrs(self) -> List[str]:
        # Kubernetes 1.33 made this API stable; without it nobody but the API server's own options knows.
        path = "/apis/networking.k8s.io/v1/servicecidrs"
        try:
            return [cidr for item in items(self._api, path) for cidr in _trim.service_cidrs(item)]
        except ApiError:
            return []

    def guarded(self) -> List[str]:
        """The namespaces in which a policy says who may talk to whom; an empty name where one says so of all."""
        found = set(self._list(POLICIES, lambda item: item["metadata"]["namespace"]))
        found.update(self._list(CALICO + "/networkpolicies", lambda item: item["metadata"]["namespace"]))
        if self._list(CALICO + "/globalnetworkpolicies", lambda item: item["metadata"]["name"]):
            found.add("")
        return sorted(found)

    def pods(self) -> List[Cluster]:
        """The pods with a network of their own."""
        return self._list("/api/v1/pods", _trim.pod)

    def policies(self) -> Cluster:
        """The policies by name: those of Kubernetes, which any plugin may enforce, and Calico's own."""
        own = CALICO + "/networkpolicies", CALICO + "/globalnetworkpolicies"
        return {
            "kubernetes": sorted(self._list(POLICIES, _trim.policy)),
            "calico": sorted(name for path in own for name in self._list(path, _trim.policy)),
        }

    def ipam(self) -> List[Cluster]:
        """The addresses that Calico's IPAM holds for pods, by block."""
        return self._list(CALICO + "/ipamblocks", lambda item: _trim.ipam_block(item, self._now))

    def mirrored(self) -> Cluster:
        """The images that registry.yml has mirrored, and which images the agents' pods run."""
        try:
            images = _trim.mirrored(self._api.get(MIRRORED))
        except ApiMissing:
            return {"images": {}, "running": []}
        except ApiError as error:
            self._gap(MIRRORED, error)
            return {"images": {}, "running": []}
        running: List[Cluster] = []
        for item in items(self._api, DAEMONSETS) if images else ():
            words = _trim.selector_of_agent(item)
            if words:
                path = "/api/v1/namespaces/{0}/pods".format(item["metadata"]["namespace"])
                running += [one for found in self._list(path, _trim.running, labelSelector=words) for one in found]
        return {"images": images, "running": running}

    def journal(self) -> Any:
        """What _journal_module.look() tells; a journal that cannot be read is a gap."""
        try:
            return _journal_module.look(self._api, self._now)
        except ApiError as error:
            self._gap("the journal of changes", error)
        except ValueError as error:
            self._gaps.append({"what": "the journal of changes", "reason": "it is damaged: {0}".format(error)})
        return None

    def _named(self, name: str, trim: Callable[[Mapping[str, Any]], Any]) -> List[Any]:
        """ConfigMaps of one name in any namespace."""
        return self._list("/api/v1/configmaps", trim, fieldSelector="metadata.name=" + name)

    def _list(self, path: str, trim: Callable[[Mapping[str, Any]], Any], **query: str) -> List[Any]:
        try:
            trimmed = [trim(item) for item in items(self._api, path, **query)]
        except ApiMissing:
            return []
        except ApiError as error:
            self._gap(path, error)
            return []
        return [item for item in trimmed if item is not None]

    def _gap(self, what: str, error: ApiError) -> None:
        told = "not allowed: {0}" if isinstance(error, ApiRefused) else "{0}"
        self._gaps.append({"what": what, "reason": told.format(error)})


def _default(trim: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Only the object named ``default``, which holds for the whole cluster."""
    return lambda item: trim(item) if item["metadata"]["name"] == "default" else None


_SECTIONS: Mapping[str, Callable[[_Reader], Any]] = {
    "nodes": _Reader.nodes,
    "namespaces": _Reader.namespaces,
    "agents": _Reader.agents,
    "flannel": _Reader.flannel,
    "calico": _Reader.calico,
    "services": _Reader.services,
    "service_cidrs": _Reader.service_cidrs,
    "guarded": _Reader.guarded,
    "pods": _Reader.pods,
    "policies": _Reader.policies,
    "ipam": _Reader.ipam,
    "mirrored": _Reader.mirrored,
    "journal": _Reader.journal,
}
SECTIONS = tuple(_SECTIONS)
LARGE = ("pods", "policies")
"""Sections that are read only where they are asked for: a cluster may have many thousands of them."""
