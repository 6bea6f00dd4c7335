"""Networks that several tests take."""

SMALL = """
## A small network with a head.
block unit(width) { conv(width, 3) -> bn -> relu }

network small(classes: int = 10, width: int = 4) {
  input image [1, 8, 8]
  stem: unit(width)
  for i in 0..3 { "stage{i}": unit(width) }
  aux(weight = 0.3) early: { gap; flatten; fc: linear(classes) }
  gap; flatten
  fc: linear(classes)
}

train { data = digits; epochs = 1; batch = 256; optimizer = sgd(lr = 0.05); seed = 3 }
"""
