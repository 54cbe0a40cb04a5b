# SPDX-License-Identifier: Apache-2.0
"""Instruction counts: see scripts/instructions."""
