// Generated from the registries by `python editors/generate.py`.

export const keywords = ["and", "as", "aux", "block", "by", "else", "expect", "false", "for", "if", "import", "in", "init", "input", "let", "module", "network", "none", "not", "or", "output", "repeat", "skip", "train", "true", "via", "where"];

export const joins = ["concat", "mul", "shake"];

export const calledJoins = ["add", "div", "max", "min", "sub"];

export const ops = ["abs", "act", "add", "attend", "avgpool", "avgpool_to", "blur_pool", "bn", "bottleneck", "channel_shuffle", "clamp", "const", "conv", "coords", "cos", "crop_like", "depthwise", "div", "dropout", "dropout2d", "droppath", "elu", "embedding", "exp", "flatten", "frozen_bn", "gap", "gelu", "gn", "grn", "hardsigmoid", "hardswish", "instance_norm", "layer_scale", "leaky_relu", "linear", "ln", "log", "log_softmax", "lookup", "lppool", "lrn", "matmul", "max", "max_unpool", "maxpool", "maxpool_to", "mean", "mha", "min", "mish", "norm", "pad", "pad_channels", "pad_to", "param", "permute", "pixel_shuffle", "pixel_unshuffle", "pos_embed", "pow", "prelu", "real", "rearrange", "rel_bias", "rel_coords", "relu", "relu6", "reshape", "resize", "resize_like", "rms_norm", "roll", "scale", "selu", "sigmoid", "silu", "sin", "slice", "softmax", "softplus", "split", "sqrt", "sub", "sum", "tanh", "transpose", "unembed", "unfold", "upconv", "upsample", "var", "window_mask", "window_shift"];
