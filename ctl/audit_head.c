// SPDX-License-Identifier: Apache-2.0
// lpactl audit head and enrol: what a reader outside keeps, so that nobody can rewrite what was before.
#include "ctl/ctl.h"

static const char *lower_hex(struct arena *a, ProtobufCBinaryData v)
{
    static const char digits[] = "0123456789abcdef";
    char *text = text_take(a, 2 * v.len + 1);
    for (size_t i = 0; i < v.len; i++) {
        text[2 * i] = digits[v.data[i] >> 4];
        text[2 * i + 1] = digits[v.data[i] & 15];
    }
    text[2 * v.len] = 0;
    return text;
}

static enum exit_code ask(struct ctl *ctl, const Lpad__AuditHead **ret_head)
{
    Lpad__GetAuditHead get = LPAD__GET_AUDIT_HEAD__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_AUDIT_HEAD;
    request.get_audit_head = &get;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_AUDIT_HEAD, &reply);
    if (code == EXIT_CODE_OK)
        *ret_head = reply->audit_head;
    return code;
}

static void put_json(struct ctl *ctl, const Lpad__AuditHead *h)
{
    struct json *j = &ctl->json;
    struct arena *a = &ctl->arena;
    json_open_object(j, "audit_head");
    json_put_text(j, "head",
                  text_printf(a, "%llu:%s", (unsigned long long)h->sequence_number, lower_hex(a, h->sha256)));
    json_put_uint(j, "seq", h->sequence_number);
    json_put_text(j, "sha256", lower_hex(a, h->sha256));
    json_put_uint(j, "sealed", h->sealed);
    json_put_uint(j, "epoch", h->epoch);
    json_put_text(j, "key", lower_hex(a, h->key));
    json_put_text(j, "chain", lower_hex(a, h->chain));
    json_put_text(j, "first_key", lower_hex(a, h->first_key));
    if (h->has_new_chain)
        json_put_uint(j, "new_chain", h->new_chain);
    json_close_object(j);
}

// The log has a first key that nobody outside knows yet.
static void put_new_chain(struct ctl *ctl, const Lpad__AuditHead *h)
{
    if (h->has_new_chain)
        ctl_put_field(
            ctl, "New chain",
            text_printf(&ctl->arena,
                        "this log began a new chain at record %llu: the keys were lost, or somebody "
                        "replaced them or the log",
                        (unsigned long long)h->new_chain));
}

static void show_head(struct ctl *ctl, const Lpad__AuditHead *h)
{
    struct arena *a = &ctl->arena;
    uint64_t open = h->sequence_number > h->sealed ? h->sequence_number - h->sealed : 0;
    ctl_put_field(ctl, "Head",
                  text_printf(a, "%llu:%s", (unsigned long long)h->sequence_number, lower_hex(a, h->sha256)));
    ctl_put_field(ctl, "Sealed",
                  open == 0 ? text_printf(a, "up to record %llu, all of it", (unsigned long long)h->sealed)
                            : text_printf(a, "up to record %llu; %llu after it are not yet",
                                          (unsigned long long)h->sealed, (unsigned long long)open));
    ctl_put_field(ctl, "Epoch", text_printf(a, "%llu", (unsigned long long)h->epoch));
    ctl_put_field(ctl, "Epoch's key", lower_hex(a, h->key));
    ctl_put_field(ctl, "Chain", lower_hex(a, h->chain));
    put_new_chain(ctl, h);
}

static void show_enrolment(struct ctl *ctl, const Lpad__AuditHead *h)
{
    struct arena *a = &ctl->arena;
    ctl_put_field(ctl, "First key", lower_hex(a, h->first_key));
    ctl_put_field(ctl, "Chain", lower_hex(a, h->chain));
    put_new_chain(ctl, h);
    buf_printf(&ctl->out,
               "\nKeep the first key where this gateway cannot write: it is public, but must not\n"
               "be replaced. With it, and nothing else of this gateway, anybody can check the\n"
               "log's files, oldest first:\n\n"
               "    lpad-audit-verify --key %s FILE ...\n\n"
               "Ask for 'lpactl audit head' now and then and keep that, too: it shows when the\n"
               "log's end is cut off.\n",
               lower_hex(a, h->first_key));
}

static enum exit_code run(struct ctl *ctl, void (*show)(struct ctl *ctl, const Lpad__AuditHead *h))
{
    const Lpad__AuditHead *h;
    enum exit_code code = ask(ctl, &h);
    if (code == EXIT_CODE_OK)
        (ctl->args->json ? put_json : show)(ctl, h);
    return code;
}

enum exit_code audit_head_run(struct ctl *ctl)
{
    return run(ctl, show_head);
}

enum exit_code audit_enrol_run(struct ctl *ctl)
{
    return run(ctl, show_enrolment);
}
