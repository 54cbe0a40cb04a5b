/* SPDX-License-Identifier: Apache-2.0 */
#include "without_jit.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <endian.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef SYS_mmap2
enum { MAP = SYS_mmap2 };
#else
enum { MAP = SYS_mmap };
#endif

enum {
    NUMBER = offsetof(struct seccomp_data, nr),
    PROTECTION = offsetof(struct seccomp_data, args[2]) + (BYTE_ORDER == BIG_ENDIAN ? 4 : 0)
};

/* From now on mmap() and mprotect() refuse PROT_EXEC.  Returns -1 where the system has no such
 * filter. */
static int refuse_execution(void)
{
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAP, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROTECTION),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1), /* EPERM */
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int without_jit(void **state)
{
    (void)state;
    int error;
    PCRE2_SIZE at;
    if (refuse_execution() == -1) {
        perror("without_jit: no filter of system calls");
        return -1;
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) "^a+$", 4, 0, &error, &at, NULL);
    int compiled = code != NULL ? pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) : 0;
    pcre2_code_free(code);
    return compiled != 0 ? 0 : -1;
}
