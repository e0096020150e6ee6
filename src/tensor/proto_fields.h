/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* proto_fields.h - field numbers of ONNX's messages that hold data, message by message. Those of models are in
 * format/onnx/fields.h. Source: onnx.proto, onnx-data.proto. */
#ifndef TN_TENSOR_PROTO_FIELDS_H
#define TN_TENSOR_PROTO_FIELDS_H

/* TensorProto */
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOAT = 4,
    TENSOR_INT32 = 5,
    TENSOR_STRING = 6,
    TENSOR_INT64 = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLE = 10,
    TENSOR_UINT64 = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
};

/* SparseTensorProto */
enum { SPARSE_VALUES = 1, SPARSE_INDICES = 2, SPARSE_DIMS = 3 };

/* StringStringEntryProto */
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };

/* SequenceProto and OptionalProto: the field says what lies in it */
enum { ITEM_TENSOR = 3, ITEM_SPARSE = 4, ITEM_SEQUENCE = 5, ITEM_MAP = 6, ITEM_OPTIONAL = 7 };

/* MapProto */
enum { MAP_KEY_TYPE = 2, MAP_KEYS = 3, MAP_STRING_KEYS = 4, MAP_VALUES = 5 };

#endif
