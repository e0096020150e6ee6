/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* binding.c - outputs in memory of the caller's: results, what is copied and what is not, ranges of shapes, wrong sizes
 * and types, and that nothing is allocated. */
#include "engine/executor.h"
#include "engine/session.h"
#include "lib/affine.h"
#include "op/core/op.h"
#include "test.h"

enum { WIDTH = 24, MOST = 40 };

static tn_session *session(const tn_model *m, tn_session_opts o) {
    tn_session *s;
    o.size = sizeof o;
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

static tn_status run(tn_session *s, const tn_tensor *x, tn_bound_output *b, size_t n, size_t n_out, tn_tensor **y) {
    tn_run_opts o = { .size = sizeof o, .bound = b, .n_bound = n };
    return tn_session_run_with(s, &o, 1, &x, n_out, y);
}

/* A page aligned buffer whose bytes behind `used` must stay as they are. */
typedef struct {
    unsigned char *data;
    size_t bytes;
} memory;

static memory memory_new(size_t bytes) {
    memory m = { tn_mem_alloc(bytes + 64, TN_MEM_IO), bytes };
    assert_non_null(m.data);
    memset(m.data, 0xa5, bytes + 64);
    return m;
}

static void untouched(const memory *m, size_t used) {
    for (size_t i = used; i < m->bytes + 64; i++) assert_int_equal(m->data[i], 0xa5);
}

static tn_bound_output bind(const memory *m) {
    return (tn_bound_output){ .data = m->data, .bytes = m->bytes, .dtype = TN_F32 };
}

static void check_result(const tn_bound_output *b, const tn_tensor *x) {
    assert_int_equal(b->dtype, TN_F32);
    assert_true(tn_dims_equal(b->rank, b->dims, tn_tensor_rank(x), tn_tensor_dims(x)));
    assert_int_equal(b->needed, tn_tensor_bytes(x));
    assert_true(affine_right(x, b->data));
}

/* Exact plans, then those for a range, given or learnt: the memory is as large as it needs to be, and no more. */
static void written_in_place(void **state) {
    (void)state;
    tn_model *m = affine_model(WIDTH, 1);
    tn_shape_range r = { "x", 2, (int64_t[]){ 1, WIDTH }, (int64_t[]){ MOST, WIDTH }, NULL };
    const tn_session_opts how[] = { { .no_ranges = 1 }, { 0 }, { .ranges = &r, .n_ranges = 1 }, { .no_optimize = 1 } };
    for (size_t k = 0; k < TN_COUNT(how); k++) {
        tn_session *s = session(m, how[k]);
        for (int64_t rows = 1; rows <= MOST; rows += 3) {
            tn_tensor *x = affine_input(WIDTH, rows), *y = (tn_tensor *)(uintptr_t)8;
            memory mem = memory_new(tn_tensor_bytes(x));
            tn_bound_output b = bind(&mem);
            check_ok(run(s, x, &b, 1, 1, &y));
            assert_null(y);
            check_result(&b, x);
            untouched(&mem, b.needed);
            b.bytes--; /* one too few */
            check_fails(run(s, x, &b, 1, 1, &y), TN_E_SHAPE, "it is bound to memory of");
            assert_int_equal(b.needed, tn_tensor_bytes(x));
            check_ok(run(s, x, NULL, 0, 1, &y)); /* and without */
            assert_true(affine_right(x, tn_tensor_data(y)));
            tn_tensor_free(&y);
            tn_tensor_free(&x);
            tn_mem_free(mem.data);
        }
        tn_session_free(&s);
    }
    tn_model_close(&m);
}

/* Odd addresses, and memory of the input itself, are right, too. */
static void written_by_copy(void **state) {
    (void)state;
    tn_model *m = affine_model(WIDTH, 1);
    tn_session *s = session(m, (tn_session_opts){ 0 });
    tn_tensor *x = affine_input(WIDTH, MOST), *copy = affine_input(WIDTH, MOST), *y;
    memory mem = memory_new(tn_tensor_bytes(x) + 8);
    tn_bound_output b = { .data = mem.data + 4, .bytes = mem.bytes - 8 };
    check_ok(run(s, x, &b, 1, 1, &y));
    check_result(&b, x);
    for (int i = 0; i < 4; i++) assert_int_equal(mem.data[i], 0xa5);
    untouched(&mem, 4 + b.needed);
    b = (tn_bound_output){ .data = tn_tensor_data(x), .bytes = tn_tensor_bytes(x) };
    check_ok(run(s, x, &b, 1, 1, &y));
    check_result(&b, copy);
    tn_tensor_free(&x);
    tn_tensor_free(&copy);
    tn_mem_free(mem.data);
    tn_session_free(&s);
    tn_model_close(&m);
}

/* Outputs of every kind of home: 0 an operator's own, 1 the same reshaped, 2 the input, 3 a constant, 4 of a shape that
 * is found while running, 5 the first once more, 6 a sequence. */
enum { N_OUT = 7 };

static tn_model *all_kinds(void) {
    tn_model *m;
    tn_tensor c;
    tn_type t = tn_type_tensor(TN_F32);
    check_ok(tn_model_new(&m));
    t.rank = 2, t.dims[0] = tn_sym(m->syms, "n"), t.dims[1] = 4;
    tn_graph *g = m->graph;
    tn_value *x = tn_value_input(g, "x", &t);
    check_ok(tn_tensor_init(&c, TN_F32, 1, (int64_t[]){ 3 }, TN_MEM_WEIGHTS));
    for (int i = 0; i < 3; i++) ((float *)c.data)[i] = (float)i;
    tn_value *constant = tn_value_constant(g, "c", &c);
    check_ok(tn_tensor_init(&c, TN_I64, 1, (int64_t[]){ 1 }, TN_MEM_WEIGHTS));
    *(int64_t *)c.data = -1;
    tn_value *flat = tn_value_constant(g, "flat", &c);
    tn_value *exp = tn_node_new(g, NULL, "", "Exp", &x, 1, 1)->outputs[0];
    tn_value *shaped = tn_node_new(g, NULL, "", "Reshape", (tn_value *[]){ exp, flat }, 2, 1)->outputs[0];
    tn_value *found = tn_node_new(g, NULL, "", "NonZero", &x, 1, 1)->outputs[0];
    tn_value *list = tn_node_new(g, NULL, "", "SequenceConstruct", &x, 1, 1)->outputs[0];
    tn_value *out[N_OUT] = { exp, shaped, x, constant, found, exp, list };
    for (int i = 0; i < N_OUT; i++) check_ok(tn_graph_add_output(g, out[i]));
    check_ok(tn_graph_infer(m->graph));
    return m;
}

static void every_home(void **state) {
    (void)state;
    tn_model *m = all_kinds();
    tn_session *s = session(m, (tn_session_opts){ 0 });
    tn_tensor *x, *y[N_OUT];
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 5, 4 }, &x));
    for (int i = 0; i < 20; i++) ((float *)tn_tensor_data(x))[i] = (float)(i % 3);
    tn_datum in = { .kind = TN_KIND_TENSOR, .tensor = *x }, want[N_OUT];
    check_ok(tn_session_run_data(s, 1, (const tn_datum *[]){ &in }, N_OUT, want));
    for (unsigned mask = 1; mask < 1u << (N_OUT - 1); mask++) { /* any of them, but for the sequence, bound */
        memory mem[N_OUT];
        tn_bound_output b[N_OUT] = { 0 };
        tn_datum got[N_OUT];
        for (int i = 0; i < N_OUT - 1; i++) mem[i] = memory_new(512);
        for (int i = 0; i < N_OUT - 1; i++)
            if (mask >> i & 1) b[i] = (tn_bound_output){ .data = mem[i].data + mask % 2 * 8, .bytes = 480 };
        tn_run_opts o = { .size = sizeof o, .bound = b, .n_bound = N_OUT - 1 };
        check_ok(tn_session_run_data_with(s, &o, 1, (const tn_datum *[]){ &in }, N_OUT, got));
        for (int i = 0; i < N_OUT; i++) {
            const tn_tensor *w = &want[i].tensor;
            assert_int_equal(got[i].kind, b[i].data ? TN_KIND_NONE : want[i].kind);
            if (i == N_OUT - 1) continue;
            assert_memory_equal(b[i].data ? b[i].data : got[i].tensor.data, w->data, tn_tensor_bytes(w));
            if (b[i].data) assert_int_equal(b[i].dtype, w->dtype);
            if (b[i].data) assert_true(tn_dims_equal(b[i].rank, b[i].dims, w->rank, w->dims));
        }
        for (int i = 0; i < N_OUT; i++) tn_datum_reset(&got[i]);
        for (int i = 0; i < N_OUT - 1; i++) tn_mem_free(mem[i].data);
    }
    memory mem = memory_new(512); /* too small for what is found late; not a tensor */
    tn_bound_output b[N_OUT] = { [4] = { .data = mem.data, .bytes = 16 } };
    check_fails(run(s, x, b, N_OUT, N_OUT, y), TN_E_SHAPE, "it is bound to memory of 16");
    b[4] = (tn_bound_output){ .data = mem.data, .bytes = 512, .dtype = TN_F32 };
    check_fails(run(s, x, b, N_OUT, N_OUT, y), TN_E_TYPE, "is int64; it is bound to memory for float32");
    b[4] = (tn_bound_output){ 0 };
    b[N_OUT - 1] = (tn_bound_output){ .data = mem.data, .bytes = 512 };
    check_fails(run(s, x, b, N_OUT, N_OUT, y), TN_E_UNSUPPORTED, "not a tensor");
    for (int i = 0; i < N_OUT; i++) assert_null(y[i]);
    tn_mem_free(mem.data);
    for (int i = 0; i < N_OUT; i++) tn_datum_reset(&want[i]);
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_model_close(&m);
}

