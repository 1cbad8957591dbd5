/* Queues in Kafka: a topic, read by a consumer group whose offsets are committed once a batch is done.
 *
 * Settings of librdkafka may stand in the URL: kafka://host:9092?group=x&security.protocol=ssl&ssl.ca.location=/…#topic */
#include <stdio.h>
#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "alloc.h"
#include "clock.h"
#include "queue_priv.h"

enum {
	ANSWER = 30000,      /* milliseconds that brokers may take */
	LINGER = 5,          /* milliseconds that the next record of a batch may take to come */
	PATIENT = 1000,      /* milliseconds: who waits that long wants to know */
	ARRIVE = 5000,       /* milliseconds without a record until a topic counts as empty */
	ASK_AGAIN = 100,
	COMMITS = 3,         /* tries */
	PORT = 9092,
};

/* Where a record taken lies. */
struct offset {
	int32_t partition;
	int64_t offset;
	size_t end; /* of its line in held.lines */
};

struct kafka_queue {
	rd_kafka_t *k;
	char *topic, *brokers;
	enum queue_use use;
	bool joined; /* has had partitions */
	char refused[256]; /* what TLS has against a broker; empty: nothing */
	rd_kafka_resp_err_t failed; /* the first delivery since the last commit that failed */
	/* Taken and not committed: the first IN_FLIGHT of them are the batch. */
	struct queue_batch held;
	struct offset *offsets;
	size_t cap, in_flight;
	struct buf given;
};

static bool failed(struct kafka_queue *q, rd_kafka_resp_err_t error, struct problem *problem)
{
	rd_kafka_poll(q->k, 0); /* calls on_error() */
	return problem_set(problem, "kafka %s: %s", q->brokers, *q->refused ? q->refused : rd_kafka_err2str(error));
}

/* ---- opening ---- */

static bool set(rd_kafka_conf_t *conf, const char *key, const char *value, struct problem *problem)
{
	char text[256];

	return rd_kafka_conf_set(conf, key, value, text, sizeof text) == RD_KAFKA_CONF_OK || problem_set(problem, "kafka: %s", text);
}

static void on_delivery(rd_kafka_t *k, const rd_kafka_message_t *message, void *self)
{
	struct kafka_queue *q = self;

	(void)k;
	if (message->err && !q->failed)
		q->failed = message->err;
}

/* A certificate that is refused will be the next time: the library tries for ever. */
static void on_error(rd_kafka_t *k, int error, const char *reason, void *self)
{
	struct kafka_queue *q = self;

	(void)k;
	if (error == RD_KAFKA_RESP_ERR__SSL)
		snprintf(q->refused, sizeof q->refused, "%s", reason);
}

/* Brokers that are down are told by what then fails. */
static void no_log(const rd_kafka_t *k, int level, const char *facility, const char *text)
{
	(void)k;
	(void)level;
	(void)facility;
	(void)text;
}

