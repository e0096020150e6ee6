/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_many.c - several states in one run: sentences of other lengths, which come, go, fork and go back between runs,
 * give what each alone gives; what cannot be together is told, and nothing has changed then. */
#include "lib/state_models.h"
#include <math.h>
#include <string.h>

enum { SENTENCES = 6, LONGEST = 40 };

/* A sentence twice: in runs with others, and alone. */
typedef struct {
    tn_state *shared, *alone;
    int64_t past;
} sentence;

static const char *called = ""; /* the model */
static unsigned seed;
static int64_t any(int64_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (int64_t)((seed >> 8) % (unsigned)below);
}

/* ----------------------------------------------------------------------------------------------------------- inputs */

/* x of sentence `id`: other rows than those of others. */
static tn_tensor *given(const char *name, int64_t id, int64_t rows, int64_t past) {
    tn_tensor *t = state_given(name, 1, rows, past);
    for (int64_t i = 0; t && !strcmp(name, "x") && i < tn_tensor_elements(t); i++)
        ((float *)t->data)[i] *= (float)cos((double)(i % WIDTH + id));
    return t;
}

/* Whose rows are `all`, `mine` of them those of the sentence at `past`, and the longest has `most`. */
typedef struct {
    int64_t id, past, mine, all, most;
} row_of;

/* [1, ...] as the run has it: rows padded behind, masks before. NULL: it is a state. */
static tn_tensor *padded(const char *name, const row_of *s) {
    if (!strcmp(name, "total")) {
        int64_t no = 0;
        tn_tensor *t;
        check_ok(tn_tensor_new(TN_I32, 0, &no, &t));
        return t; /* set by the caller */
    }
    bool full = !strcmp(name, "full"); /* counts padding: new rows stand at its end */
    tn_tensor *own = given(name, s->id, full ? s->all : s->mine, s->past), *t;
    if (!own) return NULL;
    if (!strcmp(name, "x")) {
        check_ok(tn_tensor_new(TN_F32, 3, (int64_t[]){ 1, s->all, WIDTH }, &t));
        for (int64_t i = 0; i < s->all * WIDTH; i++) ((float *)t->data)[i] = 3;
        if (s->mine) memcpy(t->data, own->data, tn_tensor_bytes(own));
    } else if (!strcmp(name, "mask")) {
        int64_t columns = s->most + s->all, width = s->past + s->mine, shift = s->most - s->past;
        check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, 1, s->all, columns }, &t));
        for (int64_t i = 0; i < s->all * columns; i++) ((float *)t->data)[i] = -1e9f;
        for (int64_t i = 0; i < s->mine; i++)
            memcpy((float *)t->data + i * columns + shift, (float *)own->data + i * width, (size_t)width * 4);
    } else {
        return own;
    }
    tn_tensor_free(&own);
    return t;
}

/* What n sentences have for that input, one behind the other. */
static tn_tensor *joined(const char *name, const row_of *s, size_t n) {
    tn_tensor *all = NULL;
    for (size_t i = 0; i < n; i++) {
        tn_tensor *one = padded(name, &s[i]);
        if (!one) return NULL;
        if (!i) {
            int64_t dims[TN_MAX_RANK];
            memcpy(dims, one->dims, sizeof dims);
            if (one->rank) dims[0] = (int64_t)n;
            check_ok(tn_tensor_new(one->dtype, one->rank, dims, &all));
        }
        if (one->rank || !i) memcpy((char *)all->data + i * tn_tensor_bytes(one), one->data, tn_tensor_bytes(one));
        int64_t end = s[i].past + s[i].mine;
        if (!one->rank && *(int32_t *)all->data < end) *(int32_t *)all->data = (int32_t)end;
        tn_tensor_free(&one);
    }
    return all;
}

static void free_all(tn_tensor **t, size_t n) {
    for (size_t i = 0; i < n; i++) tn_tensor_free(&t[i]);
}

static tn_tensor *sole(tn_tensor **out, size_t n) {
    tn_tensor *y = NULL;
    for (size_t i = 0; i < n; i++)
        if (out[i]) y = out[i];
    return y;
}

static tn_status run_together(both *b, tn_state *const *states, const int64_t *rows, const row_of *s, size_t n,
                              tn_tensor **y) {
    tn_tensor *in[MOST], *out[MOST] = { 0 };
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = joined(v.name, s, n);
    }
    tn_run_opts o = { .size = sizeof o, .states = states, .n_states = n, .new_rows = rows };
    tn_status st = tn_session_run_with(b->s, &o, b->n_in, (const tn_tensor *const *)in, b->n_out, out);
    free_all(in, b->n_in);
    *y = sole(out, b->n_out);
    return st;
}

