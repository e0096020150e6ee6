/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Character accuracy of `tenon ocr`'s pipeline on the demo's pictures, counted against their truth. Needs the models
 * (scripts/models.sh): $TENON_MODELS or models/ in the source folder. */
#include "base/file.h"
#include "base/mem.h"
#include "test.h"
#include "vision/ocr.h"
#include <sys/stat.h>

static char path_buffer[4][1200];

static const char *path_of(int slot, const char *folder, const char *name) {
    snprintf(path_buffer[slot], sizeof path_buffer[slot], "%s/%s", folder, name);
    return path_buffer[slot];
}

static size_t to_characters(const char *s, uint32_t *out, size_t cap) {
    size_t n = 0;
    for (; *s && n < cap; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c & 0xc0) == 0x80)
            out[n - 1] = out[n - 1] << 6 | (c & 0x3f);
        else
            out[n++] = c;
    }
    return n;
}

static size_t edit_distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m) {
    size_t *row = calloc(m + 1, sizeof *row), result;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    result = row[m];
    free(row);
    return result;
}

typedef struct {
    char file[64], language[16], kind[32], text[2048]; /* text: lines, each with its LF */
} truth;

static const char *string_at(const char *s, char *out, size_t cap) { /* s: behind the opening quote */
    size_t n = 0;
    for (; *s && *s != '"'; s++) {
        if (*s == '\\') s++;
        if (n + 1 < cap) out[n++] = *s;
    }
    out[n] = '\0';
    return *s ? s + 1 : s;
}

/* The next picture of truth.json, whose layout is make_pictures' own; NULL at the end. */
static const char *next_truth(const char *s, truth *t) {
    if (!(s = strstr(s, "\"file\": \""))) return NULL;
    s = string_at(s + 9, t->file, sizeof t->file);
    s = string_at(strstr(s, "\"language\": \"") + 13, t->language, sizeof t->language);
    s = string_at(strstr(s, "\"kind\": \"") + 9, t->kind, sizeof t->kind);
    s = strstr(s, "\"lines\": [") + 10;
    t->text[0] = '\0';
    while (*s == '"') {
        size_t n = strlen(t->text);
        s = string_at(s + 1, t->text + n, sizeof t->text - n - 1);
        strcat(t->text, "\n");
        s += strspn(s, ", ");
    }
    return s;
}

typedef struct {
    size_t errors, characters;
} tally;

static double accuracy(tally t) { return t.characters ? 100 * (1 - (double)t.errors / (double)t.characters) : 0; }

static tally read_one(tn_ocr *o, const char *folder, const truth *t) {
    static uint32_t want[4096], got[4096];
    tn_image im;
    tn_ocr_page page;
    tn_text text = { 0 };
    check_ok(tn_image_load(path_of(0, folder, t->file), &im));
    check_ok(tn_ocr_read(o, &im, &page));
    for (size_t i = 0; i < page.n; i++) tn_text_printf(&text, "%s\n", page.line[i].text);
    size_t n = to_characters(text.s ? text.s : "", got, 4096), m = to_characters(t->text, want, 4096);
    tally one = { edit_distance(got, n, want, m), m };
    print_message("  %-16s %-16s %6.2f %%\n", t->file, t->kind, accuracy(one));
    tn_text_free(&text);
    tn_ocr_page_free(&page);
    tn_image_free(&im);
    return one;
}

static void demo_pictures(void **state) {
    const char *models = getenv("TENON_MODELS"), *build = getenv("TN_BUILD"), *root = getenv("TN_ROOT");
    char fallback[1024], folder[1024], command[3000];
    snprintf(fallback, sizeof fallback, "%s/models", root ? root : ".");
    if (!models) models = fallback;
    tn_ocr_opts opts = { .size = sizeof opts,
                         .det = path_of(0, models, "ch_PP-OCRv4_det_infer.onnx"),
                         .rec = path_of(1, models, "ch_PP-OCRv4_rec_infer.onnx"),
                         .cls = path_of(2, models, "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
                         .keys = path_of(3, models, "ppocr_keys_v1.txt") };
    struct stat there;
    if (stat(opts.det, &there) != 0 || stat(opts.keys, &there) != 0) {
        print_message("no models in %s (scripts/models.sh fetches them)\n", models);
        skip();
    }
    tn_ocr *o;
    check_ok(tn_ocr_open(&opts, &o));
    snprintf(folder, sizeof folder, "%s/tests/pictures", build ? build : ".");
    mkdir(folder, 0777);
    snprintf(command, sizeof command, "'%s/tools/make_pictures' '%s' >/dev/null", build ? build : ".", folder);
    check(system(command) == 0, "%s failed\n", command);
    tn_file *f;
    check_ok(tn_file_map(path_of(0, folder, "truth.json"), &f));
    char *json = calloc(1, f->size + 1);
    memcpy(json, f->data, f->size);
    tn_file_close(&f);
    tally clean_en = { 0 }, clean_zh = { 0 }, all = { 0 };
    truth t;
    for (const char *s = json; (s = next_truth(s, &t));) {
        tally one = read_one(o, folder, &t), *clean = strcmp(t.language, "en") == 0   ? &clean_en
                                                      : strcmp(t.language, "zh") == 0 ? &clean_zh
                                                                                      : NULL;
        if (clean && strcmp(t.kind, "clean") == 0) clean->errors += one.errors, clean->characters += one.characters;
        all.errors += one.errors, all.characters += one.characters;
    }
    print_message("  clean English %.2f %%, clean Chinese %.2f %%, all %.2f %% of %zu characters\n", accuracy(clean_en),
                  accuracy(clean_zh), accuracy(all), all.characters);
    assert_true(accuracy(clean_en) >= 97);
    assert_true(accuracy(clean_zh) >= 97);
    assert_true(accuracy(all) >= 96);
    free(json);
    tn_ocr_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(demo_pictures) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
