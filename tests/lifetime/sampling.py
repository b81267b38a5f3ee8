"""The options of a short run of many mutations; tests/mutation uses them, too."""

import random


def add_options(parser):
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="judge only so many")
    parser.add_argument("--seed", type=int, default=0, help="which ones --sample takes")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none after so long")


def sample(mutations, options):
    """--sample of the mutations. One --seed after the other takes each in turn."""
    if not options.sample:
        return mutations
    shuffled = random.Random(0).sample(mutations, len(mutations))
    begin = options.seed * options.sample % len(shuffled)
    return (shuffled + shuffled)[begin:begin + min(options.sample, len(shuffled))]
