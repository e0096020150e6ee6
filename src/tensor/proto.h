/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* proto.h - ONNX TensorProto, SequenceProto and OptionalProto to data and back, over the bounded wire decoder. */
#ifndef TN_TENSOR_PROTO_H
#define TN_TENSOR_PROTO_H

#include "base/wire.h"
#include "tensor/tensor.h"

/** Where a TensorProto's external data lives. */
typedef struct {
    tn_str location, checksum;
    uint64_t offset, length;
    bool present, has_length;
} tn_external;

/** Decodes one TensorProto. raw_data is borrowed in place, however it is aligned (the message's memory must outlive the
 *  tensor; see tn_tensor_align), typed fields are copied. External data: *ext says where and out->data stays NULL (dims
 *  and dtype are set).
 *  where    for messages: "initializer". errors TN_E_FORMAT, TN_E_TYPE, TN_E_SHAPE, TN_E_NOMEM. */
tn_status tn_tensor_from_proto(tn_wire w, const char *where, tn_tensor *out, tn_str *name, tn_external *ext);

/** SequenceProto, OptionalProto, MapProto (onnx.proto's onnx-data); tensors inside are aligned, or copied if they are
 * not. */
tn_status tn_datum_from_sequence_proto(tn_wire w, const char *where, tn_datum *out);
tn_status tn_datum_from_map_proto(tn_wire w, const char *where, tn_datum *out);
tn_status tn_datum_from_optional_proto(tn_wire w, const char *where, tn_datum *out);

/** Appends a TensorProto message (raw_data, except strings) to a wire writer. */
void tn_tensor_to_proto(tn_wire_out *o, const tn_tensor *t, const char *name);

#endif
