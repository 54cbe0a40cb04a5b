# SPDX-License-Identifier: Apache-2.0
ssp_fuzz_target(conf SOURCES fuzz_conf.c USES ss_conf)
ssp_fuzz_target(argv SOURCES fuzz_argv.c USES ss_conf)
