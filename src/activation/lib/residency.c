/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residency: may the monitor leave when nobody needs it?
 *
 * One table answers, option by option. The first row that fits decides, and what no row knows keeps the monitor: an
 * option of a later release may mean work that we have never heard of. */

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/conf.h"
#include "lib/residency.h"
#include "lib/services.h"

#define DOMAIN "domain/"

/* Values that are no work: whatever it is, none, and 0, however long. */
#define ANY "*"
#define NONE NULL
#define ZERO "+(0)"

#define DOMAIN_ROW "domain/NAME"

/* clang-format off */
const struct residency_row residency_rows[] = {
    /* Where users come from, and what answers for them. */
    { DOMAIN_ROW, "id_provider", "ldap proxy ldif",
      "other providers renew tickets and machine passwords, watch files or look for trusted domains" },
    { DOMAIN_ROW, "auth_provider chpass_provider", "ldap krb5 proxy ldif none",
      "other providers have work without being asked" },
    { DOMAIN_ROW, "access_provider", "permit deny ldap krb5 simple proxy",
      "other providers have work without being asked" },
    { DOMAIN_ROW, "sudo_provider", "ldap ldif none",
      "other providers have work without being asked; LDAP's rules are refreshed when it starts again" },
    { DOMAIN_ROW, "autofs_provider resolver_provider", "ldap proxy ldif none",
      "other providers have work without being asked" },
    { DOMAIN_ROW, "hostid_provider selinux_provider session_provider subdomains_provider", "none",
      "only AD and IPA have these, and they work without being asked" },

    /* Work that goes on without being asked. */
    { DOMAIN_ROW, "enumerate", "false", "all users and groups are read again and again" },
    { DOMAIN_ROW, "ldap_enumeration_*", NONE, "somebody means enumeration to run" },
    { DOMAIN_ROW, "subdomain_enumerate", "none",
      "all users and groups of trusted domains are read again and again" },
    { DOMAIN_ROW, "refresh_expired_interval", ZERO,
      "expired entries are refreshed in the background" },
    { DOMAIN_ROW, "ldap_purge_cache_timeout", ZERO, "the cache is cleaned in the background" },
    { DOMAIN_ROW, "krb5_store_password_if_offline", "false",
      "a password waits in the backend's memory for the KDC to come back" },
    { DOMAIN_ROW, "krb5_renew_interval", ZERO, "users' tickets are renewed in the background" },
    { DOMAIN_ROW, "dyndns_update", "false", "the host's addresses are kept up to date in the DNS" },
    { DOMAIN_ROW, "dyndns_*", NONE, "somebody means dynamic DNS updates to run" },
    { DOMAIN_ROW, "ad_* ipa_* subdomain_*", NONE,
      "AD and IPA domains have work without being asked" },

    /* Asked for, looked up, answered: nothing goes on afterwards. */
    { DOMAIN_ROW, "enabled domain_type description debug debug_* timeout ldap_purge_cache_offset", ANY,
      "no work of its own" },
    { DOMAIN_ROW, "min_id max_id use_fully_qualified_names full_name_format re_expression case_sensitive "
      "override_gid override_homedir override_shell fallback_homedir default_shell homedir_substring allowed_shells "
      "vetoed_shells shell_fallback filter_users filter_groups ignore_group_members auto_private_groups "
      "user_attributes pwfield realmd_tags", ANY, "how an answer looks" },
    { DOMAIN_ROW, "entry_cache_* entry_negative_timeout memcache_timeout cache_credentials "
      "cache_credentials_minimal_first_factor_length cached_auth_timeout account_cache_expiration", ANY,
      "the cache is on disk; how old an entry is does not depend on who runs" },
    { DOMAIN_ROW, "pwd_expiration_warning local_auth_policy pam_gssapi_services pam_gssapi_check_upn "
      "pam_gssapi_indicators_map", ANY, "used at a log-in" },
    { DOMAIN_ROW, "lookup_family_order dns_resolver_server_timeout dns_resolver_op_timeout dns_resolver_timeout "
      "dns_resolver_use_search_list dns_discovery_domain failover_primary_timeout offline_timeout "
      "offline_timeout_max offline_timeout_random_offset", ANY,
      "how a server is found; the next start looks anew" },
    { DOMAIN_ROW, "proxy_pam_target proxy_lib_name proxy_resolver_lib_name proxy_fast_alias proxy_max_children",
      ANY, "used when somebody asks" },
    { DOMAIN_ROW, "simple_allow_users simple_deny_users simple_allow_groups simple_deny_groups", ANY,
      "used at a log-in" },
    { DOMAIN_ROW, "ldif_*", ANY, "files are read when somebody asks" },
    { DOMAIN_ROW, "ldap_uri ldap_backup_uri ldap_chpass_uri ldap_chpass_backup_uri ldap_dns_service_name "
      "ldap_chpass_dns_service_name ldap_network_timeout ldap_opt_timeout ldap_search_timeout "
      "ldap_connection_expire_timeout ldap_connection_expire_offset ldap_connection_idle_timeout ldap_referrals "
      "ldap_page_size ldap_disable_paging ldap_disable_range_retrieval ldap_library_debug_level", ANY,
      "how the server is reached; a connection is made when somebody asks" },
    { DOMAIN_ROW, "ldap_tls_* ldap_id_use_start_tls ldap_auth_disable_tls_never_use_in_production "
      "ldap_default_bind_dn ldap_default_authtok ldap_default_authtok_type ldap_sasl_mech ldap_sasl_authid "
      "ldap_sasl_realm ldap_sasl_canonicalize ldap_sasl_minssf ldap_sasl_maxssf ldap_krb5_keytab "
      "ldap_krb5_init_creds ldap_krb5_ticket_lifetime ldap_force_upper_case_realm", ANY,
      "who we are to the server; a ticket for it is taken when a connection needs one" },
    { DOMAIN_ROW, "ldap_search_base ldap_schema ldap_user_* ldap_group_* ldap_netgroup_* ldap_host_* ldap_service_* "
      "ldap_iphost_* ldap_ipnetwork_* ldap_autofs_* ldap_sudorule_* ldap_sudo_search_base ldap_ns_account_lock "
      "ldap_id_mapping ldap_idmap_* ldap_min_id ldap_max_id ldap_use_tokengroups ldap_deref ldap_deref_threshold "
      "ldap_ignore_unreadable_references ldap_rfc2307_fallback_to_local_users wildcard_limit", ANY,
      "what is looked up, and under which name" },
    { DOMAIN_ROW, "ldap_pwd_policy ldap_pwmodify_mode ldap_use_ppolicy ldap_ppolicy_pwd_change_threshold "
      "ldap_pwdlockout_dn ldap_chpass_update_last_change ldap_access_filter ldap_access_order "
      "ldap_account_expire_policy", ANY, "used at a log-in" },
    { DOMAIN_ROW, "ldap_sudo_full_refresh_interval ldap_sudo_smart_refresh_interval ldap_sudo_random_offset "
      "ldap_sudo_use_host_filter ldap_sudo_hostnames ldap_sudo_ip ldap_sudo_include_netgroups "
      "ldap_sudo_include_regexp", ANY,
      "rules are refreshed for those who ask sudo; while nobody does, nobody misses it" },
    { DOMAIN_ROW, "krb5_server krb5_backup_server krb5_kpasswd krb5_backup_kpasswd krb5_realm krb5_canonicalize "
      "krb5_use_kdcinfo krb5_kdcinfo_lookahead krb5_use_fast krb5_fast_principal krb5_fast_use_anonymous_pkinit "
      "krb5_use_enterprise_principal krb5_use_subdomain_realm krb5_map_user krb5_auth_timeout krb5_validate "
      "krb5_keytab krb5_ccachedir krb5_ccname_template krb5_lifetime krb5_renewable_lifetime", ANY,
      "used at a log-in; other programs find the KDC by krb5.conf meanwhile" },
    { DOMAIN_ROW, "*", NONE, "not known to be harmless" },
    { "domain/NAME/TRUSTED", "*", NONE, "trusted domains are looked for without being asked" },

    { "sssd", "enable_files_domain", "false",
      "the files provider watches /etc/passwd and /etc/group" },
    { "sssd", "domains services config_file_version implicit_pac_responder user reconnection_retries "
      "re_expression full_name_format default_domain_suffix domain_resolution_order override_space "
      "certificate_verification passkey_verification krb5_rcache_dir core_dumpable debug debug_*", ANY,
      "no work of its own" },
    { "sssd", "monitor_resolv_conf try_inotify disable_netlink", ANY,
      "changes of the network matter to what runs; the next start looks anew" },
    { "sssd", "*", NONE, "not known to be harmless" },

    { "nss", "*", ANY, "a responder that runs keeps the monitor; one that does not has no work" },
    { "pam", "*", ANY, "likewise" },
    { "ssh", "*", ANY, "likewise" },
    { "sudo", "*", ANY, "likewise" },
    { "autofs", "*", ANY, "likewise" },
    { "pac", "*", ANY, "likewise" },
    { "ifp", "*", ANY, "likewise" },
    { "kcm", "*", ANY, "KCM runs without the monitor, and renews tickets by itself" },
    { "session_recording", "*", ANY, "used at a log-in" },
    { "prompting/*", "*", ANY, "used at a log-in" },
    { "certmap/*", "*", ANY, "used at a log-in" },
    { "*", "*", NONE, "not known to be harmless" },
};
/* clang-format on */

