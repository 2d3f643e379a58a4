# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's CustomResourceDefinitions, made from one table.

The API server is told which resources there are and to keep what is in them; what may be in them is checked before by
the plan, and by Calico's own client. Upstream's file, with a schema for every field, may be given instead
(calico_crds_file). Source of the names: libcalico-go/config/crd at v3.32.1.
"""

from __future__ import annotations

import typing as t

GROUP, VERSION = "crd.projectcalico.org", "v1"
POLICY_GROUP = "policy.networking.k8s.io"
APPROVED = "https://github.com/kubernetes-sigs/network-policy-api/pull/347"
"""Groups of Kubernetes itself want to know where a definition was approved (KEP-1111)."""

_TABLE = (
    ("bgpconfigurations", "BGPConfiguration", "Cluster"),
    ("bgpfilters", "BGPFilter", "Cluster"),
    ("bgppeers", "BGPPeer", "Cluster"),
    ("blockaffinities", "BlockAffinity", "Cluster"),
    ("caliconodestatuses", "CalicoNodeStatus", "Cluster"),
    ("clusterinformations", "ClusterInformation", "Cluster"),
    ("felixconfigurations", "FelixConfiguration", "Cluster"),
    ("globalnetworkpolicies", "GlobalNetworkPolicy", "Cluster"),
    ("globalnetworksets", "GlobalNetworkSet", "Cluster"),
    ("hostendpoints", "HostEndpoint", "Cluster"),
    ("ipamblocks", "IPAMBlock", "Cluster"),
    ("ipamconfigs", "IPAMConfig", "Cluster"),
    ("ipamhandles", "IPAMHandle", "Cluster"),
    ("ippools", "IPPool", "Cluster"),
    ("ipreservations", "IPReservation", "Cluster"),
    ("kubecontrollersconfigurations", "KubeControllersConfiguration", "Cluster"),
    ("networkpolicies", "NetworkPolicy", "Namespaced"),
    ("networksets", "NetworkSet", "Namespaced"),
    ("stagedglobalnetworkpolicies", "StagedGlobalNetworkPolicy", "Cluster"),
    ("stagedkubernetesnetworkpolicies", "StagedKubernetesNetworkPolicy", "Namespaced"),
    ("stagednetworkpolicies", "StagedNetworkPolicy", "Namespaced"),
    ("tiers", "Tier", "Cluster"),
)
_WITH_STATUS = ("kubecontrollersconfigurations",)
_FREE: dict[str, t.Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definitions(policy_apis: t.Iterable[tuple[str, str, str]]) -> list[dict[str, t.Any]]:
    """The definitions as objects; ``policy_apis`` are plural, kind and version of sig-network's own."""
    own = [_definition(GROUP, VERSION, *row, status=row[0] in _WITH_STATUS) for row in _TABLE]
    return own + [
        _definition(POLICY_GROUP, version, plural, kind, "Cluster", status=True)
        for plural, kind, version in policy_apis
    ]


def _definition(group: str, version: str, plural: str, kind: str, scope: str, status: bool) -> dict[str, t.Any]:
    served: dict[str, t.Any] = {
        "name": version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _FREE, "status": _FREE}}},
    }
    if status:
        served["subresources"] = {"status": {}}
    metadata: dict[str, t.Any] = {"name": f"{plural}.{group}"}
    if group == POLICY_GROUP:
        metadata["annotations"] = {"api-approved.kubernetes.io": APPROVED}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": scope,
            "versions": [served],
        },
    }
