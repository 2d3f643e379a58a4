# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of backends: a family adds its file here, and nothing else changes.

This file is private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.module_utils._backends import _calico, _calico_encrypted, _flannel
from ansible_collections.switchyard.cni.plugins.module_utils._backends._base import Backend, BackendError
from ansible_collections.switchyard.cni.plugins.module_utils._backends._needs import Traces, matches
from ansible_collections.switchyard.cni.plugins.module_utils._model import NodeFacts, Running

_FAMILIES = (_flannel, _calico)

_PLAIN: t.Tuple[Backend, ...] = tuple(backend for family in _FAMILIES for backend in family.BACKENDS)
BACKENDS: t.Tuple[Backend, ...] = _PLAIN + _calico_encrypted.BACKENDS
"""What encrypts on top of another backend comes after it: find() takes it only where that is asked for."""

_TRACES: t.Mapping[str, Traces] = {backend.plugin: backend.traces for backend in BACKENDS}


def plugins() -> t.Tuple[str, ...]:
    """The network plugins that have backends here."""
    return tuple(dict.fromkeys(backend.plugin for backend in BACKENDS))


def traces() -> t.Dict[str, Traces]:
    """By what each plugin can be recognised on a node."""
    return dict(_TRACES)


def owner_of(kind: str, name: str) -> t.Optional[str]:
    """The plugin that gives things of a kind (a field of Traces, such as "chains") names like this one."""
    for plugin, one in _TRACES.items():
        if matches(name, getattr(one, kind)):
            return plugin
    return None


def running(facts: NodeFacts) -> t.Optional[Running]:
    """What a node is really running; the plugin with the CNI configuration in force counts before any other."""
    found = [one for one in (family.recognise(facts) for family in _FAMILIES) if one is not None]
    return max(found, key=lambda one: one.signs[0].startswith("CNI"), default=None)


def types(plugin: str) -> t.Tuple[str, ...]:
    """The backend types of a plugin, as an operator writes them."""
    return tuple(dict.fromkeys(backend.type for backend in BACKENDS if backend.plugin == plugin))


def find(plugin: str, type_name: str, direct_routing: bool = False, encrypted: bool = False) -> Backend:
    """The backend of that type; ``encrypted`` asks for one that encrypts what others of its type send in the clear.

    Raises BackendError that says which ones there are.
    """
    variants = [backend for backend in BACKENDS if backend.plugin == plugin and backend.type == type_name]
    if not variants:
        raise BackendError(
            "%s has no backend %s here; there are %s" % (plugin, type_name, ", ".join(types(plugin)) or "none")
        )
    for backend in variants:
        if backend.direct_routing == direct_routing and backend.encrypts >= encrypted:
            return backend
    raise BackendError("the backend %s of %s has no DirectRouting" % (type_name, plugin))