static void mistakes(void **state) {
    (void)state;
    tn_model *m = all_kinds();
    tn_session *s = session(m, (tn_session_opts){ 0 });
    tn_tensor *x, *y[N_OUT];
    memory mem = memory_new(512);
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 5, 4 }, &x));
    tn_bound_output b[N_OUT + 1] = { { .data = mem.data, .bytes = 100 } };
    check_fails(run(s, x, NULL, 1, N_OUT, y), TN_E_INVALID, "bound is NULL");
    check_fails(run(s, x, b, N_OUT + 1, N_OUT, y), TN_E_INVALID, "8 bound outputs; the model has 7");
    b[0].bytes = 79;
    check_fails(run(s, x, b, 1, N_OUT, y), TN_E_SHAPE, "is float32 [5x4], 80 bytes; it is bound to memory of 79");
    assert_int_equal(b[0].needed, 80);
    b[0] = (tn_bound_output){ .data = mem.data, .bytes = 100, .dtype = TN_I32 };
    check_fails(run(s, x, b, 1, N_OUT, y), TN_E_TYPE, "is float32; it is bound to memory for int32");
    assert_int_equal(b[0].dtype, TN_I32); /* so it fails once more */
    check_fails(run(s, x, b, 1, N_OUT, y), TN_E_TYPE, "is float32; it is bound to memory for int32");
    b[0].dtype = TN_STRING;
    check_fails(run(s, x, b, 1, N_OUT, y), TN_E_TYPE, "strings");
    b[0].dtype = (tn_dtype)9999;
    check_fails(run(s, x, b, 1, N_OUT, y), TN_E_TYPE, "no known type");
    b[0].dtype = TN_NONE;
    b[4] = (tn_bound_output){ .data = mem.data + 96, .bytes = 100 };
    check_fails(run(s, x, b, 5, N_OUT, y), TN_E_INVALID, "are bound to memory that overlaps");
    tn_run_opts o = { .size = sizeof o, .bound = b, .n_bound = 5 };
    check_fails(tn_session_submit(s, &o, 1, (const tn_tensor *const *)&x, N_OUT, y, NULL, NULL, NULL), TN_E_INVALID,
                "overlaps");
    for (int i = 0; i < N_OUT; i++) assert_null(y[i]);
    tn_mem_free(mem.data);
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_model_close(&m);
}

