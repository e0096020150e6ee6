/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ocr.c - `tenon ocr`: reads text off pictures. */
#include "vision/ocr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "vision/annotate.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct {
    const char *det, *rec, *cls, *keys, *models, *annotate;
    bool json, no_cls, boxes, quiet;
    int max_side;
    float min_score;
    tn_common_options common;
} opt;

static const tn_option options[] = {
    { "--models", TN_OPT_STRING, &opt.models, "DIR", "folder of the models (default: $TENON_MODELS, ./models, ...)", 0,
      0 },
    { "--det", TN_OPT_STRING, &opt.det, "FILE", "text detector (default: ch_PP-OCRv4_det_infer.onnx)", 0, 0 },
    { "--rec", TN_OPT_STRING, &opt.rec, "FILE", "text recogniser (default: ch_PP-OCRv4_rec_infer.onnx)", 0, 0 },
    { "--cls", TN_OPT_STRING, &opt.cls, "FILE", "direction classifier (default: ch_ppocr_mobile_v2.0_cls_infer.onnx)",
      0, 0 },
    { "--no-cls", TN_OPT_FLAG, &opt.no_cls, NULL, "take every line as upright", 0, 0 },
    { "--dict", TN_OPT_STRING, &opt.keys, "FILE", "the recogniser's characters, one per line (ppocr_keys_v1.txt)", 0,
      0 },
    { "--max-side", TN_OPT_INT, &opt.max_side, "N", "the detector's view: longer side in pixels (default: 960)", 32,
      8192 },
    { "--min-score", TN_OPT_FLOAT, &opt.min_score, "S", "leave out lines less sure than this (default: 0.5)", 0, 1 },
    { "--boxes", TN_OPT_FLAG, &opt.boxes, NULL, "print each line's score and corners, too", 0, 0 },
    { "--annotate", TN_OPT_STRING, &opt.annotate, "OUT.png", "draw the boxes, and the text at its places beside them",
      0, 0 },
    { "--json", TN_OPT_FLAG, &opt.json, NULL, "print JSON: boxes, text, scores, times", 0, 0 },
    { "--quiet", TN_OPT_FLAG, &opt.quiet, NULL, "text alone, no times", 0, 0 },
};

static const tn_command_usage usage = {
    .name = "ocr",
    .args = "IMAGE...",
    .doc = "Reads the text off pictures (JPEG, PNG, WebP, BMP, PNM, TIFF, JPEG 2000) with PP-OCR's three models. Text "
           "goes\nto standard output in "
           "reading order, times to standard error.",
    .examples = "  tenon ocr receipt.jpg\n"
                "  tenon ocr page.png --annotate read.png\n"
                "  tenon ocr *.webp --json | jq '.pictures[].lines[].text'",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = -1,
};

/* ---------------------------------------------------------------------------------------------------------- output */

static void json_quad(tn_text *t, const char *name, const tn_quad *q) {
    tn_text_printf(t, "\"%s\": [", name);
    for (int i = 0; i < 4; i++) tn_text_printf(t, "%s[%.0f, %.0f]", i ? ", " : "", q->p[i].x, q->p[i].y);
    tn_text_puts(t, "]");
}

/* Degrees clockwise by which the text is turned, -179 .. 180. */
static double angle_of(const tn_quad *q) { return atan2(q->p[1].y - q->p[0].y, q->p[1].x - q->p[0].x) * 180 / M_PI; }

static void put_json(tn_text *t, const char *path, const tn_image *im, const tn_ocr_page *p, double decode) {
    tn_text_puts(t, "  {\"file\": ");
    tn_text_json(t, path, strlen(path));
    tn_text_printf(t, ", \"width\": %d, \"height\": %d, \"lines\": [", im->width, im->height);
    for (size_t i = 0; i < p->n; i++) {
        const tn_ocr_line *l = &p->line[i];
        tn_text_puts(t, i ? ",\n    {\"text\": " : "\n    {\"text\": ");
        tn_text_json(t, l->text, strlen(l->text));
        tn_text_printf(t, ", \"score\": %.4f, \"box_score\": %.4f, \"angle\": %.1f, ", l->score, l->box_score,
                       angle_of(&l->as_read));
        json_quad(t, "box", &l->box);
        tn_text_puts(t, "}");
    }
    tn_text_printf(t, "],\n   \"boxes\": %zu, \"milliseconds\": {\"decode\": %.2f", p->boxes, 1e3 * decode);
#define X(id, what) tn_text_printf(t, ", \"" #id "\": %.2f", 1e3 * p->times.id);
    TN_OCR_STAGES(X)
#undef X
    tn_text_puts(t, "}}");
}

static void put_text(tn_text *t, const char *path, int n_pictures, const tn_ocr_page *p) {
    if (n_pictures > 1) tn_text_printf(t, "== %s\n", path);
    for (size_t i = 0; i < p->n; i++) {
        const tn_ocr_line *l = &p->line[i];
        if (opt.boxes) {
            tn_text_printf(t, "%.3f ", l->score);
            for (int k = 0; k < 4; k++) tn_text_printf(t, " %4.0f,%-4.0f", l->box.p[k].x, l->box.p[k].y);
            tn_text_puts(t, "  ");
        }
        tn_text_puts(t, l->text);
        tn_text_puts(t, "\n");
    }
}

