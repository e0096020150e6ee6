/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* edition.c - see edition.h. */
#include "engine/edition.h"
#include "base/budget.h"
#include "pass/pass.h"
#include <stdlib.h>
#include <string.h>

struct tn_edition {
    tn_edition *next;
    tn_model *model;
    tn_account *account; /* of all it takes */
    size_t bytes;        /* on it, once it is made */
    char *precision;     /* what it was made for; then which passes were asked for */
    char *passes;
    bool plain;
    int sessions;
};

static const char *or_empty(const char *s) { return s ? s : ""; }

/* TN_PASSES, which the passes themselves read: two values of it are two editions. */
static const char *passes_asked(void) { return or_empty(getenv("TN_PASSES")); }

static char *copy(const char *s) {
    size_t n = strlen(s) + 1;
    char *to = tn_mem_alloc(n, TN_MEM_GENERAL);
    return to ? memcpy(to, s, n) : NULL;
}

static void free_edition(tn_edition *e) {
    tn_model_close(&e->model);
    tn_account_close(&e->account);
    tn_mem_free(e->precision);
    tn_mem_free(e->passes);
    tn_mem_free(e);
}

static bool serves(const tn_edition *e, tn_edition_asked asked) {
    return e->plain == asked.plain && !strcmp(e->precision, or_empty(asked.precision)) &&
           !strcmp(e->passes, passes_asked());
}

static tn_edition *find(tn_edition *e, tn_edition_asked asked) {
    while (e && !serves(e, asked)) e = e->next;
    return e;
}

/* On an account of its own, with the bounds of the session that makes it. */
static tn_status fill(tn_edition *e, const tn_model *m, tn_pool *pool) {
    const tn_budget *now = tn_budget_now();
    tn_budget b, *before;
    tn_budget_inner(&b, now->words, e->account);
    b.work_limit = now->work_limit;
    before = tn_budget_enter(&b);
    tn_status st = tn_model_clone(m, &e->model);
    if (st == TN_OK) st = tn_optimize(e->model, e->precision, e->plain, pool);
    tn_budget_leave(before);
    return tn_budget_verdict(&b, st, NULL);
}

static tn_status make(const tn_model *m, tn_edition_asked asked, tn_pool *pool, tn_edition **out) {
    tn_edition *e = tn_mem_zalloc(sizeof *e, TN_MEM_GENERAL);
    tn_status st = TN_OK;
    if (!e || !(e->account = tn_account_new(tn_account_limit(tn_budget_now()->account))) ||
        !(e->precision = copy(or_empty(asked.precision))) || !(e->passes = copy(passes_asked())))
        st = tn_fail(TN_E_NOMEM, "no memory for an optimized copy of the model");
    if (st == TN_OK) e->plain = asked.plain, st = fill(e, m, pool);
    if (st == TN_OK) e->bytes = tn_account_used(e->account);
    if (st != TN_OK && e) free_edition(e);
    *out = st == TN_OK ? e : NULL;
    return st;
}

tn_status tn_edition_get(tn_store *s, const tn_model *m, tn_edition_asked asked, tn_pool *pool, tn_edition **out,
                         tn_account **charged) {
    pthread_mutex_t *lock;
    tn_edition **list = tn_store_editions(s, &lock), *e;
    tn_status st = TN_OK;
    *out = NULL;
    *charged = NULL;
    if (!tn_budget_lock(lock)) return tn_fail(TN_E_CANCELLED, "optimizing the model was stopped");
    if (!(e = find(*list, asked)) && (st = make(m, asked, pool, &e)) == TN_OK) {
        e->next = *list;
        *list = e;
    }
    if (st == TN_OK) e->sessions++;
    pthread_mutex_unlock(lock);
    if (st != TN_OK) return st;
    if (!tn_account_charge(e->bytes, charged)) {
        tn_edition_release(s, &e, NULL);
        return tn_fail(TN_E_NOMEM, "no memory for the optimized model");
    }
    *out = e;
    return TN_OK;
}

void tn_edition_release(tn_store *s, tn_edition **edition, tn_account *charged) {
    tn_edition *e = *edition;
    pthread_mutex_t *lock;
    if (!e) return;
    tn_edition **at = tn_store_editions(s, &lock);
    *edition = NULL;
    pthread_mutex_lock(lock);
    tn_account_discharge(charged, e->bytes);
    bool last = --e->sessions == 0;
    while (last && *at != e) at = &(*at)->next;
    if (last) *at = e->next;
    pthread_mutex_unlock(lock);
    if (last) free_edition(e);
}

const tn_model *tn_edition_model(const tn_edition *e) { return e->model; }
const char *tn_edition_precision(const tn_edition *e) { return e->precision; }
