/* SPDX-License-Identifier: Apache-2.0 */
/**
 * version.h - which library this is, and what it exports.
 *
 * Within one SSP_ABI a program that was linked against an older libssplugin runs with a newer one:
 * functions are only added, and structs that a program fills begin with their size, so that they
 * may grow at their end.
 */
#ifndef SSPLUGIN_VERSION_H
#define SSPLUGIN_VERSION_H

/** Number of the binary interface, also in the soname. */
#define SSP_ABI 1

/** The version of these headers, as text and as 0x00MMmmpp. */
#define SSP_VERSION "0.1.0"
#define SSP_VERSION_NUMBER 0x000100

/** In front of every function that the library exports. */
#if defined(__GNUC__)
#define SSP_API __attribute__((visibility("default")))
#else
#define SSP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** SSP_VERSION of the library that runs; static. */
SSP_API const char *ssp_version(void);

#ifdef __cplusplus
}
#endif

#endif
