# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-proxy's cluster CIDR on a node: by what it was told, and how it is told another one.

By this CIDR kube-proxy tells its node's own pods from everybody else; whoever is not inside is masqueraded on the way
to a service, so that the backend sees the node's address (Kubernetes, kube-proxy --cluster-cidr; pkg/proxy/util,
LocalTrafficDetector). Only the local pods of a node count, which is why nodes can change one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _kube_proxy_told
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError
from ansible_collections.switchyard.cni.plugins.module_utils._node._look import Look, Request
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import Command, Step, Systemctl, WriteFile

UNIT, POD, UNKNOWN = "unit", "pod", "unknown"
"""Who starts kube-proxy: a unit of systemd, a kubelet, or nobody that is known here."""

_FLAG = re.compile(r"""(?P<flag>--cluster-cidr(?:=|[ \t]+))(?P<quote>["']?)(?P<value>[^\s"'\\]+)(?P=quote)""")
_KEY = re.compile(r"""^(?P<flag>clusterCIDR:[ \t]*)(?P<quote>["']?)(?P<value>[^\s"'#]*)(?P=quote)""", re.MULTILINE)
_VARIABLE = re.compile(r"^\$\{?(\w+)\}?$")
_SECONDS = 60.0


@dataclass(frozen=True)
class KubeProxy:
    """A running kube-proxy; ``files`` are those that may hold its options, with their content."""

    pid: int
    cluster_cidr: str
    starter: str = UNKNOWN
    unit: str = ""
    files: Tuple[Tuple[str, bytes, int], ...] = ()


def gather(reader: NodeReader) -> Optional[KubeProxy]:
    """The node's kube-proxy; None where there is none. Raises NodeError."""
    process = _kube_proxy_told.running(Look(reader, Request(sections=())))
    if process is None:
        return None
    config = _kube_proxy_told.config_file(process)
    files = [config] if config else []
    starter, unit = _starter(_kube_proxy_told.text_of(reader, "/proc/{0}/cgroup".format(process.pid)))
    if starter == UNIT:
        files += _files_of(reader, unit)
    told = tuple(one for path in dict.fromkeys(files) for one in _file(reader, path))
    text = next((data.decode("utf-8", "replace") for path, data, dummy in told if path == config), "")
    cidr = _kube_proxy_told.cluster_cidr(process, text)
    return KubeProxy(process.pid, cidr, starter, unit, told)


def _starter(cgroups: str) -> Tuple[str, str]:
    """cgroups(7): the last part of a path is the unit, or lies below kubepods for what a kubelet started."""
    paths = [line.split(":", 2)[2] for line in cgroups.splitlines() if line.count(":") >= 2]
    if any("kubepods" in path for path in paths):
        return POD, ""
    units = [part for path in paths for part in path.split("/") if part.endswith(".service")]
    # The innermost: a node that is a container has its own machine's units above it.
    return (UNIT, units[-1]) if units else (UNKNOWN, "")


def _files_of(reader: NodeReader, unit: str) -> List[str]:
    """The files in which a unit's options may stand (systemctl(1), show)."""
    wanted = "FragmentPath,DropInPaths,EnvironmentFiles"
    done = reader.run(["systemctl", "show", "--property", wanted, unit])
    if done.rc != 0:
        raise NodeError("systemctl show {0} failed: {1}".format(unit, done.reason))
    found: List[str] = []
    for line in done.out.splitlines():
        words = line.partition("=")[2].split()
        found += [word for word in words if word.startswith("/")]
    return found


def _file(reader: NodeReader, path: str) -> Iterator[Tuple[str, bytes, int]]:
    about = reader.stat(path)
    if about is not None:
        try:
            yield path, reader.read(path), about.mode
        except OSError:
            return


def plan(there: Optional[KubeProxy], wanted: str, replaces: Sequence[str]) -> Tuple[Step, ...]:
    """What gives kube-proxy that cluster CIDR, where it has one of those that are replaced. Raises NodeError."""
    if there is None or there.cluster_cidr == wanted or there.cluster_cidr not in replaces:
        return ()
    if there.starter != UNIT:
        return ()
    changed = list(_rewritten(there, wanted))
    # A run that was killed before the restart has written the files already.
    if not changed and not list(_rewritten(replace(there, cluster_cidr=wanted), there.cluster_cidr)):
        message = "kube-proxy has --cluster-cidr {0}, which stands in no file of {1}; set it to {2} and restart it"
        raise NodeError(message.format(there.cluster_cidr, there.unit, wanted))
    return (
        *changed,
        Command("reload systemd's units", ("systemctl", "daemon-reload"), _SECONDS),
        Systemctl("restart", there.unit, "running", "restarted", _SECONDS),
    )


def _rewritten(there: KubeProxy, wanted: str) -> Iterator[Step]:
    texts = [one[1].decode("utf-8", "surrogateescape") for one in there.files]
    variables = sorted({name for text in texts for name in _variables(text)})
    for (path, data, mode), text in zip(there.files, texts):
        after = with_cidr(text, there.cluster_cidr, wanted)
        for name in variables:
            after = _assigned(after, name, there.cluster_cidr, wanted)
        if after != text:
            yield WriteFile(path, after.encode("utf-8", "surrogateescape"), mode, data, mode)


def _variables(text: str) -> Iterator[str]:
    """The environment's variables that the option is taken from."""
    for found in _FLAG.finditer(text):
        variable = _VARIABLE.match(found["value"])
        if variable:
            yield variable[1]


def with_cidr(text: str, before: str, wanted: str) -> str:
    """A text with another cluster CIDR where that one stands, as an option or as a key of the configuration file."""

    def put(found: Mapping[str, str]) -> str:
        value = wanted if found["value"] == before else found["value"]
        return "{0}{1}{2}{1}".format(found["flag"], found["quote"], value)

    for pattern in (_FLAG, _KEY):
        text = pattern.sub(put, text)  # type: ignore[arg-type]
    return text


def _assigned(text: str, name: str, before: str, wanted: str) -> str:
    """An environment file's assignment (systemd.exec(5), EnvironmentFile)."""
    pattern = r"""^(\s*{0}=["']?){1}(["']?\s*)$""".format(re.escape(name), re.escape(before))
    return re.sub(pattern, lambda found: found[1] + wanted + found[2], text, flags=re.MULTILINE)
