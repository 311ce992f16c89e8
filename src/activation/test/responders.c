/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With the places of the test that it is made for. */
#include "common/responders.c"
