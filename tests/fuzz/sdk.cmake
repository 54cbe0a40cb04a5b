# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(options SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_options.c USES ssp_contract)
ssp_fuzz_target(hosts SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_hosts.c USES ssp_contract)
ssp_fuzz_target(pump SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_pump.c USES ssp_codec)
ssp_fuzz_target(settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_settings.c USES ssp_options)
ssp_fuzz_target(dns SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_dns.c USES ssp_net)
