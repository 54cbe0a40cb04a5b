# SPDX-License-Identifier: Apache-2.0
foreach(part messages socks orport)
  ssp_fuzz_target(pt_${part}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_pt_${part}.c
    USES pt_wrap ssp_testing)
endforeach()
