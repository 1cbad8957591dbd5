#include "nest.h"

#include <stdlib.h>

#include "repr.h"

/* Deeper names keep the rest of their dots: so deep is nothing meant, and the stack has an end. */
enum { DEEPEST = 100 };

struct node {
	struct text key;
	struct value value; /* VALUE_NONE: only children */
	struct node *first, *last, *next;
	struct node *parent;
	struct node *same_slot; /* the next in the hash table */
};

struct tree {
	struct node root;
	struct node **slots;
	size_t slot_count, nodes;
	struct arena *arena;
	bool as_it_stands; /* values keep their bytes, no blanks between */
};

static void *take(struct tree *tree, size_t size)
{
	return arena_zero(tree->arena, size);
}

static size_t slot_of(const struct tree *tree, const struct node *parent, struct text key)
{
	return (size_t)(value_hash(key) ^ ((uintptr_t)parent >> 4) * 0x9e3779b97f4a7c15u) &
	       (tree->slot_count - 1);
}

/* Doubles the table; the old one stays with the arena until the event goes. */
static void grow(struct tree *tree)
{
	struct node **old = tree->slots;
	size_t count = tree->slot_count;

	tree->slot_count = count ? count * 2 : 64;
	tree->slots = take(tree, tree->slot_count * sizeof(struct node *));
	for (size_t i = 0; i < count; i++)
		for (struct node *n = old[i], *next; n; n = next) {
			size_t slot = slot_of(tree, n->parent, n->key);

			next = n->same_slot;
			n->same_slot = tree->slots[slot];
			tree->slots[slot] = n;
		}
}

static struct node *child(struct tree *tree, struct node *parent, struct text key)
{
	struct node *n;
	size_t slot;

	if (tree->nodes >= tree->slot_count)
		grow(tree);
	slot = slot_of(tree, parent, key);
	for (n = tree->slots[slot]; n; n = n->same_slot)
		if (n->parent == parent && text_eq(n->key, key))
			return n;
	n = take(tree, sizeof *n);
	*n = (struct node){ .key = key, .parent = parent, .same_slot = tree->slots[slot] };
	tree->slots[slot] = n;
	tree->nodes++;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	return n;
}

static bool has_members(struct value v)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;

	return v.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member);
}

static void insert(struct tree *tree, struct node *at, struct text path, struct value v, unsigned depth)
{
	struct text part;

	while (path.at && depth < DEEPEST) {
		text_split(&path, '.', &part);
		at = child(tree, at, part);
		depth++;
	}
	if (path.at)
		at = child(tree, at, path);
	if (has_members(v) && depth < DEEPEST) {
		struct value_walk walk = value_walk(v);
		struct value key, member;

		while (value_next_member(&walk, &key, &member))
			insert(tree, at, value_text(key, tree->arena), member, depth);
		return;
	}
	at->value = v;
}

static void put_name(struct buf *out, struct text key, bool as_it_stands)
{
	if (as_it_stands)
		buf_json(out, key);
	else
		buf_json_ascii(out, key);
	buf_string(out, as_it_stands ? ":" : ": ");
}

static void put_key(struct buf *out, struct text prefix, struct text key, bool *first, bool as_it_stands)
{
	struct buf name = BUF_INIT;

	if (!*first)
		buf_string(out, as_it_stands ? "," : ", ");
	*first = false;
	if (prefix.len) {
		buf_text(&name, prefix);
		buf_text(&name, key);
		key = buf_view(&name);
	}
	put_name(out, key, as_it_stands);
	buf_free(&name);
}

/* Writes the children of PARENT as members, PREFIX before their names. */
static void put_children(
	struct tree *tree, const struct node *parent, struct text prefix, struct buf *out, bool *first)
{
	for (const struct node *n = parent->first; n; n = n->next) {
		bool none = true;

		if (n->value.kind != VALUE_NONE) {
			put_key(out, prefix, n->key, first, tree->as_it_stands);
			if (tree->as_it_stands)
				buf_text(out, n->value.raw);
			else
				nest_value(out, n->value, tree->arena);
		}
		if (n->value.kind != VALUE_NONE && n->first) {
			struct text longer = { arena_bytes(tree->arena, prefix.len + n->key.len + 1),
				prefix.len + n->key.len + 1 };
			char *p = (char *)longer.at;

			memcpy(p, prefix.at ? prefix.at : "", prefix.len);
			memcpy(p + prefix.len, n->key.at, n->key.len);
			p[longer.len - 1] = '.';
			put_children(tree, n, longer, out, first);
		} else if (n->first) {
			put_key(out, prefix, n->key, first, tree->as_it_stands);
			buf_char(out, '{');
			put_children(tree, n, NO_TEXT, out, &none);
			buf_char(out, '}');
		}
	}
}

