/* SPDX-License-Identifier: MIT */
/* Who takes over if the supervisor is killed, and meanwhile tells what the group was sent. */
#ifndef KEEPER_H
#define KEEPER_H

#include "family.h"

/* Forks one, in our group. Returns our end of a socket, which is hung up if it ends; -1: none.
 */
int start_keeper(struct family *family, int listener);

/* In the front: was sig, which it was sent, sent to its whole group? */
bool group_got(const struct family *family, int sig);

#endif
