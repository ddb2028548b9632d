#!/usr/bin/env python3
"""A rate controller as a program: it follows the loss, and backs off from delay.

It speaks simrun-v1, see docs/external-controllers.md: a JSON line comes in on
standard input, a JSON line goes out as the reply. It is an example to start from,
not a controller to use.
"""

import json
import sys


class Controller:
    def __init__(self, limits, parameters):
        self.min, self.max, self.rate = limits["min"], limits["max"], float(limits["start"])
        self.growth = float(parameters.get("growth", 0.05))
        self.allowed = float(parameters.get("queue-ms", 50)) * 1e6
        self.base = None  # the least delay so far; the clocks' offset is part of it
        self.delays, self.lost, self.last = [], 0, 0  # since the last decision, and when that was

    def feedback(self, message):
        """Takes the results of packets, and decides five times a second."""
        for _, _, sent, arrival, _, _ in message["packets"]:
            if arrival is None:
                self.lost += 1
            else:
                self.delays.append(arrival - sent)
        if not self.delays or message["t_ns"] - self.last < 200e6:
            return None
        lost = self.lost / (self.lost + len(self.delays))
        self.base = min(self.delays) if self.base is None else min(self.base, *self.delays)
        queue = sum(self.delays) / len(self.delays) - self.base
        self.delays, self.lost, self.last = [], 0, message["t_ns"]
        if lost > 0.1 or queue > self.allowed:
            self.rate *= 0.85
        elif lost < 0.02:
            self.rate *= 1 + self.growth
        self.rate = min(max(self.rate, self.min), self.max)
        return {"loss": lost, "queue": queue / 1e6}


def main():
    controller = None
    for line in sys.stdin:
        message = json.loads(line)
        reply = {}
        if message["type"] == "init":
            controller = Controller(message["limits"], message["parameters"])
            reply["signals"] = [{"name": "loss"}, {"name": "queue", "unit": "ms"}]
        elif message["type"] == "feedback":
            signals = controller.feedback(message)
            if signals:
                reply["signals"] = signals
        reply["target"] = {"media": controller.rate, "pacing": 1.5 * controller.rate}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
