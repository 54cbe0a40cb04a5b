# SPDX-License-Identifier: Apache-2.0
add_executable(laws_ws_wrap ${CMAKE_CURRENT_LIST_DIR}/ws_wrap_laws.c)
target_link_libraries(laws_ws_wrap PRIVATE ws_wrap ssp_testing ssp_flags)
set_target_properties(laws_ws_wrap PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# laws_ws_wrap(<name> <options>)
function(laws_ws_wrap name options)
  add_test(NAME laws_ws_wrap_${name} COMMAND laws_ws_wrap ${options})
  set_tests_properties(laws_ws_wrap_${name} PROPERTIES TIMEOUT 120 LABELS laws)
endfunction()

laws_ws_wrap(websocket "half-close=auto")
laws_ws_wrap(early "half-close=yes;ping=30;path=/a?ed=2048")
laws_ws_wrap(httpupgrade "mode=httpupgrade")
