/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* file.c - mapping and atomic writing. */
#include "base/file.h"
#include "base/mem.h"
#include "test.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *in_dir(const char *name) {
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void expect_file(const char *path, const void *data, size_t n) {
    tn_file *f;
    check_ok(tn_file_map(path, &f));
    assert_int_equal(f->size, n);
    if (n)
        assert_memory_equal(f->data, data, n);
    else
        assert_null(f->data);
    assert_string_equal(f->path, path);
    tn_file_close(&f);
    assert_null(f);
}

static void whole(void **state) {
    (void)state;
    check_ok(tn_file_write(in_dir("a"), "hello", 5));
    expect_file(in_dir("a"), "hello", 5);
    check_ok(tn_file_write(in_dir("a"), NULL, 0));
    expect_file(in_dir("a"), NULL, 0);
    check_ok(tn_file_write("/dev/null", "gone", 4)); /* must not replace the device */
    struct stat s;
    assert_int_equal(stat("/dev/null", &s), 0);
    assert_true(S_ISCHR(s.st_mode));
}

static void pieces(void **state) {
    (void)state;
    size_t n = 300000;
    uint8_t *data = malloc(n);
    for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(i * 7 + i / 256);
    tn_writer *w;
    check_ok(tn_writer_open(in_dir("b"), &w));
    for (size_t at = 0, step = 1; at < n; at += step, step = step * 3 + 1) {
        if (step > n - at) step = n - at;
        check_ok(tn_writer_put(w, data + at, step));
        assert_int_not_equal(access(in_dir("b"), F_OK), 0); /* not before commit */
    }
    check_ok(tn_writer_commit(&w));
    assert_null(w);
    expect_file(in_dir("b"), data, n);
    check_ok(tn_writer_open(in_dir("b"), &w));
    check_ok(tn_writer_put(w, "x", 1));
    tn_writer_abort(&w);
    expect_file(in_dir("b"), data, n);
    free(data);
}

static void links(void **state) {
    (void)state;
    check_ok(tn_file_write(in_dir("target"), "1", 1));
    assert_int_equal(chmod(in_dir("target"), 0640), 0);
    assert_int_equal(symlink("target", in_dir("link")), 0);
    check_ok(tn_file_write(in_dir("link"), "22", 2));
    struct stat s;
    assert_int_equal(lstat(in_dir("link"), &s), 0);
    assert_true(S_ISLNK(s.st_mode));
    expect_file(in_dir("target"), "22", 2);
    assert_int_equal(stat(in_dir("target"), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0640);
}

static void wrong(void **state) {
    (void)state;
    tn_file *f;
    check_fails(tn_file_map(in_dir("missing"), &f), TN_E_IO, "missing");
    assert_null(f);
    check_fails(tn_file_map(dir, &f), TN_E_IO, "folder");
    check_fails(tn_file_map("/dev/null", &f), TN_E_IO, "device");
    check_fails(tn_file_write(in_dir("no/such/folder"), "x", 1), TN_E_IO, "no/such/folder");
    check_fails(tn_file_write(dir, "x", 1), TN_E_IO, dir);
    for (unsigned i = 1; i < 6; i++) {
        tn_mem_fail_every(i);
        if (tn_file_map(in_dir("a"), &f) == TN_OK) tn_file_close(&f);
        (void)!tn_file_write(in_dir("c"), "x", 1);
        tn_mem_fail_every(0);
    }
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) assert_null(strstr(e->d_name, ".tmp"));
    closedir(d);
}

static int set_up(void **state) {
    (void)state;
    strcpy(dir, "/tmp/tenon-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int clear(void **state) {
    (void)state;
    static const char *const all[] = { "a", "b", "c", "link", "target" };
    for (size_t i = 0; i < TN_COUNT(all); i++) unlink(in_dir(all[i]));
    return rmdir(dir);
}

/* What is no regular file is refused at once, whatever waits at its other end. */
static void not_files(void **state) {
    (void)state;
    tn_file *f;
    assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
    alarm(20); /* were it opened like a file, the test would wait for ever */
    check_fails(tn_file_map(in_dir("pipe"), &f), TN_E_IO, "a pipe, not a file");
    check_fails(tn_file_map(dir, &f), TN_E_IO, "a folder, not a file");
    check_fails(tn_file_map("/dev/zero", &f), TN_E_IO, "a device, not a file");
    check_fails(tn_file_map(in_dir("missing"), &f), TN_E_IO, "cannot open");
    assert_null(f);
    alarm(0);
    unlink(in_dir("pipe"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(whole), cmocka_unit_test(not_files), cmocka_unit_test(pieces),
                                        cmocka_unit_test(links), cmocka_unit_test(wrong) };
    return cmocka_run_group_tests_name("base/file", tests, set_up, clear);
}
