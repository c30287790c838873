"""One CoLLD distillation step in plain PyTorch on the CPU: what `colld benchmark distill` is held against.

    pytorch_distill.py [--style tuned|eager] [--precision bf16|fp32] [--teacher 12x512]
                       [--student 6x256] [--batch 4] [--seconds 8] [--steps 10] [--threads 2]

A w2v-BERT teacher and student (feed-forward 4 x width, head dimension 64, kernel 31, relative keys 64/8)
with random weights see noise: 160 features, 50 frames a second, no padding. The student learns by the
contrastive loss against the teacher's second feed-forward output at the uniformly mapped layers: K = 100
distractors shared between layers, tau = 0.1, spans of 10 frames with p = 0.65, linear heads on masked
frames, AdamW. Each timed step draws masks and distractors, runs both models, the loss, backward and the
optimiser.

eager    transformers' modules with forward hooks, distractors gathered in feature space, autocast: as
         most people write it.
tuned    lean modules: the teacher stops at the last mapped layer; one product per layer for the loss and
         a gather of scalars; the last feed-forward and the heads on masked frames only; depthwise
         convolution as channels-last conv2d; relative keys as a shifted view that one product adds;
         bfloat16 weights made once per step; the teacher's products on packed weights with the
         activation fused; the student's as linear or 1x1 convolution, whichever this processor runs
         faster (MKL's float32 products take twice oneDNN's time on some); fused AdamW.

The C allocator keeps freed memory in both.

The answer is one JSON object with the keys of `colld benchmark distill --json`; the step is the median.
"""

import argparse
import json
import math
import os
import resource
import statistics
import sys
import time

# glibc hands large blocks back to the system at every free, and the next step pays for clearing the pages
# again: a tenth of a bfloat16 step. It reads these variables when a process starts.
if os.environ.get("MALLOC_MMAP_MAX_") is None:
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40), MALLOC_ARENA_MAX="1")
    os.execv(sys.executable, [sys.executable] + sys.argv)

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

FEATURES, FRAMES_PER_SECOND, KERNEL, LEFT, RIGHT, HEAD = 160, 50, 31, 64, 8, 64
DISTRACTORS, TEMPERATURE, SPAN, PROBABILITY = 100, 0.1, 10, 0.65
EPSILON = 1e-5


def uniform_mapping(student_layers, teacher_layers):
    """Teacher layer, from 1, for each student layer: floor(k T / S + 1/2)."""
    return [math.floor(k * teacher_layers / student_layers + 0.5) for k in range(1, student_layers + 1)]


def draw(batch, frames, rng):
    """Masked frames and distractors of one step.

    Returns mask [B, T] bool; rows [B, M] frame indices of the masked frames, padded by repetition; valid
    [B, M]; distractors [B, M, K], columns among the same clip's masked frames, never the anchor itself.
    """
    mask = np.zeros((batch, frames), bool)
    for clip in mask:
        spans = max(2, int(PROBABILITY * frames / SPAN + rng.random()))
        for start in rng.choice(frames - SPAN + 1, spans, replace=False):
            clip[start:start + SPAN] = True
    counts = mask.sum(1)
    most = counts.max()
    rows = np.zeros((batch, most), np.int64)
    distractors = np.zeros((batch, most, DISTRACTORS), np.int64)
    anchors = np.arange(most)[:, None]
    for b, count in enumerate(counts):
        rows[b, :count] = np.flatnonzero(mask[b])
        drawn = rng.integers(0, count - 1, (most, DISTRACTORS))
        distractors[b] = drawn + (drawn >= anchors)
    valid = np.arange(most)[None] < counts[:, None]
    return tuple(map(torch.from_numpy, (mask, rows, valid, np.minimum(distractors, counts[:, None, None] - 1))))


# ------------------------------------------------------------------------------------------------ tuned
def shifted(wide, frames):
    """wide [N, T, 2 T - 1] by distance -(T - 1) ... T - 1, seen as [N, T, T] by query and key."""
    return wide.as_strided(
        (wide.shape[0], frames, frames), (frames * (2 * frames - 1), 2 * frames - 2, 1), frames - 1)


