"""What an optimizer does to weights ``w`` and its state, in place, given their gradients ``g``.

Written once for both: ``i`` is the number of an element in the loops of `update`, and ``...``, all at once, for NumPy.
"""

import numpy as np

__all__ = ["adam", "rmsprop", "sgd"]


def sgd(i, w, g, v, lr, momentum, gain, decay, maximize, nesterov):
    """``v ← μ v + gain·g`` and ``w ← w − lr·v``, with nesterov along ``g + μ v``; where v is None, along g."""
    x = w[i]
    step = slope(x, g[i], decay, maximize)
    if v is not None:
        v[i] = speed = momentum * v[i] + gain * step
        step = step + momentum * speed if nesterov else speed
    w[i] = x - lr * step


def rmsprop(i, w, g, s, m, v, lr, alpha, rest, eps, momentum, decay, maximize, inside):
    """``s ← α s + rest·g²`` and ``w ← w − lr·g / √s``; less the square of the mean m, and with momentum v, if any."""
    x = w[i]
    d = slope(x, g[i], decay, maximize)
    s[i] = spread = alpha * s[i] + rest * (d * d)
    if m is not None:
        m[i] = mean = alpha * m[i] + rest * d
        spread = abs(spread - mean * mean)  # which rounding may leave below 0
    step = d / root(spread, eps, inside)
    if v is not None:
        v[i] = step = momentum * v[i] + step
    w[i] = x - lr * step


def adam(i, w, g, v, s, rate, beta1, beta2, eps, decay, maximize, inside):
    """``v ← β₁ v + g``, ``s ← β₂ s + g²``, ``w ← w − rate·v / √s``: rate and ε make up for the factors ``1 − β``."""
    x = w[i]
    d = slope(x, g[i], decay, maximize)
    v[i] = mean = beta1 * v[i] + d
    s[i] = square = beta2 * s[i] + d * d
    w[i] = x - rate * (mean / root(square, eps, inside))


def slope(w, g, decay, maximize):
    """The gradient of what is to be minimized."""
    if maximize:
        g = -g
    return g + decay * w if decay else g


def root(s, eps, inside):
    """``√(s + ε)``, or ``√s + ε``."""
    return np.sqrt(s + eps) if inside else np.sqrt(s) + eps
