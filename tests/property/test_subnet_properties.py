# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws of the arithmetic of pod networks, for both address families, against the standard library."""

from __future__ import annotations

import ipaddress

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.switchyard.cni.plugins.filter.subnets import FilterModule
from hypothesis import given
from hypothesis import strategies as st

FILTERS = FilterModule().filters()
BITS = {4: 32, 6: 128}


@st.composite
def networks(draw, minimum=0, version=None):
    """A network of either family."""
    chosen = version or draw(st.sampled_from((4, 6)))
    prefix = draw(st.integers(minimum, BITS[chosen]))
    value = draw(st.integers(0, (1 << BITS[chosen]) - 1))
    mask = ((1 << prefix) - 1) << (BITS[chosen] - prefix)
    kind = ipaddress.IPv4Network if chosen == 4 else ipaddress.IPv6Network
    return kind((value & mask, prefix))


@st.composite
def splits(draw):
    """A network, a prefix length of its subnets, and the number of one of them."""
    network = draw(networks())
    prefix = draw(st.integers(network.prefixlen, min(BITS[network.version], network.prefixlen + 40)))
    index = draw(st.integers(0, (1 << (prefix - network.prefixlen)) - 1))
    return network, prefix, index


def interfaces(version=None):
    """An address with its prefix length."""
    return st.tuples(networks(minimum=1, version=version), st.integers(0)).map(
        lambda pair: ipaddress.ip_interface(
            f"{pair[0].network_address + pair[1] % pair[0].num_addresses}/{pair[0].prefixlen}"
        )
    )


@given(splits())
def test_a_nodes_subnet_lies_in_the_network_at_its_place(split):
    network, prefix, index = split

    subnet = ipaddress.ip_network(FILTERS["node_subnet"](str(network), index, prefix))

    assert subnet.prefixlen == prefix
    assert subnet.subnet_of(network)
    assert int(subnet.network_address) == int(network.network_address) + index * subnet.num_addresses


@given(splits())
def test_capacity_is_the_first_number_without_a_subnet(split):
    network, prefix, index = split

    room = FILTERS["cidr_capacity"](str(network), prefix)

    assert index < room == 1 << (prefix - network.prefixlen)
    with pytest.raises(AnsibleFilterError):
        FILTERS["node_subnet"](str(network), room, prefix)


@given(splits(), st.data())
def test_two_nodes_never_share_an_address(split, data):
    network, prefix, index = split
    other = data.draw(st.integers(0, (1 << (prefix - network.prefixlen)) - 1))

    first, second = (FILTERS["node_subnet"](str(network), number, prefix) for number in (index, other))

    assert FILTERS["cidrs_overlap"](first, second) == (index == other)


@given(networks())
def test_a_gateway_is_the_first_address_after_the_networks(network):
    if BITS[network.version] - network.prefixlen < 2:
        with pytest.raises(AnsibleFilterError):
            FILTERS["node_gateway"](str(network))
        return

    gateway = ipaddress.ip_address(FILTERS["node_gateway"](str(network)))

    assert gateway in network
    assert int(gateway) == int(network.network_address) + 1


@given(networks(), networks())
def test_overlap_is_symmetric_and_that_of_the_standard_library(first, second):
    expected = first.version == second.version and first.overlaps(second)

    assert FILTERS["cidrs_overlap"](str(first), str(second)) is expected
    assert FILTERS["cidrs_overlap"](str(second), str(first)) is expected


@given(splits())
def test_a_network_overlaps_each_of_its_subnets(split):
    network, prefix, index = split

    assert FILTERS["cidrs_overlap"](str(network), FILTERS["node_subnet"](str(network), index, prefix))


@given(interfaces(), interfaces())
def test_same_l2_is_symmetric(first, second):
    assert FILTERS["same_l2"](str(first), str(second)) == FILTERS["same_l2"](str(second), str(first))


@given(interfaces(), st.integers(0))
def test_nodes_of_one_subnet_are_on_one_l2(interface, offset):
    peer = interface.network.network_address + offset % interface.network.num_addresses

    assert FILTERS["same_l2"](str(interface), f"{peer}/{interface.network.prefixlen}") is True


@given(interfaces(version=4), interfaces(version=6))
def test_families_do_not_mix(first, second):
    assert FILTERS["same_l2"](str(first), str(second)) is False
    assert FILTERS["cidrs_overlap"](str(first.network), str(second.network)) is False


def is_network(text):
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    # The standard library also takes a lone address, which is no network in an inventory.
    return "/" in text


TEXTS = st.one_of(st.text("0123456789abcdef.:/", max_size=20), networks().map(str), interfaces().map(str))


@given(TEXTS)
def test_any_text_is_a_network_or_an_error(text):
    if is_network(text):
        assert FILTERS["cidr_capacity"](text, 32) >= 0
    else:
        with pytest.raises(AnsibleFilterError):
            FILTERS["cidr_capacity"](text, 32)
