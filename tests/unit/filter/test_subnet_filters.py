# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters for arithmetic with pod networks: the seed's numbers, IPv6, and what each refuses."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.switchyard.cni.plugins.filter.subnets import FilterModule

FILTERS = FilterModule().filters()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("node_subnet", ("172.50.0.0/16", 0, 24), "172.50.0.0/24"),
        ("node_subnet", ("172.50.0.0/16", 2, 24), "172.50.2.0/24"),
        ("node_subnet", ("172.50.0.0/16", "255", "24"), "172.50.255.0/24"),
        ("node_subnet", ("fd00:50::/48", 1, 64), "fd00:50:0:1::/64"),
        ("node_subnet", ("10.0.0.0/30", 0, 30), "10.0.0.0/30"),
        ("node_gateway", ("172.50.2.0/24",), "172.50.2.1"),
        ("node_gateway", ("fd00:50:0:1::/64",), "fd00:50:0:1::1"),
        ("node_gateway", ("172.50.2.4/30",), "172.50.2.5"),
        ("cidr_capacity", ("172.50.0.0/16", 24), 256),
        ("cidr_capacity", ("172.50.0.0/24", "24"), 1),
        ("cidr_capacity", ("172.50.0.0/25", 24), 0),
        ("cidr_capacity", ("fd00:50::/48", 64), 65536),
        ("cidrs_overlap", ("172.50.0.0/16", "172.50.3.0/24"), True),
        ("cidrs_overlap", ("172.50.3.0/24", "172.50.0.0/16"), True),
        ("cidrs_overlap", ("172.50.0.0/16", "172.51.0.0/16"), False),
        ("cidrs_overlap", ("172.50.0.0/16", "::/0"), False),
        ("cidrs_overlap", ("fd00::/8", "fd00:50::/48"), True),
        ("same_l2", ("192.168.7.101/21", "192.168.1.9/21"), True),
        ("same_l2", ("192.168.7.101/24", "192.168.1.9/24"), False),
        ("same_l2", ("192.168.7.101/21", "192.168.1.9/24"), False),
        ("same_l2", ("192.168.1.9/24", "192.168.7.101/21"), False),
        ("same_l2", ("192.168.7.101/32", "192.168.7.102/32"), False),
        ("same_l2", ("fd00:7::1/64", "fd00:7::2/64"), True),
        ("same_l2", ("fd00:7::1/64", "192.168.7.101/21"), False),
    ],
)
def test_answers(name, arguments, expected):
    assert FILTERS[name](*arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("node_subnet", ("172.50.0.0/16", 256, 24), "256 subnets of /24"),
        ("node_subnet", ("172.50.0.0/16", -1, 24), "no number -1"),
        ("node_subnet", ("172.50.0.0/16", "two", 24), "'two' is not the number of a subnet"),
        ("node_subnet", ("172.50.0.0/16", 1.5, 24), "1.5 is not the number of a subnet"),
        ("node_subnet", ("172.50.0.0/16", True, 24), "True is not the number of a subnet"),
        ("node_subnet", ("172.50.0.0/16", 0, 8), "0 subnets of /8"),
        ("node_subnet", ("172.50.1.0/16", 0, 24), "write 172.50.0.0/16"),
        ("node_subnet", ("172.50.0.0", 0, 24), "'172.50.0.0' has no prefix length"),
        ("node_subnet", ("172.50/16", 0, 24), "'172.50/16' is not a network"),
        ("node_subnet", (None, 0, 24), "'None'"),
        ("node_gateway", ("172.50.2.0/31",), "at most /30"),
        ("node_gateway", ("172.50.2.1/24",), "write 172.50.2.0/24"),
        ("cidr_capacity", ("172.50.0.0/16", 33), "33 is not between 0 and 32"),
        ("cidr_capacity", ("172.50.0.0/16", None), "None is not a prefix length"),
        ("cidrs_overlap", ("172.50.0.0/16", "172.51.0.0/40"), "'172.51.0.0/40' is not a network"),
        ("same_l2", ("192.168.7.101", "192.168.7.102/21"), "'192.168.7.101' has no prefix length"),
    ],
)
def test_refusals_name_the_value(name, arguments, said):
    with pytest.raises(AnsibleFilterError, match=said):
        FILTERS[name](*arguments)
