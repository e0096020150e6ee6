/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test.c - `tenon test`: runs folders in the layout of the ONNX backend tests and counts. Each case runs in a process
 * of its own, so that a crash is one failure. */
#include "base/file.h"
#include "base/map.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/test_case.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    tn_case_opts run;
    int timeout;
    bool quiet, no_fork, shapes;
    const char *tolerances, *skips, *pins, *list;
} set = { .run = { .rtol = 1e-3f, .atol = 1e-7f }, .timeout = 120 };

static const tn_option options[] = {
    { "--rtol", TN_OPT_FLOAT, &set.run.rtol, "X", "relative tolerance (default: 1e-3)", 0, 1e30 },
    { "--atol", TN_OPT_FLOAT, &set.run.atol, "X", "absolute tolerance (default: 1e-7)", 0, 1e30 },
    { "--tolerances", TN_OPT_STRING, &set.tolerances, "FILE",
      "tolerances of single cases, one per line: NAME: RTOL ATOL", 0, 0 },
    { "--skips", TN_OPT_STRING, &set.skips, "FILE", "cases not to run, one per line: NAME: REASON", 0, 0 },
    { "--pins", TN_OPT_STRING, &set.pins, "FILE",
      "cases that must pass, one per line; failures outside the list count as skipped", 0, 0 },
    { "--list", TN_OPT_STRING, &set.list, "FILE", "write the names of the cases that passed", 0, 0 },
    { "--timeout", TN_OPT_INT, &set.timeout, "S", "seconds a case may take (default: 120)", 1, 86400 },
    { "--no-optimize", TN_OPT_FLAG, &set.run.no_optimize, NULL, "run the graphs as they stand", 0, 0 },
    TN_DEVICE_OPTIONS(set.run.device, set.run.require_device),
    { "--reload", TN_OPT_FLAG, &set.run.reload, NULL, "run the models as they are after saving and opening again", 0,
      0 },
    { "--vary", TN_OPT_INT, &set.run.vary, "SEED",
      "open the sizes of the inputs, and run other sizes before each data set on the same session", 1, 1e9 },
    { "--ranges", TN_OPT_INT, &set.run.ranges, "SEED",
      "plan for ranges of sizes about those of the data, and count whom such a plan served", 1, 1e9 },
    { "--no-fork", TN_OPT_FLAG, &set.no_fork, NULL, "run all cases in this process", 0, 0 },
    { "--shapes", TN_OPT_FLAG, &set.shapes, NULL, "print which outputs' shapes cannot be inferred, and how many can", 0,
      0 },
    { "--quiet", TN_OPT_FLAG, &set.quiet, NULL, "print the last line only", 0, 0 },
};

static const tn_command_usage usage = {
    .name = "test",
    .args = "DIR...",
    .doc = "Runs every folder below DIR that holds a model.onnx and test_data_set_* folders (the layout of the ONNX "
           "backend\ntests), compares the outputs with the stored ones and with the types and shapes that can be "
           "inferred, and prints what\nfailed and why. The last line counts.\nA case runs with one thread unless "
           "--threads says otherwise.",
    .examples = "  tenon test /usr/share/libonnx-testdata/data\n"
                "  tenon test --threads 2 /usr/share/libonnx-testdata/data/node/test_relu\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = -1,
};

typedef struct {
    char **v;
    size_t n, cap;
} case_list;

/* -------------------------------------------------------------------------------------------------- finding cases */

static bool add_case(case_list *o, const char *dir) {
    if (o->n == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 256;
        char **grown = realloc(o->v, o->cap * sizeof *grown);
        if (!grown) return false;
        o->v = grown;
    }
    return (o->v[o->n++] = strdup(dir)) != NULL;
}

static bool find_cases(case_list *o, const char *dir, int depth) {
    if (tn_case_here(dir)) return add_case(o, dir);
    DIR *d = depth < 8 ? opendir(dir) : NULL;
    bool good = true;
    for (struct dirent *e; good && d && (e = readdir(d));) {
        char path[4096];
        struct stat sb;
        int len = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof path) continue;
        if (stat(path, &sb) == 0 && S_ISDIR(sb.st_mode)) good = find_cases(o, path, depth + 1);
    }
    if (d) closedir(d);
    return good;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static const char *base_name(const char *path) {
    const char *s = strrchr(path, '/');
    return s ? s + 1 : path;
}

