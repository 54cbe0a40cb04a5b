# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(aead SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_aead.c USES ss_proto ssp_codec)
ssp_fuzz_target(aead2022 SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_aead2022.c USES ss_proto ssp_codec)
ssp_fuzz_target(packet2022 SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_packet2022.c USES ss_proto ssp_codec)
ssp_fuzz_target(packet SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_packet.c USES ss_proto ssp_codec)
foreach(front socks target)
  ssp_fuzz_target(${front}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_${front}.c ${CMAKE_CURRENT_LIST_DIR}/front_split.c
    USES ss_proto ssp_codec)
  target_include_directories(fuzz_${front} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit/proto)
endforeach()
ssp_fuzz_target(proxy_header SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_proxy_header.c USES ssp_base)
ssp_fuzz_target(udp SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_udp.c USES ss_proto ssp_codec)
ssp_fuzz_target(manager SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_manager.c USES ss_manager)
ssp_fuzz_target(http SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_http.c USES ss_http ssp_codec)
target_include_directories(fuzz_http PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit/http)
ssp_fuzz_target(acl SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_acl.c USES ss_acl)
