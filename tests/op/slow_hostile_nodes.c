/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Every operator with attributes and inputs no sane file has: wrong kinds, missing, absurd numbers, empty and endless
 * lists, wrong ranks and types, absurd contents of axes and shapes. It must work or be refused by a sentence that names
 * the operator: never crash, never hang, never take all memory. Each operator is tried in a process of its own. Those
 * that are rewritten on load are tried, too; what is refused later, in a part of one, names the node of the file. */
#include "base/map.h"
#include "lib/onnx_build.h"
#include "lib/share.h"
#include "op/core/expand.h"
#include "op/core/op.h"
#include "tenon.h"
#include "test.h"
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_IN = 16, SECONDS = 20 };

typedef struct {
    tn_dtype type; /* TN_NONE: omitted */
    int rank;
    int64_t dims[8];
    int fill;      /* which of `fills` */
    bool constant; /* an initializer (float32 and int64 only) */
    bool bare;     /* declared without a shape */
} arg;

typedef struct {
    const tn_op *op;
    arg in[MAX_IN];
    int n_in;
    const tn_attr_spec *odd; /* the attribute that is odd, or NULL */
    int oddness;
} trial;

/* What the parent reads when the child is gone. */
static struct shared {
    char what[600];
    int trials, worked, refused, nameless;
    char sentence[600];
} * shared;

#define BIG (INT64_C(1) << 62)
static const int64_t fills[][3] = { { 1, 1, 1 },
                                    { 0, 0, 0 },
                                    { 0, 1, 2 },
                                    { 2, 3, 4 },
                                    { -1, -1, -1 },
                                    { -1, 0, 3 },
                                    { 3, 2, 1 },
                                    { 7, -9, 5 },
                                    { BIG, BIG, BIG },
                                    { INT64_MIN, INT64_MIN, INT64_MIN },
                                    { INT64_MAX, 1, INT64_MAX },
                                    { 1, INT64_MAX, -1 },
                                    { INT32_MAX, INT32_MAX, 2 },
                                    { INT32_MIN, 1, INT32_MIN },
                                    { 1 << 20, 1 << 20, 1 << 20 } };

static const struct {
    int rank;
    int64_t dims[8];
} shapes[] = { { 3, { 2, 3, 4 } },
               { 2, { 2, 2 } },
               { 4, { 1, 4, 5, 5 } },
               { 1, { 4 } },
               { 0, { 0 } },
               { 2, { 0, 3 } },
               { 5, { 1, 2, 3, 3, 3 } },
               { 3, { 1, 1, 1 } },
               { 1, { 0 } },
               { 4, { 2, 0, 3, 3 } },
               { 8, { 1, 1, 2, 1, 1, 2, 1, 1 } } };

/* ---------------------------------------------------------------------------------------------------- one trial */

static void dims_text(const arg *a, char *buf, size_t n) {
    size_t at = 0;
    buf[0] = 0;
    for (int i = 0; i < a->rank; i++)
        at += (size_t)snprintf(buf + at, n - at, "%s%lld", i ? "," : "", (long long)a->dims[i]);
}

static int64_t count_of(const arg *a) {
    int64_t n = 1;
    for (int i = 0; i < a->rank; i++) n *= a->dims[i];
    return n;
}

static int64_t number(const arg *a, int64_t i) { return fills[a->fill][i % 3]; }

/* Small numbers for data, so that what is odd is odd on purpose. */
static double real_number(const arg *a, int64_t i) {
    return a->fill == 0 ? 0.25 * (double)(i % 7) : (double)number(a, i);
}

static ob *body(void) {
    ob *g = ob_graph();
    ob_input(g, "b_in", TN_F32, NULL);
    ob_node(g, "Identity", "b_in", "b_out");
    ob_output(g, "b_out");
    return g;
}

