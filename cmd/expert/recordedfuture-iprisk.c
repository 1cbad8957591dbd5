/* imq-recordedfuture-iprisk: add the risk score that Recorded Future's list has for an address, 0 if it has
 * none. */
#include "database.h"
#include "event.h"
#include "files.h"
#include "filter.h"
#include "ipmap.h"
#include "log.h"
#include "watch.h"

enum { LARGEST = 1 << 30 };

static struct {
	const char *database, *api_token;
	bool overwrite;
	enum field risk[2];
	struct ipmap risks;
	struct watch watch;
	struct database updates;
} my;

static const struct opt options[] = {
	OPT_TEXT('d', "database", &my.database,
		"/opt/intelmq/var/lib/bots/recordedfuture_iprisk/rfiprisk.dat",
		"the list, CSV with the columns Name and Risk"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace scores that are already there"),
	OPT_SECRET("api-token", &my.api_token, "the key to Recorded Future's API, for --update-database"),
	DATABASE_OPTIONS(&my.updates,
		"https://api.recordedfuture.com/v2/ip/risklist?format=csv%2Fsplunk&gzip=true&list=large"),
	OPT_END
};

static const enum field addresses[] = { F_SOURCE_IP, F_DESTINATION_IP };

/* The CSV file while it is read. */
struct csv {
	struct text rest;
	long line;
	struct buf cell;
	bool last; /* the cell was the last one of its row */
};

/* Reads the next cell (RFC 4180). False: no more. */
static bool next_cell(struct csv *csv)
{
	size_t i = 0;
	bool quoted = false;

	buf_clear(&csv->cell);
	if (csv->rest.len == 0)
		return false;
	for (; i < csv->rest.len; i++) {
		char c = csv->rest.at[i];

		csv->line += c == '\n';
		if (c == '"' && (quoted || csv->cell.len == 0)) {
			if (quoted && i + 1 < csv->rest.len && csv->rest.at[i + 1] == '"')
				buf_char(&csv->cell, csv->rest.at[++i]);
			else
				quoted = !quoted;
		} else if (!quoted && (c == ',' || c == '\n')) {
			break;
		} else {
			buf_char(&csv->cell, c);
		}
	}
	csv->last = i == csv->rest.len || csv->rest.at[i] == '\n';
	csv->rest = text_from(csv->rest, i + 1);
	if (csv->last && csv->cell.len && csv->cell.at[csv->cell.len - 1] == '\r')
		csv->cell.len--;
	return true;
}

/* Finds the columns in the header. */
static bool read_header(struct csv *csv, int *name, int *risk)
{
	*name = *risk = -1;
	for (int column = 0; next_cell(csv); column++) {
		if (text_is(buf_view(&csv->cell), "Name"))
			*name = column;
		if (text_is(buf_view(&csv->cell), "Risk"))
			*risk = column;
		if (csv->last)
			break;
	}
	return *name >= 0 && *risk >= 0;
}

static bool read_rows(
	struct csv *csv, const char *path, int name, int risk, struct ipmap *risks, struct problem *problem)
{
	struct ip ip = { .bits = 0 };
	long long score = 0;
	bool is_ip = false, is_score = false;
	int column = 0;
	long row = csv->line + 1;

	while (next_cell(csv)) {
		struct text cell = buf_view(&csv->cell);
		bool blank = column == 0 && csv->last && cell.len == 0;

		if (column == name)
			is_ip = ip_parse(cell, &ip);
		if (column == risk)
			is_score = text_integer(text_trim(cell), &score);
		column++;
		if (!csv->last)
			continue;
		if (!blank && !is_score)
			return problem_at(problem, path, row, 0, "Risk is not an integer");
		if (!blank && !is_ip)
			log_record(path, row, TEXT("Name is not an IP address: the row is left out"));
		if (!blank && is_ip)
			ipmap_add(risks, &ip, score);
		is_ip = is_score = false;
		column = 0;
		row = csv->line + 1;
	}
	return true;
}

static bool read_list(const char *path, struct ipmap *risks, struct problem *problem)
{
	struct buf file = BUF_INIT;
	struct csv csv = { .line = 0 };
	int name, risk;
	bool fine = file_read(path, LARGEST, &file, problem);

	csv.rest = buf_view(&file);
	if (fine && !read_header(&csv, &name, &risk))
		fine = problem_at(problem, path, 1, 0, "no columns Name and Risk");
	fine = fine && read_rows(&csv, path, name, risk, risks, problem);
	if (fine)
		ipmap_finish(risks);
	buf_free(&csv.cell);
	buf_free(&file);
	return fine;
}

static bool load(struct problem *problem)
{
	struct ipmap risks = { NULL, 0, 0 };

	watch_note(&my.watch, my.database);
	if (!read_list(my.database, &risks, problem)) {
		ipmap_free(&risks);
		return false;
	}
	ipmap_free(&my.risks);
	my.risks = risks;
	return true;
}

static bool start(struct problem *problem)
{
	my.risk[0] = field_intern(TEXT("extra.rf_iprisk.source"));
	my.risk[1] = field_intern(TEXT("extra.rf_iprisk.destination"));
	return load(problem);
}

/* The highest score of the addresses in F. */
static long long risk_of(struct event *ev, enum field f)
{
	struct event_values values = event_values(ev, f);
	long long highest = 0, score;
	struct value v;
	struct ip ip;

	while (event_next_value(&values, &v))
		if (ip_parse(event_value_form(ev, v), &ip) && ipmap_find(&my.risks, &ip, &score) &&
			score > highest)
			highest = score;
	return highest;
}

static enum verdict add_risk(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(addresses); i++)
		if (event_has(ev, addresses[i]) && (my.overwrite || !event_has(ev, my.risk[i])))
			event_set_integer(ev, my.risk[i], risk_of(ev, addresses[i]));
	return PASS;
}

static int64_t look_again(const struct batch *batch)
{
	(void)batch;
	return watch_again(&my.watch, load);
}

static bool check_list(const char *path, struct problem *problem)
{
	struct ipmap risks = { NULL, 0, 0 };
	bool fine = read_list(path, &risks, problem);

	ipmap_free(&risks);
	return fine;
}

static enum exit_status update(void)
{
	struct buf key = BUF_INIT;
	enum exit_status status = EXIT_USAGE;

	if (!my.api_token || !my.api_token[0]) {
		log_message("--api-token (or api_token in --config) is needed");
		return status;
	}
	buf_printf(&key, "X-RFToken: %s", my.api_token);
	status = database_fetch(&my.updates, &(struct database_file){ .path = my.database,
						     .url = my.updates.url,
						     .headers = (const char *[]){ buf_cstr(&key), NULL },
						     .member = "rfiprisk.dat",
						     .refused = "the API token is not valid",
						     .check = check_list });
	buf_free(&key);
	return status;
}

static void stop(void)
{
	ipmap_free(&my.risks);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-recordedfuture-iprisk",
			.module = "intelmq.bots.experts.recordedfuture_iprisk.expert",
			.summary = "add Recorded Future's risk score of addresses",
			.options = options,
			.start = start,
			.event = add_risk,
			.timer = look_again,
			.reload = load,
			.stop = stop,
			.update = update });
}