class RelativeAttention(torch.autograd.Function):
    """softmax((q k^T + q E[clip(key - query)]) / sqrt(d)) v, for q, k, v [N, T, d] and E [73, d].

    The clipped distances are spread to all distances by repeating the outermost columns; a view whose rows
    are shifted by one against each other then is the bias of every query and key.
    """

    @staticmethod
    def forward(ctx, q, k, v, distance):
        n, frames, d = q.shape
        scale = d**-0.5
        near = torch.matmul(q, distance.t())
        before, after = frames - 1 - LEFT, frames - 1 - RIGHT
        wide = torch.cat((near[..., :1].expand(-1, -1, before), near,
                          near[..., -1:].expand(-1, -1, after)), -1)
        scores = torch.baddbmm(shifted(wide, frames), q, k.transpose(1, 2), beta=scale, alpha=scale)
        weights = scores.softmax(-1)
        ctx.save_for_backward(q, k, v, distance, weights)
        return torch.bmm(weights, v)

    @staticmethod
    def backward(ctx, grad):
        q, k, v, distance, weights = ctx.saved_tensors
        n, frames, d = q.shape
        scale = d**-0.5
        scores = torch.ops.aten._softmax_backward_data(
            torch.bmm(grad, v.transpose(1, 2)), weights, -1, weights.dtype)
        wide = scores.new_zeros(n, frames, 2 * frames - 1)
        shifted(wide, frames).copy_(scores)
        before, after = frames - LEFT, frames - 1 + RIGHT
        near = torch.cat((wide[..., :before].sum(-1, keepdim=True), wide[..., before:after],
                          wide[..., after:].sum(-1, keepdim=True)), -1).mul_(scale)
        grad_q = torch.matmul(near, distance).baddbmm_(scores, k, alpha=scale)
        grad_k = torch.bmm(scores.transpose(1, 2), q).mul_(scale)
        grad_v = torch.bmm(weights.transpose(1, 2), grad)
        return grad_q, grad_k, grad_v, torch.matmul(near.flatten(0, 1).t(), q.flatten(0, 1))


