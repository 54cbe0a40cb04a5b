# SPDX-License-Identifier: Apache-2.0
add_executable(laws_stls_wrap ${CMAKE_CURRENT_LIST_DIR}/stls_wrap_laws.c)
target_link_libraries(laws_stls_wrap PRIVATE stls_wrap ssp_testing ssp_flags)
set_target_properties(laws_stls_wrap PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME laws_stls_wrap COMMAND laws_stls_wrap)
set_tests_properties(laws_stls_wrap PROPERTIES TIMEOUT 120 LABELS laws)
