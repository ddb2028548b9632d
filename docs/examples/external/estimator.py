"""An estimator as AlphaRTC has them: what arrived in the last second, and a little more."""


class Estimator(object):
    def __init__(self):
        self.packets = []
        self.base = None

    def report_states(self, stats: dict):
        self.packets.append(stats)
        delay = stats["arrival_time_ms"] - stats["send_time_ms"]
        self.base = delay if self.base is None else min(self.base, delay)
        while self.packets[0]["arrival_time_ms"] < stats["arrival_time_ms"] - 1000:
            self.packets.pop(0)

    def get_estimated_bandwidth(self) -> int:
        if not self.packets:
            return int(3e5)
        last = self.packets[-1]
        received = 8 * sum(p["header_length"] + p["payload_size"] for p in self.packets)
        queue = last["arrival_time_ms"] - last["send_time_ms"] - self.base
        return int(received * (0.85 if queue > 60 else 1.3))
