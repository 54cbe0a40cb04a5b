# SPDX-License-Identifier: Apache-2.0
# The life of plugins: one ctest per file of tests/lifecycle, as ssp_pytest() of python.cmake makes
# them. The fake plugin, the thief and the directories of single tests are in build/<preset>/tests.
# LIFECYCLE_REPEAT in the environment is the number of kills of each kind (60, or 1,000 with EXTENT=full).
ssp_pytest(lifecycle 900
  death ends example hardening hints hostile hops modes notices orphans output patience privileges ready real reload restart sandbox
  spawn stop theft)

add_executable(example_host ${PROJECT_SOURCE_DIR}/plugin-sdk/examples/host.c)
target_link_libraries(example_host PRIVATE ssp_host ssp_flags)
set_target_properties(example_host PROPERTIES
  C_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
