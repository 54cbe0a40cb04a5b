# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(stls_wrap SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_stls_wrap.c ${CMAKE_CURRENT_LIST_DIR}/arena.c
  USES stls_wrap ssp_codec ssp_options)
target_compile_definitions(fuzz_stls_wrap PRIVATE
  CERTIFICATES="${PROJECT_SOURCE_DIR}/tests/laws/tls_wrap")
