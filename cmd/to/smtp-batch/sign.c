/* Signatures by OpenPGP, made by GnuPG with the key that --gpg-key names. */
#include <ctype.h>
#include <stdio.h>

#include <gpgme.h>

#include "batch.h"
#include "stream.h"

static gpgme_error_t on_passphrase(void *unused, const char *hint, const char *info, int again, int fd)
{
	const char *pass = settings.gpg_pass ? settings.gpg_pass : "";

	(void)unused, (void)hint, (void)info;
	if (again)
		return gpgme_error(GPG_ERR_BAD_PASSPHRASE);
	return write_all(fd, pass, strlen(pass)) && write_all(fd, "\n", 1) ? 0 : gpgme_error(GPG_ERR_CANCELED);
}

/* micalg (RFC 3156, 5). */
static const char *hash_name(gpgme_hash_algo_t algorithm)
{
	static char name[32];
	const char *plain = gpgme_hash_algo_name(algorithm);

	snprintf(name, sizeof name, "pgp-%s", plain ? plain : "sha256");
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static gpgme_error_t sign(gpgme_ctx_t context, struct text t, struct buf *out, const char **hash)
{
	gpgme_data_t plain = NULL, signature = NULL;
	gpgme_key_t key = NULL;
	gpgme_sign_result_t result;
	gpgme_error_t error;
	char bytes[4096];
	ssize_t n;

	if (!(error = gpgme_get_key(context, settings.gpg_key, &key, 1)))
		error = gpgme_signers_add(context, key);
	if (!error && !(error = gpgme_data_new_from_mem(&plain, t.at, t.len, 0)) && !(error = gpgme_data_new(&signature)))
		error = gpgme_op_sign(context, plain, signature, GPGME_SIG_MODE_DETACH);
	if (!error) {
		result = gpgme_op_sign_result(context);
		if (!result || !result->signatures)
			error = gpgme_error(GPG_ERR_NO_DATA);
		else
			*hash = hash_name(result->signatures->hash_algo);
	}
	if (!error && gpgme_data_seek(signature, 0, SEEK_SET) == 0)
		while ((n = gpgme_data_read(signature, bytes, sizeof bytes)) > 0)
			buf_add(out, bytes, (size_t)n);
	gpgme_key_unref(key);
	gpgme_data_release(plain);
	gpgme_data_release(signature);
	return error;
}

bool sign_text(struct text t, struct buf *out, const char **hash, struct problem *problem)
{
	gpgme_ctx_t context = NULL;
	gpgme_error_t error;

	gpgme_check_version(NULL);
	error = gpgme_new(&context);
	if (!error) {
		gpgme_set_armor(context, 1);
		gpgme_set_pinentry_mode(context, GPGME_PINENTRY_MODE_LOOPBACK);
		gpgme_set_passphrase_cb(context, on_passphrase, NULL);
		error = sign(context, t, out, hash);
	}
	gpgme_release(context);
	return !error || problem_set(problem, "signing with the key %s: %s", settings.gpg_key, gpgme_strerror(error));
}
