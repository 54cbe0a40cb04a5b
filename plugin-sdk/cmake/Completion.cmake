# SPDX-License-Identifier: Apache-2.0
# Completions for bash, zsh and fish, made of what a program that was just built says of itself: they
# cannot be older than its options.
include_guard()
include(GNUInstallDirs)
find_program(SSP_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(SSP_PYTHON NAMES python3)

set(SSP_COMPLETIONS ${CMAKE_BINARY_DIR}/completions)
set(_ssp_completion ${CMAKE_CURRENT_LIST_DIR}/completion.py)

# ssp_completion(<name> [PROGRAM <script>] COMPONENT <component>): of a target, or of a script that is
# named by its path.  A program of another machine, or with a sanitizer in it, is not run for them.
function(ssp_completion name)
  cmake_parse_arguments(PARSE_ARGV 1 one "" "PROGRAM;COMPONENT" "")
  if(NOT SSP_PYTHON OR NOT SSP_INSTALL OR CMAKE_CROSSCOMPILING OR SSP_SANITIZE OR SSP_FUZZ OR SSP_COVERAGE)
    return()
  endif()
  set(program ${one_PROGRAM})
  if(NOT program)
    set(program $<TARGET_FILE:${name}>)
  endif()
  set(files ${SSP_COMPLETIONS}/${name}.bash ${SSP_COMPLETIONS}/_${name} ${SSP_COMPLETIONS}/${name}.fish)
  add_custom_command(OUTPUT ${files}
    COMMAND ${SSP_PYTHON} -B ${_ssp_completion} ${program} ${SSP_COMPLETIONS}
    DEPENDS ${_ssp_completion} ${one_PROGRAM} $<$<NOT:$<BOOL:${one_PROGRAM}>>:${name}> VERBATIM)
  add_custom_target(completion_${name} ALL DEPENDS ${files})
  set(share ${CMAKE_INSTALL_DATADIR})
  install(FILES ${SSP_COMPLETIONS}/${name}.bash RENAME ${name} COMPONENT ${one_COMPONENT}
    DESTINATION ${share}/bash-completion/completions)
  install(FILES ${SSP_COMPLETIONS}/_${name} COMPONENT ${one_COMPONENT} DESTINATION ${share}/zsh/site-functions)
  install(FILES ${SSP_COMPLETIONS}/${name}.fish COMPONENT ${one_COMPONENT}
    DESTINATION ${share}/fish/vendor_completions.d)
endfunction()