const size_t n_residency_rows = sizeof(residency_rows) / sizeof(residency_rows[0]);

/* Is it one of the words, where a word may be a pattern? */
static bool is_one_of(const char *text, const char *words)
{
    CLEANUP(freep) char *copy = strdup(words);
    char *rest = copy, *word;

    while (rest && (word = strsep(&rest, " ")))
        if (word[0] && fnmatch(word, text, FNM_CASEFOLD | FNM_EXTMATCH) == 0)
            return true;
    return false; /* short of memory too: then a later row, of which the last stays */
}

/* The last one fits all. */
static const struct residency_row *row_of(const char *section, const char *option)
{
    const struct residency_row *row = residency_rows, *last = &residency_rows[n_residency_rows - 1];

    while (row < last && (fnmatch(row->section, section, FNM_CASEFOLD) != 0 || !is_one_of(option, row->options)))
        row++;
    return row;
}

struct asking {
    const struct conf *config;
    const struct domains *domains;
    const char *kind; /* of the section, as the table calls it */
    char *why;
    size_t why_bytes;
};

/* Returns 1 if the option keeps the monitor. Its value is not told: it may be a password. */
static int on_option(const struct conf_setting *at, void *userdata)
{
    struct asking *asking = userdata;
    const struct residency_row *row = row_of(asking->kind, at->key);

    if (!at->value[0] || (row->harmless && is_one_of(at->value, row->harmless)))
        return 0;
    (void) snprintf(asking->why, asking->why_bytes, "[%.100s] %.60s: %s", at->section, at->key,
                    row->reason); /* a cut reason is still a reason */
    return 1;
}

