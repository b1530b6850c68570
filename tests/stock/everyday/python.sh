#!/bin/bash
# A wheel is made, compiled and used.
cd /tmp; mkdir -p pkg/foo; echo "x=1" >pkg/foo/__init__.py; cd pkg; python3 -m zipfile -c /tmp/foo.whl foo; python3 -m compileall -q foo; PYTHONPATH=/tmp/foo.whl python3 -c "import foo;print(foo.x)"
