#!/usr/bin/env python3
"""Runs an unmodified AlphaRTC-style estimator as a controller.

    congestion:
      controller: {exec: [python3, alphartc_shim.py, BandwidthEstimator.py], protocol: alphartc}

The file named on the command line has a class Estimator with
report_states(stats: dict) and get_estimated_bandwidth() -> int, in bit/s. What it
prints goes to standard error, as standard output is for replies.
"""

import importlib.util
import json
import os
import sys


def load(path):
    """Returns the class Estimator of a file, which may import its neighbours."""
    path = os.path.abspath(path)
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("estimator", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["estimator"] = module
    spec.loader.exec_module(module)
    return module.Estimator


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: alphartc_shim.py FILE: a Python file with a class Estimator")
    replies, sys.stdout = sys.stdout, sys.stderr
    estimator = load(sys.argv[1])()
    for line in sys.stdin:
        if line.strip() == "RequestBandwidth":
            print(int(estimator.get_estimated_bandwidth()), file=replies, flush=True)
        else:
            estimator.report_states(json.loads(line))


if __name__ == "__main__":
    main()
