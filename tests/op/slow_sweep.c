/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* slow_sweep.c - every case of the ONNX backend tests, damaged in every way that model_mutations.h knows, taken through
 * everything that model_trial.h does. Run under ASan and UBSan it finds reads and writes out of bounds; anywhere it
 * finds crashes, endless loops, memory that is not given back, refusals that do not say where, answers that change.
 *
 *     TN_SWEEP=all | N      every mutant, or one of N (default: as many as take about a minute under sanitizers)
 *     TN_SWEEP_SEED=S       which ones (default 1)
 *     TN_SWEEP_CASE=NAME    cases whose name begins so
 *     TN_SWEEP_KEEP=DIR     mutants that break a promise are written there
 *
 * Cases run in processes of their own; one that dies is a finding, and its successor goes on behind that mutant. */
#include "base/asan.h"
#include "base/file.h"
#include "base/mem.h"
#include "lib/model_mutations.h"
#include "lib/model_trial.h"
#include "test.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASES "/usr/share/libonnx-testdata/data"
enum { MOST_BYTES = 200000, SECONDS = 20, LOOP_SECONDS = 1, MOST_FINDINGS = 8, MOST_CASES = 4096, USUAL_SHARE = 40 };

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static struct shared {
    size_t next; /* the mutant that is being tried, or the first not yet tried */
    long trials, ran, refused, gradients, endless;
    int findings;
    char step[40], what[300], op[64], feed[64], endless_feed[64];
} * shared;

static struct {
    char *dirs[MOST_CASES];
    int n;
    uint64_t share, seed;
    const char *only, *keep, *list;
    char scratch[64], errors[64];
    FILE *report; /* the children's own standard error is caught */
} set;

/* --------------------------------------------------------------------------------------------------- finding cases */

static void find_cases(const char *dir, int depth) {
    struct dirent **list;
    char path[1024];
    if (snprintf(path, sizeof path, "%s/model.onnx", dir) >= (int)sizeof path) return;
    if (!access(path, R_OK)) {
        if (set.n < MOST_CASES) set.dirs[set.n++] = strdup(dir);
        return;
    }
    int n = depth < 4 ? scandir(dir, &list, NULL, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        int len = snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        if (list[i]->d_name[0] != '.' && len < (int)sizeof path) find_cases(path, depth + 1);
        free(list[i]);
    }
    if (n >= 0) free(list);
}

static const char *base_name(const char *path) { return strrchr(path, '/') + 1; }

/* The same mutants of a case whatever other cases there are. */
static bool chosen(const char *name, size_t k) {
    uint64_t h = set.seed * 0x9e3779b97f4a7c15u + k;
    for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    h ^= h >> 29, h *= 0xbf58476d1ce4e5b9u, h ^= h >> 32;
    return h % set.share == 0;
}

/* ------------------------------------------------------------------------------------------------------- one mutant */

static void keep_file(const char *name, size_t k, const tn_text *file) {
    char path[600];
    if (!set.keep) return;
    snprintf(path, sizeof path, "%s/%s-%zu.onnx", set.keep, name, k);
    if (tn_file_write(path, file->s, file->n) != TN_OK) print_error("cannot write %s\n", path);
}

static void say(const char *kind, const char *name, const char *why) {
    fprintf(set.report, "%s: %s #%zu: %s: %s\n", kind, name, shared->next, shared->what, why);
    fflush(set.report);
    if (set.list) {
        FILE *f = fopen(set.list, "a");
        if (f)
            fprintf(f, "%s\t%s\t%s\t%zu\t%s\t%s\n", kind, shared->op, name, shared->next, shared->what, why), fclose(f);
    }
    shared->findings++;
}

/* Of this process's own work, whatever else the machine does; SIGPROF ends it. */
static void seconds(int n) { setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = n }, NULL); }

static void try_mutant(const char *name, const tn_text *model, size_t k) {
    mm_mutant m;
    mt_report r;
    shared->next = k;
    if (!mm_make(model->s, model->n, k, &m)) return;
    snprintf(shared->what, sizeof shared->what, "%s", m.what);
    snprintf(shared->op, sizeof shared->op, "%s", m.op);
    if (*m.feed && !strcmp(m.feed, shared->endless_feed)) { /* more rounds than anybody waits for: once is enough */
        tn_text_free(&m.file);
        return;
    }
    snprintf(shared->feed, sizeof shared->feed, "%s", m.feed);
    mt_trial how = { .scratch = set.scratch,
                     .step = shared->step,
                     .gradient = true,
                     .saving = true,
                     .compiling = true,
                     .named = true,
                     .feed = m.feed };
    if (*m.feed) how.good = model->s, how.good_n = model->n;
    seconds(memmem(model->s, model->n, "Loop", 4) ? LOOP_SECONDS : SECONDS);
    bool held = mt_try(m.file.s, m.file.n, &how, &r);
    seconds(0);
    shared->trials++;
    shared->ran += r.run == TN_OK;
    shared->refused += r.open != TN_OK || (r.run != TN_OK && r.run != TN_STATUS_COUNT);
    shared->gradients += r.gradient == TN_OK;
    if (held && m.same_meaning && r.run != TN_OK) {
        snprintf(r.broken, sizeof r.broken, "is refused: %.300s", r.sentence);
        held = false;
    }
    if (!held) {
        say("broken", name, r.broken);
        keep_file(name, k, &m.file);
    }
    tn_text_free(&m.file);
}

