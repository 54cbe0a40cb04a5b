# SPDX-License-Identifier: Apache-2.0
# The pytest groups: one ctest per file, so that they run side by side. Debian's own interpreter is
# preferred, because that is the one which python3-pytest belongs to.
find_program(SSP_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(SSP_PYTHON NAMES python3 REQUIRED)

set(SSP_SANITIZED "")
if(SSP_SANITIZE)
  set(SSP_SANITIZED 1)
endif()

# ssp_pytest(<label> <timeout in s> <names>): tests/<label>/test_<name>.py against the programs of
# this build.
function(ssp_pytest label timeout)
  foreach(name ${ARGN})
    add_test(NAME ${label}.${name}
      COMMAND ${SSP_PYTHON} -B -m pytest -q -ra --tb=short -p no:cacheprovider
              --basetemp=${CMAKE_BINARY_DIR}/tests/${label}.${name} ${label}/test_${name}.py
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
    set_tests_properties(${label}.${name} PROPERTIES
      LABELS ${label} TIMEOUT ${timeout}
      ENVIRONMENT
      "SHADOWPLUG_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};SHADOWPLUG_SANITIZED=${SSP_SANITIZED}")
  endforeach()
endfunction()

ssp_pytest(integration 900 acl aead2022 addresses allowances answers calls config crowds daemon elf engines fleet floods formats front_door harness host inline instructions limits lists manager manual memory names nftables obfs obfs_config outbound pac pages plugin_addresses plugin_control plugin_life
  plugin_options plugin_udp prefix probes proxy_protocol pt_wrap redir relay reload scripts servers socks splits tunnel udp workers)
ssp_pytest(interop 900 acl aead2022 browser chain clients demo exec_wrap manager pt_wrap redir shadowsocks simple_obfs ssurl stls_wrap tls_wrap tunnel udp units v2ray ws_wrap)
ssp_pytest(tool 900 check_command check_contract check_flaws check_host check_peers check_traffic describe doctor env manual new opts run)
ssp_pytest(integration 900 access_log metrics service takeover)
ssp_pytest(integration 900 salts)
ssp_pytest(contract 300 contract)
# With ThreadSanitizer, too.
set_tests_properties(integration.workers PROPERTIES LABELS "integration;threads")
