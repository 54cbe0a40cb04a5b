/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the front door of the engine for daemons.
 *
 *   program   what a process has once: loop, resolver, worker, signals
 *   crew      other workers of it: threads with a loop, resolver and worker each
 *   instance  one server of it: listeners and sessions, and the UDP relay beside them
 *   service   the row of data that tells a session what it is: codec, front, plan, limits
 *   daemon    the process itself: background, pid file, user, limits
 *
 * Below these, only layers without I/O (base, codec) are for others to include.
 */
#ifndef SSP_ENGINE_H
#define SSP_ENGINE_H

#include "base/address.h"
#include "base/front.h"
#include "base/packets.h"
#include "base/permit.h"
#include "base/proxy_preface.h"
#include "base/thread.h"
#include "net/daemon.h"
#include "net/lookup.h"
#include "net/own_addresses.h"
#include "relay/balancers.h"
#include "relay/crew.h"
#include "relay/instance.h"
#include "relay/plan.h"
#include "relay/program.h"
#include "relay/service.h"
#include "udp/relay.h"

#endif
