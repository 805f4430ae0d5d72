"""The functions of sampleflow.yaml; `value: x` there is the local variable as each returns."""


def f(x, y):
    x = x + y


def g(x, y):
    x = x * y


def i(x, y):
    x = x - y
