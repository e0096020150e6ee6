/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tune.c - choosing implementations by measuring: what is kept, found again, shared; files of all kinds. */
#include "engine/tune.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/session.h"
#include "engine/timings.h"
#include "lib/onnx_build.h"
#include "test.h"
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tenon-tune-XXXXXX", file[64];

static int begin(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(file, sizeof file, "%s/a/b/timings", folder); /* folders that are not there */
    return 0;
}

static int end(void **state) {
    (void)state;
    char dir[64];
    unlink(file);
    snprintf(dir, sizeof dir, "%s/a/b", folder);
    rmdir(dir);
    snprintf(dir, sizeof dir, "%s/a", folder);
    rmdir(dir);
    return rmdir(folder);
}

/* y = Conv(x, w); z = MatMul(y, v): rows with several implementations. */
static tn_model *new_model(void) {
    static float w[24 * 24 * 9], v[20 * 12];
    tn_model *m;
    ob *b = ob_new(9, 13);
    for (int i = 0; i < (int)TN_COUNT(w); i++) w[i] = 0.01f * (float)(i % 37 - 18);
    for (int i = 0; i < (int)TN_COUNT(v); i++) v[i] = 0.1f * (float)(i % 7 - 3);
    ob_input(b, "x", TN_F32, "1,24,20,20");
    ob_floats_init(b, "w", "24,24,3,3", w, TN_COUNT(w));
    ob_floats_init(b, "v", "20,12", v, TN_COUNT(v));
    ob_node(b, "Conv", "x w", "y");
    ob_ints(b, "pads", (int64_t[]){ 1, 1, 1, 1 }, 4);
    ob_node(b, "MatMul", "y v", "z");
    ob_output(b, "z");
    tn_text text = ob_finish(b);
    check_ok(tn_model_open_memory(text.s, text.n, &m));
    tn_text_free(&text);
    return m;
}

static tn_tensor *run(tn_session *s) {
    tn_tensor *x, *z = NULL;
    check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, 24, 20, 20 }, &x));
    for (int64_t i = 0; i < tn_count(x); i++) ((float *)x->data)[i] = 0.1f * (float)(i % 23 - 11);
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &z));
    tn_tensor_free(&x);
    return z;
}

/* A session that tunes with this file, and its result, compared with the one of the estimates' choices. */
static tn_session *tuned(const tn_model *m, const char *path, int plain) {
    tn_session_opts o = { .size = sizeof o, .threads = 1, .tune = 1, .tune_cache = path, .no_optimize = plain };
    tn_session *s, *usual;
    check_ok(tn_session_new(m, &o, &s));
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof o, .threads = 1 }, &usual));
    tn_tensor *z = run(s), *want = run(usual);
    for (int64_t i = 0; i < tn_count(z); i++) {
        double a = (double)((float *)z->data)[i], b = (double)((float *)want->data)[i];
        check(fabs(a - b) <= 1e-4 * (1 + fabs(b)), "element %lld is %g, expected %g\n", (long long)i, a, b);
    }
    tn_tensor_free(&z), tn_tensor_free(&want);
    tn_session_free(&usual);
    return s;
}

static void measured_once(void **state) {
    (void)state;
    tn_model *m = new_model();
    tn_session *s = tuned(m, file, 0);
    size_t known = tn_timings_count(tn_tune_chosen(s->tune));
    int measured = tn_tune_measured(s->tune);
    assert_true(measured >= 2 && known == 2);
    tn_session_free(&s);
    s = tuned(m, file, 0);
    assert_int_equal(tn_tune_measured(s->tune), 0);
    assert_int_equal(tn_timings_count(tn_tune_chosen(s->tune)), known);
    tn_session_free(&s);
    s = tuned(m, "", 0); /* nothing is kept: it measures again */
    assert_true(tn_tune_measured(s->tune) > 0);
    tn_session_free(&s);
    tn_model_close(&m);
}

static const char *conv_runs_with(const tn_session *s) {
    for (int i = 0; i < s->plans->n_steps; i++)
        if (!strcmp(s->plans->steps[i].node->type, "Conv")) return s->plans->steps[i].impl->name;
    return "";
}