static tn_tensor *run_alone(both *b, tn_state *state, const row_of *s) {
    tn_tensor *in[MOST], *out[MOST];
    for (size_t i = 0; i < b->n_in; i++) {
        tn_value_info v;
        check_ok(tn_model_input(b->m, i, &v));
        in[i] = given(v.name, s->id, s->mine, s->past);
    }
    check_ok(state_run(b, state, (const tn_tensor *const *)in, out));
    free_all(in, b->n_in);
    return sole(out, b->n_out);
}

/* --------------------------------------------------------------------------------------------------------- together */

/* Element e of a row of sentence b: of [batch, rows, 32], or [batch, 4, rows, 8]. */
static double element(const tn_tensor *t, int64_t b, int64_t row, int64_t e) {
    int64_t rows = t->dims[t->rank - 2];
    int64_t at = t->rank == 3 ? (b * rows + row) * WIDTH + e : ((b * HEADS + e / SIZE) * rows + row) * SIZE + e % SIZE;
    return (double)((float *)t->data)[at];
}

/* One run of those sentences; ragged: not all have `rows` new rows. */
static void step(both *b, sentence *all, const size_t *who, size_t n, int64_t rows, bool ragged, double tolerance) {
    row_of s[SENTENCES];
    tn_state *states[SENTENCES];
    int64_t mine[SENTENCES], most = 0;
    tn_tensor *y;
    for (size_t i = 0; i < n; i++) {
        mine[i] = ragged && i ? any(rows + 1) : rows;
        if (all[who[i]].past > most) most = all[who[i]].past;
        states[i] = all[who[i]].shared;
    }
    for (size_t i = 0; i < n; i++) s[i] = (row_of){ (int64_t)who[i], all[who[i]].past, mine[i], rows, most };
    check_ok(run_together(b, states, ragged ? mine : NULL, s, n, &y));
    for (size_t i = 0; i < n; i++) {
        sentence *me = &all[who[i]];
        if (mine[i]) {
            tn_tensor *own = run_alone(b, me->alone, &s[i]);
            for (int64_t k = 0; k < mine[i] * WIDTH; k++) {
                double d = fabs(element(y, (int64_t)i, k / WIDTH, k % WIDTH) - element(own, 0, k / WIDTH, k % WIDTH));
                check(d <= tolerance, "%s: sentence %d of %d, %d rows behind %d: %g apart at %d\n", called, (int)i,
                      (int)n, (int)mine[i], (int)me->past, d, (int)k);
            }
            tn_tensor_free(&own);
        }
        me->past += mine[i];
    }
    tn_tensor_free(&y);
}

static void compare(both *b, const sentence *me, double tolerance) {
    for (size_t i = 0; i < tn_state_pairs(me->shared); i++) {
        tn_state_info p;
        tn_tensor *x, *y;
        check_ok(tn_state_describe(me->shared, i, &p));
        if (p.kind == TN_STATE_UPDATED) continue; /* what padding left behind the end differs */
        check_ok(tn_state_get(me->shared, p.input, &x));
        check_ok(tn_state_get(me->alone, p.input, &y));
        assert_int_equal(tn_tensor_elements(x), tn_tensor_elements(y));
        for (int64_t k = 0; k < tn_tensor_elements(x); k++)
            check(fabs((double)((float *)x->data)[k] - (double)((float *)y->data)[k]) <= tolerance,
                  "'%s' differs at %d\n", p.input, (int)k);
        tn_tensor_free(&x), tn_tensor_free(&y);
    }
    (void)b;
}

static void begin_sentence(both *b, sentence *me, const tn_state_opts *o) {
    tn_state_free(&me->shared), tn_state_free(&me->alone);
    me->past = 0;
    check_ok(tn_state_new(b->s, o, &me->shared));
    check_ok(tn_state_new(b->s, o, &me->alone));
}

/* One leaves and another comes; one goes back; one becomes a copy of another. */
static void change(both *b, sentence *all, const tn_state_opts *o, bool caches) {
    sentence *me = &all[any(SENTENCES)], *other = &all[any(SENTENCES)];
    switch (any(6)) {
    case 0: begin_sentence(b, me, o); break;
    case 1:
        if (!caches) break;
        me->past = any(me->past + 1);
        check_ok(tn_state_rewind(me->shared, me->past));
        check_ok(tn_state_rewind(me->alone, me->past));
        break;
    case 2:
        if (me == other) break;
        tn_state_free(&me->shared), tn_state_free(&me->alone);
        check_ok(tn_state_fork(other->shared, &me->shared));
        check_ok(tn_state_fork(other->alone, &me->alone));
        me->past = other->past;
        break;
    default: break;
    }
}

