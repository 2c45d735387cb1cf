// SPDX-License-Identifier: Apache-2.0
// What a policy's words mean: names become ids, patterns and ICCIDs are checked, keys that have no effect
// refused.
#include "policy/schema.h"

#include "policy/schema_reading.h"
#include "rsp/host.h"
#include "rsp/oid.h"
#include "rsp/profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP (2u * 1024 * 1024)
#define CAP_MAX   100000u
#define DEBT_MAX  1000u
#define BIT(op)   (1u << LPAD__OPERATION__OPERATION_##op)

#define OPERATIONS_OF_HOSTS    (BIT(DOWNLOAD) | BIT(NOTIFY) | BIT(DISCOVER) | BIT(DEFAULT_ADDRESS))
#define OPERATIONS_NEVER_ASKED (BIT(NOTIFY) | BIT(DISCOVER) | BIT(HOLD) | BIT(RELOAD))
#define OPERATIONS_OF_PROFILES (BIT(ENABLE) | BIT(DISABLE) | BIT(DELETE) | BIT(NICKNAME))
#define CLASSES_DEFAULT                                                                                      \
    ((1u << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL) | (1u << LPAD__PROFILE_CLASS__CLASS_PROVISIONING))

struct owner {
    struct policy policy; // first: what the caller holds
    struct raw_policy *raw;
    struct arena arena;
};

// --- roles ---

static enum err read_id(const struct reading *r, const char *path, const char *text,
                        const struct policy_name *names, size_t count, uint32_t *ret_id)
{
    char quoted[POLICY_QUOTE_MAX];
    policy_quote(text, quoted);
    if (strspn(text, "0123456789") == strlen(text)) {
        uint32_t id;
        // The largest value means "no id" to the kernel.
        if (yaml_read_uint(text, &id) != ERR_OK || id == UINT32_MAX)
            return REFUSE(r, path, "", "\"%s\" is not an id", quoted);
        *ret_id = id;
        return ERR_OK;
    }
    if (count == POLICY_EVERY_NAME) {
        *ret_id = UINT32_MAX - 1;
        return ERR_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].name, text) == 0) {
            *ret_id = names[i].id;
            return ERR_OK;
        }
    }
    return REFUSE(r, path, "a number is always known", "the name \"%s\" is not known on this machine",
                  quoted);
}

static enum err read_ids(const struct reading *r, uint32_t role, const char *key, char **texts,
                         uint32_t count, const struct policy_name *names, size_t name_count,
                         struct policy_ids *ret_ids)
{
    uint32_t *ids = arena_take(r->arena, count * sizeof *ids);
    if (ids == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct path path = policy_path("roles[%u].%s[%u]", role, key, i);
        LPAD_TRY(read_id(r, path.text, texts[i], names, name_count, &ids[i]));
    }
    *ret_ids = (struct policy_ids){ids, count};
    return ERR_OK;
}

