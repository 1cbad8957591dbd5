#include "decode.h"

#include <errno.h>
#include <iconv.h>

#include "unicode.h"

/* Character sets that pages come in. Others are not handed to iconv(): their name is the server's word, and
 * its converters for exotic sets have had their share of bugs. */
static const char *const known[] = { "utf-16", "utf-16le", "utf-16be", "utf-32", "us-ascii", "ascii",
	"iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
	"iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
	"latin1", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
	"windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "tis-620", "koi8-r",
	"koi8-u", "macintosh", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
	"iso-2022-jp" };

static void put_latin1(struct text body, struct buf *out)
{
	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = (unsigned char)body.at[i];

		if (c >= 0x80)
			buf_char(out, (char)(0xc0 | c >> 6));
		buf_char(out, (char)(c < 0x80 ? c : 0x80 | (c & 63)));
	}
}

/* False: there is no such converter. */
static bool put_converted(struct text body, const char *charset, struct buf *out)
{
	enum { PIECE = 4096 };
	iconv_t converter = iconv_open("UTF-8", charset);
	char *from = (char *)(size_t)body.at;
	size_t left = body.len;

	if (converter == (iconv_t)-1)
		return false;
	while (left) {
		char *to = buf_room(out, PIECE), *start = to;
		size_t room = PIECE;
		bool done = iconv(converter, &from, &left, &to, &room) != (size_t)-1;
		int failure = errno;

		out->len += (size_t)(to - start);
		if (done || failure == E2BIG)
			continue;
		buf_string(out, "\xef\xbf\xbd");
		if (failure == EINVAL) /* the last character is not whole */
			break;
		from++;
		left--;
	}
	iconv_close(converter);
	return true;
}

/* The parameter `charset` of a Content-Type (RFC 9110, 8.3.1). */
static struct text charset_of(const char *content_type)
{
	struct text rest = text_of(content_type), part;

	if (rest.at)
		text_split(&rest, ';', &part);
	while (rest.at && text_split(&rest, ';', &part)) {
		struct text name;

		part = text_trim(part);
		text_split(&part, '=', &name);
		if (!part.at || !text_eq_nocase(text_trim(name), TEXT("charset")))
			continue;
		part = text_trim(part);
		if (part.len > 1 && (part.at[0] == '"' || part.at[0] == '\'') &&
			part.at[part.len - 1] == part.at[0])
			part = (struct text){ part.at + 1, part.len - 2 };
		return part;
	}
	return NO_TEXT;
}

void decode_page(struct text body, const char *content_type, struct buf *out)
{
	struct text charset = charset_of(content_type);

	if (text_starts(body, TEXT("\xef\xbb\xbf"))) {
		unicode_repair(text_from(body, 3), out);
		return;
	}
	if (!charset.at && (text_starts(body, TEXT("\xff\xfe")) || text_starts(body, TEXT("\xfe\xff"))))
		charset = TEXT("utf-16");
	for (size_t i = 0; charset.at && i < LENGTH(known); i++)
		if (text_eq_nocase(charset, text_of(known[i])) && put_converted(body, known[i], out))
			return;
	if (charset.at || unicode_valid(body))
		unicode_repair(body, out);
	else
		put_latin1(body, out);
}
