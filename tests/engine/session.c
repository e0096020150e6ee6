/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* session.c - sessions: results against running node by node, plans, threads, limits, errors, lack of memory. */
#include "engine/session.h"
#include "op/core/exec.h"
#include "test.h"
#include <math.h>
#include <pthread.h>

/* ------------------------------------------------------------------------------------------------ building, running */

static tn_type f32(int rank, const tn_dim *dims) {
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = rank;
    for (int i = 0; i < rank; i++) t.dims[i] = dims[i];
    return t;
}

static tn_value *input(tn_model *m, const char *name, int rank, const tn_dim *dims) {
    tn_type t = f32(rank, dims);
    tn_value *v = tn_value_input(m->graph, name, &t);
    assert_non_null(v);
    return v;
}

static tn_value *node(tn_model *m, const char *type, tn_value *a, tn_value *b) {
    tn_value *in[2] = { a, b };
    tn_node *n = tn_node_new(m->graph, NULL, "", type, in, b ? 2 : 1, 1);
    assert_non_null(n);
    assert_non_null(n->op);
    return n->outputs[0];
}

static tn_tensor *ramp(int rank, const int64_t *dims, float from) {
    tn_tensor *t;
    check_ok(tn_tensor_new(TN_F32, rank, dims, &t));
    float *x = tn_tensor_data(t);
    for (int64_t i = 0; i < tn_count(t); i++) x[i] = from + 0.25f * (float)(i % 37) - 3;
    return t;
}

static tn_session *session(const tn_model *m, tn_session_opts o) {
    tn_session *s;
    o.size = sizeof o;
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

static void run1(tn_session *s, const tn_tensor *x, tn_tensor **y) { check_ok(tn_session_run(s, 1, &x, 1, y)); }

/* y = Relu(x * w + x) with a symbolic first dimension. */
static tn_model *small_model(void) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *x = input(m, "x", 2, (tn_dim[]){ tn_sym(m->syms, "n"), 4 });
    tn_tensor w;
    check_ok(tn_tensor_init(&w, TN_F32, 2, (int64_t[]){ 4, 4 }, TN_MEM_WEIGHTS));
    for (int i = 0; i < 16; i++) ((float *)w.data)[i] = (float)(i % 5) - 2;
    tn_value *p = node(m, "MatMul", x, tn_value_constant(m->graph, "w", &w));
    check_ok(tn_graph_add_output(m->graph, node(m, "Relu", node(m, "Add", p, x), NULL)));
    check_ok(tn_graph_infer(m->graph));
    return m;
}

static void check_small(const tn_tensor *x, const tn_tensor *y) {
    int64_t rows = tn_tensor_dims(x)[0];
    assert_true(tn_dims_equal(2, tn_tensor_dims(y), 2, (int64_t[]){ rows, 4 }));
    const float *a = tn_tensor_data(x), *b = tn_tensor_data(y);
    for (int64_t i = 0; i < rows; i++)
        for (int j = 0; j < 4; j++) {
            float sum = a[i * 4 + j];
            for (int k = 0; k < 4; k++) sum += a[i * 4 + k] * ((float)((k * 4 + j) % 5) - 2);
            assert_true(fabsf(b[i * 4 + j] - (sum > 0 ? sum : 0)) < 1e-4f);
        }
}

/* ------------------------------------------------------------------------------------------------------- the basics */

static void plans_are_kept(void **state) {
    (void)state;
    tn_model *m = small_model();
    tn_session *s = session(m, (tn_session_opts){ .plans = 2, .threads = 1, .no_ranges = 1 });
    for (int round = 0; round < 3; round++)
        for (int64_t n = 0; n < 5; n++) {
            tn_tensor *x = ramp(2, (int64_t[]){ n, 4 }, (float)round), *y;
            run1(s, x, &y);
            check_small(x, y);
            assert_true(s->n_plans <= 2);
            assert_int_equal(s->plans->key[3], n); /* kind, type, rank, n: the last one is in front */
            tn_tensor_free(&x);
            tn_tensor_free(&y);
        }
    tn_session_free(&s);
    tn_model_close(&m);
}

