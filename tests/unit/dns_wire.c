/* DNS messages: names, questions, replies; ldns is the reference, for replies it built and for the same with some
 * bytes changed. */
#include <ldns/ldns.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dns_priv.h"

static struct buf text;

static void names(void)
{
	struct dns_name name;
	struct buf out = BUF_INIT;
	char label[80], longest[300] = "";

	CHECK(dns_name_read(TEXT("www.Example.com"), &name) && name.len == 17);
	dns_name_write(&out, &name);
	CHECK_SAME(buf_cstr(&out), "www.Example.com");
	CHECK(dns_name_read(TEXT("www.example.com."), &name) && name.len == 17);
	buf_clear(&out);
	CHECK(dns_name_read(TEXT("b\xc3\xbc" "cher.example"), &name));
	dns_name_write(&out, &name);
	CHECK_SAME(buf_cstr(&out), "xn--bcher-kva.example");
	CHECK(!dns_name_read(TEXT(""), &name));
	CHECK(!dns_name_read(TEXT("."), &name));
	CHECK(!dns_name_read(TEXT("a..b"), &name));
	CHECK(!dns_name_read(TEXT(".a"), &name));
	CHECK(!dns_name_read(TEXT("a\0b.example"), &name));
	CHECK(!dns_name_read(TEXT("\xff\xfe.example"), &name));
	memset(label, 'a', sizeof label);
	CHECK(dns_name_read((struct text){ label, 63 }, &name));
	CHECK(!dns_name_read((struct text){ label, 64 }, &name));
	for (unsigned i = 0; i < 127; i++)
		strcat(longest, "a.");
	CHECK(dns_name_read(text_of(longest), &name) && name.len == 255);
	strcat(longest, "a.");
	CHECK(!dns_name_read(text_of(longest), &name));
	buf_clear(&out);
	name = (struct dns_name){ .bytes = "\004a.\\\001\001\xff", .len = 8 };
	dns_name_write(&out, &name);
	CHECK_SAME(buf_cstr(&out), "a\\.\\\\\\001.\\255");
	buf_clear(&out);
	name = (struct dns_name){ .bytes = "", .len = 1 };
	dns_name_write(&out, &name);
	CHECK_SAME(buf_cstr(&out), ".");
	buf_free(&out);
}

static void questions(void)
{
	unsigned char query[DNS_QUERY_SIZE];
	struct dns_name name;
	ldns_pkt *packet = NULL;
	size_t len;

	dns_name_read(TEXT("www.example.com"), &name);
	for (int edns = 0; edns < 2; edns++) {
		len = dns_query(query, 4711, &name, DNS_AAAA, edns);
		CHECK(ldns_wire2pkt(&packet, query, len) == LDNS_STATUS_OK);
		CHECK(ldns_pkt_id(packet) == 4711);
		CHECK(ldns_pkt_rd(packet) && !ldns_pkt_qr(packet) && !ldns_pkt_tc(packet));
		CHECK(ldns_pkt_qdcount(packet) == 1);
		CHECK(ldns_rr_get_type(ldns_rr_list_rr(ldns_pkt_question(packet), 0)) == LDNS_RR_TYPE_AAAA);
		CHECK(ldns_pkt_edns(packet) == (edns == 1));
		CHECK(!edns || ldns_pkt_edns_udp_size(packet) == DNS_UDP_SIZE);
		ldns_pkt_free(packet);
	}
}

/* Replies */

enum { ID = 4711 };
static const char *const owners[] = { "a.example.", "B.Example.", "c.b.example.", "x\\.y.example.",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.", "example." };
static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_TXT, DNS_PTR };

static unsigned long compared;

static unsigned upto(unsigned n)
{
	return (unsigned)random() % n;
}

static ldns_rr *some_record(enum dns_type type, const char *owner, const char *target)
{
	char line[600];
	ldns_rr *rr = NULL;

	switch (type) {
	case DNS_A:
		snprintf(line, sizeof line, "%s %u IN A 192.0.2.%u", owner, upto(1000), upto(256));
		break;
	case DNS_AAAA:
		snprintf(line, sizeof line, "%s %u IN AAAA 2001:db8::%x", owner, upto(1000), upto(65536));
		break;
	case DNS_TXT:
		snprintf(line, sizeof line, "%s %u IN TXT \"a%u b\" \"\" \"\\200c\"", owner, upto(1000), upto(99));
		break;
	case DNS_SOA:
		snprintf(line, sizeof line, "%s %u IN SOA %s %s 1 2 3 4 %u", owner, upto(1000), target, target, upto(1000));
		break;
	default:
		snprintf(line, sizeof line, "%s %u IN %s %s", owner, upto(1000), type == DNS_PTR ? "PTR" : "CNAME", target);
	}
	if (ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) != LDNS_STATUS_OK)
		abort();
	return rr;
}

