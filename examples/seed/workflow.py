"""The functions with a dict return: what a node returns says how it is shown.

cms flow run examples/seed/workflow.py --view
"""

from time import sleep

from cloudmesh.flow import workflow


def a():
    print("a")
    sleep(1)
    return {"status": "done", "color": "green", "shape": "circle", "label": "a"}


def b():
    print("b")
    sleep(2)
    return {"status": "done", "color": "green", "shape": "circle", "label": "b"}


def c():
    print("c")
    sleep(3)
    x = 10
    return {"status": "done", "color": "green", "shape": "circle", "label": "c", "value": x}


w = workflow("a; b | c")

if __name__ == "__main__":
    run = w.run()
    print(run.status, run.values)
