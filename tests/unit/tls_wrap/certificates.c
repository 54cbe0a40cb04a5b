/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void certs_open(char directory[CERT_PATH_MAX])
{
    (void)snprintf(directory, CERT_PATH_MAX, "/tmp/tls-wrap.XXXXXX");
    assert_non_null(mkdtemp(directory));
}

void certs_close(const char *directory)
{
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
    }
    (void)closedir(dir);
    assert_int_equal(rmdir(directory), 0);
}

static void add_name(X509 *x, const char *name)
{
    char value[300];
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    (void)snprintf(value, sizeof value, "DNS:%s", name);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, value);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    const unsigned char *cn = (const unsigned char *)name;
    X509_NAME *subject = X509_get_subject_name(x);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, cn, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x, subject), 1);
}

static X509 *issue(EVP_PKEY *key, const struct cert_request *request)
{
    X509 *x = X509_new();
    assert_non_null(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), request->begins));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), request->ends));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    add_name(x, request->name);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void replace(const char *path, X509 *x, EVP_PKEY *key, unsigned times)
{
    char fresh[CERT_PATH_MAX + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    for (unsigned i = 0; x != NULL && i < times; i++)
        assert_int_equal(PEM_write_X509(file, x), 1);
    if (key != NULL)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

void cert_make(struct cert *made, const char *directory, const char *stem,
               const struct cert_request *request)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *x = issue(key, request);
    (void)snprintf(made->cert, sizeof made->cert, "%s/%s.cert", directory, stem);
    (void)snprintf(made->key, sizeof made->key, "%s/%s.key", directory, stem);
    assert_int_equal(tls_pin_of(x, made->pin), 0);
    replace(made->cert, x, NULL, 1 + request->repeats);
    replace(made->key, NULL, key, 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
