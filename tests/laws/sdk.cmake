# SPDX-License-Identifier: Apache-2.0
# sdk_laws(<name> <timeout in s>): <name>_test.c, on the toys.
function(sdk_laws name timeout)
  ssp_unit_test(${name}
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.c ${CMAKE_CURRENT_SOURCE_DIR}/sdk_toys.c
    USES ssp_testing)
  set_tests_properties(${name} PROPERTIES LABELS laws TIMEOUT ${timeout})
endfunction()

sdk_laws(sdk_laws 300)
sdk_laws(sdk_datagrams 300)
sdk_laws(sdk_author 300)
sdk_laws(sdk_timers 300)
sdk_laws(stack_laws 600)
