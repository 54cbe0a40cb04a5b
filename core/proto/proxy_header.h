/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_header.h - the PROXY protocol of HAProxy, versions 1 and 2, as a preface: the address that
 * a balancer, or a plugin, speaks for.
 *
 * LOCAL and UNKNOWN, and a family or a transport other than TCP, name no client.  TLVs are skipped.
 */
#ifndef SS_PROTO_PROXY_HEADER_H
#define SS_PROTO_PROXY_HEADER_H

#include "base/preface.h"

enum {
    SS_PROXY_V1_MAX = 107,     /* a line, CR and LF included */
    SS_PROXY_HEADER_MAX = 4096 /* of version 2, with its TLVs */
};

extern const struct ssp__preface ss_proxy_preface;

#endif
