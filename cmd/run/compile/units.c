/* systemd units: one service per pipeline, timers for the scheduled ones, a target for all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "compile.h"

/* Nothing a pipeline does needs more than its state folder, the network, and reading files. */
static const char hardening[] =
	"NoNewPrivileges=yes\n"
	"CapabilityBoundingSet=\n"
	"ProtectSystem=strict\n"
	"ProtectHome=yes\n"
	"PrivateTmp=yes\n"
	"PrivateDevices=yes\n"
	"ProtectKernelTunables=yes\n"
	"ProtectKernelModules=yes\n"
	"ProtectKernelLogs=yes\n"
	"ProtectControlGroups=yes\n"
	"ProtectClock=yes\n"
	"ProtectHostname=yes\n"
	"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
	"RestrictNamespaces=yes\n"
	"RestrictRealtime=yes\n"
	"RestrictSUIDSGID=yes\n"
	"LockPersonality=yes\n"
	"SystemCallArchitectures=native\n"
	"SystemCallFilter=@system-service\n"
	"UMask=0077\n";

/* A word of a unit file: `%` and `$` are special, quotes group (systemd.syntax). */
static void append_unit_word(struct buf *out, const char *word)
{
	buf_char(out, '"');
	for (; *word; word++) {
		if (*word == '%' || *word == '$')
			buf_char(out, *word);
		else if (*word == '"' || *word == '\\')
			buf_char(out, '\\');
		buf_char(out, (unsigned char)*word < ' ' ? ' ' : *word);
	}
	buf_char(out, '"');
}

static bool write_service(const struct bot *bot, const char *folder, const char *path, const char *state,
	struct problem *problem)
{
	struct buf unit = BUF_INIT, assignment = BUF_INIT;
	char name[300];
	bool fine;

	buf_printf(&assignment, "IMQ_STATE=%s", state);
	buf_printf(&unit, "[Unit]\nDescription=imq pipeline %s\nAfter=network-online.target\nWants=network-online.target\n",
		bot->id);
	if (!graph_scheduled(bot))
		buf_string(&unit, "PartOf=imq.target\n");
	buf_printf(&unit, "\n[Service]\nType=%s\nUser=imq\nEnvironment=", graph_scheduled(bot) ? "oneshot" : "exec");
	append_unit_word(&unit, buf_cstr(&assignment));
	buf_string(&unit, "\nExecStart=/bin/sh ");
	append_unit_word(&unit, path);
	buf_printf(&unit, " %s\n", bot->id);
	if (!graph_scheduled(bot))
		buf_string(&unit, "Restart=always\nRestartSec=5\nRestartPreventExitStatus=1 2\n");
	buf_string(&unit, "ReadWritePaths=");
	append_unit_word(&unit, state);
	buf_char(&unit, '\n');
	buf_string(&unit, hardening);
	if (!graph_scheduled(bot) && bot->enabled)
		buf_string(&unit, "\n[Install]\nWantedBy=imq.target\n");
	snprintf(name, sizeof name, "imq-%s.service", bot->id);
	fine = script_file(folder, name, 0644, buf_view(&unit), problem);
	buf_free(&assignment);
	buf_free(&unit);
	return fine;
}

/* IntelMQ says that a bot is scheduled, not when: hourly, or at the pace of its rate_limit. */
static bool write_timer(const struct config *c, const struct bot *bot, const char *folder, struct problem *problem)
{
	double seconds = config_parameter(c, bot, "rate_limit") ? graph_pause(c, bot) : 0;
	struct buf unit = BUF_INIT;
	char name[300];
	bool fine;

	buf_printf(&unit, "[Unit]\nDescription=imq pipeline %s, on time\n\n[Timer]\n", bot->id);
	if (seconds >= 1)
		buf_printf(&unit, "OnBootSec=1min\nOnUnitActiveSec=%.0fs\n", seconds);
	else
		buf_string(&unit, "OnCalendar=hourly\nRandomizedDelaySec=5min\nPersistent=yes\n");
	buf_string(&unit, "\n[Install]\nWantedBy=timers.target\n");
	snprintf(name, sizeof name, "imq-%s.timer", bot->id);
	fine = script_file(folder, name, 0644, buf_view(&unit), problem);
	buf_free(&unit);
	return fine;
}

bool units_write(const struct config *c, const char *folder, const char *path, const char *state, struct problem *problem)
{
	static const char target[] = "[Unit]\nDescription=imq pipelines\n\n[Install]\nWantedBy=multi-user.target\n";

	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return problem_at(problem, folder, 0, 0, "%s", strerror(errno));
	if (!script_file(folder, "imq.target", 0644, text_of(target), problem))
		return false;
	for (size_t i = 0; i < c->count; i++) {
		const struct bot *bot = c->bots[i];

		if (graph_heads(bot) && (!write_service(bot, folder, path, state, problem) ||
						(graph_scheduled(bot) && !write_timer(c, bot, folder, problem))))
			return false;
	}
	return true;
}
