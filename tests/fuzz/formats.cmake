# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(url SOURCES fuzz_url.c USES ss_formats)
