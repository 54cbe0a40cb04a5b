# SPDX-License-Identifier: Apache-2.0
add_executable(laws_pt_wrap ${CMAKE_CURRENT_LIST_DIR}/pt_wrap_laws.c)
target_link_libraries(laws_pt_wrap PRIVATE pt_wrap ssp_testing ssp_flags)
set_target_properties(laws_pt_wrap PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
foreach(kind plain args socks4)
  add_test(NAME laws_pt_wrap_${kind} COMMAND laws_pt_wrap ${kind})
  set_tests_properties(laws_pt_wrap_${kind} PROPERTIES TIMEOUT 120 LABELS laws)
endforeach()