class Encoder(nn.Module):
    """w2v-BERT with all parameters of a kind named by layer; `run` is the whole forward pass."""

    def __init__(self, layers, width):
        super().__init__()
        self.layers, self.width = layers, width
        self.p = nn.ParameterDict()
        self._linear("project", FEATURES, width)
        self._norm("input_norm", FEATURES)
        self.p["mask_vector"] = nn.Parameter(torch.rand(width))
        for i in range(layers):
            for block in ("ffn1", "ffn2"):
                self._norm(f"{i}_{block}_norm", width)
                self._linear(f"{i}_{block}_up", width, 4 * width)
                self._linear(f"{i}_{block}_down", 4 * width, width)
            self._norm(f"{i}_attention_norm", width)
            self._linear(f"{i}_qkv", width, 3 * width)
            self._linear(f"{i}_out", width, width)
            self.p[f"{i}_distance"] = nn.Parameter(torch.randn(LEFT + RIGHT + 1, HEAD) * 0.02)
            self._norm(f"{i}_conv_norm", width)
            self._linear(f"{i}_conv_in", width, 2 * width, bias=False)
            depthwise = torch.randn(width, 1, 1, KERNEL) * KERNEL**-0.5
            self.p[f"{i}_depthwise"] = nn.Parameter(depthwise.contiguous(memory_format=torch.channels_last))
            self._norm(f"{i}_depthwise_norm", width)
            self._linear(f"{i}_conv_out", width, width, bias=False)
            self._norm(f"{i}_final_norm", width)

    def _linear(self, name, inputs, outputs, bias=True):
        self.p[name + "_w"] = nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5)
        if bias:
            self.p[name + "_b"] = nn.Parameter(torch.zeros(outputs))

    def _norm(self, name, width):
        self.p[name + "_w"] = nn.Parameter(torch.ones(width))
        self.p[name + "_b"] = nn.Parameter(torch.zeros(width))

    def weights(self, dtype):
        """The parameters for one step. Norms stay in float32: layer_norm mixes them with bfloat16 input."""
        return {k: v if "_norm" in k else v.to(dtype) for k, v in self.p.items()}

    def packed(self, dtype, rows):
        """The weights of a frozen encoder for inputs of that many rows, with products in oneDNN's layout."""
        return {k: torch.ops.mkldnn._reorder_linear_weight(v.detach(), rows)
                if k.endswith("_w") and "_norm" not in k else v for k, v in self.weights(dtype).items()}

    def run(self, w, x, rows, wanted, product, ffn=False, mask=None):
        """Masked rows [B M, D] of the wanted layers (from 1): outputs, or second feed-forward outputs.

        x [B, T, F]; rows [B M] into B T. Stops at the last wanted layer. `product` multiplies, adds the
        bias and, told so, applies SiLU.
        """
        batch, frames, _ = x.shape
        width, heads, found = self.width, self.width // HEAD, []

        def linear(v, name, silu=False):
            return product(v, w[name + "_w"], w.get(name + "_b"), silu)

        def norm(v, name):
            return F.layer_norm(v, (v.shape[-1],), w[name + "_w"], w[name + "_b"], EPSILON)

        def feed_forward(v, name):
            return linear(linear(norm(v, name + "_norm"), name + "_up", silu=True), name + "_down")

        x = linear(norm(x, "input_norm"), "project")
        if mask is not None:
            x = torch.where(mask[..., None], w["mask_vector"], x)
        for i in range(wanted[-1]):
            last = i + 1 == wanted[-1]
            x = x.add(feed_forward(x, f"{i}_ffn1"), alpha=0.5)

            q, k, v = linear(norm(x, f"{i}_attention_norm"), f"{i}_qkv").view(
                batch, frames, 3, heads, HEAD).permute(2, 0, 3, 1, 4).contiguous().flatten(1, 2)
            context = RelativeAttention.apply(q, k, v, w[f"{i}_distance"])
            context = context.view(batch, heads, frames, HEAD)
            x = x + linear(context.transpose(1, 2).reshape(batch, frames, width), f"{i}_out")

            h = F.glu(linear(norm(x, f"{i}_conv_norm"), f"{i}_conv_in"), -1)
            h = F.pad(h, (0, 0, KERNEL - 1, 0)).transpose(1, 2).unsqueeze(2)  # channels last: [B, D, 1, T]
            h = F.conv2d(h, w[f"{i}_depthwise"], groups=width).squeeze(2).transpose(1, 2)
            x = x + linear(F.silu(norm(h, f"{i}_depthwise_norm")), f"{i}_conv_out")

            if last:  # nobody reads the other frames
                x = x.reshape(-1, width)[rows]
            feature = feed_forward(x, f"{i}_ffn2")
            if last and ffn:
                return found + [feature]
            x = norm(x.add(feature, alpha=0.5), f"{i}_final_norm")
            if i + 1 in wanted:
                found.append(x if last else (feature if ffn else x).reshape(-1, width)[rows])
        return found


