"""Objective measures of audio, with numpy alone: what a resampler or a level stage did to a signal.

Signals are 1-D float64 arrays at the scale of 16-bit PCM. Measures leave out `EDGE_SECONDS` at both ends, where every filter
rings. The limits that a good path keeps stand with the tests; `test_quality` shows that bad ones break them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Signal: TypeAlias = npt.NDArray[np.float64]

EDGE_SECONDS = 0.1
AMPLITUDE = 0.9 * 32767
FORMANTS = ((500.0, 150.0), (1500.0, 250.0), (2500.0, 350.0), (4200.0, 600.0))
"""Of the speech made here: centre and width in Hz."""


def signal(pcm: bytes) -> Signal:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def pcm(samples: Signal) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def tone(frequency: float, rate: int, seconds: float = 1.0, amplitude: float = AMPLITUDE) -> Signal:
    made: Signal = amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)
    return made


def speech(rate: int, seconds: float = 1.0) -> Signal:
    """Like speech: a gliding voice with formants, in syllables, with a little breath; band-limited to 6.4 kHz or 0.8 Nyquist."""
    time = np.arange(round(rate * seconds)) / rate
    pitch = 2 * np.pi * (110 * time - 8 * np.cos(2 * np.pi * 1.3 * time))
    top = min(6_400, 0.4 * rate)
    voice = np.zeros(len(time))
    for harmonic in range(1, int(top / 185)):
        centre = 110.0 * harmonic
        weight = sum(np.exp(-(((centre - formant) / width) ** 2)) for formant, width in FORMANTS)
        voice += (weight + 0.01) * np.sin(harmonic * pitch + harmonic**2)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, None) ** 0.7
    breath = low_passed(np.random.default_rng(7).standard_normal(len(time)), top / rate * 2)
    made: Signal = (voice / np.abs(voice).max() + 0.003 * breath) * syllables
    made *= 0.5 * 32767 / np.abs(made).max()
    return made


def low_passed(samples: Signal, share: float) -> Signal:
    """Without all above `share` of the Nyquist frequency."""
    spectrum = np.fft.rfft(samples)
    spectrum[int(len(spectrum) * share) :] = 0
    return np.fft.irfft(spectrum, len(samples))


def reference(samples: Signal, length: int) -> Signal:
    """`samples` resampled to `length` frames in one go by Fourier's series: an ideal filter, except at the ends."""
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(length // 2 + 1, complex)
    count = min(len(kept), len(spectrum))
    kept[:count] = spectrum[:count]
    return np.fft.irfft(kept, length) * (length / len(samples))


def decibels(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-12)))


def rms(samples: Signal) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def inner(samples: Signal, rate: int) -> Signal:
    edge = round(rate * EDGE_SECONDS)
    return samples[edge:-edge]


def residual(samples: Signal, frequency: float, rate: int) -> Signal:
    """What is left when the best fitting tone (and offset) is taken out."""
    turn = 2 * np.pi * frequency * np.arange(len(samples)) / rate
    basis = np.stack((np.sin(turn), np.cos(turn), np.ones(len(samples))), axis=1)
    fitted: Signal = basis @ np.linalg.lstsq(basis, samples, rcond=None)[0]
    return samples - fitted


def sinad(samples: Signal, frequency: float, rate: int) -> float:
    """dB between a tone and everything else: noise, distortion, images, seams, gaps."""
    samples = inner(samples, rate)
    return decibels(rms(samples) / rms(residual(samples, frequency, rate)))


def spikes(samples: Signal, frequency: float, rate: int) -> float:
    """Worst against usual: the residual's peak in each 5 ms, maximum over median. Seams stand out."""
    left = np.abs(residual(inner(samples, rate), frequency, rate))
    size = rate // 200
    peaks = left[: len(left) // size * size].reshape(-1, size).max(axis=1)
    return float(peaks.max() / np.median(peaks))


def alias(samples: Signal, rate: int, amplitude: float = AMPLITUDE) -> float:
    """dB of what came through of a tone that the output cannot carry, against the tone."""
    return decibels(rms(inner(samples, rate)) * np.sqrt(2) / amplitude)


def border_ratio(samples: Signal, rate: int, seconds: float) -> float:
    """Roughness at the borders of chunks of `seconds`, against everywhere else. Needs some seconds to be steady."""
    rough = np.abs(np.diff(samples, 4))
    borders = np.rint(np.arange(1, int(len(samples) / rate / seconds) - 1) * seconds * rate).astype(int) - 3
    near = np.zeros(len(rough), bool)
    near[borders[:, None] + np.arange(-2, 3)] = True
    return float(rough[near].mean() / rough[~near].mean())


def band_snr(samples: Signal, wanted: Signal, rate: int, share: float = 0.8) -> float:
    """dB between `wanted` and the difference from it, below `share` of the Nyquist frequency."""
    wanted = inner(wanted, rate)
    window = np.hanning(len(wanted))
    band = slice(0, int(len(wanted) // 2 * share))
    difference = np.abs(np.fft.rfft((inner(samples, rate) - wanted) * window))[band]
    return decibels(float(np.linalg.norm(np.abs(np.fft.rfft(wanted * window))[band]) / np.linalg.norm(difference)))


def interleaved(left: Signal, right: Signal) -> Signal:
    return np.stack((left, right), axis=1).ravel()
