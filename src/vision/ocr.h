/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ocr.h - text read off a picture by three networks: where lines are, which way up they are, what they say.
 *
 * The networks are PP-OCR's (v2 to v4): a detector with a probability map (see dbpost.h), a classifier for lines that
 * stand on their head, and a recogniser trained with CTC (see ctc.h). */
#ifndef TN_VISION_OCR_H
#define TN_VISION_OCR_H

#include "vision/ctc.h"
#include "vision/dbpost.h"
#include "vision/image.h"

typedef struct tn_ocr tn_ocr;

/* What happened so far, for a progress display; return false to stop (the call then fails with TN_E_CANCELLED). */
typedef bool (*tn_ocr_progress)(void *user, size_t lines_done, size_t lines);

typedef struct {
    size_t size;     /* sizeof(tn_ocr_opts) */
    const char *det; /* model files; cls may be NULL: no line is turned */
    const char *rec;
    const char *cls;
    const char *keys; /* the recogniser's characters, one per line */
    int threads;      /* as tn_session_opts */
    int max_side;     /* the detector sees the picture with its longer side at most this; 0: 960 */
    int batch;        /* lines per run of the recogniser; 0: 6 */
    float min_score;  /* lines less sure are left out; 0: 0.5; < 0: none */
    tn_db_opts db;
    tn_ocr_progress progress;
    void *progress_user;
} tn_ocr_opts;

/** Opens the models. errors: those of tn_model_open, TN_E_SHAPE (not such a model), TN_E_IO. The caller owns *out. */
tn_status tn_ocr_open(const tn_ocr_opts *opts, tn_ocr **out);
void tn_ocr_close(tn_ocr **o); /* NULL is fine */

typedef struct {
    char *text;      /* UTF-8 */
    float score;     /* mean probability of its characters, 0..1 */
    float box_score; /* the detector's */
    tn_quad box;     /* TL, TR, BR, BL as the picture lies */
    tn_quad as_read; /* the same corners as the text lies: reading runs from p[0] to p[1] */
} tn_ocr_line;

/* seconds */
#define TN_OCR_STAGES(X)              \
    X(prepare, "scale and normalise") \
    X(detect, "detect text")          \
    X(boxes, "find boxes")            \
    X(crop, "crop lines")             \
    X(classify, "classify direction") \
    X(recognise, "recognise")

typedef struct {
#define X(id, what) double id;
    TN_OCR_STAGES(X)
#undef X
} tn_ocr_times;

typedef struct {
    tn_ocr_line *line; /* in reading order */
    size_t n;
    size_t boxes; /* found by the detector; n of them were read surely enough */
    tn_ocr_times times;
} tn_ocr_page;

/** Reads a picture. Safe from several threads at once. errors: TN_E_NOMEM, TN_E_CANCELLED, those of tn_session_run,
 *  TN_E_SHAPE (a model answers in an unexpected form). The caller owns *out: tn_ocr_page_free. */
tn_status tn_ocr_read(tn_ocr *o, const tn_image *im, tn_ocr_page *out);
void tn_ocr_page_free(tn_ocr_page *p);

/* ------------------------------------------------------------- the steps between the networks, for tests and others */

#define TN_OCR_LINE_HEIGHT 48 /* pixels, of the classifier's and the recogniser's input */

/** The size at which the detector sees a picture: the longer side at most max_side, both multiples of 32, >= 32. */
void tn_ocr_det_size(int width, int height, int max_side, int *det_width, int *det_height);

/** Width of a line of that shape at the recogniser's height of 48 pixels, >= 1, bounded by the longest line it takes.
 */
int tn_ocr_line_width(int width, int height);

/** Planes B, G, R of the picture, (v / 255 - mean) / std each, into a slot of plane_width x height planes; what lies to
 *  the right of the picture is zeroed.
 *  mean, std  per plane in that order; requires im->width <= plane_width */
void tn_ocr_planes(const tn_image *im, const float mean[3], const float std[3], int plane_width, float *out);

/** Cuts a line out, straightened, and turned left when it is at least 1.5 times higher than wide (*turned says so).
 *  errors as tn_image_warp. The caller owns *out. */
tn_status tn_ocr_crop(const tn_image *im, const tn_quad *box, tn_image *out, bool *turned);

#endif
