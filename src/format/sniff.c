/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sniff.c - what a file that is not ONNX looks like, so that the message says more than "corrupt". */
#include "format/format.h"
#include <string.h>

/* offset, magic bytes, what it is. The first hit wins. */
static const struct {
    size_t at;
    const char *magic;
    size_t len;
    const char *what;
} magics[] = {
#define M(at, s, what) \
    { at, s, sizeof(s) - 1, what }
    M(0, "version https://git-lfs", "a Git LFS pointer, not the file itself: fetch it with 'git lfs pull'"),
    M(0, "<!DOCTYPE", "an HTML page: the download brought a web page instead of the file"),
    M(0, "<!doctype", "an HTML page: the download brought a web page instead of the file"),
    M(0, "<html", "an HTML page: the download brought a web page instead of the file"),
    M(0, "<HTML", "an HTML page: the download brought a web page instead of the file"),
    M(0, "<?xml", "an XML file (OpenVINO's model description?)"),
    M(0, "GGUF", "a GGUF model"),
    M(0, "GGML", "an old GGML model"),
    M(0, "ggjt", "an old GGML model"),
    M(4, "TFL3", "a TensorFlow Lite model"),
    M(4, "ORTM", "an ORT-format model (.ort): the .onnx file it was made from is needed"),
    M(0, "\x89HDF\r\n", "an HDF5 file (Keras?): export it to ONNX first"),
    M(0, "\x93NUMPY", "a NumPy array, not a model"),
    M(0, "\x80\x02", "a Python pickle (an old PyTorch file?): export it to ONNX first"),
    M(0, "\x80\x03", "a Python pickle: export it to ONNX first"),
    M(0, "\x80\x04", "a Python pickle: export it to ONNX first"),
    M(0, "\x1f\x8b", "a gzip archive: unpack it first"),
    M(0, "BZh", "a bzip2 archive: unpack it first"),
    M(0,
      "\xfd"
      "7zXZ",
      "an xz archive: unpack it first"),
    M(0, "\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    M(257, "ustar", "a tar archive: unpack it first"),
    M(0, "ftrt", "a TensorRT engine: the ONNX file it was built from is needed"),
    M(0, "ptrt", "a TensorRT engine: the ONNX file it was built from is needed"),
    M(0, "7767517", "an ncnn description"),
    M(0, "\x89PNG", "a PNG picture"),
    M(0, "\xff\xd8\xff", "a JPEG picture"),
    M(0, "RIFF", "a RIFF file (WebP picture, WAV sound?)"),
    M(0, "%PDF", "a PDF document"),
    M(0,
      "\x7f"
      "ELF",
      "a program or library"),
    M(0, "ir_version:", "ONNX in text form: it has to be converted to the binary form first"),
    M(0, "ir_version ", "ONNX in text form: it has to be converted to the binary form first"),
#undef M
};

static bool contains(const uint8_t *data, size_t size, const char *word) {
    return data && memmem(data, size, word, strlen(word)) != NULL;
}

static const char *zip(const uint8_t *data, size_t size) {
    size_t head = size < 4096 ? size : 4096;
    if (contains(data, head, "data.pkl") || contains(data, head, "/version") || contains(data, head, "constants.pkl"))
        return "a PyTorch file (zip): export it to ONNX first";
    if (contains(data, head, "config.json") || contains(data, head, "keras"))
        return "a Keras file (zip): export it to ONNX first";
    if (contains(data, head, ".npy")) return "a NumPy archive (.npz), not a model";
    return "a zip archive: unpack it first";
}

/* safetensors: a little-endian header length, then JSON. */
static bool safetensors(const uint8_t *data, size_t size) {
    if (size < 10 || data[8] != '{') return false;
    uint64_t header = 0;
    for (int i = 7; i >= 0; i--) header = header << 8 | data[i];
    return header >= 2 && header <= size - 8 && (data[9] == '"' || data[9] == '}' || data[9] == ' ');
}

const char *tn_sniff(const uint8_t *data, size_t size) {
    if (!size) return "empty";
    for (size_t i = 0; i < TN_COUNT(magics); i++)
        if (size >= magics[i].at + magics[i].len && !memcmp(data + magics[i].at, magics[i].magic, magics[i].len))
            return magics[i].what;
    if (size >= 4 && !memcmp(data, "PK\3\4", 4)) return zip(data, size);
    if (safetensors(data, size)) return "a safetensors file: weights without a graph";
    if (data[0] == '{' || data[0] == '[') return "JSON text";
    size_t zeros = 0;
    while (zeros < size && zeros < 512 && !data[zeros]) zeros++;
    if (zeros >= 64 || zeros == size) return "full of zero bytes: the download or copy did not finish";
    return NULL;
}