bool nest_write(struct event *ev, struct text root, struct buf *out)
{
	struct tree tree = { .arena = event_arena(ev) };
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;
	bool first = true;

	while (event_next(ev, &cursor, &name, &f, &v)) {
		struct text rest = text_from(name, root.len);

		if (!text_starts(name, root) || value_ignored(v) || (rest.len && rest.at[0] != '.'))
			continue;
		if (rest.len)
			insert(&tree, &tree.root, text_from(rest, 1), v, 0);
		else if (has_members(v))
			insert(&tree, &tree.root, NO_TEXT, v, 0);
	}
	if (!tree.root.first)
		return false;
	buf_char(out, '{');
	put_children(&tree, &tree.root, NO_TEXT, out, &first);
	buf_char(out, '}');
	return true;
}

void nest_event(struct event *ev, struct buf *out)
{
	struct tree tree = { .arena = event_arena(ev), .as_it_stands = true };
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;
	bool first = true;

	while (event_next(ev, &cursor, &name, &f, &v))
		insert(&tree, &tree.root, name, v, 0);
	buf_char(out, '{');
	put_children(&tree, &tree.root, NO_TEXT, out, &first);
	buf_char(out, '}');
}

struct member {
	struct text name;
	struct value value;
};

static int by_name(const void *a, const void *b)
{
	return text_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* V's COUNT members by their names, in A. */
static struct member *sorted_members(struct value v, size_t *count, struct arena *a)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;
	struct member *members;
	char *room;
	size_t n = 0;

	while (value_next_member(&walk, &key, &member))
		n++;
	room = arena_bytes(a, (n + 1) * sizeof *members);
	members = (struct member *)(void *)(room + (sizeof *members - (uintptr_t)room % sizeof *members) % sizeof *members);
	*count = n;
	walk = value_walk(v);
	for (n = 0; value_next_member(&walk, &key, &member); n++)
		members[n] = (struct member){ .name = value_text(key, a), .value = member };
	qsort(members, n, sizeof *members, by_name);
	return members;
}

static void put_value(struct buf *out, struct value v, bool sorted, struct arena *a);

static void put_member(struct buf *out, size_t i, struct text name, struct value v, bool sorted, struct arena *a)
{
	if (i)
		buf_string(out, ", ");
	buf_json_ascii(out, name);
	buf_string(out, ": ");
	put_value(out, v, sorted, a);
}

static void put_object(struct buf *out, struct value v, bool sorted, struct arena *a)
{
	struct value_walk walk = value_walk(v);
	struct value key, inner;
	struct member *members;
	size_t count = 0;

	if (!sorted) {
		while (value_next_member(&walk, &key, &inner))
			put_member(out, count++, value_text(key, a), inner, sorted, a);
		return;
	}
	members = sorted_members(v, &count, a);
	for (size_t i = 0; i < count; i++)
		put_member(out, i, members[i].name, members[i].value, sorted, a);
}

static void put_value(struct buf *out, struct value v, bool sorted, struct arena *a)
{
	struct value_walk walk;
	struct value inner;
	bool first = true;

	switch (v.kind) {
	case VALUE_STRING:
		buf_json_ascii(out, value_text(v, a));
		break;
	case VALUE_NUMBER:
		repr_number(out, v.raw);
		break;
	case VALUE_ARRAY:
		buf_char(out, '[');
		for (walk = value_walk(v); value_next(&walk, &inner); first = false) {
			if (!first)
				buf_string(out, ", ");
			put_value(out, inner, sorted, a);
		}
		buf_char(out, ']');
		break;
	case VALUE_OBJECT:
		buf_char(out, '{');
		put_object(out, v, sorted, a);
		buf_char(out, '}');
		break;
	default:
		buf_text(out, v.raw);
		break;
	}
}

void nest_value(struct buf *out, struct value v, struct arena *a)
{
	put_value(out, v, false, a);
}

void nest_sorted(struct buf *out, struct value v, struct arena *a)
{
	put_value(out, v, true, a);
}
