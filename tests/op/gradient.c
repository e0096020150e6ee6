/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient.c - every operator's gradient against central differences, in float64.
 *
 * The test walks the list of operators: each row must say that it has no gradient (tn_grad_none, tn_grad_refused) or
 * have one, and then there must be an example of it below. An example is a node; its outputs are multiplied by random
 * weights and summed, and the gradient of that sum is compared. It is done twice: with the inputs' shapes declared, and
 * with symbols in their place. Second derivatives are compared, too. */
#include "lib/gradient_examples.h"
#include "lib/onnx_build.h"
#include "lib/op_text.h"
#include "op/core/expand.h"
#include "op/core/grad.h"
#include "tensor/tensor.h"
#include "test.h"
#include <math.h>
#include <tenon.h>

enum { IN = 16, OUT = 6, ELEMENTS = 4096 };

/* ------------------------------------------------------------------------------------------------ reading examples */

typedef struct {
    char kind; /* 'f': float64 input; 'i', 's': initializers; 'j', 'b', 'u': inputs of other types; '_': omitted */
    bool wanted;
    char dims[64], name[16];
    tn_tensor *t;
} operand;

typedef struct {
    const gradient_example *e;
    operand in[IN];
    int n_in, n_out;
    tn_tensor *weight[OUT];
    uint64_t state;
} trial;

static const char *example_name(const trial *t) {
    static char text[300];
    snprintf(text, sizeof text, "%s {%s} (%s)", t->e->op, t->e->attrs ? t->e->attrs : "", t->e->inputs);
    return text;
}

static int read_dims(const char *s, int64_t *dims) {
    int n = 0;
    while (*s && *s != '@' && *s != '=') {
        dims[n++] = strtoll(s, (char **)&s, 10);
        if (*s == ',') s++;
    }
    return n;
}

static double uniform(trial *t) { return (double)(test_random(&t->state) >> 11) * 0x1p-53; }

/* Distinct values, none of them near 0 or each other: kinks stay away. */
static void fill_range(trial *t, double *v, int64_t n, double lo, double hi) {
    int64_t *order = calloc((size_t)n + 1, sizeof *order);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)(uniform(t) * (double)(i + 1)), swap = order[i];
        order[i] = order[k], order[k] = swap;
    }
    for (int64_t i = 0; i < n; i++) v[i] = lo + (hi - lo) * ((double)order[i] + 0.28 + 0.04 * uniform(t)) / (double)n;
    free(order);
}

static void read_operand(trial *t, const char *word, operand *o) {
    int64_t dims[TN_MAX_RANK];
    tn_dtype type = TN_F64;
    *o = (operand){ .kind = 'f', .wanted = true };
    if (*word == '_') {
        o->kind = '_', o->wanted = false;
        return;
    }
    if (*word == '!') o->wanted = false, word++;
    if (strchr("ijbus", *word)) {
        o->kind = *word++;
        o->wanted = false;
        type = o->kind == 'i'   ? TN_I64
               : o->kind == 'j' ? TN_I32
               : o->kind == 'b' ? TN_BOOL
               : o->kind == 'u' ? TN_U8
                                : TN_F32;
    }
    snprintf(o->dims, sizeof o->dims, "%.*s", (int)strcspn(word, "@="), word);
    check_ok(tn_tensor_new(type, read_dims(word, dims), dims, &o->t));
    const char *values = strchr(word, '='), *range = strchr(word, '@');
    int64_t n = tn_count(o->t);
    if (values) {
        const char *p = values + 1;
        for (int64_t i = 0; i < n; i++) {
            tn_set_f64(type, o->t->data, i, test_number(p, &p));
            if (*p == ',') p++;
        }
    } else {
        double lo = -1, hi = 1;
        if (range) lo = test_number(range + 1, &range), hi = test_number(range + 1, NULL);
        fill_range(t, o->t->data, n, lo, hi);
    }
}

static void read_example(trial *t) {
    char text[400], *save = NULL;
    snprintf(text, sizeof text, "%s", t->e->inputs);
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        operand *o = &t->in[t->n_in];
        read_operand(t, w, o);
        snprintf(o->name, sizeof o->name, "x%d", t->n_in++);
    }
    t->n_out = t->e->outputs ? t->e->outputs : 1;
}

/* -------------------------------------------------------------------------------------------------------- building */

