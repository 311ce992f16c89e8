/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log: lines for the journal, which reads the level from their start. */

#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdio.h>
#include <systemd/sd-daemon.h>

#define log_error(format, ...) ((void) fprintf(stderr, SD_ERR format "\n", ##__VA_ARGS__))
#define log_warning(format, ...) ((void) fprintf(stderr, SD_WARNING format "\n", ##__VA_ARGS__))
#define log_info(format, ...) ((void) fprintf(stderr, SD_INFO format "\n", ##__VA_ARGS__))

#endif
