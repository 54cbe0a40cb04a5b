# SPDX-License-Identifier: Apache-2.0
ssp_unit_test(sdk_laws SOURCES ${CMAKE_CURRENT_LIST_DIR}/sdk_laws_test.c ${CMAKE_CURRENT_LIST_DIR}/sdk_toys.c USES ssp_testing)
set_tests_properties(sdk_laws PROPERTIES LABELS laws TIMEOUT 300)
ssp_unit_test(stack_laws SOURCES ${CMAKE_CURRENT_LIST_DIR}/stack_laws_test.c ${CMAKE_CURRENT_LIST_DIR}/sdk_toys.c USES ssp_testing)
set_tests_properties(stack_laws PROPERTIES LABELS laws TIMEOUT 600)
