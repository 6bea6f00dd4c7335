"""Networks that the tests of probing take."""

STACK = """
block unit(width, normed) {
  skip {
    if normed { bn }
    relu; linear(width)
  }
}

network stack(blocks: int = 3, normed: bool = true, start = he) {
  input image [1, 8, 8]
  flatten
  stem: linear(32)
  act: relu
  for i in 0..blocks { unit(32, normed) }
  fc: linear(10)
  init { linear = start }
}

train { data = digits; epochs = 1; batch = 128; optimizer = sgd(lr = 0.05); seed = 3 }
"""
