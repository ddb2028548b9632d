#!/usr/bin/env python3
"""Trains an agent on a scenario by random search, and evaluates it on other seeds.

    SIMRUN=bin/simrun python3 docs/examples/gym/search.py scenarios/quickstart.yaml

The agent grows its rate while the queue is short, and cuts it otherwise: growth, cut
and the queue that it allows are what is searched for.
"""

import random
import sys

from simrun_gym import SimrunEnv

TRIALS, TRAINING, TEST = 30, [1, 2], [11, 12, 13]
START = {"growth": 0.1, "cut": 0.1, "queue": 0.25}  # not good


def episode(env, agent, seed):
    """Returns the sum of rewards."""
    names = [f["name"] for f in env.spec_sheet["observation"]]
    queue, loss, lowest = names.index("queue-delay"), names.index("loss"), env.action_space.low[0]
    rate, total, over = lowest, 0.0, False
    observation, _ = env.reset(seed=seed)
    while not over:
        if observation[queue] > agent["queue"] or observation[loss] > 0.1:
            rate *= 1 - agent["cut"]
        else:
            rate *= 1 + agent["growth"]
        rate = min(max(rate, lowest), env.action_space.high[0])
        observation, reward, terminated, truncated, _ = env.step([rate])
        total, over = total + reward, terminated or truncated
    return total


def mean(env, agent, seeds):
    return sum(episode(env, agent, seed) for seed in seeds) / len(seeds)


def main():
    draw = random.Random(1)
    with SimrunEnv(sys.argv[1]) as env:
        best, earned = START, mean(env, START, TRAINING)
        for _ in range(TRIALS):
            agent = {name: value * draw.uniform(0.5, 1.8) for name, value in best.items()}
            agent["cut"] = min(agent["cut"], 0.9)
            if (result := mean(env, agent, TRAINING)) > earned:
                best, earned = agent, result
        print("untrained %.1f" % mean(env, START, TEST))
        print("trained   %.1f" % mean(env, best, TEST), {name: round(v, 4) for name, v in best.items()})


if __name__ == "__main__":
    main()
