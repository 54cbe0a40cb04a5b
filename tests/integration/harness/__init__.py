# SPDX-License-Identifier: Apache-2.0
"""The parts of the integration and interop tests: a stage with processes, targets and relays.

Everything is on loopback, every port comes from bind(0) and stays reserved, every wait has a
deadline, and a stage ends only processes that it started (and their orphans, which it adopts).
"""
