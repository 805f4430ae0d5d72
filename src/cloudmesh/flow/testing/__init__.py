"""For tests of flows: a store in memory, random flows, faults, and the simulation by the seed.

``open_store("memory://any-name")`` gives a store that lives as long as the process.
"""
