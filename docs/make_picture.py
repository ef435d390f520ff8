"""Draw docs/neuron.svg, the picture in the README: ``python docs/make_picture.py``."""

from pathlib import Path

import autograd_lite as al

w = al.tensor([0.5, -1.0], requires_grad=True)
b = al.tensor(0.3, requires_grad=True)
w.name, b.name = "w", "b"
x = al.tensor([1.0, 2.0])

with al.trace():
    a = al.tanh((w * x).sum() + b)
a.backward(retain_graph=True)

al.draw(a).render_to(Path(__file__).with_name("neuron.svg"))
