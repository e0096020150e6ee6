# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""transformers_models.py FOLDER [WORD...] - architectures of transformers, torchvision and timm, as many of them as are
installed, with random weights and tiny sizes, through both of PyTorch's exporters. WORDs keep those whose names contain
one."""
import inspect
import os
import sys
import warnings

import torch

from cases import Cases

os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")
torch.manual_seed(7)

SMALL = dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37,
             max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)
GROUPED = dict(SMALL, num_key_value_heads=2, head_dim=8)
ENCODER = dict(SMALL, type_vocab_size=2)
IMAGE = dict(image_size=32, patch_size=8, num_channels=3, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
             intermediate_size=37)
MOE = dict(GROUPED, num_local_experts=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
           shared_expert_intermediate_size=16)
NAMED = dict(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
             encoder_ffn_dim=37, decoder_ffn_dim=37, vocab_size=99, max_position_embeddings=64, pad_token_id=0, bos_token_id=1,
             eos_token_id=2, decoder_start_token_id=2)
WHISPER = dict(NAMED, num_mel_bins=16, max_source_positions=20, max_target_positions=16, suppress_tokens=[],
               begin_suppress_tokens=[])
HF_SWIN = dict(image_size=32, patch_size=4, embed_dim=16, depths=[1, 2], num_heads=[2, 4], window_size=4)

# class of the model, class and arguments of its configuration, kind of input
HF = [
    ("LlamaForCausalLM", "LlamaConfig", GROUPED, "text"),
    ("MistralForCausalLM", "MistralConfig", dict(GROUPED, sliding_window=4), "text"),
    ("MixtralForCausalLM", "MixtralConfig", MOE, "text"),
    ("Qwen2ForCausalLM", "Qwen2Config", GROUPED, "text"),
    ("Qwen2MoeForCausalLM", "Qwen2MoeConfig", MOE, "text"),
    ("Qwen3ForCausalLM", "Qwen3Config", GROUPED, "text"),
    ("GemmaForCausalLM", "GemmaConfig", GROUPED, "text"),
    ("Gemma2ForCausalLM", "Gemma2Config", dict(GROUPED, sliding_window=4), "text"),
    ("Gemma3ForCausalLM", "Gemma3TextConfig", dict(GROUPED, sliding_window=4), "text"),
    ("PhiForCausalLM", "PhiConfig", SMALL, "text"),
    ("Phi3ForCausalLM", "Phi3Config", dict(SMALL, num_key_value_heads=2), "text"),
    ("GPT2LMHeadModel", "GPT2Config", dict(vocab_size=99, n_positions=64, n_embd=32, n_layer=2, n_head=4), "text"),
    ("GPTNeoXForCausalLM", "GPTNeoXConfig", SMALL, "text"),
    ("GPTNeoForCausalLM", "GPTNeoConfig", dict(vocab_size=99, hidden_size=32, num_layers=2, num_heads=4, window_size=4,
                                               attention_types=[[["global", "local"], 1]], max_position_embeddings=64), "text"),
    ("GPTJForCausalLM", "GPTJConfig", dict(vocab_size=99, n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4), "text"),
    ("OPTForCausalLM", "OPTConfig", dict(SMALL, ffn_dim=37, word_embed_proj_dim=32), "text"),
    ("BloomForCausalLM", "BloomConfig", dict(vocab_size=99, hidden_size=32, n_layer=2, n_head=4), "text"),
    ("FalconForCausalLM", "FalconConfig", SMALL, "text"),
    ("StableLmForCausalLM", "StableLmConfig", GROUPED, "text"),
    ("OlmoForCausalLM", "OlmoConfig", GROUPED, "text"),
    ("CohereForCausalLM", "CohereConfig", GROUPED, "text"),
    ("GraniteForCausalLM", "GraniteConfig", GROUPED, "text"),
    ("SmolLM3ForCausalLM", "SmolLM3Config", GROUPED, "text"),
    ("MambaForCausalLM", "MambaConfig", dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, state_size=8), "text"),
    ("RwkvForCausalLM", "RwkvConfig", dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, context_length=16), "text"),
    ("BertForSequenceClassification", "BertConfig", ENCODER, "masked"),
    ("BertForMaskedLM", "BertConfig", ENCODER, "masked"),
    ("RobertaForTokenClassification", "RobertaConfig", ENCODER, "masked"),
    ("DistilBertModel", "DistilBertConfig", dict(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=37), "masked"),
    ("AlbertModel", "AlbertConfig", dict(ENCODER, embedding_size=16), "masked"),
    ("ElectraModel", "ElectraConfig", dict(ENCODER, embedding_size=16), "masked"),
    ("DebertaV2Model", "DebertaV2Config", dict(ENCODER, relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"],
                                               norm_rel_ebd="layer_norm", share_att_key=True), "masked"),
    ("DebertaModel", "DebertaConfig", dict(ENCODER, relative_attention=True, pos_att_type=["p2c", "c2p"]), "masked"),
    ("MPNetModel", "MPNetConfig", ENCODER, "masked"),
    ("XLMRobertaModel", "XLMRobertaConfig", ENCODER, "masked"),
    ("ModernBertModel", "ModernBertConfig", dict(SMALL, local_attention=4, reference_compile=False), "masked"),
    ("FNetModel", "FNetConfig", ENCODER, "text"),
    ("XLNetModel", "XLNetConfig", dict(vocab_size=99, d_model=32, n_layer=2, n_head=4, d_inner=37), "text"),
    ("FunnelModel", "FunnelConfig", dict(vocab_size=99, block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=37), "text"),
    ("T5ForConditionalGeneration", "T5Config", dict(vocab_size=99, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
                                                    decoder_start_token_id=0), "pair"),
    ("T5EncoderModel", "T5Config", dict(vocab_size=99, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4), "masked"),
    ("BartForConditionalGeneration", "BartConfig", NAMED, "pair"),
    ("MarianMTModel", "MarianConfig", NAMED, "pair"),
    ("PegasusForConditionalGeneration", "PegasusConfig", NAMED, "pair"),
    ("M2M100ForConditionalGeneration", "M2M100Config", NAMED, "pair"),
    ("WhisperForConditionalGeneration", "WhisperConfig", WHISPER, "speech"),
    ("WhisperForAudioClassification", "WhisperConfig", WHISPER, "mel"),
    ("Wav2Vec2ForCTC", "Wav2Vec2Config", dict(SMALL, conv_dim=(16, 16), conv_stride=(3, 2), conv_kernel=(5, 3),
                                              num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4), "wave"),
    ("HubertModel", "HubertConfig", dict(SMALL, conv_dim=(16, 16), conv_stride=(3, 2), conv_kernel=(5, 3),
                                         num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4), "wave"),
    ("ASTModel", "ASTConfig", dict(IMAGE, num_mel_bins=16, max_length=24), "ast"),
    ("ViTForImageClassification", "ViTConfig", IMAGE, "image"),
    ("DeiTModel", "DeiTConfig", IMAGE, "image"),
    ("BeitModel", "BeitConfig", dict(IMAGE, use_relative_position_bias=True), "image"),
    ("Dinov2Model", "Dinov2Config", IMAGE, "image"),
    ("SwinModel", "SwinConfig", HF_SWIN, "image"),
    ("Swinv2Model", "Swinv2Config", HF_SWIN, "image"),
    ("ConvNextModel", "ConvNextConfig", dict(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2), "image"),
    ("SegformerForSemanticSegmentation", "SegformerConfig",
     dict(num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[16, 32], patch_sizes=[7, 3], strides=[4, 2],
          num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=16), "image"),
    ("MobileViTModel", "MobileViTConfig", dict(image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 32],
                                               num_attention_heads=2), "image64"),
    ("PvtModel", "PvtConfig", dict(image_size=64, hidden_sizes=[16, 16, 32, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2]), "image64"),
    ("ResNetModel", "ResNetConfig", dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]), "image"),
    ("RegNetModel", "RegNetConfig", dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], groups_width=4), "image"),
    ("DPTForDepthEstimation", "DPTConfig", dict(IMAGE, is_hybrid=False, backbone_out_indices=[0, 1, 0, 1],
                                                neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8), "image"),
    ("YolosForObjectDetection", "YolosConfig", dict(IMAGE, image_size=[32, 32], num_detection_tokens=5), "image"),
    ("DetrForObjectDetection", "DetrConfig", dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
                                                  backbone_config="resnet", d_model=32, encoder_layers=1, decoder_layers=1,
                                                  encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=37,
                                                  decoder_ffn_dim=37, num_queries=5), "image64"),
    ("RTDetrForObjectDetection", "RTDetrConfig",
     dict(backbone_config="rtdetr", d_model=32, encoder_hidden_dim=32, encoder_layers=1, encoder_in_channels=[16, 32, 32], decoder_in_channels=[32, 32, 32],
          decoder_layers=1, num_queries=5, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=37,
          decoder_ffn_dim=37, num_denoising=0, anchor_image_size=None), "image64"),
    ("CLIPModel", "CLIPConfig", dict(text_config=dict(SMALL, max_position_embeddings=16), vision_config=IMAGE, projection_dim=16), "clip"),
    ("SiglipModel", "SiglipConfig", dict(text_config=dict(SMALL, max_position_embeddings=16), vision_config=IMAGE), "clip"),
    ("CLIPTextModel", "CLIPTextConfig", SMALL, "text"),
    ("TimesformerModel", "TimesformerConfig", dict(IMAGE, num_frames=2), "video"),
]

VISION = ["alexnet", "resnet18", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x0_5",
          "squeezenet1_1", "densenet121", "googlenet", "mnasnet0_5", "regnet_y_400mf", "convnext_tiny", "vit_b_32", "swin_t",
          "swin_v2_t", "maxvit_t", "segmentation.lraspp_mobilenet_v3_large", "segmentation.deeplabv3_mobilenet_v3_large",
          "segmentation.fcn_resnet50", "detection.fasterrcnn_mobilenet_v3_large_320_fpn", "detection.ssdlite320_mobilenet_v3_large",
          "detection.retinanet_resnet50_fpn", "detection.maskrcnn_resnet50_fpn", "detection.keypointrcnn_resnet50_fpn",
          "detection.fcos_resnet50_fpn", "video.r3d_18", "video.mvit_v2_s", "optical_flow.raft_small"]
TIMM = ["resnet10t", "efficientnet_lite0", "mobilenetv4_conv_small", "ghostnet_050", "repvgg_a0", "levit_128s", "mobilevit_xxs",
        "edgenext_xx_small", "poolformer_s12", "convnextv2_atto", "deit_tiny_patch16_224", "cait_xxs24_224", "eva02_tiny_patch14_224",
        "coat_tiny", "xcit_nano_12_p16_224", "mixer_s32_224", "gmlp_s16_224", "hrnet_w18_small", "dla34", "tinynet_e", "fastvit_t8",
        "efficientformer_l1", "pit_ti_224", "tiny_vit_5m_224", "nfnet_l0", "botnet26t_256", "halonet26t", "lambda_resnet26t", "volo_d1_224"]


class Flat(torch.nn.Module):
    """Positional inputs to keywords; outputs as a flat tuple of tensors."""

    def __init__(self, model, names=(), **more):
        super().__init__()
        self.model, self.names, self.more = model, names, more

    def forward(self, *x):
        y = self.model(**dict(zip(self.names, x)), **self.more) if self.names else self.model(*x)
        return tuple(flat(y))


def flat(y):
    if isinstance(y, torch.Tensor):
        return [y]
    if hasattr(y, "to_tuple"):
        y = y.to_tuple()
    if isinstance(y, dict):
        y = list(y.values())
    return [t for part in y for t in flat(part)] if isinstance(y, (list, tuple)) else []


def tokens(b, n, high=99):
    return torch.randint(3, high, (b, n))


def inputs_of(kind):
    ones = torch.ones(2, 7, dtype=torch.long)
    ones[1, 5:] = 0
    all_axes, batch = {0: "b", 1: "n"}, {0: "b"}
    return {
        "text": (("input_ids",), (tokens(2, 7, 38),), [all_axes]),
        "masked": (("input_ids", "attention_mask"), (tokens(2, 7, 38), ones), [all_axes, all_axes]),
        "pair": (("input_ids", "attention_mask", "decoder_input_ids"), (tokens(2, 7), ones, tokens(2, 5)), [all_axes, all_axes, {0: "b", 1: "m"}]),
        "speech": (("input_features", "decoder_input_ids"), (torch.randn(2, 16, 40), tokens(2, 5)), [batch, {0: "b", 1: "m"}]),
        "mel": (("input_features",), (torch.randn(2, 16, 40),), [batch]),
        "wave": (("input_values",), (torch.randn(2, 200),), [all_axes]),
        "ast": (("input_values",), (torch.randn(2, 24, 16),), [batch]),
        "image": (("pixel_values",), (torch.randn(2, 3, 32, 32),), [batch]),
        "image64": (("pixel_values",), (torch.randn(2, 3, 64, 64),), [batch]),
        "video": (("pixel_values",), (torch.randn(2, 2, 3, 32, 32),), [batch]),
        "clip": (("input_ids", "pixel_values"), (tokens(2, 7), torch.randn(3, 3, 32, 32)), [all_axes, {0: "images"}]),
    }[kind]


def export(cases, name, model, x, axes, newer, opset):
    path = cases.begin(name)
    try:
        with torch.no_grad():
            want = [t.detach().float().numpy() if t.dtype == torch.bfloat16 else t.detach().numpy() for t in flat(model(*x))]
            names = ["in%d" % i for i in range(len(x))]
            more = dict(dynamo=newer)
            if newer and axes:
                more["dynamic_shapes"] = (tuple({a: torch.export.Dim.AUTO for a in v} for v in axes),)
            elif axes:
                more["dynamic_axes"] = dict(zip(names, axes))
            torch.onnx.export(model, tuple(t.clone() for t in x), path, input_names=names, opset_version=opset, **more)
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return cases.skip(name, "%s %s" % (type(e).__name__, e))
    cases.data(name, [t.numpy() for t in x], want)


LATER = []


def both(cases, name, model, x, axes):
    """The older exporter now, which takes no time; the newer one when all have been through the older."""
    export(cases, name + "_old", model.eval(), x, axes, False, 17)
    LATER.append((cases, name + "_new", model, x, axes, True, 18 if len(LATER) % 2 else 23))


def config_of(t, kind, args):
    args = dict(args)
    if args.get("backbone_config") == "resnet":
        args["backbone_config"] = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], out_features=["stage4"])
    if args.get("backbone_config") == "rtdetr":
        args["backbone_config"] = t.RTDetrResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 32, 32], depths=[1, 1, 1, 1],
                                                       out_features=["stage2", "stage3", "stage4"], layer_type="basic")
    return getattr(t, kind)(**args)


def transformers_models(cases, wanted):
    import transformers as t
    t.logging.set_verbosity_error()
    for model, config, args, kind in HF:
        if not wanted(model):
            continue
        try:
            made = getattr(t, model)(config_of(t, config, args)).eval()
            more = {"use_cache": False} if "use_cache" in inspect.signature(made.forward).parameters else {}
        except Exception as e:
            cases.skip("hf_" + model, e)
            continue
        if kind == "text" and "attention_mask" in inspect.signature(made.forward).parameters:
            kind = "masked"  # without one, newer versions look for sentences packed into one row, which exporters cannot
        names, x, axes = inputs_of(kind)
        both(cases, "hf_" + model, Flat(made, names, return_dict=True, **more), x, axes)


def main():
    cases = Cases(sys.argv[1])
    words = sys.argv[2:]

    def wanted(name):
        return not words or any(w.lower() in name.lower() for w in words)

    try:
        transformers_models(cases, wanted)
    except ImportError as e:
        cases.skip("transformers", e)
    try:
        import torchvision.models as tv
        for name in filter(wanted, ["vision." + n for n in VISION]):
            size = 224 if any(w in name for w in ("vit_b", "maxvit")) else 64
            x = (torch.rand(1, 3, size, size),)
            if "video" in name:
                x = (torch.rand(1, 3, 16, 224, 224) if "mvit" in name else torch.rand(1, 3, 4, 32, 32),)
            if "raft" in name:
                x = (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128))
            made = tv.get_model(name.split(".")[-1], weights=None, **({"weights_backbone": None} if "detection" in name or "segm" in name else {}))
            both(cases, name.replace(".", "_"), Flat(made.eval()) if "detection" not in name else Flat(Listed(made.eval())), x, [])
    except ImportError as e:
        cases.skip("torchvision", e)
    try:
        import timm
        for name in filter(wanted, ["timm." + n for n in TIMM]):
            try:
                made = timm.create_model(name[5:], pretrained=False)
            except Exception as e:
                cases.skip(name, e)
                continue
            size = timm.data.resolve_data_config({}, model=made)["input_size"]
            both(cases, name.replace(".", "_"), Flat(made.eval()), (torch.rand(1, *size),), [])
    except ImportError as e:
        cases.skip("timm", e)
    for one in LATER:
        export(*one)
    cases.end("PyTorch %s" % torch.__version__)


class Listed(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model([x[0]])


main()
