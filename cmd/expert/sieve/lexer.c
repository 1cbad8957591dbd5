#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sieve.h"

static int here(const struct lexer *lx)
{
	return lx->at < lx->source.len ? (unsigned char)lx->source.at[lx->at] : -1;
}

static int ahead(const struct lexer *lx, size_t n)
{
	return lx->at + n < lx->source.len ? (unsigned char)lx->source.at[lx->at + n] : -1;
}

void lex_space(struct lexer *lx)
{
	for (;;) {
		int c = here(lx);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			lx->at++;
		} else if (c == '#' || (c == '/' && ahead(lx, 1) == '/')) {
			while (here(lx) != -1 && here(lx) != '\n')
				lx->at++;
		} else {
			return;
		}
	}
}

bool lex_end(struct lexer *lx)
{
	lex_space(lx);
	return here(lx) == -1;
}

struct place lex_place(struct lexer *lx, size_t at)
{
	if (lx->place.line == 0 || at < lx->place_at) {
		lx->place = (struct place){ 1, 1 };
		lx->place_at = 0;
	}
	for (; lx->place_at < at && lx->place_at < lx->source.len; lx->place_at++) {
		unsigned char c = (unsigned char)lx->source.at[lx->place_at];

		if (c == '\n') {
			lx->place.line++;
			lx->place.column = 1;
		} else if ((c & 0xc0) != 0x80) {
			lx->place.column++;
		}
	}
	return lx->place;
}

