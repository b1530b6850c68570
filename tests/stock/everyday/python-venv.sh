#!/bin/bash
# An environment of Python with a package of one's own, without a network; its tests and its command are run.
/usr/bin/python3 -c 'import ensurepip' || exit 77
mkdir -p /srv/pkg/site_tool; cd /srv/pkg
printf 'def main():\n    print("ok")\n' >site_tool/__init__.py
printf 'import unittest, subprocess, sys, site_tool\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(subprocess.run([sys.executable, "-c", "import site_tool; site_tool.main()"], capture_output=True, text=True).stdout, "ok\\n")\n' >test_tool.py
printf 'from setuptools import setup\nsetup(name="site-tool", version="1", packages=["site_tool"], entry_points={"console_scripts": ["site-tool=site_tool:main"]})\n' >setup.py
/usr/bin/python3 -m venv --without-pip --system-site-packages /srv/venv
. /srv/venv/bin/activate
python -m pip --disable-pip-version-check install -q --no-index --no-build-isolation . || python setup.py -q install
python -m unittest -q; site-tool; python -m pip list --format=freeze; python -m compileall -q site_tool
