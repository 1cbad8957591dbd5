/* Out of libyaml's events. A few aliases of aliases can stand for more than any memory holds ("billion laughs"): what they come to when
 * written out is counted while reading, and limited. */
#include "yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "alloc.h"
#include "sets.h"
#include "value.h"

/* Levels of brackets, anchors, bytes that aliases stand for; bytes of JSON around a value. */
enum { DEPTH = 100, ANCHORS = 1000, ALIASED = 16 << 20, AROUND = 16 };

struct anchor {
	struct text name;
	struct yaml_node *node;
	bool open; /* we are within it */
};

struct composer {
	struct yaml_tree *tree;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one read */
	bool have_event;
	const char *file;
	struct anchor *anchors;
	size_t anchor_count, anchor_cap;
	struct yaml_node **pending; /* items of the lists and maps that are not ended yet */
	size_t pending_count, pending_cap;
	size_t aliased; /* the weight of all aliases */
};

static bool advance(struct composer *c, struct problem *problem)
{
	if (c->have_event)
		yaml_event_delete(&c->event);
	c->have_event = yaml_parser_parse(&c->parser, &c->event);
	if (!c->have_event)
		return problem_at(problem, c->file, (long)c->parser.problem_mark.line + 1,
			(long)c->parser.problem_mark.column + 1, "%s",
			c->parser.problem ? c->parser.problem : "not YAML");
	return true;
}

static bool wrong(struct composer *c, const char *what, const char *subject, const char *why, struct problem *problem)
{
	return problem_at(problem, c->file, (long)c->event.start_mark.line + 1, 0, "%s \"%s\": %s", what, subject, why);
}

/* ---- anchors and aliases (YAML 1.2, 3.2.2.2, 7.1) ---- */

/* Makes NODE known under the anchor NAME, if there is one; a later anchor of the same name counts from there on. */
static bool add_anchor(struct composer *c, const yaml_char_t *name, struct yaml_node *node, struct problem *problem)
{
	if (!name)
		return true;
	if (c->anchor_count == ANCHORS)
		return wrong(c, "anchor", (const char *)name, "there are too many before it", problem);
	alloc_grow(&c->anchors, &c->anchor_cap, c->anchor_count + 1, sizeof *c->anchors);
	c->anchors[c->anchor_count++] = (struct anchor){
		arena_text(&c->tree->arena, text_of((const char *)name)), node, node->kind != YAML_TEXT };
	return true;
}

static struct yaml_node *resolve_alias(struct composer *c, struct problem *problem)
{
	const char *name = (const char *)c->event.data.alias.anchor;
	struct text wanted = text_of(name);
	size_t i = c->anchor_count;

	while (i > 0 && !text_eq(c->anchors[i - 1].name, wanted))
		i--;
	if (i == 0)
		return wrong(c, "alias", name, "there is no such anchor before it", problem), NULL;
	if (c->anchors[i - 1].open)
		return wrong(c, "alias", name, "it is a part of what it stands for", problem), NULL;
	c->aliased += c->anchors[i - 1].node->weight;
	if (c->aliased > ALIASED)
		return wrong(c, "alias", name, "the aliases up to here stand for more than 16 MiB", problem), NULL;
	return c->anchors[i - 1].node;
}

/* ---- merge keys (yaml.org/type/merge) ---- */

static bool is_merge(const struct yaml_node *key)
{
	return key->plain && text_is(key->text, "<<");
}

static bool add_new(struct text_set *set, struct text key)
{
	if (text_set_has(set, key, value_hash(key)))
		return false;
	text_set_add(set, key);
	return true;
}

static void add_pending(struct composer *c, struct yaml_node *node)
{
	alloc_grow(&c->pending, &c->pending_cap, c->pending_count + 1, sizeof *c->pending);
	c->pending[c->pending_count++] = node;
}

