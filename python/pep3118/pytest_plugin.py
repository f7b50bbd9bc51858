"""A pytest plugin for authors of exporters."""