typedef enum { PASSED, FAILED, SKIPPED } verdict;

static verdict run_here(const char *dir, const tn_case_opts *run, char *why, size_t n) {
    tn_case_opts o = *run;
    int sets;
    tn_text gaps = { 0 };
    o.gaps = set.shapes ? &gaps : NULL;
    tn_status st = tn_case_run(dir, &o, &sets);
    if (gaps.s) {
        printf("%s: %s", base_name(dir), gaps.s);
        fflush(stdout);
    }
    tn_text_free(&gaps);
    if (st != TN_OK) {
        snprintf(why, n, "%s", tn_error());
        return FAILED;
    }
    if (sets) return PASSED;
    snprintf(why, n, "the folder holds no data");
    return SKIPPED;
}

static verdict run_forked(const char *dir, const tn_case_opts *run, char *why, size_t n) {
    int fd[2], status;
    verdict v = FAILED;
    if (pipe(fd)) return run_here(dir, run, why, n);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        snprintf(why, n, "cannot start a process");
        goto done;
    }
    if (pid == 0) {
        alarm((unsigned)set.timeout);
        v = run_here(dir, run, why, n);
        ssize_t put = write(fd[1], why, strlen(why));
        _exit(put < 0 ? FAILED : v);
    }
    close(fd[1]);
    fd[1] = -1;
    size_t have = 0;
    for (ssize_t got; have < n - 1 && (got = read(fd[0], why + have, n - 1 - have)) > 0;) have += (size_t)got;
    why[have] = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= SKIPPED)
        v = (verdict)WEXITSTATUS(status);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(why, n, "took longer than %d s", set.timeout);
    else if (WIFSIGNALED(status))
        snprintf(why, n, "crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(why, n, "ended with code %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
done:
    close(fd[0]);
    if (fd[1] >= 0) close(fd[1]);
    return v;
}

/* ------------------------------------------------------------------------------------------------------------ lists */

/* What files say of single cases: lines "NAME" or "NAME: WORDS"; '#' begins a comment. */
typedef struct {
    char *text; /* the map's strings live here */
    tn_map *words;
} case_notes;

static tn_status read_notes(const char *path, case_notes *out) {
    tn_file *f = NULL;
    if (!path) return TN_OK;
    TN_TRY(tn_file_map(path, &f));
    out->text = strndup(f->data ? (const char *)f->data : "", f->size);
    tn_file_close(&f);
    if (!out->text || !(out->words = tn_map_new(64))) return tn_fail(TN_E_NOMEM, "no memory for %s", path);
    for (char *save, *line = strtok_r(out->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!*line || *line == '#') continue;
        char *words = strchr(line, ':');
        if (words) *words++ = 0;
        while (words && *words == ' ') words++;
        TN_TRY(tn_map_put(out->words, line, strlen(line), words ? words : line + strlen(line)));
    }
    return TN_OK;
}

/* The words of a case, NULL where nothing is said of it. */
static const char *note(const case_notes *notes, const char *name) {
    return notes->words ? tn_map_gets(notes->words, name) : NULL;
}

static void free_notes(case_notes *notes) {
    tn_map_free(&notes->words);
    free(notes->text);
}

/* Finds the cases below the folders named; -1 or an exit code. */
static int gather(char **dirs, int n, case_list *l) {
    struct stat sb;
    for (int i = 0; i < n; i++) {
        if (stat(dirs[i], &sb) != 0) return tn_usage_error(&usage, "there is no folder '%s'", dirs[i]);
        if (!find_cases(l, dirs[i], 0)) return TN_EXIT_FAILED;
    }
    if (!l->n) return tn_usage_error(&usage, "no folder below '%s' holds a model.onnx", dirs[0]);
    qsort(l->v, l->n, sizeof *l->v, by_name);
    return -1;
}

/* The counters lie in memory that the cases' processes share. */
typedef struct {
    tn_agreement shapes;
    int ranged;
} counters;

static void share_counters(void) {
    counters *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c == MAP_FAILED) return;
    set.run.shapes = &c->shapes;
    set.run.ranged = &c->ranged;
}

