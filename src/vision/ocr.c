/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ocr.c - picture → map → boxes → upright strips → text → page. */
#include "vision/ocr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "vision/order.h"
#include "vision/warp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIN_LINE_WIDTH 320  /* the recogniser was trained on strips at least this wide, padded */
#define PLANS          32   /* kept per network: up to two batch sizes of about 15 widths */
#define CROP_MARGIN    0.18 /* of a line's height, around its box: the recogniser loses spaces in tight strips */
#define SMALL_SIDE     96   /* pictures lower or narrower than this get a frame of FRAME pixels: */
#define FRAME          32   /* the detector finds no line that touches the border */
#define CLS_WIDTH      192
#define CLS_ASPECT     6    /* width over height of what the classifier sees of a line, from its middle */
#define DOUBT          0.6f /* lines read less surely than this are tried the other way up */
#define CLS_SURE       0.9f /* probability from which a line is turned round */

static const float det_mean[3] = { 0.485f, 0.456f, 0.406f }, det_std[3] = { 0.229f, 0.224f, 0.225f };
static const float half[3] = { 0.5f, 0.5f, 0.5f };

typedef struct {
    tn_model *model;
    tn_session *session;
} net;

struct tn_ocr {
    net det, rec, cls;
    tn_keys keys;
    tn_ocr_opts opts;
};

