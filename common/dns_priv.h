/* The parts of the DNS mixin among themselves: dns.c decides what is asked where and when, dns_udp.c and
 * dns_tcp.c carry it, dns_servers.c knows whom to ask. */
#ifndef IMQ_DNS_PRIV_H
#define IMQ_DNS_PRIV_H

#include <netinet/in.h>
#include <sys/epoll.h>

#include "dns.h"
#include "dns_wire.h"

enum {
	DNS_SERVERS = 16, /* at most */
	DNS_PORTS = 16,   /* sockets with ports of their own for one server, in use at a time */
	DNS_BATCH = 64,   /* messages to the kernel in one call */
	DNS_PACKET = 4096, /* bytes that a reply over UDP may have; longer ones are asked for over TCP */
	DNS_SLOTS = 1024, /* of the wheel of timers */
	DNS_CONNECTIONS = 20, /* over TCP, to all servers */
};

struct question;
struct server;

/* What epoll tells about. */
struct dns_end {
	bool tcp;
	int fd;
	struct server *server;
};

/* A UDP socket on a random port, connected to its server: the kernel refuses what others send. */
struct port {
	struct dns_end end;
	struct port *next;       /* among those that are no longer used for new questions */
	uint32_t serial;         /* of this run */
	unsigned asked, waiting; /* questions in all, and those without reply yet */
	int64_t opened;
};

struct server {
	struct sockaddr_storage address;
	socklen_t size;
	struct port *ports[DNS_PORTS];
	/* Round-trip time as of RFC 6298, in microseconds; 0: not known. */
	int64_t rtt, rtt_deviation;
	unsigned silent;    /* timeouts since the last answer */
	int64_t down_until; /* clock_steady() */
	bool plain;         /* does not know EDNS */
};

enum question_state { IN_LINE, IN_FLIGHT, IN_LINE_FOR_TCP, ON_TCP, PAUSING, ENDED };

struct question {
	struct question *next, *previous; /* in the list of its state */
	struct question *in_bucket;       /* IN_FLIGHT: by port and id */
	dns_answer *answered;
	void *context;
	struct dns_name name;
	enum dns_type type;
	enum question_state state;
	enum dns_status outcome; /* the best failure so far */
	struct server *server;
	struct port *port;
	uint16_t id;
	bool edns, odd;  /* ODD: the server did not understand it with EDNS */
	bool stay;       /* ask the same server next */
	unsigned rounds; /* over all servers that gave no usable answer */
	unsigned tries, aliases;
	uint32_t alias_ttl;
	uint32_t refused_by; /* servers that gave no usable answer, by bit */
	unsigned slot;       /* of the wheel */
	int64_t sent, due, deadline, patience; /* PATIENCE: how far the deadline is, before the first try */
};

struct queue {
	struct question *first, *last;
};

struct connection;

struct dns_state {
	struct dns *dns;
	int epoll;
	struct server servers[DNS_SERVERS];
	unsigned server_count;
	struct queue line, tcp_line, ended;
	struct queue wheel[DNS_SLOTS];
	uint64_t filled[DNS_SLOTS / 64]; /* slots that have something */
	int64_t tick;                    /* the last one that was dealt with */
	struct question **buckets;       /* in flight */
	struct question *spare;
	struct port *old_ports;
	struct connection *connections;
	unsigned connection_count;
	uint32_t serial;
	/* The window: how many may be in flight over UDP. */
	double window;
	unsigned in_flight;
	bool slow_start;
	int64_t shrunk; /* when that happened last */
	int64_t now;    /* of this turn */
	int64_t retry_sending; /* the kernel had no room: not before; 0: it has */
	unsigned char random[1024];
	size_t random_left;
	struct buf text;
	uint64_t asked, answered, retries, timeouts, truncated, strays; /* for --stats */
	struct dns_udp *udp;
};

/* dns.c */
/* A reply to Q came from the server it was asked. False: it was none, Q goes on waiting. */
bool dns_replied(struct dns_state *s, struct question *q, const unsigned char *packet, size_t len);
/* Q, which is in no list, could not be sent, or its connection broke: another try after a pause. */
void dns_broken(struct dns_state *s, struct question *q);
/* Q, which is in no list, waits in STATE until DUE, then the try is over. */
void dns_wait(struct dns_state *s, struct question *q, enum question_state state, int64_t due);
/* Ends that. */
void dns_unwait(struct dns_state *s, struct question *q);
void queue_add(struct queue *queue, struct question *q);
void queue_remove(struct queue *queue, struct question *q);
unsigned dns_random(struct dns_state *s);
/* How long a try at Q's server may take, in microseconds. */
int64_t dns_patience(const struct dns_state *s, const struct question *q);

/* dns_servers.c */
bool dns_add_server(struct dns_state *s, struct text text, struct problem *problem);
/* Those of PATH, in the format of resolv.conf(5); what is no address is passed over. */
void dns_read_resolv_conf(struct dns_state *s, const char *path);
/* --nameserver, IMQ_NAMESERVER, /etc/resolv.conf. */
bool dns_find_servers(struct dns_state *s, struct problem *problem);

/* dns_udp.c */
void dns_udp_start(struct dns_state *s);
void dns_udp_stop(struct dns_state *s);
/* Sends N (at most DNS_BATCH) questions, which are in no list, to SERVER. Returns how many of them are on their
 * way; what the network does not take is lost on the way. */
unsigned dns_udp_send(struct dns_state *s, struct server *server, struct question **questions, unsigned n);
/* Takes what has come for END. */
void dns_udp_receive(struct dns_state *s, struct dns_end *end);
/* Q is no longer waited for. */
void dns_udp_forget(struct dns_state *s, struct question *q);
/* Closes ports that are no longer used. */
void dns_udp_sweep(struct dns_state *s);

/* dns_tcp.c */
/* Starts as many of tcp_line as there may be connections. */
void dns_tcp_send(struct dns_state *s);
void dns_tcp_work(struct dns_state *s, struct dns_end *end, uint32_t events);
/* Q, which is ON_TCP, is no longer waited for. */
void dns_tcp_forget(struct dns_state *s, struct question *q);
void dns_tcp_stop(struct dns_state *s);

#endif
