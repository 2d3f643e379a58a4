# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flannel with etcd as its subnet manager: a key in etcd and a systemd unit on each node, no Kubernetes.

Source: flannel's Documentation/configuration.md (``/coreos.com/network/config``) and Documentation/running.md.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.cni.plugins.plugin_utils._intent import FlannelIntent, Intent
from ansible_collections.switchyard.cni.plugins.plugin_utils._node_state import NodeState, text_file
from ansible_collections.switchyard.cni.plugins.plugin_utils._observed import ObservedNode
from ansible_collections.switchyard.cni.plugins.plugin_utils._plugins._flannel_manifest import common_args

UNIT = "/etc/systemd/system/flanneld.service"


def key(flannel: FlannelIntent, writer: ObservedNode, net_conf: str) -> dict[str, t.Any]:
    """The key with flannel's network configuration, and the node that writes it: it holds the certificates."""
    return {
        "host": writer.host,
        "endpoints": list(flannel.etcd_endpoints),
        "key": f"{_prefix(flannel)}/config",
        "value": net_conf,
        "ca_file": flannel.etcd_ca_file or None,
        "cert_file": flannel.etcd_cert_file or None,
        "key_file": flannel.etcd_key_file or None,
    }


def node_state(intent: Intent, node: ObservedNode, cni_conf: str, config_hash: str) -> NodeState:
    """The unit, the CNI configuration and flannel's CNI plugin."""
    conf = f"{intent.cni_conf_dir.rstrip('/')}/{intent.backend.cni_config}"
    binary = intent.flannel.binary
    return NodeState(
        files=(
            text_file(UNIT, _unit([binary, *_args(intent, node)], config_hash)),
            {"path": conf, "content": cni_conf, "mode": "0644"},
        ),
        cni_bin_dir=intent.cni_bin_dir,
        cni_plugins=("flannel",),
        cni_search=(binary.rsplit("/", 1)[0],),
        services=({"name": "flanneld", "enabled": True, "state": "restarted", "on_change_of": [UNIT]},),
    )


def _unit(command: t.Sequence[str], config_hash: str) -> list[str]:
    return [
        "[Unit]",
        "Description=flannel, the pod network's agent",
        "Documentation=https://github.com/flannel-io/flannel",
        "Wants=network-online.target",
        "After=network-online.target",
        "Before=docker.service kubelet.service",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        # flanneld says so when its subnet is leased and the backend is registered (main.go, SdNotify).
        "Type=notify",
        # flanneld reads its configuration once, at start: a new hash restarts it.
        f"Environment=SWITCHYARD_CONFIG_HASH={config_hash}",
        "ExecStart=" + " ".join(command),
        "Restart=always",
        "RestartSec=2",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]


def _args(intent: Intent, node: ObservedNode) -> list[str]:
    flannel = intent.flannel
    args = ["--etcd-endpoints=" + ",".join(flannel.etcd_endpoints), "--etcd-prefix=" + _prefix(flannel)]
    for option, value in (
        ("--etcd-cafile", flannel.etcd_ca_file),
        ("--etcd-certfile", flannel.etcd_cert_file),
        ("--etcd-keyfile", flannel.etcd_key_file),
        ("--public-ip", node.public_ip),
    ):
        if value:
            args.append(f"{option}={value}")
    return args + common_args(intent)


def _prefix(flannel: FlannelIntent) -> str:
    return flannel.etcd_prefix.rstrip("/")
