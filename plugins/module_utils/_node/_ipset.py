# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's sets of addresses, from `ipset list -t -o xml` (ipset(8)): names, types and sizes, not their members."""

from __future__ import annotations

from typing import Any, Dict, List, Optional
from xml.etree import ElementTree

from ansible_collections.switchyard.cni.plugins.module_utils._backends import owner_of
from ansible_collections.switchyard.cni.plugins.module_utils._node import _facts
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, output
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

# kubernetes pkg/proxy/ipvs/ipset.go.
_KUBE_PROXY, _KUBE_PREFIX = "kube-proxy", "KUBE-"


def ipsets(look: Look) -> List[Dict[str, Any]]:
    """Collector of the section `ipsets`."""
    if look.once(_facts.evidence).feature("ip_set").state in ("missing", "module"):
        return []  # the kernel has no sets, and asking could load the module
    found = look.attempt("ipsets", _sets, look.reader) or []
    return look.listed("ipsets", found, lambda one: one["name"])


def _sets(reader: NodeReader) -> List[Dict[str, Any]]:
    return parse_sets(output(reader, ["ipset", "list", "-t", "-o", "xml"]))


def parse_sets(text: str) -> List[Dict[str, Any]]:
    """Each set's name, type, number of entries (None where an old ipset does not say) and owner. Raises Damaged."""
    if not text.strip():
        return []
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise Damaged("not XML: {0}".format(error)) from error
    return [_set(element) for element in root.iter("ipset")]


def _set(element: ElementTree.Element) -> Dict[str, Any]:
    name, kind = element.get("name"), element.findtext("type")
    if not name or not kind:
        raise Damaged("a set without name or type")
    return {
        "name": name,
        "type": kind,
        "entries": _entries(element.findtext("header/numentries")),
        "owner": owner(name),
    }


def _entries(text: Optional[str]) -> Optional[int]:
    try:
        return None if text is None else int(text)
    except ValueError as error:
        raise Damaged("a set with {0!r} entries".format(text)) from error


def owner(name: str) -> Optional[str]:
    """Whose set it is, by its name."""
    return _KUBE_PROXY if name.startswith(_KUBE_PREFIX) else owner_of("ipsets", name)