/* --------------------------------------------------------------------------------------------------------- one case */

/* In the child: from mutant `from` on. */
static void try_from(const char *name, const tn_text *model, size_t from, size_t count) {
    int fd = open(set.errors, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    struct rlimit no_core = { 0, 0 };
    static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }; /* which cmocka has taken over */
    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < TN_COUNT(deadly) && !TN_ASAN; i++) signal(deadly[i], SIG_DFL);
    if (fd >= 0) dup2(fd, 2);
    for (size_t k = from; k < count && shared->findings < MOST_FINDINGS; k++)
        if (chosen(name, k)) try_mutant(name, model, k);
    shared->next = count;
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) _exit(3);
    _exit(0);
}

/* What the sanitizer said: its first line and the first functions of ours. */
static void read_errors(char *why, size_t n) {
    char line[1000];
    FILE *f = fopen(set.errors, "r");
    size_t at = 0;
    int frames = 0;
    why[0] = 0;
    while (f && fgets(line, sizeof line, f) && frames < 4) {
        char *start = strstr(line, "ERROR: "), *in = strstr(line, " in "), *ub = strstr(line, "runtime error: ");
        line[strcspn(line, "\n")] = 0;
        if (start || ub)
            at += (size_t)snprintf(why + at, at < n ? n - at : 0, "%.150s", start ? start : line);
        else if (in && strstr(line, "src/"))
            at += (size_t)snprintf(why + at, at < n ? n - at : 0, " <%.100s", in + 4), frames++;
        if (at >= n) at = n - 1;
    }
    if (f) fclose(f);
}

static void ended(const char *name, const tn_text *model, int status) {
    char why[800], sanitizer[600];
    mm_mutant m;
    read_errors(sanitizer, sizeof sanitizer);
    bool slow = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
    snprintf(why, sizeof why, "%s while %s %s",
             slow                       ? "takes too long"
             : WIFSIGNALED(status)      ? strsignal(WTERMSIG(status))
             : WEXITSTATUS(status) == 3 ? "leaks"
                                        : "ended",
             shared->step, sanitizer);
    if (slow && memmem(model->s, model->n, "Loop", 4)) { /* so many rounds were asked for */
        shared->endless++;
        memcpy(shared->endless_feed, shared->feed, sizeof shared->feed);
        return;
    }
    say(slow ? "hang" : "crash", name, why);
    if (mm_make(model->s, model->n, shared->next, &m)) {
        keep_file(name, shared->next, &m.file);
        tn_text_free(&m.file);
    }
}

static void sweep_case(const char *dir) {
    tn_text model;
    const char *name = base_name(dir);
    if (!mt_load_case(dir, MOST_BYTES, &model)) {
        tn_text_free(&model);
        return;
    }
    size_t count = mm_count(model.s, model.n);
    int before = shared->findings;
    long total = before;
    shared->findings = 0;
    shared->endless_feed[0] = 0;
    for (size_t from = 0; from < count && shared->findings < MOST_FINDINGS; from = shared->next + 1) {
        int status;
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) try_from(name, &model, from, count);
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && !WEXITSTATUS(status)) break;
        ended(name, &model, status);
    }
    shared->findings += (int)total;
    tn_text_free(&model);
}

static void every_case(void **state) {
    (void)state;
    int tried = 0;
    find_cases(CASES, 0);
    check(set.n > 900, "%d cases below " CASES ": libonnx-testdata is not installed\n", set.n);
    for (int i = 0; i < set.n; i++) {
        if (!set.only || !strncmp(base_name(set.dirs[i]), set.only, strlen(set.only))) sweep_case(set.dirs[i]), tried++;
        free(set.dirs[i]);
    }
    print_message("%d cases, %ld mutants: %ld ran, %ld were refused, %ld were differentiated\n", tried, shared->trials,
                  shared->ran, shared->refused, shared->gradients);
    check(set.only || (shared->ran > shared->trials / 10 && shared->refused > shared->trials / 10 && shared->gradients),
          "the sweep does not reach what it is for\n");
    check(!shared->findings, "%d findings\n", shared->findings);
}

int main(void) {
    const char *share = getenv("TN_SWEEP"), *seed = getenv("TN_SWEEP_SEED");
    set.share = !share ? USUAL_SHARE : !strcmp(share, "all") ? 1 : strtoull(share, NULL, 10);
    if (!set.share) set.share = 1;
    set.seed = seed ? strtoull(seed, NULL, 10) : 1;
    set.only = getenv("TN_SWEEP_CASE");
    if (set.only && !*set.only) set.only = NULL;
    set.keep = getenv("TN_SWEEP_KEEP");
    set.list = getenv("TN_SWEEP_LIST");
    snprintf(set.scratch, sizeof set.scratch, "/tmp/tenon_sweep_%d.onnx", (int)getpid());
    snprintf(set.errors, sizeof set.errors, "/tmp/tenon_sweep_%d.txt", (int)getpid());
    set.report = fdopen(dup(2), "w");
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_case) };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || !set.report) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(set.scratch);
    unlink(set.errors);
    return failed;
}