static void errors(void **state) {
    (void)state;
    tn_model *m = small_model();
    tn_session *s;
    tn_session_opts bad = { .size = 3 };
    check_fails(tn_session_new(m, &bad, &s), TN_E_INVALID, "size");
    bad = (tn_session_opts){ .size = sizeof bad, .threads = -2 };
    check_fails(tn_session_new(m, &bad, &s), TN_E_INVALID, "threads");
    assert_null(s);
    check_fails(tn_session_new(NULL, NULL, &s), TN_E_INVALID, "model");
    s = session(m, (tn_session_opts){ .threads = 1, .mem_limit = 100 });
    tn_tensor *x = ramp(2, (int64_t[]){ 50, 4 }, 0), *wrong = ramp(2, (int64_t[]){ 4, 5 }, 0), *y = (void *)1, *ints;
    const tn_tensor *none = NULL;
    check_ok(tn_tensor_new(TN_I64, 2, (int64_t[]){ 1, 4 }, &ints));
    check_fails(tn_session_run(s, 1, &none, 1, &y), TN_E_INVALID, "'x' is missing");
    assert_null(y);
    check_fails(tn_session_run(s, 0, NULL, 1, &y), TN_E_INVALID, "1 inputs");
    check_fails(tn_session_run(s, 1, (const tn_tensor *const *)&wrong, 1, &y), TN_E_SHAPE, "'x'");
    check_fails(tn_session_run(s, 1, (const tn_tensor *const *)&ints, 1, &y), TN_E_TYPE, "int64");
    tn_session_free(&s);
    s = session(m, (tn_session_opts){ .threads = 1, .mem_limit = 100, .no_optimize = 1 });
    check_fails(tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y), TN_E_LIMIT, "limit");
    tn_session_free(&s);
    tn_session_free(&s);
    tn_tensor_free(&x);
    tn_tensor_free(&wrong);
    tn_tensor_free(&ints);
    tn_model_close(&m);
}

/* Outputs that need care: an input, an alias of one, a constant, one value twice. */
static void odd_outputs(void **state) {
    (void)state;
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *x = input(m, "x", 2, (tn_dim[]){ 2, 3 }), *unused = input(m, "unused", 1, (tn_dim[]){ 4 });
    tn_value *flat = node(m, "Reshape", x, tn_value_ints(m->graph, "s", (int64_t[]){ 6 }, 1));
    tn_value *r = node(m, "Relu", x, NULL), *k = tn_value_scalar_f32(m->graph, "k", 7);
    tn_value *rf = node(m, "Reshape", r, tn_value_ints(m->graph, "s2", (int64_t[]){ 3, 2 }, 2));
    (void)unused;
    check_ok(tn_graph_add_output(m->graph, flat));
    check_ok(tn_graph_add_output(m->graph, k));
    check_ok(tn_graph_add_output(m->graph, r));
    check_ok(tn_graph_add_output(m->graph, rf));
    check_ok(tn_graph_add_output(m->graph, node(m, "Neg", r, NULL)));
    check_ok(tn_graph_infer(m->graph));
    for (int plain = 0; plain < 2; plain++) {
        tn_session *s = session(m, (tn_session_opts){ .threads = 1, .no_optimize = plain });
        tn_tensor *a = ramp(2, (int64_t[]){ 2, 3 }, 2.5f), *u = ramp(1, (int64_t[]){ 4 }, 0), *y[5];
        const tn_tensor *in[2] = { a, u };
        for (int round = 0; round < 2; round++) {
            check_ok(tn_session_run(s, 2, in, 5, y));
            const float *v = tn_tensor_data(a);
            assert_int_equal(tn_tensor_rank(y[0]), 1);
            assert_ptr_not_equal(tn_tensor_data(y[0]), v);
            assert_ptr_not_equal(tn_tensor_data(y[2]), tn_tensor_data(y[3]));
            assert_true(*(float *)tn_tensor_data(y[1]) == 7);
            for (int i = 0; i < 6; i++) {
                float want = v[i] > 0 ? v[i] : 0;
                assert_true(((float *)tn_tensor_data(y[0]))[i] == v[i]);
                assert_true(((float *)tn_tensor_data(y[2]))[i] == want);
                assert_true(((float *)tn_tensor_data(y[3]))[i] == want);
                assert_true(((float *)tn_tensor_data(y[4]))[i] == -want);
            }
            for (int i = 0; i < 5; i++) tn_tensor_free(&y[i]);
        }
        tn_tensor_free(&a);
        tn_tensor_free(&u);
        tn_session_free(&s);
    }
    tn_model_close(&m);
}

