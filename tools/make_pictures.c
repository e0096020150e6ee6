/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* make_pictures.c - draws the demo's pictures of text, with the truth beside them.
 *
 *   make_pictures FOLDER
 *
 * English and Chinese in Debian's fonts, clean, tilted, turned by quarters, under uneven light, blurred with noise; and
 * truth.json: {"pictures": [{"file", "language", "kind", "lines": [...]}]}. The same system draws the same bytes: every
 * random number comes from one fixed seed. */
#include "base/file.h"
#include "base/text.h"
#include "vision/draw.h"
#include "vision/warp.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *text;
    double size;
} line;

static const line english[] = {
    { "The Carpenter's Joint", 44 },
    { "A good joint needs no nails: the wood holds itself.", 26 },
    { "Measure twice, cut once, and keep the chisel sharp.", 26 },
    { "Order 4071 shipped on 12 March 2025 for $318.60", 26 },
    { "Opening hours: Monday to Friday, 9:30 - 17:45", 26 },
    { "Questions? Write to workshop@example.org", 26 },
    { "Oak, ash, walnut, cherry and beech are in stock.", 22 },
    { "Please return borrowed tools before the weekend.", 22 },
};

static const line chinese[] = {
    { "榫卯之美", 52 },
    { "不用一颗铁钉也能让木头紧紧相连", 30 },
    { "古代工匠把智慧藏进每一道接缝", 30 },
    { "春天的阳光照在安静的院子里", 30 },
    { "今天上午九点在图书馆门口集合", 30 },
    { "请勿在展厅内大声喧哗", 30 },
    { "订单编号20250318共计456元", 28 },
    { "欢迎参观北京手工艺博物馆", 28 },
};

static const line mixed[] = {
    { "会议室 Room 302", 40 },        { "请携带身份证 ID card required", 28 },
    { "电话 010-62781234", 28 },      { "地址：杭州市西湖区文三路88号", 28 },
    { "Free WiFi 免费无线网络", 28 }, { "营业时间 08:30-21:00", 28 },
};

#define LINES(a) a, TN_COUNT(a)

static uint64_t seed = 20250318;

/* Uniform in [0, 1). */
static double uniform(void) {
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    return (double)(seed * 0x2545f4914f6cdd1du >> 11) * 0x1p-53;
}

static double gauss(void) { return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform()); }

/* ------------------------------------------------------------------------------------------------------- effects */

static tn_status tilt(tn_image *im, double degrees) {
    double a = degrees * M_PI / 180, c = cos(a), s = sin(a);
    int w = (int)ceil(im->width * fabs(c) + im->height * fabs(s)),
        h = (int)ceil(im->width * fabs(s) + im->height * fabs(c));
    const double m[9] = { c,  s, im->width / 2.0 - c * w / 2 - s * h / 2,
                          -s, c, im->height / 2.0 + s * w / 2 - c * h / 2,
                          0,  0, 1 };
    tn_image out;
    TN_TRY(tn_image_warp_by(im, m, w, h, &out));
    tn_image_free(im);
    *im = out;
    return TN_OK;
}

static tn_status tilt_left(tn_image *im) { return tilt(im, -6); }
static tn_status tilt_right(tn_image *im) { return tilt(im, 8); }
static tn_status quarter(tn_image *im) { return tn_image_rotate_left(im); }

static tn_status half(tn_image *im) {
    tn_image_rotate_half(im);
    return TN_OK;
}

/* A lamp at the upper left and the shadow of a bent page: smooth, curved, down to a third of the light. */
static tn_status uneven_light(tn_image *im) {
    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            double u = (double)x / im->width, v = (double)y / im->height;
            double lamp = 1.05 - 0.55 * ((u - 0.1) * (u - 0.1) + (v - 0.1) * (v - 0.1));
            double bend = 1 - 0.25 * (0.5 + 0.5 * sin(7 * u + 2.5 * v * v));
            uint8_t *p = tn_image_at(im, x, y);
            for (int c = 0; c < 3; c++) {
                double t = p[c] * lamp * bend * (1 - 0.06 * c) + 0.5; /* warm: less blue */
                p[c] = (uint8_t)fmin(fmax(t, 0), 255);
            }
        }
    return TN_OK;
}

