/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory files: what root does with the files of the clients' memory cache, in a folder that may be
 * somebody else's. */

#ifndef UTIL_MEMFILE_H
#define UTIL_MEMFILE_H

#include <stdbool.h>
#include <sys/types.h>

/* The end of a file that was made by us: nothing that clients look at, since it lies behind their
 * tables. */
#define MEMFILE_TAIL_BYTES 56
/* "smtable1": the layout of the tail, whose first eight bytes it is. */
#define MEMFILE_TAIL_MAGIC 0x31656c6261746d73ULL

/* Tells readers to leave the file, by its header and by its link count, and removes it. 0 also if
 * there is none. */
int memfile_discard(int folder_fd, const char *name);

/* Whether the open file is one of ours, made for that user, and nobody's hard link. */
bool memfile_is_ours(int fd, uid_t owner);

/* Discards each file that clients may know in that folder, but for those of that user's that we
 * have made; owner (uid_t) -1: these, too. Whoever has mapped what another engine has left would go
 * on with that engine's entries until they expire. 0 also if there is no such folder. */
int memfile_discard_others(const char *folder, uid_t owner);

#endif
