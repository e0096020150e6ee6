/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_cases.c - running tables of cases: see op_cases.h. */
#include "lib/op_cases.h"
#include "test.h"
#include <tenon.h>

enum { MOST = 24, NEWEST = 28 };

typedef enum { DECLARED, UNKNOWN, SYMBOLIC, CONSTANT, WAYS } way;
static const char *const way_names[] = { "declared shapes", "unknown shapes", "symbols for dimensions", "constants" };

typedef struct {
    tn_tensor *t[MOST];
    char kind[MOST]; /* '!', '$' or 0 */
    int n;
} words;

static words read_words(const char *text) {
    words w = { 0 };
    char *copy = strdup(text), *save = NULL;
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save), w.n++) {
        assert_true(w.n < MOST);
        if (*p == '!' || *p == '$') w.kind[w.n] = *p++;
        w.t[w.n] = strcmp(p, "_") ? tensor_of_text(p) : NULL;
    }
    free(copy);
    return w;
}

static void free_words(words *w) {
    for (int i = 0; i < w->n; i++) tn_tensor_free(&w->t[i]);
}

static bool constant(const words *w, int i, way how) { return w->kind[i] == '!' || how == CONSTANT; }

static const char *dims_in(const tn_tensor *t, way how, char *text) {
    *text = 0;
    for (int i = 0, n = 0; i < t->rank; i++)
        n += sprintf(text + n, "%s%s%lld", i ? "," : "", how == SYMBOLIC ? "d" : "", (long long)t->dims[i]);
    return text;
}

static tn_text model(const op_case *c, const words *in, const words *want, way how) {
    char op[80], names[400] = "", outputs[200] = "", name[16], text[TN_MAX_RANK * 24];
    snprintf(op, sizeof op, "%s", c->op);
    char *at = strchr(op, '@'), *domain = strstr(op, "::");
    int version = at ? atoi(at + 1) : NEWEST;
    if (at) *at = 0;
    ob *b = ob_new(13, domain ? NEWEST : version);
    if (domain) ob_opset(b, (*domain = 0, op), at ? version : !strcmp(op, "ai.onnx.ml") ? 5 : 1);
    if (domain) *domain = ':';
    for (int i = 0; i < in->n; i++) {
        tn_tensor *t = in->t[i];
        snprintf(name, sizeof name, "x%d", i);
        sprintf(names + strlen(names), "%s%s", i ? " " : "", t ? name : "_");
        if (!t) continue;
        if (constant(in, i, how))
            ob_init(b, name, t);
        else
            ob_input(b, name, t->dtype,
                     how == UNKNOWN && in->kind[i] != '$' ? NULL
                                                          : dims_in(t, in->kind[i] == '$' ? DECLARED : how, text));
    }
    for (int i = 0; i < want->n; i++) {
        snprintf(name, sizeof name, "y%d", i);
        if (want->t[i]) ob_output(b, name);
        sprintf(outputs + strlen(outputs), "%s%s", i ? " " : "", want->t[i] ? name : "_");
    }
    ob_node(b, op, names, outputs);
    ob_attrs(b, c->attrs);
    return ob_finish(b);
}

static double tolerance(const op_case *c, tn_dtype t) {
    if (c->tol) return c->tol < 0 ? 0 : c->tol;
    switch (t) {
    case TN_F32:
    case TN_C64: return 2e-6;
    case TN_F64:
    case TN_C128: return 1e-13;
    case TN_F16: return 1e-3;
    case TN_BF16: return 8e-3;
    default: return 0;
    }
}

static bool run(const op_case *c, const words *in, const words *want, way how, char *why, size_t size) {
    tn_text file = model(c, in, want, how);
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_tensor *out[MOST] = { 0 };
    const tn_tensor *x[MOST];
    size_t n = 0, k = 0;
    for (int i = 0; i < in->n; i++)
        if (in->t[i] && !constant(in, i, how)) x[n++] = in->t[i];
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    if (st == TN_OK) st = tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s);
    if (st == TN_OK) st = tn_session_run(s, n, x, tn_model_outputs(m), out);
    bool good = st == TN_OK;
    if (!good) snprintf(why, size, "is refused: %s", tn_error());
    for (int i = 0; i < want->n && good; i++)
        if (want->t[i]) {
            int at = snprintf(why, size, "output %d ", i);
            good = tensors_agree(out[k++], want->t[i], tolerance(c, want->t[i]->dtype), why + at, size - (size_t)at);
        }
    for (int i = 0; i < MOST; i++) tn_tensor_free(&out[i]);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return good;
}

void op_cases_run(const op_case *rows, size_t n) {
    int failed = 0;
    for (const op_case *c = rows; c < rows + n; c++) {
        words in = read_words(c->in), want = read_words(c->want);
        for (way how = DECLARED; how < WAYS; how++) {
            char why[600];
            if (run(c, &in, &want, how, why, sizeof why)) continue;
            print_error("%s {%s} (%.100s), %s: %s\n", c->op, c->attrs ? c->attrs : "", c->in, way_names[how], why);
            failed++;
        }
        free_words(&in), free_words(&want);
    }
    if (failed) fail_msg("%d of %d runs failed", failed, (int)n * WAYS);
}

void op_case_refused(const op_case *c, const char *message) {
    words in = read_words(c->in), want = read_words(c->want);
    for (way how = DECLARED; how < WAYS; how++) {
        char why[600] = "";
        check(!run(c, &in, &want, how, why, sizeof why) && !strncmp(why, "is refused", 10) && strstr(why, message),
              "%s {%s} (%.100s), %s: '%s' lacks '%s'\n", c->op, c->attrs ? c->attrs : "", c->in, way_names[how], why,
              message);
    }
    free_words(&in), free_words(&want);
}
