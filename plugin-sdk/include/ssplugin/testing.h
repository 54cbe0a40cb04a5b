/* SPDX-License-Identifier: Apache-2.0 */
/**
 * testing.h - the laws that every codec keeps, for the tests of its author.
 *
 * A test is one line, a fuzz target another one:
 *
 *     int main(void) { return ssp_laws_main(&my_codec, "key=secret", "key=secret"); }
 *     SSP_FUZZ_TARGET(my_codec, "key=secret")
 *
 * It is linked with libssplugin-testing, a static library, beside libssplugin: the shipped library
 * has no tests in it.
 */
#ifndef SSPLUGIN_TESTING_H
#define SSPLUGIN_TESTING_H

#include <ssplugin/drive.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A client and a server that must understand each other. */
typedef struct ssp_law_subject {
    const ssp_codec *codec;
    const void *client_conf, *server_conf;
    /** Largest payload in the split laws; every cut of the wire form is tried. 0 means 64. */
    size_t split_payload;
} ssp_law_subject;

/**
 * Runs every law: round trip for each size class, the same result for every split of the input, the
 * smallest output window, truncation never succeeds (where wrap emits bytes for the end, each
 * cut before the last of them is a FAIL), a stream that ends before the handshake is over still
 * arrives (see ssp_wait()), nothing kept of the caller's buffers; with timers (ssp_conn_timer())
 * that fire between any two inputs the same round trips and splits, and silence behind the end; for
 * datagrams round trip, declared overhead, and, if seal adds bytes, refusal of every truncation.
 *
 * Returns NULL, or the broken law as a sentence, which is the thread's until its next call.
 */
SSP_API const char *ssp_laws_check(const ssp_law_subject *subject);

/** Makes both configurations from option strings (NULL: none), runs every law, and prints one line
 *  to stdout, in the form of TAP.  Returns the exit status of a test: 0 or 1. */
SSP_API int ssp_laws_main(const ssp_codec *codec, const char *client_options,
                          const char *server_options);

/**
 * Feeds bytes of a fuzzer to both ends of a codec, in both directions, in pieces that the bytes
 * themselves choose; so do timers fire.  Aborts when a rule is broken, or when a configuration is
 * refused.
 *
 * The configurations are made from options at the first call and kept for the life of the process.
 */
SSP_API void ssp_fuzz_codec(const ssp_codec *codec, const char *options, const uint8_t *bytes,
                            size_t n);

/** Defines libFuzzer's entry for a codec. */
#define SSP_FUZZ_TARGET(codec_, options_)                                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);                                    \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)                                     \
    {                                                                                              \
        ssp_fuzz_codec(&(codec_), options_, bytes, n);                                             \
        return 0;                                                                                  \
    }

#ifdef __cplusplus
}
#endif

#endif
