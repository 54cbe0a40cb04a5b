# SPDX-License-Identifier: Apache-2.0
add_executable(laws_aead ${CMAKE_CURRENT_LIST_DIR}/laws_aead.c)
target_link_libraries(laws_aead PRIVATE ss_proto ssp_testing ssp_flags)
set_target_properties(laws_aead PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME laws_aead COMMAND laws_aead)
set_tests_properties(laws_aead PROPERTIES TIMEOUT 300 LABELS laws)
