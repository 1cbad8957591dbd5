/* imq-geohash: one short name for latitude and longitude, as invented by G. Niemeyer (geohash.org): bits of
 * both in turn, each the half that the coordinate is in, five to a character. */
#include "event.h"
#include "filter.h"

enum { LONGEST = 64 }; /* far more than a double can tell apart */

static struct {
	long long precision;
	bool overwrite;
	enum field geohash[2];
} my;

static const struct opt options[] = {
	OPT_INTEGER('p', "precision", &my.precision, "7", "characters of the name, 64 at most; none at 0"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace names that are already there"),
	OPT_END
};

static const struct {
	enum field latitude, longitude;
} sides[] = {
	{ F_SOURCE_GEOLOCATION_LATITUDE, F_SOURCE_GEOLOCATION_LONGITUDE },
	{ F_DESTINATION_GEOLOCATION_LATITUDE, F_DESTINATION_GEOLOCATION_LONGITUDE },
};

static bool start(struct problem *problem)
{
	if (my.precision > LONGEST)
		return problem_set(problem, "--precision: %d characters at most", LONGEST);
	my.geohash[0] = field_intern(TEXT("extra.source.geolocation.geohash"));
	my.geohash[1] = field_intern(TEXT("extra.destination.geolocation.geohash"));
	return true;
}

/* Values out of range end in the cell at the border. */
static void encode(double latitude, double longitude, char *out, size_t length)
{
	double low[2] = { -180, -90 }, high[2] = { 180, 90 }, at[2] = { longitude, latitude };
	unsigned axis = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned bits = 0;

		for (int b = 0; b < 5; b++, axis = !axis) {
			double middle = (low[axis] + high[axis]) / 2;
			bool upper = at[axis] >= middle;

			bits = bits << 1 | upper;
			*(upper ? &low[axis] : &high[axis]) = middle;
		}
		out[i] = "0123456789bcdefghjkmnpqrstuvwxyz"[bits];
	}
}

static enum verdict name_places(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(sides); i++) {
		char name[LONGEST];
		double latitude, longitude;

		if (my.precision <= 0 || !event_double(ev, sides[i].latitude, &latitude) ||
			!event_double(ev, sides[i].longitude, &longitude))
			continue;
		encode(latitude, longitude, name, (size_t)my.precision);
		event_add(ev, my.geohash[i], (struct text){ name, (size_t)my.precision },
			my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
	}
	return PASS;
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-geohash",
			.module = "intelmq.bots.experts.geohash.expert",
			.summary = "name places by geohash",
			.options = options,
			.start = start,
			.event = name_places });
}
