# SPDX-License-Identifier: Apache-2.0
add_executable(laws_tls_wrap ${CMAKE_CURRENT_LIST_DIR}/tls_wrap_laws.c)
target_link_libraries(laws_tls_wrap PRIVATE tls_wrap ssp_testing ssp_flags)
set_target_properties(laws_tls_wrap PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME laws_tls_wrap COMMAND laws_tls_wrap ${CMAKE_CURRENT_LIST_DIR}/tls_wrap)
set_tests_properties(laws_tls_wrap PROPERTIES TIMEOUT 600 LABELS laws)
