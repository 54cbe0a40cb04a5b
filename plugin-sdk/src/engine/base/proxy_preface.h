/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_preface.h - the PROXY protocol of HAProxy, versions 1 and 2, as it is read: the address
 * that a balancer, or a plugin, speaks for.
 *
 * LOCAL and UNKNOWN, and a family or a transport other than TCP, name no client.  TLVs are skipped.
 */
#ifndef SSP_BASE_PROXY_PREFACE_H
#define SSP_BASE_PROXY_PREFACE_H

#include "base/preface.h"

enum {
    SSP_PROXY_V1_MAX = 107,      /* a line, CR and LF included */
    SSP_PROXY_PREFACE_MAX = 4096 /* of version 2, with its TLVs */
};

extern const struct ssp__preface ssp__proxy_preface;

#endif
