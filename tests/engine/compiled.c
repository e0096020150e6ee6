/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* compiled.c - compiled files: the same bits as the model they were made from, weights that stay in the file and are
 * shared by processes, and what is refused: other versions, other instructions, files that are not whole. Then files
 * with every kind of damage that look whole, which may say anything and must not break anything. */
#include "base/cpu.h"
#include "base/file.h"
#include "engine/session.h"
#include "format/tnplan/tnplan.h"
#include "lib/onnx_build.h"
#include "lib/plan_models.h"
#include "test.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64], other_path[80];

static int make_paths(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/tenon-compiled-%d", (int)getpid());
    snprintf(other_path, sizeof other_path, "%s-again", path);
    return 0;
}

static int drop_paths(void **state) {
    (void)state;
    unlink(path), unlink(other_path);
    return 0;
}

static size_t run(tn_session *s, const tn_model *m, tn_tensor *out[PM_INPUTS]) {
    tn_tensor *in[PM_INPUTS];
    size_t n = pm_inputs(m, in), n_out = tn_model_outputs(m);
    for (size_t i = 0; i < PM_INPUTS; i++) out[i] = NULL;
    check_ok(tn_session_run(s, n, (const tn_tensor *const *)in, n_out, out));
    for (size_t i = 0; i < PM_INPUTS; i++) tn_tensor_free(&in[i]);
    return n_out;
}

static bool same(const tn_tensor *a, const tn_tensor *b) {
    if (a->dtype != b->dtype || !tn_dims_equal(a->rank, a->dims, b->rank, b->dims)) return false;
    const tn_string *x = a->data, *y = b->data;
    for (int64_t i = 0; a->dtype == TN_STRING && i < tn_count(a); i++)
        if (x[i].len != y[i].len || (x[i].len && memcmp(x[i].ptr, y[i].ptr, x[i].len))) return false;
    return a->dtype == TN_STRING || !memcmp(a->data, b->data, tn_tensor_bytes(a));
}

static void all_same(const char *what, size_t n, tn_tensor *a[PM_INPUTS], tn_tensor *b[PM_INPUTS]) {
    for (size_t i = 0; i < n; i++) check(same(a[i], b[i]), "%s: output %d differs\n", what, (int)i);
    for (size_t i = 0; i < n; i++) tn_tensor_free(&b[i]);
}

static tn_session *session_of(const tn_model *m) {
    tn_session *s;
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    return s;
}

static void the_same_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < PM_MODELS; i++) {
        tn_tensor *want[PM_INPUTS], *got[PM_INPUTS];
        tn_model *m, *again;
        check_ok(pm_compile(i, path, want));
        check_ok(tn_model_open(path, &m));
        tn_session *s = session_of(m);
        size_t n = run(s, m, got);
        all_same(pm_name(i), n, want, got);
        check_ok(tn_session_compile(s, other_path)); /* once more, from what was compiled */
        tn_session_free(&s);
        tn_model_close(&m);
        check_ok(tn_model_open(other_path, &again));
        s = session_of(again);
        all_same(pm_name(i), run(s, again, got), want, got);
        tn_session_free(&s);
        tn_model_close(&again);
        for (size_t k = 0; k < n; k++) tn_tensor_free(&want[k]);
    }
}

/* Names, symbols and defaults are the model's. */
static void described(void **state) {
    (void)state;
    for (size_t i = 0; i < PM_MODELS; i++) {
        tn_text file = pm_model(i);
        tn_model *m, *c;
        check_ok(tn_model_open_memory(file.s, file.n, &m));
        check_ok(pm_compile(i, path, NULL));
        check_ok(tn_model_open(path, &c));
        assert_int_equal(tn_model_inputs(m), tn_model_inputs(c));
        assert_int_equal(tn_model_outputs(m), tn_model_outputs(c));
        for (size_t k = 0; k < tn_model_inputs(m) + tn_model_outputs(m); k++) {
            bool input = k < tn_model_inputs(m);
            tn_value_info a, b;
            check_ok(input ? tn_model_input(m, k, &a) : tn_model_output(m, k - tn_model_inputs(m), &a));
            check_ok(input ? tn_model_input(c, k, &b) : tn_model_output(c, k - tn_model_inputs(m), &b));
            check(!strcmp(a.name, b.name) && a.dtype == b.dtype && a.rank == b.rank && a.optional == b.optional,
                  "%s: '%s' is described otherwise\n", pm_name(i), a.name);
            for (int d = 0; input && d < a.rank; d++) {
                assert_int_equal(a.dims[d], b.dims[d]);
                assert_true(!a.symbols[d] == !b.symbols[d]);
                if (a.symbols[d]) assert_string_equal(a.symbols[d], b.symbols[d]);
            }
        }
        tn_model_close(&c), tn_model_close(&m);
        tn_text_free(&file);
    }
}

