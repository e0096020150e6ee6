/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* files.c - a model's file that changes while a session is open: an error or the right answer, never a signal. */
#include "lib/onnx_build.h"
#include "tenon.h"
#include "test.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WIDE = 64 };
static char dir[] = "/tmp/tenon-files-XXXXXX";

static const char *in_dir(const char *name) {
    static char path[2][256];
    static unsigned turn;
    char *p = path[turn++ % 2];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* y = Gather(table, i) W: the table is read where it lies while running, W is packed. */
static void write_model(const char *path, int64_t rows) {
    ob *b = ob_new(9, 13);
    tn_tensor *table, *w;
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, WIDE }, &table));
    check_ok(tn_tensor_new(TN_F32, 2, (int64_t[]){ WIDE, WIDE }, &w));
    for (int64_t i = 0; i < rows * WIDE; i++) ((float *)table->data)[i] = (float)(i / WIDE);
    for (int i = 0; i < WIDE; i++) ((float *)w->data)[i * WIDE + i] = 2;
    ob_input(b, "i", TN_I64, "n");
    ob_node(b, "Gather", "table i", "g");
    ob_node(b, "MatMul", "g w", "y");
    ob_init(b, "table", table);
    ob_init(b, "w", w);
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.s, 1, file.n, f), file.n);
    fclose(f);
    tn_text_free(&file);
    tn_tensor_free(&table), tn_tensor_free(&w);
}

static tn_status run(tn_session *s, int64_t row, int64_t count) {
    tn_tensor *i, *y = NULL;
    check_ok(tn_tensor_new(TN_I64, 1, &count, &i));
    for (int64_t k = 0; k < count; k++) ((int64_t *)i->data)[k] = row - k;
    tn_status st = tn_session_run(s, 1, (const tn_tensor *const *)&i, 1, &y);
    for (int64_t k = 0; st == TN_OK && k < count; k++)
        check(((float *)y->data)[k * WIDE + 5] == 2 * (float)(row - k), "row %d: %g\n", (int)(row - k),
              (double)((float *)y->data)[k * WIDE + 5]);
    tn_tensor_free(&i), tn_tensor_free(&y);
    return st;
}

typedef enum { CUT, EMPTIED, REWRITTEN, RENAMED, DELETED, CHANGES } change;

static void do_change(change c, const char *path, int64_t rows) {
    char other[300];
    struct stat info;
    snprintf(other, sizeof other, "%s.new", path);
    assert_int_equal(stat(path, &info), 0);
    if (c == CUT) assert_int_equal(truncate(path, info.st_size / 2), 0);
    if (c == EMPTIED) assert_int_equal(truncate(path, 0), 0);
    if (c == REWRITTEN) {
        int fd = open(path, O_WRONLY);
        struct timespec later[2] = { { 0, UTIME_OMIT }, { info.st_mtim.tv_sec + 1, 0 } };
        assert_int_equal(pwrite(fd, "other", 5, info.st_size / 2), 5);
        assert_int_equal(futimens(fd, later), 0); /* clocks of file systems are coarse */
        close(fd);
    }
    if (c == RENAMED) {
        write_model(other, rows / 2);
        assert_int_equal(rename(other, path), 0);
    }
    if (c == DELETED) assert_int_equal(unlink(path), 0);
}

static void changed(void **state) {
    (void)state;
    static const int64_t sizes[] = { 100, 20000 }; /* copied, mapped */
    for (int size = 0; size < 2; size++)
        for (change c = 0; c < CHANGES; c++)
            for (int before = 0; before < 2; before++) { /* whether the session ran before */
                const char *path = in_dir("model.onnx");
                int64_t last = sizes[size] - 1;
                tn_model *m, *out = NULL;
                tn_session *s, *more = NULL;
                write_model(path, sizes[size]);
                check_ok(tn_model_open(path, &m));
                check_ok(tn_session_new(m, NULL, &s));
                if (before) check_ok(run(s, last, 3));
                do_change(c, path, sizes[size]);
                bool lost = size == 1 && c <= REWRITTEN;
                for (int64_t n = 3; n < 5; n++) {
                    if (lost)
                        check_fails(run(s, last, n), TN_E_IO, "model.onnx' was ");
                    else
                        check_ok(run(s, last, n));
                }
                tn_status want = lost ? TN_E_IO : TN_OK;
                assert_int_equal(tn_session_new(m, NULL, &more), want);
                assert_int_equal(tn_model_save(m, in_dir("saved.onnx")), want);
                assert_int_equal(tn_model_gradient(m, NULL, 1, (const char *[]){ "w" }, &out), want);
                tn_model_close(&out);
                tn_session_free(&more), tn_session_free(&s);
                tn_model_close(&m);
                unlink(path), unlink(in_dir("saved.onnx"));
            }
}

/* A model of gradients lies in the file of the model it was made from. */
static void through_a_copy(void **state) {
    (void)state;
    const char *path = in_dir("model.onnx");
    tn_model *m, *d;
    tn_session *s;
    write_model(path, 20000);
    check_ok(tn_model_open(path, &m));
    check_ok(tn_model_gradient(m, NULL, 1, (const char *[]){ "w" }, &d));
    check_ok(tn_session_new(d, NULL, &s));
    do_change(EMPTIED, path, 0);
    int64_t one = 1;
    tn_tensor *i, *out[2];
    check_ok(tn_tensor_new(TN_I64, 1, &one, &i));
    check_fails(tn_session_run(s, 1, (const tn_tensor *const *)&i, 2, out), TN_E_IO, "cut short");
    tn_tensor_free(&i);
    tn_session_free(&s);
    tn_model_close(&d), tn_model_close(&m);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(changed), cmocka_unit_test(through_a_copy) };
    if (!mkdtemp(dir)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