static void print_times(const char *path, const tn_image *im, const tn_ocr_page *p, double decode) {
    double all = decode;
#define X(id, what) all += p->times.id;
    TN_OCR_STAGES(X)
    fprintf(stderr, "%s: %d x %d, %zu lines of %zu boxes in %.0f ms (decode %.1f", path, im->width, im->height, p->n,
            p->boxes, 1e3 * all, 1e3 * decode);
#undef X
#define X(id, what) fprintf(stderr, ", %s %.1f", what, 1e3 * p->times.id);
    TN_OCR_STAGES(X)
#undef X
    fprintf(stderr, ")\n");
}

/* ------------------------------------------------------------------------------------------------------------ work */

static bool on_progress(void *user, size_t done, size_t all) {
    tn_progress_at(user, (double)done, (double)all);
    return true;
}

/* OUT.png for one picture; for several OUT-1.png, OUT-2.png, ... */
static tn_status save_annotated(tn_arena *a, const tn_image *im, const tn_ocr_page *page, int index, int n) {
    const char *path = opt.annotate, *dot = strrchr(path, '.');
    if (!dot || strchr(dot, '/')) dot = path + strlen(path);
    if (n > 1) path = tn_arena_printf(a, "%.*s-%d%s", (int)(dot - path), path, index + 1, dot);
    if (!path) return tn_fail(TN_E_NOMEM, "name of the annotated picture");
    tn_image out;
    TN_TRY(tn_ocr_annotate(im, page, &out));
    tn_status st = tn_image_save_png(&out, path);
    tn_image_free(&out);
    return st;
}

static tn_status one(tn_arena *a, tn_ocr *o, const char *path, int index, int n, tn_text *out) {
    tn_image im = { 0 };
    tn_ocr_page page = { 0 };
    double t = tn_clock_s();
    tn_status st = tn_image_load(path, &im);
    double decode = tn_clock_s() - t;
    if (st == TN_OK && (st = tn_ocr_read(o, &im, &page)) != TN_OK) tn_fail_at(st, "%s", path);
    if (st == TN_OK && opt.annotate) st = save_annotated(a, &im, &page, index, n);
    if (st == TN_OK && opt.json) {
        if (out->n > 0) tn_text_puts(out, ",\n");
        put_json(out, path, &im, &page, decode);
    } else if (st == TN_OK) {
        put_text(out, path, n, &page);
        if (!opt.quiet) print_times(path, &im, &page, decode);
    }
    tn_ocr_page_free(&page);
    tn_image_free(&im);
    return st;
}

static tn_status open_models(tn_arena *a, tn_progress *progress, tn_ocr **out) {
    tn_ocr_opts o = { .size = sizeof o,
                      .threads = opt.common.threads,
                      .max_side = opt.max_side,
                      .min_score = opt.min_score > 0 ? opt.min_score : -1,
                      .progress = on_progress,
                      .progress_user = progress };
    TN_TRY(tn_find_model(a, opt.det, opt.models, "ch_PP-OCRv4_det_infer.onnx", &o.det));
    TN_TRY(tn_find_model(a, opt.rec, opt.models, "ch_PP-OCRv4_rec_infer.onnx", &o.rec));
    if (!opt.no_cls) TN_TRY(tn_find_model(a, opt.cls, opt.models, "ch_ppocr_mobile_v2.0_cls_infer.onnx", &o.cls));
    TN_TRY(tn_find_model(a, opt.keys, opt.models, "ppocr_keys_v1.txt", &o.keys));
    return tn_ocr_open(&o, out);
}

int tn_cmd_ocr(int argc, char **argv) {
    char **path;
    int n, failed = 0;
    opt.min_score = 0.5f;
    int code = tn_options_parse(&usage, &opt.common, argc, argv, &path, &n);
    if (code >= 0) return code;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_ocr *o = NULL;
    tn_progress progress;
    tn_text json = { 0 };
    code = TN_EXIT_FAILED;
    if (!a || open_models(a, &progress, &o) != TN_OK) {
        tn_command_failed("ocr");
        goto done;
    }
    for (int i = 0; i < n; i++) {
        tn_text text = { 0 };
        tn_progress_begin(&progress, path[i], "lines");
        tn_status st = one(a, o, path[i], i, n, opt.json ? &json : &text);
        tn_progress_end(&progress);
        if (st != TN_OK) tn_command_failed("ocr"), failed++;
        if (text.s) fputs(text.s, stdout);
        fflush(stdout);
        tn_text_free(&text);
    }
    if (opt.json) printf("{\"pictures\": [\n%s\n]}\n", json.s ? json.s : "");
    code = failed ? TN_EXIT_FAILED : TN_EXIT_OK;
done:
    tn_text_free(&json);
    tn_ocr_close(&o);
    tn_arena_free(&a);
    return code;
}
