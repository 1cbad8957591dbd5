/* A topic of Kafka as commands name it in their options. */
#ifndef IMQ_QUEUE_KAFKA_H
#define IMQ_QUEUE_KAFKA_H

#include "opt.h"
#include "queue.h"

struct kafka_options {
	struct list topic, servers;
	const char *ca_file, *ca_file_too, *certificate, *certificate_too;
	enum tristate check_hostname;
};

#define KAFKA_OPTIONS(o) \
	OPT_LIST('t', "topic", &(o)->topic, NULL, "the topic"), \
	OPT_LIST('s', "bootstrap-servers", &(o)->servers, "localhost:9092", "brokers to begin with, HOST:PORT"), \
	OPT_FILE(0, "ssl-cafile", &(o)->ca_file, "talk TLS; the broker's certificate is checked against these authorities"), \
	OPT_FILE(0, "ssl-certfile", &(o)->certificate, "talk TLS, and log in with this certificate; its key is in FILE too"), \
	OPT_FILE(0, "ssl-ca-certificate", &(o)->ca_file_too, "as --ssl-cafile"), \
	OPT_FILE(0, "ssl-client-certificate", &(o)->certificate_too, "as --ssl-certfile"), \
	OPT_TRISTATE(0, "ssl-check-hostname", &(o)->check_hostname, NULL, "whether the certificate must have the broker's name")

/* Opens the topic as O says; MORE are further settings of the queue's URL, each with an ampersand in front, or "". NULL with PROBLEM
 * filled in: the options are wrong. Brokers that cannot be reached show later. */
struct queue *queue_kafka_open(const struct kafka_options *o, enum queue_use use, const char *more, struct problem *problem);

#endif
