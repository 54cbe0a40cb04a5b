# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(tls_wrap SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_tls_wrap.c ${CMAKE_CURRENT_LIST_DIR}/arena.c
  USES tls_wrap ssp_codec ssp_options)
target_compile_definitions(fuzz_tls_wrap PRIVATE
  CERTIFICATES="${PROJECT_SOURCE_DIR}/tests/laws/tls_wrap")