/* What MAP has and KEYS do not is added. */
static void merge_map(struct composer *c, const struct yaml_node *map, struct text_set *keys)
{
	for (size_t i = 0; i < map->count; i += 2)
		if (add_new(keys, map->items[i]->text)) {
			add_pending(c, map->items[i]);
			add_pending(c, map->items[i + 1]);
		}
}

/* Resolves the merge key whose value is VALUE, of the map whose items are pending from FIRST on: its own keys go before those of VALUE,
 * and of these an earlier map's before a later one's. */
static bool merge(struct composer *c, size_t first, const struct yaml_node *value, struct problem *problem)
{
	struct text_set keys = { 0 };
	bool fine = value->kind != YAML_TEXT;

	for (size_t i = first; i < c->pending_count; i += 2)
		text_set_add(&keys, c->pending[i]->text);
	for (size_t i = 0; fine && value->kind == YAML_LIST && i < value->count; i++)
		if ((fine = value->items[i]->kind == YAML_MAP))
			merge_map(c, value->items[i], &keys);
	if (value->kind == YAML_MAP)
		merge_map(c, value, &keys);
	text_set_free(&keys);
	return fine || problem_at(problem, c->file, value->line, 0, "key \"<<\": a map, or a list of maps, is wanted here");
}

/* Takes the merge key out of a map that has ended, and puts in its place what it stands for. */
static bool resolve_merge(struct composer *c, size_t first, struct problem *problem)
{
	struct yaml_node *value = NULL;
	size_t kept = first;

	for (size_t i = first; i < c->pending_count; i += 2) {
		struct yaml_node *key = c->pending[i];

		if (!is_merge(key)) {
			c->pending[kept++] = key;
			c->pending[kept++] = c->pending[i + 1];
			continue;
		}
		if (value)
			return problem_at(problem, c->file, key->line, 0, "key \"<<\": given twice");
		value = c->pending[i + 1];
	}
	c->pending_count = kept;
	return !value || merge(c, first, value, problem);
}

/* ---- nodes ---- */

/* Of tags only those that say what YAML's own rules would make of a value do: others name types of a programming language. */
static bool check_tag(struct composer *c, const yaml_char_t *tag, const char *const *known, struct problem *problem)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	if (!tag || strcmp((const char *)tag, "!") == 0)
		return true;
	if (strncmp((const char *)tag, prefix, sizeof prefix - 1) == 0)
		for (; *known; known++)
			if (strcmp((const char *)tag + sizeof prefix - 1, *known) == 0)
				return true;
	return wrong(c, "tag", (const char *)tag, "not supported here", problem);
}

static struct yaml_node *new_node(struct composer *c, enum yaml_kind kind, size_t weight)
{
	struct yaml_node *node = arena_zero(&c->tree->arena, sizeof *node);

	node->kind = kind;
	node->line = (long)c->event.start_mark.line + 1;
	node->weight = weight;
	return node;
}

static struct yaml_node *compose_text(struct composer *c, struct problem *problem)
{
	static const char *const tags[] = { "str", "int", "float", "bool", "null", NULL };
	const yaml_char_t *tag = c->event.data.scalar.tag;
	struct text text = { (const char *)c->event.data.scalar.value, c->event.data.scalar.length };
	struct yaml_node *node = new_node(c, YAML_TEXT, text.len + AROUND);

	node->text = arena_text(&c->tree->arena, text);
	node->plain = c->event.data.scalar.plain_implicit || (tag && strlen((const char *)tag) > 1 &&
		!text_ends(text_of((const char *)tag), TEXT(":str")));
	return check_tag(c, tag, tags, problem) && add_anchor(c, c->event.data.scalar.anchor, node, problem) ? node : NULL;
}

/* The list or map is complete: its items are taken from those pending. */
static bool end_node(struct composer *c, struct yaml_node *node, size_t first, struct problem *problem)
{
	size_t size;

	if (node->kind == YAML_MAP && !resolve_merge(c, first, problem))
		return false;
	node->count = c->pending_count - first;
	size = node->count * sizeof *node->items;
	node->items = arena_zero(&c->tree->arena, size);
	if (size)
		memcpy(node->items, c->pending + first, size);
	for (size_t i = 0; i < node->count; i++)
		node->weight += node->items[i]->weight;
	c->pending_count = first;
	return true;
}

