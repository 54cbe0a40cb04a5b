# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(ws_wrap SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ws_wrap.c
  USES ws_wrap ssp_testing)
ssp_fuzz_target(ws_streams SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ws_streams.c
  USES ws_wrap)
ssp_fuzz_target(ws_forwarded SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ws_forwarded.c
  USES ws_wrap)