static enum err read_roles(const struct reading *r)
{
    const struct raw_policy *raw = r->raw;
    struct policy *p = r->policy;
    p->roles = arena_take(r->arena, (raw->roles_count + 1) * sizeof *p->roles); // and the engine's
    if (p->roles == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < raw->roles_count; i++) {
        const struct raw_role *from = &raw->roles[i];
        struct policy_role *to = &p->roles[i];
        *to = (struct policy_role){.name = from->name};
        if (from->name[strspn(from->name,
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] != '\0')
            return REFUSE(r, policy_path("roles[%u].name", i).text, "letters, digits, _ and -",
                          "not a role's name");
        if (strcmp(from->name, POLICY_ENGINE_ROLE) == 0)
            return REFUSE(r, policy_path("roles[%u].name", i).text,
                          "permissions may name it; nobody else can play it",
                          "the role \"engine\" is the switching engine's");
        LPAD_TRY(read_ids(r, i, "users", from->users, from->users_count, r->names->users,
                          r->names->user_count, &to->users));
        LPAD_TRY(read_ids(r, i, "groups", from->groups, from->groups_count, r->names->groups,
                          r->names->group_count, &to->groups));
        p->role_count = i + 1;
    }
    return ERR_OK;
}

// --- permissions ---

// The engine's role is made when it is first named.
static enum err find_engine_role(const struct reading *r, const char *path, uint32_t *ret_index)
{
    struct policy *p = r->policy;
    uint32_t last = p->role_count;
    if (last > 0 && strcmp(p->roles[last - 1].name, POLICY_ENGINE_ROLE) == 0) {
        *ret_index = last - 1;
        return ERR_OK;
    }
    if (last == POLICY_ROLES_MAX)
        return REFUSE(r, path, "", "more than %u roles beside the engine's", POLICY_ROLES_MAX - 1);
    p->roles[last] = (struct policy_role){.name = POLICY_ENGINE_ROLE};
    p->role_count = last + 1;
    *ret_index = last;
    return ERR_OK;
}

static enum err find_role(const struct reading *r, const char *path, const char *name, uint32_t *ret_index)
{
    const struct policy *p = r->policy;
    const char *words[POLICY_ROLES_MAX + 1];
    if (strcmp(name, POLICY_ENGINE_ROLE) == 0)
        return find_engine_role(r, path, ret_index);
    for (uint32_t k = 0; k < p->role_count; k++) {
        words[k] = p->roles[k].name;
        if (strcmp(words[k], name) == 0) {
            *ret_index = k;
            return ERR_OK;
        }
    }
    words[p->role_count] = POLICY_ENGINE_ROLE;
    char quoted[POLICY_QUOTE_MAX], hint[96];
    yaml_nearest(name, words, p->role_count + 1, hint, sizeof hint);
    return REFUSE(r, path, hint, "unknown role \"%s\"", policy_quote(name, quoted));
}

static enum err read_role_names(const struct reading *r, uint32_t at, const struct raw_permission *raw,
                                uint32_t *ret_roles)
{
    uint32_t roles = 0;
    for (uint32_t i = 0; i < raw->roles_count; i++) {
        struct path path = policy_path("permissions[%u].roles[%u]", at, i);
        uint32_t k = 0;
        LPAD_TRY(find_role(r, path.text, raw->roles[i], &k));
        if (strcmp(raw->roles[i], POLICY_ENGINE_ROLE) == 0 && raw->operations != BIT(ENABLE))
            return REFUSE(r, path.text, "give enable a permission of its own",
                          "the engine does nothing but enable");
        roles |= 1u << k;
    }
    *ret_roles = roles;
    return ERR_OK;
}

static enum err check_hosts(const struct reading *r, uint32_t at, const struct raw_permission *raw)
{
    for (uint32_t i = 0; i < raw->hosts_count; i++) {
        if (raw->hosts[i][0] == '\0' && (raw->operations & BIT(DEFAULT_ADDRESS)) != 0)
            continue;
        if (raw->hosts[i][0] == '\0')
            return REFUSE(r, policy_path("permissions[%u].hosts[%u]", at, i).text,
                          "it stands for no address, and is for default_address", "an empty host");
        if (!host_pattern_valid(raw->hosts[i]))
            return REFUSE(r, policy_path("permissions[%u].hosts[%u]", at, i).text,
                          "a name, *.name or *; no port, no scheme", "not a host pattern");
    }
    return ERR_OK;
}

static enum err check_oid(const struct reading *r, uint32_t at, const char *oid)
{
    if (oid == NULL || (strlen(oid) < OID_TEXT_MAX && oid_text_valid(bytes_from_text(oid))))
        return ERR_OK;
    return REFUSE(r, policy_path("permissions[%u].oid", at).text,
                  "dotted decimals, such as 1.3.6.1.4.1.99999.1", "not an object identifier");
}

static enum err read_iccids(const struct reading *r, uint32_t at, const struct raw_profiles *raw,
                            struct policy_profiles *ret)
{
    struct iccid *iccids = arena_take(r->arena, raw->iccids_count * sizeof *iccids);
    if (iccids == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < raw->iccids_count; i++) {
        if (iccid_from_text(raw->iccids[i], strlen(raw->iccids[i]), &iccids[i]) != ERR_OK)
            return REFUSE(r, policy_path("permissions[%u].profiles.iccids[%u]", at, i).text,
                          "18 to 20 digits", "not an ICCID");
    }
    ret->iccids = iccids;
    ret->iccid_count = raw->iccids_count;
    return ERR_OK;
}

static enum err read_profiles(const struct reading *r, uint32_t at, const struct raw_profiles *raw,
                              struct policy_profiles *ret)
{
    struct path path = policy_path("permissions[%u].profiles", at);
    bool narrowed = raw->iccids_count > 0 || raw->classes != 0 || raw->providers_count > 0;
    if (raw->any == RAW_ANY_NOT_GIVEN && !narrowed)
        return REFUSE(r, path.text, "any, a list of ICCIDs, or a mapping with iccids, classes, providers",
                      "no profile can match");
    if (raw->any != RAW_ANY_NOT_GIVEN && narrowed)
        return REFUSE(r, path.text, "leave `any` out", "`any` beside something that narrows it");
    LPAD_TRY(read_iccids(r, at, raw, ret));
    ret->classes = raw->classes;
    ret->providers = raw->providers;
    ret->provider_count = raw->providers_count;
    return ERR_OK;
}

// An empty list must not mean what an absent one means.
static enum err check_empty_lists(const struct reading *r, uint32_t at, const struct raw_permission *raw)
{
    const struct {
        const char *key;
        uint32_t bits;
    } rows[] = {
        {"from",    raw->from   },
        {"what",    raw->what   },
        {"classes", raw->classes},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t line, column;
        struct path path = policy_path("permissions[%u].%s", at, rows[i].key);
        if (rows[i].bits == 0 && yaml_find(r->document, path.text, &line, &column))
            return REFUSE(r, path.text, "leave the key out for its default", "an empty list");
    }
    return ERR_OK;
}

static enum err check_missing_keys(const struct reading *r, uint32_t at, const struct raw_permission *raw)
{
    struct path base = policy_path("permissions[%u]", at);
    if (raw->operations == 0)
        return REFUSE(r, policy_path("%s.operations", base.text).text, "", "an empty list");
    if ((raw->operations & OPERATIONS_OF_HOSTS) != 0 && raw->hosts_count == 0)
        return REFUSE(r, base.text, "name the servers, such as [smdp.example.com]",
                      "the key \"hosts\" is missing: download, discover, default_address and notify need it");
    if ((raw->operations & OPERATIONS_OF_PROFILES) != 0 && raw->profiles == NULL)
        return REFUSE(r, base.text, "profiles: any, or a list of ICCIDs", "the key \"profiles\" is missing");
    if (raw->operations != BIT(NOTIFY) && raw->roles_count == 0)
        return REFUSE(r, base.text, "name the roles that this is for", "the key \"roles\" is missing");
    LPAD_TRY(check_empty_lists(r, at, raw));
    if ((raw->operations & BIT(RESET)) != 0 && raw->what == 0)
        return REFUSE(r, base.text, "any of operational, test and default_address",
                      "the key \"what\" is missing: reset needs it");
    return ERR_OK;
}

// A key that has no effect on any of the permission's operations is a mistake of its author.
static enum err check_useless_keys(const struct reading *r, uint32_t at, const struct raw_permission *raw)
{
    static const char of_downloads[] = "it is for downloads that are allowed";
    bool deny = raw->effect == RAW_EFFECT_DENY;
    bool download = (raw->operations & BIT(DOWNLOAD)) != 0;
    bool about_hosts = (raw->operations & OPERATIONS_OF_HOSTS) != 0;
    bool about_profiles = (raw->operations & OPERATIONS_OF_PROFILES) != 0;
    bool reset = (raw->operations & BIT(RESET)) != 0;
    bool loads = download && !deny;
    bool engine_alone = raw->roles_count == 1 && strcmp(raw->roles[0], POLICY_ENGINE_ROLE) == 0;
    bool asks = !deny && !engine_alone && (raw->operations & ~OPERATIONS_NEVER_ASKED) != 0;
    const struct {
        const char *key, *why;
        bool useless;
    } rows[] = {
        {"hosts",    "it is for download, discover, default_address and notify", !about_hosts   },
        {"profiles", "it is for enable, disable, delete and nickname",           !about_profiles},
        {"from",     "it is for download",                                       !download      },
        {"oid",      of_downloads,                                               !loads         },
        {"what",     "it is for reset",                                          !reset         },
        {"pprs",     of_downloads,                                               !loads         },
        {"classes",  of_downloads,                                               !loads         },
        {"consent",  "it is for clients' operations that are allowed",           !asks          },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t line, column;
        struct path path = policy_path("permissions[%u].%s", at, rows[i].key);
        if (rows[i].useless && yaml_find(r->document, path.text, &line, &column))
            return yaml_refuse_at_key(r->document, path.text, rows[i].why, r->error,
                                      "the key \"%s\" has no effect here", rows[i].key);
    }
    return ERR_OK;
}

static enum err read_permission(const struct reading *r, uint32_t at, struct policy_permission *to)
{
    const struct raw_permission *raw = &r->raw->permissions[at];
    uint32_t column;
    *to = (struct policy_permission){
        .operations = raw->operations,
        .hosts = raw->hosts,
        .host_count = raw->hosts_count,
        .from = raw->from != 0 ? raw->from : POLICY_FROM_ALL,
        .oid = raw->oid,
        .what = raw->what,
        .allow = raw->effect != RAW_EFFECT_DENY,
        .consent = raw->consent,
        .pprs = raw->pprs,
        .classes = raw->classes != 0 ? raw->classes : CLASSES_DEFAULT,
    };
    if (!yaml_find(r->document, policy_path("permissions[%u]", at).text, &to->line, &column))
        LPAD_BUG("a permission that is not in the text");
    LPAD_TRY(check_missing_keys(r, at, raw));
    LPAD_TRY(check_useless_keys(r, at, raw));
    LPAD_TRY(read_role_names(r, at, raw, &to->roles));
    LPAD_TRY(check_hosts(r, at, raw));
    LPAD_TRY(check_oid(r, at, raw->oid));
    return raw->profiles != NULL ? read_profiles(r, at, raw->profiles, &to->profiles) : ERR_OK;
}

static enum err read_permissions(const struct reading *r)
{
    struct policy *p = r->policy;
    uint32_t count = r->raw->permissions_count;
    p->permissions = arena_take(r->arena, count * sizeof *p->permissions);
    if (p->permissions == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        LPAD_TRY(read_permission(r, i, &p->permissions[i]));
    p->permission_count = count;
    return ERR_OK;
}

// --- the whole ---

static enum err read_caps(const struct reading *r)
{
    const struct raw_caps *raw = &r->raw->caps;
    const struct {
        const char *path;
        const uint32_t *given;
        uint32_t fallback;
    } rows[POLICY_COUNTER_MAX] = {
        [POLICY_DOWNLOADS] = {"caps.downloads_per_day", raw->downloads, 10},
        [POLICY_ENABLES] = {"caps.enables_per_day",   raw->enables,   50},
        [POLICY_DELETES] = {"caps.deletes_per_day",   raw->deletes,   5 },
        [POLICY_RESETS] = {"caps.resets_per_day",    raw->resets,    1 },
    };
    for (size_t i = 0; i < POLICY_COUNTER_MAX; i++) {
        uint32_t cap = rows[i].given != NULL ? *rows[i].given : rows[i].fallback;
        if (cap > CAP_MAX)
            return REFUSE(r, rows[i].path, "", "a number from 0 to %u is expected", CAP_MAX);
        r->policy->caps[i] = cap;
    }
    return ERR_OK;
}

static enum err read_debt(const struct reading *r)
{
    const struct raw_debt *raw = r->raw->debt;
    if (raw == NULL)
        return ERR_OK;
    if (raw->max_undelivered < 1 || raw->max_undelivered > DEBT_MAX)
        return REFUSE(r, "debt.max_undelivered", "leave `debt` out for no bound",
                      "a number from 1 to %u is expected", DEBT_MAX);
    r->policy->debt_max = raw->max_undelivered;
    return ERR_OK;
}

static enum err fill_policy(const struct reading *r)
{
    if (r->raw->version != 1)
        return REFUSE(r, "version", "", "this lpad reads version 1");
    LPAD_TRY(arena_init(r->arena, ARENA_CAP));
    LPAD_TRY(read_roles(r));
    LPAD_TRY(read_permissions(r));
    LPAD_TRY(read_caps(r));
    LPAD_TRY(read_debt(r));
    return policy_read_switching(r);
}

enum err policy_read(struct bytes text, const struct policy_names *names, struct policy **ret_policy,
                     struct yaml_error *ret_error)
{
    struct yaml_document *document;
    LPAD_TRY(yaml_parse(text, policy_shapes, policy_shape_count, &document, ret_error));
    struct owner *o = calloc(1, sizeof *o);
    void *raw = NULL;
    enum err e = o != NULL ? yaml_load(document, &policy_schema, &raw, ret_error) : ERR_MEMORY;
    if (e == ERR_OK) {
        o->raw = raw;
        e = fill_policy(&(struct reading){document, ret_error, names, o->raw, &o->policy, &o->arena});
    }
    yaml_document_free(document);
    if (e != ERR_OK) {
        policy_free(o != NULL ? &o->policy : NULL);
        return e;
    }
    *ret_policy = &o->policy;
    return ERR_OK;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    struct owner *o = (struct owner *)(void *)policy;
    yaml_unload(&policy_schema, o->raw);
    arena_free(&o->arena);
    free(o);
}
