/* What is inside struct http: for http*.c only. */
#ifndef IMQ_HTTP_PRIV_H
#define IMQ_HTTP_PRIV_H

#include <stdint.h>

#include <curl/curl.h>

#include "buf.h"
#include "http.h"

/* A request on its way. */
struct call {
	struct http *http;
	struct http_request request;  /* its texts are in the members below */
	struct call *next, *previous; /* in http_state.calls */
	struct call *queued;          /* in the host's queue, or among the refused */
	struct host *host;
	CURL *easy; /* NULL: not started yet */
	char *url, *origin, *method;
	struct curl_slist *headers, *plain; /* all of them, and those that any host may see */
	struct buf sent, body;
	bool has_body;
	bool idempotent;
	bool guarded;   /* must not reach private addresses */
	bool proxied;   /* surely through a proxy */
	bool foreign;   /* redirected to a host that gets no credentials */
	bool patient;   /* http_fetch() */
	bool running;   /* in libcurl's hands */
	bool delivered; /* chunk() has had some of the body */
	bool refused, cut; /* as in http_reply */
	size_t ignored; /* bytes of an error's body */
	unsigned tries, hops;
	int64_t due, deadline; /* clock_steady(); a deadline of 0 is none */
	char reason[128];      /* why we ended it ourselves */
	char phrase[128];      /* of the status line */
	char errors[CURL_ERROR_SIZE];
	struct http_reply reply;
};

/* A host with requests, or with a pause that is not over. */
struct host {
	char *origin;
	struct host *next;
	struct call *queue; /* sorted by due */
	unsigned waiting, running;
	int64_t open; /* nothing starts before */
};

struct http_state {
	CURLM *multi;
	int epoll;
	int64_t timer; /* libcurl's, -1: none */
	struct call *calls, *refused;
	struct call *fetched; /* what the last http_fetch() got */
	struct host *hosts;
	struct curl_slist *headers;
	CURL **spare;
	size_t spare_count;
	bool verify;
	const char *trust; /* file or folder; NULL: libcurl's default */
	bool trust_is_folder;
};

/* http_easy.c: */
/* Reads --http-header, --http-verify-cert and the client's certificate. False: PROBLEM. */
bool http_read_settings(struct http *h, struct problem *problem);
/* Tells C's easy handle everything about the request, for another try that begins at NOW (clock_steady()). */
void call_prepare(struct call *c, int64_t now);
/* Fills in C->reply by what has come. */
void call_read_reply(struct call *c);

#endif