static size_t build(unsigned char *out, const char *asked, enum dns_type type)
{
	ldns_pkt *packet = ldns_pkt_query_new(ldns_dname_new_frm_str(asked), (ldns_rr_type)type, LDNS_RR_CLASS_IN, 0);
	uint8_t *wire;
	size_t len;

	ldns_pkt_set_id(packet, ID);
	ldns_pkt_set_qr(packet, true);
	ldns_pkt_set_ra(packet, true);
	ldns_pkt_set_rcode(packet, upto(8) ? LDNS_RCODE_NOERROR : upto(6));
	for (unsigned n = upto(7); n; n--)
		ldns_pkt_push_rr(packet, LDNS_SECTION_ANSWER,
			some_record(upto(3) ? type : DNS_CNAME, owners[upto(LENGTH(owners))], owners[upto(LENGTH(owners))]));
	if (upto(2))
		ldns_pkt_push_rr(packet, LDNS_SECTION_AUTHORITY, some_record(DNS_SOA, "example.", "c.b.example."));
	if (ldns_pkt2wire(&wire, packet, &len) != LDNS_STATUS_OK || len > DNS_PACKET)
		abort();
	memcpy(out, wire, len);
	free(wire);
	ldns_pkt_free(packet);
	return len;
}

/* What a record says, as dns_next() has it. */
static void rr_text(struct buf *out, const ldns_rr *rr)
{
	const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);

	buf_clear(out);
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT) {
		for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
			buf_add(out, (const char *)ldns_rdf_data(ldns_rr_rdf(rr, i)) + 1,
				ldns_rdf_data(ldns_rr_rdf(rr, i))[0]);
	} else {
		struct dns_reply one = { .type = (enum dns_type)ldns_rr_get_type(rr) };

		if (one.type == DNS_PTR) {
			struct dns_name name = { .len = ldns_rdf_size(rdf) };

			memcpy(name.bytes, ldns_rdf_data(rdf), name.len);
			dns_name_write(out, &name);
		} else {
			char *address = ldns_rdf2str(rdf);

			buf_string(out, address);
			free(address);
		}
	}
}

/* The records of TYPE that the aliases from ASKED on lead to; NULL: too many aliases. */
static ldns_rr_list *reference(const ldns_pkt *packet, const char *asked, enum dns_type type)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(asked);
	ldns_rr_list *answer = ldns_pkt_answer(packet), *found = ldns_rr_list_new();

	for (unsigned aliases = 0; aliases <= DNS_ALIASES; aliases++) {
		ldns_rdf *target = NULL;

		for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
			ldns_rr *rr = ldns_rr_list_rr(answer, i);

			if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || ldns_dname_compare(ldns_rr_owner(rr), owner) != 0)
				continue;
			if ((enum dns_type)ldns_rr_get_type(rr) == type)
				ldns_rr_list_push_rr(found, rr);
			else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && !target && !ldns_rr_list_rr_count(found))
				target = ldns_rr_rdf(rr, 0);
		}
		if (!target) {
			ldns_rdf_deep_free(owner);
			return found;
		}
		/* An alias that comes first wins over records behind it. */
		ldns_rr_list_free(found);
		found = ldns_rr_list_new();
		ldns_rdf_deep_free(owner);
		owner = ldns_rdf_clone(target);
	}
	ldns_rdf_deep_free(owner);
	ldns_rr_list_free(found);
	return NULL;
}

static void compare(const unsigned char *packet, size_t len, const char *asked, const struct dns_name *name,
	enum dns_type type, bool intact)
{
	struct dns_reply reply = { .alias_ttl = UINT32_MAX, .text = &text };
	struct buf want = BUF_INIT;
	struct dns_name alias;
	unsigned aliases = 0;
	ldns_pkt *theirs = NULL;
	enum dns_reading reading = dns_read(packet, len, ID, name, type, &reply, &alias, &aliases);
	ldns_rr_list *records;
	struct text value;
	double ttl;
	bool have = false;

