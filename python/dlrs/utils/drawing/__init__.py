"""Pictures of graphs, without Graphviz: boxes and groups, a layered layout, SVG and bitmaps."""
