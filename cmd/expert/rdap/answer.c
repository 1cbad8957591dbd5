#include "answer.h"

#include <string.h>

#include <jansson.h>

enum { MAX_ROLES = 64, MAX_TEXT = 320 /* bytes of a value; longer ones are no use to anybody */ };

/* Role and address; a NULL address says that a card had none. */
struct contact {
	const char *role, *address;
};

struct contacts {
	struct contact items[MAX_ROLES];
	size_t count;
};

/* Later cards win, also those without an address. */
static void put_contact(struct contacts *c, const char *role, const char *address)
{
	if (!role || strlen(role) > MAX_TEXT)
		return;
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->items[i].role, role) == 0) {
			c->items[i].address = address;
			return;
		}
	if (c->count < MAX_ROLES)
		c->items[c->count++] = (struct contact){ role, address };
}

/* The first address of a jCard (RFC 7095): ["vcard", [["email", {}, "text", "a@example.com"], …]]. */
static const char *card_address(const json_t *card)
{
	const json_t *properties, *property;
	size_t i, j;

	json_array_foreach(card, i, properties) json_array_foreach(properties, j, property)
	{
		const char *name = json_string_value(json_array_get(property, 0));
		const char *value = json_string_value(json_array_get(property, 3));

		if (!name || strcmp(name, "email") != 0)
			continue;
		if (value && strlen(value) <= MAX_TEXT)
			return value;
		break;
	}
	return NULL;
}

static void put_card(struct contacts *c, const json_t *entity, const char *role)
{
	const json_t *card = json_object_get(entity, "vcardArray");

	if (card)
		put_contact(c, role, card_address(card));
}

static bool is_removed(const json_t *roles)
{
	const json_t *role;
	size_t i;

	json_array_foreach(roles, i, role) if (json_is_string(role) &&
					       strcmp(json_string_value(role), "removed") == 0) return true;
	return false;
}

/* An entity's own cards beat those of the entities inside it. */
static void read_entities(struct contacts *c, const json_t *entities)
{
	const json_t *entity, *role, *inner, *inner_role;
	size_t i, j, k, l;

	json_array_foreach(entities, i, entity)
	{
		const json_t *roles = json_object_get(entity, "roles");

		if (!json_is_object(entity) || is_removed(roles))
			continue;
		json_array_foreach(roles, j, role)
		{
			json_array_foreach(json_object_get(entity, "entities"), k, inner)
				json_array_foreach(json_object_get(inner, "roles"), l, inner_role)
					put_card(c, inner, json_string_value(inner_role));
			put_card(c, entity, json_string_value(role));
		}
	}
}

static void put_member(struct buf *out, const char *sigil, const char *name, const char *value)
{
	struct buf key = BUF_INIT;

	if (!value || strlen(value) > MAX_TEXT || (value[0] == '\0' && !sigil[0]))
		return;
	buf_char(out, out->len ? ',' : '{');
	buf_string(&key, sigil);
	buf_string(&key, name);
	buf_json(out, buf_view(&key));
	buf_char(out, ':');
	buf_json(out, text_of(value));
	buf_free(&key);
}

static bool read_address(const json_t *root, const char *name, struct ip *ip)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && ip_parse(text_of(text), ip);
}

static bool read_number(const json_t *root, const char *name, struct ip *ip)
{
	const json_t *value = json_object_get(root, name);
	json_int_t n = json_integer_value(value);

	*ip = (struct ip){ .bits = 32 };
	for (int i = 0; i < 4; i++)
		ip->bytes[i] = (unsigned char)(n >> (24 - 8 * i));
	return json_is_integer(value) && n >= 0 && n <= UINT32_MAX;
}

/* The network around ABOUT: of those in cidr0_cidrs (the cidr0 extension), else the smallest around the
 * range. */
static void put_network(
	struct buf *out, const json_t *root, const struct ip *about, const struct range *range)
{
	const json_t *cidr;
	struct buf text = BUF_INIT;
	struct ip network;
	unsigned prefix;
	size_t i;