/* The text of timings with another implementation in the first line of a convolution. */
static tn_text renamed(const tn_text *from, const char *impl) {
    tn_text t = { 0 };
    const char *at = strstr(from->s, "Conv");
    assert_non_null(at);
    const char *tab = strchr(at, '\t'), *next = strchr(tab + 1, '\t');
    tn_text_put(&t, from->s, (size_t)(tab + 1 - from->s));
    tn_text_puts(&t, impl);
    tn_text_puts(&t, next);
    return t;
}

/* A compiled file brings along what was chosen when it was packed; nothing is measured. */
static void check_compiled(tn_session *from, const char *impl) {
    char path[80];
    tn_model *m;
    tn_session *s;
    snprintf(path, sizeof path, "%s/model.tnplan", folder);
    check_ok(tn_session_compile(from, path));
    check_ok(tn_model_open(path, &m));
    check_ok(tn_session_new(m, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = 1 }, &s));
    tn_tensor *z = run(s), *want = run(from);
    assert_string_equal(conv_runs_with(s), impl);
    assert_int_equal(tn_tune_measured(s->tune), 0);
    assert_memory_equal(z->data, want->data, tn_tensor_bytes(want));
    tn_tensor_free(&z), tn_tensor_free(&want);
    tn_session_free(&s);
    tn_model_close(&m);
    unlink(path);
}

/* What the file says is done, whatever it is, when it fits; what does not fit is chosen anew. */
static void the_file_decides(void **state) {
    (void)state;
    static const char *const names[] = {
        "reordered", "columns", "direct", "interleaved", "depthwise", "no-such-thing"
    };
    tn_model *m = new_model();
    tn_text known = { 0 };
    tn_session *s = tuned(m, "", 1);
    tn_timings_export(tn_tune_chosen(s->tune), &known);
    tn_session_free(&s);
    for (size_t i = 0; i < TN_COUNT(names); i++) {
        tn_text t = renamed(&known, names[i]);
        check_ok(tn_file_write(file, t.s, t.n));
        s = tuned(m, file, 1);
        if (i < 3) assert_string_equal(conv_runs_with(s), names[i]);
        if (i < 3) check_compiled(s, names[i]);
        if (i >= 4) assert_string_not_equal(conv_runs_with(s), names[i]);
        tn_session_free(&s);
        tn_text_free(&t);
    }
    tn_text_free(&known);
    tn_model_close(&m);
}

static void hostile_files(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
#define TEXT(s) { s, sizeof s - 1 }
        TEXT(""),
        TEXT("\n\n\n"),
        TEXT("\t\t\t\n"),
        TEXT("a\tb\tc\n"),
        TEXT("a\tb\tc\td\te\n"),
        TEXT("a\tb\tc\t-1\n"),
        TEXT("a\tb\tc\t1x\n"),
        TEXT("a\tb\tc\t99999999999999999999999\n"),
        TEXT("a\0b\tb\tc\t1\n"),
        TEXT("\0\0\0\0"),
        TEXT("\x7f"
             "ELF\x02\x01\x01"),
        TEXT("a\tb\tc\t1"),
        TEXT("# only a comment"),
        TEXT("\xff\xfe\tb\tc\t1\n"),
        TEXT("a\tb\tc\t1\r\n"),
        TEXT("\t"),
        TEXT("a\tb\t\t1\n"),
#undef TEXT
    };
    tn_model *m = new_model();
    tn_log_set(TN_LOG_ERROR);
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        check_ok(tn_file_write(file, rows[i].text, rows[i].n));
        tn_session *s = tuned(m, file, 0);
        assert_true(tn_tune_measured(s->tune) > 0);
        tn_session_free(&s);
        s = tuned(m, file, 0); /* it has been written, and is whole again */
        assert_int_equal(tn_tune_measured(s->tune), 0);
        tn_session_free(&s);
    }
    tn_session *s = tuned(m, folder, 0); /* a folder, and a place where nothing can be written: warnings */
    tn_session_free(&s);
    s = tuned(m, "/proc/no/such/place", 0);
    tn_session_free(&s);
    tn_log_set(TN_LOG_WARN);
    tn_model_close(&m);
}