static void print_ranged(void) {
    if (set.run.ranges && set.run.ranged) printf("%d cases ran with a plan for a range\n", *set.run.ranged);
}

static void print_shapes(void) {
    const tn_agreement *a = set.run.shapes;
    if (!set.shapes || !a) return;
    printf("inferred shapes of outputs: %d fixed, %d symbolic, %d in part, %d unknown, %d of other kinds\n", a->fixed,
           a->symbolic, a->ranked, a->open, a->lists);
}

typedef struct {
    case_notes tolerances, skips, pins;
} lists;

/* "1e-3 1e-5": rtol and atol. */
static bool two_numbers(const char *p, tn_case_opts *o) {
    if (!tn_take_f32(&p, NULL, &o->rtol)) return false;
    p += strspn(p, " \t");
    if (!tn_take_f32(&p, NULL, &o->atol)) return false;
    return !p[strspn(p, " \t")];
}

/* Runs one case with the tolerances of its own, if it has any. */
static verdict run_one(const char *dir, const char *tolerances, char *why, size_t n) {
    tn_case_opts o = set.run;
    if (tolerances && !two_numbers(tolerances, &o)) {
        snprintf(why, n, "'%s' in %s is not two numbers", tolerances, set.tolerances);
        return FAILED;
    }
    return (set.no_fork ? run_here : run_forked)(dir, &o, why, n);
}

/* Runs them all; an exit code. */
static int run_all(const case_list *l, const lists *known, FILE *list) {
    static const char *const words[] = { "passed", "FAILED", "skipped" };
    size_t count[3] = { 0 }, fallen = 0;
    char why[1200];
    share_counters();
    for (size_t i = 0; i < l->n; i++) {
        const char *name = base_name(l->v[i]), *reason = note(&known->skips, name);
        why[0] = 0;
        verdict v = SKIPPED;
        if (reason)
            snprintf(why, sizeof why, "%s", reason);
        else
            v = run_one(l->v[i], note(&known->tolerances, name), why, sizeof why);
        bool pinned = note(&known->pins, name) != NULL;
        if (pinned && v == SKIPPED) v = FAILED;
        count[v]++;
        fallen += pinned && v == FAILED;
        if (v == PASSED && list) fprintf(list, "%s\n", name);
        if (v != PASSED && (!set.quiet || pinned))
            printf("%s %s: %s%s\n", words[v], name, why, pinned ? " (it must pass)" : "");
    }
    if (set.pins) { /* failures that nobody promised away are reported above and counted with what is skipped */
        if (fallen) printf("%zu cases that must pass did not\n", fallen);
        if (count[FAILED] > fallen)
            printf("%zu cases outside the list fail for the reasons above\n", count[FAILED] - fallen);
        count[SKIPPED] += count[FAILED] - fallen;
        count[FAILED] = fallen;
    }
    print_shapes();
    print_ranged();
    printf("%zu passed, %zu failed, %zu skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
    return count[FAILED] ? TN_EXIT_FAILED : TN_EXIT_OK;
}

int tn_cmd_test(int argc, char **argv) {
    tn_common_options common = { .threads = 1 };
    lists known = { 0 };
    char **dirs;
    case_list cases = { 0 };
    FILE *list = NULL;
    int n, code = tn_options_parse(&usage, &common, argc, argv, &dirs, &n);
    if (code >= 0) return code;
    set.run.threads = common.threads;
    if ((code = gather(dirs, n, &cases)) >= 0) goto done;
    code = TN_EXIT_FAILED;
    if (read_notes(set.tolerances, &known.tolerances) != TN_OK || read_notes(set.skips, &known.skips) != TN_OK ||
        read_notes(set.pins, &known.pins) != TN_OK)
        tn_command_failed(usage.name);
    else if (set.list && !(list = fopen(set.list, "w")))
        fprintf(stderr, "tenon test: cannot write %s\n", set.list);
    else
        code = run_all(&cases, &known, list);
done:
    if (list) fclose(list);
    free_notes(&known.tolerances);
    free_notes(&known.skips);
    free_notes(&known.pins);
    for (size_t i = 0; i < cases.n; i++) free(cases.v[i]);
    free(cases.v);
    return code;
}
