/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.h - whole streams, computed with other implementations than ours (pyca/cryptography,
 * PyNaCl).
 *
 * Password "correct horse battery staple"; the salt counts 0, 1, 2, ...; two chunks.
 */
#ifndef SS_TEST_VECTORS_H
#define SS_TEST_VECTORS_H

#define VECTOR_PASSWORD "correct horse battery staple"
#define VECTOR_FIRST                                                                               \
    "\x03\x0b"                                                                                     \
    "example.com"                                                                                  \
    "\x01\xbb"                                                                                     \
    "first"
#define VECTOR_SECOND "the second chunk"

/* Everything in hexadecimal. */
static const struct vector {
    const char *method, *key, *subkey, *stream;
} vectors[] = {
    {"aes-128-gcm", "9cc2ae8a1ba7a93da39b46fc1019c481", "db2f64e4297bce6f09f65d07e56b3a9e",
     "000102030405060708090a0b0c0d0e0fd64ae0bf5ccf8af6f5e9c4f36b32f17fd0041a172240ddd306523ad5"
     "d225ac8dd0bc6ab051970987f57c8a4a871c7a7490f21c91edfbd3db468a3de1a5551f5b06f93e35f6aa94e5"
     "1dc0a22f3a1ac60d280b46cc19b3dda07fb4e58779cb9f826e5329161ec59596"},
    {"aes-192-gcm", "9cc2ae8a1ba7a93da39b46fc1019c481f5eed4f36a1de685",
     "f056f801ee6cc80a378e7cee5db64e9609fe300bd82b6724",
     "000102030405060708090a0b0c0d0e0f1011121314151617105290ab594a66d51f212457d9d20d719ce5d782"
     "6f638c044b75949a40cfea14651f374f294c655cc01492f14ac251f7c7dbcc03dd7948a51ac44859cbaea97d"
     "6ec6a4a6f88db498922ded315b070ca28f9d3f398978dbc9b532cd14c1e306e7476286e59009a15f"},
    {"aes-256-gcm", "9cc2ae8a1ba7a93da39b46fc1019c481f5eed4f36a1de6859cad92c665562831",
     "12d4ed2b734da8ca6d66b856a72fde17117cf3d30493c05a8db31b95e614f2ee",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fad40f7160dae9cb2540f3fd7"
     "e2583ae3e9523d1e302d7918e82af6b3da0e0d00c7698650ae77e6b7cf5b1ba6f01d928b429afe9b93b34633"
     "c37fe9649df876a033cd64ddc394ab77f3ad887667d0ff09cc3731092909e9219ad3b0af3ce5b5d1abc28bde"
     "11dee33c"},
    {"chacha20-ietf-poly1305", "9cc2ae8a1ba7a93da39b46fc1019c481f5eed4f36a1de6859cad92c665562831",
     "12d4ed2b734da8ca6d66b856a72fde17117cf3d30493c05a8db31b95e614f2ee",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1faf42704c7cb8c3fcf735d716"
     "4522090897ec4a2e1cd5eedb0f821574c8bd769a53284278ad5cba9059266f6ddd186a03832d8e741bb7a470"
     "b4d3f7f243bfa6433d08949238a46796c33ba6ac8c978c6b2319bfe7e97fc2e8836e76c4c253c0483af0e74c"
     "c794bcc9"},
    {"xchacha20-ietf-poly1305", "9cc2ae8a1ba7a93da39b46fc1019c481f5eed4f36a1de6859cad92c665562831",
     "12d4ed2b734da8ca6d66b856a72fde17117cf3d30493c05a8db31b95e614f2ee",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0bb6cc9f655e0a44d5ee92b8"
     "ab48a2bf58e947368b110b160836d52f5f586fca7c5cbb9214605a73217cda7063b83752e4951268d8bfeab2"
     "7f123a426f78677725adec39077b7adcf981a12250ea40cdfde58cde2a531f029dcda56c3452ff5cf54a421e"
     "9292fca2"},
};

#endif