/* Some of the sentences, in any order; `length` >= 0: those of that length. */
static size_t choose(const sentence *all, size_t *who, int64_t length) {
    size_t n = 0;
    for (size_t i = 0; i < SENTENCES; i++)
        if (all[i].past < LONGEST && any(4) && (length < 0 || all[i].past == length)) who[n++] = i;
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)any((int64_t)i), t = who[i - 1];
        who[i - 1] = who[k], who[k] = t;
    }
    return n;
}

static void together_as_alone(void **state) {
    (void)state;
    static const tn_state_opts opts[] = { { .size = sizeof(tn_state_opts), .block = 4 },
                                          { .size = sizeof(tn_state_opts), .block = 7, .capacity = ROOM },
                                          { .size = sizeof(tn_state_opts), .block = 5, .cache = TN_F16 } };
    for (size_t k = 0; k < STATE_MODELS; k++)
        for (size_t o = 0; o < sizeof opts / sizeof *opts; o++) {
            both b;
            tn_text file;
            sentence all[SENTENCES] = { 0 };
            bool caches = state_models[k].kind == TN_STATE_APPENDED, grows = state_models[k].kind != TN_STATE_SWAPPED;
            double tolerance = caches && opts[o].cache == TN_F16 ? 4e-3 : 2e-5;
            seed = (unsigned)(k * 7 + o), called = state_models[k].name;
            state_start(&b, &state_models[k], &file, (int)o % 2 + 1, &opts[o]);
            for (size_t i = 0; i < SENTENCES; i++) begin_sentence(&b, &all[i], &opts[o]);
            for (int i = 0; i < 60; i++) {
                size_t who[SENTENCES];
                size_t n = choose(all, who, k < POSITIONED_MODELS ? all[any(SENTENCES)].past : -1);
                int64_t rows = grows && any(3) == 0 ? 1 + any(5) : 1;
                if (n) step(&b, all, who, n, rows, grows && any(2), tolerance);
                change(&b, all, &opts[o], caches);
            }
            for (size_t i = 0; i < SENTENCES; i++) {
                if (caches) assert_int_equal(tn_state_length(all[i].shared), all[i].past);
                if (all[i].past) compare(&b, &all[i], tolerance);
                tn_state_free(&all[i].shared), tn_state_free(&all[i].alone);
            }
            state_stop(&b, &file);
        }
}

/* ---------------------------------------------------------------------------------------------------------- refused */

static tn_state *fresh(both *b, int64_t block) {
    tn_state *s;
    check_ok(tn_state_new(b->s, &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = block }, &s));
    return s;
}

/* A run that must fail so, of sentences that are empty for all that the inputs know. */
static void refused(both *b, tn_state *const *states, const int64_t *rows, size_t n, tn_status status,
                    const char *text) {
    row_of s[SENTENCES];
    tn_tensor *y;
    int64_t most = 0;
    for (size_t i = 0; i < n; i++)
        if (tn_state_length(states[i]) > most) most = tn_state_length(states[i]);
    for (size_t i = 0; i < n; i++) s[i] = (row_of){ (int64_t)i, tn_state_length(states[i]), 2, 2, most };
    check_fails(run_together(b, states, rows, s, n, &y), status, text);
    assert_null(y);
}

