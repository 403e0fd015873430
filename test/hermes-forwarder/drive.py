"""Stands in for Hermes' gateway: loads the hook as Hermes does, and passes on the events that it reads from stdin.

A line is [event_type, context], or "counts" has the forwarder's counts printed.
"""

import importlib.util
import json
import os
import sys

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "hooks", "hermes", "handler.py")

spec = importlib.util.spec_from_file_location("hermes_hook_hookspan", HOOK)
hook = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = hook
spec.loader.exec_module(hook)

print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    told = json.loads(line)
    if told == "counts":
        forwarder = hook.start("gateway")
        print(json.dumps({**forwarder.counts, "waiting": len(forwarder.waiting())}), flush=True)
    else:
        print(json.dumps(hook.handle(*told)), flush=True)
