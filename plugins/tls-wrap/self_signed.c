/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/self_signed.h"

#include "tls-wrap/pin.h"

#include <ssplugin/env.h>
#include <ssplugin/options.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DAYS = 3650,
    DAY_SECONDS = 86400,
    NAME_MAX_LEN = 253,
    PATH_SIZE = 4096,
    SERIAL_BITS = 127,
    CN_MAX = 64
};

static int say(const char *what, const char *why)
{
    (void)fprintf(stderr, "tls-wrap: %s: %s\n", what, why);
    return SSP_EXIT_OS;
}

/* A common name has at most 64 characters (RFC 5280): of a longer name its last labels.  It is for
 * people; programs read the alternative name.  NULL when there is no such end. */
static const char *common_name(const char *name)
{
    while (name != NULL && strlen(name) > CN_MAX) {
        name = strchr(name, '.');
        name = name != NULL ? name + 1 : NULL;
    }
    return name;
}

/* Names go into an extension and an option string: no character may have a special meaning there.
 */
static bool name_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_LEN && strspn(name, allowed) == len &&
           common_name(name) != NULL && *common_name(name) != '\0';
}

static int add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int rc = extension != NULL && X509_add_ext(certificate, extension, -1) == 1 ? 0 : -1;
    X509_EXTENSION_free(extension);
    return rc;
}

static int add_extensions(X509 *certificate, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    char alternative[NAME_MAX_LEN + 8];
    bool numeric =
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    (void)snprintf(alternative, sizeof alternative, "%s:%s", numeric ? "IP" : "DNS", name);
    return add_extension(certificate, NID_subject_alt_name, alternative) == 0 &&
                   add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") == 0
               ? 0
               : -1;
}

static int set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    int rc = serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                     BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL
                 ? 0
                 : -1;
    BN_free(serial);
    return rc;
}

/* Returns 0, or -1 when OpenSSL refused something. */
static int fill(X509 *certificate, EVP_PKEY *key, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (X509_set_version(certificate, X509_VERSION_3) != 1 || set_serial(certificate) == -1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)DAYS * DAY_SECONDS) == NULL ||
        X509_set_pubkey(certificate, key) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   (const unsigned char *)common_name(name), -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, subject) != 1 || add_extensions(certificate, name) == -1)
        return -1;
    return X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -1;
}

/* A new file that only its owner can read, or NULL. */
static FILE *create(const char *path)
{
    mode_t before = umask(S_IRWXG | S_IRWXO);
    FILE *file = fopen(path, "wxe");
    (void)umask(before);
    return file;
}

static int write_key(FILE *file, void *key)
{
    return PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
}

static int write_certificate(FILE *file, void *certificate)
{
    return PEM_write_X509(file, certificate);
}

static int save(const char *path, int (*write)(FILE *, void *), void *what)
{
    FILE *file = create(path);
    if (file == NULL)
        return say(path, strerror(errno));
    bool written = write(file, what) == 1;
    if (fclose(file) == 0 && written)
        return SSP_EXIT_OK;
    (void)remove(path);
    return say(path, "cannot be written");
}

/* The options of both ends, as they go into SS_PLUGIN_OPTIONS. */
static void print_options(const char *name, const char *pin, const char *cert, const char *key)
{
    char cert_value[2 * PATH_SIZE], key_value[2 * PATH_SIZE];
    (void)ssp_options_escape(cert_value, sizeof cert_value, cert);
    (void)ssp_options_escape(key_value, sizeof key_value, key);
    printf("server options: server;cert=%s;key=%s\nclient options: host=%s;pin=%s\npin: %s\n",
           cert_value, key_value, name, pin, pin);
}

static int save_both(X509 *certificate, EVP_PKEY *key, const char *name, const char *directory)
{
    char cert_path[PATH_SIZE], key_path[PATH_SIZE], pin[TLS_PIN_MAX];
    if (tls_pin_of(certificate, pin) == -1)
        return say(name, "out of memory");
    if (snprintf(cert_path, sizeof cert_path, "%s/cert.pem", directory) >= PATH_SIZE ||
        snprintf(key_path, sizeof key_path, "%s/key.pem", directory) >= PATH_SIZE)
        return say(directory, strerror(ENAMETOOLONG));
    int status = save(key_path, write_key, key);
    if (status != SSP_EXIT_OK)
        return status;
    status = save(cert_path, write_certificate, certificate);
    if (status != SSP_EXIT_OK) {
        (void)remove(key_path);
        return status;
    }
    print_options(name, pin, cert_path, key_path);
    return SSP_EXIT_OK;
}

int tls_self_signed(const char *name, const char *directory)
{
    char path[PATH_MAX]; /* hosts start plugins elsewhere */
    if (!name_valid(name)) {
        (void)say(name, "not a host name or an address");
        return SSP_EXIT_USAGE;
    }
    if (realpath(directory, path) == NULL)
        return say(directory, strerror(errno));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int status = key != NULL && certificate != NULL && fill(certificate, key, name) == 0
                     ? save_both(certificate, key, name, path)
                     : say(name, "OpenSSL cannot make a certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}