/* NonZero: the shapes behind it are known only while running, and differ from run to run. */
static void data_dependent(void **state) {
    (void)state;
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *x = input(m, "x", 1, (tn_dim[]){ tn_sym(m->syms, "n") });
    tn_value *at = node(m, "Reshape", node(m, "NonZero", node(m, "Relu", x, NULL), NULL),
                        tn_value_ints(m->graph, "s", (int64_t[]){ -1 }, 1));
    tn_value *picked = node(m, "Gather", x, at);
    check_ok(tn_graph_add_output(m->graph, node(m, "Add", picked, picked)));
    check_ok(tn_graph_infer(m->graph));
    tn_session *s = session(m, (tn_session_opts){ .threads = 1 });
    for (int round = 0; round < 6; round++) {
        tn_tensor *t = ramp(1, (int64_t[]){ 40 }, (float)round - 4), *y;
        run1(s, t, &y);
        const float *v = tn_tensor_data(t), *w = tn_tensor_data(y);
        int64_t k = 0;
        for (int i = 0; i < 40; i++)
            if (v[i] > 0) {
                assert_true(k < tn_tensor_elements(y));
                assert_true(w[k++] == 2 * v[i]);
            }
        assert_int_equal(k, tn_tensor_elements(y));
        tn_tensor_free(&t);
        tn_tensor_free(&y);
    }
    tn_session_free(&s);
    tn_model_close(&m);
}

/* --------------------------------------------------------------------------- random graphs, against node by node */

enum { NODES = 40, OUTPUTS = 4 };

static tn_model *random_model(uint64_t *seed) {
    static const char *const unary[] = { "Relu", "Neg", "Abs", "Sigmoid", "Identity" };
    static const char *const binary[] = { "Add", "Mul", "Max", "Sub" };
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *v[NODES + 1] = { input(m, "x", 2, (tn_dim[]){ 6, 4 }) };
    for (int i = 1; i <= NODES; i++) {
        tn_value *a = v[test_random(seed) % (unsigned)i], *b = v[test_random(seed) % (unsigned)i];
        switch (test_random(seed) % 6) {
        case 0: v[i] = node(m, unary[test_random(seed) % 5], a, NULL); break;
        case 1: v[i] = node(m, "Transpose", a, NULL); break;
        case 2: {
            const int64_t shapes[3][2] = { { 4, 6 }, { 6, 4 }, { 24, 1 } };
            v[i] = node(m, "Reshape", a, tn_value_ints(m->graph, "shape", shapes[test_random(seed) % 3], 2));
            break;
        }
        default: { /* both operands brought to one shape */
            tn_value *shape = tn_value_ints(m->graph, "shape", (int64_t[]){ 6, 4 }, 2);
            v[i] = node(m, binary[test_random(seed) % 4], node(m, "Reshape", a, shape), node(m, "Reshape", b, shape));
        }
        }
    }
    for (int i = 0; i < OUTPUTS; i++)
        check_ok(tn_graph_add_output(m->graph, v[i == 0 ? NODES : 1 + test_random(seed) % NODES]));
    check_ok(tn_graph_infer(m->graph));
    return m;
}

/* Every value of the graph by running each node alone. */
static tn_datum *node_by_node(const tn_model *m, const tn_tensor *x) {
    tn_datum *all = calloc((size_t)m->n_values + 1, sizeof *all);
    for (int i = 0; i < m->n_values; i++)
        if (m->values[i] && m->values[i]->constant)
            all[i] = (tn_datum){ .kind = TN_KIND_TENSOR, .tensor = *m->values[i]->constant };
    for (int i = 0; i < m->n_values; i++)
        if (m->values[i] && m->values[i]->constant) tn_buffer_ref(all[i].tensor.buffer);
    check_ok(tn_tensor_copy(&all[m->graph->inputs[0]->id].tensor, x, TN_MEM_GENERAL));
    all[m->graph->inputs[0]->id].kind = TN_KIND_TENSOR;
    for (const tn_node *n = m->graph->first; n; n = n->next) {
        tn_datum *in[2] = { &all[n->inputs[0]->id], n->n_inputs > 1 ? &all[n->inputs[1]->id] : NULL }, out = { 0 };
        check_ok(tn_eval_node(n, in, NULL, &out));
        all[n->outputs[0]->id] = out;
    }
    return all;
}

