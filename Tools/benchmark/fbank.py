"""Times the filterbank of `colld` beside kaldi-native-fbank's, in turns, and compares their values.

    fbank.py [--rounds 3] [--clips 60] [--seconds 10]

Both take the same 16-bit recordings from memory, on one thread: `colld` computes log-mel energies and
normalises them, kaldi-native-fbank only computes the energies. Values are compared after normalisation
with Kaldi's formula written out in float64; kaldi-native-fbank computes in float32, whose rounding shows
beside loud bins. Ratios above 1 say that `colld` is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import kaldi_native_fbank as knf
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COLLD = os.path.join(ROOT, ".build/release/colld")
RATE = 16000
# Of the golden tests, of values after normalisation.
MARK = 1e-4


def recording(seconds, seed):
    """16-bit samples: voiced and unvoiced stretches of varying loudness over a faint noise."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    time_axis = np.arange(count) / RATE
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time_axis + random.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 30))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time_axis + random.uniform(0, 6)), 0, None)
    signal = 0.1 * syllables * voice + 0.02 * random.standard_normal(count)
    return np.clip(np.round(signal * 32768), -32768, 32767).astype(np.int16)


def options():
    result = knf.FbankOptions()
    result.frame_opts.samp_freq = RATE
    result.frame_opts.dither = 0
    result.frame_opts.window_type = "povey"
    result.frame_opts.preemph_coeff = 0.97
    result.frame_opts.snip_edges = True
    result.mel_opts.num_bins = 80
    result.mel_opts.low_freq = 20
    result.mel_opts.high_freq = RATE // 2
    return result


def reference_pass(clips):
    """Seconds of one pass, and the extractors that hold the frames."""
    extractors = [knf.OnlineFbank(options()) for _ in clips]
    start = time.perf_counter()
    for extractor, clip in zip(extractors, clips):
        extractor.accept_waveform(RATE, clip)
        extractor.input_finished()
    return time.perf_counter() - start, extractors


def written_out(clip):
    """The log-mel energies of a clip by Kaldi's formula."""
    length, hop, size, bins = 400, 160, 512, 80
    starts = hop * np.arange(1 + (len(clip) - length) // hop)
    frames = clip.astype(np.float64)[starts[:, None] + np.arange(length)]
    frames -= frames.mean(1, keepdims=True)
    frames -= 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    frames *= (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))) ** 0.85
    power = np.abs(np.fft.rfft(frames, size)) ** 2

    def mel(frequency):
        return 1127 * np.log(1 + frequency / 700)

    corners = np.linspace(mel(20), mel(RATE / 2), bins + 2)[:, None]
    places = mel(np.arange(size // 2 + 1) * RATE / size)
    rise = (places - corners[:-2]) / (corners[1:-1] - corners[:-2])
    fall = (corners[2:] - places) / (corners[2:] - corners[1:-1])
    filters = np.maximum(0, np.minimum(rise, fall))
    return np.log(np.maximum(power @ filters.T, np.finfo(np.float32).eps))


def normalised(frames):
    """What the encoder takes of a clip: bins with mean 0 and variance 1, two frames a row."""
    frames = (frames - frames.mean(0)) / np.sqrt(frames.var(0, ddof=1) + 1e-7)
    return frames[: len(frames) // 2 * 2].reshape(len(frames) // 2, -1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()

    recordings = [recording(arguments.seconds, seed) for seed in range(arguments.clips)]
    clips = [samples.astype(np.float32) for samples in recordings]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, samples in enumerate(recordings):
            paths.append(os.path.join(folder, f"{index}.wav"))
            with wave.open(paths[-1], "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(samples.tobytes())
        output = os.path.join(folder, "features.npy")
        ours, reference = [], []
        for _ in range(arguments.rounds):
            answer = subprocess.run(
                [COLLD, "benchmark", "features", "--json", "--repeats", str(arguments.repeats),
                 "--output", output, "--audio", *paths], check=True, stdout=subprocess.PIPE).stdout
            ours.append(json.loads(answer)["median_ms"])
            reference_pass(clips)
            passes = [reference_pass(clips) for _ in range(arguments.repeats)]
            reference.append(1e3 * statistics.median(seconds for seconds, _ in passes))
        features = np.load(output)

    differences = {"colld": 0.0, "kaldi-native-fbank": 0.0}
    for clip, row, extractor in zip(clips, features, passes[-1][1]):
        frames = np.stack([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])
        expected = normalised(written_out(clip))
        for name, values in (("colld", row[: len(expected)]),
                             ("kaldi-native-fbank", normalised(frames.astype(np.float64)))):
            found = float(np.abs(values - expected).max())
            differences[name] = max(differences[name], found)
    total = arguments.clips * arguments.seconds
    ratio = statistics.median(reference) / statistics.median(ours)
    print(f"{arguments.clips} clips of {arguments.seconds:g} s, one thread, "
          f"median of {arguments.rounds} medians\n")
    print("| | ms | seconds of audio a second | largest difference |\n|---|---|---|---|")
    for name, times in (("colld", ours), ("kaldi-native-fbank", reference)):
        median = statistics.median(times)
        print(f"| {name} | {median:.1f} | {total / median * 1e3:.0f} | {differences[name]:.1e} |")
    print(f"\nkaldi-native-fbank {knf.__version__}, ratio {ratio:.2f}")
    if ratio < 1:
        sys.exit("slower than kaldi-native-fbank")
    if not differences["colld"] <= MARK:
        sys.exit(f"further away than {MARK:g}")


if __name__ == "__main__":
    main()
