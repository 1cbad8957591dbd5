# A feed of ROWS rows and eight columns (address, time, port, AS number, AS name, host, URL, country) for measuring imq-parse:
#   awk -v rows=1000000 -f tests/bench/feed-csv.awk > feed.csv
# The same for every run; some cells are quoted, one in a hundred holds a comma.
BEGIN {
	split("AT DE CZ FR US NL", cc, " ")
	split("example.com example.net example.org", zone, " ")
	for (n = 0; n < rows; n++) {
		name = "EXAMPLE-AS-" n % 700
		if (n % 100 == 7)
			name = "\"Example, Inc. " n % 700 "\""
		host = "host" n % 65537 "." zone[n % 3 + 1]
		printf "198.%d.%d.%d,2026-%02d-%02d %02d:%02d:%02d,%d,%d,%s,%s,http://%s/path/%d/index.php?id=%d,%s\n", \
			18 + n % 2, n / 250 % 250, n % 250 + 1, n % 12 + 1, n % 28 + 1, n % 24, n % 60, n % 59, \
			n % 65000 + 1, 64496 + n % 16, name, host, host, n % 1000, n, cc[n % 6 + 1]
	}
}