/* After the first runs neither a run nor a submitted one takes memory from the heap. */
static void allocates_nothing(void **state) {
    (void)state;
    tn_model *m = affine_model(WIDTH, 3);
    tn_session *s = session(m, (tn_session_opts){ 0 });
    tn_tensor *x[3] = { affine_input(WIDTH, 7), affine_input(WIDTH, MOST), affine_input(WIDTH, 20) }, *y;
    memory mem = memory_new(tn_tensor_bytes(x[1]));
    size_t before = 0;
    for (int round = 0; round < 12; round++) {
        if (round == 6) before = tn_mem_stats_all().count;
        tn_bound_output b = bind(&mem);
        tn_run_opts o = { .size = sizeof o, .bound = &b, .n_bound = 1, .timeout_ns = UINT64_C(1) << 50 };
        const tn_tensor *in = x[round % 3];
        tn_ticket *t;
        check_ok(tn_session_run_with(s, &o, 1, &in, 1, &y));
        assert_int_equal(b.dims[0], tn_tensor_dims(in)[0]);
        b = bind(&mem);
        check_ok(tn_session_submit(s, &o, 1, &in, 1, &y, NULL, NULL, &t));
        check_ok(tn_ticket_wait(t, UINT64_MAX));
        tn_ticket_free(&t);
        assert_int_equal(b.needed, tn_tensor_bytes(in));
    }
    assert_int_equal(tn_mem_stats_all().count, before);
    for (int i = 0; i < 3; i++) tn_tensor_free(&x[i]);
    tn_mem_free(mem.data);
    tn_session_free(&s);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(written_in_place), cmocka_unit_test(written_by_copy),
                                        cmocka_unit_test(every_home), cmocka_unit_test(mistakes),
                                        cmocka_unit_test(allocates_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
