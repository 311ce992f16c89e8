/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test cmocka: its header with what that wants before it, under the names of cmocka 2. */

#ifndef COMMON_TEST_CMOCKA_H
#define COMMON_TEST_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef assert_uint_in_range /* cmocka 1 */
#define assert_uint_in_range assert_in_range
#endif

#endif
