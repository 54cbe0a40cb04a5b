# SPDX-License-Identifier: Apache-2.0
foreach(mode http tls)
  ssp_fuzz_target(obfs_${mode}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_obfs_${mode}.c ${CMAKE_CURRENT_LIST_DIR}/obfs_split.c
    USES obfs ssp_codec)
endforeach()
