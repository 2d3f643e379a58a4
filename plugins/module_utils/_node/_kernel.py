# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running kernel can do, and its sysctls.

Sources: Documentation/kbuild/kbuild.rst (modules.builtin), modules.dep(5), Documentation/ABI/testing/sysfs-module
(initstate exists only for loaded modules), sysctl(8) (how a dot inside a device name is written).
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from typing import Dict, FrozenSet, List, Mapping, NamedTuple, Optional

from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader

# Module name -> the option of the kernel's configuration that builds it.
KERNEL_OPTIONS: Mapping[str, str] = {
    "br_netfilter": "CONFIG_BRIDGE_NETFILTER",
    "bridge": "CONFIG_BRIDGE",
    "dummy": "CONFIG_DUMMY",
    "ip_set": "CONFIG_IP_SET",
    "ip_tables": "CONFIG_IP_NF_IPTABLES",
    "ip_vs": "CONFIG_IP_VS",
    "ipip": "CONFIG_NET_IPIP",
    "nf_conntrack": "CONFIG_NF_CONNTRACK",
    "nf_tables": "CONFIG_NF_TABLES",
    "overlay": "CONFIG_OVERLAY_FS",
    "tun": "CONFIG_TUN",
    "veth": "CONFIG_VETH",
    "vxlan": "CONFIG_VXLAN",
    "wireguard": "CONFIG_WIREGUARD",
}

# Sysctl prefix -> the module that brings it.
SYSCTL_PROVIDERS: Mapping[str, str] = {
    "net.bridge.": "br_netfilter",
    "net.ipv4.vs.": "ip_vs",
    "net.netfilter.nf_conntrack": "nf_conntrack",
    "net.ipv6.": "ipv6",
}

_MODULE_FILE = re.compile(r"([^/\s:]+)\.ko(?:\.\w+)?(?=:|\s|$)")


class Feature(NamedTuple):
    """One ability of the kernel: state is builtin, loaded, module, missing or unknown; reason explains the last two."""

    state: str
    reason: str = ""


class Kernel:
    """The evidence about the running kernel, each source read at most once and only when asked for."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self.release = reader.kernel_release()
        self._module_lists: Dict[str, Optional[FrozenSet[str]]] = {}
        self._options: Optional[Dict[str, str]] = None
        self.unreadable: List[str] = []

    def feature(self, name: str) -> Feature:
        """How a feature is available, by the name of its module."""
        module = name.replace("-", "_")
        running = self._running(module)
        if running is not None:
            return running
        if module in (self._modules("modules.builtin") or ()):
            return Feature("builtin")
        on_disk = self._modules("modules.dep")
        if module in (on_disk or ()):
            return Feature("module")
        return self._by_configuration(module, on_disk is not None)

    def _running(self, module: str) -> Optional[Feature]:
        if self._reader.stat("/sys/module/" + module) is None:
            return None
        loaded = self._reader.stat("/sys/module/{0}/initstate".format(module)) is not None
        return Feature("loaded" if loaded else "builtin")

    def _by_configuration(self, module: str, modules_known: bool) -> Feature:
        option = KERNEL_OPTIONS.get(module)
        options = self._configuration()
        value = options.get(option) if option and options else None
        if value == "y":
            return Feature("builtin")
        if value == "m":
            reason = "kernel {0} has {1}=m, but /lib/modules/{0} does not hold the module {2}"
            return Feature("missing", reason.format(self.release, option, module))
        if option and options:
            return Feature("missing", "kernel {0} is built without {1}".format(self.release, option))
        if modules_known:
            reason = "/lib/modules/{0} does not hold the module {1}{2}"
            needed = " (kernel option {0})".format(option) if option else ""
            return Feature("missing", reason.format(self.release, module, needed))
        return Feature("unknown", "neither /lib/modules/{0} nor the kernel's configuration tells".format(self.release))

    def _modules(self, listing: str) -> Optional[FrozenSet[str]]:
        if listing not in self._module_lists:
            text = self._text("/lib/modules/{0}/{1}".format(self.release, listing))
            self._module_lists[listing] = None if text is None else module_names(text)
        return self._module_lists[listing]

    def _configuration(self) -> Dict[str, str]:
        if self._options is None:
            text = self._text("/proc/config.gz") or self._text("/boot/config-" + self.release) or ""
            self._options = dict(re.findall(r"^(CONFIG_\w+)=([ym])$", text, re.MULTILINE))
        return self._options

    def _text(self, path: str) -> Optional[str]:
        try:
            data = self._reader.read(path)
            if path.endswith(".gz"):
                data = gzip.decompress(data)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error) as error:
            self.unreadable.append("{0}: {1}".format(path, getattr(error, "strerror", None) or error))
            return None
        return data.decode("utf-8", "replace")


def module_names(listing: str) -> FrozenSet[str]:
    """The names of the modules in a modules.dep or modules.builtin, with underscores as in /sys/module."""
    heads = (line.split(":", 1)[0] for line in listing.splitlines())
    found = (_MODULE_FILE.search(head) for head in heads)
    return frozenset(match.group(1).replace("-", "_") for match in found if match)


def tun_usable(reader: NodeReader, tun: Feature) -> bool:
    """Whether /dev/net/tun is there and may be opened."""
    found = reader.stat("/dev/net/tun")
    if found is None or found.kind != "char":
        return False
    # Opening the device would load the module, and observing must change nothing.
    return True if tun.state == "module" else reader.can_open("/dev/net/tun")


def sysctl_path(key: str) -> str:
    """The file of a sysctl. As in sysctl(8), a slash stands for a dot in a name: net.ipv4.conf.flannel/1.rp_filter."""
    swapped = key.translate(str.maketrans("./", "/."))
    path = swapped if _first_separator(key) == "." else key
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise NodeError("{0!r} is not the name of a sysctl".format(key))
    return "/proc/sys/" + path


def sysctl_key(*parts: str) -> str:
    """The name of a sysctl from its parts, a device's dots written as slashes."""
    return ".".join(part.replace(".", "/") for part in parts)


def _first_separator(key: str) -> str:
    return next((character for character in key if character in "./"), ".")


def normal_value(value: str) -> str:
    """A sysctl's value with single blanks: the kernel prints tabs between several numbers."""
    return " ".join(value.split())


def read_sysctl(reader: NodeReader, key: str) -> str:
    """The value in force. Raises OSError as the kernel gives it."""
    return normal_value(reader.read(sysctl_path(key)).decode("utf-8", "replace"))


def sysctl_provider(key: str) -> Optional[str]:
    """The module that brings a sysctl, where one is known."""
    dotted = os.path.relpath(sysctl_path(key), "/proc/sys").replace("/", ".")
    return next((module for prefix, module in SYSCTL_PROVIDERS.items() if dotted.startswith(prefix)), None)