/* Packed weights are the file's pages: nothing is packed, nobody is charged. Other sizes run, too, as they would. */
static void nothing_is_packed(void **state) {
    (void)state;
    tn_text file = pm_model(0);
    tn_model *m, *c;
    tn_tensor *x, *want = NULL, *got = NULL;
    check_ok(pm_compile(0, path, NULL));
    check_ok(tn_model_open(path, &c));
    size_t before = tn_mem_stats_of(TN_MEM_WEIGHTS).now;
    tn_session *s = session_of(c);
    tn_tensor *out[PM_INPUTS];
    run(s, c, out);
    assert_int_equal(tn_mem_stats_of(TN_MEM_WEIGHTS).now, before);
    assert_true(tn_pack_cache_bytes(s->packs) > 0);
    tn_tensor_free(&out[0]);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_session *plain = session_of(m);
    for (int64_t n = 1; n < 6; n++) {
        check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ n, 8, 9, 9 }, &x));
        for (int64_t i = 0; i < tn_count(x); i++) ((float *)x->data)[i] = (float)(i % 17) / 8 - 1;
        check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &got));
        check_ok(tn_session_run(plain, 1, (const tn_tensor *const[]){ x }, 1, &want));
        assert_true(same(want, got));
        tn_tensor_free(&x), tn_tensor_free(&got), tn_tensor_free(&want);
    }
    tn_session_free(&s), tn_session_free(&plain);
    tn_model_close(&m), tn_model_close(&c);
    tn_text_free(&file);
}

/* ------------------------------------------------------------------------------------------------------- refusals */

static tn_file *small_file(size_t i) {
    tn_file *f;
    check_ok(pm_compile(i, path, NULL));
    check_ok(tn_file_map(path, &f));
    check(!f->mapped, "%s: %zu bytes\n", pm_name(i), f->size);
    return f;
}

static void refused(void **state) {
    (void)state;
    tn_file *f = small_file(0);
    uint8_t *data = (uint8_t *)(uintptr_t)f->data, *shifted = tn_mem_alloc(f->size + 1, TN_MEM_GENERAL);
    tn_plan_header *h = (void *)data, good = *h;
    tn_model *m, *g;
    tn_session *s;
    h->version[0] = '9';
    check_fails(tn_model_open_memory(data, f->size, &m), TN_E_UNSUPPORTED, "was compiled by tenon 9");
    *h = good, h->format++;
    check_fails(tn_model_open_memory(data, f->size, &m), TN_E_UNSUPPORTED, "compile the model again");
    *h = good, h->features ^= TN_CPU_AVX512 | TN_CPU_AVX512VNNI;
    check_fails(tn_model_open_memory(data, f->size, &m), TN_E_UNSUPPORTED, "was compiled for");
    *h = good;
    for (size_t n = 0; n < f->size; n += n < 200 ? 1 : 61) {
        tn_status st = tn_model_open_memory(data, n, &m);
        check(st == TN_E_FORMAT && !m, "%zu bytes of it: %s\n", n, tn_status_name(st));
    }
    memcpy(shifted + 1, data, f->size);
    check_fails(tn_model_open_memory(shifted + 1, f->size, &m), TN_E_INVALID, "multiple of 64");
    check_ok(tn_model_open_memory(data, f->size, &m));
    check_fails(tn_model_save(m, other_path), TN_E_UNSUPPORTED, "compiled file");
    check_fails(tn_model_gradient(m, NULL, 1, (const char *const[]){ "x" }, &g), TN_E_UNSUPPORTED, "compiled file");
    tn_session_opts o = { .size = sizeof o, .threads = 1, .precision = "bf16" };
    check_fails(tn_session_new(m, &o, &s), TN_E_UNSUPPORTED, "compiled for precision 'file', not 'bf16'");
    check_fails(tn_session_compile(NULL, path), TN_E_INVALID, "NULL");
    s = session_of(m);
    check_fails(tn_session_compile(s, "/no/such/folder/x"), TN_E_IO, "/no/such/folder");
    tn_session_free(&s);
    tn_model_close(&m);
    tn_mem_free(shifted);
    tn_file_close(&f);
}

