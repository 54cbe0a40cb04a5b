# SPDX-License-Identifier: Apache-2.0
"""The parts of scripts/bench: chains of proxies, measured side by side."""
