#!/bin/sh
# Such lines say how far a node is, and are no part of its value.
echo "# cloudmesh status=running progress=1 pid=$$"
sleep 0.5
echo "# cloudmesh status=running progress=50 pid=$$"
sleep 0.5
echo "12 7 23"
echo "# cloudmesh status=done progress=100 pid=$$"
