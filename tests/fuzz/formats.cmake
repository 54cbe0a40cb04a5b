# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(url SOURCES fuzz_url.c USES ss_formats)
ssp_fuzz_target(json5 SOURCES fuzz_json5.c USES ss_formats)
ssp_fuzz_target(list SOURCES fuzz_list.c USES ss_formats)
ssp_fuzz_target(foreign SOURCES fuzz_foreign.c USES ss_formats)
