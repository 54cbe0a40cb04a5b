# SPDX-License-Identifier: Apache-2.0
"""The parts of the lifecycle tests: a host with a misbehaving plugin, and watching its processes.

A plugin is found by what it is (it has SS_REMOTE_PORT in its environment), wherever it stands in the
tree below its host. Nothing is waited for by sleeping: pidfds, sockets, or a condition that is polled
every few milliseconds and has a deadline.
"""
