/* TLS as clients of queues, caches and states speak it, with the settings that a URL has for it:
 *
 *	verify=false      take any certificate
 *	cafile=FILE       the certificates of those who may sign, instead of the system's
 *	certfile=FILE     our own certificate, those between it and the signer behind it
 *	keyfile=FILE      its key, where FILE above does not have it too
 *
 * Unless told otherwise the server's certificate has to be signed by somebody known, valid, and made out for the host's name or address as
 * the URL has it (RFC 6125, RFC 2818 3.1). TLS is 1.2 or later. */
#ifndef IMQ_TLS_H
#define IMQ_TLS_H

#include <openssl/ssl.h>

#include "buf.h"
#include "opt.h"
#include "problem.h"

struct tls {
	bool verify;
	char *ca_file, *cert_file, *key_file; /* NULL: none */
	long refused; /* why the server's certificate was, X509_V_ERR_… */
};

#define TLS_INIT ((struct tls){ .verify = true })
void tls_free(struct tls *t);
/* Takes over the setting KEY with a copy of VALUE. False: it is none for TLS; or with PROBLEM's text, which must have been empty, no good. */
bool tls_setting(struct tls *t, const char *key, const char *value, struct problem *problem);
/* Makes CONTEXT one for connections to HOST with these settings. T must outlive it. False: PROBLEM. */
bool tls_prepare(struct tls *t, SSL_CTX *context, const char *host, struct problem *problem);
/* Fills in why the last call of TLS failed, in this thread, for a connection to PLACE. Only where the connection ended is the server away:
 * a certificate that is refused, here or there, will be the next time. Returns false. */
bool tls_failed(const struct tls *t, const char *place, struct problem *problem);
/* Whether OpenSSL knows a reason why the last call in this thread failed. */
bool tls_has_failed(const struct tls *t);

/* The same as options of a command. */
struct tls_options {
	const char *ca_file, *certificate, *key;
};

#define TLS_OPTIONS(o) \
	OPT_FILE(0, "ssl-ca-certificate", &(o)->ca_file, "with TLS: those who may sign, instead of the system's"), \
	OPT_FILE(0, "ssl-client-certificate", &(o)->certificate, "with TLS: our own certificate"), \
	OPT_FILE(0, "ssl-client-certificate-key", &(o)->key, "its key, where that is not in the same file")

/* Appends them to URL as settings, each with an ampersand in front. */
void tls_options_add(const struct tls_options *o, struct buf *url);

#endif
