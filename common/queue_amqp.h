/* RabbitMQ for commands that need more of it than a queue of records: IntelMQ's options for the connection, and messages with routing
 * keys of their own. */
#ifndef IMQ_QUEUE_AMQP_H
#define IMQ_QUEUE_AMQP_H

#include "opt.h"
#include "queue.h"
#include "tls.h"

struct amqp_options {
	const char *host, *vhost, *username, *password, *exchange, *exchange_type;
	long long port, attempts;
	double heartbeat;
	bool use_ssl, exchange_durable;
	struct tls_options tls;
};

#define AMQP_OPTIONS(o) \
	OPT_TEXT('s', "connection-host", &(o)->host, "127.0.0.1", "the broker"), \
	OPT_INTEGER('p', "connection-port", &(o)->port, "5672", "its port"), \
	OPT_INTEGER(0, "connection-attempts", &(o)->attempts, "3", "how often to try to connect at the start"), \
	OPT_SECONDS(0, "connection-heartbeat", &(o)->heartbeat, "3600", "without effect: the kernel notices a dead peer"), \
	OPT_TEXT(0, "connection-vhost", &(o)->vhost, "/", "virtual host"), \
	OPT_TEXT('u', "username", &(o)->username, NULL, "name to log in with, together with a password; else guest"), \
	OPT_SECRET("password", &(o)->password, "password"), \
	OPT_BOOL(0, "use-ssl", &(o)->use_ssl, false, "talk TLS, and check the broker's certificate; set the port too"), \
	TLS_OPTIONS(&(o)->tls), \
	OPT_TEXT('e', "exchange-name", &(o)->exchange, NULL, "exchange, declared at the start"), \
	OPT_TEXT(0, "exchange-type", &(o)->exchange_type, "topic", "its type"), \
	OPT_BOOL(0, "exchange-durable", &(o)->exchange_durable, true, "it outlives a restart of the broker")

/* Connects as O says and opens the queue NAME; to give, NAME is the routing key. MORE are further settings of the queue's URL, each with
 * an ampersand in front, or "". NULL with PROBLEM filled in. */
struct queue *queue_amqp_open(const struct amqp_options *o, enum queue_use use, const char *name, const char *more,
	struct problem *problem);

/* A message to an exchange. */
struct amqp_sending {
	struct text key; /* at most 255 bytes (AMQP 0-9-1, 4.2.5.3) */
	struct text body;
	bool returned; /* no queue took it */
};

/* Publishes COUNT messages to the exchange that Q was opened with, and waits until the broker has confirmed all. False, with PROBLEM: it
 * did not; some may have arrived. */
bool queue_amqp_publish(struct queue *q, struct amqp_sending *messages, size_t count, struct problem *problem);

#endif
