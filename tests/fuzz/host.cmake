# SPDX-License-Identifier: Apache-2.0
foreach(part image notices output)
  ssp_fuzz_target(${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_${part}.c USES ssp_host)
endforeach()