/* The node whose first event has been read; NULL: PROBLEM. */
static struct yaml_node *compose(struct composer *c, int depth, struct problem *problem)
{
	static const char *const list_tags[] = { "seq", NULL }, *const map_tags[] = { "map", NULL };
	bool map = c->event.type == YAML_MAPPING_START_EVENT;
	size_t first = c->pending_count, anchor = c->anchor_count;
	struct yaml_node *node, *item;
	bool named;

	if (c->event.type == YAML_SCALAR_EVENT)
		return compose_text(c, problem);
	if (c->event.type == YAML_ALIAS_EVENT)
		return resolve_alias(c, problem);
	node = new_node(c, map ? YAML_MAP : YAML_LIST, AROUND);
	if (depth == DEPTH)
		return problem_at(problem, c->file, node->line, 0, "nested too deeply"), NULL;
	if (!(map ? check_tag(c, c->event.data.mapping_start.tag, map_tags, problem)
		  : check_tag(c, c->event.data.sequence_start.tag, list_tags, problem)))
		return NULL;
	if (!add_anchor(c, map ? c->event.data.mapping_start.anchor : c->event.data.sequence_start.anchor, node, problem))
		return NULL;
	named = c->anchor_count > anchor;
	while (advance(c, problem)) {
		if (c->event.type == YAML_MAPPING_END_EVENT || c->event.type == YAML_SEQUENCE_END_EVENT) {
			if (named)
				c->anchors[anchor].open = false;
			return end_node(c, node, first, problem) ? node : NULL;
		}
		item = compose(c, depth + 1, problem);
		if (!item)
			return NULL;
		if (map && item->kind != YAML_TEXT && (c->pending_count - first) % 2 == 0)
			return problem_at(problem, c->file, item->line, 0, "a name is wanted here"), NULL;
		add_pending(c, item);
	}
	return NULL;
}

static bool compose_document(struct composer *c, struct problem *problem)
{
	do {
		if (!advance(c, problem))
			return false;
		if (c->event.type == YAML_DOCUMENT_START_EVENT && c->event.data.document_start.version_directive)
			c->tree->old = c->event.data.document_start.version_directive->minor == 1;
	} while (c->event.type == YAML_STREAM_START_EVENT || c->event.type == YAML_DOCUMENT_START_EVENT);
	if (c->event.type == YAML_STREAM_END_EVENT)
		return true;
	c->tree->root = compose(c, 0, problem);
	if (!c->tree->root || !advance(c, problem) || !advance(c, problem))
		return false;
	return c->event.type == YAML_STREAM_END_EVENT ||
	       problem_at(problem, c->file, (long)c->event.start_mark.line + 1, 0, "a second document begins here");
}

bool yaml_tree_read(struct yaml_tree *tree, struct text text, const char *file, struct problem *problem)
{
	struct composer c = { .tree = tree, .file = file };
	bool fine;

	*tree = (struct yaml_tree){ .root = NULL };
	if (!yaml_parser_initialize(&c.parser))
		return problem_set(problem, "no memory for YAML");
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)text.at, text.len);
	fine = compose_document(&c, problem);
	if (c.have_event)
		yaml_event_delete(&c.event);
	yaml_parser_delete(&c.parser);
	free(c.anchors);
	free(c.pending);
	return fine;
}

void yaml_tree_free(struct yaml_tree *tree)
{
	arena_free(&tree->arena);
	*tree = (struct yaml_tree){ .root = NULL };
}

const struct yaml_node *yaml_repeated(const struct yaml_node *map)
{
	struct text_set keys = { 0 };
	size_t i = 0;

	while (i < map->count && add_new(&keys, map->items[i]->text))
		i += 2;
	text_set_free(&keys);
	return i < map->count ? map->items[i] : NULL;
}