	CHECK(!intact || (reading != DNS_NOT_OURS && reading != DNS_MALFORMED));
	if (reading != DNS_READ || reply.status != DNS_ANSWER || ldns_wire2pkt(&theirs, packet, len) != LDNS_STATUS_OK) {
		if (intact && reading == DNS_READ && ldns_wire2pkt(&theirs, packet, len) == LDNS_STATUS_OK) {
			records = reference(theirs, asked, type);
			CHECK(ldns_pkt_get_rcode(theirs) != LDNS_RCODE_NOERROR || !records || !ldns_rr_list_rr_count(records));
			if (records)
				ldns_rr_list_free(records);
		}
		ldns_pkt_free(theirs);
		return;
	}
	records = reference(theirs, asked, type);
	CHECK(records != NULL);
	/* In damaged replies ldns goes by what the data says, not by its length, where the two differ: those are
	 * read to the end, not compared. */
	for (size_t i = 0; records && i < ldns_rr_list_rr_count(records); i++) {
		bool same;

		if (!have && !(have = dns_next(&reply, &value, &ttl)))
			break;
		rr_text(&want, ldns_rr_list_rr(records, i));
		same = text_eq(value, buf_view(&want)) && ttl <= ldns_rr_ttl(ldns_rr_list_rr(records, i));
		CHECK(same || !intact);
		compared += same;
		have = !same;
	}
	CHECK(!intact || (!have && !dns_next(&reply, &value, &ttl)));
	while (dns_next(&reply, &value, &ttl))
		;
	if (records)
		ldns_rr_list_free(records);
	ldns_pkt_free(theirs);
	buf_free(&want);
}

static void replies(void)
{
	unsigned char packet[DNS_PACKET];
	struct dns_name name;

	srandom(1);
	for (unsigned n = 0; n < 20000; n++) {
		const char *asked = owners[upto(3)];
		enum dns_type type = types[upto(LENGTH(types))];
		size_t len = build(packet, asked, type);

		dns_name_read(text_of(asked), &name);
		compare(packet, len, asked, &name, type, true);
		for (unsigned changes = 1 + upto(3); changes; changes--)
			packet[12 + upto((unsigned)len - 12)] ^= (unsigned char)(1U << upto(8));
		compare(packet, len, asked, &name, type, false);
	}
	CHECK(compared > 9000);
}

/* Reads the reply BYTES behind the question for a.example with COUNTS of answers and authority. */
static enum dns_reading read_records(
	unsigned char flags, unsigned rcode, unsigned answers, unsigned authority, const char *bytes, size_t n, struct dns_reply *reply)
{
	static unsigned char packet[DNS_PACKET];
	struct dns_name name, alias;
	unsigned aliases = 0;
	size_t len;

	dns_name_read(TEXT("a.example"), &name);
	len = dns_query(packet, ID, &name, DNS_PTR, false);
	packet[2] = 0x80 | flags;
	packet[3] = (unsigned char)(0x80 | rcode);
	packet[7] = (unsigned char)answers;
	packet[9] = (unsigned char)authority;
	memcpy(packet + len, bytes, n);
	*reply = (struct dns_reply){ .alias_ttl = UINT32_MAX, .text = &text };
	return dns_read(packet, len + n, ID, &name, DNS_PTR, reply, &alias, &aliases);
}

#define RECORDS(flags, rcode, answers, authority, bytes) \
	read_records(flags, rcode, answers, authority, bytes, sizeof(bytes) - 1, &reply)