static void random_graphs(void **state) {
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 60; round++) {
        tn_model *m = random_model(&seed);
        tn_tensor *x = ramp(2, (int64_t[]){ 6, 4 }, (float)round * 0.1f), *y[OUTPUTS];
        tn_datum *all = node_by_node(m, x);
        for (int plain = 0; plain < 2; plain++) {
            tn_session *s = session(m, (tn_session_opts){ .threads = 1, .no_optimize = plain });
            for (int again = 0; again < 2; again++) {
                check_ok(tn_session_run(s, 1, (const tn_tensor *const *)&x, OUTPUTS, y));
                for (int i = 0; i < OUTPUTS; i++) {
                    const tn_tensor *want = &all[m->graph->outputs[i]->id].tensor;
                    assert_true(tn_dims_equal(want->rank, want->dims, y[i]->rank, y[i]->dims));
                    for (int64_t k = 0; k < tn_count(want); k++) {
                        float a = ((float *)want->data)[k], b = ((float *)y[i]->data)[k];
                        check(fabsf(a - b) <= 1e-5f * (1 + fabsf(a)), "round %d, output %d: %g, not %g\n", round, i,
                              (double)b, (double)a);
                    }
                    tn_tensor_free(&y[i]);
                }
            }
            tn_session_free(&s);
        }
        for (int i = 0; i < m->n_values; i++) tn_datum_reset(&all[i]);
        free(all);
        tn_tensor_free(&x);
        tn_model_close(&m);
    }
}

/* ---------------------------------------------------------------------------------------------------------- threads */

typedef struct {
    tn_session *s;
    int number;
    bool good;
} worker;

static void *work(void *arg) {
    worker *w = arg;
    w->good = true;
    for (int i = 0; i < 60; i++) {
        int64_t n = 1 + (i + w->number) % 7;
        tn_tensor *x, *y;
        if (tn_tensor_new(TN_F32, 2, (int64_t[]){ n, 4 }, &x) != TN_OK) w->good = false;
        for (int64_t k = 0; k < 4 * n; k++) ((float *)x->data)[k] = (float)((k * 7 + i) % 11) - 5;
        if (tn_session_run(w->s, 1, (const tn_tensor *const *)&x, 1, &y) != TN_OK) {
            w->good = false;
        } else {
            for (int64_t r = 0; r < n; r++)
                for (int j = 0; j < 4; j++) {
                    const float *a = (float *)x->data + r * 4;
                    float sum = a[j];
                    for (int k = 0; k < 4; k++) sum += a[k] * ((float)((k * 4 + j) % 5) - 2);
                    w->good = w->good && fabsf(((float *)y->data)[r * 4 + j] - (sum > 0 ? sum : 0)) < 1e-4f;
                }
            tn_tensor_free(&y);
        }
        tn_tensor_free(&x);
    }
    return NULL;
}