static void wrong_groups(void **state) {
    (void)state;
    both b, other;
    tn_text file, other_file;
    state_start(&b, &state_models[POSITIONED_MODELS], &file, 1, NULL);
    state_start(&other, &state_models[POSITIONED_MODELS], &other_file, 1, NULL);
    tn_state *s[] = { fresh(&b, 4), fresh(&b, 4), fresh(&b, 4) }, *odd = fresh(&b, 3), *loose = fresh(&b, 0),
             *foreign = fresh(&other, 4), *wide, *few;
    check_ok(tn_state_new(b.s, &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = 4, .cache = TN_F16 }, &wide));
    refused(&b, (tn_state *[]){ s[0], s[1], s[0] }, NULL, 3, TN_E_INVALID, "it is state 0, too");
    refused(&b, (tn_state *[]){ s[0], foreign }, NULL, 2, TN_E_INVALID, "state 1 of the run: the state is of another");
    const tn_state_pair pair = { "past_k0", "present_k0" };
    check_ok(tn_state_new(b.s,
                          &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = 4, .pairs = &pair, .n_pairs = 1 },
                          &few));
    refused(&b, (tn_state *[]){ few, s[0], s[1] }, NULL, 3, TN_E_INVALID, "states 0 and 1 are of different pairs");
    refused(&b, (tn_state *[]){ s[0], few }, NULL, 2, TN_E_INVALID, "states 0 and 1 are of different pairs");
    refused(&b, (tn_state *[]){ s[0], odd }, NULL, 2, TN_E_INVALID, "in blocks of 4 and 3");
    refused(&b, (tn_state *[]){ s[0], wide }, NULL, 2, TN_E_INVALID, "float16");
    refused(&b, (tn_state *[]){ loose }, (int64_t[]){ 1 }, 1, TN_E_UNSUPPORTED, "tn_state_opts.block");
    refused(&b, s, (int64_t[]){ 1, -1, 2 }, 3, TN_E_INVALID, "state 1 is given -1 new rows");
    refused(&b, s, (int64_t[]){ 1, 3, 2 }, 3, TN_E_INVALID, "state 1 is given 3 new rows, but the run has 2");
    tn_tensor *in[MOST] = { 0 }, *out[MOST];
    tn_run_opts o = { .size = sizeof o, .states = s, .n_states = 3 };
    in[0] = state_given("x", 2, 1, 0);
    check_fails(tn_session_run_with(b.s, &o, b.n_in, (const tn_tensor *const *)in, b.n_out, out), TN_E_SHAPE,
                "3 states have 3 sentences together; the inputs have 2");
    o.state = s[0];
    check_fails(tn_session_run_with(b.s, &o, b.n_in, (const tn_tensor *const *)in, b.n_out, out), TN_E_INVALID,
                "exclude each other");
    o.state = NULL, o.n_states = 0;
    check_fails(tn_session_run_with(b.s, &o, b.n_in, (const tn_tensor *const *)in, b.n_out, out), TN_E_INVALID,
                "go together");
    o.states = (tn_state *[]){ s[0], NULL }, o.n_states = 2;
    check_fails(tn_session_run_with(b.s, &o, b.n_in, (const tn_tensor *const *)in, b.n_out, out), TN_E_INVALID,
                "state 1 of 2 is NULL");
    o.states = NULL, o.n_states = 0, o.new_rows = (int64_t[]){ 1 };
    check_fails(tn_session_run_with(b.s, &o, b.n_in, (const tn_tensor *const *)in, b.n_out, out), TN_E_INVALID,
                "new_rows");
    tn_tensor_free(&in[0]);
    for (int i = 0; i < 3; i++) assert_int_equal(tn_state_length(s[i]), 0), tn_state_free(&s[i]);
    tn_state_free(&odd), tn_state_free(&loose), tn_state_free(&wide), tn_state_free(&few), tn_state_free(&foreign);
    state_stop(&b, &file);
    state_stop(&other, &other_file);
}

/* A model that adds what follows from the past's length to x: one length only. */
static void one_length_is_told(void **state) {
    (void)state;
    for (size_t k = 0; k < CACHED_MODELS; k++) {
        both b;
        tn_text file;
        state_start(&b, &state_models[k], &file, 1, NULL);
        sentence all[2] = { 0 };
        for (int i = 0; i < 2; i++)
            begin_sentence(&b, &all[i], &(tn_state_opts){ .size = sizeof(tn_state_opts), .block = 4 });
        step(&b, all, (size_t[]){ 0, 1 }, 2, 3, false, 2e-5);
        step(&b, all, (size_t[]){ 0 }, 1, 1, false, 2e-5);
        tn_state *s[] = { all[0].shared, all[1].shared };
        if (k < POSITIONED_MODELS) {
            refused(&b, s, NULL, 2, TN_E_UNSUPPORTED, "these states have 3 to 4 rows: run states of one length");
            assert_int_equal(tn_state_length(s[0]), 4);
            assert_int_equal(tn_state_length(s[1]), 3);
            step(&b, all, (size_t[]){ 1 }, 1, 1, false, 2e-5);
        }
        step(&b, all, (size_t[]){ 1, 0 }, 2, 2, true, 2e-5);
        for (int i = 0; i < 2; i++) tn_state_free(&all[i].shared), tn_state_free(&all[i].alone);
        state_stop(&b, &file);
    }
}