/* What the table calls a section of a domain; NULL if the domain is not turned on. */
static const char *kind_of_domain(const struct domains *domains, const char *name)
{
    CLEANUP(freep) char *parent = NULL;
    const char *slash = strchr(name, '/');

    if (domains_have(domains, name))
        return DOMAIN_ROW;
    if (!slash)
        return NULL;
    parent = strndup(name, (size_t) (slash - name));
    return !parent || domains_have(domains, parent) ? "domain/NAME/TRUSTED" : NULL;
}

static int on_section(const struct conf_setting *at, void *userdata)
{
    struct asking *asking = userdata;

    asking->kind = at->section;
    if (strncasecmp(at->section, DOMAIN, strlen(DOMAIN)) == 0)
        asking->kind = kind_of_domain(asking->domains, at->section + strlen(DOMAIN));
    return asking->kind ? conf_each_option(asking->config, at->section, on_option, asking) : 0;
}

int residency_may_leave(const struct conf *config, char *why, size_t why_bytes)
{
    CLEANUP(domains_done) struct domains domains = { .names = NULL };
    CLEANUP(freep) char *refused = NULL;
    struct asking asking = { .config = config, .domains = &domains, .why = why, .why_bytes = why_bytes };
    struct services services;
    int r;

    /* Edited since the monitor read it, the configuration may be one with which it would not start again. */
    r = services_read(config, &services, &refused);
    if (r > 0)
        r = domains_read(config, &domains, &refused);
    if (r <= 0) {
        (void) snprintf(why, why_bytes, "%s", refused ? refused : strerror(-r)); /* likewise */
        return 0;
    }
    return conf_each_section(config, on_section, &asking) == 0;
}