/* Internal operators of gradients count on who made them. */
static void of_gradients(void **state) {
    (void)state;
    tn_text file = pm_model(0);
    tn_model *m, *g;
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_model_gradient(m, NULL, 1, (const char *const[]){ "x" }, &g));
    tn_session *s = session_of(g);
    check_fails(tn_session_compile(s, path), TN_E_UNSUPPORTED, "of gradients");
    tn_session_free(&s);
    tn_model_close(&g), tn_model_close(&m);
    tn_text_free(&file);
}

/* Every byte that is flipped is noticed: at once up to the weights, with `inspect` in them, too. */
static void flipped(void **state) {
    (void)state;
    tn_file *f = small_file(1);
    uint8_t *data = (uint8_t *)(uintptr_t)f->data;
    const tn_plan_header *h = (const void *)data;
    const tn_plan_blob *blobs = (const void *)(data + h->table_at);
    uint64_t weights = h->graph_at + h->graph_bytes, n = h->n_blobs;
    tn_model_opts o = { .size = sizeof o, .inspect = 1 };
    tn_model *m;
    check_ok(tn_model_open_memory_with(data, f->size, &o, &m));
    tn_model_close(&m);
    for (uint64_t i = 0; i < weights; i += 1 + i / 400) {
        bool padding = (i >= offsetof(tn_plan_header, zero) && i < h->table_at) ||
                       (i >= h->table_at + n * sizeof *blobs && i < h->graph_at);
        if (padding) continue;
        data[i] ^= (uint8_t)(1 << i % 8);
        assert_true(tn_model_open_memory(data, f->size, &m) != TN_OK);
        data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (uint64_t k = 0; k < n; k++) {
        if (!blobs[k].bytes) continue;
        uint8_t *at = data + blobs[k].at + (blobs[k].bytes - 1) / (k % 3 + 1);
        *at ^= 0x10;
        check_fails(tn_model_open_memory_with(data, f->size, &o, &m), TN_E_FORMAT, "do not add up");
        *at ^= 0x10;
    }
    tn_file_close(&f);
}

/* ---------------------------------------------------------------------------------------------------------- damage */

/* What opens is run; what comes out may be anything. */
static void use(uint8_t *data, size_t size) {
    tn_model *m;
    tn_session *s;
    tn_tensor *in[PM_INPUTS], *out[8] = { NULL };
    tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = 64 << 20, .work_limit = 1 << 28 };
    tn_run_opts limits = { .size = sizeof limits, .timeout_ns = 1000000000 };
    pm_seal(data, size);
    tn_status st = tn_model_open_memory(data, size, &m);
    if (st != TN_OK) {
        assert_true(*tn_error() && !m);
        return;
    }
    size_t n = pm_inputs(m, in), n_out = tn_model_outputs(m);
    if (n == tn_model_inputs(m) && n_out <= TN_COUNT(out) && tn_session_new(m, &o, &s) == TN_OK) {
        tn_session_run_with(s, &limits, n, (const tn_tensor *const *)in, n_out, out);
        tn_session_free(&s);
    }
    for (size_t i = 0; i < TN_COUNT(out); i++) tn_tensor_free(&out[i]);
    for (size_t i = 0; i < PM_INPUTS; i++) tn_tensor_free(&in[i]);
    tn_model_close(&m);
}

/* Header, table and graph a byte at a time, some values each; then cut off anywhere. */
static void damaged(void **state) {
    (void)state;
    static const uint8_t masks[] = { 0x01, 0x80, 0xff, 0x04 };
    for (size_t i = 0; i < PM_MODELS; i++) {
        tn_file *f = small_file(i);
        size_t before = tn_mem_stats_all().now;
        const tn_plan_header *h = (const void *)f->data;
        uint64_t end = h->graph_at + h->graph_bytes;
        uint8_t *copy = tn_mem_alloc(f->size, TN_MEM_GENERAL);
        for (uint64_t k = offsetof(tn_plan_header, table_at); k < end; k++) {
            memcpy(copy, f->data, f->size);
            copy[k] ^= masks[k % TN_COUNT(masks)];
            use(copy, f->size);
        }
        for (size_t n = 0; n < f->size; n += 97) {
            memcpy(copy, f->data, n);
            use(copy, n);
        }
        tn_mem_free(copy);
        assert_int_equal(tn_mem_stats_all().now, before);
        tn_file_close(&f);
    }
}