/* The picture at width x height as planes. */
static tn_status scaled_planes(const tn_image *im, int width, int height, const float mean[3], const float std[3],
                               int plane_width, float *out) {
    tn_image scaled;
    TN_TRY(tn_image_resize(im, width, height, &scaled));
    tn_ocr_planes(&scaled, mean, std, plane_width, out);
    tn_image_free(&scaled);
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------------------- nets */

static void net_close(net *n) {
    tn_session_free(&n->session);
    tn_model_close(&n->model);
}

static tn_status net_open(const char *role, const char *path, int threads, net *n) {
    if (!path) return tn_fail(TN_E_INVALID, "no model for the %s", role);
    TN_TRY(tn_model_open(path, &n->model));
    if (tn_model_inputs(n->model) != 1 || tn_model_outputs(n->model) < 1)
        return tn_fail(TN_E_SHAPE, "%s: a %s has one input and one output", path, role);
    tn_value_info in;
    TN_TRY(tn_model_input(n->model, 0, &in));
    if (in.dtype != TN_F32 || in.rank != 4 || (in.dims[1] != 3 && in.dims[1] != -1))
        return tn_fail(TN_E_SHAPE, "%s: a %s takes float32 [batch, 3, height, width]", path, role);
    return tn_session_new(n->model, &(tn_session_opts){ .size = sizeof(tn_session_opts), .threads = threads },
                          &n->session);
}

/* Runs on one input; *out is the first output, of `rank` dimensions and the input's batch. */
static tn_status net_run(net *n, const char *role, const tn_tensor *in, int rank, tn_tensor **out) {
    *out = NULL;
    size_t n_out = tn_model_outputs(n->model);
    tn_tensor **outs = tn_mem_zalloc(n_out * sizeof *outs, TN_MEM_SCRATCH);
    if (!outs) return tn_fail(TN_E_NOMEM, "%s", role);
    tn_status st = tn_session_run(n->session, 1, &in, n_out, outs);
    if (st != TN_OK)
        tn_fail_at(st, "%s", role);
    else if (tn_tensor_dtype(outs[0]) != TN_F32 || tn_tensor_rank(outs[0]) != rank ||
             tn_tensor_dims(outs[0])[0] != tn_tensor_dims(in)[0])
        st = tn_fail(TN_E_SHAPE, "the %s's output is not float32 with %d dimensions and the input's batch", role, rank);
    if (st == TN_OK) *out = outs[0], outs[0] = NULL;
    for (size_t i = 0; i < n_out; i++) tn_tensor_free(&outs[i]);
    tn_mem_free(outs);
    return st;
}

tn_status tn_ocr_open(const tn_ocr_opts *opts, tn_ocr **out) {
    *out = NULL;
    tn_ocr *o = tn_mem_zalloc(sizeof *o, TN_MEM_GENERAL);
    if (!o) return tn_fail(TN_E_NOMEM, "text reader");
    memcpy(&o->opts, opts, opts->size < sizeof o->opts ? opts->size : sizeof o->opts);
    o->opts.db.size = sizeof o->opts.db;
    if (o->opts.max_side <= 0) o->opts.max_side = 960;
    if (o->opts.batch <= 0) o->opts.batch = 6;
    if (o->opts.min_score == 0) o->opts.min_score = 0.5f;
    tn_status st = net_open("detector", opts->det, opts->threads, &o->det);
    if (st == TN_OK) st = net_open("recogniser", opts->rec, opts->threads, &o->rec);
    if (st == TN_OK && opts->cls) st = net_open("direction classifier", opts->cls, opts->threads, &o->cls);
    if (st == TN_OK && !opts->keys) st = tn_fail(TN_E_INVALID, "no key file for the recogniser");
    if (st == TN_OK) st = tn_keys_load(opts->keys, &o->keys);
    if (st == TN_OK)
        *out = o;
    else
        tn_ocr_close(&o);
    return st;
}

void tn_ocr_close(tn_ocr **o) {
    if (!*o) return;
    net_close(&(*o)->det);
    net_close(&(*o)->rec);
    net_close(&(*o)->cls);
    tn_keys_free(&(*o)->keys);
    tn_mem_free(*o);
    *o = NULL;
}

/* --------------------------------------------------------------------------------------------------------- stages */

/* One line under way. */
typedef struct {
    tn_db_box box;
    tn_quad as_read;
    tn_image strip;      /* upright as far as we know */
    bool turned;         /* by a quarter, to lie flat */
    float head;          /* how likely the strip stands on its head */
    int width;           /* at TN_OCR_LINE_HEIGHT */
    tn_text text, other; /* other: the reading upside down, or the first one */
    float score, other_score;
} line;

typedef struct {
    tn_ocr *o;
    const tn_image *im;
    line *line;
    size_t n;
    line **by_width; /* narrow ones first, so that a batch needs little padding */
    tn_ocr_page *page;
} job;

static tn_status detect(job *j) {
    int w, h;
    tn_tensor *in = NULL, *map = NULL;
    tn_db_box *boxes = NULL;
    double t = tn_clock_s();
    tn_ocr_det_size(j->im->width, j->im->height, j->o->opts.max_side, &w, &h);
    tn_status st = tn_tensor_new(TN_F32, 4, (int64_t[]){ 1, 3, h, w }, &in);
    if (st == TN_OK) st = scaled_planes(j->im, w, h, det_mean, det_std, w, tn_tensor_data(in));
    j->page->times.prepare = tn_clock_s() - t;
    t = tn_clock_s();
    if (st == TN_OK) st = net_run(&j->o->det, "detector", in, 4, &map);
    j->page->times.detect = tn_clock_s() - t;
    t = tn_clock_s();
    if (st != TN_OK) goto done;
    const int64_t *d = tn_tensor_dims(map);
    if (d[1] != 1 || d[2] != h || d[3] != w) {
        st = tn_fail(TN_E_SHAPE, "the detector's map is not [1, 1, %d, %d]", h, w);
        goto done;
    }
    st = tn_db_boxes(tn_tensor_data(map), w, h, &j->o->opts.db, j->im->width, j->im->height, &boxes, &j->n);
    if (st != TN_OK || j->n == 0) goto done;
    j->line = tn_mem_zalloc(j->n * sizeof *j->line, TN_MEM_IO);
    j->by_width = tn_mem_zalloc(j->n * sizeof *j->by_width, TN_MEM_SCRATCH);
    if (!j->line || !j->by_width) {
        st = tn_fail(TN_E_NOMEM, "%zu lines", j->n);
        j->n = j->line ? j->n : 0;
        goto done;
    }
    for (size_t i = 0; i < j->n; i++) j->line[i].box = boxes[i], j->by_width[i] = &j->line[i];
done:
    j->page->times.boxes = tn_clock_s() - t;
    j->page->boxes = j->n;
    tn_mem_free(boxes);
    tn_tensor_free(&in);
    tn_tensor_free(&map);
    return st;
}

/* The corners of q with the k-th first. */
static tn_quad begin_at(tn_quad q, int k) {
    return (tn_quad){ { q.p[k % 4], q.p[(k + 1) % 4], q.p[(k + 2) % 4], q.p[(k + 3) % 4] } };
}

static void turn_round(line *l) {
    tn_image_rotate_half(&l->strip);
    l->as_read = begin_at(l->as_read, 2);
}

static int by_width(const void *pa, const void *pb) {
    const line *a = *(line *const *)pa, *b = *(line *const *)pb;
    if (a->width != b->width) return a->width < b->width ? -1 : 1;
    return a < b ? -1 : a > b;
}

static tn_status crop(job *j) {
    double t = tn_clock_s();
    for (size_t i = 0; i < j->n; i++) {
        line *l = &j->line[i];
        double a, b;
        tn_quad_sides(&l->box.quad, &a, &b);
        tn_quad wider = tn_rect_grow(l->box.quad, CROP_MARGIN * fmin(a, b));
        TN_TRY(tn_ocr_crop(j->im, &wider, &l->strip, &l->turned));
        /* turned left, the right edge of the box is the strip's top: reading begins at the top right corner */
        l->as_read = begin_at(l->box.quad, l->turned ? 1 : 0);
        l->width = tn_ocr_line_width(l->strip.width, l->strip.height);
    }
    qsort(j->by_width, j->n, sizeof(line *), by_width);
    j->page->times.crop = tn_clock_s() - t;
    return TN_OK;
}

/* Strips [from, from + n) of by_width, scaled to the network's height and padded to one width, as a batch. Of strips
 * more than `aspect` times as wide as high the middle part is taken; 0: all of every strip. */
static tn_status make_batch(job *j, size_t from, size_t n, int plane_width, int aspect, tn_tensor **in) {
    TN_TRY(tn_tensor_new(TN_F32, 4, (int64_t[]){ (int64_t)n, 3, TN_OCR_LINE_HEIGHT, plane_width }, in));
    float *d = tn_tensor_data(*in);
    for (size_t i = 0; i < n; i++, d += (size_t)3 * TN_OCR_LINE_HEIGHT * (size_t)plane_width) {
        const line *l = j->by_width[from + i];
        tn_image part = { 0 };
        const tn_image *strip = &l->strip;
        if (aspect > 0 && strip->width > aspect * strip->height) {
            TN_TRY(tn_image_part(strip, (strip->width - aspect * strip->height) / 2, 0, aspect * strip->height,
                                 strip->height, &part));
            strip = &part;
        }
        int w = l->width < plane_width ? l->width : plane_width;
        tn_status st = scaled_planes(strip, w, TN_OCR_LINE_HEIGHT, half, half, plane_width, d);
        tn_image_free(&part);
        if (st != TN_OK) return st;
    }
    return TN_OK;
}

/* How many of so many lines of one width run together: a full batch, or else one, which is as fast per line on few
 * cores and needs no plan for every size in between. */
static size_t batch_of(const job *j, size_t lines) {
    size_t full = (size_t)j->o->opts.batch;
    return lines >= full ? full : 1;
}

static tn_status classify_batch(job *j, size_t from, size_t n) {
    tn_tensor *in = NULL, *out = NULL;
    tn_status st = make_batch(j, from, n, CLS_WIDTH, CLS_ASPECT, &in);
    if (st == TN_OK) st = net_run(&j->o->cls, "direction classifier", in, 2, &out);
    if (st == TN_OK && tn_tensor_dims(out)[1] != 2)
        st = tn_fail(TN_E_SHAPE, "the classifier does not tell two directions");
    for (size_t i = 0; st == TN_OK && i < n; i++)
        j->by_width[from + i]->head = ((const float *)tn_tensor_data(out))[2 * i + 1]; /* upright, on its head */
    tn_tensor_free(&in);
    tn_tensor_free(&out);
    return st;
}

/* Lines the classifier is sure of go its way; the others follow what the lines that lie alike make likely together. */
static tn_status classify(job *j) {
    double t = tn_clock_s(), vote[2] = { 0 };
    for (size_t i = 0, n; j->o->cls.session && i < j->n; i += n) {
        n = batch_of(j, j->n - i);
        TN_TRY(classify_batch(j, i, n));
    }
    for (size_t i = 0; i < j->n; i++) vote[j->line[i].turned] += j->line[i].head - 0.5;
    for (size_t i = 0; j->o->cls.session && i < j->n; i++) {
        line *l = &j->line[i];
        bool sure = l->head > CLS_SURE || l->head < 1 - CLS_SURE;
        if (sure ? l->head < 0.5f : vote[l->turned] <= 0) continue;
        turn_round(l);
    }
    j->page->times.classify = tn_clock_s() - t;
    return TN_OK;
}

/* Few different widths keep the plans few: five to an octave, so that padding costs a fourteenth on average. */
static int padded_width(int width) {
    int w = MIN_LINE_WIDTH, step = MIN_LINE_WIDTH / 5;
    for (; w < width; w += step)
        if (w == 10 * step) step *= 2;
    return w;
}

static tn_status recognise_batch(job *j, size_t from, size_t n) {
    tn_tensor *in = NULL, *out = NULL;
    tn_status st = make_batch(j, from, n, padded_width(j->by_width[from + n - 1]->width), 0, &in);
    if (st == TN_OK) st = net_run(&j->o->rec, "recogniser", in, 3, &out);
    for (size_t i = 0; st == TN_OK && i < n; i++) {
        line *l = j->by_width[from + i];
        size_t steps = (size_t)tn_tensor_dims(out)[1], classes = (size_t)tn_tensor_dims(out)[2];
        st = tn_ctc_decode((const float *)tn_tensor_data(out) + i * steps * classes, steps, classes, &j->o->keys,
                           &l->text, &l->score);
    }
    tn_tensor_free(&in);
    tn_tensor_free(&out);
    return st;
}

static bool go_on(const job *j, size_t done) {
    const tn_ocr_opts *o = &j->o->opts;
    return !o->progress || o->progress(o->progress_user, done, j->n);
}

/* The first `count` lines of by_width; the others are done. */
static tn_status recognise_first(job *j, size_t count) {
    for (size_t i = 0, n; i < count; i += n) {
        if (!go_on(j, j->n - count + i)) return tn_fail(TN_E_CANCELLED, "stopped");
        int width = padded_width(j->by_width[i]->width);
        size_t alike = 1;
        while (i + alike < count && padded_width(j->by_width[i + alike]->width) == width) alike++;
        n = batch_of(j, alike);
        TN_TRY(recognise_batch(j, i, n));
    }
    return TN_OK;
}

/* The classifier errs now and then: doubtful lines are read upside down as well, and the surer reading stays. Leaves
 * the doubtful lines in by_width. */
static tn_status second_look(job *j) {
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++) {
        line *l = j->by_width[i];
        if (l->score >= DOUBT) continue;
        j->by_width[n++] = l;
        l->other = l->text, l->other_score = l->score, l->text = (tn_text){ 0 };
        turn_round(l);
    }
    TN_TRY(recognise_first(j, n));
    for (size_t i = 0; i < n; i++) {
        line *l = j->by_width[i];
        if (l->score > l->other_score) continue;
        tn_text better = l->other;
        l->other = l->text, l->text = better, l->score = l->other_score;
        turn_round(l);
    }
    return TN_OK;
}

