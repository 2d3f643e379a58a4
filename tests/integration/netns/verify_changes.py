# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to change a cluster on a real kernel, as values: what a fault plants and what takes it back."""

from __future__ import annotations


def both(*changes):
    """One change after the other."""

    def change(cluster):
        for one in changes:
            one(cluster)

    return change


def ip(node, lines):
    """Lines for `ip` on a node."""
    return lambda cluster: cluster[node].ip(lines)


def run(node, *argv):
    """A program on a node."""
    return lambda cluster: cluster[node].run(*argv)


def fdb(node, *words):
    """An entry of a forwarding table."""
    return run(node, "bridge", "fdb", *words)


def sysctl(node, key, value):
    """A sysctl of a node, written with slashes."""
    return lambda cluster: cluster[node].sysctl(key, value)


def iptables(node, words):
    """A command line of iptables on a node."""
    return run(node, "iptables-nft", *words.split())


def nft(node, text):
    """Text for nft on a node."""
    return lambda cluster: cluster[node].run("nft", "-f", "-", text=text)


def put(node, path, text):
    """A file on a node."""
    return lambda cluster: cluster.files(node).put(path, text)


def drop(node, path):
    """No such file on a node any more."""
    return lambda cluster: cluster.files(node).drop(path)


def edit(node, path, old, new):
    """Other words in a file on a node."""

    def change(cluster):
        text = cluster.files(node).read(path).decode()
        assert old in text
        cluster.files(node).put(path, text.replace(old, new))

    return change


def api(change):
    """The objects of the API server."""
    return lambda cluster: change(cluster.api)
