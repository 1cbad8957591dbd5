/* Bytes of the world to UTF-8. What stands for no character is dropped, as IntelMQ drops it, but counted. */
#include "parse.h"

const char *const encoding_names[] = { "auto", "utf-8", "latin-1", "windows-1252", "utf-16", "mixed", NULL };

bool format_drops_nul(enum format format)
{
	return format == FORMAT_CSV || format == FORMAT_HTML || format == FORMAT_XML;
}

void decode_start(struct decoder *d)
{
	d->started = d->big_endian = false;
	d->found = d->encoding;
	d->kept_len = 0;
}

static void put_code(struct buf *out, uint32_t code)
{
	char *p = buf_room(out, 4);

	if (code < 0x80) {
		*p++ = (char)code;
	} else if (code < 0x800) {
		*p++ = (char)(0xc0 | code >> 6);
		*p++ = (char)(0x80 | (code & 63));
	} else if (code < 0x10000) {
		*p++ = (char)(0xe0 | code >> 12);
		*p++ = (char)(0x80 | (code >> 6 & 63));
		*p++ = (char)(0x80 | (code & 63));
	} else {
		*p++ = (char)(0xf0 | code >> 18);
		*p++ = (char)(0x80 | (code >> 12 & 63));
		*p++ = (char)(0x80 | (code >> 6 & 63));
		*p++ = (char)(0x80 | (code & 63));
	}
	out->len = (size_t)(p - out->at);
}

/* The length of the UTF-8 sequence (RFC 3629) at P; 0: none starts here; -1: it goes on beyond END. */
static int sequence(const unsigned char *p, const unsigned char *end)
{
	unsigned char low = 0x80, high = 0xbf;
	int length;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	length = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;
	for (int i = 1; i < length; i++) {
		if (p + i == end)
			return -1;
		if (p[i] < (i == 1 ? low : 0x80) || p[i] > (i == 1 ? high : 0xbf))
			return 0;
	}
	return length;
}

/* How many bytes at P are whole UTF-8 sequences. */
static size_t good_bytes(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;
	uint64_t eight;

	for (;;) {
		int n;

		while (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0))
			p += 8;
		if (p == end || (n = sequence(p, end)) <= 0)
			return (size_t)(p - start);
		p += n;
	}
}

/* Appends without NUL bytes. */
static void add_without_nul(struct buf *out, struct text t)
{
	const char *nul;

	while (t.len && (nul = memchr(t.at, '\0', t.len))) {
		buf_add(out, t.at, (size_t)(nul - t.at));
		t = text_from(t, (size_t)(nul - t.at) + 1);
	}
	buf_text(out, t);
}

/* Windows-1252, 0x80 to 0x9f; 0 stands for nothing. */
static const uint16_t windows_1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

static uint32_t windows(unsigned char c)
{
	return c >= 0x80 && c < 0xa0 ? windows_1252[c - 0x80] : c;
}

static void decode_utf8(
	struct decoder *d, const unsigned char *p, const unsigned char *end, bool last, struct buf *out)
{
	while (p < end) {
		size_t good = good_bytes(p, end);
		struct text run = { (const char *)p, good };

		if (d->drop_nul)
			add_without_nul(out, run);
		else
			buf_text(out, run);
		p += good;
		if (p == end)
			break;
		if (!last && sequence(p, end) < 0) {
			d->kept_len = (size_t)(end - p);
			memcpy(d->kept, p, d->kept_len);
			return;
		}
		if (d->found == ENCODING_MIXED && windows(*p))
			put_code(out, windows(*p));
		else
			d->undecodable++;
		p++;
	}
}

static void decode_bytes(struct decoder *d, const unsigned char *p, const unsigned char *end, struct buf *out)
{
	for (; p < end; p++) {
		uint32_t code = d->found == ENCODING_WINDOWS_1252 ? windows(*p) : *p;

		if (code == 0 && *p)
			d->undecodable++;
		else if (code || !d->drop_nul)
			put_code(out, code);
	}
}

static unsigned unit(const struct decoder *d, const unsigned char *p)
{
	return d->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

/* RFC 2781; without a byte-order mark little-endian, as Windows writes it. */
static void decode_utf16(
	struct decoder *d, const unsigned char *p, const unsigned char *end, bool last, struct buf *out)
{
	while (end - p >= 2) {
		unsigned first = unit(d, p), second;

		if (first < 0xd800 || first > 0xdfff) {
			if (first || !d->drop_nul)
				put_code(out, first);
			p += 2;
			continue;
		}
		if (first < 0xdc00 && end - p < 4 && !last)
			break;
		second = first < 0xdc00 && end - p >= 4 ? unit(d, p + 2) : 0;
		if (second >= 0xdc00 && second <= 0xdfff) {
			put_code(out, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
			p += 4;
		} else {
			d->undecodable += 2;
			p += 2;
		}
	}
	if (last) {
		d->undecodable += (uint64_t)(end - p);
	} else {
		d->kept_len = (size_t)(end - p);
		memcpy(d->kept, p, d->kept_len);
	}
}

/* By its mark, or by every second byte of the first four being zero, as with all text that begins in ASCII. */
static bool looks_like_utf16(struct decoder *d, const unsigned char *p, size_t n)
{
	if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return true;
	d->big_endian = n >= 4 && !p[0] && p[1] && !p[2] && p[3];
	return d->big_endian || (n >= 4 && p[0] && !p[1] && p[2] && !p[3]);
}

/* Skips a byte-order mark. NULL: too few bytes to tell. */
static const unsigned char *skip_mark(
	struct decoder *d, const unsigned char *p, const unsigned char *end, bool last)
{
	size_t n = (size_t)(end - p);

	if (d->found == ENCODING_AUTO) {
		if (n < 4 && !last)
			return NULL;
		d->found = looks_like_utf16(d, p, n) ? ENCODING_UTF_16 : ENCODING_UTF_8;
	}
	if (d->found == ENCODING_UTF_8 || d->found == ENCODING_MIXED) {
		if (n < 3 && !last && memcmp(p, "\xef\xbb\xbf", n) == 0)
			return NULL;
		p += n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	} else if (d->found == ENCODING_UTF_16) {
		if (n < 2 && !last)
			return NULL;
		d->big_endian |= n >= 2 && p[0] == 0xfe && p[1] == 0xff;
		p += n >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe)) ? 2 : 0;
	}
	d->started = true;
	return p;
}

static void decode_run(
	struct decoder *d, const unsigned char *p, const unsigned char *end, bool last, struct buf *out)
{
	if (!d->started) {
		const unsigned char *after = skip_mark(d, p, end, last);

		if (!after) {
			d->kept_len = (size_t)(end - p);
			memcpy(d->kept, p, d->kept_len);
			return;
		}
		p = after;
	}
	if (d->found == ENCODING_UTF_8 || d->found == ENCODING_MIXED)
		decode_utf8(d, p, end, last, out);
	else if (d->found == ENCODING_UTF_16)
		decode_utf16(d, p, end, last, out);
	else
		decode_bytes(d, p, end, out);
}

void decode(struct decoder *d, struct text bytes, bool last, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)bytes.at, *end = p + bytes.len;

	/* A sequence begun in the last block: byte by byte until it is whole. */
	while (d->kept_len && (p < end || last)) {
		unsigned char together[5];
		size_t n = d->kept_len;

		memcpy(together, d->kept, n);
		if (p < end)
			together[n++] = *p++;
		d->kept_len = 0;
		decode_run(d, together, together + n, last && p == end, out);
	}
	if (p < end)
		decode_run(d, p, end, last, out);
}
