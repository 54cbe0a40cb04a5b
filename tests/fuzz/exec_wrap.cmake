# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(exec_wrap SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_exec_wrap.c USES exec_wrap)