/* Ours first, so that the URL's can override them. */
static bool configure(struct kafka_queue *q, rd_kafka_conf_t *conf, const struct queue_url *url, struct problem *problem)
{
	/* The session: a reader that was killed holds its partitions that long, and ANSWER must be longer. */
	static const char *const reading[][2] = { { "enable.auto.commit", "false" }, { "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "earliest" }, { "max.poll.interval.ms", "86400000" }, { "fetch.wait.max.ms", "100" },
		{ "session.timeout.ms", "10000" } };
	static const char *const writing[][2] = { { "enable.idempotence", "true" }, { "linger.ms", "5" },
		{ "message.max.bytes", "20000000" } };
	bool reads = q->use != QUEUE_GIVE, fine;
	char *key, *value;
	size_t cursor = 0;

	fine = set(conf, "bootstrap.servers", q->brokers, problem);
	for (size_t i = 0; fine && reads && i < LENGTH(reading); i++)
		fine = set(conf, reading[i][0], reading[i][1], problem);
	for (size_t i = 0; fine && !reads && i < LENGTH(writing); i++)
		fine = set(conf, writing[i][0], writing[i][1], problem);
	fine = fine && (!reads || set(conf, "group.id", q->topic ? q->topic : "imq", problem));
	if (fine && url->user)
		fine = set(conf, "sasl.username", url->user, problem) && set(conf, "sasl.password", url->password ? url->password : "", problem);
	while (fine && queue_url_next(url, &cursor, &key, &value)) {
		bool group = strcmp(key, "group") == 0;

		fine = (group && !reads) || set(conf, group ? "group.id" : key, value, problem);
		free(key);
		free(value);
	}
	return fine;
}

static void close_queue(void *self)
{
	struct kafka_queue *q = self;

	if (q->k && q->use == QUEUE_TAKE)
		rd_kafka_consumer_close(q->k);
	if (q->k)
		rd_kafka_destroy(q->k);
	buf_free(&q->held.lines);
	buf_free(&q->given);
	free(q->offsets);
	free(q->topic);
	free(q->brokers);
	free(q);
}

static bool subscribe(struct kafka_queue *q, struct problem *problem)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t error;

	rd_kafka_poll_set_consumer(q->k);
	rd_kafka_topic_partition_list_add(topics, q->topic, RD_KAFKA_PARTITION_UA);
	error = rd_kafka_subscribe(q->k, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return !error || failed(q, error, problem);
}

static void *open_queue(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem)
{
	struct kafka_queue *q = alloc_zero(1, sizeof *q);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct buf brokers = BUF_INIT;
	char text[256];

	(void)other;
	q->use = use;
	q->topic = url->name ? alloc_string(text_of(url->name)) : NULL;
	buf_printf(&brokers, "%s", url->host ? url->host : "localhost");
	if (url->port || !strchr(brokers.at, ','))
		buf_printf(&brokers, ":%ld", url->port ? url->port : (long)PORT);
	q->brokers = alloc_string(buf_view(&brokers));
	buf_free(&brokers);
	rd_kafka_conf_set_opaque(conf, q);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_log_cb(conf, no_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (configure(q, conf, url, problem)) {
		q->k = rd_kafka_new(use == QUEUE_GIVE ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, text, sizeof text);
		if (q->k && (use != QUEUE_TAKE || subscribe(q, problem)))
			return q;
		if (!q->k)
			problem_set(problem, "kafka: %s", text);
	}
	if (!q->k)
		rd_kafka_conf_destroy(conf);
	close_queue(q);
	return NULL;
}

/* ---- giving ---- */

static bool give(void *self, struct text lines, struct problem *problem)
{
	struct kafka_queue *q = self;

	(void)problem;
	buf_text(&q->given, lines);
	return true;
}

static bool produce(struct kafka_queue *q, struct text record, struct problem *problem)
{
	rd_kafka_resp_err_t error;

	/* The library's own queue is bounded: what it has sent makes room. */
	while ((error = rd_kafka_producev(q->k, RD_KAFKA_V_TOPIC(q->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_VALUE((void *)(uintptr_t)record.at, record.len), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(q->k, 100);
	return !error || failed(q, error, problem);
}

static bool commit(void *self, struct problem *problem)
{
	struct kafka_queue *q = self;
	struct text rest = buf_view(&q->given);
	rd_kafka_resp_err_t error;

	q->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
	while (rest.len) {
		const char *feed = memchr(rest.at, '\n', rest.len);
		size_t length = feed ? (size_t)(feed - rest.at) : rest.len;

		if (length && !produce(q, (struct text){ rest.at, length }, problem))
			return false;
		rest = text_from(rest, length + 1);
	}
	error = rd_kafka_flush(q->k, ANSWER);
	if (error || q->failed)
		return failed(q, error ? error : q->failed, problem);
	buf_clear(&q->given);
	return true;
}

/* ---- taking ---- */

/* Polls for one record. QUEUE_EMPTY: none came. */
static enum queue_taken receive(struct kafka_queue *q, int timeout, struct problem *problem)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(q->k, timeout);
	enum queue_taken taken = QUEUE_EMPTY;

	if (!m && *q->refused)
		return failed(q, RD_KAFKA_RESP_ERR__SSL, problem), QUEUE_FAILED;
	if (!m)
		return QUEUE_EMPTY;
	if (!m->err) {
		*q->refused = '\0';
		alloc_grow(&q->offsets, &q->cap, q->held.count + 1, sizeof *q->offsets);
		queue_add_record(&q->held, (struct text){ m->payload ? m->payload : "", m->len });
		q->offsets[q->held.count - 1] = (struct offset){ m->partition, m->offset, q->held.lines.len };
		taken = QUEUE_TAKEN;
	} else if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF && m->err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
		m->err != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) { /* a topic that nobody has written to yet is an empty queue */
		problem_set(problem, "kafka %s: %s", q->brokers, rd_kafka_message_errstr(m));
		taken = QUEUE_FAILED;
	}
	rd_kafka_message_destroy(m);
	return taken;
}

/* Before the group has given us partitions there seems to be nothing, which is no answer for who asks whether the queue is empty. */
static bool wait_for_partitions(struct kafka_queue *q, struct problem *problem)
{
	long long started = clock_steady();
	int left = ANSWER, assigned = 0;

	while (!assigned && !q->held.count && queue_time_left(started, ANSWER, &left)) {
		rd_kafka_topic_partition_list_t *list = NULL;

		if (receive(q, ASK_AGAIN, problem) == QUEUE_FAILED)
			return false;
		if (!rd_kafka_assignment(q->k, &list)) {
			assigned = list->cnt;
			rd_kafka_topic_partition_list_destroy(list);
		}
	}
	return q->joined = true;
}

static enum queue_taken take(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	struct kafka_queue *q = self;
	long long started;
	int left = timeout;

	q->held.raw = batch->raw;
	if (timeout <= 0)
		timeout = left = ARRIVE;
	if (!q->joined && timeout >= PATIENT && !wait_for_partitions(q, problem))
		return QUEUE_FAILED;
	started = clock_steady();
	while (q->held.count < records && q->held.lines.len < bytes) {
		enum queue_taken got = receive(q, q->held.count ? LINGER : left, problem);

		if (got == QUEUE_FAILED)
			return got;
		if (got == QUEUE_EMPTY && (q->held.count || !queue_time_left(started, timeout, &left)))
			break;
	}
	q->in_flight = q->held.count < records ? q->held.count : records;
	if (!q->in_flight)
		return QUEUE_EMPTY;
	batch->count = q->in_flight;
	buf_add(&batch->lines, q->held.lines.at, q->offsets[q->in_flight - 1].end);
	return QUEUE_TAKEN;
}

static bool keep(void *self, size_t count, struct problem *problem)
{
	struct kafka_queue *q = self;

	(void)problem;
	if (count < q->in_flight)
		q->in_flight = count;
	return true;
}

/* Removes the batch from what is held. */
static void let_go(struct kafka_queue *q)
{
	size_t n = q->in_flight, left = q->held.count - n, cut = q->offsets[n - 1].end;

	memmove(q->held.lines.at, q->held.lines.at + cut, q->held.lines.len - cut);
	q->held.lines.len -= cut;
	for (size_t i = 0; i < left; i++) {
		q->offsets[i] = q->offsets[n + i];
		q->offsets[i].end -= cut;
	}
	q->held.count = left;
	q->in_flight = 0;
}

static bool done(void *self, long long number, struct problem *problem)
{
	struct kafka_queue *q = self;
	rd_kafka_topic_partition_list_t *offsets;
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

	(void)number;
	if (!q->in_flight)
		return true;
	offsets = rd_kafka_topic_partition_list_new(4);
	for (size_t i = 0; i < q->in_flight; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(offsets, q->topic, q->offsets[i].partition);

		if (!p)
			p = rd_kafka_topic_partition_list_add(offsets, q->topic, q->offsets[i].partition);
		p->offset = q->offsets[i].offset + 1;
	}
	/* Said twice, it does no harm; not knowing whether it was heard would. */
	for (int tries = 0; tries < COMMITS; tries++)
		if (!(error = rd_kafka_commit(q->k, offsets, 0)))
			break;
	rd_kafka_topic_partition_list_destroy(offsets);
	if (error)
		return failed(q, error, problem);
	let_go(q);
	return true;
}

/* Leaves the group and comes back: reading goes on behind what is committed. */
static bool recover(void *self, struct problem *problem)
{
	struct kafka_queue *q = self;

	buf_clear(&q->given);
	buf_clear(&q->held.lines);
	q->held.count = q->in_flight = 0;
	*q->refused = '\0';
	if (q->use == QUEUE_GIVE) {
		rd_kafka_purge(q->k, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		return true;
	}
	rd_kafka_unsubscribe(q->k);
	q->joined = false;
	return subscribe(q, problem);
}

static long long number(const void *self)
{
	(void)self;
	return -1;
}

/* ---- looking ---- */

/* The partitions of the topic with what the group has committed; NULL with PROBLEM. */
static rd_kafka_topic_partition_list_t *committed(struct kafka_queue *q, struct problem *problem)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(q->k, q->topic, NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
	const rd_kafka_metadata_t *about = NULL;
	rd_kafka_resp_err_t error = rd_kafka_metadata(q->k, 0, topic, &about, ANSWER);

	for (int i = 0; !error && about->topic_cnt && i < about->topics[0].partition_cnt; i++)
		rd_kafka_topic_partition_list_add(list, q->topic, about->topics[0].partitions[i].id);
	if (!error)
		rd_kafka_metadata_destroy(about);
	rd_kafka_topic_destroy(topic);
	if (!error)
		error = rd_kafka_committed(q->k, list, ANSWER);
	if (!error)
		return list;
	failed(q, error, problem);
	rd_kafka_topic_partition_list_destroy(list);
	return NULL;
}

/* Sets each partition to where the group reads next, and its metadata's place in *WAITING to how many are behind. */
static bool measure(struct kafka_queue *q, rd_kafka_topic_partition_list_t *list, bool to_end, long long *waiting,
	struct problem *problem)
{
	*waiting = 0;
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *p = &list->elems[i];
		int64_t low, high;
		rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(q->k, q->topic, p->partition, &low, &high, ANSWER);

		if (error)
			return failed(q, error, problem);
		if (p->offset < low)
			p->offset = low;
		*waiting += high - p->offset;
		if (to_end)
			p->offset = high;
	}
	return true;
}

static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem)
{
	struct kafka_queue *q = self;
	rd_kafka_topic_partition_list_t *list;
	bool fine;

	if (q->use == QUEUE_GIVE)
		return problem_set(problem, "kafka: a producer does not see what consumers have read");
	if (!(list = committed(q, problem)))
		return false;
	fine = measure(q, list, false, waiting, problem);
	rd_kafka_topic_partition_list_destroy(list);
	*in_flight = 0;
	return fine;
}

static bool peek(void *self, size_t records, struct buf *lines, struct problem *problem)
{
	struct kafka_queue *q = self;
	rd_kafka_topic_partition_list_t *list = committed(q, problem);
	long long waiting;
	bool fine = list && measure(q, list, false, &waiting, problem);

	if (fine)
		rd_kafka_assign(q->k, list);
	while (fine && q->held.count < records && q->held.count < (size_t)waiting) {
		enum queue_taken got = receive(q, ANSWER, problem);

		fine = got == QUEUE_TAKEN || (got == QUEUE_EMPTY && failed(q, RD_KAFKA_RESP_ERR__TIMED_OUT, problem));
	}
	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	buf_text(lines, buf_view(&q->held.lines));
	return fine;
}

/* A group cannot remove records: it goes to the end of them. */
static bool clear(void *self, struct problem *problem)
{
	struct kafka_queue *q = self;
	rd_kafka_topic_partition_list_t *list = committed(q, problem);
	long long waiting;
	bool fine = list && measure(q, list, true, &waiting, problem);
	rd_kafka_resp_err_t error = fine ? rd_kafka_commit(q->k, list, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;

	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	return fine && (!error || failed(q, error, problem));
}

/* The topics; how much waits depends on the group. */
static bool list(void *self, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem)
{
	struct kafka_queue *q = self;
	const rd_kafka_metadata_t *about;
	rd_kafka_resp_err_t error = rd_kafka_metadata(q->k, 1, NULL, &about, ANSWER);
	char *own = q->topic;
	bool fine = true;

	if (error)
		return failed(q, error, problem);
	for (int i = 0; i < about->topic_cnt && fine; i++) {
		long long waiting = 0, in_flight = 0;

		if (about->topics[i].topic[0] == '_')
			continue;
		q->topic = about->topics[i].topic;
		fine = count(q, &waiting, &in_flight, problem);
		if (fine)
			each(context, text_of(q->topic), waiting, in_flight);
	}
	q->topic = own;
	rd_kafka_metadata_destroy(about);
	return fine;
}

const struct queue_engine queue_kafka = { .schemes = "kafka", .open = open_queue, .close = close_queue, .take = take, .keep = keep,
	.done = done, .recover = recover, .number = number, .give = give, .commit = commit, .count = count, .peek = peek,
	.clear = clear, .list = list };