static void hostile(void)
{
	struct dns_reply reply;
	struct text value;
	double ttl;

	/* A pointer to itself, a pair of pointers, a pointer forward, into the header, beyond the end. */
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\xc0\x27") == DNS_READ);
	CHECK(reply.status == DNS_ANSWER && !dns_next(&reply, &value, &ttl));
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\4\xc0\x29\xc0\x27") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\xc0\x03") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\xff\xff") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	/* Reserved label types (RFC 1035, 4.1.4), a label beyond the data, bytes behind the name. */
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\x41" "a") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\5a") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\4\1x\0z") == DNS_READ);
	CHECK(!dns_next(&reply, &value, &ttl));
	/* Good ones: a name with odd bytes, the pointer to the question, a TTL beyond 2^31. */
	CHECK(RECORDS(0, 0, 2, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\4\2a.\0" "\xc0\x0c\0\x0c\0\1\x80\0\0\x09\0\2\xc0\x0c") == DNS_READ);
	CHECK(dns_next(&reply, &value, &ttl) && text_is(value, "a\\.") && ttl == 9);
	CHECK(dns_next(&reply, &value, &ttl) && text_is(value, "a.example") && ttl == 0);
	CHECK(!dns_next(&reply, &value, &ttl));
	/* Records that are cut, or fewer than promised. */
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\3\1") == DNS_MALFORMED);
	CHECK(RECORDS(0, 0, 2, 0, "\xc0\x0c\0\x0c\0\1\0\0\0\x09\0\2\xc0\x0c") == DNS_MALFORMED);
	CHECK(RECORDS(2, 0, 0, 0, "") == DNS_TRUNCATED);
	/* An alias to itself. */
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\5\0\1\0\0\0\x09\0\2\xc0\x0c") == DNS_READ && reply.status == DNS_NODATA);
	/* An alias that leads out of the reply. */
	CHECK(RECORDS(0, 0, 1, 0, "\xc0\x0c\0\5\0\1\0\0\0\x09\0\3\1b\0") == DNS_ALIAS);
	CHECK(RECORDS(0, 3, 1, 0, "\xc0\x0c\0\5\0\1\0\0\0\x09\0\3\1b\0") == DNS_READ && reply.status == DNS_NXDOMAIN);
	/* How long "no" holds: the less of the SOA's TTL and its minimum, at most three hours. */
	CHECK(RECORDS(0, 3, 0, 1, "\0\0\6\0\1\0\0\0\x63\0\x16\0\0" "1234123412341234\0\0\0\x09") == DNS_READ);
	CHECK(reply.status == DNS_NXDOMAIN && reply.ttl == 9);
	CHECK(RECORDS(0, 0, 0, 1, "\0\0\6\0\1\x10\0\0\x63\0\x16\0\0" "1234123412341234\x10\0\0\x09") == DNS_READ);
	CHECK(reply.status == DNS_NODATA && reply.ttl == 10800);
	CHECK(RECORDS(0, 0, 0, 0, "") == DNS_READ && reply.ttl == -1);
	CHECK(RECORDS(0, 2, 0, 0, "") == DNS_READ && reply.status == DNS_SERVFAIL);
	CHECK(RECORDS(0, 5, 0, 0, "") == DNS_READ && reply.status == DNS_REFUSED);
	CHECK(RECORDS(0, 1, 0, 0, "") == DNS_ODD);
}

static void servers(void)
{
	struct dns_state *s = calloc(1, sizeof *s);
	struct problem problem = { .line = 0 };
	char path[] = "/tmp/imq-unit-XXXXXX";
	int fd = mkstemp(path);
	static const char content[] = "# comment\nsearch a.example\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \n"
				      "nameserver nonsense\nnameservers 192.0.2.9\noptions rotate\n";

	CHECK(write(fd, content, sizeof content - 1) > 0);
	close(fd);
	dns_read_resolv_conf(s, path);
	CHECK(s->server_count == 2);
	CHECK(s->servers[0].address.ss_family == AF_INET && s->servers[1].address.ss_family == AF_INET6);
	CHECK(((struct sockaddr_in *)&s->servers[0].address)->sin_port == htons(53));
	CHECK(dns_add_server(s, TEXT("127.0.0.1#5353"), &problem));
	CHECK(((struct sockaddr_in *)&s->servers[2].address)->sin_port == htons(5353));
	CHECK(!dns_add_server(s, TEXT("127.0.0.1#"), &problem));
	CHECK(!dns_add_server(s, TEXT("127.0.0.1#65536"), &problem));
	CHECK(!dns_add_server(s, TEXT("127.0.0.1#53#54"), &problem));
	CHECK(!dns_add_server(s, TEXT("ns.example"), &problem));
	CHECK(!dns_add_server(s, TEXT("127.0.0.1%lo"), &problem));
	CHECK(!dns_add_server(s, TEXT("fe80::1%no-such-interface"), &problem));
	CHECK(dns_add_server(s, TEXT("fe80::1%lo"), &problem));
	CHECK(s->server_count == 4);
	unlink(path);
	free(s);
}

int main(void)
{
	names();
	questions();
	replies();
	hostile();
	servers();
	buf_free(&text);
	return check_end();
}
