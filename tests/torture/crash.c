/* SPDX-License-Identifier: Apache-2.0 */
/* crash.c - tells a crash inside of a library of others, which some do when memory is out while
 * they load, from one of the program's own. */
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { STATUS = 98 }; /* trial.py knows it */

static struct sigaction before;

static const void *place(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (const void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)context->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

static void crashed(int signo, siginfo_t *about, void *context)
{
    (void)about;
    Dl_info at;
    if (dladdr(place(context), &at) != 0 && at.dli_fname != NULL &&
        (strstr(at.dli_fname, "libcrypto") != NULL || strstr(at.dli_fname, "libjson-c") != NULL))
        _exit(STATUS);
    (void)sigaction(signo, &before, NULL); /* the instruction is run again */
}

__attribute__((constructor)) static void watch(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = crashed;
    (void)sigaction(SIGSEGV, &action, &before);
}