def packed_product(x, weight, bias, silu):
    """A frozen layer's product on a weight in oneDNN's layout, with the activation in the same pass."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "swish" if silu else "none", [], "")


def linear_product(x, weight, bias, silu):
    y = F.linear(x, weight, bias)
    return F.silu(y) if silu else y


def convolution_product(x, weight, bias, silu):
    """The same product as a 1x1 convolution of a channels-last image, which oneDNN always takes."""
    image = x.reshape(1, 1, -1, x.shape[-1]).permute(0, 3, 1, 2)
    y = F.conv2d(image, weight[..., None, None], bias).permute(0, 2, 3, 1)
    y = y.reshape(*x.shape[:-1], weight.shape[0])
    return F.silu(y) if silu else y


def faster_product(rows, width, dtype):
    """Of the two differentiable products the one that takes less time here, forward and backward."""
    x = torch.randn(rows, width, dtype=dtype, requires_grad=True)
    weight = torch.randn(4 * width, width, dtype=dtype, requires_grad=True)
    bias, grad = torch.zeros(4 * width, dtype=dtype, requires_grad=True), torch.randn(rows, 4 * width, dtype=dtype)
    best = {}
    for _ in range(8):
        for product in (linear_product, convolution_product):
            start = time.perf_counter()
            torch.autograd.grad(product(x, weight, bias, False), (x, weight, bias), grad)
            elapsed = time.perf_counter() - start
            best[product] = min(elapsed, best.get(product, math.inf))
    return min(best, key=best.get)


def contrastive(prediction, target, valid, distractors):
    """The loss of all layers at once: prediction, target [L, B, M, D]; a product, then a gather of scalars."""
    layers, batch, most, _ = prediction.shape
    # Norms divide the scores, which are far fewer numbers than the features.
    p, z = prediction.float().flatten(0, 1), target.float().flatten(0, 1)
    p_norm = torch.linalg.vector_norm(p, dim=-1, keepdim=True).clamp_min(1e-8)
    z_norm = torch.linalg.vector_norm(z, dim=-1, keepdim=True).clamp_min(1e-8)
    scores = torch.bmm(p, z.div_(z_norm * TEMPERATURE).transpose(1, 2)) / p_norm
    scores = scores.view(layers, batch, most, most)
    # Anchors first, so that one gather takes the positive with the distractors.
    anchor = torch.arange(most)[None, :, None].expand(batch, most, 1)
    logits = scores.gather(-1, torch.cat((anchor, distractors), -1).expand(layers, -1, -1, -1))
    loss = logits.logsumexp(-1) - logits[..., 0]
    return (loss * valid).sum() / (layers * valid.sum())


class Tuned:
    def __init__(self, a):
        self.dtype = torch.bfloat16 if a.precision == "bf16" else torch.float32
        self.mapping = uniform_mapping(a.student[0], a.teacher[0])
        self.product = faster_product(a.batch * a.frames, a.student[1], self.dtype)
        self.teacher = Encoder(*a.teacher).requires_grad_(False)
        self.teacher_weights = self.teacher.packed(self.dtype, a.batch * a.frames)
        self.student = Encoder(*a.student)
        pairs = len(self.mapping)
        self.heads = nn.Parameter(torch.randn(pairs, a.student[1], a.teacher[1]) * a.student[1]**-0.5)
        self.head_biases = nn.Parameter(torch.zeros(pairs, 1, a.teacher[1]))
        parameters = [*self.student.parameters(), self.heads, self.head_biases]
        decayed = [v for v in parameters if v.dim() > 1 and v is not self.head_biases]
        plain = [v for v in parameters if not (v.dim() > 1 and v is not self.head_biases)]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed}, {"params": plain, "weight_decay": 0.0}],
            lr=5e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01, fused=True)

    def step(self, features, mask, rows, valid, distractors):
        batch, most = rows.shape
        flat = (rows + torch.arange(batch)[:, None] * features.shape[1]).flatten()
        x = features.to(self.dtype)
        with torch.no_grad():
            target = torch.stack(self.teacher.run(
                self.teacher_weights, x, flat, self.mapping, packed_product, ffn=True))
        student = self.student
        states = torch.stack(student.run(
            student.weights(self.dtype), x, flat, list(range(1, student.layers + 1)), self.product, mask=mask))
        prediction = torch.baddbmm(self.head_biases.to(self.dtype), states, self.heads.to(self.dtype))
        pairs = len(self.mapping)
        loss = contrastive(
            prediction.view(pairs, batch, most, -1), target.view(pairs, batch, most, -1), valid, distractors)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


# ------------------------------------------------------------------------------------------------ eager
class Eager:
    def __init__(self, a):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

        def model(layers, width):
            return Wav2Vec2BertModel(Wav2Vec2BertConfig(
                num_hidden_layers=layers, hidden_size=width, intermediate_size=4 * width,
                num_attention_heads=width // HEAD, feature_projection_input_dim=FEATURES,
                conv_depthwise_kernel_size=KERNEL, left_max_position_embeddings=LEFT,
                right_max_position_embeddings=RIGHT, position_embeddings_type="relative_key", layerdrop=0.0,
                hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0,
                conformer_conv_dropout=0.0, final_dropout=0.0, mask_feature_prob=0.0))

        self.precision = a.precision
        self.teacher = model(*a.teacher).eval().requires_grad_(False)
        self.student = model(*a.student).train()
        self.mapping = uniform_mapping(a.student[0], a.teacher[0])
        self.heads = nn.ModuleList(nn.Linear(a.student[1], a.teacher[1]) for _ in self.mapping)
        self.optimizer = torch.optim.AdamW(
            [*self.student.parameters(), *self.heads.parameters()], lr=5e-4, betas=(0.9, 0.98), eps=1e-6)
        self.targets = {}
        for i, layer in enumerate(self.teacher.encoder.layers):
            layer.ffn2.register_forward_hook(
                lambda _module, _input, output, i=i: self.targets.__setitem__(i + 1, output))

    def step(self, features, mask, rows, valid, distractors):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            with torch.no_grad():
                self.teacher(features)
            states = self.student(features, mask_time_indices=mask, output_hidden_states=True).hidden_states
            predictions = [head(states[k + 1]) for k, head in enumerate(self.heads)]
        clip = torch.arange(len(rows))[:, None]
        loss = 0.0
        for prediction, l in zip(predictions, self.mapping):
            anchors = prediction.float()[clip, rows]                                     # [B, M, D]
            targets = self.targets[l].float()[clip, rows]
            negatives = targets[clip[..., None], distractors]                            # [B, M, K, D]
            candidates = torch.cat((targets[:, :, None], negatives), 2)
            logits = F.cosine_similarity(anchors[:, :, None], candidates, dim=-1) / TEMPERATURE
            per_frame = F.cross_entropy(
                logits.flatten(0, 1), torch.zeros(rows.numel(), dtype=torch.long), reduction="none")
            loss = loss + (per_frame * valid.flatten()).sum() / valid.sum()
        loss = loss / len(self.mapping)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


# ---------------------------------------------------------------------------------------------- figures
def flops(a, masked):
    """Multiplications and additions of the step's matrix products: teacher forward, student three times."""
    def layer(width):
        attention = 4 * a.frames * width + 2 * (LEFT + RIGHT + 1) * width
        return 2 * (16 + 4 + 3) * width**2 + attention + 2 * KERNEL * width
    rows = a.batch * a.frames
    pairs = a.student[0]
    teacher = rows * (layer(a.teacher[1]) * a.teacher[0] + 2 * FEATURES * a.teacher[1])
    student = rows * (layer(a.student[1]) * a.student[0] + 2 * FEATURES * a.student[1])
    heads = pairs * masked * 2 * a.student[1] * a.teacher[1]
    loss = pairs * masked * 2 * (masked / a.batch) * a.teacher[1]
    return teacher + 3 * (student + heads) + 2 * loss