/* ------------------------------------------------------------------------------------------------ several processes */

enum { WIDTH = 1200 };

static void compile_large(void) {
    ob *b = ob_new(9, 17);
    tn_tensor *w, *x, *y = NULL;
    tn_model *m;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ WIDTH, WIDTH }, &w));
    for (int i = 0; i < WIDTH * WIDTH; i++) ((float *)w->data)[i] = (float)(i % 11) / 8 - 0.5f;
    ob_input(b, "x", TN_F32, "1,1200");
    ob_init(b, "w", w);
    ob_node(b, "MatMul", "x w", "y");
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    tn_session *s = session_of(m);
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ 1, WIDTH }, &x));
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y));
    check_ok(tn_session_compile(s, path));
    tn_tensor_free(&w), tn_tensor_free(&x), tn_tensor_free(&y);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
}

/* KiB of this process's mappings of the file, and its part of pages that others map, too. */
static void mapped_size(long *rss, long *pss) {
    char line[512];
    bool ours = false;
    long v;
    FILE *f = fopen("/proc/self/smaps", "r");
    *rss = *pss = 0;
    while (f && fgets(line, sizeof line, f)) {
        if (strchr(line, '-') && strchr(line, ' ') && strchr(line, '-') < strchr(line, ' '))
            ours = strstr(line, path) != NULL;
        if (ours && sscanf(line, "Rss: %ld", &v) == 1) *rss += v;
        if (ours && sscanf(line, "Pss: %ld", &v) == 1) *pss += v;
    }
    if (f) fclose(f);
}

/* Runs, says so, and measures when told to: 0 when it is as it should be. */
static int process(int ready, int go) {
    tn_model *m;
    tn_session *s;
    tn_tensor *x, *y = NULL;
    char byte = 0;
    long rss, pss;
    tn_session_opts o = { .size = sizeof o, .threads = 1 };
    if (tn_model_open(path, &m) != TN_OK || tn_session_new(m, &o, &s) != TN_OK) return 1;
    if (tn_tensor_new(TN_F32, 2, (int64_t[]){ 1, WIDTH }, &x) != TN_OK) return 2;
    if (tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &y) != TN_OK) return 3;
    if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1) return 4;
    mapped_size(&rss, &pss);
    if (rss < WIDTH * WIDTH * 4 / 1024 * 9 / 10) return 5;                /* the weights are there */
    if (pss > rss * 6 / 10) return 6;                                     /* and half of them is the other's */
    if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1) return 7; /* nobody leaves before all have looked */
    return 0;
}

/* A process that ends says so by closing its pipe. */
static void shared_pages(void **state) {
    (void)state;
    int ready[2][2], go[2][2], status;
    pid_t id[2];
    char byte = 0;
    signal(SIGPIPE, SIG_IGN); /* a process that has gone reads nothing */
    compile_large();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(ready[i]), 0);
        assert_int_equal(pipe(go[i]), 0);
        if (!(id[i] = fork())) _exit(process(ready[i][1], go[i][0]));
        close(ready[i][1]), close(go[i][0]);
    }
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 2; i++) (void)!read(ready[i][0], &byte, 1);
        for (int i = 0; i < 2; i++) (void)!write(go[i][1], &byte, 1);
    }
    for (int i = 0; i < 2; i++) {
        close(ready[i][0]), close(go[i][1]);
        assert_int_equal(waitpid(id[i], &status, 0), id[i]);
        check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d: status %x\n", i, (unsigned)status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_same_bits),     cmocka_unit_test(described),
                                        cmocka_unit_test(nothing_is_packed), cmocka_unit_test(refused),
                                        cmocka_unit_test(of_gradients),      cmocka_unit_test(flipped),
                                        cmocka_unit_test(damaged),           cmocka_unit_test(shared_pages) };
    return cmocka_run_group_tests_name("engine/compiled", tests, make_paths, drop_paths);
}
