/* SPDX-License-Identifier: Apache-2.0 */
#include "check/signal_name.h"

#include <signal.h>
#include <stddef.h>

#define ROW(number) [number] = #number

const char *signal_name(int number)
{
    static const char *const names[] = {
        ROW(SIGHUP),  ROW(SIGINT),    ROW(SIGQUIT), ROW(SIGILL),  ROW(SIGTRAP), ROW(SIGABRT),
        ROW(SIGBUS),  ROW(SIGFPE),    ROW(SIGKILL), ROW(SIGUSR1), ROW(SIGSEGV), ROW(SIGUSR2),
        ROW(SIGPIPE), ROW(SIGALRM),   ROW(SIGTERM), ROW(SIGCHLD), ROW(SIGCONT), ROW(SIGSTOP),
        ROW(SIGTSTP), ROW(SIGTTIN),   ROW(SIGTTOU), ROW(SIGURG),  ROW(SIGXCPU), ROW(SIGXFSZ),
        ROW(SIGPROF), ROW(SIGVTALRM), ROW(SIGPOLL), ROW(SIGPWR),  ROW(SIGSYS),  ROW(SIGWINCH),
    };
    enum { NAMES = sizeof names / sizeof names[0] };
    return number >= 0 && number < NAMES && names[number] != NULL ? names[number] : "a signal";
}
