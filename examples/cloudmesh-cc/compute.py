"""A program of its own: what it prints is its value, but for lines that say how far it is."""

print("# cloudmesh status=running progress=1", flush=True)
total = sum(number * number for number in range(1000))
print("# cloudmesh status=running progress=100", flush=True)
print(total)
