# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel and files tell: features, sysctls, CNI configuration and plugins, flannel's subnet.env."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import (
    _cni,
    _devices,
    _filters,
    _iproute,
    _kernel,
    _kube_proxy_told,
    _runtime,
)
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import Damaged, NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, reason
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

FEATURES = ("vxlan", "br_netfilter", "ipip", "wireguard", "tun")
# Always of interest; the rp_filter of the devices that pods' packets pass is added.
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
)


def evidence(look: Look) -> _kernel.Kernel:
    """The evidence about the kernel, of which each part is read only when it is asked for."""
    return _kernel.Kernel(look.reader)


def kernel(look: Look) -> Dict[str, Any]:
    """Collector of the section `kernel`."""
    known = look.once(evidence)
    features = {name: known.feature(name) for name in FEATURES}
    for problem in known.unreadable:
        look.gap("kernel", problem)
    return {
        "release": known.release,
        "features": {name: feature.state for name, feature in features.items()},
        "reasons": {name: feature.reason for name, feature in features.items() if feature.reason},
        "tun_device": _kernel.tun_usable(look.reader, features["tun"]),
    }


def sysctls(look: Look) -> Dict[str, str]:
    """Collector of the section `sysctls`."""
    own = [_kernel.sysctl_key("net", "ipv4", "conf", dev, "rp_filter") for dev in sorted(_filtered_devices(look))]
    values: Dict[str, str] = {}
    for key in list(dict.fromkeys(SYSCTLS + look.request.sysctls + tuple(own))):
        try:
            values[key] = _kernel.read_sysctl(look.reader, key)
        except FileNotFoundError:
            provider = _kernel.sysctl_provider(key)
            look.gap("sysctl " + key, "absent" + (" (module {0} brings it)".format(provider) if provider else ""))
        except (OSError, NodeError) as error:
            look.gap("sysctl " + key, reason(error))
    return values


def _filtered_devices(look: Look) -> Set[str]:
    """The devices with IPv4 addresses, the bridge of the pods, and tunnels, even those without an address."""
    devices = {address["dev"] for address in _devices.addresses(look) if address["family"] == "inet"}
    for link in _devices.links(look):
        if link["name"] == look.request.bridge or link["kind"] in _iproute.TUNNEL_KINDS:
            devices.add(link["name"])
    return devices - {"lo"}


def cni(look: Look) -> Dict[str, Any]:
    """Collector of the section `cni`."""
    conf_dir, bin_dir = directories(look)
    elsewhere = [directory for directory in look.request.search if directory != bin_dir]
    search = {directory: _programs(look, directory) for directory in elsewhere}
    return {
        "conf_dir": conf_dir,
        "bin_dir": bin_dir,
        "configs": list(_configs(look, conf_dir)),
        "binaries": _programs(look, bin_dir),
        "search": {directory: names for directory, names in search.items() if names},
    }


def directories(look: Look) -> Tuple[str, str]:
    """Where CNI configuration and plugins are: as asked for, or with `auto` where the container runtime looks."""
    asked = (look.request.conf_dir, look.request.bin_dir)
    if _runtime.AUTO not in asked:
        return asked
    told = look.once(_runtime.runtime)
    found = (told["cni_conf_dir"], told["cni_bin_dir"])
    return (found[0] if asked[0] == _runtime.AUTO else asked[0], found[1] if asked[1] == _runtime.AUTO else asked[1])


def _configs(look: Look, directory: str) -> Iterator[Dict[str, Any]]:
    try:
        names = _cni.config_names(look.reader, directory)
    except FileNotFoundError:
        return
    except OSError as error:
        look.gap(directory, reason(error))
        return
    for name in names:
        path = os.path.join(directory, name)
        try:
            yield dict(_cni.parse_config(look.reader.read(path)), file=name)
        except (OSError, Damaged) as error:
            # Still listed: a runtime may stumble over it, and whoever cleans up must know that it is there.
            look.gap(path, reason(error))
            yield dict(_cni.damaged_config(), file=name)


def _programs(look: Look, directory: str) -> List[str]:
    return look.attempt(directory, _cni.executables, look.reader, directory) or []


def files(look: Look) -> Dict[str, Optional[Dict[str, str]]]:
    """What the files asked for hold, without their content."""
    return {path: _file(look, path) for path in look.request.files}


def _file(look: Look, path: str) -> Optional[Dict[str, str]]:
    try:
        found = look.reader.stat(path)
        if found is None:
            return None
        content = look.reader.read(path)
    except OSError as error:
        look.gap(path, reason(error))
        return {"sha256": "", "mode": ""}
    return {"sha256": hashlib.sha256(content).hexdigest(), "mode": "{0:04o}".format(found.mode)}


def subnet_env(look: Look) -> Optional[Dict[str, str]]:
    """Collector of the section `subnet_env`."""
    return look.attempt(_cni.SUBNET_ENV, _subnet_env, look.reader)


def _subnet_env(reader: NodeReader) -> Optional[Dict[str, str]]:
    try:
        return _cni.parse_subnet_env(reader.read(_cni.SUBNET_ENV))
    except (FileNotFoundError, NotADirectoryError):
        return None  # flanneld has not run here: a fact, not a gap


def network_manager(look: Look) -> bool:
    """Collector of the section `network_manager`."""
    return look.reader.has_tool("NetworkManager") or look.reader.has_tool("nmcli")


def filters(look: Look) -> Dict[str, Any]:
    """Collector of the section `filters`."""
    complete = True
    chains = {}
    for what, read in (("nftables", _filters.read_chains), ("iptables-legacy", _filters.read_legacy_chains)):
        try:
            chains[what] = read(look.reader)
        except NodeError as error:
            complete = False
            chains[what] = set()
            look.gap(what, str(error))
    names = [link["name"] for link in _devices.links(look)]
    signs = _filters.proxy_evidence(chains["nftables"], chains["iptables-legacy"], names)
    return {
        "kube_proxy_mode": _filters.proxy_mode(signs, complete),
        "kube_proxy": signs,
        "kube_proxy_local_cidrs": _kube_proxy_told.local_cidrs(look),
    }