/* The attribute as it should be, more or less. */
static void plain_attr(ob *b, const tn_attr_spec *s) {
    int64_t two[] = { 1, 1 };
    float halves[] = { 0.5f, 0.5f };
    char word[64] = "";
    if (s->words) snprintf(word, sizeof word, "%.*s", (int)strcspn(s->words, "|"), s->words);
    switch (s->kind) {
    case TN_ATTR_INT: ob_int(b, s->name, s->max > s->min && s->min > 1 ? s->min : 1); break;
    case TN_ATTR_INTS: ob_ints(b, s->name, two, 2); break;
    case TN_ATTR_FLOAT: ob_float(b, s->name, 0.5f); break;
    case TN_ATTR_FLOATS: ob_floats(b, s->name, halves, 2); break;
    case TN_ATTR_STRING: ob_string(b, s->name, word); break;
    case TN_ATTR_STRINGS: ob_strings(b, s->name, "a|b"); break;
    case TN_ATTR_TENSOR: ob_tensor(b, s->name, 1); break;
    case TN_ATTR_GRAPH: ob_subgraph(b, s->name, body()); break;
    default: break;
    }
}

enum { ODD = 34 };

static void odd_attr(ob *b, const char *name, int which) {
    static const int64_t ints[] = { BIG, -BIG, INT64_MIN, INT64_MAX, INT32_MAX, -1, 0, 2, 3, 100 };
    static const float floats[] = { 1e38f, -1, 0, -1e38f };
    static int64_t many[5000];
    static float many_floats[5000];
    if (which < 10) {
        ob_int(b, name, ints[which]);
    } else if (which < 20) {
        int64_t v[] = { ints[which - 10], ints[which - 10] };
        ob_ints(b, name, v, 2);
    } else if (which < 24) {
        ob_float(b, name, floats[which - 20]);
    } else if (which < 26) {
        ob_floats(b, name, which == 24 ? many_floats : floats, which == 24 ? 5000 : 4);
    } else {
        switch (which) {
        case 26: ob_ints(b, name, many, 5000); break;
        case 27: ob_ints(b, name, many, 0); break;
        case 28: ob_floats(b, name, many_floats, 0); break;
        case 29: ob_string(b, name, "neither this nor that"); break;
        case 30: ob_string(b, name, ""); break;
        case 31: ob_strings(b, name, "a|b|c|d|e"); break;
        case 32: ob_tensor(b, name, 1e30f); break;
        default: ob_ints(b, name, (int64_t[]){ 0, BIG, -1, 1, 2, 3 }, 6); break;
        }
    }
}

static tn_text build(const trial *t) {
    ob *b = ob_new(10, 28);
    char inputs[256] = "", type[128], dims[128];
    const char *domain = t->op->domain ? t->op->domain : "";
    if (*domain) ob_opset(b, domain, t->op->since > 1 ? t->op->since : 1);
    for (int i = 0; i < t->n_in; i++) {
        const arg *a = &t->in[i];
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        size_t at = strlen(inputs);
        snprintf(inputs + at, sizeof inputs - at, "%s%s", i ? " " : "", a->type ? name : "_");
        if (!a->type) continue;
        dims_text(a, dims, sizeof dims);
        int n = (int)count_of(a);
        if (!a->constant) {
            ob_input(b, name, a->type, a->bare ? NULL : dims);
        } else if (a->type == TN_I64) {
            int64_t *v = calloc((size_t)n + 1, sizeof *v);
            for (int k = 0; k < n; k++) v[k] = number(a, k);
            ob_ints_init(b, name, dims, v, n);
            free(v);
        } else {
            float *v = calloc((size_t)n + 1, sizeof *v);
            for (int k = 0; k < n; k++) v[k] = (float)real_number(a, k);
            ob_floats_init(b, name, dims, v, n);
            free(v);
        }
    }
    snprintf(type, sizeof type, "%s%s%s", domain, *domain ? "::" : "", t->op->name);
    ob_node(b, type, inputs, "y");
    for (const tn_attr_spec *s = t->op->attrs; s && s->name; s++)
        if (s != t->odd && s->required) plain_attr(b, s);
    if (t->odd && t->oddness < ODD) odd_attr(b, t->odd->name, t->oddness); /* ODD: left out */
    ob_output(b, "y");
    return ob_finish(b);
}

static void describe(const trial *t) {
    size_t n = sizeof shared->what, at = 0;
    char dims[128];
    at += (size_t)snprintf(shared->what, n, "%s(", t->op->name);
    for (int i = 0; i < t->n_in && at < n - 150; i++) {
        dims_text(&t->in[i], dims, sizeof dims);
        at += (size_t)snprintf(shared->what + at, n - at, "%s%s[%s] fill %d%s%s", i ? ", " : "",
                               tn_dtype_name(t->in[i].type), dims, t->in[i].fill, t->in[i].constant ? " constant" : "",
                               t->in[i].bare ? " bare" : "");
    }
    snprintf(shared->what + at, n - at, ")%s%s #%d", t->odd ? " with odd " : "", t->odd ? t->odd->name : "",
             t->oddness);
}

static tn_status execute(const tn_model *m, const trial *t) {
    tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = 64 << 20 };
    tn_session *s = NULL;
    tn_tensor *in[MAX_IN] = { 0 }, *out[1] = { 0 };
    size_t k = 0;
    tn_status st = tn_session_new(m, &o, &s);
    for (int i = 0; i < t->n_in && st == TN_OK; i++) {
        const arg *a = &t->in[i];
        if (!a->type || a->constant) continue;
        st = tn_tensor_new(a->type, a->rank, a->dims, &in[k++]);
        for (int64_t j = 0; st == TN_OK && j < count_of(a) && a->type != TN_STRING; j++) {
            if (tn_dtype_is_complex(a->type)) break;
            if (tn_dtype_is_float(a->type))
                tn_set_f64(a->type, tn_tensor_data(in[k - 1]), j, real_number(a, j));
            else
                tn_set_i64(a->type, tn_tensor_data(in[k - 1]), j, a->type == TN_BOOL ? number(a, j) & 1 : number(a, j));
        }
    }
    if (st == TN_OK) st = tn_session_run(s, tn_model_inputs(m), (const tn_tensor *const *)in, 1, out);
    tn_tensor_free(&out[0]);
    for (size_t i = 0; i < MAX_IN; i++) tn_tensor_free(&in[i]);
    tn_session_free(&s);
    return st;
}

static void attempt(const trial *t) {
    static unsigned long turn;
    if (!check_turn(&turn)) return;
    describe(t);
    alarm(SECONDS);
    tn_text file = build(t);
    tn_model *m = NULL;
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    if (st == TN_OK) st = execute(m, t);
    tn_model_close(&m);
    tn_text_free(&file);
    shared->trials++;
    if (st == TN_OK) {
        shared->worked++;
        return;
    }
    shared->refused++;
    if (!t->op->run && strstr(tn_error(), "node 'y/")) return; /* a part of node y */
    /* the caller's own limits, and what the public call cannot hand over, are not the operator's fault */
    bool ours = strstr(tn_error(), "memory limit") || strstr(tn_error(), "is not a tensor");
    if (ours || st == TN_E_NOMEM || strstr(tn_error(), t->op->name) || shared->nameless++) return;
    snprintf(shared->sentence, sizeof shared->sentence, "%.250s: %.300s", shared->what, tn_error());
}

/* ------------------------------------------------------------------------------------------------- one operator */

static tn_dtype usual_type(const tn_port *p) {
    static const tn_dtype order[] = { TN_F32, TN_I64, TN_BOOL, TN_I32, TN_U8, TN_STRING };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (p->types & tn_dtype_bit(order[i])) return order[i];
    for (int i = 1; i < TN_DTYPE_COUNT; i++)
        if (p->types & tn_dtype_bit(i)) return (tn_dtype)i;
    return TN_F32; /* a sequence, a map: a tensor is the wrong kind */
}

static const tn_port *port_of(const tn_op *op, int i) {
    for (const tn_port *p = op->in; p && p->name; p++, i--)
        if (!i || p->variadic) return p;
    return NULL;
}

static bool is_index(const tn_port *p) { return p->types && !(p->types & ~TN_INDEX); }

static void set_shape(arg *a, int shape) {
    a->rank = shapes[shape].rank;
    memcpy(a->dims, shapes[shape].dims, sizeof a->dims);
}

/* All inputs of one shape, index inputs lists as long as its rank. */
static trial usual(const tn_op *op, int shape, int n_in) {
    trial t = { .op = op, .n_in = n_in };
    for (int i = 0; i < n_in; i++) {
        const tn_port *p = port_of(op, i);
        arg *a = &t.in[i];
        a->type = p ? usual_type(p) : TN_F32;
        set_shape(a, shape);
        if (p && is_index(p)) {
            a->rank = 1;
            a->dims[0] = shapes[shape].rank;
        }
    }
    return t;
}

static void contents(const tn_op *op, int n_in) {
    for (int shape = 0; shape < (int)(sizeof shapes / sizeof *shapes); shape++) {
        for (int fill = 0; fill < (int)(sizeof fills / sizeof *fills); fill++) {
            for (int how = 0; how < 6; how++) { /* constant or not; as long as the rank, one, two, none */
                trial t = usual(op, shape, n_in);
                for (int i = 0; i < n_in; i++) {
                    const tn_port *p = port_of(op, i);
                    if (!p || !is_index(p)) continue;
                    t.in[i].fill = fill;
                    t.in[i].constant = how % 2 == 0 && t.in[i].type == TN_I64;
                    t.in[i].bare = how == 3;
                    if (how >= 2) t.in[i].dims[0] = how == 2 ? 1 : how == 3 ? 2 : how == 4 ? 0 : 3;
                    if (how == 3 && fill % 2) t.in[i].rank = 0;
                }
                if (op->flags & TN_OP_SUBGRAPH && fill >= 8) continue; /* a loop of 2^62 rounds is what was asked for */
                attempt(&t);
            }
        }
    }
}

static void attributes(const tn_op *op, int n_in) {
    for (const tn_attr_spec *s = op->attrs; s && s->name; s++)
        for (int which = 0; which <= ODD; which++)
            for (int shape = 0; shape < 8; shape++) {
                trial t = usual(op, shape, n_in);
                t.odd = s;
                t.oddness = which;
                attempt(&t);
            }
}

static void types_and_ranks(const tn_op *op, int n_in) {
    for (int i = 0; i < n_in; i++) {
        for (int type = 0; type < TN_DTYPE_COUNT; type++) {
            trial t = usual(op, 0, n_in);
            t.in[i].type = (tn_dtype)type;
            attempt(&t);
        }
        for (int shape = 0; shape < (int)(sizeof shapes / sizeof *shapes); shape++)
            for (int others = 0; others < 6; others++) {
                trial t = usual(op, others, n_in);
                set_shape(&t.in[i], shape);
                attempt(&t);
                for (int k = 0; k < n_in; k++) t.in[k].bare = true;
                attempt(&t);
            }
    }
    for (int type = 1; type < TN_DTYPE_COUNT; type++) {
        trial t = usual(op, 2, n_in);
        for (int i = 0; i < n_in; i++)
            if (!is_index(port_of(op, i))) t.in[i].type = (tn_dtype)type;
        attempt(&t);
    }
}

static void all_trials(const tn_op *op) {
    int least = tn_op_min_inputs(op), most = tn_op_max_inputs(op);
    bool grouped = most == INT_MAX && !op->run; /* a few inputs for each of any number of tensors: at least one */
    if (most > MAX_IN - 1) most = grouped ? least + 3 : least > 3 ? least : 3;
    for (int n = 0; n <= most + 1 && n <= MAX_IN; n++) {
        trial t = usual(op, 0, n);
        attempt(&t);
    }
    contents(op, most);
    if (least != most) contents(op, least);
    attributes(op, least);
    if (least != most) attributes(op, most);
    types_and_ranks(op, most);
    for (int n = least; grouped && n < most; n++) {
        attributes(op, n);
        types_and_ranks(op, n);
    }
}

/* True when the operator survived and every refusal named it. */
static bool survives(const tn_op *op) {
    int status;
    memset(shared, 0, sizeof *shared);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        all_trials(op);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        print_error("%s: %s at %s\n", op->name,
                    WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs"
                    : WIFSIGNALED(status)                              ? strsignal(WTERMSIG(status))
                                                                       : "ended",
                    shared->what);
        return false;
    }
    if (shared->nameless) print_error("%d refusals do not name the operator: %s\n", shared->nameless, shared->sentence);
    return !shared->nameless;
}

static void every_operator(void **state) {
    const char *only = getenv("TN_OP"); /* one operator, to look closer */
    long trials = 0, worked = 0;
    int bad = 0;
    const tn_op *op;
    for (int i = 0; (op = i < tn_op_count() ? tn_op_at(i) : tn_op_expanded_at(i - tn_op_count())); i++) {
        if (op->flags & TN_OP_INTERNAL || (only && strcmp(only, op->name))) continue;
        if (!survives(op)) bad++;
        trials += shared->trials;
        worked += shared->worked;
    }
    print_message("%ld trials, %ld worked\n", trials, worked);
    assert_true(trials > 0);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_operator) };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
