# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module reaches the API server."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of all that talk to the API server; module_utils/_cluster/_module.py has their specification."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig on the host of the task. Unset, E(K8S_AUTH_KUBECONFIG), E(KUBECONFIG) or C(~/.kube/config)
        counts.
    type: path
  context:
    description:
      - The context of the kubeconfig.
    type: str
"""