/* seqlens_k that say something else than the states. */
static void lengths_are_compared(void **state) {
    (void)state;
    both b;
    tn_text file;
    size_t k = 0;
    while (strcmp(state_models[k].name, "GroupQueryAttention") != 0) k++;
    state_start(&b, &state_models[k], &file, 1, NULL);
    tn_state *s[] = { fresh(&b, 4), fresh(&b, 4) };
    tn_tensor *y;
    row_of told[] = { { 0, 0, 2, 2, 0 }, { 1, 0, 2, 2, 0 } };
    check_ok(run_together(&b, s, NULL, told, 2, &y));
    tn_tensor_free(&y);
    told[0] = (row_of){ 0, 2, 1, 1, 2 }, told[1] = (row_of){ 1, 1, 1, 1, 2 };
    check_fails(run_together(&b, s, NULL, told, 2, &y), TN_E_INVALID, "seqlens_k[1] is 1; the state");
    assert_int_equal(tn_state_length(s[0]), 2);
    told[1].past = 2;
    check_ok(run_together(&b, s, NULL, told, 2, &y));
    tn_tensor_free(&y);
    tn_state_free(&s[0]), tn_state_free(&s[1]);
    state_stop(&b, &file);
}

/* ------------------------------------------------------------------------------------------------------------ pools */

static uint64_t used(const tn_state_pool *p) {
    tn_state_pool_info i;
    check_ok(tn_state_pool_describe(p, &i));
    assert_true(i.used <= i.bytes && i.used <= i.most && i.most <= i.bytes);
    assert_int_equal(i.blocks == 0, i.used == 0);
    return i.used;
}

/* Blocks come from the pool and go back; forks share them; a run that finds none changes nothing. */
static void a_pool_bounds_blocks(void **state) {
    (void)state;
    both b;
    tn_text file;
    state_start(&b, &state_models[POSITIONED_MODELS], &file, 1,
                NULL); /* 4 caches, blocks of 4 heads, 4 rows, 8 floats */
    enum { EACH = HEADS * 4 * SIZE * 4, CACHES = 4 };
    tn_state_pool *pool, *kept;
    check_fails(tn_state_pool_new(0, &pool), TN_E_INVALID, "0 bytes");
    check_ok(tn_state_pool_new((uint64_t)EACH * CACHES * 5, &pool));
    tn_state_opts o = { .size = sizeof o, .block = 4, .pool = pool };
    sentence all[3] = { 0 };
    for (int i = 0; i < 3; i++) begin_sentence(&b, &all[i], &o);
    for (int i = 0; i < 3; i++) { /* those alone have memory of their own */
        tn_state_free(&all[i].alone);
        all[i].alone = fresh(&b, 4);
    }
    step(&b, all, (size_t[]){ 0, 1 }, 2, 4, false, 2e-5);
    assert_int_equal(used(pool), EACH * CACHES * 2);
    step(&b, all, (size_t[]){ 0, 1, 2 }, 3, 1, false, 2e-5);
    assert_int_equal(used(pool), EACH * CACHES * 5);
    step(&b, all, (size_t[]){ 2, 1, 0 }, 3, 3, false, 2e-5);
    tn_state *s[] = { all[0].shared, all[1].shared, all[2].shared };
    refused(&b, s, (int64_t[]){ 0, 1, 0 }, 3, TN_E_LIMIT, "state 1 of the run: no block of");
    refused(&b, s, NULL, 3, TN_E_LIMIT, "of its pool (tn_state_pool_new) are in use");
    assert_int_equal(tn_state_length(s[0]), 8);
    assert_int_equal(used(pool), EACH * CACHES * 5);
    check_ok(tn_state_rewind(s[1], 4));
    check_ok(tn_state_rewind(all[1].alone, 4));
    all[1].past = 4;
    assert_int_equal(used(pool), EACH * CACHES * 4);
    refused(&b, s, (int64_t[]){ 1, 1, 1 }, 3, TN_E_LIMIT, "no block of"); /* one gets it, and gives it back */
    assert_int_equal(used(pool), EACH * CACHES * 4);
    step(&b, all, (size_t[]){ 1 }, 1, 2, false, 2e-5);
    tn_state *twin;
    check_ok(tn_state_fork(s[0], &twin));
    assert_int_equal(used(pool), EACH * CACHES * 5);
    for (int i = 0; i < 3; i++) tn_state_free(&all[i].shared), tn_state_free(&all[i].alone);
    assert_int_equal(used(pool), EACH * CACHES * 2);
    kept = pool;
    tn_state_pool_free(&pool); /* the fork still has it */
    assert_null(pool);
    assert_int_equal(used(kept), EACH * CACHES * 2);
    tn_state_free(&twin);
    tn_state_pool_free(&pool);
    state_stop(&b, &file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(together_as_alone), cmocka_unit_test(wrong_groups),
                                        cmocka_unit_test(one_length_is_told), cmocka_unit_test(lengths_are_compared),
                                        cmocka_unit_test(a_pool_bounds_blocks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
