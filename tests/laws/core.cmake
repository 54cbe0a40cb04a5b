# SPDX-License-Identifier: Apache-2.0
foreach(laws laws_aead laws_aead2022)
  add_executable(${laws} ${CMAKE_CURRENT_LIST_DIR}/${laws}.c)
  target_link_libraries(${laws} PRIVATE ss_proto ssp_testing ssp_flags)
  set_target_properties(${laws} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${laws} COMMAND ${laws})
  set_tests_properties(${laws} PROPERTIES TIMEOUT 300 LABELS laws)
endforeach()