bool lex_wrong(struct lexer *lx, size_t at, const char *format, ...)
{
	struct place place = lex_place(lx, at);
	char text[PROBLEM_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return problem_at(lx->problem, lx->file, place.line, place.column, "%s", text);
}

static bool word_byte(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

bool lex_expected(struct lexer *lx, const char *what)
{
	size_t length = 0;

	lex_space(lx);
	if (here(lx) == -1)
		return lex_wrong(lx, lx->at, "%s expected, found the end", what);
	while (length < 40 && word_byte(ahead(lx, length)))
		length++;
	if (length == 0)
		for (length = 1; (ahead(lx, length) & 0xc0) == 0x80; length++)
			;
	return lex_wrong(
		lx, lx->at, "%s expected, found \"%.*s\"", what, (int)length, lx->source.at + lx->at);
}

struct text lex_peek_word(struct lexer *lx)
{
	size_t length = 0;

	lex_space(lx);
	while (word_byte(ahead(lx, length)))
		length++;
	return (struct text){ lx->source.at + lx->at, length };
}

bool lex_word(struct lexer *lx, const char *word)
{
	if (!text_is(lex_peek_word(lx), word))
		return false;
	lx->at += strlen(word);
	return true;
}

bool lex_char_is(struct lexer *lx, char c)
{
	lex_space(lx);
	return here(lx) == c;
}

bool lex_symbol(struct lexer *lx, const char *symbol)
{
	size_t length = strlen(symbol);

	lex_space(lx);
	if (!text_starts(text_from(lx->source, lx->at), text_of(symbol)))
		return false;
	if (symbol[0] == ':' && word_byte(ahead(lx, length)))
		return false;
	lx->at += length;
	return true;
}

bool lex_key(struct lexer *lx, struct text *name, bool *variable)
{
	lex_space(lx);
	*variable = here(lx) == '$';
	if (*variable) {
		size_t length = 1;

		while (word_byte(ahead(lx, length)) && ahead(lx, length) != '.')
			length++;
		if (length == 1)
			return lex_wrong(lx, lx->at, "a name expected behind $");
		*name = (struct text){ lx->source.at + lx->at + 1, length - 1 };
		lx->at += length;
		return true;
	}
	*name = lex_peek_word(lx);
	if (name->len == 0)
		return lex_expected(lx, "a field name");
	if (name->len > 255)
		return lex_wrong(lx, lx->at, "a name of more than 255 characters");
	lx->at += name->len;
	return true;
}

/* The JSON form of a literal's text, in the tree's arena. */
static struct value json_string(struct lexer *lx, struct text t)
{
	struct buf json = BUF_INIT;
	struct text raw;

	buf_json(&json, t);
	raw = arena_text(lx->arena, buf_view(&json));
	buf_free(&json);
	return (struct value){ raw, VALUE_STRING, memchr(raw.at, '\\', raw.len) != NULL };
}

/* A string may span lines; a backslash before the quote that delimits it gives that quote, every other one
 * stays. */
static bool string_literal(struct lexer *lx, struct literal *literal)
{
	char quote = lx->source.at[lx->at], *out;
	size_t start = lx->at++, length = 0;

	for (; here(lx) != quote; lx->at++) {
		if (here(lx) == -1)
			return lex_wrong(lx, start, "string without end: %c expected", quote);
		if (here(lx) == '\\' && ahead(lx, 1) == quote)
			lx->at++;
	}
	out = arena_bytes(lx->arena, lx->at - start);
	for (size_t i = start + 1; i < lx->at; i++) {
		if (lx->source.at[i] == '\\' && lx->source.at[i + 1] == quote && i + 1 < lx->at)
			i++;
		out[length++] = lx->source.at[i];
	}
	lx->at++;
	literal->kind = LITERAL_STRING;
	literal->text = (struct text){ out, length };
	literal->value = json_string(lx, literal->text);
	return true;
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(struct lexer *lx)
{
	size_t start = lx->at;

	while (digit(here(lx)))
		lx->at++;
	return lx->at - start;
}

/* [+-]?[0-9]+, or with a point or exponent a float; written as JSON has it. */
static bool number_literal(struct lexer *lx, struct literal *literal)
{
	size_t start = lx->at, whole, before, after = 0;
	bool minus = here(lx) == '-', real = false;
	struct buf json = BUF_INIT;
	char text[80];

	if (here(lx) == '-' || here(lx) == '+')
		lx->at++;
	whole = lx->at;
	before = digits(lx);
	if (here(lx) == '.') {
		real = true;
		lx->at++;
		after = digits(lx);
	}
	if (before + after && (here(lx) == 'e' || here(lx) == 'E')) {
		real = true;
		lx->at++;
		if (here(lx) == '-' || here(lx) == '+')
			lx->at++;
		if (digits(lx) == 0)
			return lex_wrong(lx, start, "a number expected: its exponent is missing");
	}
	if (before + after == 0 || word_byte(here(lx)) || (here(lx) >= 'A' && here(lx) <= 'Z') ||
		lx->at - start >= sizeof text)
		return lex_wrong(lx, start, "a number expected");
	if (real) {
		double d;

		memcpy(text, lx->source.at + start, lx->at - start);
		text[lx->at - start] = '\0';
		d = strtod(text, NULL);
		if (d - d != 0)
			return lex_wrong(lx, start, "number out of range");
		buf_double(&json, d);
	} else {
		while (whole + 1 < lx->at && lx->source.at[whole] == '0')
			whole++;
		if (minus)
			buf_char(&json, '-');
		buf_add(&json, lx->source.at + whole, lx->at - whole);
	}
	literal->kind = real ? LITERAL_FLOAT : LITERAL_INTEGER;
	literal->value = (struct value){ arena_text(lx->arena, buf_view(&json)), VALUE_NUMBER, false };
	buf_free(&json);
	return true;
}

bool lex_literal(struct lexer *lx, struct literal *literal)
{
	static const char *const trues[] = { "true", "True" }, *const falses[] = { "false", "False" };
	bool variable;
	int c;

	lex_space(lx);
	*literal = (struct literal){ .at = lx->at };
	c = here(lx);
	if (c == '\'' || c == '"')
		return string_literal(lx, literal);
	if (digit(c) || c == '.' || c == '+' || c == '-')
		return number_literal(lx, literal);
	if (c == '$') {
		literal->kind = LITERAL_VARIABLE;
		return lex_key(lx, &literal->text, &variable);
	}
	for (size_t i = 0; i < LENGTH(trues); i++) {
		bool yes = text_starts(text_from(lx->source, lx->at), text_of(trues[i]));
		bool no = text_starts(text_from(lx->source, lx->at), text_of(falses[i]));
		size_t length = yes ? 4 : 5;

		if ((yes || no) && !word_byte(ahead(lx, length))) {
			lx->at += length;
			literal->kind = LITERAL_BOOLEAN;
			literal->value.kind = yes ? VALUE_TRUE : VALUE_FALSE;
			literal->value.raw = yes ? TEXT("true") : TEXT("false");
			return true;
		}
	}
	return lex_expected(lx, "a value (string, number, true, false or $variable)");
}
