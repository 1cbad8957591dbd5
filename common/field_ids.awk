# Makes the numbers (and with -v rows=1 the rows) of the field table from share/fields.tsv.
BEGIN { FS = "\t" }
function quoted(s) { gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
/^#/ { next }
{
	id = toupper($1)
	gsub(/\./, "_", id)
	if (!rows)
		printf "\tF_%s,\n", id
	else
		printf "\t[F_%s] = { %s, %s, %d, %s, %s, %s },\n", id, quoted($1), quoted($2), $3 == "-" ? 0 : $3,
			$4 == "-" ? "NULL" : quoted($4), $5 == "both" ? "true" : "false", quoted($6)
}
