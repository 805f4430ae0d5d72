"""What sampleflow.yaml calculates."""


def f(x, y):
    total = x + y  # the node's value: `value: total` in the YAML
    print("x + y =", total)


def g(a, times):
    return a * times
