/* A connection to RabbitMQ with one channel, by AMQP 0-9-1. */
#ifndef IMQ_AMQP_BROKER_H
#define IMQ_AMQP_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include <amqp.h>

#include "problem.h"
#include "queue_url.h"
#include "tls.h"

enum {
	BROKER_CHANNEL = 1,
	BROKER_ANSWER = 60, /* seconds that the broker may take for an answer or a confirm */
};

struct amqp_broker {
	amqp_connection_state_t c;
	char *host, *user, *password, *vhost;
	int port;
	int heartbeat; /* seconds; 0: none */
	int64_t beaten; /* when it was sent last, of clock_steady() */
	bool secure, broken; /* over TLS; not to be used until connected again */
	struct tls tls;
};

/* Sets up B as URL says, and its settings heartbeat, user, password and those of tls.h; nothing is connected yet. False with PROBLEM. To
 * be closed in any case. */
bool broker_init(struct amqp_broker *b, const struct queue_url *url, struct problem *problem);
/* Connects, again if need be, logs in and opens the channel. */
bool broker_connect(struct amqp_broker *b, struct problem *problem);
/* Opens the channel again, after the broker has closed it. */
bool broker_channel(struct amqp_broker *b, struct problem *problem);
void broker_close(struct amqp_broker *b);
/* Sends a heartbeat if it is time for one. */
void broker_beat(struct amqp_broker *b);

/* Whether REPLY is no failure; otherwise PROBLEM tells, and B is broken. */
bool broker_check(struct amqp_broker *b, amqp_rpc_reply_t reply, struct problem *problem);
/* The same for the last call. */
bool broker_answered(struct amqp_broker *b, struct problem *problem);
/* False, with WHAT as the problem: B is broken. */
bool broker_gone(struct amqp_broker *b, struct problem *problem, const char *what);
/* False, with what a channel's or connection's end says. */
bool broker_closed(struct amqp_broker *b, struct problem *problem, const amqp_method_t *method);

/* The setting KEY of URL, LOWEST if it is not there. */
bool broker_number(const struct queue_url *url, const char *key, int lowest, int highest, int *number, struct problem *problem);

#endif
