"""Graphviz DOT, an encoder and a component, brought to VinciCoder plugins by entry points."""
