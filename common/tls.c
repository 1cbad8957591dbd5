#include "tls.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "alloc.h"
#include "queue_url.h"

void tls_free(struct tls *t)
{
	free(t->ca_file);
	free(t->cert_file);
	free(t->key_file);
	*t = TLS_INIT;
}

bool tls_setting(struct tls *t, const char *key, const char *value, struct problem *problem)
{
	const struct { const char *key; char **file; } files[] = {
		{ "cafile", &t->ca_file }, { "certfile", &t->cert_file }, { "keyfile", &t->key_file } };

	if (strcmp(key, "verify") == 0) {
		t->verify = strcmp(value, "false") != 0;
		return !t->verify || strcmp(value, "true") == 0 || problem_set(problem, "verify=%s: it is true or false", value);
	}
	for (size_t i = 0; i < LENGTH(files); i++)
		if (strcmp(key, files[i].key) == 0) {
			free(*files[i].file);
			*files[i].file = alloc_string(text_of(value));
			return true;
		}
	return false;
}

static const char *reason(unsigned long error)
{
	/* Errors of the system have no text of their own (OpenSSL 3). */
	if (ERR_SYSTEM_ERROR(error))
		return strerror(ERR_GET_REASON(error));
	return error ? ERR_reason_error_string(error) : NULL;
}

static bool bad_file(const char *what, const char *file, struct problem *problem)
{
	const char *why = reason(ERR_peek_error()); /* the first says most */

	return problem_set(problem, "%s %s: %s", what, file, why ? why : "cannot be used");
}

/* Remembers what the certificate is refused for. */
static int note_refusal(int fine, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!fine)
		t->refused = X509_STORE_CTX_get_error(store);
	return fine;
}

/* HOST is a name or an address: certificates have them apart. */
static bool expect_host(SSL_CTX *context, const char *host)
{
	X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_ip_asc(expected, host) || X509_VERIFY_PARAM_set1_host(expected, host, 0);
}

static bool use_certificate(const struct tls *t, SSL_CTX *context, struct problem *problem)
{
	const char *key = t->key_file ? t->key_file : t->cert_file;

	if (!t->cert_file)
		return !t->key_file || problem_set(problem, "keyfile=%s: there is no certfile", t->key_file);
	if (SSL_CTX_use_certificate_chain_file(context, t->cert_file) != 1)
		return bad_file("certfile", t->cert_file, problem);
	return SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 || bad_file("keyfile", key, problem);
}

bool tls_prepare(struct tls *t, SSL_CTX *context, const char *host, struct problem *problem)
{
	ERR_clear_error();
	t->refused = X509_V_OK;
	SSL_CTX_set_app_data(context, t);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(context, t->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, t->verify ? note_refusal : NULL);
	if (t->verify && !expect_host(context, host))
		return problem_set(problem, "no name of a host: \"%s\"", host);
	if (t->ca_file && SSL_CTX_load_verify_locations(context, t->ca_file, NULL) != 1)
		return bad_file("cafile", t->ca_file, problem);
	if (!t->ca_file && t->verify && SSL_CTX_set_default_verify_paths(context) != 1)
		return problem_set(problem, "the system's certificates cannot be read");
	return use_certificate(t, context, problem);
}

bool tls_has_failed(const struct tls *t)
{
	return t->refused != X509_V_OK || ERR_peek_last_error();
}

bool tls_failed(const struct tls *t, const char *place, struct problem *problem)
{
	unsigned long error = ERR_peek_last_error();
	const char *why = reason(error);
	bool ended = !error || ERR_SYSTEM_ERROR(error) || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	ERR_clear_error();
	if (t->refused != X509_V_OK)
		return problem_set(problem, "%s: the server's certificate is refused: %s", place, X509_verify_cert_error_string(t->refused));
	problem_set(problem, "%s: TLS: %s", place, why ? why : errno ? strerror(errno) : "the server closed the connection");
	problem->away = ended;
	return false;
}

void tls_options_add(const struct tls_options *o, struct buf *url)
{
	const struct { const char *key, *file; } settings[] = {
		{ "cafile", o->ca_file }, { "certfile", o->certificate }, { "keyfile", o->key } };

	for (size_t i = 0; i < LENGTH(settings); i++)
		if (settings[i].file && *settings[i].file) {
			buf_printf(url, "&%s=", settings[i].key);
			queue_url_add(url, text_of(settings[i].file));
		}
}