def matmul_rate(dtype, size=2048):
    """The machine's own rate for a square product, in GFLOP/s: the best of ten, of either library."""
    x, y = torch.randn(size, size, dtype=dtype), torch.randn(size, size, dtype=dtype)
    packed, best = torch.ops.mkldnn._reorder_linear_weight(y, size), math.inf
    for _ in range(10):
        for product in (lambda: torch.matmul(x, y), lambda: packed_product(x, packed, None, False)):
            start = time.perf_counter()
            product()
            best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def spec(text):
    layers, width = map(int, text.split("x"))
    if width % HEAD:
        raise argparse.ArgumentTypeError(f"width {width} is no multiple of {HEAD}")
    return layers, width


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style", choices=("tuned", "eager"), default="tuned")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--teacher", type=spec, default="12x512")
    parser.add_argument("--student", type=spec, default="6x256")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    a.frames = round(a.seconds * FRAMES_PER_SECOND)
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    features = torch.randn(a.batch, a.frames, FEATURES)
    run = (Tuned if a.style == "tuned" else Eager)(a)
    times, losses, masked = [], [], []
    for number in range(a.warmup + a.steps):
        start = time.perf_counter()
        mask, rows, valid, distractors = draw(a.batch, a.frames, rng)
        loss = run.step(features, mask, rows, valid, distractors)
        if number >= a.warmup:
            times.append(time.perf_counter() - start)
            losses.append(loss)
            masked.append(int(valid.sum()))
    step = statistics.median(times)
    rate = matmul_rate(torch.bfloat16 if a.precision == "bf16" else torch.float32)
    achieved = flops(a, statistics.mean(masked)) / step / 1e9
    print(json.dumps({
        "style": a.style,
        "precision": a.precision,
        "threads": a.threads,
        "audio_seconds_per_second": round(a.batch * a.seconds / step, 3),
        "step_ms": round(step * 1e3, 2),
        "fastest_step_ms": round(min(times) * 1e3, 2),
        "loss": round(losses[-1], 4),
        "matmul_gflops": round(rate, 1),
        "model_gflops": round(achieved, 1),
        "fraction_of_matmul": round(achieved / rate, 4),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


main()
