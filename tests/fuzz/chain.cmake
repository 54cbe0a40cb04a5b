# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(chain SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_chain.c USES chain_parts)
