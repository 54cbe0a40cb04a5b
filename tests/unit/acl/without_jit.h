/* SPDX-License-Identifier: Apache-2.0 */
/* without_jit.h - a process that gets no memory to execute, as of MemoryDenyWriteExecute=yes. */
#ifndef SS_TESTS_WITHOUT_JIT_H
#define SS_TESTS_WITHOUT_JIT_H

/* A setup of cmocka.  Fails where pcre2 compiles an expression to machine code nevertheless. */
int without_jit(void **state);

#endif
