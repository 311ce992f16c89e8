/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replay: the main() of a fuzz target where there is no libFuzzer: it gives the target the inputs
 * that are kept beside it. */

#ifndef COMMON_REPLAY_H
#define COMMON_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The folder; each target includes this header, and is made with SEEDS for the sake of its tests.
 */
extern const char *const replay_seeds;
#ifdef SEEDS
const char *const replay_seeds = SEEDS;
#endif

#endif