/* "2,3" as "x0_0,x0_1". */
static const char *symbols(const operand *o, bool symbolic) {
    static char text[200];
    int64_t dims[TN_MAX_RANK];
    int n = read_dims(o->dims, dims);
    size_t at = 0;
    if (!symbolic) return o->dims;
    text[0] = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s_%d", i ? "," : "", o->name, i);
    return text;
}

static void put_operand(ob *b, const operand *o, bool symbolic) {
    if (o->kind == 'i')
        ob_ints_init(b, o->name, o->dims, o->t->data, (int)tn_count(o->t));
    else if (o->kind == 's')
        ob_floats_init(b, o->name, o->dims, o->t->data, (int)tn_count(o->t));
    else if (o->kind != '_')
        ob_input(b, o->name, o->t->dtype, symbols(o, symbolic && o->kind == 'f'));
}

/* loss: the outputs weighted and summed; else the outputs themselves. */
static tn_model *build(trial *t, bool symbolic, bool loss, tn_text *file) {
    ob *b = ob_new(10, 26);
    char in[200] = "", out[100] = "", name[40];
    tn_model *m = NULL;
    for (int d = 0; t->e->domain && d < 1; d++) ob_opset(b, t->e->domain, 1);
    for (int i = 0; i < t->n_in; i++) {
        put_operand(b, &t->in[i], symbolic);
        strcat(strcat(in, i ? " " : ""), t->in[i].kind == '_' ? "_" : t->in[i].name);
    }
    for (int k = 0; k < t->n_out; k++) {
        snprintf(name, sizeof name, "%sy%d", k ? " " : "", k);
        strcat(out, name);
    }
    if (t->e->body) {
        t->e->body(b);
    } else {
        char type[120];
        snprintf(type, sizeof type, "%s%s%s", t->e->domain ? t->e->domain : "", t->e->domain ? "::" : "", t->e->op);
        ob_node(b, type, in, out);
        ob_attrs(b, t->e->attrs);
    }
    char sum[40] = "";
    for (int k = 0; k < t->n_out; k++) {
        char y[16], w[16], p[40], s[16], l[16];
        snprintf(y, sizeof y, "y%d", k), snprintf(w, sizeof w, "w%d", k), snprintf(s, sizeof s, "s%d", k);
        snprintf(p, sizeof p, "%s %s", y, w), snprintf(l, sizeof l, "l%d", k);
        if (!loss) {
            ob_output(b, y);
            continue;
        }
        if (!t->weight[k]) continue;
        char dims[80] = "";
        for (int d = 0; d < t->weight[k]->rank; d++)
            snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%lld", d ? "," : "",
                     (long long)t->weight[k]->dims[d]);
        ob_input(b, w, TN_F64, symbolic ? NULL : dims);
        char q[16];
        snprintf(q, sizeof q, "q%d", k);
        ob_node(b, "Mul", p, q);
        ob_node(b, "ReduceSum", q, s);
        ob_int(b, "keepdims", 0);
        if (*sum) {
            char both[80];
            snprintf(both, sizeof both, "%s %s", sum, s);
            ob_node(b, "Add", both, l);
            snprintf(sum, sizeof sum, "%s", l);
        } else {
            snprintf(sum, sizeof sum, "%s", s);
        }
    }
    if (loss) ob_output(b, sum);
    *file = ob_finish(b);
    tn_status st = tn_model_open_memory(file->s, file->n, &m);
    if (st != TN_OK) fail_msg("%s: %s", example_name(t), tn_error());
    return m;
}

static size_t gather(const trial *t, bool loss, const tn_tensor **in) {
    size_t n = 0;
    for (int i = 0; i < t->n_in; i++)
        if (strchr("fjbu", t->in[i].kind)) in[n++] = t->in[i].t;
    for (int k = 0; loss && k < t->n_out; k++)
        if (t->weight[k]) in[n++] = t->weight[k];
    return n;
}

/* ------------------------------------------------------------------------------------------------------- comparing */

static void run(trial *t, tn_session *s, bool loss, size_t n_out, tn_tensor **out) {
    const tn_tensor *in[IN + OUT];
    size_t n = gather(t, loss, in);
    if (tn_session_run(s, n, in, n_out, out) != TN_OK) fail_msg("%s: %s", example_name(t), tn_error());
}

static double loss_of(trial *t, tn_session *s) {
    tn_tensor *out[OUT] = { 0 };
    double sum = 0;
    run(t, s, false, (size_t)t->n_out, out);
    for (int k = 0; k < t->n_out; k++) {
        for (int64_t i = 0; t->weight[k] && i < tn_count(out[k]); i++)
            sum += ((double *)out[k]->data)[i] * ((double *)t->weight[k]->data)[i];
        tn_tensor_free(&out[k]);
    }
    return sum;
}

