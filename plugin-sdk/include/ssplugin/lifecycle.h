/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lifecycle.h - the life of a plugin process, for programs with a loop of their own.
 *
 * ssp_main() does all of this by itself.  A program that does not use it calls, in this order:
 * ssp_lifecycle_begin() first of all, ssp_env_read(), then opens its listener (or takes the one of
 * ssp_lifecycle_listen_fd()), ssp_notify_ready(), and while it runs polls
 * ssp_lifecycle_input_fd() and, about once a second, ssp_lifecycle_orphaned().
 *
 * Thread: the functions of the lifecycle belong to the main thread; ssp_notify() and its kin may be
 * called by any thread, a line is one write.
 */
#ifndef SSPLUGIN_LIFECYCLE_H
#define SSPLUGIN_LIFECYCLE_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Puts the process into a known state: descriptors 0 to 2 open, SIGPIPE ignored, all other signals
 * at their default and unblocked, SIGTERM when the host dies (only under a host).
 *
 * Returns 0, or -1 when the host is dead already: the program ends with SSP_EXIT_OK then.
 */
SSP_API int ssp_lifecycle_begin(void);

/** A descriptor whose end of file means that the host asks the plugin to stop
 * (SS_EXIT_ON_STDIN_CLOSE), or -1 when the host gave none.  It is stdin: do not close it. */
SSP_API int ssp_lifecycle_input_fd(void);

/** True when the process that started us has died since ssp_lifecycle_begin(). */
SSP_API bool ssp_lifecycle_orphaned(void);

/** A listening TCP socket that the host has handed over (LISTEN_FDS, LISTEN_PID), bound to the
 * address in SS_LOCAL_*; the caller owns it.  -1: there is none, the caller binds. */
SSP_API int ssp_lifecycle_listen_fd(void);

/** @name The note of a plugin
 *
 *  A host hands a listening socket only to a program whose file says that it takes one: an ELF note
 *  with the owner "SIP003" and the type 1, the descriptor of which is the text "LISTEN_FDS".  See
 *  docs/sip003.md, section 6.
 *  @{ */
#define SSP_NOTE_OWNER "SIP003"
#define SSP_NOTE_TAKES 1
#define SSP_NOTE_LISTEN_FDS "LISTEN_FDS"

/** Puts the note into the program: once, at file scope, without a semicolon, in the program's own
 *  source, which a shared library is not.  SSP_PLUGIN_MAIN() includes it.  On systems without ELF
 *  it is empty: the plugin then binds by itself. */
#if defined(__ELF__) && defined(__GNUC__)
#define SSP_NOTE_(name_, type_, text_)                                                             \
    __attribute__((used, section(".note.sip003"), aligned(4))) static const struct {               \
        uint32_t owner_size, text_size, type;                                                      \
        char owner[(sizeof(SSP_NOTE_OWNER) + 3) / 4 * 4];                                          \
        char text[(sizeof(text_) + 3) / 4 * 4];                                                    \
    } name_ = {sizeof(SSP_NOTE_OWNER), sizeof(text_), type_, SSP_NOTE_OWNER, text_};
#else
#define SSP_NOTE_(name_, type_, text_)
#endif
#define SSP_PLUGIN_NOTE SSP_NOTE_(ssp_plugin_note, SSP_NOTE_TAKES, SSP_NOTE_LISTEN_FDS)

/** The same for the sockets of a server's plugin: it takes as many as LISTEN_FDS says, and at
 *  SIGWINCH it listens no more and ends with its last connection, since another process has the
 *  same sockets.  Type 3, the same text; used beside SSP_PLUGIN_NOTE.  Plugins that call ssp_main()
 *  do both. */
#define SSP_NOTE_SHARES 3
#define SSP_PLUGIN_SHARES SSP_NOTE_(ssp_plugin_shares, SSP_NOTE_SHARES, SSP_NOTE_LISTEN_FDS)

/** For a plugin that starts other programs, and talks to them by TCP ports that nobody names: a
 *  sandbox that limits a plugin to the ports of its options leaves this one all.  Type 2, the text
 *  "ANY_PORTS"; used like SSP_PLUGIN_NOTE. */
#define SSP_NOTE_NEEDS 2
#define SSP_NOTE_ANY_PORTS "ANY_PORTS"
#define SSP_PLUGIN_NEEDS_PORTS SSP_NOTE_(ssp_plugin_needs, SSP_NOTE_NEEDS, SSP_NOTE_ANY_PORTS)
/** @} */

/** Counters of a plugin.  Bytes are plain ones, without the codec's overhead. */
typedef struct ssp_stats {
    uint32_t size;               /**< sizeof(ssp_stats); lets the struct grow */
    uint32_t live;               /**< connections open now */
    uint64_t connections;        /**< accepted since the start */
    uint64_t up, down;           /**< bytes from client to server, and back */
    uint64_t foreign, failed;    /**< connections: of a foreign protocol; ended by an error */
    uint64_t wire_up, wire_down; /**< bytes that the codec made of those, or read; of TCP */
} ssp_stats;

/** @name Lines for the host (SS_PLUGIN_NOTIFY_FD)
 *
 *  fd is ssp_env::notify_fd; -1 is accepted, nothing is written then.  All return 0, or -1 with
 *  errno when the line could not be written at once: it is lost, the plugin goes on.
 *  @{ */

/** "READY=1": the plugin listens and relays. */
SSP_API int ssp_notify_ready(int fd);

/** "STATS=conns=N live=N up=N down=N foreign=N fail=N wire-up=N wire-down=N"; without the last two
 * of a smaller struct */
SSP_API int ssp_notify_stats(int fd, const ssp_stats *stats);

/** "key=value", such as STATUS=text or CLIENT-OPTIONS=string.  Control characters of value become
 *  '?'; a line is at most 4096 bytes, longer ones fail with EMSGSIZE. */
SSP_API int ssp_notify(int fd, const char *key, const char *value);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
