/* Splitting a text into what a date may be made of. */
#include "when_tokens.h"

#include "unicode.h"

/* Characters outside ASCII matter by their kind only and become one of these, controls of the input the last.
 */
enum { ODD_DIGIT = 1, ODD_LETTER = 2, ODD_OTHER = 3 };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool number_char(char c)
{
	return digit(c) || c == ODD_DIGIT;
}

static bool word_char(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == ODD_LETTER;
}

/* Puts T into OUT, one byte a character. Returns the number of characters, -1 if they are too many. */
static int simplify(struct text t, char *out)
{
	uint32_t rune;
	int n = 0;

	while (t.len) {
		if (n == TOKENS_MAX || !unicode_next(&t, &rune))
			return -1;
		if (rune == 0)
			continue;
		if (unicode_space(rune))
			out[n++] = ' ';
		else if (unicode_decimal(rune) >= 0)
			out[n++] = (char)('0' + unicode_decimal(rune));
		else if (rune < 0x80)
			out[n++] = rune < 0x20 ? ODD_OTHER : (char)rune;
		else
			out[n++] = unicode_digit(rune)    ? ODD_DIGIT
				   : unicode_letter(rune) ? ODD_LETTER
							  : ODD_OTHER;
	}
	return n;
}

static void add_token(struct tokens *tokens, const char *at, size_t len)
{
	tokens->list[tokens->count++] = (struct token){ at, len };
}

/* Ends a token with dots in it: one number, or pieces and the dots and commas between them. */
static void add_dotted(struct tokens *tokens, char *start, char *end, bool letters, bool number)
{
	int dots = 0;

	for (char *p = start; p < end; p++)
		dots += *p == '.';
	if (!letters && dots <= 1 && end[-1] != '.' && end[-1] != ',') {
		for (char *p = start; p < end && number && dots == 0; p++)
			if (*p == ',')
				*p = '.';
		add_token(tokens, start, (size_t)(end - start));
		return;
	}
	for (char *p = start; start < end; start = p) {
		while (p < end && *p != '.' && *p != ',')
			p++;
		if (p == start)
			p++;
		add_token(tokens, start, (size_t)(p - start));
	}
}

/* Reads one token at P and returns its end. */
static char *take_token(struct tokens *tokens, char *p, char *end)
{
	char *start = p++;
	bool word = word_char(*start), dotted = false, letters = false;

	if (!word && !number_char(*start)) {
		add_token(tokens, start, 1);
		return p;
	}
	for (; p < end; p++) {
		letters = letters || word;
		if (word_char(*p)) {
			if (word)
				continue;
			if (!dotted || p[-1] != '.')
				break;
			word = true;
		} else if (number_char(*p)) {
			if (!word)
				continue;
			if (!dotted || p[-1] != '.')
				break;
			word = false;
		} else if (*p == '.' || (*p == ',' && !word && !dotted && p - start >= 2)) {
			dotted = true;
		} else {
			break;
		}
	}
	if (dotted)
		add_dotted(tokens, start, p, letters, !word);
	else
		add_token(tokens, start, (size_t)(p - start));
	return p;
}

bool tokens_read(struct tokens *tokens, struct text t)
{
	int n = simplify(t, tokens->text);

	tokens->count = 0;
	if (n <= 0)
		return false;
	for (char *p = tokens->text; p < tokens->text + n;)
		p = take_token(tokens, p, tokens->text + n);
	return true;
}

struct token *token_at(struct tokens *tokens, int i)
{
	return i >= 0 && i < tokens->count ? &tokens->list[i] : NULL;
}

bool token_is(const struct token *t, char c)
{
	return t && t->len == 1 && *t->at == c;
}

int token_word(const struct token *t, const char *words)
{
	int index = 0;

	/* Most tokens are numbers and blanks. */
	if (!t || !word_char(*t->at))
		return -1;
	for (const char *word = words;; word++) {
		size_t n = 0;

		while (n < t->len && *word && (t->at[n] | 32) == *word) {
			n++;
			word++;
		}
		if (n == t->len && (!*word || *word == '|' || *word == ' '))
			return index;
		while (*word && *word != '|' && *word != ' ')
			word++;
		if (!*word)
			return -1;
		index += *word == ' ';
	}
}

int token_weekday(const struct token *t)
{
	return token_word(
		t, "mon|monday tue|tuesday wed|wednesday thu|thursday fri|friday sat|saturday sun|sunday");
}

int token_month(const struct token *t)
{
	return 1 + token_word(t,
			   "jan|january feb|february mar|march apr|april may jun|june jul|july aug|august "
			   "sep|sept|september oct|october nov|november dec|december");
}

int token_unit(const struct token *t)
{
	return token_word(t, "h|hour|hours m|minute|minutes s|second|seconds");
}

int token_half_day(const struct token *t)
{
	return token_word(t, "am|a pm|p");
}

bool token_jumps(const struct token *t)
{
	return (t && t->len == 1 && strchr(" .,;-/'", *t->at)) ||
	       token_word(t, "at on and ad m t of st nd rd th") >= 0;
}

bool token_utc(const struct token *t)
{
	return token_word(t, "utc gmt z") >= 0;
}

bool token_all_digits(const struct token *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (!digit(t->at[i]))
			return false;
	return t->len > 0;
}

bool token_number(const struct token *t)
{
	int dots = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (t->at[i] != '.' && !digit(t->at[i]))
			return false;
		dots += t->at[i] == '.';
	}
	return digit(t->at[0]) && dots <= 1;
}
