"""What an optimizer does to weights ``w`` and its state, in place, given their gradients ``g``.

Written once for both: ``i`` is the number of an element in the loops of `update`, and ``...``, all at once, for NumPy.
"""

import numpy as np

__all__ = ["adadelta", "adam", "rmsprop", "sgd"]


def sgd(i, w, g, v, lr, momentum, gain, decay, maximize, nesterov):
    """``v ← μ v + gain·g`` and ``w ← w − lr·v``, with nesterov along ``g + μ v``; where v is None, along g."""
    step = slope(w[i], g[i], decay, maximize)
    if v is not None:
        v[i] *= momentum
        v[i] += gain * step
        step = step + momentum * v[i] if nesterov else v[i]
    w[i] -= lr * step


def rmsprop(i, w, g, s, m, v, lr, alpha, rest, eps, momentum, decay, maximize, inside):
    """``s ← α s + rest·g²`` and ``w ← w − lr·g / √s``; less the square of the mean m, and with momentum v, if any."""
    d = slope(w[i], g[i], decay, maximize)
    s[i] *= alpha
    s[i] += rest * (d * d)
    spread = s[i]
    if m is not None:
        m[i] *= alpha
        m[i] += rest * d
        spread = abs(spread - m[i] * m[i])  # which rounding may leave below 0
    step = d / root(spread, eps, inside)
    if v is not None:
        v[i] *= momentum
        v[i] += step
        step = v[i]
    w[i] -= lr * step


def adam(i, w, g, v, s, m, rate, beta1, rest1, beta2, rest2, eps, keep, decay, maximize, inside):
    """``v ← β₁ v + (1 − β₁) g``, ``s ← β₂ s + (1 − β₂) g²``, ``w ← keep·w − rate·v / √s``: rate and ε correct the bias.

    With m, the largest s so far, for s.
    """
    x = w[i]
    d = slope(x, g[i], decay, maximize)
    v[i] = mean = beta1 * v[i] + rest1 * d
    s[i] = square = beta2 * s[i] + rest2 * (d * d)
    if m is not None:
        m[i] = square = np.maximum(m[i], square)
    if keep != 1:
        x = keep * x
    w[i] = x - rate * (mean / root(square, eps, inside))


def adadelta(i, w, g, s, u, lr, rho, rest, eps, decay, maximize):
    """``s ← ρ s + rest·g²``, ``d = g √(u + ε) / √(s + ε)``, ``u ← ρ u + rest·d²``, ``w ← w − lr·d``."""
    d = slope(w[i], g[i], decay, maximize)
    s[i] *= rho
    s[i] += rest * (d * d)
    d = d * (np.sqrt(u[i] + eps) / np.sqrt(s[i] + eps))
    u[i] *= rho
    u[i] += rest * (d * d)
    w[i] -= lr * d


def slope(w, g, decay, maximize):
    """The gradient of what is to be minimized."""
    if maximize:
        g = -g
    return g + decay * w if decay else g


def root(s, eps, inside):
    """``√(s + ε)``, or ``√s + ε``."""
    return np.sqrt(s + eps) if inside else np.sqrt(s) + eps
