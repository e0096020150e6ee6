/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* font.c - lines of text by FreeType, with fonts that fontconfig finds. A character missing in the first font is looked
 * for in the rest of the system once per font; the faces found stay open. */
#include "base/mem.h"
#include "vision/draw.h"
#include <math.h>

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#define MAX_FACES    8
#define DEFAULT_NAME "sans-serif:lang=zh-cn"

struct tn_font {
    FT_Library ft;
    FcConfig *fc;
    FT_Face face[MAX_FACES];
    int n;
};

/* The best match for the pattern (consumed); a character to contain, 0: any. */
static FT_Face open_match(tn_font *f, FcPattern *want, uint32_t character) {
    FcResult result;
    FcChar8 *path;
    int index = 0;
    FT_Face face = NULL;
    FcPatternAddBool(want, FC_SCALABLE, FcTrue);
    FcConfigSubstitute(f->fc, want, FcMatchPattern);
    FcDefaultSubstitute(want);
    FcPattern *found = FcFontMatch(f->fc, want, &result);
    if (found && FcPatternGetString(found, FC_FILE, 0, &path) == FcResultMatch) {
        FcPatternGetInteger(found, FC_INDEX, 0, &index);
        if (FT_New_Face(f->ft, (const char *)path, index, &face)) face = NULL;
    }
    if (face && (!FT_IS_SCALABLE(face) || (character && !FT_Get_Char_Index(face, character)))) {
        FT_Done_Face(face);
        face = NULL;
    }
    if (found) FcPatternDestroy(found);
    FcPatternDestroy(want);
    return face;
}

tn_status tn_font_open(const char *name, tn_font **out) {
    *out = NULL;
    tn_font *f = tn_mem_zalloc(sizeof *f, TN_MEM_GENERAL);
    if (!f) return tn_fail(TN_E_NOMEM, "font");
    tn_status st = TN_E_NOT_FOUND;
    f->fc = FcInitLoadConfigAndFonts();
    if (!f->fc || FT_Init_FreeType(&f->ft)) {
        f->ft = NULL;
        goto done;
    }
    FcPattern *want = FcNameParse((const FcChar8 *)(name ? name : DEFAULT_NAME));
    if (want) f->face[0] = open_match(f, want, 0);
    if (f->face[0]) f->n = 1, st = TN_OK;
done:
    if (st == TN_OK)
        *out = f;
    else {
        tn_fail(st, "no font for '%s' on this system", name ? name : DEFAULT_NAME);
        tn_font_close(&f);
    }
    return st;
}

void tn_font_close(tn_font **f) {
    if (!*f) return;
    for (int i = 0; i < (*f)->n; i++) FT_Done_Face((*f)->face[i]);
    if ((*f)->ft) FT_Done_FreeType((*f)->ft);
    if ((*f)->fc) FcConfigDestroy((*f)->fc);
    tn_mem_free(*f);
    *f = NULL;
}

/* A face with the character: one that is open, a new one, or the first (whose empty box then stands for it). */
static FT_Face face_for(tn_font *f, uint32_t character) {
    for (int i = 0; i < f->n; i++)
        if (FT_Get_Char_Index(f->face[i], character)) return f->face[i];
    if (f->n == MAX_FACES) return f->face[0];
    FcPattern *want = FcNameParse((const FcChar8 *)DEFAULT_NAME);
    FcCharSet *set = FcCharSetCreate();
    FT_Face face = NULL;
    if (want && set && FcCharSetAddChar(set, character) && FcPatternAddCharSet(want, FC_CHARSET, set)) {
        face = open_match(f, want, character);
        want = NULL;
    }
    if (want) FcPatternDestroy(want);
    if (set) FcCharSetDestroy(set);
    return face ? (f->face[f->n++] = face) : f->face[0];
}

/* The next character of UTF-8 text; U+FFFD for a damaged byte, 0 at the end. */
static uint32_t next_character(const char **s) {
    const unsigned char *p = (const unsigned char *)*s;
    if (*p == 0) return 0;
    int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more == 0 ? *p : *p & (0x3fu >> more);
    if (*p >= 0x80 && *p < 0xc0) c = 0xfffd;
    for (p++; more > 0; more--, p++) {
        if ((*p & 0xc0) != 0x80) {
            *s = (const char *)p;
            return 0xfffd;
        }
        c = c << 6 | (*p & 0x3f);
    }
    *s = (const char *)p;
    return c;
}

static bool load(FT_Face face, uint32_t character, double size, FT_Matrix *turn, FT_Vector *shift, FT_Int32 flags) {
    if (FT_Set_Char_Size(face, 0, (FT_F26Dot6)lround(size * 64), 72, 72)) return false;
    FT_Set_Transform(face, turn, shift);
    return FT_Load_Glyph(face, FT_Get_Char_Index(face, character), FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP | flags) == 0;
}

double tn_font_width(tn_font *f, const char *text, double size) {
    double width = 0;
    for (uint32_t c; (c = next_character(&text));) {
        FT_Face face = face_for(f, c);
        if (load(face, c, size, NULL, NULL, 0)) width += (double)face->glyph->linearHoriAdvance / 65536;
    }
    return width;
}

void tn_font_extent(const tn_font *f, double size, double *up, double *down) {
    const FT_Face face = f->face[0];
    *up = size * 0.8, *down = size * 0.22; /* about right for every font; tall declared lines would push text small */
    if (face->units_per_EM > 0 && -face->descender > 0 && -face->descender < face->units_per_EM / 3)
        *down = size * -face->descender / face->units_per_EM;
}

void tn_font_draw(tn_font *f, tn_image *im, const char *text, double size, double x, double y, double angle,
                  tn_color c) {
    double cs = cos(angle), sn = sin(angle);
    /* FreeType's y points up, ours down: a clockwise turn has the minus below */
    FT_Matrix turn = { (FT_Fixed)lround(cs * 65536), (FT_Fixed)lround(sn * 65536), (FT_Fixed)lround(-sn * 65536),
                       (FT_Fixed)lround(cs * 65536) };
    for (uint32_t ch; (ch = next_character(&text));) {
        FT_Face face = face_for(f, ch);
        double px = floor(x), py = floor(y);
        FT_Vector shift = { lround((x - px) * 64), -lround((y - py) * 64) };
        if (!load(face, ch, size, &turn, &shift, FT_LOAD_RENDER)) continue;
        const FT_GlyphSlot g = face->glyph;
        if (g->bitmap.pixel_mode == FT_PIXEL_MODE_GRAY && g->bitmap.buffer)
            tn_draw_mask(im, (int)px + g->bitmap_left, (int)py - g->bitmap_top, g->bitmap.buffer, (int)g->bitmap.width,
                         (int)g->bitmap.rows, g->bitmap.pitch, c);
        double advance = (double)g->linearHoriAdvance / 65536;
        x += advance * cs, y += advance * sn;
    }
}
