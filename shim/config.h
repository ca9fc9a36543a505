/* SPDX-License-Identifier: MIT */
/*
 * The settings, which are read from the environment once, when the library is loaded.
 * Privileged programs (setuid, file capabilities) don't read it, as with secure_getenv(3).
 */
#ifndef NOSELFCONN_CONFIG_H
#define NOSELFCONN_CONFIG_H

#include <stdbool.h>

struct config {
	bool off;         /* NOSELFCONN=off: forward every call and look at none */
	bool verbose;     /* NOSELFCONN_VERBOSE=1: report each repair on stderr */
	unsigned retries; /* NOSELFCONN_RETRIES: connects after the self-connected one */
	const char *log;  /* NOSELFCONN_LOG: absolute path of a file to report to, or NULL */
};

extern struct config config;

/* Fills in config. Reports a malformed value on stderr, and keeps the default. */
void config_read(void);

#endif
