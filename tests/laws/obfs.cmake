# SPDX-License-Identifier: Apache-2.0
add_executable(laws_obfs ${CMAKE_CURRENT_LIST_DIR}/obfs_laws.c)
target_link_libraries(laws_obfs PRIVATE obfs ssp_testing ssp_flags)
set_target_properties(laws_obfs PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
foreach(kind http tls reverse_proxy)
  add_test(NAME laws_obfs_${kind} COMMAND laws_obfs ${kind})
  set_tests_properties(laws_obfs_${kind} PROPERTIES TIMEOUT 120 LABELS laws)
endforeach()
