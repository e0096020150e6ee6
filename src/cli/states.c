/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* states.c - see states.h. */
#include "cli/states.h"
#include "base/clean.h"
#include "engine/state_slots.h"
#include <string.h>

static const char *const kinds[] = {
    [TN_STATE_SWAPPED] = "swapped", [TN_STATE_APPENDED] = "cache", [TN_STATE_UPDATED] = "updated"
};

/* Of one row of one sentence: of all heads of a cache; else 0. -1: the model does not say. */
static int64_t row_bytes(const tn_state_slot *x) {
    const tn_type *t = &x->input->type;
    int64_t n;
    size_t bytes;
    if (x->link->kind != TN_STATE_APPENDED) return 0;
    tn_dim dims[] = { t->dims[x->link->heads], t->dims[3] };
    if (!tn_dim_known(dims[0]) || !tn_dim_known(dims[1])) return -1;
    return tn_dims_check(t->dtype, 2, dims, &n, &bytes) == TN_OK ? (int64_t)bytes : -1;
}

typedef struct {
    int count[TN_COUNT(kinds)];
    int64_t bytes; /* of a row in all caches; -1: not known */
} totals;

static totals add_up(const tn_state *s) {
    totals t = { 0 };
    for (int i = 0; i < s->n; i++) {
        int64_t bytes = row_bytes(&s->slots[i]);
        t.count[s->slots[i].link->kind]++;
        if (bytes < 0 || t.bytes < 0 || __builtin_add_overflow(t.bytes, bytes, &t.bytes)) t.bytes = -1;
    }
    return t;
}

static void put_text(const tn_state *s, tn_text *out) {
    totals t = add_up(s);
    const tn_node *one = s->in->one_length;
    tn_text_printf(out, "\nstates      %d caches", t.count[TN_STATE_APPENDED]);
    if (t.bytes > 0) tn_text_printf(out, " of %lld bytes a row and sentence", (long long)t.bytes);
    tn_text_printf(out, ", %d updated in place, %d swapped", t.count[TN_STATE_UPDATED], t.count[TN_STATE_SWAPPED]);
    if (one) tn_text_printf(out, "; of one length in a run: %s computes with it", tn_shown(tn_node_where(one)));
    tn_text_puts(out, "\n");
    for (int i = 0; i < s->n; i++) {
        tn_state_info p;
        int64_t bytes = row_bytes(&s->slots[i]);
        if (tn_state_describe(s, (size_t)i, &p) != TN_OK) continue;
        tn_text_printf(out, "  %-28s ", tn_shown(p.input));
        tn_text_printf(out, "%-28s %s", tn_shown(p.output), kinds[p.kind]);
        if (bytes > 0) tn_text_printf(out, ", %lld bytes a row", (long long)bytes);
        tn_text_puts(out, "\n");
    }
}

static void put_name(tn_text *out, const char *key, const char *s) {
    tn_text_printf(out, "\"%s\": ", key);
    tn_text_json(out, s, strlen(s));
}

static void put_json(const tn_state *s, tn_text *out) {
    tn_text_printf(out, ", \"states\": {\"row_bytes\": %lld, \"several_lengths\": %s, \"pairs\": [",
                   (long long)add_up(s).bytes, s->in->one_length ? "false" : "true");
    for (int i = 0; i < s->n; i++) {
        tn_state_info p;
        if (tn_state_describe(s, (size_t)i, &p) != TN_OK) continue;
        tn_text_puts(out, i ? ", {" : "{");
        put_name(out, "input", p.input);
        tn_text_puts(out, ", ");
        put_name(out, "output", p.output);
        tn_text_printf(out, ", \"kind\": \"%s\", \"row_bytes\": %lld}", kinds[p.kind],
                       (long long)row_bytes(&s->slots[i]));
    }
    tn_text_puts(out, "]}");
}

void tn_states_put(const tn_model *m, const char *precision, bool json, tn_text *out) {
    tn_session *session = NULL;
    tn_state *s = NULL;
    tn_state_link *pairs = NULL;
    int n;
    if (m->broken || tn_state_find_pairs(m->graph, &pairs, &n) != TN_OK) return;
    tn_mem_free(pairs);
    tn_session_opts o = { .size = sizeof o, .threads = 1, .precision = precision };
    tn_status st = tn_session_new(m, &o, &session);
    if (st == TN_OK) st = tn_state_new(session, NULL, &s);
    if (st == TN_OK && json)
        put_json(s, out);
    else if (st == TN_OK)
        put_text(s, out);
    else if (!json)
        tn_text_printf(out, "\nstates      %s\n", tn_shown(tn_error()));
    tn_state_free(&s);
    tn_session_free(&session);
}