static void make_weights(trial *t, tn_session *s) {
    tn_tensor *out[OUT] = { 0 };
    run(t, s, false, (size_t)t->n_out, out);
    for (int k = 0; k < t->n_out; k++) {
        if (out[k] && out[k]->dtype == TN_F64) {
            check_ok(tn_tensor_new(TN_F64, out[k]->rank, out[k]->dims, &t->weight[k]));
            fill_range(t, t->weight[k]->data, tn_count(out[k]), -1, 1.2);
        }
        tn_tensor_free(&out[k]);
    }
}

/* What is differentiated: the weighted sum of the forward model's outputs, or for second derivatives the sum of one
 * gradient. */
typedef struct {
    tn_session *s;
    size_t n_out; /* 0: the forward model */
} function;

static double value_of(trial *t, const function *f) {
    tn_tensor *out[IN + 1] = { 0 };
    double sum = 0;
    if (!f->n_out) return loss_of(t, f->s);
    run(t, f->s, true, f->n_out, out);
    for (int64_t i = 0; i < tn_count(out[1]); i++) sum += ((double *)out[1]->data)[i];
    for (size_t k = 0; k < f->n_out; k++) tn_tensor_free(&out[k]);
    return sum;
}

static double moved(trial *t, const function *f, double *x, double by) {
    double keep = *x, v;
    *x = keep + by, v = value_of(t, f), *x = keep;
    return v;
}

static void compare(trial *t, const function *f, const operand *o, const tn_tensor *got, const char *how) {
    double *x = o->t->data, *g = got->data, want[ELEMENTS], most = 1;
    int64_t n = tn_count(o->t);
    check(n <= ELEMENTS && tn_dims_equal(got->rank, got->dims, o->t->rank, o->t->dims) && got->dtype == TN_F64,
          "%s: the gradient of %s has another shape\n", example_name(t), o->name);
    for (int64_t i = 0; i < n; i++) {
        double h = (t->e->loose ? 0.02 : 1e-5) * fmax(1, fabs(x[i]));
        double near = moved(t, f, x + i, h) - moved(t, f, x + i, -h);
        want[i] = near / (2 * h);
        if (t->e->loose) /* steps that large need the next term, too */
            want[i] = (8 * near - (moved(t, f, x + i, 2 * h) - moved(t, f, x + i, -2 * h))) / (12 * h);
        most = fmax(most, fabs(want[i]));
    }
    for (int64_t i = 0; i < n; i++)
        check(fabs(g[i] - want[i]) <= (t->e->loose ? 1e-4 : 1e-6) * most,
              "%s, %s: d %s[%lld] is %.12g, differences give %.12g\n", example_name(t), how, o->name, (long long)i,
              g[i], want[i]);
}

/* The gradient's own gradient. */
static void compare_twice(trial *t, const tn_model *once, tn_session *s, size_t n, const char *const *names) {
    tn_session_opts opts = { .size = sizeof opts, .threads = 1 };
    tn_model *twice = NULL;
    tn_session *s2 = NULL;
    tn_tensor *out[2 * IN + 2] = { 0 };
    char of[32];
    snprintf(of, sizeof of, "grad/%s", names[0]);
    if (tn_model_gradient(once, of, n, names, &twice) != TN_OK) fail_msg("%s, twice: %s", example_name(t), tn_error());
    if (tn_session_new(twice, &opts, &s2) != TN_OK) fail_msg("%s, twice: %s", example_name(t), tn_error());
    run(t, s2, true, 2 * n + 1, out);
    function f = { s, n + 1 };
    size_t k = n + 1;
    for (int i = 0; i < t->n_in; i++)
        if (t->in[i].wanted) compare(t, &f, &t->in[i], out[k++], "second derivative");
    for (k = 0; k <= 2 * n; k++) tn_tensor_free(&out[k]);
    tn_session_free(&s2);
    tn_model_close(&twice);
}

