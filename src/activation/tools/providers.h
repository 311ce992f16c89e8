/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Providers: which of them the SSSD of this machine has. A provider is a module in a folder of SSSD's; the files provider is
 * gone in SSSD 2.13, idp is new there, and most come in packages of their own. */

#ifndef TOOLS_PROVIDERS_H
#define TOOLS_PROVIDERS_H

struct conf;

/* Returns 1; 0 when a domain that is turned on has a provider that is not there, or none is left that has one, with a
 * sentence why in *ret_why, which the caller frees; or a negative errno. Where no module is found at all, as in a build root,
 * it is 1. */
int providers_are_there(const struct conf *config, char **ret_why);

#endif