static void long_lines(void **state) {
    (void)state;
    tn_timings *t = tn_timings_new();
    tn_text text = { 0 };
    tn_log_set(TN_LOG_ERROR);
    for (int i = 0; i < TN_TIMINGS_LINE; i++) tn_text_puts(&text, "m");
    tn_text_puts(&text, "\twhat\tname\t1\nmachine\twhat\tname\t2\n");
    tn_timings_import(t, text.s, text.n, "a text");
    assert_int_equal(tn_timings_count(t), 1);
    check_fails(tn_timings_put(t, "machine", text.s, "x", 1), TN_E_LIMIT, "4096 bytes");
    assert_null(tn_timings_find(t, text.s, "what"));
    text.n = 0;
    for (int i = 0; i < TN_TIMINGS_MAX + 10; i++) tn_text_printf(&text, "m\twhat %d\tname\t1\n", i);
    tn_timings_import(t, text.s, text.n, "a text");
    assert_int_equal(tn_timings_count(t), TN_TIMINGS_MAX);
    tn_log_set(TN_LOG_WARN);
    tn_text_free(&text);
    tn_timings_free(&t);
}

/* What is written is read again; what another has written meanwhile stays; ours counts where both know something. */
static void shared(void **state) {
    (void)state;
    tn_timings *a = tn_timings_new(), *b = tn_timings_new(), *c = tn_timings_new();
    tn_text one = { 0 }, two = { 0 };
    unlink(file);
    check_ok(tn_timings_put(a, "machine; 1 thread", "Conv [1x2]", "blocked", 12));
    check_ok(tn_timings_put(a, "machine; 1 thread", "Conv [1x2]", "winograd", 11));
    check_ok(tn_timings_put(b, "machine; 1 thread", "Conv [1x2]", "direct", 99));
    check_ok(tn_timings_put(b, "other; 2 threads", "Conv [1x2]", "direct", UINT64_MAX));
    check_ok(tn_timings_save(b, file));
    check_ok(tn_timings_save(a, file));
    tn_timings_load(c, file);
    assert_int_equal(tn_timings_count(c), 2);
    assert_string_equal(tn_timings_find(c, "machine; 1 thread", "Conv [1x2]")->impl, "winograd");
    assert_true(tn_timings_find(c, "other; 2 threads", "Conv [1x2]")->ns == UINT64_MAX);
    assert_null(tn_timings_find(c, "machine; 1 thread", "Conv [1x3]"));
    tn_timings_export(a, &one), tn_timings_export(c, &two);
    assert_string_equal(one.s, two.s);
    tn_text_free(&one), tn_text_free(&two);
    tn_timings_free(&a), tn_timings_free(&b), tn_timings_free(&c);
}

/* A deadline is kept while measuring, too, and the next run goes on. */
static void a_deadline(void **state) {
    (void)state;
    tn_model *m = new_model();
    tn_session_opts o = { .size = sizeof o, .threads = 1, .tune = 1, .tune_cache = "" };
    tn_session *s;
    tn_tensor *x, *z = NULL;
    check_ok(tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, 24, 20, 20 }, &x));
    memset(x->data, 0, tn_tensor_bytes(x));
    check_ok(tn_session_new(m, &o, &s));
    tn_run_opts r = { .size = sizeof r, .timeout_ns = 1 };
    check_fails(tn_session_run_with(s, &r, 1, (const tn_tensor *const[]){ x }, 1, &z), TN_E_LIMIT, "");
    check_ok(tn_session_run(s, 1, (const tn_tensor *const[]){ x }, 1, &z));
    tn_tensor_free(&x), tn_tensor_free(&z);
    tn_session_free(&s);
    tn_model_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(measured_once), cmocka_unit_test(the_file_decides),
                                        cmocka_unit_test(hostile_files), cmocka_unit_test(long_lines),
                                        cmocka_unit_test(shared),        cmocka_unit_test(a_deadline) };
    return cmocka_run_group_tests(tests, begin, end);
}
