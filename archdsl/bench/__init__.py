"""Latency, throughput and memory of a network, as it is, optimized, compiled and exported."""

from archdsl.bench.benchmark import Benchmark, Measured, Options, bench
from archdsl.bench.forms import FORMS, Form, Subject

__all__ = ["FORMS", "Benchmark", "Form", "Measured", "Options", "Subject", "bench"]