static void check_example(const gradient_example *e) {
    trial t = { .e = e, .state = 7 };
    tn_text file = { 0 }, file2 = { 0 };
    tn_session *forward = NULL;
    tn_session_opts opts = { .size = sizeof opts, .threads = 1 };
    read_example(&t);
    tn_model *m = build(&t, false, false, &file);
    check_ok(tn_session_new(m, &opts, &forward));
    make_weights(&t, forward);
    const char *names[IN];
    size_t n = 0;
    for (int i = 0; i < t.n_in; i++)
        if (t.in[i].wanted) names[n++] = t.in[i].name;
    for (int symbolic = 0; symbolic < (e->fixed ? 1 : 2); symbolic++) {
        tn_model *with_loss = build(&t, symbolic, true, &file2), *back = NULL;
        tn_session *s = NULL;
        tn_tensor *out[IN + 1] = { 0 };
        if (tn_model_gradient(with_loss, NULL, n, names, &back) != TN_OK)
            fail_msg("%s: %s", example_name(&t), tn_error());
        if (tn_session_new(back, &opts, &s) != TN_OK) fail_msg("%s: %s", example_name(&t), tn_error());
        run(&t, s, true, n + 1, out);
        size_t k = 1;
        for (int i = 0; i < t.n_in; i++)
            if (t.in[i].wanted)
                compare(&t, &(function){ forward, 0 }, &t.in[i], out[k++], symbolic ? "symbolic" : "static");
        if (!symbolic && !e->loose && !e->once) compare_twice(&t, back, s, n, names);
        for (k = 0; k <= n; k++) tn_tensor_free(&out[k]);
        tn_session_free(&s);
        tn_model_close(&back);
        tn_model_close(&with_loss);
        tn_text_free(&file2);
    }
    tn_session_free(&forward);
    tn_model_close(&m);
    tn_text_free(&file);
    for (int i = 0; i < t.n_in; i++) tn_tensor_free(&t.in[i].t);
    for (int k = 0; k < t.n_out; k++) tn_tensor_free(&t.weight[k]);
}

/* ----------------------------------------------------------------------------------------------------------- tests */

/* The i-th of all tables; NULL behind the last. */
static const gradient_example *example_at(int i) {
    for (const gradient_example *const *table = gradient_examples; *table; table++)
        for (const gradient_example *e = *table; e->op; e++)
            if (i-- == 0) return e;
    return NULL;
}

static bool has_example(const tn_op *op) {
    const char *domain = op->domain && strcmp(op->domain, "ai.onnx") ? op->domain : NULL;
    const gradient_example *e;
    for (int i = 0; (e = example_at(i)); i++)
        if (!strcmp(e->op, op->name) && !(domain ? !e->domain || strcmp(domain, e->domain) : e->domain != NULL))
            return true;
    return false;
}

static void every_row_has_decided(void **state) {
    int open = 0;
    for (int i = 0; i < tn_op_count(); i++) {
        const tn_op *op = tn_op_at(i);
        if (op->flags & TN_OP_INTERNAL) continue; /* made by passes, or a gradient itself */
        tn_grad_kind kind = tn_grad_kind_of(op);
        const char *domain = op->domain ? op->domain : "";
        if (kind == TN_GRAD_UNDECIDED) {
            print_error(
                "%s %s: the row says nothing of a gradient; give it .grad = a builder, tn_grad_none (nothing to "
                "differentiate) or tn_grad_refused, of op/core/grad.h\n",
                domain, op->name);
            open++;
        } else if (kind == TN_GRAD_GIVEN && !has_example(op))
            print_error("%s %s: has a gradient, but no example in tests/lib/gradient_*.c\n", domain, op->name), open++;
    }
    check(open == 0, "%d operators are open\n", open);
}

/* What is rewritten on load has the gradient that its parts give it: those that have one have an example. */
static void every_decomposition_has_an_example(void **state) {
    const tn_op *op, *parts[32];
    int open = 0;
    for (int i = 0; (op = tn_op_expanded_at(i)); i++) {
        int n = tn_op_becomes(op, parts, (int)TN_COUNT(parts));
        if (tn_grad_kind_of_all(op, parts, n) != TN_GRAD_GIVEN || has_example(op)) continue;
        print_error("%s: has a gradient, but no example in tests/lib/gradient_decomposed.c\n", op->name);
        open++;
    }
    check(open == 0, "%d operators are open\n", open);
}

static void examples(void **state) {
    const char *only = getenv("TN_GRADIENT_OF"); /* to look at one operator */
    int n = 0;
    const gradient_example *e;
    for (int i = 0; (e = example_at(i)); i++) {
        if (only && strcmp(only, e->op)) continue;
        if (only) print_message("%s {%s} (%s)\n", e->op, e->attrs ? e->attrs : "", e->inputs);
        check_example(e);
        n++;
    }
    print_message("%d examples\n", n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_decided),
        cmocka_unit_test(every_decomposition_has_an_example),
        cmocka_unit_test(examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