static tn_status recognise(job *j) {
    double t = tn_clock_s();
    TN_TRY(recognise_first(j, j->n));
    if (j->o->cls.session) TN_TRY(second_look(j));
    if (!go_on(j, j->n)) return tn_fail(TN_E_CANCELLED, "stopped");
    j->page->times.recognise = tn_clock_s() - t;
    return TN_OK;
}

/* Blanks at the ends say nothing. */
static void trim(tn_text *t) {
    size_t from = 0;
    while (t->n > 0 && t->s[t->n - 1] == ' ') t->n--;
    while (from < t->n && t->s[from] == ' ') from++;
    if (!t->s) return;
    memmove(t->s, t->s + from, t->n -= from);
    t->s[t->n] = '\0';
}

/* Moves the lines that are sure enough to the page, in reading order. */
static tn_status compose(job *j) {
    tn_status st = TN_OK;
    size_t kept = 0, *order = tn_mem_alloc(j->n * sizeof *order, TN_MEM_SCRATCH);
    tn_quad *quads = tn_mem_alloc(j->n * sizeof *quads, TN_MEM_SCRATCH);
    line **good = j->by_width;
    tn_ocr_page *p = j->page;
    p->line = tn_mem_zalloc(j->n * sizeof *p->line, TN_MEM_IO);
    if (!order || !quads || !p->line) {
        st = tn_fail(TN_E_NOMEM, "page of %zu lines", j->n);
        goto done;
    }
    for (size_t i = 0; i < j->n; i++) {
        line *l = &j->line[i];
        trim(&l->text);
        if (l->text.n == 0 || !(l->score >= j->o->opts.min_score)) continue;
        quads[kept] = l->as_read;
        good[kept++] = l;
    }
    if ((st = tn_reading_order(quads, kept, order)) != TN_OK) goto done;
    for (size_t i = 0; i < kept; i++) {
        line *l = good[order[i]];
        p->line[p->n++] = (tn_ocr_line){ l->text.s, l->score, l->box.score, l->box.quad, l->as_read };
        l->text = (tn_text){ 0 };
    }
done:
    tn_mem_free(order);
    tn_mem_free(quads);
    return st;
}

