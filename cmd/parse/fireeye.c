/* The driver of FireEye's OpenIOC documents (parsers-1.md 3.22): under OpenIOC/criteria/Indicator stand the hashes of files, and
 * in an Indicator inside it what the malware talked to. Each SHA-256 with the MD5 before it makes an object
 *
 *     {"sha256":"…","md5":"…"}        and, where there is a network part,        {"sha256":"…","md5":"…","network":{…}}
 *
 * whose `network` has host, fqdn, path and port. Upstream loses the rest of the document with the first mistake, and the URL
 * where its last part comes last; here each object is parsed by itself. */
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "driver.h"

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* The first element NAME below PARENT; NULL: none. */
static xmlNode *child(const xmlNode *parent, const char *name)
{
	xmlNode *node = parent ? parent->children : NULL;

	while (node && !is_element(node, name))
		node = node->next;
	return node;
}

/* What an item is about, in the arena: its Context's `search`. */
static struct text search_of(struct session *s, xmlNode *item)
{
	xmlNode *context = child(item, "Context");
	xmlChar *search = context ? xmlGetProp(context, (const xmlChar *)"search") : NULL;
	struct text result = search ? arena_text(&s->arena, text_of((const char *)search)) : TEXT("");

	xmlFree(search);
	return result;
}

static struct text content_of(struct session *s, xmlNode *item)
{
	xmlNode *content = child(item, "Content");
	xmlChar *text = content ? xmlNodeGetContent(content) : NULL;
	struct text result = text ? arena_text(&s->arena, text_of((const char *)text)) : TEXT("");

	xmlFree(text);
	return text_trim(result);
}

/* The members of `network`; of two of a kind the first. */
static void put_network(struct session *s, xmlNode *indicator, struct buf *json)
{
	static const struct { const char *search, *name; } kinds[] = { { "Network/HTTP/RequestURI", "path" },
		{ "Network/HTTP/Host", "host" }, { "Network/Connection/RemotePort", "port" }, { "Network/DNS", "fqdn" } };
	bool seen[LENGTH(kinds)] = { false };

	buf_string(json, ",\"network\":{");
	for (xmlNode *item = indicator->children; item; item = item->next) {
		struct text search = is_element(item, "IndicatorItem") ? search_of(s, item) : TEXT("");

		for (size_t i = 0; i < LENGTH(kinds); i++)
			if (text_is(search, kinds[i].search) && !seen[i]) {
				seen[i] = true;
				buf_printf(json, "%s\"%s\":", json->at[json->len - 1] == '{' ? "" : ",", kinds[i].name);
				buf_json(json, content_of(s, item));
			}
	}
	buf_char(json, '}');
}

/* Whether an item of INDICATOR is about the network. */
static bool is_network(struct session *s, xmlNode *indicator)
{
	for (xmlNode *item = indicator ? indicator->children : NULL; item; item = item->next)
		if (is_element(item, "IndicatorItem") && text_starts(search_of(s, item), TEXT("Network")))
			return true;
	return false;
}

static void put_object(struct session *s, struct text document, struct text sha256, struct text md5, xmlNode *network)
{
	struct buf *json = &s->glue;

	buf_clear(json);
	buf_string(json, "{\"sha256\":");
	buf_json(json, sha256);
	buf_string(json, ",\"md5\":");
	buf_json(json, md5);
	if (network)
		put_network(s, network, json);
	buf_char(json, '}');
	driver_events(s, document, s->line, buf_view(json));
}

static void take(struct session *s, struct text document, xmlDoc *tree)
{
	xmlNode *outer = child(child(xmlDocGetRootElement(tree), "criteria"), "Indicator"), *nested = child(outer, "Indicator");
	char md5[256] = "", sha256[256];
	bool any = false;

	for (xmlNode *item = outer ? outer->children : NULL; item; item = item->next) {
		struct text search = is_element(item, "IndicatorItem") ? search_of(s, item) : TEXT(""), content;
		char *to = text_is(search, "FileItem/Md5sum") ? md5 : text_is(search, "FileItem/Sha256sum") ? sha256 : NULL;

		if (!to)
			continue;
		content = content_of(s, item);
		if (content.len >= sizeof md5)
			content.len = sizeof md5 - 1;
		memcpy(to, content.at, content.len);
		to[content.len] = '\0';
		if (to == md5)
			continue;
		any = true;
		/* Each call ends with the arena being cleared. */
		put_object(s, document, text_of(sha256), text_of(md5), NULL);
		if (is_network(s, nested))
			put_object(s, document, text_of(sha256), text_of(md5), nested);
	}
	if (!any)
		s->done(s, 0);
	arena_clear(&s->arena);
}

static size_t feed(struct session *s, struct text data, bool last)
{
	struct text document = text_trim(data);
	xmlDoc *tree;

	(void)last;
	if (document.len == 0)
		return data.len;
	/* Entities of the document's own are not expanded, nothing is fetched. */
	tree = document.len > INT32_MAX ? NULL : xmlReadMemory(document.at, (int)document.len, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
	if (tree)
		take(s, document, tree);
	else
		session_reject(s, document, s->line, "not XML");
	xmlFreeDoc(tree);
	return data.len;
}


const struct driver fireeye_driver = { .name = "fireeye", .whole = true, .feed = feed };
