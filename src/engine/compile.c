/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* compile.c - tn_session_compile: what a session has made of its model, as a file (format/tnplan). */
#include "engine/session.h"
#include "format/tnplan/tnplan.h"
#include <string.h>

/* The constants that forms are made of, by id. */
static tn_status constants_by_id(const tn_model *m, tn_map *map) {
    tn_value_each(m, v) {
        const tn_tensor *t = v->constant;
        if (t && t->id) TN_TRY(tn_map_put(map, (const char *)&t->id, sizeof t->id, (void *)(uintptr_t)t));
    }
    return TN_OK;
}

/* false: of constants that the graph does not have. */
static bool describe(const tn_map *constants, const tn_form *f, tn_packed_form *out) {
    *out = (tn_packed_form){ .n = f->n, .key = f->key, .data = f->data, .bytes = f->bytes };
    for (int i = 0; i < f->n; i++)
        if (!(out->of[i] = tn_map_get(constants, (const char *)&f->of[i], sizeof f->of[i]))) return false;
    return true;
}

static tn_status list_forms(const tn_map *constants, const tn_pack_use *held, tn_arena *a, tn_compiled *out) {
    const tn_form *f;
    size_t count = 0;
    for (const tn_pack_use *at = held; tn_pack_next(&at);) count++;
    tn_packed_form *forms = tn_arena_array(a, tn_packed_form, count + 1);
    if (!forms) return tn_fail(TN_E_NOMEM, "a list of packed weights");
    for (const tn_pack_use *at = held; (f = tn_pack_next(&at));)
        if (describe(constants, f, &forms[out->n_forms])) out->n_forms++;
    out->forms = forms;
    return TN_OK;
}

/* Plans chose these implementations, and forms are packed for them. */
static tn_status list_timings(tn_session *s, tn_text *text, tn_compiled *out) {
    if (!s->tune) return TN_OK;
    pthread_mutex_lock(&s->planning);
    tn_timings_export(tn_tune_chosen(s->tune), text);
    pthread_mutex_unlock(&s->planning);
    out->timings = (tn_string){ text->s, text->n };
    return text->failed ? tn_fail(TN_E_NOMEM, "a list of timings") : TN_OK;
}

static const char *precision_of(const tn_session *s) {
    if (s->edition) return tn_edition_precision(s->edition);
    return s->model->compiled ? s->model->compiled->precision : "";
}

tn_status tn_session_compile(tn_session *s, const char *path) {
    tn_pack_use *held = NULL;
    tn_text timings = { 0 };
    if (!s || !path) return tn_fail(TN_E_INVALID, "tn_session_compile: a NULL argument");
    TN_TRY(tn_model_check_files(s->source));
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_map *constants = tn_map_new(64);
    tn_status st = a && constants ? constants_by_id(s->model, constants) : tn_fail(TN_E_NOMEM, "writing '%s'", path);
    if (st == TN_OK) st = tn_pack_hold_all(s->packs, a, &held);
    tn_compiled c = { .precision = precision_of(s) };
    if (st == TN_OK) st = list_forms(constants, held, a, &c);
    if (st == TN_OK) st = list_timings(s, &timings, &c);
    if (st == TN_OK) st = tn_plan_write(s->model, &c, path);
    tn_pack_release(s->packs, &held);
    tn_map_free(&constants);
    tn_text_free(&timings);
    tn_arena_free(&a);
    return st;
}
