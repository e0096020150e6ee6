/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs a fuzz target over files without libFuzzer: every file as it is, then damaged in a fixed, repeatable
 * way.
 *
 * usage: run_NAME [-m MUTATIONS] [FILE or FOLDER]...    a path that is absent is passed over */
#include "fuzz.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

/* A target that knows its format damages with more sense: every second time. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) __attribute__((weak));

static unsigned long inputs, files, mutations = 300;

static uint64_t next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* In memory of exactly that size, so that a sanitizer sees the first byte beyond. */
static void give(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) return;
    if (size) memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

/* One to four changes: a bit, a byte at a border, a cut, a piece copied elsewhere. */
static size_t damage(uint8_t *p, size_t n, uint64_t *seed) {
    static const uint8_t borders[] = { 0, 1, 0x7f, 0x80, 0xff, 0x10 };
    for (uint64_t k = 1 + next(seed) % 4; k && n; k--) {
        size_t at = next(seed) % n, to = next(seed) % n, len = 1 + next(seed) % 16;
        switch (next(seed) % 5) {
        case 0:
        case 1: p[at] ^= (uint8_t)(1u << next(seed) % 8); break;
        case 2: p[at] = borders[next(seed) % sizeof borders]; break;
        case 3:
            if (next(seed) % 4 == 0) n = at;
            break;
        default:
            if (len > n - (at > to ? at : to)) len = n - (at > to ? at : to);
            memmove(p + to, p + at, len);
        }
    }
    return n;
}

static void one_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return;
    fseek(f, 0, SEEK_END);
    long end = ftell(f);
    rewind(f);
    size_t size = end > 0 ? (size_t)end : 0;
    size_t room = 2 * size + 4096;
    uint8_t *data = malloc(size + 1), *copy = malloc(room);
    if (data && copy && fread(data, 1, size, f) == size) {
        files++;
        give(data, size);
        uint64_t seed = size * 2654435761u + 1;
        for (unsigned long i = 0; i < mutations; i++) {
            if (size) memcpy(copy, data, size);
            if (LLVMFuzzerCustomMutator && i % 2)
                give(copy, LLVMFuzzerCustomMutator(copy, size, room, (unsigned)next(&seed)));
            else
                give(copy, damage(copy, size, &seed));
        }
    }
    free(data);
    free(copy);
    fclose(f);
}

static void path(const char *name, int depth) {
    struct stat s;
    if (stat(name, &s)) return;
    if (!S_ISDIR(s.st_mode)) {
        one_file(name);
        return;
    }
    struct dirent **list;
    int n = scandir(name, &list, NULL, alphasort); /* sorted: the same order everywhere */
    for (int i = 0; i < n; i++) {
        char sub[2048];
        snprintf(sub, sizeof sub, "%s/%s", name, list[i]->d_name);
        if (list[i]->d_name[0] != '.' && depth < 4) path(sub, depth + 1);
        free(list[i]);
    }
    if (n >= 0) free(list);
}

int main(int argc, char **argv) {
    int i = 1;
    if (argc > 2 && !strcmp(argv[1], "-m")) {
        mutations = strtoul(argv[2], NULL, 10);
        i = 3;
    }
    give(NULL, 0);
    for (; i < argc; i++) path(argv[i], 0);
    printf("%lu files, %lu inputs\n%d passed, %d failed, 0 skipped\n", files, inputs, files > 0, files == 0);
    return files == 0; /* its seeds are missing */
}
