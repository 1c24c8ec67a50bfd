/* What the host needs beyond mbedtls-config.h, which stands before this: it answers TLS, and makes its own
 * certificate where nobody gave it one. */

#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C

/* Three threads of the host use it at once, each with contexts of its own: the page's server, requests of rules, and
 * what hashes passwords. What they share is PSA's state, which TLS 1.3 keeps its keys in; that takes locks. */
#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD
