/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Every operator with tensors that have no elements beside sizes of 2^40, alone and beside small ones: it works or is
 * refused, but it never steps through what is not there. Each operator is tried in a process of its own, which a clock
 * of the CPU's time ends. */
#include "lib/onnx_build.h"
#include "lib/share.h"
#include "op/core/expand.h"
#include "op/core/op.h"
#include "tenon.h"
#include "test.h"
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_IN = 8, SECONDS = 3 };
#define HUGE (INT64_C(1) << 40)

static const struct {
    int rank;
    int64_t dims[5];
} shapes[] = {
    { 2, { 0, HUGE } },       { 2, { HUGE, 0 } },          { 3, { 0, HUGE, 2 } },       { 3, { HUGE, 2, 0 } },
    { 3, { 2, 0, HUGE } },    { 4, { 1, 0, HUGE, 1 } },    { 4, { 0, 2, HUGE, 3 } },    { 4, { HUGE, 0, 3, 3 } },
    { 4, { HUGE, 2, 3, 0 } }, { 5, { 0, 1, HUGE, 2, 2 } }, { 5, { HUGE, 1, 0, 2, 2 } }, { 3, { 1 << 12, 1 << 28, 0 } },
    { 2, { 1 << 16, 0 } }, /* small enough for an output of 2^16 elements: sums of nothing, equal slices in order */
};
static const struct {
    int rank;
    int64_t dims[4];
} small[] = { { 0, { 0 } }, { 1, { 1 } }, { 1, { 2 } }, { 2, { 2, 2 } }, { 4, { 1, 2, 3, 3 } } };

typedef struct {
    const tn_op *op;
    int n_in, shape, lone; /* lone: the only input of that shape, the others are `other`; -1: all are */
    int other, fill;
    int axis; /* of rows that have such an attribute; NO_AXIS: left out */
} trial;
enum { NO_AXIS = 99 };

static struct shared {
    char what[200];
    int trials, worked;
    double worst;
} * shared;

static const tn_port *port_of(const tn_op *op, int i) {
    for (const tn_port *p = op->in; p && p->name; p++, i--)
        if (!i || p->variadic) return p;
    return NULL;
}

static tn_dtype usual_type(const tn_port *p) {
    static const tn_dtype order[] = { TN_F32, TN_I64, TN_BOOL, TN_I32, TN_U8, TN_STRING };
    for (size_t i = 0; p && i < TN_COUNT(order); i++)
        if (p->types & tn_dtype_bit(order[i])) return order[i];
    for (int i = 1; p && i < TN_DTYPE_COUNT; i++)
        if (p->types & tn_dtype_bit(i)) return (tn_dtype)i;
    return TN_F32;
}

static bool is_index(const tn_port *p) { return p && p->types && !(p->types & ~TN_INDEX); }

/* The shape of input i; index inputs are lists as long as the rank, unless it is their turn. */
static int shape_of(const trial *t, int i, int64_t *dims) {
    bool big = t->lone < 0 ? !is_index(port_of(t->op, i)) : i == t->lone;
    if (!big && is_index(port_of(t->op, i))) {
        dims[0] = shapes[t->shape].rank;
        return 1;
    }
    int rank = big ? shapes[t->shape].rank : small[t->other].rank;
    memcpy(dims, big ? shapes[t->shape].dims : small[t->other].dims, sizeof *dims * (size_t)rank);
    return rank;
}

static ob *body(void) {
    ob *g = ob_graph();
    ob_input(g, "b_in", TN_F32, NULL);
    ob_node(g, "Identity", "b_in", "b_out");
    ob_output(g, "b_out");
    return g;
}

static void required_attr(ob *b, const tn_attr_spec *s) {
    char word[64] = "";
    if (s->words) snprintf(word, sizeof word, "%.*s", (int)strcspn(s->words, "|"), s->words);
    switch (s->kind) {
    case TN_ATTR_INT: ob_int(b, s->name, s->max > s->min && s->min > 1 ? s->min : 1); break;
    case TN_ATTR_INTS: ob_ints(b, s->name, (int64_t[]){ 1, 1 }, 2); break;
    case TN_ATTR_FLOAT: ob_float(b, s->name, 0.5f); break;
    case TN_ATTR_FLOATS: ob_floats(b, s->name, (float[]){ 0.5f, 0.5f }, 2); break;
    case TN_ATTR_STRING: ob_string(b, s->name, strcmp(s->name, "equation") ? word : "...->..."); break;
    case TN_ATTR_STRINGS: ob_strings(b, s->name, "a|b"); break;
    case TN_ATTR_TENSOR: ob_tensor(b, s->name, 1); break;
    case TN_ATTR_GRAPH: ob_subgraph(b, s->name, body()); break;
    default: break;
    }
}

static tn_text build(const trial *t) {
    ob *b = ob_new(10, 28);
    char inputs[128] = "", type[128];
    const char *domain = t->op->domain ? t->op->domain : "";
    if (*domain) ob_opset(b, domain, t->op->since > 1 ? t->op->since : 1);
    for (int i = 0; i < t->n_in; i++) {
        char name[16], dims[128] = "";
        int64_t d[8];
        int rank = shape_of(t, i, d);
        for (int k = 0; k < rank; k++)
            snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%lld", k ? "," : "", (long long)d[k]);
        snprintf(name, sizeof name, "x%d", i);
        snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs), "%s%s", i ? " " : "", name);
        ob_input(b, name, usual_type(port_of(t->op, i)), dims);
    }
    snprintf(type, sizeof type, "%s%s%s", domain, *domain ? "::" : "", t->op->name);
    ob_node(b, type, inputs, "y");
    for (const tn_attr_spec *s = t->op->attrs; s && s->name; s++)
        if (t->axis != NO_AXIS && !strcmp(s->name, "axis") && s->kind == TN_ATTR_INT)
            ob_int(b, "axis", t->axis);
        else if (s->required)
            required_attr(b, s);
    ob_output(b, "y");
    return ob_finish(b);
}

static tn_status execute(const tn_model *m, const trial *t) {
    tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = 64 << 20 };
    tn_session *s = NULL;
    tn_tensor *in[MAX_IN] = { 0 }, *out[1] = { 0 };
    tn_status st = tn_session_new(m, &o, &s);
    for (int i = 0; i < t->n_in && st == TN_OK; i++) {
        int64_t d[8];
        tn_dtype type = usual_type(port_of(t->op, i));
        int rank = shape_of(t, i, d);
        st = tn_tensor_new(type, rank, d, &in[i]);
        for (int64_t k = 0; st == TN_OK && k < tn_tensor_elements(in[i]); k++) {
            if (tn_dtype_is_float(type) && !tn_dtype_is_complex(type))
                tn_set_f64(type, tn_tensor_data(in[i]), k, 0.5);
            else if (type == TN_BOOL)
                tn_set_i64(type, tn_tensor_data(in[i]), k, t->fill != 0);
            else if (tn_dtype_is_int(type))
                tn_set_i64(type, tn_tensor_data(in[i]), k, t->fill < 0 ? k : t->fill);
        }
    }
    if (st == TN_OK) st = tn_session_run(s, tn_model_inputs(m), (const tn_tensor *const *)in, 1, out);
    tn_tensor_free(&out[0]);
    for (int i = 0; i < MAX_IN; i++) tn_tensor_free(&in[i]);
    tn_session_free(&s);
    return st;
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void attempt(const trial *t) {
    static unsigned long turn;
    if (!check_turn(&turn)) return;
    snprintf(shared->what, sizeof shared->what, "%s, %d inputs, shape %d at input %d, others %d, fill %d, axis %d",
             t->op->name, t->n_in, t->shape, t->lone, t->other, t->fill, t->axis);
    double t0 = cpu_seconds();
    struct rlimit limit = { .rlim_cur = (rlim_t)(t0 + SECONDS), .rlim_max = RLIM_INFINITY };
    setrlimit(RLIMIT_CPU, &limit);
    tn_text file = build(t);
    tn_model *m = NULL;
    tn_status st = tn_model_open_memory(file.s, file.n, &m);
    if (st == TN_OK) st = execute(m, t);
    tn_model_close(&m);
    tn_text_free(&file);
    double took = cpu_seconds() - t0;
    if (took > shared->worst) shared->worst = took;
    shared->trials++;
    shared->worked += st == TN_OK;
}

static bool has_axis(const tn_op *op) {
    for (const tn_attr_spec *s = op->attrs; s && s->name; s++)
        if (!strcmp(s->name, "axis") && s->kind == TN_ATTR_INT) return true;
    return false;
}

static void all_trials(const tn_op *op) {
    int least = tn_op_min_inputs(op), most = tn_op_max_inputs(op);
    if (most > MAX_IN) most = least > 2 ? least : 2;
    if (op->flags & TN_OP_SUBGRAPH) return; /* as many rounds as they are told */
    for (int n = least; n <= most; n++)
        for (int shape = 0; shape < (int)TN_COUNT(shapes); shape++)
            for (int fill = -1; fill <= 1; fill++)
                for (int axis = -1; axis <= (has_axis(op) ? 2 : -1); axis++) {
                    int a = axis == 2 || !has_axis(op) ? NO_AXIS : axis;
                    attempt(&(trial){ op, n, shape, -1, 0, fill, a });
                    for (int lone = 0; lone < n && fill < 1; lone++)
                        for (int other = 0; other < (int)TN_COUNT(small); other++)
                            attempt(&(trial){ op, n, shape, lone, other, fill, a });
                }
}

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
    if (WIFEXITED(status) && !WEXITSTATUS(status)) return true;
    print_error("%s: %s\n", shared->what, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "ended");
    return false;
}

static void every_operator(void **state) {
    (void)state;
    const char *only = getenv("TN_OP"); /* one operator, to look closer */
    long trials = 0, worked = 0;
    int bad = 0;
    const tn_op *op;
    for (int i = 0; (op = i < tn_op_count() ? tn_op_at(i) : tn_op_expanded_at(i - tn_op_count())); i++) {
        if (op->flags & TN_OP_INTERNAL || (only && strcmp(only, op->name))) continue;
        if (!survives(op)) bad++;
        if (shared->worst > 1 || only) print_message("%s: the longest took %.2f s\n", op->name, shared->worst);
        trials += shared->trials;
        worked += shared->worked;
    }
    print_message("%ld trials, %ld worked\n", trials, worked);
    assert_int_equal(bad, 0);
    assert_true(only || worked > 2000 / check_share());
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_operator) };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
