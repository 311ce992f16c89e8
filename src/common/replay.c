/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/replay.h"

/* In a room of just that size: then the sanitizers see a byte that is read behind it. */
static int replay(const char *name)
{
    CLEANUP(fclosep) FILE *file = NULL;
    CLEANUP(freep) uint8_t *data = NULL;
    char path[4096];
    struct stat info;
    size_t bytes;

    (void) snprintf(path, sizeof(path), "%s/%s", replay_seeds, name);
    file = fopen(path, "re");
    if (!file || fstat(fileno(file), &info) < 0 || !S_ISREG(info.st_mode)) {
        perror(path);
        return -1;
    }
    bytes = (size_t) info.st_size;
    data = malloc(bytes);
    if (bytes > 0 && (!data || fread(data, 1, bytes, file) != bytes)) {
        perror(path);
        return -1;
    }
    (void) LLVMFuzzerTestOneInput(data, bytes); /* it ends the process where it is not content */
    return 0;
}

int main(int argc, char **argv)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    const struct dirent *entry;
    unsigned n = 0;

    if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv) != 0)
        return EXIT_FAILURE;
    dir = opendir(replay_seeds);
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (replay(entry->d_name) < 0)
            return EXIT_FAILURE;
        n++;
    }
    (void) printf("%u inputs of %s replayed\n", n, replay_seeds);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