/* Quads of the framed picture in the picture itself. */
static void leave_frame(tn_quad *q, const tn_image *im) {
    for (int i = 0; i < 4; i++) {
        q->p[i].x = fmin(fmax(q->p[i].x - FRAME, 0), im->width - 1);
        q->p[i].y = fmin(fmax(q->p[i].y - FRAME, 0), im->height - 1);
    }
}

static tn_status read_page(tn_ocr *o, const tn_image *im, tn_ocr_page *out) {
    job j = { .o = o, .im = im, .page = out };
    tn_status st = detect(&j);
    if (st == TN_OK && j.n > 0) {
        st = crop(&j);
        if (st == TN_OK) st = classify(&j);
        if (st == TN_OK) st = recognise(&j);
        if (st == TN_OK) st = compose(&j);
    }
    for (size_t i = 0; i < j.n; i++) {
        tn_image_free(&j.line[i].strip);
        tn_text_free(&j.line[i].text);
        tn_text_free(&j.line[i].other);
    }
    tn_mem_free(j.line);
    tn_mem_free(j.by_width);
    return st;
}

tn_status tn_ocr_read(tn_ocr *o, const tn_image *im, tn_ocr_page *out) {
    static const double shift[9] = { 1, 0, -FRAME, 0, 1, -FRAME, 0, 0, 1 };
    *out = (tn_ocr_page){ 0 };
    tn_image framed = { 0 };
    bool small = im->width < SMALL_SIDE || im->height < SMALL_SIDE;
    tn_status st = TN_OK;
    if (small) st = tn_image_warp_by(im, shift, im->width + 2 * FRAME, im->height + 2 * FRAME, &framed);
    if (st == TN_OK) st = read_page(o, small ? &framed : im, out);
    for (size_t i = 0; small && i < out->n; i++) {
        leave_frame(&out->line[i].box, im);
        leave_frame(&out->line[i].as_read, im);
    }
    tn_image_free(&framed);
    if (st != TN_OK) tn_ocr_page_free(out);
    return st;
}

void tn_ocr_page_free(tn_ocr_page *p) {
    for (size_t i = 0; i < p->n; i++) {
        tn_text t = { .s = p->line[i].text, .n = 1, .cap = 1 };
        tn_text_free(&t);
    }
    tn_mem_free(p->line);
    *p = (tn_ocr_page){ 0 };
}