	json_array_foreach(json_object_get(root, "cidr0_cidrs"), i, cidr)
	{
		const char *address =
			json_string_value(json_object_get(cidr, about->bits == 32 ? "v4prefix" : "v6prefix"));
		json_int_t length = json_integer_value(json_object_get(cidr, "length"));

		if (!address || !ip_parse(text_of(address), &network) || network.bits != about->bits ||
			length < 1 || length > about->bits ||
			!ip_same_network(&network, about, (unsigned)length))
			continue;
		ip_mask(&network, (unsigned)length);
		ip_write(&text, &network);
		buf_printf(&text, "/%d", (int)length);
		break;
	}
	if (!text.len && range->known) {
		for (prefix = about->bits; prefix && !ip_same_network(&range->from, &range->to, prefix);
			prefix--)
			;
		network = range->from;
		ip_mask(&network, prefix);
		/* A range that is no network is not made one. */
		if (prefix && ip_cmp(&network, &range->from) == 0) {
			struct ip last = network;

			for (unsigned bit = prefix; bit < last.bits; bit++)
				last.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
			if (ip_cmp(&last, &range->to) == 0) {
				ip_write(&text, &network);
				buf_printf(&text, "/%u", prefix);
			}
		}
	}
	if (text.len)
		put_member(out, "", "network", buf_cstr(&text));
	buf_free(&text);
}

static const char *registry_of(const json_t *root, const char *server)
{
	static const char *const names[][2] = { { ".afrinic.net", "AFRINIC" }, { ".apnic.net", "APNIC" },
		{ ".arin.net", "ARIN" }, { ".lacnic.net", "LACNIC" }, { ".ripe.net", "RIPE" } };
	const char *port43 = json_string_value(json_object_get(root, "port43"));
	const char *const hosts[] = { port43 ? port43 : "", server };

	for (size_t h = 0; h < LENGTH(hosts); h++)
		for (size_t i = 0; i < LENGTH(names); i++)
			if (strstr(hosts[h], names[i][0]))
				return names[i][1];
	return NULL;
}

static const char *registration_date(const json_t *root)
{
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(root, "events"), i, event)
	{
		const char *action = json_string_value(json_object_get(event, "eventAction"));

		if (action && strcmp(action, "registration") == 0)
			return json_string_value(json_object_get(event, "eventDate"));
	}
	return NULL;
}

bool answer_read(struct text body, const struct ip *about, bool autnum, const char *server, struct buf *out,
	struct range *range, const char **reason)
{
	struct contacts contacts = { .count = 0 };
	json_error_t error;
	json_t *root = json_loadb(body.at, body.len, 0, &error);

	range->known = false;
	if (!json_is_object(root)) {
		*reason = root ? "the answer is not a JSON object" : "the answer is not JSON";
		json_decref(root);
		return false;
	}
	read_entities(&contacts, json_object_get(root, "entities"));
	for (size_t i = 0; i < contacts.count; i++)
		put_member(out, "@", contacts.items[i].role, contacts.items[i].address);
	if (about) {
		range->known = autnum ? read_number(root, "startAutnum", &range->from) &&
						read_number(root, "endAutnum", &range->to)
				      : read_address(root, "startAddress", &range->from) &&
						read_address(root, "endAddress", &range->to);
		range->known &= range->from.bits == about->bits && range->to.bits == about->bits &&
				ip_cmp(&range->from, about) <= 0 && ip_cmp(about, &range->to) <= 0;
		if (autnum)
			put_member(out, "", "as_name", json_string_value(json_object_get(root, "name")));
		else
			put_network(out, root, about, range);
		put_member(out, "", "registry", registry_of(root, server));
		put_member(out, "", "geolocation.cc", json_string_value(json_object_get(root, "country")));
		put_member(out, "", "allocated", registration_date(root));
	}
	if (out->len)
		buf_char(out, '}');
	json_decref(root);
	return true;
}