static void many_threads(void **state) {
    (void)state;
    enum { THREADS = 6 };
    tn_model *m = small_model();
    pthread_t id[THREADS];
    worker w[THREADS];
    tn_session *s = session(m, (tn_session_opts){ .threads = 2, .plans = 3 });
    tn_session *profiled = session(m, (tn_session_opts){ .threads = 2, .profile = 1 });
    for (int i = 0; i < THREADS; i++) {
        w[i] = (worker){ i % 3 ? s : profiled, i, false };
        assert_int_equal(pthread_create(&id[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        assert_true(w[i].good);
    }
    tn_profile_row *rows;
    size_t n, calls = 0;
    tn_text t = { 0 };
    check_ok(tn_session_profile(profiled, &rows, &n));
    for (size_t i = 0; i < n; i++) calls += rows[i].calls;
    assert_true(n > 0 && calls >= 120);
    tn_profile_table(rows, n, &t);
    tn_profile_json(rows, n, &t);
    check_ok(tn_session_trace(profiled, &t));
    assert_non_null(strstr(t.s, "\"traceEvents\""));
    tn_text_free(&t);
    tn_mem_free(rows);
    check_fails(tn_session_profile(s, &rows, &n), TN_E_INVALID, "profile");
    tn_session_free(&s);
    tn_session_free(&profiled);
    tn_model_close(&m);
}

/* Allocations that fail anywhere: an error or a right answer, and nothing is lost. */
static void lack_of_memory(void **state) {
    (void)state;
    tn_model *m = small_model();
    int failures = 0, answers = 0;
    tn_session *first = session(m, (tn_session_opts){ .threads = 1 }); /* the model has its store from here on */
    tn_session_free(&first);
    for (unsigned every = 1; every < 120; every += every < 40 ? 1 : 7) {
        tn_tensor *x = ramp(2, (int64_t[]){ 5, 4 }, 1), *y = NULL;
        tn_session *s;
        tn_session_opts o = { .size = sizeof o, .threads = 1 };
        size_t before = tn_mem_stats_all().now;
        tn_mem_fail_every(every);
        tn_status st = tn_session_new(m, &o, &s);
        if (st == TN_OK) st = tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y);
        tn_mem_fail_every(0);
        if (st == TN_OK)
            check_small(x, y);
        else
            assert_true(st == TN_E_NOMEM);
        failures += st != TN_OK;
        answers += st == TN_OK;
        tn_tensor_free(&y);
        tn_session_free(&s);
        assert_int_equal(tn_mem_stats_all().now, before);
        tn_tensor_free(&x);
    }
    assert_true(failures > 0 && answers > 0);
    tn_model_close(&m);
}

/* An output's memory serves the next run once the caller let go of it, and outlives the session until then. */
static void outputs_are_recycled(void **state) {
    (void)state;
    tn_model *m = small_model();
    tn_session *s = session(m, (tn_session_opts){ .threads = 1 });
    tn_tensor *x = ramp(2, (int64_t[]){ 1000, 4 }, 1), *first, *second, *third;
    run1(s, x, &first);
    run1(s, x, &second);
    const void *was = tn_tensor_data(first);
    assert_ptr_not_equal(was, tn_tensor_data(second));
    tn_tensor_free(&first);
    run1(s, x, &third);
    assert_ptr_equal(was, tn_tensor_data(third));
    tn_session_free(&s);
    check_small(x, second);
    check_small(x, third);
    tn_tensor_free(&second);
    tn_tensor_free(&third);
    tn_tensor_free(&x);
    tn_model_close(&m);
}

/* Sizes of items are symbols of the model, which a plan cannot reckon with: comparing them crashed. */
static void items_of_symbolic_size(void **state) {
    (void)state;
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_type item = f32(2, (tn_dim[]){ tn_sym(m->syms, "n"), 3 });
    tn_type items = { .kind = TN_KIND_SEQUENCE, .rank = -1, .elem = &item };
    tn_value *list = tn_value_input(m->graph, "list", &items), *x = input(m, "x", 2, (tn_dim[]){ TN_DIM_UNKNOWN, 3 });
    tn_value *first = node(m, "SequenceAt", list, tn_value_ints(m->graph, "zero", (int64_t[]){ 0 }, 1));
    tn_value *same = node(m, "Equal", node(m, "Shape", first, NULL), node(m, "Shape", x, NULL));
    check_ok(tn_graph_add_output(m->graph, same));
    tn_session *s = session(m, (tn_session_opts){ .threads = 1, .no_optimize = true });
    tn_tensor *two = ramp(2, (int64_t[]){ 2, 3 }, 0);
    tn_datum one = { .kind = TN_KIND_TENSOR, .tensor = *two }, out = { 0 };
    tn_datum all = { .kind = TN_KIND_SEQUENCE, .list = tn_list_new(1) };
    check_ok(tn_list_push(all.list, &one));
    check_ok(tn_session_run_data(s, 2, (const tn_datum *[]){ &all, &one }, 1, &out));
    assert_int_equal(tn_count(&out.tensor), 2);
    assert_true(((bool *)out.tensor.data)[0] && ((bool *)out.tensor.data)[1]);
    tn_datum_reset(&out);
    tn_datum_reset(&all);
    tn_tensor_free(&two);
    tn_session_free(&s);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_kept),
        cmocka_unit_test(errors),
        cmocka_unit_test(odd_outputs),
        cmocka_unit_test(data_dependent),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(lack_of_memory),
        cmocka_unit_test(outputs_are_recycled),
        cmocka_unit_test(items_of_symbolic_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