/* A box of 3, twice in both directions, then Gaussian noise of 14 levels. */
static tn_status blur_and_noise(tn_image *im) {
    for (int pass = 0; pass < 4; pass++) {
        tn_image out;
        TN_TRY(tn_image_new(im->width, im->height, &out));
        int dx = pass & 1, dy = !dx;
        tn_draw_image(&out, 0, 0, im);
        for (int y = dy; y < im->height - dy; y++)
            for (int x = dx; x < im->width - dx; x++)
                for (int c = 0; c < 3; c++)
                    tn_image_at(&out, x, y)[c] =
                        (uint8_t)((tn_image_at(im, x - dx, y - dy)[c] + tn_image_at(im, x, y)[c] +
                                   tn_image_at(im, x + dx, y + dy)[c] + 1) /
                                  3);
        tn_image_free(im);
        *im = out;
    }
    for (size_t i = 0, n = (size_t)im->width * (size_t)im->height * 3; i < n; i++)
        im->px[i] = (uint8_t)fmin(fmax(im->px[i] + 14 * gauss() + 0.5, 0), 255);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ pictures */

static const struct {
    const char *file, *language, *kind, *font;
    const line *lines;
    size_t n;
    tn_status (*effect)(tn_image *im);
} pictures[] = {
    { "en_clean.png", "en", "clean", "DejaVu Sans", LINES(english), NULL },
    { "en_serif.png", "en", "clean", "DejaVu Serif", LINES(english), NULL },
    { "zh_clean.png", "zh", "clean", "Noto Sans CJK SC", LINES(chinese), NULL },
    { "zh_serif.png", "zh", "clean", "Noto Serif CJK SC", LINES(chinese), NULL },
    { "mixed_clean.png", "mixed", "clean", "Noto Sans CJK SC", LINES(mixed), NULL },
    { "en_tilted.png", "en", "tilted", "DejaVu Sans", LINES(english), tilt_left },
    { "zh_tilted.png", "zh", "tilted", "Noto Sans CJK SC", LINES(chinese), tilt_right },
    { "zh_quarter.png", "zh", "quarter turn", "Noto Sans CJK SC", LINES(chinese), quarter },
    { "en_half.png", "en", "half turn", "DejaVu Sans", LINES(english), half },
    { "en_light.png", "en", "uneven light", "DejaVu Serif", LINES(english), uneven_light },
    { "zh_light.png", "zh", "uneven light", "Noto Serif CJK SC", LINES(chinese), uneven_light },
    { "en_noise.png", "en", "blur and noise", "DejaVu Sans", LINES(english), blur_and_noise },
    { "zh_noise.png", "zh", "blur and noise", "Noto Sans CJK SC", LINES(chinese), blur_and_noise },
};

static const tn_color paper = { 250, 248, 243, 255 }, ink = { 33, 34, 40, 255 };

/* Lines one under the other with a margin, on paper. */
static tn_status typeset(tn_font *font, const line *lines, size_t n, tn_image *out) {
    const double margin = 40, leading = 1.75;
    double width = 0, height = 2 * margin;
    for (size_t i = 0; i < n; i++) {
        width = fmax(width, tn_font_width(font, lines[i].text, lines[i].size));
        height += leading * lines[i].size;
    }
    TN_TRY(tn_image_new((int)ceil(width + 2 * margin), (int)ceil(height), out));
    tn_draw_clear(out, paper);
    double y = margin;
    for (size_t i = 0; i < n; i++) {
        y += leading * lines[i].size;
        tn_font_draw(font, out, lines[i].text, lines[i].size, margin, y - 0.6 * lines[i].size, 0, ink);
    }
    return TN_OK;
}

static tn_status make(size_t i, const char *folder, tn_text *truth) {
    tn_font *font = NULL;
    tn_image im = { 0 };
    tn_text path = { 0 };
    tn_text_printf(&path, "%s/%s", folder, pictures[i].file);
    tn_status st = tn_font_open(pictures[i].font, &font);
    if (st == TN_OK) st = typeset(font, pictures[i].lines, pictures[i].n, &im);
    if (st == TN_OK && pictures[i].effect) st = pictures[i].effect(&im);
    if (st == TN_OK) st = tn_image_save_png(&im, path.s);
    tn_text_printf(truth, "%s\n  {\"file\": \"%s\", \"language\": \"%s\", \"kind\": \"%s\", \"lines\": [", i ? "," : "",
                   pictures[i].file, pictures[i].language, pictures[i].kind);
    for (size_t k = 0; k < pictures[i].n; k++) {
        if (k) tn_text_puts(truth, ", ");
        tn_text_json(truth, pictures[i].lines[k].text, strlen(pictures[i].lines[k].text));
    }
    tn_text_puts(truth, "]}");
    tn_image_free(&im);
    tn_font_close(&font);
    tn_text_free(&path);
    return st;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: make_pictures FOLDER\n");
        return 2;
    }
    tn_text truth = { 0 }, path = { 0 };
    tn_text_puts(&truth, "{\"pictures\": [");
    tn_status st = TN_OK;
    for (size_t i = 0; st == TN_OK && i < TN_COUNT(pictures); i++) st = make(i, argv[1], &truth);
    tn_text_puts(&truth, "\n]}\n");
    tn_text_printf(&path, "%s/truth.json", argv[1]);
    if (st == TN_OK) st = tn_file_write(path.s, truth.s, truth.n);
    if (st != TN_OK)
        fprintf(stderr, "make_pictures: %s\n", tn_error());
    else
        printf("%zu pictures in %s\n", TN_COUNT(pictures), argv[1]);
    tn_text_free(&truth);
    tn_text_free(&path);
    return st != TN_OK;
}
